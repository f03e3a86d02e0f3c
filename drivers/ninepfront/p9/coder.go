// Package p9 is the wire format of 9P2000.L, as Linux speaks it
// (include/net/9p/9p.h and net/9p/client.c of Linux 6.12; the protocol is
// described in diod's protocol.md), and of the messages that 9P2000.u has in
// their place and xen-9pfsd answers (tools/9pfsd of Xen 4.20).
//
// A message is its size in 4 bytes, its type in 1, a tag that pairs request and
// reply in 2, and fields; all numbers are little-endian. A message's method
// fields names its fields once, for both directions.
package p9

import "errors"

var (
	// ErrShort means that a message ends before its last field, or that its
	// size is not that of the bytes there are.
	ErrShort = errors.New("9p: a message that ends too early")

	// ErrLong means that bytes follow a message's last field.
	ErrLong = errors.New("9p: a message that is too long for its type")

	// ErrType means that a message is not of the type that is expected.
	ErrType = errors.New("9p: a message of another type than expected")

	// ErrName means that a string is longer than a message can tell.
	ErrName = errors.New("9p: a string of more than 65535 bytes")
)

// HeaderSize is the size of what all messages begin with, in bytes.
const HeaderSize = 4 + 1 + 2

// Message is a request or a reply.
type Message interface {
	// Type returns the message's number. A reply's is the request's plus 1.
	Type() uint8

	// fields passes all fields to c in their order.
	fields(c *coder)
}

// Header is what all messages begin with.
type Header struct {
	Size uint32 // of the whole message
	Type uint8
	Tag  uint16
}

// ParseHeader reads a header; p has at least HeaderSize bytes.
func ParseHeader(p []byte) Header {
	c := coder{buf: p[:HeaderSize]}
	var h Header
	c.u32(&h.Size)
	c.u8(&h.Type)
	c.u16(&h.Tag)
	return h
}

// Append appends a message to dst.
func Append(dst []byte, tag uint16, m Message) ([]byte, error) {
	start := len(dst)
	c := coder{buf: dst, write: true}
	var size uint32
	typ := m.Type()
	c.u32(&size)
	c.u8(&typ)
	c.u16(&tag)
	m.fields(&c)
	size = uint32(len(c.buf) - start)
	head := coder{buf: c.buf[:start], write: true}
	head.u32(&size) // in place: there is room
	return c.buf, c.err
}

// SetTag changes the tag of the message in p.
func SetTag(p []byte, tag uint16) { p[5], p[6] = byte(tag), byte(tag>>8) }

// Parse reads the message that fills p into m, whose type it must be of. What
// it keeps of p is copied.
func Parse(p []byte, m Message) error {
	if len(p) < HeaderSize {
		return ErrShort
	}
	h := ParseHeader(p)
	switch {
	case uint64(h.Size) != uint64(len(p)):
		return ErrShort
	case h.Type != m.Type():
		return ErrType
	}
	c := coder{buf: p[HeaderSize:]}
	m.fields(&c)
	if c.err == nil && len(c.buf) > 0 {
		return ErrLong
	}
	return c.err
}

// coder writes fields to the end of buf, or reads them from its beginning. After
// an error it reads zeros.
type coder struct {
	buf   []byte
	write bool
	err   error
}

// fail keeps the first error.
func (c *coder) fail(err error) {
	if c.err == nil {
		c.err = err
	}
	if !c.write {
		c.buf = nil
	}
}

// take returns the next n bytes to read, nil if there are fewer.
func (c *coder) take(n int) []byte {
	if n > len(c.buf) {
		c.fail(ErrShort)
		return nil
	}
	b := c.buf[:n]
	c.buf = c.buf[n:]
	return b
}

// number codes a number of n bytes.
func (c *coder) number(v uint64, n int) uint64 {
	if c.write {
		for i := range n {
			c.buf = append(c.buf, byte(v>>(8*i)))
		}
		return v
	}
	v = 0
	for i, b := range c.take(n) {
		v |= uint64(b) << (8 * i)
	}
	return v
}

func (c *coder) u8(v *uint8)   { *v = uint8(c.number(uint64(*v), 1)) }
func (c *coder) u16(v *uint16) { *v = uint16(c.number(uint64(*v), 2)) }
func (c *coder) u32(v *uint32) { *v = uint32(c.number(uint64(*v), 4)) }
func (c *coder) u64(v *uint64) { *v = c.number(*v, 8) }

// u32s and u64s code several numbers.
func (c *coder) u32s(all ...*uint32) {
	for _, v := range all {
		c.u32(v)
	}
}

func (c *coder) u64s(all ...*uint64) {
	for _, v := range all {
		c.u64(v)
	}
}

// str codes a string: its length in 2 bytes, then its bytes.
func (c *coder) str(s *string) {
	if c.write && len(*s) > 0xFFFF {
		c.fail(ErrName)
		return
	}
	n := uint16(len(*s))
	c.u16(&n)
	if c.write {
		c.buf = append(c.buf, *s...)
	} else {
		*s = string(c.take(int(n)))
	}
}

// data codes bytes: their number in 4 bytes, then the bytes. Reading, it appends
// them to what is in *p at the beginning, in the same memory if they fit.
func (c *coder) data(p *[]byte) {
	n := uint32(len(*p))
	c.u32(&n)
	if c.write {
		c.buf = append(c.buf, *p...)
		return
	}
	if uint64(n) > uint64(len(c.buf)) { // on 32 bits an int would not hold it
		c.fail(ErrShort)
		return
	}
	*p = append(*p, c.take(int(n))...)
}

// QID is the server's identity of a file.
type QID struct {
	Type    uint8
	Version uint32 // changes with the contents
	Path    uint64 // as the number of an inode
}

// Types of files, of QID.Type.
const (
	QTDir     = 0x80
	QTAppend  = 0x40
	QTExcl    = 0x20
	QTAuth    = 0x08
	QTTmp     = 0x04
	QTSymlink = 0x02
	QTLink    = 0x01
	QTFile    = 0x00
)

func (c *coder) qid(q *QID) {
	c.u8(&q.Type)
	c.u32(&q.Version)
	c.u64(&q.Path)
}
