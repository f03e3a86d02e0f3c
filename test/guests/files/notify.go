package main

import (
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/fsnotify/fsnotify"
)

// notify hears of changes in a directory by way of fsnotify.
func notify(dir string) error {
	w, err := fsnotify.NewWatcher()
	if err != nil {
		return err
	}
	defer w.Close()
	if err := w.Add(dir); err != nil {
		return err
	}
	file, moved := filepath.Join(dir, "file"), filepath.Join(dir, "moved")
	for _, step := range []struct {
		do   func() error
		name string
		want fsnotify.Op
	}{
		{func() error { return os.WriteFile(file, []byte("text"), 0o644) }, file, fsnotify.Create},
		{nil, file, fsnotify.Write},
		{func() error { return os.Chmod(file, 0o600) }, file, fsnotify.Chmod},
		{func() error { return os.Rename(file, moved) }, file, fsnotify.Rename},
		{nil, moved, fsnotify.Create},
		{func() error { return os.Remove(moved) }, moved, fsnotify.Remove},
	} {
		if step.do != nil {
			if err := step.do(); err != nil {
				return err
			}
		}
		if err := expect(w, step.name, step.want); err != nil {
			return err
		}
	}
	return nil
}

// expect waits for an event.
func expect(w *fsnotify.Watcher, name string, op fsnotify.Op) error {
	timeout := time.After(time.Minute)
	for {
		select {
		case e := <-w.Events:
			if e.Name == name && e.Op.Has(op) {
				return nil
			}
		case err := <-w.Errors:
			return err
		case <-timeout:
			return fmt.Errorf("nothing says %v of %s", op, name)
		}
	}
}
