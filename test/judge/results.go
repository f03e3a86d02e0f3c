package judge

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// name is a test function, in results.output also a subtest, or a whole package if test is empty.
type name struct{ pkg, test string }

func (n name) String() string { return strings.TrimSpace(n.pkg + " " + n.test) }

// outcome is how a test ended.
type outcome string

const (
	passed  outcome = "pass"
	failed  outcome = "fail"
	skipped outcome = "skip"
	missing outcome = "" // it did not run, or did not end
)

// results is what a run of go test says.
type results struct {
	outcomes map[name]outcome
	output   map[name][]string // lines of what failed or was skipped, of each subtest by itself, see keep
	subtests map[name][]name   // in their order
	each     string            // Suite.Each
	parts    map[string]bool   // packages of whose test each a subtest failed since it began
	ended    func(pkg, how string, seconds float64, failed []string)
}

// event is one of go test -json (cmd/test2json, cmd/go "go help buildjson").
type event struct {
	Action     string
	Package    string
	ImportPath string
	Test       string
	Output     string
	Elapsed    float64 // seconds
}

// How many lines of a test's output are kept: its first ones, which say of a program that crashed why, and its last, but
// rather those in which a test file says something: what a test starts may log much after the test has failed.
const firstLines, lastLines = 15, 40

// message is a line of testing.T's Log, Error and Fatal, where a test file calls them.
var message = regexp.MustCompile(`^\s+\w+_test\.go:\d+: `)

// crashes are how what a Go program says in its end begins: it may have said much before.
var crashes = []string{"runtime: ", "panic: ", "fatal error: ", "SIGQUIT: "}

func crashed(line string) bool {
	return slices.ContainsFunc(crashes, func(crash string) bool { return strings.HasPrefix(line, crash) })
}

// keep adds a line to what is kept.
func keep(lines []string, line string) []string {
	if crashed(line) && len(lines) > 0 && !crashed(lines[0]) {
		lines = lines[:0]
	}
	if len(lines) == firstLines+lastLines {
		noise := slices.IndexFunc(lines[firstLines:], func(line string) bool { return !message.MatchString(line) })
		drop := firstLines + max(noise, 0)
		lines = slices.Delete(lines, drop, drop+1)
	}
	return append(lines, line)
}

func newResults() *results {
	return &results{outcomes: map[name]outcome{}, output: map[name][]string{}, subtests: map[name][]name{}, parts: map[string]bool{}}
}

// add adds what another run says of other packages.
func (r *results) add(more *results) {
	maps.Copy(r.outcomes, more.outcomes)
	maps.Copy(r.output, more.output)
	maps.Copy(r.subtests, more.subtests)
}

// parse reads the output of go test -json, and calls ended when a package has, with what the tests said that failed. Subtests
// count as part of their test, but those of the test each.
func parse(r io.Reader, each string, ended func(pkg, how string, seconds float64, failed []string)) (*results, error) {
	res := newResults()
	res.each, res.ended = each, ended
	lines := bufio.NewReader(r)
	for {
		line, err := lines.ReadBytes('\n')
		if err == io.EOF && len(line) == 0 {
			return res, nil
		}
		if err != nil && err != io.EOF {
			return nil, err
		}
		var e event
		if err := json.Unmarshal(line, &e); err != nil {
			return nil, fmt.Errorf("go test -json: %q: %w", line, err)
		}
		res.take(&e)
	}
}

// top returns the test that a subtest is part of, and whether it is one.
func (r *results) top(test string) (top string, sub bool) {
	top, rest, sub := strings.Cut(test, "/")
	if sub && top == r.each {
		rest, _, sub = strings.Cut(rest, "/")
		top += "/" + rest
	}
	return top, sub
}

func (r *results) take(e *event) {
	top, sub := r.top(e.Test)
	n := name{e.Package, top}
	if e.Package == "" {
		n.pkg, _, _ = strings.Cut(e.ImportPath, " ")
	}
	whole := name{n.pkg, e.Test}
	switch e.Action {
	case "run":
		if r.outcomes[n] != failed {
			r.outcomes[n] = missing
		}
		if sub {
			r.subtests[n] = append(r.subtests[n], whole)
		}
		if top == r.each {
			delete(r.parts, n.pkg)
		}
	case "output", "build-output":
		r.output[whole] = keep(r.output[whole], e.Output)
	case "pass", "fail", "skip":
		if sub {
			if e.Action == "pass" {
				delete(r.output, whole)
			}
			return
		}
		o := outcome(e.Action)
		switch {
		case o != failed:
		case strings.HasPrefix(top, r.each+"/"):
			r.parts[n.pkg] = true
		case top == r.each && r.parts[n.pkg]:
			o = passed // but for what counts by itself
		}
		// A package and its external tests may each have a test of this name (grpc's Test): what failed once has failed.
		if top != "" && r.outcomes[n] == failed {
			return
		}
		r.outcomes[n] = o
		if top == "" {
			r.ended(e.Package, e.Action, e.Elapsed, r.failures(e.Package))
		}
		if e.Action == "pass" {
			for _, n := range append(r.subtests[n], n) {
				delete(r.output, n)
			}
			delete(r.subtests, n)
		}
	case "build-fail":
		r.outcomes[n] = failed
	}
}

// said returns lines of the test, and of those of its subtests that did not pass.
func (r *results) said(n name) (lines []string) {
	for _, n := range append([]name{n}, r.subtests[n]...) {
		for _, line := range r.output[n] {
			lines = keep(lines, line)
		}
	}
	return lines
}

// failures returns what the tests of a package said that failed or did not end, of which the package says more.
func (r *results) failures(pkg string) (lines []string) {
	unended := false
	for n, how := range r.outcomes {
		if n.pkg == pkg && n.test != "" && (how == failed || how == missing) {
			unended = unended || how == missing
			lines = append(lines, r.said(n)...)
		}
	}
	if unended {
		lines = append(lines, r.said(name{pkg, ""})...)
	}
	return lines
}
