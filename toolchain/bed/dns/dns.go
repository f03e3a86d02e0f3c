// Package dns answers the DNS queries of guests (RFC 1035, RFC 3596) from a
// table of names and addresses. It knows A and AAAA records; it is no resolver.
package dns

import (
	"encoding/binary"
	"net/netip"
	"strings"
)

const (
	headerSize = 12
	classIN    = 1
	typeA      = 1
	typeAAAA   = 28
	typeANY    = 255
	ttl        = 5 // seconds: tests change names

	flagResponse  = 1 << 15
	flagAuthority = 1 << 10
	flagRecursion = 1 << 7 // available
	maskOpcode    = 0xf << 11
	maskEcho      = maskOpcode | 1<<8 // recursion desired

	noError = 0
	badForm = 1
	noName  = 3
	unknown = 4 // not implemented
	maxName = 255
)

// question is the only one of a query.
type question struct {
	name string // lower case, without the last dot
	kind uint16
	wire []byte
}

// Answer returns the response to a query, or nil if there is none to make. The
// table says which addresses a name has; known is false if it is no name at all.
func Answer(query []byte, table func(name string) (addresses []netip.Addr, known bool)) []byte {
	if len(query) < headerSize || query[2]&(flagResponse>>8) != 0 {
		return nil
	}
	flags := binary.BigEndian.Uint16(query[2:])
	q, ok := parse(query)
	switch {
	case flags&maskOpcode != 0:
		return respond(query, flags, unknown, nil, nil)
	case !ok:
		return respond(query, flags, badForm, nil, nil)
	}
	addresses, known := table(q.name)
	if !known {
		return respond(query, flags, noName, q.wire, nil)
	}
	var wanted []netip.Addr
	for _, a := range addresses {
		if a.Is4() && q.kind != typeAAAA || a.Is6() && q.kind != typeA {
			wanted = append(wanted, a)
		}
	}
	if q.kind != typeA && q.kind != typeAAAA && q.kind != typeANY {
		wanted = nil
	}
	return respond(query, flags, noError, q.wire, wanted)
}

// parse reads the question of a query that has one.
func parse(query []byte) (q question, ok bool) {
	if binary.BigEndian.Uint16(query[4:]) != 1 {
		return q, false
	}
	var labels []string
	at := headerSize
	for {
		if at >= len(query) {
			return q, false
		}
		n := int(query[at])
		at++
		if n == 0 {
			break
		}
		if n > 63 || at+n > len(query) || at-headerSize > maxName {
			return q, false
		}
		labels = append(labels, string(query[at:at+n]))
		at += n
	}
	if at+4 > len(query) || binary.BigEndian.Uint16(query[at+2:]) != classIN {
		return q, false
	}
	q.name = strings.ToLower(strings.Join(labels, "."))
	q.kind = binary.BigEndian.Uint16(query[at:])
	q.wire = query[headerSize : at+4]
	return q, true
}

// respond makes a response; every record's name is that of the question.
func respond(query []byte, flags uint16, code uint16, question []byte, addresses []netip.Addr) []byte {
	b := append([]byte(nil), query[:2]...)
	b = binary.BigEndian.AppendUint16(b, flagResponse|flagAuthority|flagRecursion|flags&maskEcho|code)
	var questions uint16
	if question != nil {
		questions = 1
	}
	for _, n := range []uint16{questions, uint16(len(addresses)), 0, 0} {
		b = binary.BigEndian.AppendUint16(b, n)
	}
	b = append(b, question...)
	for _, a := range addresses {
		kind := uint16(typeA)
		if a.Is6() {
			kind = typeAAAA
		}
		b = binary.BigEndian.AppendUint16(b, 0xc000|headerSize) // the name there
		b = binary.BigEndian.AppendUint16(b, kind)
		b = binary.BigEndian.AppendUint16(b, classIN)
		b = binary.BigEndian.AppendUint32(b, ttl)
		b = binary.BigEndian.AppendUint16(b, uint16(len(a.AsSlice())))
		b = append(b, a.AsSlice()...)
	}
	return b
}

// Hosts reads a table in the format of /etc/hosts.
func Hosts(text string) func(name string) ([]netip.Addr, bool) {
	table := make(map[string][]netip.Addr)
	for line := range strings.Lines(text) {
		line, _, _ = strings.Cut(line, "#")
		f := strings.Fields(line)
		if len(f) < 2 {
			continue
		}
		a, err := netip.ParseAddr(f[0])
		if err != nil {
			continue
		}
		for _, name := range f[1:] {
			name = strings.ToLower(strings.TrimSuffix(name, "."))
			table[name] = append(table[name], a.Unmap())
		}
	}
	return func(name string) ([]netip.Addr, bool) {
		a, ok := table[name]
		return a, ok
	}
}
