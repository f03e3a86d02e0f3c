package socket

import "internal/xengo/runtime/calls"

// Levels of control messages and options. Source: Linux 6.16 include/linux/socket.h, include/uapi/asm-generic/socket.h.
const (
	SOL_SOCKET  = 1
	SOL_IP      = 0
	SOL_TCP     = 6
	SOL_UDP     = 17
	SOL_IPV6    = 41
	SOL_ICMPV6  = 58
	SOL_RAW     = 255
	SOL_NETLINK = 270

	SCM_RIGHTS      = 1
	SCM_CREDENTIALS = 2
)

// headerLen is the size of struct cmsghdr on amd64; messages are aligned to align bytes.
// Source: Linux 6.16 include/linux/socket.h.
const (
	headerLen = 16
	align     = 8
)

// A Control is a sequence of control messages: a buffer that messages were read from or are put into.
type Control struct {
	buf []byte
	n   int
	// Truncated says that there was no room for all.
	Truncated bool
}

// NewControl returns the control messages that are in buf.
func NewControl(buf []byte) *Control { return &Control{buf: buf, n: len(buf)} }

// NewControlSpace returns room for control messages.
func NewControlSpace(buf []byte) *Control { return &Control{buf: buf} }

// Len returns the number of bytes that the messages take.
func (c *Control) Len() int { return c.n }

// A ControlMessage is one of them. Data is part of the buffer.
type ControlMessage struct {
	Level, Type int
	Data        []byte
}

// Messages returns the control messages of c; none for nil. EINVAL if they are malformed.
func (c *Control) Messages() ([]ControlMessage, calls.Errno) {
	if c == nil {
		return nil, 0
	}
	var list []ControlMessage
	// Like Linux's CMSG_OK and CMSG_NXTHDR: a remainder that has no room for a header ends the sequence.
	for rest := c.buf[:c.n]; len(rest) >= headerLen; {
		size := le64(rest)
		if size < headerLen || size > uint64(len(rest)) {
			return nil, calls.EINVAL
		}
		list = append(list, ControlMessage{int(int32(le32(rest[8:]))), int(int32(le32(rest[12:]))), rest[headerLen:size]})
		rest = rest[min((size+align-1)&^(align-1), uint64(len(rest))):]
	}
	return list, 0
}

// Put appends a message. If there is no room for all of its data, what fits is put and c is Truncated.
func (c *Control) Put(level, typ int, data []byte) {
	if c == nil {
		return
	}
	room := c.Room()
	if room < 0 {
		c.Truncated = true
		return
	}
	if len(data) > room {
		data, c.Truncated = data[:room], true
	}
	b := c.buf[c.n:]
	put64(b, uint64(headerLen+len(data)))
	put32(b[8:], uint32(level))
	put32(b[12:], uint32(typ))
	copy(b[headerLen:], data)
	c.n += min(headerLen+(len(data)+align-1)&^(align-1), len(b))
}

// Room returns how many bytes of data the next message can have, negative if it cannot be put at all.
func (c *Control) Room() int { return len(c.buf) - c.n - headerLen }

// Put32 appends a message whose data is a 32-bit number.
func (c *Control) Put32(level, typ int, v uint32) {
	var b [4]byte
	put32(b[:], v)
	c.Put(level, typ, b[:])
}

// Uint32 reads a number from the beginning of b, and Append32 appends one. (Package encoding/binary is above package syscall.)
func Uint32(b []byte) uint32 { return le32(b) }

func Append32(b []byte, v uint32) []byte {
	return append(b, byte(v), byte(v>>8), byte(v>>16), byte(v>>24))
}

func le32(b []byte) uint32 {
	return uint32(b[0]) | uint32(b[1])<<8 | uint32(b[2])<<16 | uint32(b[3])<<24
}

func le64(b []byte) uint64 { return uint64(le32(b)) | uint64(le32(b[4:]))<<32 }

func put32(b []byte, v uint32) {
	b[0], b[1], b[2], b[3] = byte(v), byte(v>>8), byte(v>>16), byte(v>>24)
}

func put64(b []byte, v uint64) {
	put32(b, uint32(v))
	put32(b[4:], uint32(v>>32))
}
