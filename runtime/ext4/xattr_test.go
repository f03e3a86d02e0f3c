package ext4

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"internal/xengo/runtime/blockfs/fstest"
	"internal/xengo/runtime/calls"
	"internal/xengo/runtime/vfs"
)

func attributes(t testing.TB, n vfs.Inode) map[string]string {
	t.Helper()
	return fstest.Attributes(t, n.(vfs.Attributed))
}

// Attributes that mkfs.ext4 has put there, in inodes and in blocks, are read as they are.
func TestForeignXattr(t *testing.T) {
	src := t.TempDir()
	want := map[string]map[string]string{
		"small": {"user.a": "1"},
		"large": {"user.a": "1", "user.empty": "", "user.long": strings.Repeat("long", 100), "trusted.name": "x"},
		"none":  {},
	}
	for name, all := range want {
		path := filepath.Join(src, name)
		require.NoError(t, os.WriteFile(path, nil, 0o644))
		for attr, value := range all {
			if err := syscall.Setxattr(path, attr, []byte(value), 0); err != nil {
				t.Skipf("this machine's temporary folder has no attributes: %v", err)
			}
		}
	}
	each(t, func(t *testing.T, format []string) {
		d := mkfs(t, 10, append(format, "-d", src)...)
		d.Sealed = true
		fs := mount(t, d)
		for name, all := range want {
			require.Equal(t, all, attributes(t, at(t, fs, name)), name)
		}
	})
}

// Attributes are set, replaced and removed at random; e2fsck finds nothing wrong, and debugfs the same values.
func TestXattr(t *testing.T) {
	each(t, func(t *testing.T, format []string) {
		d := mkfs(t, 10, append(format, "-O", "^ext_attr")...)
		fs := mount(t, d)
		rng := rand.New(rand.NewPCG(1, 2))
		model := map[string]map[string]string{}
		for _, name := range []string{"a", "b", "c"} {
			create(t, fs.Root(), name, nil)
			model[name] = map[string]string{}
		}
		full := 0
		for range 2000 {
			file := string(rune('a' + rng.IntN(3)))
			n, all := at(t, fs, file).(vfs.Attributed), model[file]
			name := []string{"user.", "trusted.", "security."}[rng.IntN(3)] + strings.Repeat("n", 1+rng.IntN(20))
			old, exists := all[name]
			if rng.IntN(3) == 0 {
				err := n.RemoveAttribute(name)
				require.Equal(t, exists, err == 0, err)
				delete(all, name)
				continue
			}
			value := bytes.Repeat([]byte{byte('a' + rng.IntN(26))}, rng.IntN(120))
			flags := uint32(rng.IntN(3))
			switch err := n.SetAttribute(name, value, flags); {
			case flags == vfs.XattrCreate && exists:
				require.Equal(t, calls.EEXIST, err)
			case flags == vfs.XattrReplace && !exists:
				require.Equal(t, calls.ENODATA, err)
			case err == calls.ENOSPC:
				full++
				got, err := n.Attribute(name)
				require.Equal(t, exists, err == 0)
				require.Equal(t, old, string(got))
			default:
				ok(t, err)
				all[name] = string(value)
			}
		}
		if fs.blockSize == 1024 {
			require.NotZero(t, full)
		}
		require.Equal(t, calls.ENOSPC, at(t, fs, "a").(vfs.Attributed).SetAttribute("user.huge", make([]byte, fs.blockSize), 0))
		for name, all := range model {
			require.Equal(t, all, attributes(t, at(t, fs, name)))
		}
		ok(t, fs.Unmount())
		fsck(t, d, false)
		d.InFile(t, func(image string) {
			for name, all := range model {
				out, err := fstest.Tool(t, "debugfs", "-R", "ea_list /"+name, image)
				require.NoError(t, err, out)
				for attr, value := range all {
					require.Contains(t, out, fmt.Sprintf("%s (%d)", attr, len(value)))
				}
			}
		})
		fs = mount(t, d)
		for name, all := range model {
			require.Equal(t, all, attributes(t, at(t, fs, name)))
			for _, attr := range slices.Sorted(maps.Keys(all)) {
				ok(t, at(t, fs, name).(vfs.Attributed).RemoveAttribute(attr))
			}
			if name != "c" {
				ok(t, fs.Root().Remove(name, false))
			}
		}
		ok(t, fs.Unmount())
		fsck(t, d, false)
	})
}

// A block that files share stays as it is for the one when the other's attributes change, or when it goes.
func TestSharedXattr(t *testing.T) {
	each(t, func(t *testing.T, format []string) {
		d := mkfs(t, 10, format...)
		fs := mount(t, d)
		for _, name := range []string{"a", "b", "c"} {
			create(t, fs.Root(), name, nil)
		}
		want := map[string]string{"user.long": strings.Repeat("x", 500)}
		ok(t, at(t, fs, "a").(vfs.Attributed).SetAttribute("user.long", []byte(want["user.long"]), 0))
		block := at(t, fs, "a").(*file).xattrBlockNr()
		ok(t, fs.Unmount())
		d.InFile(t, func(image string) {
			for _, name := range []string{"b", "c"} {
				out, err := fstest.Tool(t, "debugfs", "-w", "-R", fmt.Sprintf("set_inode_field /%s file_acl %d", name, block), image)
				require.NoError(t, err, out)
			}
			fstest.Tool(t, "e2fsck", "-fy", image) // counts
			var err error
			d.Data, err = os.ReadFile(image)
			require.NoError(t, err)
		})
		fs = mount(t, d)
		for _, name := range []string{"a", "b", "c"} {
			require.Equal(t, want, attributes(t, at(t, fs, name)))
		}
		c := at(t, fs, "c").(*file)
		if ok(t, c.SetAttribute("user.s", []byte("1"), 0)); c.space() != nil { // there is room in the inode
			require.Equal(t, block, c.xattrBlockNr(), "what did not change was copied")
		}
		ok(t, at(t, fs, "b").(vfs.Attributed).SetAttribute("user.long", bytes.Repeat([]byte("y"), 600), 0))
		ok(t, fs.Root().Remove("c", false))
		require.Equal(t, want, attributes(t, at(t, fs, "a")))
		require.Equal(t, map[string]string{"user.long": strings.Repeat("y", 600)}, attributes(t, at(t, fs, "b")))
		ok(t, fs.Unmount())
		fsck(t, d, false)
	})
}

// FuzzXattrs reads attributes out of anything.
func FuzzXattrs(f *testing.F) {
	area := make([]byte, 200)
	putXattrs(area, 0, []attribute{{1, "name", []byte("value"), false}, {4, "other", nil, false}}, true)
	f.Add(area)
	f.Fuzz(func(t *testing.T, area []byte) {
		all, ok := parseXattrs(area, 0, false)
		if !ok || !fitXattrs(len(area), all) {
			return
		}
		again := make([]byte, len(area)&^3)
		putXattrs(again, 0, all, false)
		same, ok := parseXattrs(again, 0, false)
		require.True(t, ok)
		require.Equal(t, len(all), len(same))
		for i := range all {
			require.Equal(t, all[i].name, same[i].name)
			require.True(t, bytes.Equal(all[i].value, same[i].value))
		}
	})
}
