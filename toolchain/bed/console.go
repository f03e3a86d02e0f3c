package bed

import (
	"context"
	"io"
	"strconv"
	"strings"
	"sync"
)

// transcript keeps what is written for any number of readers.
type transcript struct {
	mu    sync.Mutex
	grown sync.Cond
	data  []byte
	ended bool
}

func newTranscript() *transcript {
	t := new(transcript)
	t.grown.L = &t.mu
	return t
}

func (t *transcript) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.data = append(t.data, p...)
	t.grown.Broadcast()
	return len(p), nil
}

func (t *transcript) end() {
	t.mu.Lock()
	t.ended = true
	t.grown.Broadcast()
	t.mu.Unlock()
}

// transcriptReader reads a transcript from its beginning.
type transcriptReader struct {
	t    *transcript
	done int
}

func (r *transcriptReader) Read(p []byte) (int, error) {
	r.t.mu.Lock()
	defer r.t.mu.Unlock()
	for r.done == len(r.t.data) && len(p) > 0 {
		if r.t.ended {
			return 0, io.EOF
		}
		r.t.grown.Wait()
	}
	n := copy(p, r.t.data[r.done:])
	r.done += n
	return n, nil
}

// Console returns a reader of the guest's console, from the first byte on. It
// is at its end when the guest is. The bytes are as the guest wrote them, with
// "\r\n" for newlines.
func (g *Guest) Console() io.Reader { return &transcriptReader{t: g.output} }

// Transcript returns what the guest has written to its console so far, with
// "\n" for newlines.
func (g *Guest) Transcript() string {
	g.output.mu.Lock()
	defer g.output.mu.Unlock()
	return strings.ReplaceAll(string(g.output.data), "\r\n", "\n")
}

// input types on the guest's console.
type input struct {
	guest *Guest
	ctx   context.Context

	mu    sync.Mutex
	domid int // that pipe leads to
	pipe  *io.PipeWriter
}

// Write waits until dom0 has taken p. A guest that restarts has a new console,
// which gets what is written after that.
func (i *input) Write(p []byte) (int, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if domid := i.guest.DomID(); i.pipe == nil || domid != i.domid {
		if err := i.open(domid); err != nil {
			return 0, err
		}
	}
	return i.pipe.Write(p)
}

func (i *input) open(domid int) error {
	if i.pipe != nil {
		i.pipe.Close()
		i.pipe = nil
	}
	r, w := io.Pipe()
	p, err := i.guest.bed.Start(i.ctx, Command{Argv: []string{"console-input", strconv.Itoa(domid)}, Stdin: r})
	if err != nil {
		return err
	}
	go func() {
		err := p.Wait()
		if err == nil {
			err = io.ErrClosedPipe
		}
		r.CloseWithError(err)
		p.Close() // of a program that has ended
	}()
	i.pipe, i.domid = w, domid
	return nil
}
