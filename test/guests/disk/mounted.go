package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"example.com/guests/verdict"
)

// mounted are the properties of a file system in dir whose disk goes.
func mounted(dir string) []verdict.Property {
	return []verdict.Property{
		{Name: "users", Check: func() error { return inTime(func() error { return users(dir) }) }},
		{Name: "afterwards", Check: func() error { return inTime(func() error { return afterwards(dir) }) }},
		{Name: "detached", Check: detachedDisk},
		{Name: "elsewhere", Check: func() error { return os.WriteFile("/tmp/elsewhere", []byte("x"), 0o600) }},
	}
}

// detachedDisk waits until somebody says, on standard input, that the disk is detached: the domain is there until then.
func detachedDisk() error {
	_, err := os.Stdin.Read(make([]byte, 1))
	return err
}

// inTime fails if f takes too long.
func inTime(f func() error) error {
	done := make(chan error, 1)
	go func() { done <- f() }()
	select {
	case err := <-done:
		return err
	case <-time.After(patience):
		return errors.New("it takes too long")
	}
}

// lost reports whether an error is one of a disk that failed: EIO, or EROFS since nothing is written to it any more.
func lost(err error) bool { return errors.Is(err, syscall.EIO) || errors.Is(err, syscall.EROFS) }

// users has several use the file system until each gets an error.
func users(dir string) error {
	work := []func(name string, n int) error{
		func(name string, n int) error { return os.WriteFile(name, make([]byte, 50_000+n%1000), 0o600) },
		func(name string, n int) error { return synced(name) },
		func(name string, n int) error {
			return errors.Join(os.MkdirAll(filepath.Join(name, "a", "b"), 0o700), os.RemoveAll(name))
		},
		func(name string, n int) error {
			return errors.Join(os.WriteFile(name, nil, 0o600), os.Rename(name, name+"-renamed"), os.Truncate(name+"-renamed", int64(n)))
		},
	}
	var busy, ended sync.WaitGroup
	errs := make([]error, len(work))
	busy.Add(len(work))
	for i, f := range work {
		ended.Go(func() {
			for n := 0; errs[i] == nil; n++ {
				errs[i] = f(filepath.Join(dir, fmt.Sprint("user", i)), n)
				if n == 3 {
					busy.Done()
				}
			}
			fmt.Println("disk: user", i, "has", errs[i])
		})
	}
	busy.Wait()
	fmt.Println("disk: in use")
	ended.Wait()
	for i, err := range errs {
		if !lost(err) {
			return fmt.Errorf("user %d: %v", i, err)
		}
	}
	return nil
}

// synced writes a file and makes it durable.
func synced(name string) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	_, err = f.Write(make([]byte, 10_000))
	return errors.Join(err, f.Sync(), f.Close())
}

// afterwards tries what is still there: what is in memory can be read, and all else fails.
func afterwards(dir string) error {
	if _, err := os.ReadDir(dir); err != nil && !lost(err) {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "new"), nil, 0o600); !lost(err) {
		return fmt.Errorf("a new file: %v", err)
	}
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := f.Sync(); !errors.Is(err, syscall.EIO) {
		return fmt.Errorf("fsync: %v", err)
	}
	return nil
}
