// Package verdict runs a program's properties and says on standard output what
// came of each, so that what is not said has failed:
//
//	begin NAME
//	ok NAME 1.234s
//	skip NAME: why
//	FAIL NAME: why
//	verdict: ok 4
//	verdict: FAIL 1 of 4
//
// After the verdict the program exits, with 1 if a property failed.
package verdict

import (
	"fmt"
	"os"
	"runtime/debug"
	"slices"
	"strings"
	"time"
)

// Property is one thing that a program shows.
type Property struct {
	Name  string       // one word
	Check func() error // nil: it holds; Skip: it cannot be seen here
}

// Skip is an error that says why a property cannot be seen on this machine.
type Skip string

func (s Skip) Error() string { return string(s) }

// Exit runs the named properties in the order in which they are given, or all
// if no name is given, and ends the program.
func Exit(properties []Property, names ...string) {
	for _, name := range names {
		if !slices.ContainsFunc(properties, func(p Property) bool { return p.Name == name }) {
			fmt.Printf("verdict: FAIL no property %q\n", name)
			os.Exit(2)
		}
	}
	ran, failed := 0, 0
	for _, p := range properties {
		if len(names) > 0 && !slices.Contains(names, p.Name) {
			continue
		}
		ran++
		fmt.Println("begin", p.Name)
		start := time.Now()
		switch err := run(p.Check).(type) {
		case nil:
			fmt.Printf("ok %s %.3fs\n", p.Name, time.Since(start).Seconds())
		case Skip:
			fmt.Printf("skip %s: %s\n", p.Name, string(err))
		default:
			failed++
			fmt.Printf("FAIL %s: %s\n", p.Name, strings.ReplaceAll(err.Error(), "\n", "\n\t"))
		}
	}
	if failed > 0 {
		fmt.Printf("verdict: FAIL %d of %d\n", failed, ran)
		os.Exit(1)
	}
	fmt.Printf("verdict: ok %d\n", ran)
	os.Exit(0)
}

// run makes a panic of check an error.
func run(check func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	return check()
}
