package p9fs

import (
	"errors"
	"sync"

	"internal/xengo/drivers/ninepfront"
	"internal/xengo/drivers/ninepfront/p9"
	"internal/xengo/runtime/calls"
)

// A Transport carries requests to a server and its replies back, as a
// ninepfront.Device does.
type Transport interface {
	MaxMessage() int
	Start(req, room []byte, done func(reply []byte, err error))
	Call(req, room []byte) (reply []byte, err error)
	Break(err error)
}

var (
	errVersion = errors.New("the server speaks neither 9P2000.L nor 9P2000.u")
	errMSize   = errors.New("the server wants messages of an impossible size")
	errErrno   = errors.New("9p: a failure with an impossible error number")
	errCount   = errors.New("9p: the server has done more than it was asked for")
	errName    = errors.New("9p: an impossible name of a file")
)

const (
	// smallMessage is enough for a request or reply without data, most often.
	smallMessage = 256

	// maxLarge is how many messages with much data are under way at most.
	maxLarge = 8

	// minMessage is what a server has to take, in bytes.
	minMessage = 1024

	// maxErrno is the largest error number. Source: Linux 6.16 include/linux/err.h (MAX_ERRNO).
	maxErrno = 4095
)

// A client makes calls.
type client struct {
	t     Transport
	msize int         // longest message
	large chan []byte // room for long messages, nil until it is used
	dialect

	mu      sync.Mutex
	lastFid uint32
	fids    []uint32 // that can be used again
}

// newClient agrees with the server on a version.
func newClient(t Transport) (*client, error) {
	c := &client{t: t, msize: t.MaxMessage(), large: make(chan []byte, maxLarge)}
	for range maxLarge {
		c.large <- nil
	}
	for _, d := range []dialect{dialectL{c}, dialectU{c}} {
		var r p9.Rversion
		err := c.call(&p9.Tversion{MSize: uint32(t.MaxMessage()), Version: d.version()}, &r)
		if err == calls.EIO {
			return nil, err
		}
		if err != 0 || r.Version != d.version() {
			continue
		}
		if r.MSize < minMessage || int64(r.MSize) > int64(t.MaxMessage()) {
			return nil, errMSize
		}
		c.msize, c.dialect = int(r.MSize), d
		return c, nil
	}
	return nil, errVersion
}

// call sends a request and waits for its reply.
func (c *client) call(req, reply p9.Message) calls.Errno {
	return c.callIn(make([]byte, 0, smallMessage), req, reply)
}

// callLarge is call for messages with n bytes of data.
func (c *client) callLarge(n int, req, reply p9.Message) calls.Errno {
	if n <= 4096 {
		return c.callIn(make([]byte, 0, n+smallMessage), req, reply)
	}
	room := <-c.large
	if room == nil {
		room = make([]byte, 0, c.msize)
	}
	defer func() { c.large <- room }()
	return c.callIn(room, req, reply)
}

// callIn makes a call whose messages are in room, if they fit.
func (c *client) callIn(room []byte, req, reply p9.Message) calls.Errno {
	msg, err := p9.Append(room[:0], 0, req)
	if err != nil || len(msg) > c.msize {
		return calls.ENAMETOOLONG // names and paths are all that can be too long
	}
	answer, err := c.t.Call(msg, room[:0])
	if err != nil {
		return calls.EIO
	}
	return c.parse(answer, reply)
}

// parse reads a reply, or the error in its place.
func (c *client) parse(answer []byte, reply p9.Message) calls.Errno {
	var failed p9.Rlerror
	var failedU p9.Rerror
	var err error
	number := uint32(0)
	switch p9.ParseHeader(answer).Type {
	case failed.Type():
		err = p9.Parse(answer, &failed)
		number = failed.Errno
	case failedU.Type():
		err = p9.Parse(answer, &failedU)
		number = failedU.Errno
	default:
		if err = p9.Parse(answer, reply); err == nil {
			return 0
		}
	}
	if err == nil && (number == 0 || number > maxErrno) {
		err = errErrno
	}
	if err != nil {
		return c.broken(err)
	}
	return calls.Errno(number)
}

// broken gives the server up for what it said.
func (c *client) broken(err error) calls.Errno {
	c.t.Break(err)
	return calls.EIO
}

// newFid returns a number that stands for no file.
func (c *client) newFid() uint32 {
	c.mu.Lock()
	defer c.mu.Unlock()
	if n := len(c.fids); n > 0 {
		fid := c.fids[n-1]
		c.fids = c.fids[:n-1]
		return fid
	}
	c.lastFid++
	return c.lastFid
}

// freeFid lets a number be used again.
func (c *client) freeFid(fid uint32) {
	c.mu.Lock()
	c.fids = append(c.fids, fid)
	c.mu.Unlock()
}

// clunk ends the use of a fid. Nobody has to wait for that; requests that are made later come to the server later.
func (c *client) clunk(fid uint32) {
	req, err := p9.Append(make([]byte, 0, smallMessage), 0, &p9.Tclunk{Fid: fid})
	if err != nil {
		return // no: there is no string in it
	}
	c.t.Start(req, req[:0], func(reply []byte, err error) {
		if err == nil {
			// That the server failed to do something makes the fid no more usable.
			c.parse(reply, &p9.Rclunk{})
			c.freeFid(fid)
		}
	})
}

// walk makes a new fid stand for the file that names lead to from another one.
func (c *client) walk(from uint32, names []string) (fid uint32, last p9.QID, err calls.Errno) {
	fid = c.newFid()
	for made := false; !made || len(names) > 0; made = true {
		n := min(len(names), p9.MaxWalk)
		var r p9.Rwalk
		err = c.call(&p9.Twalk{Fid: from, NewFid: fid, Names: names[:n]}, &r)
		switch {
		case err == 0 && len(r.QIDs) > n:
			err = c.broken(errCount)
		case err == 0 && len(r.QIDs) < n:
			err = calls.ENOENT
		}
		if err != 0 {
			if made {
				c.clunk(fid)
			} else {
				c.freeFid(fid)
			}
			return 0, last, err
		}
		if n > 0 {
			last = r.QIDs[n-1]
		}
		from, names = fid, names[n:]
	}
	return fid, last, 0
}

var _ Transport = (*ninepfront.Device)(nil)
