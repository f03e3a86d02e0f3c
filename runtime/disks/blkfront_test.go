package disks

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"internal/xengo/drivers/blkfront"
	"internal/xengo/drivers/blkfront/blkback"
	"internal/xengo/runtime/calls"
	"internal/xengo/runtime/fdtable"
	"internal/xengo/runtime/vfs"
	"internal/xengo/xen/xenbus"
	"internal/xengo/xen/xentest/split"
)

// What is written to /dev/xvda is on the backend's disk; after a detach the node is
// gone, and who has it open gets EIO.
func TestBlkfront(t *testing.T) {
	x := split.New(t)
	back := blkback.New(t, x.Store, x.Dom0, x.Guest, blkback.Config{Offer: blkback.Full})
	lost := make(chan bool, 1)
	s := &set{print: func(line string) { t.Error(line) }}
	stop, err := blkfront.Probe(x.Guest, x.XS, blkfront.Options{Queues: 2}, watcher{s, lost})
	require.NoError(t, err)

	d, errno := vfs.Open(vfs.Root(), "/dev/xvda", fdtable.O_RDWR, 0)
	require.Zero(t, errno)
	f := d.(*file)
	n, errno := f.PWrite([]byte("in the middle"), 1000)
	assert.Equal(t, 13, n)
	assert.Zero(t, errno)
	assert.Zero(t, f.Sync())
	_, stable := back.Disk()
	assert.Equal(t, "in the middle", string(stable[1000:1013]))

	back.SetState(xenbus.Closing)
	<-lost
	_, errno = vfs.Open(vfs.Root(), "/dev/xvda", fdtable.O_RDWR, 0)
	assert.Equal(t, calls.ENOENT, errno)
	_, errno = f.PRead(make([]byte, 1), 0)
	assert.Equal(t, calls.EIO, errno)
	_, errno = f.PWrite(make([]byte, 1), 0)
	assert.Equal(t, calls.EIO, errno)
	assert.Equal(t, calls.EIO, f.Sync())
	f.Release()

	back.Wait()
	require.NoError(t, stop())
	x.Settle()
}

// watcher tells when a disk was lost.
type watcher struct {
	*set
	lost chan bool
}

func (w watcher) Lost(d *blkfront.Device) {
	w.set.Lost(d)
	w.lost <- true
}
