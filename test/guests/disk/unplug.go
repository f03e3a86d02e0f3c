package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"syscall"
	"time"

	"example.com/guests/verdict"
)

// patience is how long something outside may take.
const patience = 3 * time.Minute

// unplug are the properties of a disk that goes and comes.
func unplug(name string) []verdict.Property {
	d := disk{name: name}
	return []verdict.Property{
		{Name: "detached", Check: d.detached},
		{Name: "gone", Check: func() error { return await(func() bool { return !exists(name) }) }},
		{Name: "back", Check: d.back},
	}
}

func exists(name string) bool {
	_, err := os.Stat(name)
	return err == nil
}

func await(condition func() bool) error {
	for start := time.Now(); !condition(); time.Sleep(10 * time.Millisecond) {
		if time.Since(start) > patience {
			return errors.New("it takes too long")
		}
	}
	return nil
}

// detached has several use the disk until each gets an error, which is EIO, also
// for what comes after it.
func (d disk) detached() error {
	f, err := d.open(0)
	if err != nil {
		return err
	}
	defer f.Close()
	const users = 8
	var busy, ended sync.WaitGroup
	errs := make([]error, users)
	busy.Add(users)
	for i := range users {
		ended.Go(func() {
			p := make([]byte, 64<<10)
			for n := 0; errs[i] == nil; n++ {
				if i%2 == 0 {
					_, errs[i] = f.ReadAt(p, int64(i)*int64(len(p)))
				} else {
					_, errs[i] = f.WriteAt(p, int64(i)*int64(len(p)))
				}
				if n == 3 {
					busy.Done()
				}
			}
		})
	}
	busy.Wait()
	fmt.Println("disk: in use")
	ended.Wait()
	for _, err := range errs {
		if !errors.Is(err, syscall.EIO) {
			return err
		}
	}
	if _, err := f.ReadAt(make([]byte, 512), 0); !errors.Is(err, syscall.EIO) {
		return fmt.Errorf("a read after that: %v", err)
	}
	if err := f.Sync(); !errors.Is(err, syscall.EIO) {
		return fmt.Errorf("fsync after that: %v", err)
	}
	return nil
}

// back waits for the disk and looks at it.
func (d disk) back() error {
	fmt.Println("disk: waiting")
	if err := await(func() bool { return exists(d.name) }); err != nil {
		return err
	}
	return check(d.name, 1, chunk)
}

// resize are the properties of a disk that becomes size bytes long.
func resize(name string, size int64) []verdict.Property {
	return []verdict.Property{{Name: "resized", Check: disk{name, size}.resized}}
}

// resized keeps the disk busy, which is when Linux's backend looks at its size,
// until it has the new one, and uses all of it.
func (d disk) resized() error {
	f, err := d.open(0)
	if err != nil {
		return err
	}
	defer f.Close()
	old, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	fmt.Println("disk: it has", old)
	var readErr error
	if err := await(func() bool {
		var end int64
		if _, readErr = f.ReadAt(make([]byte, 512), 0); readErr == nil {
			end, readErr = f.Seek(0, io.SeekEnd)
		}
		return readErr != nil || end == d.size
	}); err != nil || readErr != nil {
		return errors.Join(err, readErr)
	}
	return errors.Join(fill(d.name, 2, d.size), check(d.name, 2, d.size), d.sizes())
}
