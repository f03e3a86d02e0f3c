// Files shows that the file system is there, with what a program finds in it
// on any Linux, and that pipes and devices work.
package main

import (
	"os"

	"example.com/guests/verdict"
)

func main() {
	verdict.Exit([]verdict.Property{
		{Name: "write-read", Check: inTemp(writeRead)},
		{Name: "rename", Check: inTemp(rename)},
		{Name: "readdir", Check: inTemp(readDir)},
		{Name: "links", Check: inTemp(links)},
		{Name: "truncate", Check: inTemp(truncate)},
		{Name: "append", Check: inTemp(appendTo)},
		{Name: "mapped", Check: inTemp(mapped)},
		{Name: "metadata", Check: inTemp(metadata)},
		{Name: "errors", Check: inTemp(failures)},
		{Name: "root", Check: inTemp(root)},
		{Name: "large", Check: inTemp(large)},
		{Name: "notify", Check: inTemp(notify)},
		{Name: "attributes", Check: attributes},
		{Name: "devices", Check: devices},
		{Name: "etc", Check: etc},
		{Name: "proc", Check: proc},
		{Name: "tzdata", Check: tzdata},
		{Name: "roots", Check: certificates},
		{Name: "pipe", Check: pipe},
		{Name: "pipe-deadline", Check: pipeDeadline},
	}, os.Args[1:]...)
}

// inTemp gives a property a directory of its own.
func inTemp(check func(dir string) error) func() error {
	return func() error {
		dir, err := os.MkdirTemp("", "files")
		if err != nil {
			return err
		}
		if err := check(dir); err != nil {
			return err
		}
		return os.RemoveAll(dir)
	}
}
