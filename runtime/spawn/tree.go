package spawn

import (
	"slices"
	"sync"

	"internal/xengo/runtime/fdtable"
	"internal/xengo/runtime/files"
	"internal/xengo/runtime/newc"
	"internal/xengo/runtime/spawn/spawnwire"
	"internal/xengo/runtime/vfs"
)

// A tree is a folder whose files are the same here and on the host whenever a program is started or has ended, as far as
// one can tell by sizes, times and the like.
type tree struct {
	root string       // absolute; "" if there is none
	say  func(string) // to somebody who may want to know

	mu       sync.Mutex
	known    map[string]stamp // what the host has
	incoming []byte           // of an archive
}

// A stamp tells whether a file has changed.
type stamp struct {
	ino          uint64
	mode         uint32
	size         int64
	mtime, ctime fdtable.Timespec
}

func newTree(root string, say func(string)) *tree {
	return &tree{root: root, say: say, known: make(map[string]stamp)}
}

// send calls emit with what the host has to hear before a program starts there. Nothing changes meanwhile.
func (t *tree) send(emit func([]*spawnwire.Frame)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.root == "" {
		emit(nil)
		return
	}
	now := make(map[string]stamp)
	var archive []byte
	t.walk(t.root, func(path string, n vfs.Inode, s stamp, st *fdtable.Stat) {
		now[path] = s
		if t.known[path] != s && path != t.root {
			archive = newc.Append(archive, path[1:], st.Mode, uint32(st.Mtime.Sec), contents(n, st.Size))
		}
	})
	var gone []string
	for path := range t.known {
		if _, ok := now[path]; !ok {
			gone = append(gone, path)
		}
	}
	slices.Sort(gone)
	var frames []*spawnwire.Frame
	for _, path := range slices.Backward(gone) { // what is in a folder before the folder
		frames = append(frames, &spawnwire.Frame{Kind: spawnwire.Gone, Payload: []byte(path)})
	}
	t.known = now
	if len(archive) > 0 {
		archive = newc.AppendTrailer(archive)
		for len(archive) > 0 {
			n := min(len(archive), spawnwire.MaxPiece)
			frames = append(frames, &spawnwire.Frame{Kind: spawnwire.Files, Payload: archive[:n]})
			archive = archive[n:]
		}
		frames = append(frames, &spawnwire.Frame{Kind: spawnwire.Files})
	}
	emit(frames)
}

// adopt notes that the host has what is there now, as it gave it.
func (t *tree) adopt() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.walk(t.root, func(path string, _ vfs.Inode, s stamp, _ *fdtable.Stat) { t.known[path] = s })
}

// walk calls visit with what is shared of path and of all that is below it: folders, regular files and symbolic links.
func (t *tree) walk(path string, visit func(path string, n vfs.Inode, s stamp, st *fdtable.Stat)) {
	loc, err := vfs.Walk(vfs.Root(), path, 0)
	if err != 0 {
		return // it was there a moment ago
	}
	s, st, ok := stampOf(loc.Inode)
	if !ok {
		return
	}
	switch n := loc.Inode.(type) {
	case vfs.Directory:
		visit(path, n, s, &st)
		for _, name := range names(n) {
			t.walk(path+"/"+name, visit)
		}
	case vfs.Regular, vfs.Symlink:
		visit(path, n, s, &st)
	}
}

func stampOf(n vfs.Inode) (s stamp, st fdtable.Stat, ok bool) {
	if n.Stat(&st) != 0 {
		return s, st, false
	}
	s = stamp{st.Ino, st.Mode, st.Size, st.Mtime, st.Ctime}
	if st.Mode&vfs.S_IFMT == vfs.S_IFDIR { // which changes with what is in it
		s = stamp{ino: st.Ino, mode: st.Mode}
	}
	return s, st, true
}

func names(d vfs.Directory) (list []string) {
	d.Entries(0, func(e *vfs.Entry) bool { // one that cannot be listed is empty for others
		if e.Name != "." && e.Name != ".." {
			list = append(list, e.Name)
		}
		return true
	})
	return list
}

// contents returns as much of a file as can be read, a link's target, and nothing of a folder.
func contents(n vfs.Inode, size int64) []byte {
	switch n := n.(type) {
	case vfs.Regular:
		data := make([]byte, size)
		done := 0
		for done < len(data) {
			n, err := n.ReadAt(data[done:], int64(done))
			if err != 0 || n == 0 {
				break
			}
			done += n
		}
		return data[:done]
	case vfs.Symlink:
		if target, err := n.Readlink(); err == 0 {
			return []byte(target)
		}
	}
	return nil
}

// receive takes a piece of an archive of what has changed on the host, and makes the files when it is complete. It returns
// false for what is no archive of files of the folder.
func (t *tree) receive(p []byte) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(p) > 0 {
		t.incoming = append(t.incoming, p...)
		return t.root != ""
	}
	archive := t.incoming
	t.incoming = nil
	if problem := files.Unpack(archive); problem != "" {
		t.say("xengo: files of another program: " + problem)
		return true // the program misses them, and the console says why
	}
	r := newc.New(archive)
	for f, ok, _ := r.Next(); ok; f, ok, _ = r.Next() {
		path := "/" + string(f.Name)
		if loc, err := vfs.Walk(vfs.Root(), path, 0); err == 0 {
			if s, _, ok := stampOf(loc.Inode); ok {
				t.known[path] = s
			}
		}
	}
	return true
}

// remove removes what another program has removed.
func (t *tree) remove(path string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.known, path)
	// What is not empty was filled here meanwhile, and stays; what is not there needs no removing.
	if vfs.Unlink(vfs.Root(), path) != 0 {
		vfs.Rmdir(vfs.Root(), path)
	}
}
