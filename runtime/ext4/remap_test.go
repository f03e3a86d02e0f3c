package ext4

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"internal/xengo/runtime/calls"
)

// A mapping that grows keeps what was written to it, and all of it comes to the disk.
func TestRemap(t *testing.T) {
	d := mkfs(t, 16, "-b", "1024")
	fs := mount(t, d)
	data := bytes.Repeat([]byte("0123456789abcdef"), 8*pageSize/16)
	f := create(t, fs.Root(), "mapped", data).(*file)
	f.Opened()
	mem := func(addr uintptr, page int) []byte {
		b, err := calls.Bytes(addr+uintptr(page)*pageSize, pageSize)
		ok(t, err)
		return b
	}
	addr, err := f.Map(0, 2*pageSize)
	ok(t, err)
	f.MapWritable(addr)
	for n := 2; n < 8; n++ {
		copy(mem(addr, n-1)[10:], "written")
		copy(data[(n-1)*pageSize+10:], "written")
		addr, err = f.Remap(addr, 0, uintptr(n+1)*pageSize)
		ok(t, err)
		for i := range n + 1 {
			require.Equal(t, data[i*pageSize:(i+1)*pageSize], mem(addr, i), "page %d of %d", i, n)
		}
	}
	_, err = f.Map(pageSize, pageSize)
	ok(t, err)
	_, err = f.Remap(addr, 0, 9*pageSize)
	require.Equal(t, calls.ENOMEM, err, "somebody else maps it")
	require.Equal(t, data[:pageSize], mem(addr, 0))
	f.Unmap(addr)
	f.Unmap(addr + pageSize)
	require.Empty(t, f.areas)
	f.Closed()
	require.Equal(t, data, contents(t, f))
	ok(t, fs.Unmount())
	require.Equal(t, data, contents(t, at(t, mount(t, d), "mapped")))
	fsck(t, d, false)
}
