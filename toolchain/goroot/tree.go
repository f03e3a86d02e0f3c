package goroot

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// done is the file in a tree that says it is complete.
const done = ".xengo-done"

func isDone(tree string) bool {
	_, err := os.Stat(filepath.Join(tree, done))
	return err == nil
}

// touch marks a tree as used, for prune. That it cannot be marked only makes
// it go earlier.
func touch(tree string) {
	now := time.Now()
	_ = os.Chtimes(filepath.Join(tree, done), now, now)
}

// stage runs fill on an empty directory beside tree and renames it to tree
// when fill succeeded, so that a tree is either complete or not there.
func stage(tree string, fill func(dir string) error) error {
	dir, err := os.MkdirTemp(filepath.Dir(tree), "tmp-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := os.Chmod(dir, 0o755); err != nil {
		return err
	}
	if err := fill(dir); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, done), nil, 0o644); err != nil {
		return err
	}
	if err := os.RemoveAll(tree); err != nil { // an incomplete one
		return err
	}
	return os.Rename(dir, tree)
}

// walk calls file for every regular file under from, with its name relative
// to from, after making its directory under to. skip names directories
// relative to from.
func walk(from, to string, skip []string, file func(rel string, info fs.FileInfo) error) error {
	return filepath.WalkDir(from, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, name)
		if err != nil {
			return err
		}
		switch {
		case d.IsDir() && slices.Contains(skip, filepath.ToSlash(rel)):
			return fs.SkipDir
		case d.IsDir():
			return os.MkdirAll(filepath.Join(to, rel), 0o755)
		case rel == done || !d.Type().IsRegular():
			return nil
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		return file(rel, info)
	})
}

// copyTree copies from to to, owner-writable, leaving out the directories skip.
func copyTree(from, to string, skip ...string) error {
	return walk(from, to, skip, func(rel string, info fs.FileInfo) error {
		return copyFile(filepath.Join(from, rel), filepath.Join(to, rel), info)
	})
}

// linkTree lays from over to by hard links: files in the result may be
// replaced, never written into.
func linkTree(from, to string) error {
	return walk(from, to, nil, func(rel string, info fs.FileInfo) error {
		src, dst := filepath.Join(from, rel), filepath.Join(to, rel)
		err := os.Link(src, dst)
		if errors.Is(err, fs.ErrExist) {
			if err := os.Remove(dst); err != nil {
				return err
			}
			err = os.Link(src, dst)
		}
		if err == nil {
			return nil
		}
		return copyFile(src, dst, info)
	})
}

func copyFile(from, to string, info fs.FileInfo) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, info.Mode().Perm()|0o200)
	if err != nil {
		return err
	}
	if _, err := io.Copy(out, in); err != nil {
		out.Close()
		return err
	}
	if err := out.Close(); err != nil {
		return err
	}
	return os.Chtimes(to, info.ModTime(), info.ModTime())
}

// replace gives name new content without touching what it was linked to.
func replace(name string, data []byte) error {
	mode := fs.FileMode(0o644)
	if info, err := os.Stat(name); err == nil {
		mode = info.Mode().Perm()
	}
	if err := os.Remove(name); err != nil && !os.IsNotExist(err) {
		return err
	}
	return os.WriteFile(name, data, mode)
}

// prune removes the trees named prefix* in cache that were not used lately,
// and what interrupted builds left. Nothing that a process uses goes, nor what is
// younger than an hour, which others may use or build. What cannot be removed now is tried again next time.
func prune(cache, prefix, current string) {
	type tree struct {
		name string
		used time.Time
	}
	var trees []tree
	entries, _ := os.ReadDir(cache)
	for _, e := range entries {
		name := filepath.Join(cache, e.Name())
		if ok, _ := filepath.Match("tmp-*", e.Name()); ok && isOld(e) {
			_ = os.RemoveAll(name)
		}
		if ok, _ := filepath.Match(prefix+"*", e.Name()); !ok || name == current {
			continue
		}
		var used time.Time
		if info, err := os.Stat(filepath.Join(name, done)); err == nil {
			used = info.ModTime()
		}
		trees = append(trees, tree{name, used})
	}
	slices.SortFunc(trees, func(a, b tree) int { return b.used.Compare(a.used) })
	for i, t := range trees {
		if i >= keep-1 && time.Since(t.used) > time.Hour && unused(t.name) {
			_ = os.RemoveAll(t.name)
		}
	}
}

func isOld(e fs.DirEntry) bool {
	info, err := e.Info()
	return err == nil && time.Since(info.ModTime()) > time.Hour
}
