//go:build linux

package main

import (
	"fmt"
	"log"
	"os"
	"path/filepath"
	"syscall"

	"internal/xengo/toolchain/bed/mux"
	"internal/xengo/toolchain/bed/proto"
)

// keep is how much the agent keeps of the files that it was sent, in bytes: guests
// that tests start one after the other have most of their files in common, and the
// port takes ten megabytes a second.
const keep = 128 << 20

var kept = proto.NewStore(reserve(keep))

// reserve returns memory that is there once it is written to.
func reserve(size int) []byte {
	b, err := syscall.Mmap(-1, 0, size, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_PRIVATE|syscall.MAP_ANONYMOUS)
	if err != nil {
		log.Printf("no memory to keep files in: %v", err) // the bed is slower without
	}
	return b
}

// put writes the stream to a new file that takes the place of Path at the end.
func put(st *mux.Stream, req *proto.Request) error {
	if err := os.MkdirAll(filepath.Dir(req.Path), 0o755); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(req.Path), ".put*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	defer f.Close()
	if err := proto.WriteJSON(st, proto.Reply{}); err != nil {
		return err
	}
	if _, err := proto.ReceiveFile(st, f, kept); err != nil {
		return fmt.Errorf("write %s: %w", req.Path, err)
	}
	if err := f.Chmod(os.FileMode(req.Mode)); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), req.Path); err != nil {
		return err
	}
	return proto.WriteJSON(st, proto.Reply{})
}

// get sends a file.
func get(st *mux.Stream, req *proto.Request) error {
	f, err := os.Open(req.Path)
	if err != nil {
		return err
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || info.IsDir() {
		return fmt.Errorf("%s is no file", req.Path)
	}
	if err := proto.WriteJSON(st, proto.Reply{}); err != nil {
		return err
	}
	if proto.WriteFile(st, f) != nil {
		st.Close() // who reads it misses the end
	}
	return nil
}
