package sockets

import (
	"testing"

	"github.com/stretchr/testify/require"

	"internal/xengo/runtime/calls"
	"internal/xengo/runtime/fdtable"
	"internal/xengo/runtime/socket"
)

// listener returns a socket on lo that listens, and its address.
func listener(t testing.TB) (l socket.Socket, addr []byte) {
	l, err := newInet(theStack(), socket.AF_INET, socket.SOCK_STREAM, 0)
	require.Zero(t, err)
	require.Zero(t, l.Bind([]byte{socket.AF_INET, 0, 0, 0, 127, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0}))
	require.Zero(t, l.Listen(1))
	addr, err = l.LocalAddr()
	require.Zero(t, err)
	return l, addr
}

// dial returns both ends of a connection to a listener.
func dial(t testing.TB, l socket.Socket, addr []byte) (client, server socket.Socket) {
	client, err := newInet(theStack(), socket.AF_INET, socket.SOCK_STREAM, 0)
	require.Zero(t, err)
	client.Connect(addr)
	wait(l, fdtable.In)
	server, _, err = l.Accept()
	require.Zero(t, err)
	return client, server
}

// endedByServer makes a connection, which the server ends.
func endedByServer(t testing.TB, l socket.Socket, addr []byte) {
	client, server := dial(t, l, addr)
	require.Zero(t, server.Release())
	_, err := client.Read(make([]byte, 1))
	for err == calls.EAGAIN {
		wait(client, fdtable.In)
		_, err = client.Read(make([]byte, 1))
	}
	require.Zero(t, err)
	require.Zero(t, client.Release())
}

// connected returns both ends of a connection on lo.
func connected(b *testing.B) (client, server socket.Socket) {
	l, addr := listener(b)
	defer l.Release()
	client, server = dial(b, l, addr)
	b.Cleanup(func() { client.Release(); server.Release() })
	return client, server
}

// wait waits for events of a socket.
func wait(s socket.Socket, ev fdtable.Events) {
	f := fdtable.NewFile(s, 0)
	f.Wait(ev, fdtable.Never)
}

func BenchmarkStream(b *testing.B) {
	client, server := connected(b)
	p := make([]byte, 64<<10)
	b.SetBytes(int64(len(p)))
	b.ReportAllocs()
	go func() {
		q := make([]byte, 64<<10)
		for {
			n, err := server.Read(q)
			if err == calls.EAGAIN {
				wait(server, fdtable.In)
			} else if n == 0 {
				return
			}
		}
	}()
	for b.Loop() {
		for left := p; len(left) > 0; {
			n, err := client.Write(left)
			if err == calls.EAGAIN {
				wait(client, fdtable.Out)
			}
			left = left[n:]
		}
	}
}

func BenchmarkPingPong(b *testing.B) {
	client, server := connected(b)
	b.ReportAllocs()
	go func() {
		q := make([]byte, 64)
		for {
			n, err := server.Read(q)
			if err == calls.EAGAIN {
				wait(server, fdtable.In)
			} else if n == 0 {
				return
			} else {
				server.Write(q[:n])
			}
		}
	}()
	p := make([]byte, 64)
	for b.Loop() {
		client.Write(p)
		for {
			if _, err := client.Read(p); err != calls.EAGAIN {
				break
			}
			wait(client, fdtable.In)
		}
	}
}

// BenchmarkDatagram sends a datagram to another socket, and receives it there.
func BenchmarkDatagram(b *testing.B) {
	var ends [2]socket.Socket
	for i := range ends {
		s, err := newInet(theStack(), socket.AF_INET, socket.SOCK_DGRAM, 0)
		require.Zero(b, err)
		defer s.Release()
		require.Zero(b, s.Bind([]byte{socket.AF_INET, 0, 0, 0, 127, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0}))
		ends[i] = s
	}
	addr, err := ends[1].LocalAddr()
	require.Zero(b, err)
	require.Zero(b, ends[0].Connect(addr))
	p := make([]byte, 64)
	b.ReportAllocs()
	for b.Loop() {
		_, err := ends[0].Write(p)
		require.Zero(b, err)
		for {
			_, err := ends[1].Read(p)
			if err == 0 {
				break
			}
			require.Equal(b, calls.EAGAIN, err)
			wait(ends[1], fdtable.In)
		}
	}
}

// BenchmarkConnect makes a connection, which the server ends.
func BenchmarkConnect(b *testing.B) {
	l, addr := listener(b)
	defer l.Release()
	b.ReportAllocs()
	for b.Loop() {
		endedByServer(b, l, addr)
	}
}
