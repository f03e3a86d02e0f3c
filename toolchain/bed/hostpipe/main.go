//go:build linux

// Hostpipe is the end in dom0 of a guest's pipe (package drivers/hostpipe): what the
// guest writes is this program's standard output, and its standard input is for the
// guest. When its input ends, it passes on what the guest has written until then, also
// if that has shut down, and ends.
//
//	hostpipe DOMID
package main

import (
	"io"
	"log"
	"os"
	"strconv"
	"sync"

	"internal/xengo/drivers/ninepfront/flexring"
)

func main() {
	log.SetFlags(0)
	log.SetPrefix("hostpipe: ")
	if len(os.Args) != 2 {
		log.Fatal("usage: hostpipe DOMID")
	}
	domid, err := strconv.ParseUint(os.Args[1], 10, 16)
	if err != nil {
		log.Fatal(err)
	}
	store, err := openStore(uint32(domid))
	if err != nil {
		log.Fatal(err)
	}
	p := &pipe{changed: sync.NewCond(new(sync.Mutex))}
	go p.stdin(store)
	ref, port, ok, err := store.offer(func() bool { _, over := p.seen(); return over })
	if err != nil {
		log.Fatal(err)
	}
	if !ok {
		return // the guest never offered a pipe
	}
	r, err := mapRings(uint32(domid), ref)
	if err != nil {
		log.Fatal(err)
	}
	if p.events, err = bind(uint32(domid), port); err != nil {
		log.Fatal(err)
	}
	go p.listen()
	go p.feed(r.in)
	if err := p.drain(r.out); err != nil {
		log.Fatal(err)
	}
}

// pipe is what the copying goroutines share.
type pipe struct {
	events *channel

	changed *sync.Cond // any of what follows did
	count   uint64     // of events; guarded by changed.L
	input   []byte     // what was read; guarded by changed.L, bounded by what the two ends agree on
	over    bool       // it has ended; guarded by changed.L
}

// stdin reads the input from the start on, so that its end ends a program that still waits for the guest.
func (p *pipe) stdin(store *store) {
	for b := make([]byte, 32<<10); ; {
		n, err := os.Stdin.Read(b)
		p.changed.L.Lock()
		p.input = append(p.input, b[:n]...)
		p.count++
		p.over = err != nil
		p.changed.Broadcast()
		p.changed.L.Unlock()
		if err != nil {
			if err != io.EOF {
				log.Print(err)
			}
			break
		}
	}
	if err := store.read(); err != nil {
		log.Print(err)
	}
}

// listen counts events.
func (p *pipe) listen() {
	for {
		if err := p.events.wait(); err != nil {
			log.Fatal(err)
		}
		p.changed.L.Lock()
		p.count++
		p.changed.Broadcast()
		p.changed.L.Unlock()
	}
}

// seen returns how often something happened so far, and whether the input has ended.
func (p *pipe) seen() (count uint64, over bool) {
	p.changed.L.Lock()
	defer p.changed.L.Unlock()
	return p.count, p.over
}

// wait returns when something has happened since seen returned count and over.
func (p *pipe) wait(count uint64, over bool) {
	p.changed.L.Lock()
	defer p.changed.L.Unlock()
	for p.count == count && p.over == over {
		p.changed.Wait()
	}
}

// feed copies the input into the ring.
func (p *pipe) feed(w *flexring.Writer) {
	for {
		count, over := p.seen()
		room, err := w.Room()
		if err != nil {
			log.Fatal(err)
		}
		b := p.take(room)
		if len(b) == 0 {
			p.wait(count, over)
			continue
		}
		w.Write(b)
		w.Publish()
		p.events.notify() // fails if the guest is gone, which its end says, too
	}
}

// take takes up to n bytes of the input.
func (p *pipe) take(n int) []byte {
	p.changed.L.Lock()
	defer p.changed.L.Unlock()
	n = min(n, len(p.input))
	b := p.input[:n:n]
	p.input = p.input[n:]
	return b
}

// drain copies the ring to the output.
func (p *pipe) drain(r *flexring.Reader) error {
	for b := make([]byte, 32<<10); ; {
		count, over := p.seen()
		n, err := r.Available()
		if err != nil {
			return err
		}
		if n = min(n, len(b)); n == 0 {
			if over {
				return nil
			}
			p.wait(count, over)
			continue
		}
		r.Read(b[:n])
		r.Release()
		p.events.notify() // as above
		if _, err := os.Stdout.Write(b[:n]); err != nil {
			return err
		}
	}
}
