package goroot

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// toolchain builds the toolchain of this checkout in the user's cache, which
// takes minutes, so it skips the test with -short.
func toolchain(t *testing.T) (patched, unpatched string) {
	t.Helper()
	if testing.Short() {
		t.Skip("builds a toolchain, which takes minutes")
	}
	cache, err := DefaultCache()
	require.NoError(t, err)
	b := Builder{Source: os.DirFS("../.."), Cache: cache, Log: os.Stderr}
	patched, err = b.Build(t.Context())
	require.NoError(t, err)
	p, err := b.plan()
	require.NoError(t, err)
	unpatched, err = stock(t.Context(), p.version)
	require.NoError(t, err)
	return patched, unpatched
}

// goAt is a command of the Go at root for a system, in its src.
func goAt(t *testing.T, root, goos string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(t.Context(), filepath.Join(root, "bin", "go"), args...)
	cmd.Dir = filepath.Join(root, "src")
	cmd.Env = append(cleanEnv(), "GOROOT="+root, "GOTOOLCHAIN=local", "GOWORK=off", "GOOS="+goos, "GOARCH=amd64")
	return cmd
}

// program builds a program that says hello with the Go at root.
func program(t *testing.T, root, goos string, flags ...string) *elf.File {
	t.Helper()
	dir := tree(t, map[string]string{
		"go.mod":  "module hello\n\ngo 1.27\n",
		"main.go": "package main\n\nimport \"fmt\"\n\nfunc main() { fmt.Println(\"hello\") }\n",
	})
	out := filepath.Join(dir, "hello")
	cmd := goAt(t, root, goos, append([]string{"build", "-trimpath", "-o", out}, flags...)...)
	cmd.Dir = dir
	cmd.Env = append(cmd.Env, "CGO_ENABLED=0")
	msg, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", msg)
	f, err := elf.Open(out)
	require.NoError(t, err)
	t.Cleanup(func() { f.Close() })
	return f
}

// xenNotes returns the notes named "Xen" in the PT_NOTE segments, by type.
func xenNotes(t *testing.T, f *elf.File) map[uint32][]byte {
	t.Helper()
	notes := map[uint32][]byte{}
	for _, p := range f.Progs {
		if p.Type != elf.PT_NOTE {
			continue
		}
		data := make([]byte, p.Filesz)
		_, err := p.ReadAt(data, 0)
		require.NoError(t, err)
		for len(data) >= 12 {
			namesz, descsz := binary.LittleEndian.Uint32(data), binary.LittleEndian.Uint32(data[4:])
			kind := binary.LittleEndian.Uint32(data[8:])
			padded := func(n uint32) uint32 { return (n + 3) &^ 3 }
			name, desc := data[12:12+namesz], data[12+padded(namesz):][:descsz]
			if string(name) == "Xen\x00" {
				require.NotContains(t, notes, kind, "twice")
				notes[kind] = desc
			}
			data = data[12+padded(namesz)+padded(descsz):]
		}
		require.Empty(t, data, "after the last note")
	}
	return notes
}

// TestXenNotes compares a linked kernel's notes with its symbols and with those
// that Xen's domain builder needs to boot it as PV and as PVH.
func TestXenNotes(t *testing.T) {
	root, _ := toolchain(t)
	f := program(t, root, "xenpv")
	symbols, err := f.Symbols()
	require.NoError(t, err)
	address := map[string]uint64{}
	for _, s := range symbols {
		address[s.Name] = s.Value
	}
	pv, pvh := address["_rt0_amd64_xenpv"], address["_rt0_amd64_xenpv_pvh"]
	require.NotZero(t, pv)
	require.NotZero(t, pvh)
	require.Equal(t, pv, f.Entry)

	u64 := func(v uint64) []byte { return binary.LittleEndian.AppendUint64(nil, v) }
	notes := xenNotes(t, f)
	for kind, want := range map[uint32][]byte{
		1:  u64(pv),               // ENTRY
		3:  u64(0),                // VIRT_BASE
		4:  u64(0),                // PADDR_OFFSET
		5:  []byte("xen-3.0\x00"), // XEN_VERSION
		6:  []byte("xengo\x00"),   // GUEST_OS
		8:  []byte("generic\x00"), // LOADER
		18: u64(pvh)[:4],          // PHYS32_ENTRY
	} {
		require.Equal(t, want, notes[kind], "note %d", kind)
	}
	require.NotContains(t, notes, uint32(2), "HYPERCALL_PAGE")

	for _, p := range f.Progs {
		if p.Type == elf.PT_LOAD {
			require.Equal(t, p.Vaddr, p.Paddr, "virtual = physical")
		}
	}
}

// TestHostOutput compares what the patched and the stock Go make of the same
// program for linux/amd64: the same functions of the same code, except for
// the addresses in it, which the length of the version string moves.
func TestHostOutput(t *testing.T) {
	patched, unpatched := toolchain(t)
	got, want := functions(t, program(t, patched, "linux")), functions(t, program(t, unpatched, "linux"))
	for name, code := range want {
		require.Contains(t, got, name)
		require.True(t, sameCode(code, got[name]), "%s differs", name)
	}
	require.Len(t, got, len(want))
}

// functions returns the code of a program by symbol. A static symbol's name
// may occur twice; it is made unique by its size.
func functions(t *testing.T, f *elf.File) map[string][]byte {
	t.Helper()
	symbols, err := f.Symbols()
	require.NoError(t, err)
	section := f.Section(".text")
	text, err := section.Data()
	require.NoError(t, err)
	all := map[string][]byte{}
	for _, s := range symbols {
		if elf.ST_TYPE(s.Info) == elf.STT_FUNC && s.Value >= section.Addr && s.Value+s.Size <= section.Addr+section.Size {
			code := text[s.Value-section.Addr:][:s.Size]
			if old, ok := all[s.Name]; ok {
				code = bytes.Join([][]byte{old, code}, nil)
			}
			all[s.Name] = code
		}
	}
	require.Greater(t, len(all), 1000)
	return all
}

// sameCode reports whether a and b differ only in 32-bit fields by less than a
// mebibyte, which is what moved addresses look like.
func sameCode(a, b []byte) bool {
	if len(a) != len(b) {
		return false
	}
	for i := 0; i < len(a); i++ {
		if a[i] == b[i] {
			continue
		}
		moved := false
		for j := i; j >= max(0, i-3) && !moved; j-- { // a field that begins up to 3 bytes before
			if j+4 > len(a) {
				continue
			}
			d := int64(int32(binary.LittleEndian.Uint32(a[j:]))) - int64(int32(binary.LittleEndian.Uint32(b[j:])))
			if moved = d > -1<<20 && d < 1<<20; moved {
				i = j + 3
			}
		}
		if !moved {
			return false
		}
	}
	return true
}

func TestSameCode(t *testing.T) {
	code := []byte("\x48\x8d\x05\x10\x20\x00\x00\xe8\x00\x01\x00\x00\xc3")
	moved := []byte("\x48\x8d\x05\xf0\x1f\x00\x00\xe8\x00\x02\x00\x00\xc3")
	other := []byte("\x48\x8d\x05\x10\x20\x00\x00\xe8\x00\x01\x00\x70\xc3")
	require.True(t, sameCode(code, code))
	require.True(t, sameCode(code, moved))
	require.False(t, sameCode(code, other))
	require.False(t, sameCode(code, code[1:]))
}

// ours lists the packages of std for guests but for those of others: vet has
// opinions on their code.
func ours(t *testing.T, root string) []string {
	out, err := goAt(t, root, "xenpv", "list", "std").Output()
	require.NoError(t, err)
	return slices.DeleteFunc(strings.Fields(string(out)), func(pkg string) bool { return strings.HasPrefix(pkg, "vendor/") })
}

// TestStd builds and vets all of std for guests, and runs std's own tests of
// its layering and of what it vendors.
func TestStd(t *testing.T) {
	root, _ := toolchain(t)
	run := func(goos string, args ...string) {
		out, err := goAt(t, root, goos, args...).CombinedOutput()
		require.NoError(t, err, "GOOS=%s go %s\n%s", goos, strings.Join(args, " "), out)
	}
	run("xenpv", "build", "std")
	run("xenpv", append([]string{"vet"}, ours(t, root)...)...)
	run("linux", "build", "std")
	run("linux", "test", "-short", "go/build", "cmd/internal/moddeps", "cmd/internal/objabi", "internal/platform", "cmd/dist")
}
