package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync"
	"syscall"
	"time"
)

// large writes a file of several MB, reads it in other pieces and changes its
// middle.
func large() error {
	data := pattern(1, 2<<20+3)
	if err := os.WriteFile(in("large"), data, 0o644); err != nil {
		return err
	}
	f, err := os.OpenFile(in("large"), os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	got, err := io.ReadAll(f)
	if err != nil {
		return err
	}
	if !bytes.Equal(got, data) {
		return errors.New("read something else than what was written")
	}
	copy(data[1<<20:], "in the middle")
	if _, err := f.WriteAt([]byte("in the middle"), 1<<20); err != nil {
		return err
	}
	part := make([]byte, 20)
	if _, err := f.ReadAt(part, 1<<20-3); err != nil || !bytes.Equal(part, data[1<<20-3:][:20]) {
		return fmt.Errorf("read %q, %v", part, err)
	}
	if n, err := f.ReadAt(part, int64(len(data)-5)); n != 5 || err != io.EOF {
		return fmt.Errorf("at the end %d bytes, %v", n, err)
	}
	say("large", data)
	return nil
}

// listing finds the many files that the other side has made.
func listing() error {
	entries, err := os.ReadDir(in("listing"))
	if err != nil {
		return err
	}
	if len(entries) != 10_000 {
		return fmt.Errorf("%d entries", len(entries))
	}
	for i, e := range entries {
		if e.IsDir() || i > 0 && e.Name() <= entries[i-1].Name() {
			return fmt.Errorf("entry %d is %s", i, e)
		}
	}
	return nil
}

// files is how many files many makes.
const files = 40

// many makes a directory with files and finds them all.
func many() error {
	if err := os.Mkdir(in("many"), 0o755); err != nil {
		return err
	}
	for i := range files {
		if err := os.WriteFile(in("many", fmt.Sprintf("file-%d", i)), pattern(i, i*10), 0o644); err != nil {
			return err
		}
	}
	entries, err := os.ReadDir(in("many"))
	if err != nil {
		return err
	}
	if len(entries) != files {
		return fmt.Errorf("%d entries", len(entries))
	}
	b, err := os.ReadFile(in("many", "file-33"))
	if err != nil || !bytes.Equal(b, pattern(33, 330)) {
		return fmt.Errorf("file-33 has %d bytes, %v", len(b), err)
	}
	return nil
}

// exclusive makes a file once, and finds none that does not exist.
func exclusive() error {
	for _, want := range []error{nil, fs.ErrExist} {
		f, err := os.OpenFile(in("once"), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
		if !errors.Is(err, want) {
			return fmt.Errorf("O_EXCL: %v", err)
		}
		if err == nil {
			f.Close()
		}
	}
	if _, err := os.ReadFile(in("absent")); !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("a file that is not there: %v", err)
	}
	if _, err := os.Stat(in("large", "below")); !errors.Is(err, syscall.ENOTDIR) {
		return fmt.Errorf("below a file: %v", err)
	}
	return nil
}

// parallel has goroutines write and read files of their own.
func parallel() error {
	var all sync.WaitGroup
	problems := make(chan error, 8)
	for g := range 4 {
		all.Go(func() {
			name := in(fmt.Sprintf("parallel-%d", g))
			for i := range 3 {
				data := pattern(g*100+i, 50_000*(g+1))
				if err := os.WriteFile(name, data, 0o644); err != nil {
					problems <- err
					return
				}
				if b, err := os.ReadFile(name); err != nil || !bytes.Equal(b, data) {
					problems <- fmt.Errorf("%s: %d bytes, %v", name, len(b), err)
					return
				}
			}
		})
	}
	all.Wait()
	close(problems)
	return <-problems
}

// openUnlinked uses a file that has lost its name.
func openUnlinked() error {
	f, err := os.Create(in("unlinked"))
	if err != nil {
		return err
	}
	defer f.Close()
	if err := os.Remove(in("unlinked")); err != nil {
		return err
	}
	if _, err := f.WriteString("still there"); err != nil {
		return err
	}
	b := make([]byte, 11)
	if _, err := f.ReadAt(b, 0); err != nil || string(b) != "still there" {
		return fmt.Errorf("%q, %w", b, err)
	}
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if info.Size() != 11 {
		return fmt.Errorf("%d bytes", info.Size())
	}
	if _, err := os.Stat(in("unlinked")); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// twoDescriptors appends by two descriptors.
func twoDescriptors() error {
	var all [2]*os.File
	for i := range all {
		f, err := os.OpenFile(in("log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
		if err != nil {
			return err
		}
		defer f.Close()
		all[i] = f
	}
	want := ""
	for i := range 10 {
		line := fmt.Sprintf("line %d\n", i)
		if _, err := all[i%2].WriteString(line); err != nil {
			return err
		}
		want += line
	}
	b, err := os.ReadFile(in("log"))
	if err != nil || string(b) != want {
		return fmt.Errorf("%q, %v", b, err)
	}
	say("log", b)
	return all[0].Sync()
}

// attributes sets what there is to set.
func attributes() error {
	name := in("attributes")
	if err := os.WriteFile(name, []byte("x"), 0o600); err != nil {
		return err
	}
	when := time.Unix(1e9, 0)
	for _, err := range []error{os.Chmod(name, 0o751), os.Chtimes(name, when, when), os.Truncate(name, 1000), os.Chtimes(name, when, when), os.Link(name, in("hard")), os.Symlink("attributes", in("soft"))} {
		if err != nil {
			return err
		}
	}
	info, err := os.Stat(in("soft"))
	if err != nil {
		return err
	}
	if info.Mode() != 0o751 || info.Size() != 1000 || !info.ModTime().Equal(when) || info.Sys().(*syscall.Stat_t).Nlink != 2 {
		return fmt.Errorf("mode %v, %d bytes of %v, %d links", info.Mode(), info.Size(), info.ModTime(), info.Sys().(*syscall.Stat_t).Nlink)
	}
	var st syscall.Statfs_t
	if err := syscall.Statfs(dir, &st); err != nil || st.Blocks == 0 {
		return fmt.Errorf("statfs: %d blocks, %v", st.Blocks, err)
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// locks finds a file locked.
func locks() error {
	a, err := os.Create(in("locked"))
	if err != nil {
		return err
	}
	defer a.Close()
	b, err := os.Open(in("locked"))
	if err != nil {
		return err
	}
	defer b.Close()
	if err := syscall.Flock(int(a.Fd()), syscall.LOCK_EX); err != nil {
		return err
	}
	if err := syscall.Flock(int(b.Fd()), syscall.LOCK_SH|syscall.LOCK_NB); err != syscall.EWOULDBLOCK {
		return fmt.Errorf("the lock of another description: %v", err)
	}
	if err := syscall.Flock(int(a.Fd()), syscall.LOCK_UN); err != nil {
		return err
	}
	return syscall.Flock(int(b.Fd()), syscall.LOCK_SH|syscall.LOCK_NB)
}

// load uses the directory, by several goroutines, until each has an error.
func load() {
	fmt.Println("load begins")
	var all sync.WaitGroup
	for g := range 3 {
		all.Go(func() {
			for i := 0; ; i++ {
				err := os.WriteFile(in(fmt.Sprintf("load-%d", g)), pattern(i, 100_000), 0o644)
				if err == nil {
					_, err = os.ReadFile(in(fmt.Sprintf("load-%d", g)))
				}
				if err != nil {
					fmt.Println("error:", err, errors.Is(err, syscall.EIO))
					return
				}
			}
		})
	}
	all.Wait()
	_, err := os.ReadDir(dir)
	fmt.Println("afterwards:", err, errors.Is(err, syscall.EIO))
	if err := os.WriteFile("/tmp/elsewhere", nil, 0o600); err != nil {
		fmt.Println("elsewhere:", err)
		os.Exit(1)
	}
	os.Exit(0)
}
