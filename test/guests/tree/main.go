// Tree says on standard output what is below a directory: of each file mode,
// names, size and time of the last change, of a regular one a checksum, of a
// symbolic link where it leads.
package main

import (
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

func main() {
	dir := os.Args[1]
	err := filepath.WalkDir(dir, func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		what, err := contents(file, info)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(dir, file)
		if err == nil {
			_, err = fmt.Println(name, info.Mode(), info.ModTime().Unix(), what)
		}
		return err
	})
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println("that is all")
}

// contents tells of what is in a file.
func contents(file string, info fs.FileInfo) (string, error) {
	switch info.Mode().Type() {
	case 0:
		b, err := os.ReadFile(file)
		return fmt.Sprintf("%d links, %d bytes %x", info.Sys().(*syscall.Stat_t).Nlink, info.Size(), sha256.Sum256(b)), err
	case fs.ModeSymlink:
		return os.Readlink(file)
	}
	return "", nil
}
