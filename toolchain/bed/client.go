package bed

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"

	"internal/xengo/toolchain/bed/forward"
	"internal/xengo/toolchain/bed/proto"
)

// stream is a connection to the agent for one operation.
type stream = forward.Half

// client asks the agent for things. Its methods may be called concurrently.
type client struct {
	open func() (stream, error)
}

// ask opens a stream for a request that the agent grants. The stream closes
// when ctx is done.
func (c *client) ask(ctx context.Context, req proto.Request) (stream, proto.Reply, error) {
	var reply proto.Reply
	st, err := c.open()
	if err != nil {
		return nil, reply, err
	}
	stop := context.AfterFunc(ctx, func() { st.Close() })
	if err = proto.WriteJSON(st, req); err == nil {
		reply, err = readReply(st)
	}
	if err != nil {
		stop()
		st.Close()
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		return nil, reply, fmt.Errorf("dom0: %w", err)
	}
	return &asked{st, stop}, reply, nil
}

// asked is a stream that no longer watches its context when it is closed.
type asked struct {
	stream
	stop func() bool
}

func (a *asked) Close() error {
	a.stop()
	return a.stream.Close()
}

func readReply(st stream) (proto.Reply, error) {
	var reply proto.Reply
	if err := proto.ReadJSON(st, &reply); err != nil {
		return reply, err
	}
	if reply.Error != "" {
		return reply, errors.New(reply.Error)
	}
	return reply, nil
}

// Exec runs a program in dom0 and returns its standard output. What it said on
// stderr is in the error.
func (c *client) Exec(ctx context.Context, argv ...string) (string, error) {
	var out, msg bytes.Buffer
	err := c.Run(ctx, Command{Argv: argv, Stdout: &out, Stderr: &msg})
	if exit := (*ExitError)(nil); errors.As(err, &exit) {
		exit.Stderr = msg.String()
	}
	return out.String(), err
}

func (c *client) run(ctx context.Context, argv ...string) error {
	_, err := c.Exec(ctx, argv...)
	return err
}

// Put writes a file in dom0, in place of what has that name.
func (c *client) Put(ctx context.Context, name string, mode os.FileMode, r io.Reader) error {
	st, _, err := c.ask(ctx, proto.Request{Op: proto.Put, Path: name, Mode: uint32(mode.Perm())})
	if err != nil {
		return err
	}
	defer st.Close()
	if err := proto.SendFile(st, r); err != nil {
		return fmt.Errorf("dom0: write %s: %w", name, err)
	}
	if err := st.CloseWrite(); err != nil {
		return err
	}
	if _, err := readReply(st); err != nil {
		return fmt.Errorf("dom0: write %s: %w", name, err)
	}
	return nil
}

// Get returns a file of dom0.
func (c *client) Get(ctx context.Context, name string) ([]byte, error) {
	var contents proto.Contents
	_, err := c.get(ctx, &contents, name)
	return contents, err
}

// get fills f with a file of dom0.
func (c *client) get(ctx context.Context, f proto.File, name string) (size int64, err error) {
	st, _, err := c.ask(ctx, proto.Request{Op: proto.Get, Path: name})
	if err != nil {
		return 0, err
	}
	defer st.Close()
	return proto.ReadFile(st, f)
}

// follow returns the bytes of a file of dom0 as it grows. After CloseWrite they
// end when the file has stopped growing.
func (c *client) follow(ctx context.Context, name string) (stream, error) {
	st, _, err := c.ask(ctx, proto.Request{Op: proto.Follow, Path: name})
	return st, err
}

// Dial connects from dom0 to an address in the guests' network ("tcp" or "udp",
// "10.0.0.2:80"). Once it is there, the connection does not depend on ctx.
func (c *client) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	st, _, err := c.ask(ctx, proto.Request{Op: proto.Dial, Network: network, Address: address})
	if err != nil {
		return nil, err
	}
	if a := st.(*asked); !a.stop() {
		return nil, errors.Join(ctx.Err(), st.Close())
	}
	if strings.HasPrefix(network, "udp") {
		return &datagrams{stream: st}, nil
	}
	return st, nil
}

// datagrams is a connection that keeps the borders of what is written.
type datagrams struct {
	stream
	rmu, wmu sync.Mutex
}

func (d *datagrams) Read(p []byte) (int, error) {
	d.rmu.Lock()
	defer d.rmu.Unlock()
	b, err := proto.ReadDatagram(d.stream)
	return copy(p, b), err
}

func (d *datagrams) Write(p []byte) (int, error) {
	d.wmu.Lock()
	defer d.wmu.Unlock()
	if err := proto.WriteDatagram(d.stream, p); err != nil {
		return 0, err
	}
	return len(p), nil
}

// number returns one that this bed gave to nobody else.
func (c *client) number(ctx context.Context) (int, error) {
	st, reply, err := c.ask(ctx, proto.Request{Op: proto.Next})
	if err != nil {
		return 0, err
	}
	return reply.Number, st.Close()
}
