package forward

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"sync"
)

// Forwarding is a rule in force.
type Forwarding struct {
	Port    int // of this machine
	toGuest func(context.Context) (net.Conn, error)
	closers []io.Closer
}

// Start listens, and connects what comes to the guest. Connections end when ctx
// is done.
func (r Rule) Start(ctx context.Context, dial Dialer) (*Forwarding, error) {
	f := &Forwarding{Port: r.Port, toGuest: func(ctx context.Context) (net.Conn, error) { return r.dial(ctx, dial) }}
	for i, a := range r.addresses() {
		listen := f.listenTCP
		if r.Network == "udp" {
			listen = f.listenUDP
		}
		err := listen(ctx, net.JoinHostPort(a, strconv.Itoa(f.Port)))
		if err != nil && (i == 0 || !noAddress(err)) {
			return nil, errors.Join(fmt.Errorf("publish port %d: %w", r.Port, err), f.Close())
		}
	}
	return f, nil
}

// Close stops listening.
func (f *Forwarding) Close() error {
	var errs []error
	for _, c := range f.closers {
		errs = append(errs, c.Close())
	}
	return errors.Join(errs...)
}

func (f *Forwarding) listenTCP(ctx context.Context, address string) error {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	f.Port = l.Addr().(*net.TCPAddr).Port
	f.closers = append(f.closers, l)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return // closed
			}
			go f.connect(ctx, c.(*net.TCPConn))
		}
	}()
	return nil
}

// connect joins a connection with one to the guest. If the guest does not
// listen the connection is reset, which is all it can be told.
func (f *Forwarding) connect(ctx context.Context, c *net.TCPConn) {
	defer c.Close()
	g, err := f.toGuest(ctx)
	if err != nil {
		c.SetLinger(0)
		return
	}
	defer g.Close()
	stop := context.AfterFunc(ctx, func() { c.Close() })
	defer stop()
	Join(c, g.(Half))
}

// Half is a connection whose directions end one by one.
type Half interface {
	net.Conn
	CloseWrite() error
}

// Join copies between two connections until both directions are at their end,
// or one fails.
func Join(a, b Half) {
	var both sync.WaitGroup
	oneWay := func(to, from Half) {
		if _, err := io.Copy(to, from); err != nil || to.CloseWrite() != nil {
			to.Close()
			from.Close()
		}
	}
	both.Go(func() { oneWay(a, b) })
	both.Go(func() { oneWay(b, a) })
	both.Wait()
}
