// Promise writes files until it is killed, and says what fsync has promised of
// them. It begins with looking for what it was promised before.
package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: promise DIR N, the number of what was promised before")
		os.Exit(2)
	}
	dir := os.Args[1]
	n, err := strconv.Atoi(os.Args[2])
	if err != nil {
		fail(err)
	}
	for i := max(1, n-kept+2); i <= n; i++ { // the one before may have been removed already
		if err := check(dir, i); err != nil {
			fail(err)
		}
	}
	if err := checkCurrent(dir, n); err != nil {
		fail(err)
	}
	fmt.Printf("promise: all %d are there\n", n)
	for {
		n++
		if err := promise(dir, n); err != nil {
			fail(err)
		}
		fmt.Printf("promised %d.\n", n)
	}
}

func fail(err error) {
	fmt.Println("verdict: FAIL", err)
	os.Exit(1)
}

// kept is how many files there are at a time.
const kept = 40

func name(dir string, n int) string { return filepath.Join(dir, fmt.Sprint("file-", n)) }

// contents are those of file n, of up to 50 kB.
func contents(n int) []byte {
	return bytes.Repeat([]byte(fmt.Sprintf("%08d;", n)), 1+n*7919%6000)
}

// promise makes file n and removes one, and has the file "current" say n.
func promise(dir string, n int) error {
	if err := write(name(dir, n), contents(n)); err != nil {
		return err
	}
	next := filepath.Join(dir, "next")
	if err := write(next, []byte(strconv.Itoa(n))); err != nil {
		return err
	}
	if err := os.Rename(next, filepath.Join(dir, "current")); err != nil {
		return err
	}
	if n > kept {
		if err := os.Remove(name(dir, n-kept)); err != nil && !os.IsNotExist(err) {
			return err
		}
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

func write(name string, data []byte) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	if _, err := f.Write(data); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	return f.Close()
}

func check(dir string, n int) error {
	data, err := os.ReadFile(name(dir, n))
	if err == nil && !bytes.Equal(data, contents(n)) {
		err = fmt.Errorf("%s: %d bytes, not the %d that were written", name(dir, n), len(data), len(contents(n)))
	}
	return err
}

// checkCurrent looks at the file that is replaced again and again: it is one of
// the versions since the last promise.
func checkCurrent(dir string, n int) error {
	text, err := os.ReadFile(filepath.Join(dir, "current"))
	if n == 0 && os.IsNotExist(err) {
		return nil
	}
	if err != nil {
		return err
	}
	if got, err := strconv.Atoi(string(text)); err != nil || got != n && got != n+1 {
		return fmt.Errorf("current is %q, not %d or the next", text, n)
	}
	return nil
}
