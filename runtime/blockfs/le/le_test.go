package le

import (
	"bytes"
	"encoding/binary"
	"testing"
)

func FuzzNumbers(f *testing.F) {
	f.Add(uint32(0x80c04020))
	f.Fuzz(func(t *testing.T, n uint32) {
		got, want := make([]byte, 8), make([]byte, 8)
		Put16(got, 1, uint16(n))
		Put32(got, 3, n)
		binary.LittleEndian.PutUint16(want[1:], uint16(n))
		binary.LittleEndian.PutUint32(want[3:], n)
		if !bytes.Equal(got, want) || U16(got, 1) != uint16(n) || U32(got, 3) != n {
			t.Errorf("%#x became % x, %#x and %#x", n, got, U16(got, 1), U32(got, 3))
		}
	})
}
