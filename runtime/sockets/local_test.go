package sockets

import (
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"internal/xengo/runtime/calls"
	"internal/xengo/runtime/fdtable"
	"internal/xengo/runtime/socket"
)

// listening returns a listening socket on lo and its address.
func listening(t testing.TB) (socket.Socket, []byte) {
	l, err := newInet(theStack(), socket.AF_INET, socket.SOCK_STREAM, 0)
	require.Zero(t, err)
	require.Zero(t, l.Bind([]byte{socket.AF_INET, 0, 0, 0, 127, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0}))
	require.Zero(t, l.Listen(1))
	addr, err := l.LocalAddr()
	require.Zero(t, err)
	return l, addr
}

// connecting returns a socket that has begun to connect.
func connecting(t testing.TB, addr []byte) *inet {
	c, err := newInet(theStack(), socket.AF_INET, socket.SOCK_STREAM, 0)
	require.Zero(t, err)
	require.Equal(t, calls.EINPROGRESS, c.Connect(addr))
	return c.(*inet)
}

func accepted(t testing.TB, l socket.Socket) *inet {
	wait(l, fdtable.In)
	s, _, err := l.Accept()
	require.Zero(t, err)
	return s.(*inet)
}

// A stream is numbers, from 0 on.
func numberAt(i int) byte { return byte(i*7 + i>>8) }

// write sends size numbers in pieces of all sizes, and then ends the stream.
func write(t *testing.T, s *inet, size int) {
	for i := 0; i < size; {
		p := make([]byte, min(size-i, 1+rand.IntN(1<<rand.IntN(18))))
		for j := range p {
			p[j] = numberAt(i + j)
		}
		n, err := s.Write(p)
		if err == calls.EAGAIN {
			wait(s, fdtable.Out)
		} else if err != 0 {
			t.Errorf("write: errno %d", err)
			return
		}
		i += n
	}
	if err := s.Shutdown(socket.SHUT_WR); err != 0 {
		t.Errorf("shutdown: errno %d", err)
	}
}

// read receives the numbers, some of them twice.
func read(t *testing.T, s *inet, size int) {
	i := 0
	for {
		p := make([]byte, 1+rand.IntN(1<<rand.IntN(18)))
		m := socket.Message{Data: [][]byte{p[:len(p)/3], p[len(p)/3:]}}
		if rand.IntN(3) == 0 {
			m.Flags = socket.MSG_PEEK
		}
		n, err := s.Receive(&m)
		if err == calls.EAGAIN {
			wait(s, fdtable.In)
			continue
		}
		if err != 0 {
			t.Errorf("read: errno %d after %d bytes", err, i)
			return
		}
		for j, c := range p[:n] {
			if c != numberAt(i+j) {
				t.Errorf("byte %d is wrong", i+j)
				return
			}
		}
		if n == 0 {
			break
		}
		if m.Flags == 0 {
			i += n
		}
	}
	if i != size {
		t.Errorf("%d bytes have come, want %d", i, size)
	}
}

// Whatever the stack was given before both sockets were there comes first, whoever comes first.
func TestLocalOrder(t *testing.T) {
	for range 40 {
		l, addr := listening(t)
		client := connecting(t, addr)
		size := rand.IntN(1 << 20)
		var all sync.WaitGroup
		all.Go(func() { wait(client, fdtable.Out); write(t, client, size) })
		all.Go(func() { read(t, client, size) })
		server := accepted(t, l)
		all.Go(func() { write(t, server, size) })
		all.Go(func() { read(t, server, size) })
		all.Wait()
		for _, s := range []*inet{client, server} {
			require.NotNil(t, s.neighbour.in.Load())
			require.NotNil(t, s.neighbour.out.Load())
			s.Release()
		}
		l.Release()
	}
	require.Empty(t, meetings.inets)
}

// A writer waits when there is much unread, and hears when it was read.
func TestLocalRoom(t *testing.T) {
	l, addr := listening(t)
	client := connecting(t, addr)
	server := accepted(t, l)
	l.Release()
	total := 0
	for p := make([]byte, 10000); ; {
		n, err := client.Write(p)
		if err == calls.EAGAIN {
			break
		}
		require.Zero(t, err)
		total += n
	}
	require.Equal(t, client.neighbour.out.Load().limit(), total)
	require.Zero(t, client.Readiness()&fdtable.Out)
	var heard atomic.Int32
	defer client.Notify(func(ev fdtable.Events) {
		if ev&fdtable.Out != 0 {
			heard.Add(1)
		}
	})()
	_, err := server.Read(make([]byte, total/4))
	require.Zero(t, err)
	require.Zero(t, heard.Load())
	_, err = server.Read(make([]byte, total/4))
	require.Zero(t, err)
	require.NotZero(t, heard.Load())
	require.NotZero(t, client.Readiness()&fdtable.Out)

	// What is left unread ends the connection for the other, who hears of it.
	server.Release()
	wait(client, fdtable.In)
	_, err = client.Read(make([]byte, 1))
	require.Equal(t, calls.ECONNRESET, err)
	client.Release()
}

// A socket that is gone before the other one comes is not waited for.
func TestLocalGone(t *testing.T) {
	l, addr := listening(t)
	client := connecting(t, addr)
	wait(l, fdtable.In)
	_, err := client.Write([]byte("last words"))
	require.Zero(t, err)
	client.Release()
	server := accepted(t, l)
	p := make([]byte, 20)
	wait(server, fdtable.In)
	n, err := server.Read(p)
	require.Zero(t, err)
	require.Equal(t, "last words", string(p[:n]))
	wait(server, fdtable.In)
	n, err = server.Read(p)
	require.Zero(t, err)
	require.Zero(t, n)
	server.Release()
	l.Release()
	require.Empty(t, meetings.inets)
}
