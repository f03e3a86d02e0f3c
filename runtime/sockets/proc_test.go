package sockets

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"internal/xengo/runtime/calls"
	"internal/xengo/runtime/fdtable"
	"internal/xengo/runtime/vfs"
)

// contents reads a file of the tree that the package furnished.
func contents(t *testing.T, path string) string {
	t.Helper()
	d, err := vfs.Open(vfs.Root(), path, fdtable.O_RDONLY, 0)
	require.Zero(t, err, path)
	var b strings.Builder
	buf := make([]byte, 4096)
	for {
		n, err := d.Read(buf)
		require.Zero(t, err)
		if n == 0 {
			return b.String()
		}
		b.Write(buf[:n])
	}
}

// The columns of our files are those of Linux's, as far as they have them: names on the lines of names, as many fields on the others.
func TestProcNet(t *testing.T) {
	for _, name := range []string{"dev", "route", "tcp", "tcp6", "udp", "udp6", "if_inet6", "snmp", "netstat", "sockstat", "sockstat6", "snmp6"} {
		theirs, err := os.ReadFile("/proc/net/" + name)
		if err != nil {
			t.Logf("not here: %v", err)
			continue
		}
		ours := contents(t, "/proc/net/"+name)
		switch name {
		case "dev", "route":
			require.Equal(t, strings.Fields(strings.SplitN(string(theirs), "\n", 2)[0]), strings.Fields(strings.SplitN(ours, "\n", 2)[0]), name)
		case "tcp", "tcp6", "udp", "udp6":
			require.Contains(t, ours, "  sl  local_address")
		default:
			known := strings.Fields(string(theirs))
			for _, word := range strings.Fields(ours) {
				if word[0] > '9' && name != "if_inet6" && !strings.HasPrefix(word, "Ip6") {
					require.Contains(t, known, word, name)
				}
			}
		}
	}
	require.Contains(t, contents(t, "/proc/net/dev"), "    lo: ")
}

// A connection through the loopback interface is seen from all sides.
func TestProcNetSockets(t *testing.T) {
	p := &process{T: t, system: systems[1], said: new([]string)}
	before := contents(t, "/proc/net/snmp")
	client, server := p.connection()
	require.NotEqual(t, before, contents(t, "/proc/net/snmp"))
	lines := strings.Split(contents(t, "/proc/net/tcp"), "\n")
	established := 0
	for _, l := range lines {
		if f := strings.Fields(l); len(f) > 9 && f[3] == "01" && f[9] != "0" {
			established++
			require.Contains(t, f[1], "0100007F:")
		}
	}
	require.Equal(t, 2, established, lines)
	require.Contains(t, contents(t, "/proc/net/sockstat"), "TCP: inuse ")
	for _, fd := range []int{client, server} {
		p.close(fd)
	}
}

// An interface has a directory with files of one line.
func TestClassNet(t *testing.T) {
	for _, f := range classFiles {
		ours := contents(t, filepath.Join("/sys/class/net/lo", f.path))
		require.Equal(t, 1, strings.Count(ours, "\n"), f.path)
		switch f.path {
		case "address", "broadcast", "addr_len", "carrier", "ifindex", "iflink", "operstate", "type":
			if theirs, err := os.ReadFile(filepath.Join("/sys/class/net/lo", f.path)); err == nil {
				require.Equal(t, string(theirs), ours, f.path)
			}
		}
	}
	_, err := vfs.Open(vfs.Root(), "/sys/class/net/none", fdtable.O_RDONLY, 0)
	require.Equal(t, calls.ENOENT, err)
}
