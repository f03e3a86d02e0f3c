// Package xswire is the wire format of xenstore (io/xs_wire.h) and the byte
// rings it travels in, in both directions.
//
// It allocates nothing on its own, starts nothing and waits for nothing, and
// imports only xen/abi: package runtime uses it to leave a last word in
// xenstore (LastWord) when ordinary Go code can run no more.
package xswire

import (
	"unsafe"

	"internal/xengo/xen/abi"
)

// HeaderSize is the size of a message's header, in bytes.
const HeaderSize = int(unsafe.Sizeof(abi.XSSockMsg{}))

// A Header begins every message.
type Header struct {
	Type  uint32 // abi.XS*
	ReqID uint32 // chosen by the requester, repeated in the reply
	TxID  uint32 // transaction, 0 is none
	Len   uint32 // bytes of payload
}

// Append appends the header as it is on the wire.
func (h Header) Append(b []byte) []byte {
	b = append32(b, h.Type)
	b = append32(b, h.ReqID)
	b = append32(b, h.TxID)
	return append32(b, h.Len)
}

func append32(b []byte, v uint32) []byte {
	return append(b, byte(v), byte(v>>8), byte(v>>16), byte(v>>24))
}

// ParseHeader returns the header at the beginning of b, which has at least
// HeaderSize bytes.
func ParseHeader(b []byte) Header {
	_ = b[HeaderSize-1]
	return Header{get32(b), get32(b[4:]), get32(b[8:]), get32(b[12:])}
}

func get32(b []byte) uint32 {
	return uint32(b[0]) | uint32(b[1])<<8 | uint32(b[2])<<16 | uint32(b[3])<<24
}

// AppendMessage appends a message whose payload is the concatenation of parts.
func AppendMessage(b []byte, typ, reqID, txID uint32, parts ...string) []byte {
	n := 0
	for _, p := range parts {
		n += len(p)
	}
	b = Header{typ, reqID, txID, uint32(n)}.Append(b)
	for _, p := range parts {
		b = append(b, p...)
	}
	return b
}

// Ring is one direction of the page shared with xenstored: 1024 bytes and two
// indices that run freely through 32 bits.
type Ring struct {
	buf        *[abi.XenstoreRingSize]byte
	prod, cons *uint32
}

// Requests returns the ring that leads to xenstored.
func Requests(page *abi.XenstoreDomainInterface) Ring {
	return Ring{&page.Req, &page.ReqProd, &page.ReqCons}
}

// Responses returns the ring that comes from xenstored.
func Responses(page *abi.XenstoreDomainInterface) Ring {
	return Ring{&page.Rsp, &page.RspProd, &page.RspCons}
}

// Mem is how indices in shared memory are accessed. Load has acquire, Store
// release semantics: sync/atomic's functions, or those of internal/runtime/atomic.
type Mem struct {
	Load  func(*uint32) uint32
	Store func(*uint32, uint32)
}

// Used returns how many bytes there are to read. It reports false if the
// indices are impossible.
func (r Ring) Used(m Mem) (int, bool) {
	n := m.Load(r.prod) - m.Load(r.cons)
	return int(n), n <= abi.XenstoreRingSize
}

// Write copies what fits of p into the ring and returns how much that was. It
// reports false if the indices are impossible. The reader is to be notified.
func (r Ring) Write(m Mem, p []byte) (int, bool) {
	used, ok := r.Used(m)
	if !ok {
		return 0, false
	}
	prod := m.Load(r.prod)
	p = p[:min(len(p), abi.XenstoreRingSize-used)]
	for i, c := range p {
		r.buf[(prod+uint32(i))%abi.XenstoreRingSize] = c
	}
	m.Store(r.prod, prod+uint32(len(p)))
	return len(p), true
}

// Read moves what there is, at most len(p) bytes, out of the ring and returns
// how much that was. It reports false if the indices are impossible. The
// writer is to be notified.
func (r Ring) Read(m Mem, p []byte) (int, bool) {
	used, ok := r.Used(m)
	if !ok {
		return 0, false
	}
	cons := m.Load(r.cons)
	p = p[:min(len(p), used)]
	for i := range p {
		p[i] = r.buf[(cons+uint32(i))%abi.XenstoreRingSize]
	}
	m.Store(r.cons, cons+uint32(len(p)))
	return len(p), true
}

// Discard drops everything there is to read.
func (r Ring) Discard(m Mem) { m.Store(r.cons, m.Load(r.prod)) }
