package speed

import (
	"io"
	"net"
	"testing"
)

func sockets(b *testing.B, network, address string) wires {
	b.Helper()
	l, err := net.Listen(network, address)
	must(b, err)
	defer l.Close()
	here, err := net.Dial(network, l.Addr().String())
	must(b, err)
	there, err := l.Accept()
	must(b, err)
	b.Cleanup(func() {
		here.Close()
		there.Close()
	})
	return wires{here, there}
}

const loopback = "127.0.0.1:0"

func BenchmarkTCPRoundTrip(b *testing.B) { roundTrips(b, 64, sockets(b, "tcp", loopback)) }
func BenchmarkTCP4K(b *testing.B)        { throughput(b, 4<<10, sockets(b, "tcp", loopback)) }
func BenchmarkTCP64K(b *testing.B)       { throughput(b, 64<<10, sockets(b, "tcp", loopback)) }
func BenchmarkUnixRoundTrip(b *testing.B) {
	roundTrips(b, 64, sockets(b, "unix", b.TempDir()+"/socket"))
}
func BenchmarkUnix64K(b *testing.B) { throughput(b, 64<<10, sockets(b, "unix", b.TempDir()+"/socket")) }

func BenchmarkTCPConnect(b *testing.B) {
	l, err := net.Listen("tcp", loopback)
	must(b, err)
	defer l.Close()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return // closed
			}
			c.Close()
		}
	}()
	for b.Loop() {
		c, err := net.Dial("tcp", l.Addr().String())
		must(b, err)
		_, err = c.Read(make([]byte, 1))
		if err != io.EOF {
			b.Fatal(err)
		}
		c.Close()
	}
}

func BenchmarkUDPRoundTrip(b *testing.B) {
	server, err := net.ListenPacket("udp", loopback)
	must(b, err)
	defer server.Close()
	go func() {
		p := make([]byte, 2048)
		for {
			n, from, err := server.ReadFrom(p)
			if err != nil {
				return // closed
			}
			server.WriteTo(p[:n], from)
		}
	}()
	c, err := net.Dial("udp", server.LocalAddr().String())
	must(b, err)
	defer c.Close()
	p := make([]byte, 64)
	for b.Loop() {
		_, err := c.Write(p)
		must(b, err)
		_, err = c.Read(p)
		must(b, err)
	}
}
