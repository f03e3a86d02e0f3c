package goroot

import (
	"bytes"
	"fmt"
	"strings"
)

// leftOut reports whether a file only makes programs larger.
func leftOut(name string) bool {
	return strings.HasSuffix(name, "_state_autogen.go") || // for checkpoints of gVisor's sandboxes: half a megabyte
		strings.HasPrefix(name, "gvisor.dev/gvisor/pkg/log/json") // log formats, with package encoding/json
}

// A mending is what is changed in a file, or in all whose names end as file does
// after a star: each first string becomes the second, once.
type mending struct {
	file  string
	edits [][2]string
}

const pkg = "gvisor.dev/gvisor/pkg/"

// mends are the changes that let gVisor's packages be part of std, below net,
// and those that leave out of programs what a guest can never come to.
var mends = []mending{
	{pkg + "tcpip/tcpip.go", [][2]string{
		{"\t\"net\"\n", ""}, // net imports the stack
		{"make(net.HardwareAddr, LinkAddressSize)", "make([]byte, LinkAddressSize)"},
		called("(s *StatCounter) Increment() {"),
		called("(s *StatCounter) IncrementBy(v uint64) {"),
		called("(m *MultiCounterStat) Increment() {"),
		called("(m *MultiCounterStat) Init(a, b *StatCounter) {"),
		// Integers will do for ten readings a packet; Clock's never come near the
		// ends of their range.
		{"time.Unix(0, mt.nanoseconds).Add(d).Sub(time.Unix(0, 0)).Nanoseconds()", "mt.nanoseconds + int64(d)"},
		{"return time.Unix(0, mt.nanoseconds).Sub(time.Unix(0, u.nanoseconds))", "return time.Duration(mt.nanoseconds - u.nanoseconds)"},
		// Package netstack turns RACK off.
		{"\tTCPRACKLossDetection TCPRecovery = 1 << iota\n", "\tTCPRACKLossDetection TCPRecovery = 0 << iota\n"},
		called("AddrFrom4(addr [4]byte) Address {"),
		called("AddrFrom16(addr [16]byte) Address {"),
		called("(a Address) BitLen() int {"),
	}},
	{pkg + "tcpip/timer.go", [][2]string{
		called("(j *Job) Cancel() {"),
		called("NewJob(c Clock, l sync.Locker, f func()) *Job {"),
	}},
	{pkg + "tcpip/stack/neighbor_entry.go", [][2]string{called("(e *neighborEntry) dispatchChangeEventLocked() {")}},
	{pkg + "tcpip/stack/packet_buffer.go", [][2]string{called("(d PacketData) Size() int {"), called("(pk *PacketBuffer) DecRef() {")}},
	{pkg + "tcpip/header/ipv4.go", [][2]string{called("(b IPv4) SourceAddress() tcpip.Address {"), called("(b IPv4) DestinationAddress() tcpip.Address {")}},
	{pkg + "tcpip/header/ipv6.go", [][2]string{called("(b IPv6) SourceAddress() tcpip.Address {"), called("(b IPv6) DestinationAddress() tcpip.Address {")}},
	{pkg + "tcpip/transport/tcp/endpoint.go", [][2]string{
		called("(e *Endpoint) EndpointState() EndpointState {"),
		// A receive buffer that grows while it is full has to tell the sender, who
		// waits for its retransmission timer otherwise; whether it was full is a
		// matter of the new size.
		{"windowCrossedACKThresholdLocked(availAfter-availBefore, rcvBufSize)", "windowCrossedACKThresholdLocked(availAfter-availBefore, rcvWnd)"},
	}},
	// GODEBUG=fips140=only has programs that use SHA-1 panic, and that is about
	// theirs, not about SYN cookies.
	{pkg + "tcpip/transport/tcp/accept.go", [][2]string{
		{"\"crypto/sha1\"", "\"crypto/sha256\""},
		{"sha1.BlockSize", "sha256.BlockSize"},
		{"sha1.New()", "sha256.New()"},
	}},
	// The source of a datagram can be given for IPv4, too; who gives it has checked it.
	{pkg + "tcpip/transport/internal/network/endpoint.go", [][2]string{
		{"ipv6PktInfoValid := e.effectiveNetProto == header.IPv6ProtocolNumber && opts", "ipv6PktInfoValid := opts"},
		{
			"if e.stack.CheckLocalAddress(nicID, header.IPv6ProtocolNumber, pktInfoAddr) == 0 {",
			"if pktInfoAddr.Len() != header.IPv4AddressSize && e.stack.CheckLocalAddress(nicID, header.IPv6ProtocolNumber, pktInfoAddr) == 0 {",
		},
	}},
	{pkg + "tcpip/stack/nic.go", [][2]string{
		called("(n *nic) getNetworkEndpoint(proto tcpip.NetworkProtocolNumber) NetworkEndpoint {"),
	}},
	{pkg + "sync/mutex_unsafe.go", [][2]string{called("(m *CrossGoroutineMutex) Lock() {")}},
	{pkg + "sync/rwmutex_unsafe.go", [][2]string{
		called("(rw *RWMutex) RLock() {"),
		called("(rw *RWMutex) RUnlock() {"),
		called("(rw *RWMutex) Lock() {"),
		called("(rw *RWMutex) Unlock() {"),
	}},
	{pkg + "buffer/buffer.go", [][2]string{called("(b *Buffer) Merge(other *Buffer) {")}},
	{pkg + "buffer/view.go", [][2]string{called("(v *View) AsSlice() []byte {")}},
	// A comment that only a compiler patched for it may see in std.
	{pkg + "sync/locking/lockdep_norace.go", [][2]string{
		{"//go:inline\n", ""},
		{"//go:inline\n", ""},
	}},
	// There is nothing to set packet filters with: none are checked.
	{pkg + "tcpip/stack/iptables.go", [][2]string{
		{
			"func DefaultTables(clock tcpip.Clock, rand *rand.Rand) *IPTables {\n",
			"func DefaultTables(tcpip.Clock, *rand.Rand) *IPTables { return &IPTables{} }\n\n" +
				"func filterTables(clock tcpip.Clock, rand *rand.Rand) *IPTables {\n",
		},
		{
			"func (it *IPTables) shouldSkipOrPopulateTables(tables []checkTable, pkt *PacketBuffer) bool {\n",
			"func (it *IPTables) shouldSkipOrPopulateTables([]checkTable, *PacketBuffer) bool { return true }\n\n" +
				"func (it *IPTables) skipOrPopulateTables(tables []checkTable, pkt *PacketBuffer) bool {\n",
		},
	}},
	// A guest does not forward packets.
	{pkg + "tcpip/network/ipv4/ipv4.go", forwardsNothing},
	{pkg + "tcpip/network/ipv6/ipv6.go", forwardsNothing},
	// Classes of mutexes are for a checker that is not built in.
	{"*_mutex.go", [][2]string{{"\nfunc init() {\n", "\nfunc _() {\n"}}},
	// Nor are references that leak looked for.
	{pkg + "refs/refs_map.go", [][2]string{
		{"\tmode := GetLeakMode()\n\treturn mode != NoLeakChecking\n", "\treturn false\n"},
	}},
	// Package netstack has a source of random numbers.
	{pkg + "tcpip/stack/stack.go", [][2]string{
		{"\t\"encoding/binary\"\n", ""},
		{"\t\tvar v int64\n\t\tif err := binary.Read(opts.SecureRNG, binary.LittleEndian, &v); err != nil {\n\t\t\tpanic(err)\n\t\t}\n", ""},
		{"\t\trandSrc = &lockedRandomSource{src: rand.NewSource(v)}\n", "\t\tpanic(\"no source of random numbers\")\n"},
	}},
	// Nobody watches TCP from outside.
	{pkg + "tcpip/transport/tcp/connect.go", [][2]string{
		{"\tif fn := e.probe; fn != nil {\n", "\tif fn := TCPProbeFunc(nil); fn != nil {\n"},
	}},
	// One function that nobody calls would bring package regexp along.
	{pkg + "log/log.go", [][2]string{
		{"\t\"regexp\"\n", ""},
		{"var stackRegexp = regexp.MustCompile(`(?m)^\\S+\\(.*\\)$\\r?\\n^\\t\\S+:\\d+.*$\\r?\\n`)\n", ""},
		{"stackRegexp.ReplaceAllFunc(Stacks(false), func(s []byte) []byte {", "func(s []byte) []byte {"},
		{"\t\treturn s\n\t})\n", "\t\treturn s\n\t}(Stacks(false))\n"},
	}},
}

var forwardsNothing = [][2]string{
	{"\treturn e.forwarding.Load() == forwardingEnabled\n", "\treturn false\n"},
	{"\treturn e.multicastForwarding.Load() == forwardingEnabled\n", "\treturn false\n"},
}

// called keeps a function from being inlined that is called in many places: each
// inlined call is also described in tables for tracebacks.
func called(declaration string) [2]string {
	line := "\nfunc " + declaration + "\n"
	return [2]string{line, "\n//go:noinline" + line}
}

func (m *mending) concerns(name string) bool {
	end, ok := strings.CutPrefix(m.file, "*")
	return name == m.file || ok && strings.HasSuffix(name, end)
}

func mend(name string, data []byte) ([]byte, error) {
	for _, m := range mends {
		if !m.concerns(name) {
			continue
		}
		for _, e := range m.edits {
			if !bytes.Contains(data, []byte(e[0])) {
				return nil, fmt.Errorf("%s: no %q to mend", name, e[0])
			}
			data = bytes.Replace(data, []byte(e[0]), []byte(e[1]), 1)
		}
	}
	return data, nil
}
