package harness

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	xengo "internal/xengo"
	"internal/xengo/toolchain/goroot"
)

// builds keeps what was built, until the test binary ends.
type builds struct {
	mu    sync.Mutex // one go command at a time: it is parallel by itself
	dir   string
	done  map[string]error // by file
	root  string           // GOROOT of the patched Go
	rootE error
}

var programs builds

func (b *builds) close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.dir == "" {
		return nil
	}
	return os.RemoveAll(b.dir)
}

// Guest returns the image of a program, named by its path below test, such as
// "guests/hello".
func Guest(t testing.TB, program string) string { return build(t, program, "xenpv") }

// Stripped is Guest, without symbols and debugging information.
func Stripped(t testing.TB, program string) string { return build(t, program, "xenpv", "-s") }

// Tagged is Guest, built with a build tag.
func Tagged(t testing.TB, program, tag string) string { return build(t, program, "xenpv", tagFlag+tag) }

// tagFlag begins a flag that is not the linker's.
const tagFlag = "-tags="

// Linux returns the same program for Linux.
func Linux(t testing.TB, program string) string { return build(t, program, "linux") }

// Tests returns the test binary of a package, one of std or named as programs
// are, for a GOOS, built with a tag if that is not "". Both kinds are made by the
// patched Go.
func Tests(t testing.TB, pkg, goos, tag string) string {
	t.Helper()
	need(t)
	file, err := programs.tests(pkg, goos, tag)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

func build(t testing.TB, program, goos string, flags ...string) string {
	t.Helper()
	need(t)
	file, err := programs.build(program, goos, flags...)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

func (b *builds) build(program, goos string, flags ...string) (string, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	file, err := b.file(strings.Join(append([]string{goos}, flags...), ""), filepath.Base(program))
	if err != nil {
		return "", err
	}
	if err, ok := b.done[file]; ok {
		return file, err
	}
	b.done[file] = b.run(file, program, goos, flags)
	return file, b.done[file]
}

// file names a file of the directory for what is built.
func (b *builds) file(elem ...string) (string, error) {
	if b.dir == "" {
		var err error
		if b.dir, err = os.MkdirTemp("", "xengo-test"); err != nil {
			return "", err
		}
		b.done = map[string]error{}
	}
	return filepath.Join(append([]string{b.dir}, elem...)...), nil
}

func (b *builds) tests(pkg, goos, tag string) (string, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	file, err := b.file(goos+tag+"-tests", strings.ReplaceAll(pkg, "/", "-"))
	if err != nil {
		return "", err
	}
	if err, ok := b.done[file]; ok {
		return file, err
	}
	dir, err := testDir()
	if err != nil {
		return "", err
	}
	if program, ok := strings.CutPrefix(pkg, "guests/"); ok {
		pkg = "./" + program
	}
	root, err := b.goroot()
	if err == nil {
		args := []string{"test", "-c", "-trimpath", tagFlag + tag, "-o", file, pkg}
		err = goCommand(filepath.Join(dir, "guests"), root, goos, args)
	}
	b.done[file] = err
	return file, err
}

// goCommand runs that of a GOROOT, or for "" the one in PATH.
func goCommand(dir, root, goos string, args []string) error {
	name, env := "go", os.Environ()
	if root != "" {
		name = filepath.Join(root, "bin", "go")
		env = append(env, "GOROOT="+root, "GOTOOLCHAIN=local")
	}
	cmd := exec.CommandContext(shared.ctx, name, args...)
	cmd.Dir = dir
	cmd.Env = append(env, "GOOS="+goos, "GOARCH=amd64", "CGO_ENABLED=0", "GOWORK=off")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("go %s for %s: %w\n%s", strings.Join(args, " "), goos, err, out)
	}
	return nil
}

// run runs go build: of the patched Go for guests, of the tests' for Linux.
func (b *builds) run(file, program, goos string, flags []string) error {
	module, pkg, ok := strings.Cut(program, "/")
	if !ok {
		return fmt.Errorf("%s is not a program of a module of test", program)
	}
	test, err := testDir()
	if err != nil {
		return err
	}
	root := ""
	if goos == "xenpv" {
		if root, err = b.goroot(); err != nil {
			return err
		}
	}
	args := []string{"build", "-trimpath", "-o", file}
	var linker []string
	for _, f := range flags {
		if strings.HasPrefix(f, tagFlag) {
			args = append(args, f)
		} else {
			linker = append(linker, f)
		}
	}
	args = append(args, "-ldflags="+strings.Join(linker, " "), "./"+pkg)
	return goCommand(filepath.Join(test, module), root, goos, args)
}

// GOROOT returns that of this tree's Go.
func GOROOT(t testing.TB) string {
	t.Helper()
	need(t)
	root, err := programs.patched()
	if err != nil {
		t.Fatal(err)
	}
	return root
}

func (b *builds) patched() (string, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.goroot()
}

// goroot makes the patched Go the first time. If that fails it is not tried again.
func (b *builds) goroot() (string, error) {
	if b.root == "" && b.rootE == nil {
		b.root, b.rootE = patched(shared.ctx)
	}
	return b.root, b.rootE
}

// Tool returns the tool xengo of this tree.
func Tool(t testing.TB) string {
	t.Helper()
	need(t)
	file, err := programs.tool()
	if err != nil {
		t.Fatal(err)
	}
	return file
}

func (b *builds) tool() (string, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	file, err := b.file("tool", "xengo")
	if err != nil {
		return "", err
	}
	if err, ok := b.done[file]; ok {
		return file, err
	}
	cmd := exec.CommandContext(shared.ctx, "go", "build", "-o", file, "internal/xengo/toolchain/cmd/xengo")
	out, err := cmd.CombinedOutput()
	if err != nil {
		err = fmt.Errorf("build xengo: %w\n%s", err, out)
	}
	b.done[file] = err
	return file, err
}

// patched returns the GOROOT of this tree's Go, which takes minutes to build
// when it is not in the cache.
func patched(ctx context.Context) (string, error) {
	cache, err := goroot.DefaultCache()
	if err != nil {
		return "", err
	}
	b := goroot.Builder{Source: xengo.Source, Cache: cache, Log: os.Stderr}
	return b.Build(ctx)
}

// testDir is the directory test of the tree: tests run in their package's.
func testDir() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for ; dir != "/"; dir = filepath.Dir(dir) {
		if filepath.Base(dir) == "test" {
			return dir, nil
		}
	}
	return "", errors.New("not below the directory test")
}
