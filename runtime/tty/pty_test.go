package tty

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"
	"unsafe"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"internal/xengo/runtime/calls"
	"internal/xengo/runtime/kernel"
)

// A pty is a terminal of the host, which ours is compared with.
type pty struct {
	master, slave int
	out           []byte
}

func newPTY(t testing.TB) *pty {
	m, err := unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Skipf("no terminal on the host: %v", err)
	}
	t.Cleanup(func() { unix.Close(m) })
	require.NoError(t, unix.IoctlSetPointerInt(m, unix.TIOCSPTLCK, 0))
	n, err := unix.IoctlGetInt(m, unix.TIOCGPTN)
	require.NoError(t, err)
	s, err := unix.Open(fmt.Sprint("/dev/pts/", n), unix.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Skipf("no terminal on the host: %v", err)
	}
	t.Cleanup(func() { unix.Close(s) })
	return &pty{master: m, slave: s}
}

func (p *pty) ioctl(request uintptr, arg unsafe.Pointer) error {
	if _, _, e := unix.Syscall(unix.SYS_IOCTL, uintptr(p.slave), request, uintptr(arg)); e != 0 {
		return e
	}
	return nil
}

// output waits until what the terminal shows ends in want, and returns all of it.
func (p *pty) output(t testing.TB, want string) string {
	t.Helper()
	buf := make([]byte, 4096)
	for deadline := time.Now().Add(10 * time.Second); !bytes.HasSuffix(p.out, []byte(want)); {
		fds := []unix.PollFd{{Fd: int32(p.master), Events: unix.POLLIN}}
		unix.Poll(fds, 100)
		if n, err := unix.Read(p.master, buf); err == nil {
			p.out = append(p.out, buf[:n]...)
		}
		if time.Now().After(deadline) {
			t.Fatalf("the host's terminal shows %q, which is not to end in %q", p.out, want)
		}
	}
	out := string(p.out)
	p.out = nil
	return out
}

// keys are what is typed in tests: letters, blanks, line ends, the keys that edit, end, quote and send signals.
const keys = "ab_.  \r\n\n\x7f\x7f\x15\x17\x04\x16\x03\x1c\x00\x1b~"

// script is what the bytes of code make of the terminals: modes, typing, reading and writing.
func script(t testing.TB, code []byte) {
	next := func() int {
		if len(code) == 0 {
			return 0
		}
		b := code[0]
		code = code[1:]
		return int(b)
	}
	host := newPTY(t)
	console := kernel.NewFakeConsole(1 << 20)
	kernel.Host.Console, kernel.Host.Options = console, nil
	ours := New()
	var log []string
	differ := func(format string, args ...any) {
		t.Helper()
		t.Fatalf("%s\n%s", strings.Join(log, "\n"), fmt.Sprintf(format, args...))
	}
	setModes := func(change func(m *Termios)) {
		m := sane
		m.Iflag &^= iXON // Ctrl-S and Ctrl-Q mean nothing here
		change(&m)
		log = append(log, fmt.Sprintf("modes %+v", m))
		_, err := ours.Ioctl(tcsetsf, calls.Address(calls.AsBytes(&m)))
		require.Zero(t, err)
		require.NoError(t, host.ioctl(tcsetsf, unsafe.Pointer(&m)))
	}
	setModes(func(*Termios) {})
	canonical := true
	// typed sends keys to both and compares the echo. What is erased at once marks its end.
	typed := func(s string) {
		t.Helper()
		log = append(log, fmt.Sprintf("typed %q", s))
		marks, echo := "#\x7f", "#\b \b"
		if !canonical {
			marks, echo = "#", "#"
		}
		console.Input(s + marks)
		unix.Write(host.master, []byte(s+marks))
		ours.Readiness()
		want, got := host.output(t, echo), console.Output()
		if got != want {
			differ("here it shows %q, there %q", got, want)
		}
	}
	read := func(size int) {
		t.Helper()
		a, b := make([]byte, size), make([]byte, size)
		n, err := ours.Read(a)
		m, herr := unix.Read(host.slave, b)
		m = max(m, 0)
		// In raw mode Linux shows input before it lets it be read.
		for end := time.Now().Add(5 * time.Second); !canonical && m < n && time.Now().Before(end); {
			if more, err := unix.Read(host.slave, b[m:]); err == nil {
				m, herr = m+more, nil
			}
		}
		log = append(log, fmt.Sprintf("read(%d) = %q, %v", size, b[:m], herr))
		if err != 0 && herr == nil || err == 0 && herr != nil || n != m || !bytes.Equal(a[:n], b[:m]) {
			differ("here it is %q, %v", a[:n], err)
		}
	}
	for len(code) > 0 {
		switch next() % 8 {
		case 0, 1, 2, 3:
			var s []byte
			for range 1 + next()%12 {
				c := keys[next()%len(keys)]
				if (c == 0x03 || c == 0x1c) && len(s) > 0 {
					break // a signal may take away what was not shown yet
				}
				if s = append(s, c); c == 0x03 || c == 0x1c {
					break
				}
			}
			if s[len(s)-1] == 0x16 {
				s = append(s, 'q') // rather than quote the mark
			}
			typed(string(s))
		case 4, 5:
			read([]int{1, 3, 100}[next()%3])
		case 6:
			s := []string{"a\nb", "\r\n\n", "x"}[next()%3]
			log = append(log, fmt.Sprintf("write %q", s))
			n, err := ours.Write([]byte(s))
			require.Zero(t, err)
			require.Equal(t, len(s), n)
			unix.Write(host.slave, []byte(s))
			if want, got := host.output(t, s[len(s)-1:]), console.Output(); got != want {
				differ("here it shows %q, there %q", got, want)
			}
		case 7:
			b := next()
			canonical = b&3 != 0
			setModes(func(m *Termios) {
				if !canonical {
					m.Lflag &^= lICANON | lISIG*uint32(b>>2&1)
				}
				if b&8 != 0 {
					m.Iflag &^= iCRNL
				}
				if b&16 != 0 {
					m.Oflag &^= oPOST
				}
				if b&32 != 0 {
					m.Iflag |= iNLCR
				}
				if b&64 != 0 {
					m.Iflag |= iGNCR
				}
				if b&128 != 0 {
					m.Lflag &^= lECHOCTL
				}
			})
		}
	}
	for range 50 {
		read(100)
	}
}

// TestLikeLinux does random things to a terminal here and to one of the host: the same ones each time, with XENGO_LONG others.
func TestLikeLinux(t *testing.T) {
	seed, n := uint64(0), uint64(150)
	if os.Getenv("XENGO_LONG") != "" {
		seed, n = rand.Uint64(), 10*n
	}
	for i := range n {
		t.Run(fmt.Sprint("seed ", seed+i), func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed+i, 0))
			code := make([]byte, 150)
			for i := range code {
				code[i] = byte(r.Uint32())
			}
			script(t, code)
		})
	}
}

func FuzzLikeLinux(f *testing.F) {
	f.Add([]byte("\x00\x05\x00\x01\x09\x07\x05\x02"))
	f.Fuzz(func(t *testing.T, code []byte) { script(t, code[:min(len(code), 300)]) })
}
