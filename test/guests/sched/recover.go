package main

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
)

type node struct {
	pad  [3000]byte // less than a page: found by the page fault
	far  [1 << 20]byte
	next *node
}

//go:noinline
func nothing() *node { return nil }

var sink byte

// recovered recovers, often, from accesses that the processor refuses.
func recovered() error {
	for _, f := range []struct {
		name, want string
		do         func()
	}{
		{"load", "nil pointer", func() { sink = nothing().pad[2900] }},
		{"store", "nil pointer", func() { nothing().pad[1] = 1 }},
		{"far load", "nil pointer", func() { sink = nothing().far[1<<19] }},
		{"far pointer", "nil pointer", func() { nothing().next = nil }},
		{"call", "nil pointer", func() { var f func(); f() }},
		{"divide", "divide by zero", func() { zero := len(nothingAtAll()); sink = byte(7 / zero) }},
		{"index", "out of range", func() { sink = nothingAtAll()[3] }},
	} {
		for range 100 {
			if err := refused(f.do, f.want); err != nil {
				return fmt.Errorf("%s: %w", f.name, err)
			}
		}
	}
	return nil
}

//go:noinline
func nothingAtAll() []byte { return nil }

// refused returns nil if do panics with the runtime error wanted.
func refused(do func(), want string) (err error) {
	defer func() {
		switch p := recover().(type) {
		case nil:
			err = errors.New("did not panic")
		case runtime.Error:
			if !strings.Contains(p.Error(), want) {
				err = p
			}
		default:
			err = fmt.Errorf("not a runtime error: %v", p)
		}
	}()
	do()
	return nil
}
