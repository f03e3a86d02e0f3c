// Package judge compares what go test says of a program in guests with what it
// says on Linux: what passes there must pass here, but for exceptions that have
// a reason.
package judge

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"internal/xengo/test/harness"
	"internal/xengo/toolchain/bed"
)

// Kind is a kind of guests, a column of the table.
type Kind struct {
	Type  string // pv, pvh
	VCPUs int
}

func (k Kind) String() string { return fmt.Sprintf("%s, %d vCPU", k.Type, k.VCPUs) }

// Kinds returns the kinds that XENGO_KINDS names, "pv/4 pvh/1", or those given.
func Kinds(t *testing.T, kinds ...Kind) []Kind {
	t.Helper()
	named := strings.Fields(os.Getenv("XENGO_KINDS"))
	if len(named) == 0 {
		return kinds
	}
	kinds = nil
	for _, s := range named {
		k, err := parseKind(s)
		if err != nil {
			t.Fatalf("XENGO_KINDS: %v", err)
		}
		kinds = append(kinds, k)
	}
	return kinds
}

func parseKind(s string) (Kind, error) {
	typ, n, _ := strings.Cut(s, "/")
	vcpus, err := strconv.Atoi(n)
	if typ != "pv" && typ != "pvh" || err != nil || vcpus < 1 {
		return Kind{}, fmt.Errorf("%q is not a kind of guests, like pv/4 and pvh/1", s)
	}
	return Kind{Type: typ, VCPUs: vcpus}, nil
}

// Need is what guests for some packages need.
type Need struct {
	Packages string // a pattern of path.Match
	Flags    string // of xengo exec; GOROOT is replaced; --spawn=false in spite of Suite.Spawn
}

// Limit is the least share of tests that pass.
type Limit struct {
	Percent int
	Package string // "" is all
}

// Suite is a set of packages with tests.
type Suite struct {
	Dir        string   // where go test runs; GOROOT is replaced
	Flags      []string // of go test
	Env        []string // of go test, NAME=VALUE
	Packages   []string // patterns
	Args       []string // of the test binaries
	Each       string   // a test of which each subtest counts as one, as where a package's tests are methods (grpc's Test)
	Kinds      []Kind
	Exec       string   // flags of xengo exec for all
	Needs      []Need   // the first that matches counts
	Tags       []string // build tags in guests
	Alone      bool     // one guest at a time
	Exceptions []string // files, see exceptions.txt of test/std; what comes first counts
	Limits     []Limit
	Spawn      bool   // tests may start other programs (xengo exec --spawn)
	Table      string // a file that the table is added to; "" is the test's log
}

// Run runs the tests on this machine's Linux and in guests of each kind, and
// compares.
func (s *Suite) Run(t *testing.T) {
	s.Dir = strings.ReplaceAll(s.Dir, "GOROOT", harness.GOROOT(t))
	v := &verdict{}
	for _, name := range s.Exceptions {
		if err := v.except(name); err != nil {
			t.Fatal(err)
		}
	}
	var err error
	if v.linux, err = s.goTest(t, "Linux", "linux", nil, s.Packages); err != nil {
		t.Fatal(err)
	}
	for _, k := range s.Kinds {
		res, err := s.inGuests(t, k)
		if res != nil {
			v.columns = append(v.columns, column{k.String(), res})
		}
		if err != nil {
			s.save(t, v) // what is known
			t.Fatal(err)
		}
	}
	v.missed(func(c column, n name) {
		if _, ok := v.exceptions.find(n, c.said(n)); !ok {
			t.Errorf("%s, %s: %s", n, c.title, explain(c, n))
		}
	})
	for _, c := range v.columns {
		s.enough(t, v, c)
	}
	s.save(t, v)
}

// RunOnExt4 is Run with the temporary files of guests on a disk of so many MiB, of which e2fsck has to say in the end that it is
// well.
func (s *Suite) RunOnExt4(t *testing.T, mib int64) {
	disk := harness.Disk(t, mib, harness.MkfsExt4...)
	s.Exec += " --disk " + disk + ":/mnt --env TMPDIR=/mnt"
	s.Tags, s.Alone = append(s.Tags, "xengo_ext4"), true // it is one guest's at a time
	s.Run(t)
	harness.OnDisk(t, disk, "e2fsck", "-fn")
}

// explain says how a test that should have passed ended.
func explain(c column, n name) string {
	o := c.outcomes[n]
	if o == missing {
		o, n = "did not end", name{n.pkg, ""}
	}
	return string(o) + "\n" + strings.Join(c.said(n), "")
}

// enough says how many tests pass, and checks that the reasons are not too many.
func (s *Suite) enough(t *testing.T, v *verdict, c column) {
	pass, of := v.share(c, func(string) bool { return true })
	t.Logf("%s: %d of %d tests pass", c.title, pass, of)
	for _, l := range s.Limits {
		pass, of := v.share(c, func(pkg string) bool { return l.Package == "" || l.Package == pkg })
		if pass*100 < l.Percent*of {
			t.Errorf("%s: %d of %d tests %spass, fewer than %d %%", c.title, pass, of, ofPackage(l.Package), l.Percent)
		}
	}
}

func ofPackage(pkg string) string {
	if pkg == "" {
		return ""
	}
	return "of package " + pkg + " "
}

// save writes the table to the test's log or adds it to a file.
func (s *Suite) save(t *testing.T, v *verdict) {
	if s.Table == "" {
		if err := v.write(t.Output()); err != nil {
			t.Fatal(err)
		}
		return
	}
	f, err := os.OpenFile(s.Table, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Fprintf(f, "## %s\n\n", t.Name()); err != nil {
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
func (s *Suite) inGuests(t *testing.T, k Kind) (*results, error) {
	groups, err := s.group(t)
	if err != nil {
		return nil, err
	}
	all := newResults()
	for flags, pkgs := range groups {
		res, err := s.inGuestsWith(t, k, flags, pkgs)
		if res != nil {
			all.add(res)
		}
		if err != nil {
			return all, err
		}
	}
	return all, nil
}

// group expands the patterns and groups the packages by the flags of xengo exec
// that they need.
func (s *Suite) group(t *testing.T) (map[string][]string, error) {
	out, err := s.goCommand(harness.Context(t), t, "xenpv", nil, append([]string{"list"}, s.Packages...)).Output()
	if err != nil {
		return nil, fmt.Errorf("go list: %w", err)
	}
	groups := map[string][]string{}
	for _, pkg := range strings.Fields(string(out)) {
		flags := ""
		if n := slices.IndexFunc(s.Needs, func(n Need) bool { return matches(n.Packages, pkg) }); n >= 0 {
			flags = strings.ReplaceAll(s.Needs[n].Flags, "GOROOT", harness.GOROOT(t))
		}
		groups[flags] = append(groups[flags], pkg)
	}
	return groups, nil
}

func (s *Suite) inGuestsWith(t *testing.T, k Kind, flags string, pkgs []string) (*results, error) {
	b := harness.Platforms()[0].Bed(t)
	env := []string{
		bed.Variable + "=" + b.Dir(),
		"XENGO_EXEC_FLAGS=" + strings.Join([]string{"--type", k.Type, "--vcpus", strconv.Itoa(k.VCPUs), s.Exec, flags}, " "),
		// Times are worth nothing here (internal/testenv).
		"GO_TEST_TIMEOUT_SCALE=5",
	}
	atOnce := harness.AtOnce()
	if s.Alone || strings.Contains(flags, "--memory") {
		atOnce = 1 // there is no more memory
	}
	args := []string{"-p", strconv.Itoa(atOnce), "-exec", harness.Tool(t) + " exec"}
	tags := s.Tags
	if s.Spawn && !strings.Contains(flags, "--spawn=false") {
		args[3] += " --spawn"
		tags = append(tags, "xengo_spawn")
	}
	args = append(args, "-tags", strings.Join(tags, ","))
	return s.goTest(t, k.String(), "xenpv", env, append(args, pkgs...))
}
