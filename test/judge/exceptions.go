package judge

import (
	"bufio"
	"fmt"
	"io"
	"path"
	"strings"
)

// exception is a line of exceptions.txt: tests that need not pass in a guest,
// and why.
type exception struct {
	pkg, test string // patterns of path.Match; "all" is every package, "*" every test
	says      string // what their output contains
	reason    string
	moot      bool // Linux skips them, too, on a machine like the guest: they do not count
}

// exceptions are those of one file, the first that matches counts.
type exceptions []exception

// parseExceptions reads lines of: package test ["output"] ["-"] reason. "#" begins a comment, "-" makes it moot.
func parseExceptions(r io.Reader) (exceptions, error) {
	var all exceptions
	lines := bufio.NewScanner(r)
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || line[0] == '#' {
			continue
		}
		e, err := parseException(line)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		all = append(all, e)
	}
	return all, lines.Err()
}

func parseException(line string) (e exception, err error) {
	pkg, rest, _ := strings.Cut(line, " ")
	test, rest, _ := strings.Cut(strings.TrimSpace(rest), " ")
	e = exception{pkg: pkg, test: test, reason: strings.TrimSpace(rest)}
	if quoted, ok := strings.CutPrefix(e.reason, `"`); ok {
		says, reason, ok := strings.Cut(quoted, `"`)
		if !ok {
			return e, fmt.Errorf("a quote without its end")
		}
		e.says, e.reason = says, strings.TrimSpace(reason)
	}
	e.reason, e.moot = strings.CutPrefix(e.reason, "- ")
	if e.reason == "" {
		return e, fmt.Errorf("want a package, a test, and a reason")
	}
	for _, pattern := range []string{pkg, test} {
		if _, err := path.Match(pattern, ""); err != nil {
			return e, fmt.Errorf("%s: %w", pattern, err)
		}
	}
	return e, nil
}

// find returns why a test with that output need not pass.
func (all exceptions) find(n name, output []string) (e exception, ok bool) {
	for _, e := range all {
		if (e.pkg == "all" || matches(e.pkg, n.pkg)) && (e.test == "*" || matches(e.test, n.test)) && strings.Contains(strings.Join(output, ""), e.says) {
			return e, true
		}
	}
	return exception{}, false
}

func matches(pattern, s string) bool {
	ok, err := path.Match(pattern, s)
	return ok && err == nil
}
