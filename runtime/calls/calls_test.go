package calls

import (
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// Numbers that no test elsewhere registers.
const (
	used   = SYS_AFS_SYSCALL
	absent = SYS_TUXCALL
	never  = SYS_SECURITY
	often  = SYS_VSERVER
)

func TestRegister(t *testing.T) {
	t.Cleanup(func() {
		table[used].Store(nil)
		table[absent].Store(nil)
	})
	h := func(a Args) (uintptr, Errno) { return a.A1 + a.A6, 0 }
	Register(used, h)
	RegisterAbsent(absent)
	require.PanicsWithValue(t, "calls: afs_syscall registered twice", func() { Register(used, h) })
	require.PanicsWithValue(t, "calls: tuxcall registered twice", func() { Register(absent, h) })
	require.PanicsWithValue(t, "calls: afs_syscall registered twice", func() { RegisterAbsent(used) })
	require.PanicsWithValue(t, "calls: nil handler for security", func() { Register(never, nil) })
	require.PanicsWithValue(t, "calls: system call number out of range", func() { Register(maxCalls, h) })

	r1, r2, errno := Syscall6(used, 1, 0, 7, 0, 0, 5)
	require.Equal(t, [3]uintptr{6, 7, 0}, [3]uintptr{r1, r2, errno}, "RDX, the third argument, is left as it is")
	r1, _, errno = Syscall6(absent, 1, 0, 0, 0, 0, 5)
	require.Equal(t, [2]uintptr{^uintptr(0), uintptr(ENOSYS)}, [2]uintptr{r1, errno})
	require.Zero(t, Missing(absent), "absent by design")
}

// What is not implemented is counted, and named the first time.
func TestMissing(t *testing.T) {
	var mu sync.Mutex
	named := map[string]int{}
	SetReport(func(nr uintptr, name string) {
		mu.Lock()
		defer mu.Unlock()
		named[name]++
	})
	defer SetReport(nil)
	for _, n := range []*atomic.Uint32{&missing[often], &missing[400], &beyond} {
		n.Store(0)
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 100 {
				for _, nr := range []uintptr{often, 400, maxCalls, ^uintptr(0)} {
					if _, err := Do(nr, Args{}); err != ENOSYS {
						t.Errorf("call %d: %v", nr, err)
					}
				}
			}
		})
	}
	wg.Wait()
	require.EqualValues(t, 800, Missing(often))
	require.EqualValues(t, 1600, Missing(maxCalls), "all beyond the table are one")
	require.Equal(t, map[string]int{"vserver": 1, "without a name": 2}, named)
}

// Names and numbers of calls and errors are those of golang.org/x/sys.
func TestNames(t *testing.T) {
	for nr, name := range map[uintptr]string{
		0: "read", 334: "rseq", 335: "uretprobe", 336: "uprobe", 337: "", 423: "", 424: "pidfd_send_signal", unix.SYS_OPENAT2: "openat2",
		unix.SYS_CLOSE_RANGE: "close_range", unix.SYS_FACCESSAT2: "faccessat2", unix.SYS_NEWFSTATAT: "newfstatat", maxCalls: "", ^uintptr(0): "",
	} {
		require.Equal(t, name, Name(nr), nr)
	}
	aliases := map[string]string{"": "errno", "EDEADLOCK": "EDEADLK", "ENOTSUP": "EOPNOTSUPP", "EWOULDBLOCK": "EAGAIN", "EFSCORRUPTED": "EUCLEAN", "EFSBADCRC": "EBADMSG"}
	for e := range uintptr(EHWPOISON + 1) {
		want := unix.ErrnoName(unix.Errno(e))
		if name, ok := aliases[want]; ok {
			want = name
		}
		require.Equal(t, want, Errno(e).Error(), e)
	}

	source, err := os.ReadFile("numbers.go")
	require.NoError(t, err)
	constants := regexp.MustCompile(`(?m)^\tSYS_(\w+)\s+= (\d+)`).FindAllStringSubmatch(string(source), -1)
	require.Greater(t, len(constants), 350)
	for _, c := range constants {
		nr, _ := strconv.Atoi(c[2])
		require.Equal(t, strings.TrimPrefix(strings.ToLower(c[1]), "_"), strings.TrimPrefix(Name(uintptr(nr)), "_"))
	}
}

func TestMemory(t *testing.T) {
	buf := make([]byte, 64)
	p := Address(buf)
	type pair struct{ A, B uint64 }
	for _, tt := range []struct {
		p, n uintptr
		want Errno
	}{
		{p, 64, 0}, {0, 1, EFAULT}, {8, 1, EFAULT}, {pageSize - 1, 1, EFAULT}, {p, userEnd, EFAULT}, {userEnd - 1, 2, EFAULT},
		{^uintptr(0), 1, EFAULT}, {^uintptr(0), ^uintptr(0), EFAULT}, {p, ^uintptr(0), EFAULT}, {0, 0, 0}, {^uintptr(0), 0, 0},
	} {
		b, err := Bytes(tt.p, tt.n)
		require.Equal(t, tt.want, err, "Bytes(%#x, %#x)", tt.p, tt.n)
		require.True(t, err != 0 || uintptr(len(b)) == tt.n)
	}
	b, _ := Bytes(p+1, 3)
	b[0] = 'x'
	require.EqualValues(t, 'x', buf[1], "it is the memory itself")

	list, err := Slice[pair](p, 4)
	require.Zero(t, err)
	require.Len(t, list, 4)
	_, err = Slice[pair](p, 1<<60)
	require.Equal(t, EINVAL, err, "a size that overflows")
	_, err = Slice[pair](8, 1)
	require.Equal(t, EFAULT, err)
	v, err := Optional[pair](0)
	require.True(t, v == nil && err == 0)
	_, err = Pointer[pair](0)
	require.Equal(t, EFAULT, err)
	v, err = Pointer[pair](p)
	require.Zero(t, err)
	require.Equal(t, unsafe.Pointer(&buf[0]), unsafe.Pointer(v))
	require.Len(t, AsBytes(v), 16)
}

func TestPath(t *testing.T) {
	for _, n := range []int{0, 1, 255, maxPath - 1} {
		s := strings.Repeat("x", n)
		got, err := Path(Address(append([]byte(s), 0, 'y')))
		require.Zero(t, err)
		require.Equal(t, s, got)
	}
	_, err := Path(Address([]byte(strings.Repeat("x", maxPath) + "\x00")))
	require.Equal(t, ENAMETOOLONG, err)
	_, err = CString(Address([]byte("four\x00")), 4, EINVAL)
	require.Equal(t, EINVAL, err)
	for _, p := range []uintptr{0, 1, pageSize - 1, userEnd, ^uintptr(0)} {
		_, err = Path(p)
		require.Equal(t, EFAULT, err)
	}
}
