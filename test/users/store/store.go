// Package store has a database show that it keeps what it was given.
//
//	PROGRAM DIR              the properties, in a new directory below DIR
//	PROGRAM DIR journal      add records to the database in DIR, for ever, and say how many are safe
//	PROGRAM DIR check N      the database in DIR has at least N records, every one as it was written
package store

import (
	"fmt"
	"os"
	"strconv"

	"example.com/guests/verdict"
)

// A Database keeps values of keys. All methods but Close may be called from several goroutines at once.
type Database interface {
	// Put stores records under their numbers, all or none, for good once it returns.
	Put(numbers []int, values [][]byte) error
	// Delete removes records, in the same way.
	Delete(numbers []int) error
	// Get returns nil for a record that there is none of.
	Get(number int) ([]byte, error)
	// Each calls f for all records in the order of their numbers, until it returns an error.
	Each(f func(number int, value []byte) error) error
	// Compact tidies up, and Check has the database look for damage, if it has functions for that.
	Compact() error
	Check() error
	Close() error
}

// Main is what programs consist of: open opens the database in a directory, which it makes if there is none.
func Main(open func(dir string) (Database, error)) {
	if len(os.Args) < 2 {
		fail("where? See package store.")
	}
	dir, mode := os.Args[1], ""
	if len(os.Args) > 2 {
		mode = os.Args[2]
	}
	switch {
	case mode == "":
		verdict.Exit(properties(dir, open))
	case mode == "journal":
		fail(journal(dir, open))
	case mode == "check" && len(os.Args) == 4:
		n, err := strconv.Atoi(os.Args[3])
		if err == nil {
			err = check(dir, open, n)
		}
		fail(err)
	default:
		fail("no such mode")
	}
}

// fail ends the program if there is something to say.
func fail(why any) {
	if why != nil {
		fmt.Fprintln(os.Stderr, "store:", why)
		os.Exit(2)
	}
}

// Key is the number as databases order it.
func Key(number int) []byte { return fmt.Appendf(nil, "%08d", number) }

// Number is the number of a key.
func Number(key []byte) (int, error) { return strconv.Atoi(string(key)) }
