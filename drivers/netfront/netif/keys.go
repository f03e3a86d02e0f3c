package netif

import "internal/xengo/xen/ascii"

// Backend is what a backend offers in its directory, as far as this frontend
// makes use of it.
type Backend struct {
	ScatterGather bool // takes packets of more than one slot
	SplitEvents   bool // an event channel for each direction
}

// ReadBackend reads the features by feature, which returns the number in a
// node, or 0.
func ReadBackend(feature func(key string) uint64) Backend {
	return Backend{
		ScatterGather: feature("feature-sg") == 1,
		SplitEvents:   feature("feature-split-event-channels") == 1,
	}
}

// Frontend is what the frontend writes into its directory.
type Frontend struct {
	TxRef, RxRef   uint32
	TxPort, RxPort uint32 // the same if events are not split
}

// Write publishes the frontend's nodes by set. It asks for no offload: the
// checksum is computed on the way out, wanted on the way in, and packets are
// no longer than the MTU. Several slots to a packet are fine.
func (f Frontend) Write(set func(key, value string) error) error {
	nodes := []struct{ key, value string }{
		{"tx-ring-ref", ascii.Utoa(uint64(f.TxRef))},
		{"rx-ring-ref", ascii.Utoa(uint64(f.RxRef))},
		{"request-rx-copy", "1"},
		{"feature-rx-notify", "1"},
		{"feature-sg", "1"},
		{"feature-gso-tcpv4", "0"},
		{"feature-gso-tcpv6", "0"},
		{"feature-no-csum-offload", "1"},
		{"feature-ipv6-csum-offload", "0"},
	}
	if f.TxPort == f.RxPort {
		nodes = append(nodes, struct{ key, value string }{"event-channel", ascii.Utoa(uint64(f.TxPort))})
	} else {
		nodes = append(nodes,
			struct{ key, value string }{"event-channel-tx", ascii.Utoa(uint64(f.TxPort))},
			struct{ key, value string }{"event-channel-rx", ascii.Utoa(uint64(f.RxPort))})
	}
	for _, n := range nodes {
		if err := set(n.key, n.value); err != nil {
			return err
		}
	}
	return nil
}

// ReadFrontend is what a backend makes of the frontend's nodes. It reports
// false if one that it needs is missing.
func ReadFrontend(get func(key string) (string, bool)) (f Frontend, ok bool) {
	number := func(key string) (uint32, bool) {
		s, exists := get(key)
		n, valid := ascii.ParseUint(s, 1<<32-1)
		return uint32(n), exists && valid
	}
	var oks [4]bool
	f.TxRef, oks[0] = number("tx-ring-ref")
	f.RxRef, oks[1] = number("rx-ring-ref")
	if f.TxPort, oks[2] = number("event-channel"); oks[2] {
		f.RxPort, oks[3] = f.TxPort, true
	} else {
		f.TxPort, oks[2] = number("event-channel-tx")
		f.RxPort, oks[3] = number("event-channel-rx")
	}
	return f, oks == [4]bool{true, true, true, true}
}

// ParseMAC parses six octets in hexadecimal, separated by colons.
func ParseMAC(s string) (mac [6]byte, ok bool) {
	if len(s) != 17 {
		return mac, false
	}
	for i := range mac {
		hi, ok1 := hexDigit(s[3*i])
		lo, ok2 := hexDigit(s[3*i+1])
		if !ok1 || !ok2 || i < 5 && s[3*i+2] != ':' {
			return mac, false
		}
		mac[i] = hi<<4 | lo
	}
	return mac, true
}

func hexDigit(c byte) (byte, bool) {
	switch {
	case '0' <= c && c <= '9':
		return c - '0', true
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10, true
	case 'A' <= c && c <= 'F':
		return c - 'A' + 10, true
	}
	return 0, false
}

// MTU returns the largest payload of a frame, in bytes, given the value of the
// frontend's mtu node ("" if there is none): a packet of more than a slot
// needs a backend that takes it.
func MTU(node string, b Backend) int {
	n, ok := ascii.ParseUint(node, MaxMTU)
	if !ok || n < 68 { // RFC 791's minimum
		return DefaultMTU
	}
	if n > linearLimit && !b.ScatterGather {
		return linearLimit
	}
	return int(n)
}
