package std

import (
	"bufio"
	"fmt"
	"io"
	"path"
	"strings"
)

// exception is a line of exceptions.txt: tests that need not pass in a guest,
// and why. Both patterns are path.Match's.
type exception struct {
	pkg, test string
	reason    string
	used      bool
}

// exceptions are those of one file, the first that matches counts.
type exceptions []*exception

// parseExceptions reads lines of "package test reason"; "#" begins a comment.
func parseExceptions(r io.Reader) (exceptions, error) {
	var all exceptions
	lines := bufio.NewScanner(r)
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || line[0] == '#' {
			continue
		}
		words := strings.Fields(line)
		if len(words) < 3 {
			return nil, fmt.Errorf("line %d: want a package, a test, and a reason", n)
		}
		e := &exception{words[0], words[1], strings.Join(words[2:], " "), false}
		for _, pattern := range words[:2] {
			if _, err := path.Match(pattern, ""); err != nil {
				return nil, fmt.Errorf("line %d: %s: %w", n, pattern, err)
			}
		}
		all = append(all, e)
	}
	return all, lines.Err()
}

// find returns why a test need not pass.
func (all exceptions) find(n name) (reason string, ok bool) {
	for _, e := range all {
		if matches(e.pkg, n.pkg) && matches(e.test, n.test) {
			e.used = true
			return e.reason, true
		}
	}
	return "", false
}

func matches(pattern, s string) bool {
	ok, err := path.Match(pattern, s)
	return ok && err == nil
}
