// Package le reads and writes the little-endian numbers of file systems on disks.
package le

// U16 is the number at b[at:].
func U16(b []byte, at int) uint16 { return uint16(b[at]) | uint16(b[at+1])<<8 }

// U32 is the number at b[at:].
func U32(b []byte, at int) uint32 {
	return uint32(b[at]) | uint32(b[at+1])<<8 | uint32(b[at+2])<<16 | uint32(b[at+3])<<24
}

// Put16 writes v to b[at:].
func Put16(b []byte, at int, v uint16) { b[at], b[at+1] = byte(v), byte(v>>8) }

// Put32 writes v to b[at:].
func Put32(b []byte, at int, v uint32) {
	b[at], b[at+1], b[at+2], b[at+3] = byte(v), byte(v>>8), byte(v>>16), byte(v>>24)
}
