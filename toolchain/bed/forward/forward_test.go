package forward

import (
	"context"
	"errors"
	"io"
	"net"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestParse(t *testing.T) {
	for s, want := range map[string]Rule{
		"8080:80":           {Port: 8080, Guest: 80, Network: "tcp"},
		"0:80/tcp":          {Guest: 80, Network: "tcp"},
		"5353:53/udp":       {Port: 5353, Guest: 53, Network: "udp"},
		"0.0.0.0:8080:80":   {Address: "0.0.0.0", Port: 8080, Guest: 80, Network: "tcp"},
		"[::1]:8080:80/udp": {Address: "::1", Port: 8080, Guest: 80, Network: "udp"},
	} {
		got, err := Parse(s)
		require.NoError(t, err, s)
		require.Equal(t, want, got, s)
	}
	for _, s := range []string{"", "80", ":80", "80:", "80:0", "65536:80", "80:65536", "-1:80", "80:80/sctp", "host:80:80", "a:b", "80:80:80"} {
		_, err := Parse(s)
		require.Error(t, err, s)
		require.ErrorContains(t, err, "HOSTPORT:GUESTPORT")
	}
}

// guest listens and counts what dials it; the first dials fail, as before a
// guest listens.
func guest(t *testing.T, network string, serve func(net.Conn)) Dialer {
	t.Helper()
	var tries atomic.Int32
	return func(ctx context.Context, n string, port int) (net.Conn, error) {
		require.Equal(t, network, n)
		require.Equal(t, 80, port)
		if tries.Add(1) < 3 {
			return nil, errors.New("connection refused")
		}
		var l net.Listener
		if network == "udp" {
			a, b := net.Pipe()
			go serve(b)
			return a, nil
		}
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer l.Close()
		go func() {
			if c, err := l.Accept(); err == nil {
				serve(c)
			}
		}()
		return net.Dial("tcp", l.Addr().String())
	}
}

func TestTCP(t *testing.T) {
	dial := guest(t, "tcp", func(c net.Conn) {
		defer c.Close()
		all, err := io.ReadAll(c) // up to the other's half close
		if err == nil {
			c.Write(append([]byte("got "), all...))
		}
	})
	f, err := Rule{Guest: 80, Network: "tcp"}.Start(t.Context(), dial)
	require.NoError(t, err)
	defer f.Close()
	c, err := net.Dial("tcp", net.JoinHostPort("localhost", strconv.Itoa(f.Port)))
	require.NoError(t, err)
	defer c.Close()
	_, err = c.Write([]byte("this"))
	require.NoError(t, err)
	require.NoError(t, c.(*net.TCPConn).CloseWrite())
	got, err := io.ReadAll(c)
	require.NoError(t, err)
	require.Equal(t, "got this", string(got))

	_, err = Rule{Address: "127.0.0.1", Port: f.Port, Guest: 80, Network: "tcp"}.Start(t.Context(), dial)
	require.ErrorContains(t, err, "publish port "+strconv.Itoa(f.Port))
}

func TestTCPEndsWithContext(t *testing.T) {
	hold := make(chan struct{})
	defer close(hold)
	ctx, cancel := context.WithCancel(t.Context())
	f, err := Rule{Guest: 80, Network: "tcp"}.Start(ctx, guest(t, "tcp", func(c net.Conn) {
		<-hold
		c.Close()
	}))
	require.NoError(t, err)
	defer f.Close()
	c, err := net.Dial("tcp", "127.0.0.1:"+strconv.Itoa(f.Port))
	require.NoError(t, err)
	defer c.Close()
	time.AfterFunc(500*time.Millisecond, cancel)
	_, err = c.Read(make([]byte, 1))
	require.Error(t, err)
}

func TestUDP(t *testing.T) {
	f, err := Rule{Guest: 80, Network: "udp"}.Start(t.Context(), guest(t, "udp", func(c net.Conn) {
		buf := make([]byte, 100)
		for {
			n, err := c.Read(buf)
			if err != nil {
				return
			}
			c.Write(append([]byte("got "), buf[:n]...))
		}
	}))
	require.NoError(t, err)
	defer f.Close()
	for _, word := range []string{"one", "two"} {
		c, err := net.Dial("udp", "127.0.0.1:"+strconv.Itoa(f.Port))
		require.NoError(t, err)
		_, err = c.Write([]byte(word))
		require.NoError(t, err)
		require.NoError(t, c.SetDeadline(time.Now().Add(10*time.Second)))
		buf := make([]byte, 100)
		n, err := c.Read(buf)
		require.NoError(t, err)
		require.Equal(t, "got "+word, string(buf[:n]))
		require.NoError(t, c.Close())
	}
}
