package spawn

import (
	"bytes"
	"errors"
	"fmt"

	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/u-root/u-root/pkg/cpio"

	"internal/xengo/runtime/newc"
	"internal/xengo/runtime/spawn/spawnwire"
)

// tree is the folder that is the same here and in the guest whenever a program is started or has ended.
type tree struct {
	root string

	mu       *sync.Mutex // the server's: other guests have the folder, too
	known    Copy        // what the guest has
	incoming []byte      // of an archive
}

// A Copy is what a guest has of the folder, by absolute path.
type Copy map[string]stamp

// stamp tells whether a file has changed.
type stamp struct {
	mode fs.FileMode
	size int64
	time time.Time
}

func newTree(s *Server, known Copy) *tree {
	if known == nil {
		known = make(Copy)
	}
	return &tree{root: s.Folder, mu: &s.files, known: known}
}

// Copy calls give, which copies the folder for a guest that is to be started, and returns what the guest then has. No other guest
// changes the folder meanwhile.
func (s *Server) Copy(give func() error) (Copy, error) {
	s.files.Lock()
	defer s.files.Unlock()
	// First, so that what a program changes meanwhile is known to have changed.
	t := newTree(s, nil)
	err := t.walk(func(path string, now stamp) error {
		t.known[path] = now
		return nil
	})
	if err != nil {
		return nil, err
	}
	return t.known, give()
}

// stampOf leaves out what changes of a folder with what is in it.
func stampOf(i fs.FileInfo) stamp {
	if i.IsDir() {
		return stamp{mode: i.Mode()}
	}
	return stamp{i.Mode(), i.Size(), i.ModTime()}
}

// below returns a path relative to the folder.
func (t *tree) below(path string) (string, error) {
	name, err := filepath.Rel(t.root, path)
	if err != nil || t.root == "" || !filepath.IsLocal(name) || name == "." {
		return "", fmt.Errorf("%w: %s is not in the folder %q", errNonsense, path, t.root)
	}
	return name, nil
}

// receive takes a piece of an archive of what has changed in the guest, and makes the files when it is complete.
func (t *tree) receive(p []byte) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(p) > 0 {
		t.incoming = append(t.incoming, p...)
		return nil
	}
	root, err := os.OpenRoot(t.root)
	if err != nil {
		return err
	}
	defer root.Close()
	r := newc.New(t.incoming)
	t.incoming = nil
	for {
		f, ok, bad := r.Next()
		switch {
		case bad != "":
			return fmt.Errorf("%w: %s", errNonsense, bad)
		case !ok:
			return nil
		}
		path := "/" + string(f.Name)
		name, err := t.below(path)
		if err == nil {
			err = write(root, name, &f)
		}
		if err != nil {
			return err
		}
		if info, err := root.Lstat(name); err == nil {
			t.known[path] = stampOf(info)
		}
	}
}

// write makes a file.
func write(root *os.Root, name string, f *newc.File) error {
	perm := fs.FileMode(f.Mode & 0o777)
	switch f.Mode & cpio.S_IFMT {
	case cpio.S_IFDIR:
		if info, err := root.Lstat(name); err == nil && !info.IsDir() {
			if err := root.Remove(name); err != nil {
				return err
			}
		}
		if err := root.MkdirAll(name, 0o700); err != nil {
			return err
		}
		return root.Chmod(name, perm|0o700) // or the files in it could not be made
	case cpio.S_IFLNK:
		if err := root.RemoveAll(name); err != nil {
			return err
		}
		return root.Symlink(string(f.Data), name)
	}
	// Anew, for what is there may be a program that runs.
	if err := root.RemoveAll(name); err != nil {
		return err
	}
	if err := root.WriteFile(name, f.Data, 0o600); err != nil {
		return err
	}
	if err := root.Chmod(name, perm); err != nil {
		return err
	}
	mtime := time.Unix(int64(f.Mtime), 0)
	return root.Chtimes(name, mtime, mtime)
}

// remove removes what was removed in the guest.
func (t *tree) remove(path string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	name, err := t.below(path)
	if err != nil {
		return err
	}
	delete(t.known, path)
	root, err := os.OpenRoot(t.root)
	if err != nil {
		return err
	}
	defer root.Close()
	err = root.Remove(name)
	// Another program may have removed it, too, or filled it, and then it stays.
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrExist) {
		return nil
	}
	return err
}

// send sends the guest what has changed here.
func (t *tree) send(emit func(*spawnwire.Frame)) error {
	if t.root == "" {
		return nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	now, archive, err := t.collect()
	if err != nil {
		return err
	}
	// What is in a folder goes before the folder.
	for _, path := range slices.Backward(slices.Sorted(maps.Keys(t.known))) {
		if _, ok := now[path]; !ok {
			emit(&spawnwire.Frame{Kind: spawnwire.Gone, Payload: []byte(path)})
		}
	}
	t.known = now
	for rest := archive; len(rest) > 0; {
		n := min(len(rest), spawnwire.MaxPiece)
		emit(&spawnwire.Frame{Kind: spawnwire.Files, Payload: rest[:n]})
		rest = rest[n:]
	}
	if len(archive) > 0 {
		emit(&spawnwire.Frame{Kind: spawnwire.Files})
	}
	return nil
}

// walk calls visit with what is shared of the folder: folders, regular files and symbolic links. What is gone by now is left out.
func (t *tree) walk(visit func(path string, now stamp) error) error {
	return filepath.WalkDir(t.root, func(path string, d fs.DirEntry, err error) error {
		if err == nil && path == t.root {
			return nil
		}
		var info fs.FileInfo
		if err == nil {
			info, err = d.Info()
		}
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil // of another program that still runs
		case err != nil:
			return err
		case info.Mode().Type()&^(fs.ModeDir|fs.ModeSymlink) != 0:
			return nil
		}
		return visit(path, stampOf(info))
	})
}

// collect returns the stamps of what is in the folder, and an archive of what the guest does not have.
func (t *tree) collect() (now Copy, archive []byte, err error) {
	now = make(Copy)
	var b bytes.Buffer
	w, recorder := cpio.Newc.Writer(&b), cpio.NewRecorder()
	err = t.walk(func(path string, s stamp) error {
		now[path] = s
		if t.known[path] == s {
			return nil
		}
		record, err := recorder.GetRecord(path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		record.Name = strings.TrimPrefix(path, "/")
		record.NLink = 1 // links are files of their own in the guest
		return w.WriteRecord(record)
	})
	if err != nil || b.Len() == 0 {
		return now, nil, err
	}
	err = cpio.WriteTrailer(w)
	return now, b.Bytes(), err
}
