package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"os"
)

// chunk is how much of a pattern is read or written at once, in bytes.
const chunk = 1 << 20

// pattern fills p with what a seed means at that offset, a multiple of 8: no
// two places of a disk are alike.
func pattern(p []byte, seed uint64, offset int64) {
	for i := 0; i+8 <= len(p); i += 8 {
		x := seed<<40 + uint64(offset) + uint64(i)
		x ^= x >> 31
		x *= 0x9E3779B97F4A7C15
		binary.LittleEndian.PutUint64(p[i:], x^x>>29)
	}
}

// fill writes a pattern to the first size bytes of a file.
func fill(name string, seed uint64, size int64) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE, 0o644)
	if err != nil {
		return err
	}
	defer f.Close()
	buf := make([]byte, chunk)
	for off := int64(0); off < size; off += chunk {
		p := buf[:min(chunk, size-off)]
		pattern(p, seed, off)
		if _, err := f.WriteAt(p, off); err != nil {
			return err
		}
	}
	return f.Sync()
}

// check compares the first size bytes of a file with a pattern.
func check(name string, seed uint64, size int64) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	got, want := make([]byte, chunk), make([]byte, chunk)
	for off := int64(0); off < size; off += chunk {
		n := min(chunk, size-off)
		if _, err := io.ReadFull(f, got[:n]); err != nil {
			return err
		}
		pattern(want[:n], seed, off)
		if !bytes.Equal(got[:n], want[:n]) {
			return fmt.Errorf("%s: not pattern %d between %d and %d", name, seed, off, off+n)
		}
	}
	return nil
}

// journal writes a pattern in sectors and says after each how much of it will
// survive whatever happens.
func journal(name string, size int64) error {
	f, err := os.OpenFile(name, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	sector := make([]byte, 512)
	for off := int64(0); off < size; off += int64(len(sector)) {
		pattern(sector, 5, off)
		if _, err := f.WriteAt(sector, off); err != nil {
			return err
		}
		if err := f.Sync(); err != nil {
			return err
		}
		fmt.Println("disk: safe", off+int64(len(sector)))
	}
	return nil
}
