package proto

import (
	"bytes"
	"crypto/sha256"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// counted counts the bytes written to a connection.
type counted struct {
	net.Conn
	n atomic.Int64
}

func (c *counted) Write(p []byte) (int, error) {
	c.n.Add(int64(len(p)))
	return c.Conn.Write(p)
}

// send sends a file, and returns what arrived and how many bytes that took.
func send(t *testing.T, contents []byte, s *Store) ([]byte, int) {
	t.Helper()
	here, there := net.Pipe()
	defer here.Close()
	sender := &counted{Conn: here}
	failed := make(chan error)
	go func() {
		failed <- SendFile(sender, iotest.HalfReader(bytes.NewReader(contents)))
	}()
	var got Contents
	size, err := ReceiveFile(there, &got, s)
	there.Close()
	require.NoError(t, err)
	require.NoError(t, <-failed)
	require.EqualValues(t, len(contents), size)
	return got, int(sender.n.Load())
}

// noise returns random bytes.
func noise(seed uint64, n int) []byte {
	var key [32]byte
	key[0] = byte(seed)
	b := make([]byte, n)
	rand.NewChaCha8(key).Read(b)
	return b
}

func TestSendFile(t *testing.T) {
	page := bytes.Repeat([]byte("x"), filePage)
	for name, want := range map[string][]byte{
		"empty":   {},
		"short":   []byte("abc"),
		"zeros":   make([]byte, 3*filePart+5),
		"pages":   bytes.Join([][]byte{page, make([]byte, filePage), page, page, make([]byte, 2*filePage), page[:7]}, nil),
		"batches": noise(1, 3*batchSize+17),
		"comb":    bytes.Repeat(append(bytes.Clone(page), make([]byte, filePage)...), 2*batchParts+3),
	} {
		t.Run(name, func(t *testing.T) {
			for _, memory := range []int{0, filePart, 64 << 20} {
				s := NewStore(make([]byte, memory))
				for range 2 {
					got, _ := send(t, want, s)
					require.True(t, bytes.Equal(want, got))
				}
			}
		})
	}
}

// TestSendFileOnce sends a file again, and as part of another one.
func TestSendFileOnce(t *testing.T) {
	program := noise(2, 5<<20)
	clear(program[1<<20 : 1<<20+100_000])
	s := NewStore(make([]byte, 32<<20))
	_, first := send(t, program, s)
	require.Greater(t, first, 4<<20)
	_, again := send(t, program, s)
	require.Less(t, again, first/100)
	archive := bytes.Join([][]byte{noise(3, 1236), program, noise(4, 10_001)}, nil)
	got, inside := send(t, archive, s)
	require.True(t, bytes.Equal(archive, got))
	require.Less(t, inside, 8*filePart)
}

// TestStore keeps parts of all lengths and looks at what is left.
func TestStore(t *testing.T) {
	const memory = 1 << 20
	s := NewStore(make([]byte, memory))
	random := rand.New(rand.NewPCG(1, 2))
	var order [][]byte
	for i := range 500 {
		p := noise(uint64(i), 1+random.IntN(filePart))
		p[0], p[len(p)-1] = byte(i), byte(i>>8)
		s.keep(sha256.Sum256(p), p)
		order = append(order, p)
		younger, kept := true, 0
		for back := range min(len(order), 80) {
			p := order[len(order)-1-back]
			var got Contents
			there, err := s.copyTo(&got, &missing{0, len(p), sha256.Sum256(p)})
			require.NoError(t, err)
			require.True(t, younger || !there, "an older part is there than one that is not")
			younger = there
			if there {
				require.True(t, bytes.Equal(p, got))
				kept += len(p)
			}
		}
		require.True(t, i < 100 || kept > memory-3*filePart, "%d bytes are kept", kept)
	}
	require.Len(t, s.parts, len(s.order))
}

func TestStoreConcurrent(t *testing.T) {
	s := NewStore(make([]byte, 3<<20))
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for j := range 4 {
				want := noise(uint64(i*j%5), 1<<20)
				got, _ := send(t, want, s)
				if !bytes.Equal(want, got) {
					t.Error("another file arrived")
				}
			}
		})
	}
	all.Wait()
}

func TestSendFileError(t *testing.T) {
	here, there := net.Pipe()
	require.ErrorIs(t, SendFile(here, iotest.ErrReader(iotest.ErrTimeout)), iotest.ErrTimeout)
	go func() {
		_, err := ReceiveFile(there, &bound{most: filePart}, NewStore(nil))
		go io.Copy(io.Discard, there)
		WriteJSON(there, Reply{Error: err.Error()})
	}()
	require.EqualError(t, SendFile(here, bytes.NewReader(noise(1, 3*batchSize))), unix.ENOSPC.Error())
}

// receiving is a connection with these bytes from the other end.
type receiving struct {
	io.Reader
	io.Writer
}

func FuzzReceiveFile(f *testing.F) {
	for _, contents := range [][]byte{{}, []byte("abc"), append(make([]byte, filePart), 'x'), noise(1, 100_000)} {
		var sent bytes.Buffer
		if err := SendFile(receiving{bytes.NewReader([]byte("{\"Missing\":[0]}\n{}\n")), &sent}, bytes.NewReader(contents)); err == nil {
			f.Add(sent.Bytes())
		}
	}
	f.Fuzz(func(t *testing.T, sent []byte) {
		s := NewStore(make([]byte, 2*filePart))
		for range 2 {
			f := &bound{most: 1 << 20}
			size, err := ReceiveFile(receiving{bytes.NewReader(sent), io.Discard}, f, s)
			if err == nil {
				require.EqualValues(t, len(f.Contents), size)
			}
		}
	})
}
