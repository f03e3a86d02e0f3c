// Package dhcp4 is the format of DHCP messages, as a client needs it: RFC 2131 and the options of RFC 2132 that
// configure an interface, and RFC 3442's routes.
package dhcp4

import (
	"encoding/binary"
	"errors"
	"net/netip"
	"strings"
)

// A Type is a kind of message (RFC 2132, 9.6).
type Type byte

// The types.
const (
	Discover Type = 1
	Offer    Type = 2
	Request  Type = 3
	Decline  Type = 4
	ACK      Type = 5
	NAK      Type = 6
	Release  Type = 7
)

// Ports of UDP.
const (
	ServerPort = 67
	ClientPort = 68
)

// Options (RFC 2132; 119 is RFC 3397, 121 is RFC 3442).
const (
	optPad         = 0
	optMask        = 1
	optRouter      = 3
	optServers     = 6
	optHostname    = 12
	optDomain      = 15
	optMTU         = 26
	optBroadcast   = 28
	optRequestedIP = 50
	optLease       = 51
	optOverload    = 52
	optType        = 53
	optServerID    = 54
	optParameters  = 55
	optMaxSize     = 57
	optRenewal     = 58
	optRebinding   = 59
	optClientID    = 61
	optRoutes      = 121
	optEnd         = 255
)

// Layout of a message (RFC 2131, 2).
const (
	fixedLen  = 236
	headerLen = fixedLen + len(magic)
	minLen    = 300 // what BOOTP relays expect
	maxLen    = 1472

	magic = "\x63\x82\x53\x63"

	opRequest, opReply = 1, 2
	ethernet           = 1
	flagBroadcast      = 0x8000
)

// ErrFormat means that a message makes no sense.
var ErrFormat = errors.New("dhcp4: a malformed message")

// A Message is what a client sends or, with Reply's fields, receives. Addresses that are not there are not valid.
type Message struct {
	Type     Type
	XID      uint32
	Seconds  uint16 // since the client began
	MAC      [6]byte
	Client   netip.Addr // the address that the client has and uses
	Yours    netip.Addr // the address that it is given
	Server   netip.Addr // the server's identifier
	Wanted   netip.Addr // the address that the client would like
	Hostname string
	Reply    bool // from a server

	Mask      int // length of the prefix, 0 if it was not said
	Routers   []netip.Addr
	Servers   []netip.Addr // of names
	Domain    string
	MTU       int
	Lease     uint32 // seconds; these are 0 if they were not said
	Renewal   uint32
	Rebinding uint32
	Routes    []Route
}

// A Route is a static route; with an unspecified gateway, the destination is on the link.
type Route struct {
	To      netip.Prefix
	Gateway netip.Addr
}

// Append encodes m as a client's message.
func (m *Message) Append(b []byte) []byte {
	start := len(b)
	b = append(b, opRequest, ethernet, byte(len(m.MAC)), 0)
	b = binary.BigEndian.AppendUint32(b, m.XID)
	b = binary.BigEndian.AppendUint16(b, m.Seconds)
	b = binary.BigEndian.AppendUint16(b, 0) // the frame's destination is ours: no need to broadcast
	b = append(b, address(m.Client)...)
	b = append(b, make([]byte, 12)...)
	b = append(b, m.MAC[:]...)
	b = append(b, make([]byte, fixedLen-(len(b)-start))...)
	b = append(b, magic...)

	b = append(b, optType, 1, byte(m.Type))
	b = append(append(b, optClientID, byte(1+len(m.MAC)), ethernet), m.MAC[:]...)
	if m.Wanted.Is4() {
		b = append(append(b, optRequestedIP, 4), address(m.Wanted)...)
	}
	if m.Server.Is4() {
		b = append(append(b, optServerID, 4), address(m.Server)...)
	}
	if n := len(m.Hostname); n > 0 && n <= 255 {
		b = append(append(b, optHostname, byte(n)), m.Hostname...)
	}
	b = binary.BigEndian.AppendUint16(append(b, optMaxSize, 2), maxLen)
	b = append(b, optParameters, 11, optMask, optRoutes, optRouter, optServers, optHostname, optDomain, optMTU, optBroadcast,
		optLease, optRenewal, optRebinding)
	b = append(b, optEnd)
	for len(b)-start < minLen {
		b = append(b, optPad)
	}
	return b
}

// address returns the four bytes of a, zeros if it is not there.
func address(a netip.Addr) []byte {
	if !a.Is4() {
		return make([]byte, 4)
	}
	v := a.As4()
	return v[:]
}

// Parse decodes a message.
func Parse(b []byte) (*Message, error) {
	if len(b) < headerLen || string(b[fixedLen:headerLen]) != magic || b[1] != ethernet || b[2] != 6 {
		return nil, ErrFormat
	}
	m := &Message{
		Reply:   b[0] == opReply,
		XID:     binary.BigEndian.Uint32(b[4:]),
		Seconds: binary.BigEndian.Uint16(b[8:]),
		MAC:     [6]byte(b[28:34]),
		Client:  used(b[12:16]),
		Yours:   used(b[16:20]),
	}
	options, err := split(b[headerLen:], b[108:fixedLen], b[44:108])
	if err != nil {
		return nil, err
	}
	for code, v := range options {
		if !m.option(code, v) {
			return nil, ErrFormat
		}
	}
	if m.Type == 0 {
		return nil, ErrFormat
	}
	return m, nil
}

// used returns an address, none for 0.0.0.0.
func used(b []byte) netip.Addr {
	a := netip.AddrFrom4([4]byte(b))
	if a.IsUnspecified() {
		return netip.Addr{}
	}
	return a
}

// split returns the values of options; of one that is there several times they are put together (RFC 3396). file and name are
// fields that may hold more options.
func split(options, file, name []byte) (map[byte][]byte, error) {
	all := map[byte][]byte{}
	if err := splitField(all, options); err != nil {
		return nil, err
	}
	overload := all[optOverload]
	if len(overload) != 1 {
		return all, nil
	}
	for bit, field := range [][]byte{file, name} {
		if overload[0]&(1<<bit) == 0 {
			continue
		}
		if err := splitField(all, field); err != nil {
			return nil, err
		}
	}
	return all, nil
}

func splitField(all map[byte][]byte, b []byte) error {
	for len(b) > 0 {
		switch b[0] {
		case optEnd:
			return nil
		case optPad:
			b = b[1:]
			continue
		}
		if len(b) < 2 || len(b) < 2+int(b[1]) {
			return ErrFormat
		}
		code, n := b[0], int(b[1])
		all[code] = append(all[code], b[2:2+n]...)
		b = b[2+n:]
	}
	return nil
}

// option sets what an option says and reports whether it makes sense.
func (m *Message) option(code byte, v []byte) bool {
	number := func(to *uint32) bool {
		if len(v) != 4 {
			return false
		}
		*to = binary.BigEndian.Uint32(v)
		return true
	}
	switch code {
	case optType:
		if len(v) != 1 {
			return false
		}
		m.Type = Type(v[0])
	case optMask:
		if len(v) != 4 {
			return false
		}
		mask := binary.BigEndian.Uint32(v)
		for m.Mask = 0; mask&(1<<31) != 0; mask <<= 1 {
			m.Mask++
		}
		return mask == 0
	case optRouter:
		return addresses(&m.Routers, v)
	case optServers:
		return addresses(&m.Servers, v)
	case optServerID:
		return one(&m.Server, v)
	case optRequestedIP:
		return one(&m.Wanted, v)
	case optDomain:
		m.Domain = text(v)
	case optHostname:
		m.Hostname = text(v)
	case optMTU:
		if len(v) != 2 {
			return false
		}
		m.MTU = int(binary.BigEndian.Uint16(v))
	case optLease:
		return number(&m.Lease)
	case optRenewal:
		return number(&m.Renewal)
	case optRebinding:
		return number(&m.Rebinding)
	case optRoutes:
		return m.routes(v)
	}
	return true
}

// text returns a string option, without the zeros that some servers end it with.
func text(v []byte) string { return strings.TrimRight(string(v), "\x00") }

func one(to *netip.Addr, v []byte) bool {
	if len(v) != 4 {
		return false
	}
	*to = netip.AddrFrom4([4]byte(v))
	return true
}

func addresses(to *[]netip.Addr, v []byte) bool {
	if len(v)%4 != 0 {
		return false
	}
	for ; len(v) > 0; v = v[4:] {
		*to = append(*to, netip.AddrFrom4([4]byte(v[:4])))
	}
	return true
}

// routes parses classless static routes: the length of a prefix, as many bytes of it as matter, a gateway.
func (m *Message) routes(v []byte) bool {
	for len(v) > 0 {
		bits := int(v[0])
		n := (bits + 7) / 8
		if bits > 32 || len(v) < 1+n+4 {
			return false
		}
		var dst [4]byte
		copy(dst[:], v[1:1+n])
		to := netip.PrefixFrom(netip.AddrFrom4(dst), bits).Masked()
		m.Routes = append(m.Routes, Route{to, netip.AddrFrom4([4]byte(v[1+n : 5+n]))})
		v = v[5+n:]
	}
	return true
}
