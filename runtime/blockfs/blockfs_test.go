package blockfs

import "testing"

// boot is a boot sector as mkfs.fat makes it, and what follows.
func boot() []byte {
	b := make([]byte, ProbeSize)
	copy(b, []byte{0xeb, 0x58, 0x90})
	b[12], b[13], b[14], b[16] = 2, 1, 32, 2
	b[bootMagicAt], b[bootMagicAt+1] = 0x55, 0xaa
	return b
}

func TestRecognise(t *testing.T) {
	ext := make([]byte, ProbeSize)
	ext[extMagicAt], ext[extMagicAt+1] = 0x53, 0xef
	table := make([]byte, ProbeSize) // of partitions
	table[bootMagicAt], table[bootMagicAt+1] = 0x55, 0xaa
	for name, test := range map[string]struct {
		b    []byte
		want string
	}{"ext4": {ext, "ext4"}, "vfat": {boot(), "vfat"}, "partitions": {table, ""}, "zeros": {make([]byte, ProbeSize), ""}, "short": {nil, ""}} {
		if got := Recognise(test.b); got != test.want {
			t.Errorf("%s is %q", name, got)
		}
	}
}

func FuzzRecognise(f *testing.F) {
	f.Add(boot())
	f.Fuzz(func(t *testing.T, b []byte) { Recognise(b) })
}
