package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"slices"

	"golang.org/x/sys/unix"
)

// attributes gives a file extended attributes, a short one and one that an inode of ext4 has no room for. The file stays, for
// who checks the file system afterwards.
func attributes() error {
	f, err := os.CreateTemp("", "attributes")
	if err != nil {
		return err
	}
	defer f.Close()
	name := f.Name()
	long := bytes.Repeat([]byte("long"), 100)
	if err := errors.Join(
		unix.Setxattr(name, "user.short", []byte("1"), unix.XATTR_CREATE),
		unix.Setxattr(name, "user.gone", []byte("2"), 0),
		unix.Fsetxattr(int(f.Fd()), "user.long", []byte("3"), 0),
		unix.Setxattr(name, "user.long", long, unix.XATTR_REPLACE),
		unix.Removexattr(name, "user.gone"),
	); err != nil {
		return err
	}
	if err := unix.Setxattr(name, "user.short", []byte("4"), unix.XATTR_CREATE); err != unix.EEXIST {
		return fmt.Errorf("one that exists: %v", err)
	}
	list := make([]byte, 100)
	n, err := unix.Listxattr(name, list)
	if err != nil {
		return err
	}
	names := bytes.Split(bytes.TrimSuffix(list[:n], []byte{0}), []byte{0})
	slices.SortFunc(names, bytes.Compare)
	if got := bytes.Join(names, []byte(" ")); string(got) != "user.long user.short" {
		return fmt.Errorf("the names are %q", got)
	}
	for _, want := range []struct {
		name  string
		value []byte
		err   error
	}{{"user.short", []byte("1"), nil}, {"user.long", long, nil}, {"user.gone", nil, unix.ENODATA}} {
		value := make([]byte, len(long)+1)
		n, err := unix.Getxattr(name, want.name, value)
		if err != want.err || err == nil && !bytes.Equal(value[:n], want.value) {
			return fmt.Errorf("%s is %q, %v", want.name, value[:max(n, 0)], err)
		}
	}
	return nil
}
