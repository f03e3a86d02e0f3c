// Share shows that a directory that is shared with another machine can be read
// and written: both sides look at what the other has made. Its arguments are the
// directory and the names of properties; "load" in their place uses the directory
// until that fails, and says how.
package main

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"

	"example.com/guests/verdict"
)

var dir string

func main() {
	dir = os.Args[1]
	if len(os.Args) > 2 && os.Args[2] == "load" {
		load()
	}
	verdict.Exit([]verdict.Property{
		{Name: "foreign", Check: foreign},
		{Name: "listing", Check: listing},
		{Name: "large", Check: large},
		{Name: "many", Check: many},
		{Name: "exclusive", Check: exclusive},
		{Name: "parallel", Check: parallel},
		{Name: "open-unlinked", Check: openUnlinked},
		{Name: "two-descriptors", Check: twoDescriptors},
		{Name: "attributes", Check: attributes},
		{Name: "locks", Check: locks},
	}, os.Args[2:]...)
}

func in(elem ...string) string { return filepath.Join(append([]string{dir}, elem...)...) }

// say tells the other side of a file's contents.
func say(name string, data []byte) { fmt.Printf("sum %s %x\n", name, sha256.Sum256(data)) }

// foreign reads what the other side has made.
func foreign() error {
	b, err := os.ReadFile(in("foreign"))
	if err != nil {
		return err
	}
	say("foreign", b)
	return nil
}

// pattern is n bytes that differ from place to place.
func pattern(seed, n int) []byte {
	b := make([]byte, n)
	x := uint32(seed)*2654435761 + 1
	for i := range b {
		x = x*1664525 + 1013904223
		b[i] = byte(x >> 24)
	}
	return b
}
