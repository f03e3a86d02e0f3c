package spawn

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"internal/xengo/runtime/newc"
	"internal/xengo/runtime/spawn/spawnwire"
)

// say returns what Serve makes of frames of a guest, with programs of this machine.
func say(t *testing.T, folder string, frames ...*spawnwire.Frame) error {
	var b []byte
	for _, f := range frames {
		b = f.Append(b)
	}
	s := Server{Folder: folder, Logf: t.Logf, Start: func(ctx context.Context, r *spawnwire.Request, s Streams) (Process, error) {
		return StartHost(ctx, r, s)
	}}
	return s.NewConn(io.Discard, nil).Serve(t.Context(), bytes.NewReader(b), &Streams{In: bytes.NewReader(nil), Out: discard{io.Discard}})
}

type discard struct{ io.Writer }

func (discard) Close() error { return nil }

func file(name, contents string) *spawnwire.Frame {
	return &spawnwire.Frame{Kind: spawnwire.Files, Payload: newc.AppendTrailer(newc.Append(nil, name, 0o100644, 0, []byte(contents)))}
}

// What a guest must not say ends the connection, and what it has started.
func TestNonsense(t *testing.T) {
	dir := t.TempDir()
	start := &spawnwire.Frame{Kind: spawnwire.Start, ID: 2, Payload: (&spawnwire.Request{Path: "/bin/sleep", Dir: "/", Argv: []string{"sleep", "1000"}}).Append(nil)}
	end := &spawnwire.Frame{Kind: spawnwire.Files}
	for name, frames := range map[string][]*spawnwire.Frame{
		"unknown kind":           {{Kind: 99}},
		"host's kind":            {start, spawnwire.NewFrame(spawnwire.Exit, 2, 0)},
		"program twice":          {start, start},
		"too much":               {start, spawnwire.NewData(2, 0, make([]byte, spawnwire.MaxPiece+1))},
		"room of its own input":  {spawnwire.NewRoom(0, spawnwire.Stdin, spawnwire.Window)},
		"room that was not lost": {start, spawnwire.NewRoom(2, spawnwire.Stdout, 1)},
		"output of a program":    {start, spawnwire.NewData(2, spawnwire.Stdout, []byte("x"))},
		"no archive":             {{Kind: spawnwire.Files, Payload: []byte("nonsense")}, end},
		"file elsewhere":         {file("etc/passwd", "x"), end},
		"file above":             {file(dir[1:]+"/../x", "x"), end},
		"the folder itself":      {file(dir[1:], "x"), end},
		"removal elsewhere":      {{Kind: spawnwire.Gone, Payload: []byte("/etc/passwd")}},
	} {
		t.Run(name, func(t *testing.T) { require.ErrorIs(t, say(t, dir, frames...), errNonsense) })
	}
}

// A link that leads out of the folder is followed by nobody here.
func TestLink(t *testing.T) {
	dir, other := t.TempDir(), t.TempDir()
	require.NoError(t, os.Symlink(other, filepath.Join(dir, "out")))
	require.NoError(t, say(t, dir, file(dir[1:]+"/out/x", "x"), &spawnwire.Frame{Kind: spawnwire.Files}))
	require.NoFileExists(t, filepath.Join(other, "x"))
	require.NoError(t, say(t, dir, file(dir[1:]+"/in", "contents"), &spawnwire.Frame{Kind: spawnwire.Files}))
	b, err := os.ReadFile(filepath.Join(dir, "in"))
	require.NoError(t, err)
	require.Equal(t, "contents", string(b))
}

func TestStatus(t *testing.T) {
	require.Equal(t, 3, Status(3).ExitStatus())
	require.True(t, Killed(syscall.SIGTERM).Signaled())
	require.Equal(t, syscall.SIGTERM, Killed(syscall.SIGTERM).Signal())
}

// guest is a connection of a server with a folder that says what it hears of files.
func guest(s *Server, copy Copy) (c *conn, heard func() string) {
	c = s.NewConn(io.Discard, copy).c
	return c, func() string {
		var b strings.Builder
		err := c.tree.send(func(f *spawnwire.Frame) {
			if f.Kind == spawnwire.Gone {
				fmt.Fprintf(&b, "-%s ", filepath.Base(string(f.Payload)))
				return
			}
			r := newc.New(f.Payload)
			for f, ok, _ := r.Next(); ok; f, ok, _ = r.Next() {
				fmt.Fprintf(&b, "+%s ", filepath.Base(string(f.Name)))
			}
		})
		if err != nil {
			return err.Error()
		}
		return b.String()
	}
}

// Guests that have the same folder hear of one another's changes, and do not undo them.
func TestGuests(t *testing.T) {
	dir := t.TempDir()
	s := &Server{Folder: dir, Logf: t.Logf}
	name := func(n string) string { return dir[1:] + "/" + n }
	say := func(c *conn, frames ...*spawnwire.Frame) {
		t.Helper()
		for _, f := range frames {
			require.NoError(t, c.take(f))
		}
	}
	end := &spawnwire.Frame{Kind: spawnwire.Files}
	gone := func(n string) *spawnwire.Frame {
		return &spawnwire.Frame{Kind: spawnwire.Gone, Payload: []byte("/" + name(n))}
	}
	parent, parentHears := guest(s, nil)
	say(parent, file(name("d/x"), "1"), end) // no folder yet
	require.NoError(t, os.Mkdir(filepath.Join(dir, "d"), 0o755))
	say(parent, file(name("d/x"), "1"), end, file(name("y"), "1"), end)
	require.Equal(t, "+d ", parentHears())

	copy, err := s.Copy(func() error { return os.WriteFile(filepath.Join(dir, "late"), nil, 0o644) })
	require.NoError(t, err)
	one, oneHears := guest(s, copy)
	two, twoHears := guest(s, maps.Clone(copy))
	say(one, file(name("y"), "of one"), end, file(name("d/z"), "of one"), end)
	say(two, gone("d/x"), gone("d"), gone("d/x"), file(name("w"), "of two"), end)
	require.Equal(t, "-x +z +late +w +y ", parentHears())
	require.Equal(t, "-x +late +w ", oneHears())
	require.Equal(t, "+d +z +late +y ", twoHears()) // it is not empty, and so still there
	require.Empty(t, parentHears()+oneHears()+twoHears())
	say(one, gone("d/z"), gone("d"))
	require.Equal(t, "-z -d ", parentHears())
	require.NoDirExists(t, filepath.Join(dir, "d"))
}

// A file may take the place of a folder, and the other way round.
func TestKinds(t *testing.T) {
	dir := t.TempDir()
	c, _ := guest(&Server{Folder: dir, Logf: t.Logf}, nil)
	end := &spawnwire.Frame{Kind: spawnwire.Files}
	folder := &spawnwire.Frame{Kind: spawnwire.Files, Payload: newc.AppendTrailer(newc.Append(nil, dir[1:]+"/x", 0o040755, 0, nil))}
	for range 2 {
		require.NoError(t, c.tree.receive(folder.Payload))
		require.NoError(t, c.tree.receive(end.Payload))
		require.DirExists(t, filepath.Join(dir, "x"))
		require.NoError(t, c.tree.receive(file(dir[1:]+"/x", "file").Payload))
		require.NoError(t, c.tree.receive(end.Payload))
		require.FileExists(t, filepath.Join(dir, "x"))
	}
}
