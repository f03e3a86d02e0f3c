package mux

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// pair returns the two ends of a session.
func pair(t *testing.T) (client, server *Session) {
	t.Helper()
	a, b := net.Pipe()
	t.Cleanup(func() { a.Close(); b.Close() })
	served := make(chan *Session, 1)
	go func() {
		s, err := NewServer(b).Serve()
		if err == nil {
			served <- s
		}
	}()
	client, err := Dial(a)
	require.NoError(t, err)
	return client, <-served
}

// stream opens one stream and returns both ends.
func stream(t *testing.T, client, server *Session) (a, b *Stream) {
	t.Helper()
	a, err := client.Open()
	require.NoError(t, err)
	b, err = server.Accept()
	require.NoError(t, err)
	return a, b
}

func TestEcho(t *testing.T) {
	client, server := pair(t)
	go func() {
		for {
			st, err := server.Accept()
			if err != nil {
				return
			}
			go func() {
				io.Copy(st, st)
				st.CloseWrite()
			}()
		}
	}()
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			st, err := client.Open()
			if err != nil {
				t.Error(err)
				return
			}
			data := make([]byte, 3*window+i)
			for j := range data {
				data[j] = byte(rand.Uint32())
			}
			go func() {
				st.Write(data)
				st.CloseWrite()
			}()
			back, err := io.ReadAll(st)
			if err != nil || sha256.Sum256(back) != sha256.Sum256(data) {
				t.Errorf("stream %d: %d of %d bytes, %v", i, len(back), len(data), err)
			}
			if err := st.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
}

// A stream that nobody reads holds up neither the session nor more memory than
// its window.
func TestFlowControl(t *testing.T) {
	client, server := pair(t)
	a, b := stream(t, client, server)
	require.NoError(t, a.SetWriteDeadline(time.Now().Add(100*time.Millisecond)))
	n, err := a.Write(make([]byte, 2*window))
	require.ErrorIs(t, err, os.ErrDeadlineExceeded)
	require.Equal(t, window, n)

	c, d := stream(t, client, server)
	_, err = c.Write([]byte("x"))
	require.NoError(t, err)
	var x [1]byte
	_, err = io.ReadFull(d, x[:])
	require.NoError(t, err)

	// Reading gives credit again.
	require.NoError(t, a.SetWriteDeadline(time.Time{}))
	_, err = io.ReadFull(b, make([]byte, window))
	require.NoError(t, err)
	_, err = a.Write(make([]byte, window))
	require.NoError(t, err)
}

func TestReset(t *testing.T) {
	client, server := pair(t)
	a, b := stream(t, client, server)
	_, err := a.Write([]byte("lost"))
	require.NoError(t, err)
	require.NoError(t, a.Close())
	_, err = a.Read(make([]byte, 1))
	require.ErrorIs(t, err, net.ErrClosed)
	require.Eventually(t, func() bool {
		_, err := b.Write([]byte("x"))
		return err == ErrClosed
	}, 5*time.Second, time.Millisecond)
	require.NoError(t, b.Close())
}

func TestHalfClose(t *testing.T) {
	client, server := pair(t)
	a, b := stream(t, client, server)
	require.NoError(t, a.CloseWrite())
	_, err := a.Write([]byte("x"))
	require.ErrorIs(t, err, net.ErrClosed)
	_, err = b.Read(make([]byte, 1))
	require.Equal(t, io.EOF, err)
	_, err = b.Write([]byte("answer"))
	require.NoError(t, err)
	require.NoError(t, b.CloseWrite())
	got, err := io.ReadAll(a)
	require.NoError(t, err)
	require.Equal(t, "answer", string(got))
	require.NoError(t, a.Close())
	require.NoError(t, b.Close())
}

func TestReadDeadline(t *testing.T) {
	client, server := pair(t)
	a, _ := stream(t, client, server)
	require.NoError(t, a.SetReadDeadline(time.Now().Add(-time.Second)))
	_, err := a.Read(make([]byte, 1))
	require.ErrorIs(t, err, os.ErrDeadlineExceeded)
	require.NoError(t, a.SetReadDeadline(time.Time{}))
	go func() {
		time.Sleep(20 * time.Millisecond)
		a.SetReadDeadline(time.Now())
	}()
	_, err = a.Read(make([]byte, 1))
	require.ErrorIs(t, err, os.ErrDeadlineExceeded)
}

// The end of the connection ends everything that waits.
func TestSessionEnd(t *testing.T) {
	a, b := net.Pipe()
	go NewServer(b).Serve()
	client, err := Dial(a)
	require.NoError(t, err)
	st, err := client.Open()
	require.NoError(t, err)
	go b.Close()
	_, err = st.Read(make([]byte, 1))
	require.Error(t, err)
	<-client.Done()
	_, err = client.Open()
	require.Error(t, err)
	require.NoError(t, a.Close())
}

// half is one direction of a connection that outlives its clients, as a virtio
// port does: a reader sees the end of the file where a client left, if it is
// told.
type half struct {
	mu    sync.Mutex
	cond  sync.Cond
	parts []*bytes.Buffer
}

func newHalf() *half {
	h := &half{parts: []*bytes.Buffer{new(bytes.Buffer)}}
	h.cond.L = &h.mu
	return h
}

func (h *half) Write(p []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.cond.Broadcast()
	return h.parts[len(h.parts)-1].Write(p)
}

// cut puts an end of the file behind what was written.
func (h *half) cut() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.cond.Broadcast()
	h.parts = append(h.parts, new(bytes.Buffer))
}

func (h *half) Read(p []byte) (int, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for h.parts[0].Len() == 0 {
		if len(h.parts) > 1 {
			h.parts = h.parts[1:]
			return 0, io.EOF
		}
		h.cond.Wait()
	}
	return h.parts[0].Read(p)
}

type duplex struct {
	io.Reader
	io.Writer
}

// A client that goes away leaves a server that the next one can talk to: after
// half a frame if the server sees the end of the connection, and even without
// that after a whole one.
func TestNextSession(t *testing.T) {
	toServer, toClient := newHalf(), newHalf()
	server := NewServer(duplex{toServer, toClient})
	go func() {
		for {
			s, err := server.Serve()
			for err == nil {
				var st *Stream
				if st, err = s.Accept(); err == nil {
					go func() {
						fmt.Fprint(st, "hello")
						st.CloseWrite()
					}()
				}
			}
		}
	}()
	for i := range 6 {
		client, err := Dial(duplex{toClient, toServer})
		require.NoError(t, err)
		st, err := client.Open()
		require.NoError(t, err)
		got, err := io.ReadAll(st)
		require.NoError(t, err)
		require.Equal(t, "hello", string(got))
		data := appendFrame(nil, frame{kindData, st.id, []byte("half")})
		if i%2 == 0 {
			toServer.Write(data)
		} else {
			toServer.Write(data[:len(data)-2])
			toServer.cut()
		}
		// The rest of what the server said to this client, and its end.
		toClient.Write(data[:len(data)-1])
		toClient.cut()
		<-client.Done()
	}
}
