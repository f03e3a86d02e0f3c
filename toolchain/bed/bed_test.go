package bed

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"internal/xengo/toolchain/bed/stub"
)

// needBed skips a test that boots the bed if tests are to be short or the
// machine lacks something; it fails where CI or XENGO_REQUIRE_BED is set, as for
// the tests of package harness.
func needBed(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("boots the bed: not with -short")
	}
	why := Missing()
	if why == "" {
		return
	}
	if os.Getenv("CI") != "" || os.Getenv("XENGO_REQUIRE_BED") != "" {
		t.Fatal(why)
	}
	t.Skip(why)
}

// versions are those of Xen to test: all of them only with XENGO_LONG.
func versions() []string {
	if os.Getenv("XENGO_LONG") == "" {
		return Versions()[:1]
	}
	return Versions()
}

// logWriter is Options.Log for tests.
type logWriter struct{ t testing.TB }

func (w logWriter) Write(p []byte) (int, error) {
	w.t.Logf("%s", bytes.TrimSpace(p))
	return len(p), nil
}

func startBed(t *testing.T, xen string) *Bed {
	t.Helper()
	b, err := Start(t.Context(), Options{Xen: xen, Log: logWriter{t}})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, b.Close()) })
	return b
}

func image(t *testing.T, k stub.Kind) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "stub")
	require.NoError(t, os.WriteFile(file, stub.Image(k), 0o644))
	return file
}

func TestBed(t *testing.T) {
	needBed(t)
	for _, xen := range versions() {
		t.Run(xen, func(t *testing.T) {
			b := startBed(t, xen)
			t.Run("Exec", func(t *testing.T) { testExec(t, b) })
			t.Run("Load", func(t *testing.T) { testLoad(t, b) })
			t.Run("Files", func(t *testing.T) { testFiles(t, b) })
			t.Run("Follow", func(t *testing.T) { testFollow(t, b) })
			t.Run("Terminal", func(t *testing.T) { testTerminal(t, b) })
			t.Run("Cleanup", func(t *testing.T) { testCleanup(t, b) })
			t.Run("Dial", func(t *testing.T) { testDial(t, b) })
			t.Run("Guests", func(t *testing.T) { testGuests(t, b) })
			t.Run("Attach", func(t *testing.T) { testAttach(t, b) })
		})
	}
}

func testExec(t *testing.T, b *Bed) {
	out, err := b.Exec(t.Context(), "sh", "-c", "echo out; echo err >&2; exit 3")
	var exit *ExitError
	require.ErrorAs(t, err, &exit)
	require.Equal(t, 3, exit.Status)
	require.Equal(t, "err\n", exit.Stderr)
	require.Equal(t, "out\n", out)

	var got bytes.Buffer
	require.NoError(t, b.Run(t.Context(), Command{Argv: []string{"cat"}, Stdin: strings.NewReader("typed"), Stdout: &got}))
	require.Equal(t, "typed", got.String())

	_, err = b.Exec(t.Context(), "nosuchprogram")
	require.ErrorContains(t, err, "nosuchprogram")

	// What a program says at once comes behind the agent's reply.
	for range 50 {
		out, err := b.Exec(t.Context(), "echo", "quick")
		require.NoError(t, err)
		require.Equal(t, "quick\n", out)
	}

	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	_, err = b.Exec(ctx, "sh", "-c", "echo $$ > /tmp/pid; exec sleep 1000")
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.Eventually(t, func() bool {
		_, err := b.Exec(t.Context(), "sh", "-c", "kill -0 $(cat /tmp/pid)")
		return err != nil
	}, 10*time.Second, 50*time.Millisecond, "the program outlives its context")
}

func testFiles(t *testing.T, b *Bed) {
	data := make([]byte, 10<<20)
	for i := range data {
		data[i] = byte(rand.Uint32())
	}
	start := time.Now()
	require.NoError(t, b.Put(t.Context(), "/tmp/dir/file", 0o640, bytes.NewReader(data)))
	got, err := b.Get(t.Context(), "/tmp/dir/file")
	require.NoError(t, err)
	t.Logf("10 MB there and back in %v", time.Since(start))
	require.True(t, bytes.Equal(data, got), "the file is another")
	out, err := b.Exec(t.Context(), "stat", "-c", "%a", "/tmp/dir/file")
	require.NoError(t, err)
	require.Equal(t, "640\n", out)
	_, err = b.Get(t.Context(), "/tmp/none")
	require.ErrorContains(t, err, "no such file")

	// A file of more than dom0's memory, but for its holes.
	sparse, err := os.Create(filepath.Join(t.TempDir(), "sparse"))
	require.NoError(t, err)
	defer sparse.Close()
	require.NoError(t, sparse.Truncate(4<<30))
	_, err = sparse.WriteAt([]byte("here"), 3<<30)
	require.NoError(t, err)
	require.NoError(t, b.Put(t.Context(), "/tmp/dir/sparse", 0o640, sparse))
	require.NoError(t, b.fetch(t.Context(), "/tmp/dir/sparse", sparse.Name()))
	fetched, err := os.Open(sparse.Name())
	require.NoError(t, err)
	defer fetched.Close()
	here := make([]byte, 6)
	_, err = fetched.ReadAt(here, 3<<30-1)
	require.NoError(t, err)
	require.Equal(t, "\x00here\x00", string(here))
	require.NoError(t, b.run(t.Context(), "rm", "-r", "/tmp/dir"))
}

// testFollow reads a growing file to its end, of which dom0 keeps only the last
// part in memory.
func testFollow(t *testing.T, b *Bed) {
	st, err := b.follow(t.Context(), "/var/log/grows")
	require.NoError(t, err)
	defer st.Close()
	const size = 24 << 20
	grown := make(chan error, 1)
	go func() {
		err := b.run(t.Context(), "sh", "-c", "for i in 1 2 3; do head -c 8388608 /dev/zero >> /var/log/grows; usleep 300000; done")
		grown <- errors.Join(err, st.CloseWrite())
	}()
	n, err := io.Copy(io.Discard, st)
	require.NoError(t, err)
	require.NoError(t, <-grown)
	require.EqualValues(t, size, n)
	out, err := b.Exec(t.Context(), "sh", "-c", "stat -c '%s' /var/log/grows; du -k /var/log/grows | cut -f1")
	require.NoError(t, err)
	var length, kept int
	_, err = fmt.Sscan(out, &length, &kept)
	require.NoError(t, err)
	require.Equal(t, size, length)
	require.Less(t, kept, 12<<10, "KB in dom0's memory")
	require.NoError(t, b.run(t.Context(), "rm", "/var/log/grows"))
}

func testTerminal(t *testing.T, b *Bed) {
	var out bytes.Buffer
	require.NoError(t, b.Run(t.Context(), Command{Argv: []string{"stty", "size"}, TTY: true, Rows: 12, Cols: 34, Stdout: &out}))
	require.Equal(t, "12 34\r\n", out.String())
}

func testCleanup(t *testing.T, b *Bed) {
	exists := func() bool { return b.run(t.Context(), "test", "-e", "/tmp/clean") == nil }
	for _, argv := range [][]string{{"true"}, {"sleep", "1000"}} {
		p, err := b.Start(t.Context(), Command{Argv: argv, Cleanup: []string{"touch", "/tmp/clean"}})
		require.NoError(t, err)
		require.False(t, exists())
		require.NoError(t, p.Close())
		require.True(t, exists(), "Close returned before the cleanup")
		require.NoError(t, b.run(t.Context(), "rm", "/tmp/clean"))
	}
}

// testDial asks dom0's name server, by UDP and by TCP.
func testDial(t *testing.T, b *Bed) {
	require.NoError(t, b.run(t.Context(), "sh", "-c", "echo 10.0.0.77 added >> /etc/hosts"))
	for _, network := range []string{"udp", "tcp"} {
		resolver := &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
			c, err := b.Dial(ctx, network, "10.0.0.1:53")
			if network == "udp" && err == nil {
				c = packetConn{c}
			}
			return c, err
		}}
		ips, err := resolver.LookupNetIP(t.Context(), "ip4", "added.")
		require.NoError(t, err, network)
		require.Equal(t, "10.0.0.77", ips[0].String())
	}
	ctx, cancel := context.WithCancel(t.Context())
	c, err := b.Dial(ctx, "tcp", "10.0.0.1:53")
	require.NoError(t, err)
	cancel()
	_, err = c.Write([]byte{0, 1, 0}) // a query of one byte: no answer but the end
	require.NoError(t, err)
	_, err = c.Read(make([]byte, 1))
	require.Equal(t, io.EOF, err)
	require.NoError(t, c.Close())
	_, err = b.Dial(t.Context(), "tcp", "10.0.0.1:1")
	require.ErrorContains(t, err, "refused")
}

// packetConn makes the resolver send datagrams.
type packetConn struct{ net.Conn }

func (c packetConn) ReadFrom(p []byte) (int, net.Addr, error) {
	n, err := c.Read(p)
	return n, nil, err
}
func (c packetConn) WriteTo(p []byte, _ net.Addr) (int, error) { return c.Write(p) }

func testGuests(t *testing.T, b *Bed) {
	for _, kind := range []string{"pv", "pvh"} {
		r, _, err := b.RunGuest(t.Context(), GuestConfig{Image: image(t, stub.Poweroff), Type: kind, MemoryMB: 16})
		require.NoError(t, err, kind)
		require.Equal(t, Result{Reason: Poweroff}, r, kind)
		r, _, err = b.RunGuest(t.Context(), GuestConfig{Image: image(t, stub.Crash), Type: kind, MemoryMB: 16, Vifs: []string{}})
		require.NoError(t, err, kind)
		require.True(t, r.Crashed(), "%s: %v", kind, r)
	}
	var all sync.WaitGroup
	for range 3 {
		all.Go(func() {
			g, err := b.StartGuest(t.Context(), GuestConfig{Image: image(t, stub.Loop), MemoryMB: 16})
			if err != nil {
				t.Error(err)
				return
			}
			err = errors.Join(g.Pause(t.Context()), g.Unpause(t.Context()), g.Destroy(t.Context()))
			r, waitErr := g.Wait()
			if err = errors.Join(err, waitErr, g.Close()); err != nil || r.Reason != Destroyed {
				t.Error(r, err)
			}
		})
	}
	all.Wait()
	out, err := b.Exec(t.Context(), "sh", "-c", "xl list | tail -n +3; ls /run/guests /var/log/xen/console | grep stub")
	require.Error(t, err, "grep finds nothing")
	require.Empty(t, out, "left over")

	_, err = b.StartGuest(t.Context(), GuestConfig{Image: image(t, stub.Loop), MemoryMB: 100000})
	require.ErrorContains(t, err, "memory")
	_, err = b.StartGuest(t.Context(), GuestConfig{Image: "/etc/hostname"})
	require.Error(t, err)
}

// testAttach has a guest on a bed that is attached to; the guest ends when the
// one who attached is gone.
func testAttach(t *testing.T, b *Bed) {
	if _, err := find(b.release.xen); err == nil {
		t.Skip("another bed with this Xen is up")
	}
	require.NoError(t, b.Offer())
	require.ErrorContains(t, b.Offer(), "already")
	ctx, cancel := context.WithCancel(t.Context())
	a, err := Attach(ctx, Options{Xen: b.release.xen})
	require.NoError(t, err)
	g, err := a.StartGuest(ctx, GuestConfig{Image: image(t, stub.Loop), MemoryMB: 16})
	require.NoError(t, err)
	out, err := b.Exec(t.Context(), "xl", "list")
	require.NoError(t, err)
	require.Contains(t, out, g.Name)
	cancel()
	_, err = g.Wait()
	require.ErrorIs(t, err, context.Canceled)
	require.Eventually(t, func() bool {
		out, err := b.Exec(t.Context(), "xl", "list")
		return err == nil && !strings.Contains(out, g.Name)
	}, 20*time.Second, 100*time.Millisecond)
	<-a.Done()
}

// testLoad has a bed work, and sees that it does.
func testLoad(t *testing.T, b *Bed) {
	before, err := b.Load()
	require.NoError(t, err)
	_, err = b.Exec(t.Context(), "sh", "-c", "for i in $(seq 2000); do :; done")
	require.NoError(t, err)
	after, err := b.Load()
	require.NoError(t, err)
	require.Positive(t, after.Since(before).Ran)
	t.Log(after)
}

func TestTwoBeds(t *testing.T) {
	needBed(t)
	a, b := startBed(t, ""), startBed(t, "")
	require.NotEqual(t, a.dir, b.dir)
	require.NoError(t, a.run(t.Context(), "touch", "/tmp/a"))
	require.Error(t, b.run(t.Context(), "test", "-e", "/tmp/a"))
	require.NoError(t, a.Close())
	require.NoError(t, b.run(t.Context(), "true"))
	require.NoDirExists(t, a.dir)
}

func TestContextEndsBed(t *testing.T) {
	needBed(t)
	ctx, cancel := context.WithCancel(t.Context())
	b, err := Start(ctx, Options{})
	require.NoError(t, err)
	cancel()
	<-b.Done()
	require.NoError(t, b.Close())
	require.NoDirExists(t, b.dir)
}
