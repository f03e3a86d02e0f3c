package main

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"
)

func truncate(dir string) error {
	name := filepath.Join(dir, "a")
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := f.WriteAt([]byte("x"), 9000); err != nil {
		return err
	}
	if err := errors.Join(f.Truncate(2), f.Truncate(5), f.Sync()); err != nil {
		return err
	}
	if _, err := f.WriteAt([]byte("ab"), 0); err != nil {
		return err
	}
	end, err := f.Seek(0, io.SeekEnd)
	return errors.Join(err, same("end", end, 5), holds(name, "ab\x00\x00\x00"))
}

func appendTo(dir string) error {
	name := filepath.Join(dir, "a")
	for _, s := range []string{"one ", "two"} {
		f, err := os.OpenFile(name, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
		if err != nil {
			return err
		}
		if _, err := f.WriteString(s); err != nil {
			return err
		}
		if err := f.Close(); err != nil {
			return err
		}
	}
	return holds(name, "one two")
}

func metadata(dir string) error {
	name := filepath.Join(dir, "a")
	then := time.Date(2020, 2, 3, 4, 5, 6, 7000, time.UTC)
	if err := errors.Join(os.WriteFile(name, []byte("abc"), 0o600), os.Chmod(name, 0o640), os.Chtimes(name, then, then)); err != nil {
		return err
	}
	info, err := os.Stat(name)
	if err != nil {
		return err
	}
	err = errors.Join(same("size", info.Size(), 3), same("mode", info.Mode(), 0o640), same("time", info.ModTime().UTC(), then))
	if err != nil {
		return err
	}
	if err := os.WriteFile(name, []byte("abcd"), 0o600); err != nil {
		return err
	}
	if info, err = os.Stat(name); err != nil {
		return err
	}
	if age := time.Since(info.ModTime()); age < -time.Second || age > time.Minute {
		return fmt.Errorf("written just now, %v ago", age)
	}
	return nil
}

// large writes a few megabytes in odd pieces and copies them.
func large(dir string) error {
	a, err := os.Create(filepath.Join(dir, "a"))
	if err != nil {
		return err
	}
	defer a.Close()
	piece := bytes.Repeat([]byte("0123456789"), 777)
	want := sha256.New()
	for range 500 {
		want.Write(piece)
		if _, err := a.Write(piece); err != nil {
			return err
		}
	}
	if _, err := a.Seek(0, io.SeekStart); err != nil {
		return err
	}
	b, err := os.Create(filepath.Join(dir, "b"))
	if err != nil {
		return err
	}
	defer b.Close()
	n, err := io.Copy(b, a) // copy_file_range, if there is one
	if err != nil {
		return err
	}
	if _, err := b.Seek(0, io.SeekStart); err != nil {
		return err
	}
	got := sha256.New()
	if _, err := io.Copy(got, b); err != nil {
		return err
	}
	return errors.Join(same("length", n, int64(500*len(piece))), same("hash", string(got.Sum(nil)), string(want.Sum(nil))))
}
