package std

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"internal/xengo/test/harness"
	"internal/xengo/toolchain/bed"
)

func TestMain(m *testing.M) { harness.Main(m) }

// tenth are the packages that are tested where time is short: about a tenth of
// std's tests, of what the port is made of.
var tenth = []string{
	"bufio", "context", "crypto/rand", "errors", "internal/poll", "io", "io/fs", "log", "os", "os/signal", "os/user", "path/filepath",
	"strings", "sync", "sync/atomic", "syscall", "net/netip", "net/textproto", "unique", "weak",
}

// whole are the packages whose tests also run without -short where there is time.
var whole = []string{
	"runtime", "sync", "sync/atomic", "time", "os", "syscall", "net", "net/http", "crypto/tls", "os/signal", "internal/poll", "reflect", "testing",
}

// needs are flags of xengo exec for packages whose tests want more memory, or
// files of others. The first that matches counts.
var needs = []struct{ pkg, flags string }{
	{"encoding/gob", "--memory 2048"},
	{"crypto/internal/fips140test", "--files GOROOT/src/crypto/internal/entropy"},
	{"go/*", sources}, {"go/*/*", sources},
	{"internal/types/errors", sources},
	{"io/ioutil", "--files GOROOT/src/io"},
	{"math/big/internal/asmgen", "--files GOROOT/src/math/big"},
	{"path/filepath", "--files GOROOT/src/unicode"},
}

// sources are all of std's.
const sources = "--memory 1024 --files GOROOT/src --files-limit 256"

// kind is a column of the table.
type kind struct {
	typ   string
	vcpus int
}

func (k kind) String() string { return fmt.Sprintf("%s, %d vCPU", k.typ, k.vcpus) }

// TestStd runs std's own tests in guests. What passes on Linux must pass there,
// but for what exceptions.txt has a reason for. XENGO_STD=all runs all packages, as
// PVH and PV with 1 and 4 vCPUs, and writes the table to the file that
// XENGO_STD_TABLE names. XENGO_STD="PACKAGE..." runs these.
func TestStd(t *testing.T) {
	packages, kinds := tenth, []kind{{"pvh", 2}, {"pv", 1}}
	switch s := os.Getenv("XENGO_STD"); s {
	case "":
	case "all":
		packages, kinds = []string{"std"}, []kind{{"pvh", 1}, {"pvh", 4}, {"pv", 1}, {"pv", 4}}
	default:
		packages = strings.Fields(s)
	}
	judge(t, kinds, append([]string{"-short"}, packages...))
}

// TestWhole is TestStd without -short, for some packages.
func TestWhole(t *testing.T) {
	if os.Getenv("XENGO_STD") != "all" {
		t.Skip("takes hours; XENGO_STD=all runs it")
	}
	judge(t, []kind{{"pvh", 4}, {"pv", 4}}, whole)
}

func judge(t *testing.T, kinds []kind, args []string) {
	linux, err := goTest(t, "linux", nil, args)
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.Open("exceptions.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	v := &verdict{linux: linux}
	if v.exceptions, err = parseExceptions(f); err != nil {
		t.Fatalf("exceptions.txt: %v", err)
	}
	for _, k := range kinds {
		res, err := inGuests(t, k, args)
		if err != nil {
			t.Fatal(err)
		}
		v.columns = append(v.columns, column{k.String(), res})
	}
	v.missed(func(c column, n name) {
		if _, ok := v.exceptions.find(n, c.output[n]); !ok {
			t.Errorf("%s, %s: %s", n, c.title, explain(c, n))
		}
	})
	for _, c := range v.columns {
		v.enough(t, c)
	}
	v.save(t)
}

// explain says how a test that should have passed ended.
func explain(c column, n name) string {
	o := c.outcomes[n]
	if o == missing {
		o, n = "did not end", name{n.pkg, ""}
	}
	return string(o) + "\n" + strings.Join(c.output[n], "")
}

// enough says how many tests pass, and of all of std checks that the reasons are not too many.
func (v *verdict) enough(t *testing.T, c column) {
	for _, limit := range []struct {
		percent int
		want    func(pkg string) bool
		what    string
	}{
		{97, func(string) bool { return true }, "all"},
		{95, func(pkg string) bool { return pkg == "runtime" }, "package runtime's"},
	} {
		pass, of := v.share(c, limit.want)
		if of == 0 {
			continue
		}
		t.Logf("%s: %d of %d of %s tests pass, %.1f %%", c.title, pass, of, limit.what, 100*float64(pass)/float64(of))
		// Of a few packages that share says little.
		if os.Getenv("XENGO_STD") == "all" && pass*100 < limit.percent*of {
			t.Errorf("%s: fewer than %d %% of %s tests pass", c.title, limit.percent, limit.what)
		}
	}
}

// save writes the table to the test's output or a file.
func (v *verdict) save(t *testing.T) {
	name := os.Getenv("XENGO_STD_TABLE")
	if name == "" {
		if err := v.write(t.Output()); err != nil {
			t.Fatal(err)
		}
		return
	}
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	if err := v.write(f); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

// inGuests runs go test with the bed that tests share: for each kind of needs
// once.
func inGuests(t *testing.T, k kind, args []string) (*results, error) {
	flags, pkgs := split(args)
	groups, err := group(t, pkgs)
	if err != nil {
		return nil, err
	}
	all := newResults()
	for needs, pkgs := range groups {
		res, err := inGuestsWith(t, k, needs, slices.Concat(flags, pkgs))
		if err != nil {
			return nil, err
		}
		all.add(res)
	}
	return all, nil
}

// split parts the flags of go test from the packages.
func split(args []string) (flags, pkgs []string) {
	n := slices.IndexFunc(args, func(s string) bool { return !strings.HasPrefix(s, "-") })
	return args[:n], args[n:]
}

// group expands patterns and groups the packages by what they need.
func group(t *testing.T, patterns []string) (map[string][]string, error) {
	root := harness.GOROOT(t)
	cmd := exec.CommandContext(t.Context(), filepath.Join(root, "bin/go"), append([]string{"list"}, patterns...)...)
	cmd.Dir, cmd.Env = filepath.Join(root, "src"), goEnv(root, "xenpv")
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go list: %w", err)
	}
	groups := map[string][]string{}
	for _, pkg := range strings.Fields(string(out)) {
		flags := ""
		for _, n := range needs {
			if matches(n.pkg, pkg) {
				flags = strings.ReplaceAll(n.flags, "GOROOT", root)
				break
			}
		}
		groups[flags] = append(groups[flags], pkg)
	}
	return groups, nil
}

func inGuestsWith(t *testing.T, k kind, flags string, args []string) (*results, error) {
	b := harness.Platforms()[0].Bed(t)
	env := []string{
		bed.Variable + "=" + b.Dir(),
		"XENGO_EXEC_FLAGS=--type " + k.typ + " --vcpus " + strconv.Itoa(k.vcpus) + " " + flags,
		// Times are worth nothing here (internal/testenv).
		"GO_TEST_TIMEOUT_SCALE=5",
	}
	atOnce := harness.AtOnce()
	if strings.Contains(flags, "--memory") {
		atOnce = 1 // there is no more
	}
	args = append([]string{"-p", strconv.Itoa(atOnce), "-exec", harness.Tool(t) + " exec"}, args...)
	return goTest(t, "xenpv", env, args)
}

func goEnv(root, goos string) []string {
	return append(os.Environ(), "GOROOT="+root, "GOTOOLCHAIN=local", "GOOS="+goos, "GOARCH=amd64", "CGO_ENABLED=0", "GOWORK=off", "GOFLAGS=")
}

// goTest runs go test of the patched Go. That tests fail is no error.
func goTest(t *testing.T, goos string, env, args []string) (*results, error) {
	root := harness.GOROOT(t)
	args = append([]string{"test", "-json", "-vet=off", "-timeout=30m"}, args...)
	cmd := exec.CommandContext(t.Context(), filepath.Join(root, "bin/go"), args...)
	cmd.Dir = filepath.Join(root, "src")
	cmd.Env = append(goEnv(root, goos), env...)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.Stderr = t.Output()
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	res, err := parse(out)
	if err != nil {
		io.Copy(io.Discard, out) // it ends all the same
		cmd.Wait()
		return nil, err
	}
	if err := cmd.Wait(); err != nil && (t.Context().Err() != nil || !ran(err)) {
		return nil, err
	}
	return res, context.Cause(t.Context())
}

// ran reports whether the go command ended with "tests failed".
func ran(err error) bool {
	exit, ok := err.(*exec.ExitError)
	return ok && exit.ExitCode() == 1
}
