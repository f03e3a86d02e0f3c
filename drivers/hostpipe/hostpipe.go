// Package hostpipe is a stream of bytes in each direction between a guest and a
// program in dom0 (toolchain/bed/hostpipe). There is no such device in Xen: it is for
// the test bed, where a guest has something to say to who started it and no network.
//
// The guest makes rings as those of 9pfs (package flexring; xen/abi, io_9pfs.go), lets
// dom0 map them, and names the page of indices and the event channel in xenstore, at
// Path below its own directory: "REFERENCE PORT", both in decimal. dom0 is trusted as
// little as any backend: what it does to the indices costs the pipe.
package hostpipe

import (
	"sync"

	"internal/xengo/drivers/ninepfront/flexring"
	"internal/xengo/xen/ascii"
	"internal/xengo/xen/hv"
	"internal/xengo/xen/xenstore"
)

// Path is where the guest says where the rings are.
const Path = "data/xengo-pipe"

// order is how many pages of data there are, as a power of two: 64 KiB in each direction.
const order = 5

// dom0 is who has the other end.
const dom0 hv.DomID = 0

// A Pipe is the guest's end, for as long as the guest lives. One goroutine at a time may read and one write.
type Pipe struct {
	p     hv.Platform
	pages [][]byte // the indices, then the data
	refs  []hv.GrantRef
	port  hv.Port

	in     *flexring.Reader
	out    *flexring.Writer
	data   chan struct{} // has one: there may be something in in
	room   chan struct{} // has one: there may be room in out
	worker sync.WaitGroup
}

// Open makes a pipe and offers it. The other end need not be there yet.
func Open(p hv.Platform, xs *xenstore.Client) (*Pipe, error) { return open(p, xs, 0) }

// open is Open with ring indices that begin at index.
func open(p hv.Platform, xs *xenstore.Client, index uint32) (*Pipe, error) {
	d := &Pipe{p: p, data: make(chan struct{}, 1), room: make(chan struct{}, 1)}
	if err := d.make(index); err != nil {
		d.release()
		return nil, err
	}
	hv.Go(&d.worker, d.work)
	if err := xs.Write(Path, ascii.Utoa(uint64(d.refs[0]))+" "+ascii.Utoa(uint64(d.port))); err != nil {
		d.close()
		return nil, err
	}
	return d, nil
}

func (d *Pipe) make(index uint32) (err error) {
	const n = 1 << order
	for range 1 + n {
		page, err := d.p.AllocPages(1)
		if err != nil {
			return err
		}
		ref, err := d.p.Grant(dom0, page, false)
		if err != nil {
			d.p.FreePages(page)
			return err
		}
		d.pages, d.refs = append(d.pages, page), append(d.refs, ref)
	}
	intf, data := flexring.Interface(d.pages[0]), d.pages[1:]
	for i, ref := range d.refs[1:] {
		flexring.Refs(d.pages[0], n)[i] = uint32(ref)
	}
	intf.RingOrder = order
	intf.InCons, intf.InProd, intf.OutCons, intf.OutProd = index, index, index, index
	d.in = flexring.NewReader(&intf.InProd, &intf.InCons, data[:n/2], index)
	d.out = flexring.NewWriter(&intf.OutProd, &intf.OutCons, data[n/2:], index)
	d.port, err = d.p.AllocUnbound(dom0)
	return err
}

// work turns events into tokens until the port is shut.
func (d *Pipe) work() {
	for d.p.Wait(d.port) {
		for _, c := range []chan struct{}{d.data, d.room} {
			select {
			case c <- struct{}{}:
			default:
			}
		}
	}
}

// Read waits for bytes and returns as many as there are and have room in p.
func (d *Pipe) Read(p []byte) (int, error) {
	for {
		n, err := d.in.Available()
		if err != nil {
			return 0, err
		}
		if n = min(n, len(p)); n > 0 {
			d.in.Read(p[:n])
			d.in.Release()
			d.p.Notify(d.port) // that there is no other end is no error: one may come
			return n, nil
		}
		<-d.data
	}
}

// Write returns when all of p is in the ring, where the other end finds it even if this domain has shut down.
func (d *Pipe) Write(p []byte) (int, error) {
	for done := 0; ; {
		room, err := d.out.Room()
		if err != nil {
			return done, err
		}
		if n := min(room, len(p)-done); n > 0 {
			d.out.Write(p[done : done+n])
			d.out.Publish()
			d.p.Notify(d.port) // as above
			done += n
		}
		if done == len(p) {
			return done, nil
		}
		d.p.Hold(+1) // the other end makes room: whoever else waits, this is no deadlock
		<-d.room
		d.p.Hold(-1)
	}
}

// close ends a pipe that nobody uses any more.
func (d *Pipe) close() {
	d.p.Shut(d.port)
	d.worker.Wait()
	d.p.ClosePort(d.port) // fails only for a port that is not open
	d.release()
}

// release gives the memory back.
func (d *Pipe) release() {
	for i, ref := range d.refs {
		d.p.Release(ref, d.pages[i])
	}
	d.pages, d.refs = nil, nil
}
