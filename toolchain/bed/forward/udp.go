package forward

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"sync"
	"syscall"
	"time"
)

// idle is how long a client of a UDP port is remembered after its last
// datagram, or the guest's last to it.
const idle = 2 * time.Minute

// maxClients bounds how many are remembered at a time.
const maxClients = 1024

func noAddress(err error) bool {
	return errors.Is(err, syscall.EADDRNOTAVAIL) || errors.Is(err, syscall.EAFNOSUPPORT)
}

// udpPort gives every client a socket of its own in the guests' network.
type udpPort struct {
	conn    *net.UDPConn
	toGuest func(context.Context) (net.Conn, error)

	mu      sync.Mutex
	clients map[netip.AddrPort]chan []byte
}

func (f *Forwarding) listenUDP(ctx context.Context, address string) error {
	c, err := net.ListenPacket("udp", address)
	if err != nil {
		return err
	}
	p := &udpPort{conn: c.(*net.UDPConn), toGuest: f.toGuest, clients: make(map[netip.AddrPort]chan []byte)}
	f.Port = c.LocalAddr().(*net.UDPAddr).Port
	f.closers = append(f.closers, c)
	go p.receive(ctx)
	return nil
}

// receive sorts datagrams by client. One that finds its client's queue full is
// lost, as datagrams may be.
func (p *udpPort) receive(ctx context.Context) {
	buf := make([]byte, 64<<10)
	for {
		n, from, err := p.conn.ReadFromUDPAddrPort(buf)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			continue // what became of an earlier answer
		}
		queue := p.client(ctx, from)
		if queue == nil {
			continue
		}
		select {
		case queue <- append([]byte(nil), buf[:n]...):
		default:
		}
	}
}

// client returns the queue of a client, or nil if there are too many.
func (p *udpPort) client(ctx context.Context, from netip.AddrPort) chan []byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	queue := p.clients[from]
	if queue == nil && len(p.clients) < maxClients {
		queue = make(chan []byte, 64)
		p.clients[from] = queue
		go p.serve(ctx, from, queue)
	}
	return queue
}

// serve carries one client's datagrams until it is idle.
func (p *udpPort) serve(ctx context.Context, from netip.AddrPort, queue chan []byte) {
	defer func() {
		p.mu.Lock()
		delete(p.clients, from)
		p.mu.Unlock()
	}()
	g, err := p.toGuest(ctx)
	if err != nil {
		return
	}
	defer g.Close()
	answered := make(chan struct{}, 1)
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		buf := make([]byte, 64<<10)
		for {
			n, err := g.Read(buf)
			if err != nil {
				return
			}
			if _, err := p.conn.WriteToUDPAddrPort(buf[:n], from); errors.Is(err, net.ErrClosed) {
				return
			}
			select {
			case answered <- struct{}{}:
			default:
			}
		}
	}()
	timer := time.NewTimer(idle)
	defer timer.Stop()
	for {
		select {
		case b := <-queue:
			if _, err := g.Write(b); err != nil {
				return
			}
			timer.Reset(idle)
		case <-answered:
			timer.Reset(idle)
		case <-timer.C:
			return
		case <-gone:
			return
		case <-ctx.Done():
			return
		}
	}
}
