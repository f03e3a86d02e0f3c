package tty

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"internal/xengo/runtime/calls"
	"internal/xengo/runtime/fdtable"
	"internal/xengo/runtime/kernel"
)

// terminal makes a terminal, and a file for it, on a console with room for that much output.
func terminal(t *testing.T, room int) (*TTY, *fdtable.File, *kernel.FakeConsole) {
	c := kernel.NewFakeConsole(room)
	kernel.Host.Console, kernel.Host.Options = c, nil
	tty := New()
	t.Cleanup(func() {
		c.Close()
		require.Eventually(t, func() bool {
			tty.mu.Lock()
			defer tty.mu.Unlock()
			return tty.pumping == [2]bool{}
		}, 5*time.Second, time.Millisecond, "goroutines that wait for a console that is gone")
	})
	return tty, fdtable.NewFile(tty, fdtable.O_RDWR), c
}

// shown collects output until it is want.
func shown(t *testing.T, c *kernel.FakeConsole, want string) {
	t.Helper()
	got := ""
	require.Eventually(t, func() bool { got += c.Output(); return len(got) >= len(want) }, 5*time.Second, time.Millisecond)
	require.Equal(t, want, got)
}

// A console with hardly any room gets everything all the same: what is written, and echo while nobody writes.
func TestNarrowConsole(t *testing.T) {
	for _, room := range []int{1, 2, 3, 7} {
		tty, file, c := terminal(t, room)
		done := make(chan int)
		go func() {
			n, _ := file.Write([]byte("one\ntwo\n\n"))
			done <- n
		}()
		shown(t, c, "one\r\ntwo\r\n\r\n")
		require.Equal(t, 9, <-done)

		tty.WatchKeys()
		c.Input("abc\x7fd\n")
		shown(t, c, "abc\b \bd\r\n")
		go func() { // echo and output at once
			n, _ := file.Write([]byte("0123456789"))
			done <- n
		}()
		c.Input("x\n")
		got := ""
		require.Eventually(t, func() bool { got += c.Output(); return len(got) >= 13 }, 5*time.Second, time.Millisecond)
		require.Equal(t, 10, <-done)
		p := make([]byte, 9)
		n, _ := file.Read(p)
		require.Equal(t, "abd\n", string(p[:n]))
	}
}

// A program that looks whether it could write, without ever waiting, is told so once there is room.
// What is written at once stays together, even if the console has no room for it.
func TestWritesStayWhole(t *testing.T) {
	tty, file, c := terminal(t, 3)
	lines := []string{"standard output\n", "and standard error\n"}
	const times = 20
	var writers sync.WaitGroup
	for i, f := range []*fdtable.File{file, fdtable.NewFile(tty, fdtable.O_WRONLY)} {
		writers.Go(func() {
			for range times {
				if n, err := f.Write([]byte(lines[i])); n != len(lines[i]) || err != 0 {
					t.Errorf("wrote %d of %q: errno %d", n, lines[i], err)
				}
			}
		})
	}
	want := times * (len(lines[0]) + len(lines[1]) + 2)
	got := ""
	require.Eventually(t, func() bool { got += c.Output(); return len(got) >= want }, 5*time.Second, time.Millisecond)
	writers.Wait()
	for _, line := range lines {
		got = strings.ReplaceAll(got, strings.Replace(line, "\n", "\r\n", 1), "")
	}
	require.Empty(t, got)
}

func TestPollForRoom(t *testing.T) {
	tty, file, c := terminal(t, 3)
	file.SetFlags(fdtable.O_NONBLOCK)
	n, err := file.Write([]byte("12345"))
	require.Equal(t, [2]any{3, calls.Errno(0)}, [2]any{n, err})
	_, err = file.Write([]byte("45"))
	require.Equal(t, calls.EAGAIN, err)
	require.Zero(t, tty.Readiness()&fdtable.Out)
	c.Output()
	require.Eventually(t, func() bool { return tty.Readiness()&fdtable.Out != 0 }, 5*time.Second, time.Millisecond)
}

func TestBlockingReads(t *testing.T) {
	tty, file, c := terminal(t, 1000)
	lines := make(chan string)
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			p := make([]byte, 3)
			n, err := file.Read(p)
			require.Zero(t, err)
			lines <- string(p[:n])
			if string(p[:n]) == "" {
				break
			}
		}
	})
	c.Input("ab")
	c.Input("c\nd\n")
	for _, want := range []string{"abc", "\n", "d\n"} {
		require.Equal(t, want, <-lines)
	}
	c.Input("end\x04")
	require.Equal(t, "end", <-lines)
	c.Input("\x04")
	require.Empty(t, <-lines, "Ctrl-D on an empty line")
	wg.Wait()

	wg.Go(func() {
		n, err := file.Read(make([]byte, 3))
		require.Equal(t, [2]any{0, calls.Errno(0)}, [2]any{n, err}, "a hang-up ends the input")
	})
	time.Sleep(5 * time.Millisecond)
	c.Close()
	wg.Wait()
	_, err := file.Write([]byte("x"))
	require.Equal(t, calls.EIO, err)
	require.Equal(t, fdtable.In|fdtable.Out|fdtable.Hup, tty.Readiness())
}

// Keys send signals even while nobody reads, with what was typed before forgotten, and are bytes like others in raw mode.
func TestSignals(t *testing.T) {
	signals := make(chan uint32, 10)
	kernel.Host.RaiseSignal = func(sig uint32) { signals <- sig }
	t.Cleanup(func() { kernel.Host.RaiseSignal = nil })
	tty, file, c := terminal(t, 1000)
	tty.WatchKeys()
	for key, sig := range map[string]uint32{"\x03": sigINT, "\x1c": sigQUIT, "\x1a": sigTSTP} {
		c.Input("line\nhalf" + key)
		require.Equal(t, sig, <-signals)
		require.Equal(t, "line\r\nhalf^"+string(key[0]+'@'), c.Output())
	}
	file.SetFlags(fdtable.O_NONBLOCK)
	_, err := file.Read(make([]byte, 9))
	require.Equal(t, calls.EAGAIN, err)

	raw := sane
	raw.Lflag &^= lISIG | lICANON | lECHO
	set(t, tty, tcsets, &raw)
	c.Input("\x03\x04")
	p := make([]byte, 9)
	require.Eventually(t, func() bool { n, _ := file.Read(p); return string(p[:n]) == "\x03\x04" }, 5*time.Second, time.Millisecond)
	require.Empty(t, signals)
	raw.CC[vMIN] = 0
	set(t, tty, tcsets, &raw)
	n, err := file.Read(p)
	require.Equal(t, [2]any{0, calls.Errno(0)}, [2]any{n, err}, "MIN = 0 never waits")
}

func set[T any](t *testing.T, tty *TTY, request uintptr, v *T) {
	t.Helper()
	_, err := tty.Ioctl(request, calls.Address(calls.AsBytes(v)))
	require.Zero(t, err)
}

func TestIoctls(t *testing.T) {
	tty, _, c := terminal(t, 1000)
	set(t, tty, tiocswinsz, &Winsize{Row: 24, Col: 80})
	var w Winsize
	set(t, tty, tiocgwinsz, &w)
	require.Equal(t, Winsize{Row: 24, Col: 80}, w)
	queued := func() (n int32) {
		set(t, tty, fionread, &n)
		return n
	}
	c.Input("abc\nde")
	require.EqualValues(t, 4, queued(), "only lines that are complete count")
	tty.Ioctl(tcflsh, tcoFLUSH)
	require.EqualValues(t, 4, queued())
	_, err := tty.Ioctl(tcflsh, 3)
	require.Equal(t, calls.EINVAL, err)
	tty.Ioctl(tcflsh, tciFLUSH)
	c.Input("f\n")
	require.EqualValues(t, 2, queued(), "the begun line is gone, too")
	raw := sane
	raw.Lflag &^= lICANON
	set(t, tty, tcsetsf, &raw)
	require.Zero(t, queued(), "TCSETSF discards")
	c.Input("xy")
	require.EqualValues(t, 2, queued())
	_, err = tty.Ioctl(tcgets, 8)
	require.Equal(t, calls.EFAULT, err)
	_, err = tty.Ioctl(0x1234, 0)
	require.Equal(t, calls.ENOTTY, err)
}

// Input that nobody reads stays at the console beyond a limit, and comes when somebody does.
func TestUnreadInput(t *testing.T) {
	tty, file, c := terminal(t, 1<<20)
	tty.WatchKeys()
	line := "0123456789012345678901234567890123456789012345678901234567890\n"
	const n = 4 * maxQueued / 62
	for range n {
		c.Input(line)
	}
	require.Eventually(t, func() bool {
		tty.mu.Lock()
		defer tty.mu.Unlock()
		return tty.in.size >= maxQueued && !tty.pumping[forInput]
	}, 5*time.Second, time.Millisecond)
	require.Less(t, tty.in.size, maxQueued+1000)
	p := make([]byte, 100)
	for range n {
		m, err := file.Read(p)
		require.Zero(t, err)
		require.Equal(t, line, string(p[:m]))
	}
}

// A line that is too long is passed on in parts, and nothing of it is lost.
func TestLongLine(t *testing.T) {
	tty, file, c := terminal(t, 1<<20)
	long := make([]byte, 3*maxLine/2)
	for i := range long {
		long[i] = 'a' + byte(i%26)
	}
	c.Input(string(long) + "\n")
	var got []byte
	for len(got) <= len(long) {
		p := make([]byte, 1000)
		n, err := file.Read(p)
		require.Zero(t, err)
		got = append(got, p[:n]...)
	}
	require.Equal(t, string(long)+"\n", string(got))
	require.Zero(t, tty.Readiness()&fdtable.In)
}

// Erase takes characters, not bytes.
func TestEraseUTF8(t *testing.T) {
	_, file, c := terminal(t, 1000)
	c.Input("aé€x\x7f\x7f\x7fb ü\x17c\n")
	p := make([]byte, 100)
	n, _ := file.Read(p)
	require.Equal(t, "ab c\n", string(p[:n]))
	require.Equal(t, "aé€x\b \b\b \b\b \bb ü\b \bc\r\n", c.Output())
}
