package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// same is nil if got is want.
func same[T comparable](what string, got, want T) error {
	if got != want {
		return fmt.Errorf("%s: got %v, want %v", what, got, want)
	}
	return nil
}

// holds is nil if a file has the contents wanted.
func holds(name, want string) error {
	b, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	return same(filepath.Base(name), string(b), want)
}

// is is nil if err is want.
func is(what string, err, want error) error {
	if !errors.Is(err, want) {
		return fmt.Errorf("%s: got %v, want %v", what, err, want)
	}
	return nil
}

func writeRead(dir string) error {
	name := filepath.Join(dir, "a")
	return errors.Join(
		os.WriteFile(name, []byte("one"), 0o644), holds(name, "one"),
		os.WriteFile(name, []byte("2"), 0o644), holds(name, "2"),
		os.WriteFile(name, nil, 0o644), holds(name, ""),
	)
}

func rename(dir string) error {
	a, b := filepath.Join(dir, "a"), filepath.Join(dir, "b")
	err := errors.Join(
		os.WriteFile(a, []byte("a"), 0o644), os.WriteFile(b, []byte("b"), 0o644),
		os.Rename(a, b), holds(b, "a"),
		os.Mkdir(a, 0o755), os.Rename(b, filepath.Join(a, "c")), holds(filepath.Join(a, "c"), "a"),
		os.Rename(a, filepath.Join(dir, "d")), holds(filepath.Join(dir, "d", "c"), "a"),
	)
	_, gone := os.Stat(a)
	return errors.Join(err, is("old name", gone, fs.ErrNotExist))
}

func readDir(dir string) error {
	var want []string
	for i := range 300 {
		name := fmt.Sprintf("%03d", i)
		want = append(want, name)
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o644); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(filepath.Join(dir, "sub", "sub"), 0o755); err != nil {
		return err
	}
	want = append(want, "sub", "sub/sub")
	var got []string
	err := fs.WalkDir(os.DirFS(dir), ".", func(name string, d fs.DirEntry, err error) error {
		if err == nil && name != "." {
			got = append(got, name)
			err = same(name+" is a directory", d.IsDir(), strings.HasPrefix(name, "sub"))
		}
		return err
	})
	if err == nil && !slices.Equal(got, want) {
		err = fmt.Errorf("got %q", got)
	}
	return err
}

func links(dir string) error {
	a, soft, hard := filepath.Join(dir, "a"), filepath.Join(dir, "soft"), filepath.Join(dir, "hard")
	err := errors.Join(
		os.WriteFile(a, []byte("a"), 0o644),
		os.Symlink("a", soft), holds(soft, "a"),
		os.Link(a, hard), os.WriteFile(hard, []byte("b"), 0o644), holds(soft, "b"),
	)
	if err != nil {
		return err
	}
	to, err := os.Readlink(soft)
	if err != nil {
		return err
	}
	info, err := os.Lstat(soft)
	if err != nil {
		return err
	}
	loop := filepath.Join(dir, "loop")
	if err := os.Symlink("loop", loop); err != nil {
		return err
	}
	_, endless := os.Stat(loop)
	return errors.Join(same("link", to, "a"), same("type", info.Mode().Type(), fs.ModeSymlink), is("loop", endless, syscall.ELOOP))
}

func failures(dir string) error {
	a := filepath.Join(dir, "a")
	if err := os.WriteFile(a, nil, 0o644); err != nil {
		return err
	}
	_, missing := os.Open(filepath.Join(dir, "b"))
	_, exists := os.OpenFile(a, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	_, notDir := os.Open(filepath.Join(a, "b"))
	_, isDir := os.OpenFile(dir, os.O_WRONLY, 0)
	var path *fs.PathError
	return errors.Join(
		is("open", missing, fs.ErrNotExist), is("open", missing, syscall.ENOENT),
		is("create", exists, fs.ErrExist), is("mkdir", os.Mkdir(a, 0o755), syscall.EEXIST),
		is("below a file", notDir, syscall.ENOTDIR), is("write a directory", isDir, syscall.EISDIR),
		is("remove", syscall.Rmdir(filepath.Dir(a)), syscall.ENOTEMPTY),
		same("a path error", errors.As(missing, &path), true),
	)
}

// root opens files below a directory and cannot leave it.
func root(dir string) error {
	r, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer r.Close()
	if err := errors.Join(r.Mkdir("d", 0o755), r.WriteFile("d/a", []byte("a"), 0o644), holds(filepath.Join(dir, "d", "a"), "a"), os.Symlink("/etc", filepath.Join(dir, "out"))); err != nil {
		return err
	}
	for _, name := range []string{"../x", "out/hosts"} {
		if f, err := r.Open(name); err == nil {
			f.Close()
			return fmt.Errorf("opened %s", name)
		}
	}
	return nil
}
