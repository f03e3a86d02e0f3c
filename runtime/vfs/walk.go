package vfs

import "internal/xengo/runtime/calls"

// A Location is a file and where it was found.
type Location struct {
	Dir   Directory // the directory that Name is in
	Name  string    // the last component of the path
	Inode Inode     // nil if there is no such file
	Last  LastKind
	Slash bool // the path ended in a slash

	// Err says why, with Parent, the file could not be looked up.
	Err calls.Errno
}

// A LastKind says what the last component of a path was.
type LastKind uint8

const (
	LastName   LastKind = iota // the name of a file
	LastDot                    // "."
	LastDotDot                 // ".."
	LastRoot                   // nothing: the path was "/"
)

// A WalkMode says what to do with the last component of a path.
type WalkMode uint8

const (
	// Follow follows a symbolic link at the end.
	Follow WalkMode = 1 << iota
	// Missing permits that there is no such file; its directory must exist. EISDIR if a slash follows it.
	Missing
	// Parent is for making and removing names: neither a symbolic link at the end nor a slash after it is followed.
	Parent
)

// A walker is on its way along a path.
type walker struct {
	dir   Directory
	rest  string
	links int
	mode  WalkMode

	resolve Resolve
	start   Directory // what resolve is about
}

// Walk follows path from the directory at.
func Walk(at Directory, path string, mode WalkMode) (Location, calls.Errno) {
	return walkWith(at, path, mode, 0)
}

func walkWith(at Directory, path string, mode WalkMode, resolve Resolve) (Location, calls.Errno) {
	if path == "" {
		return Location{}, calls.ENOENT
	}
	w := walker{dir: at, rest: path, mode: mode, resolve: resolve, start: at}
	return w.walk()
}

func (w *walker) walk() (Location, calls.Errno) {
	if w.rest[0] == '/' {
		if err := w.root(); err != 0 {
			return Location{}, err
		}
	}
	kind := LastRoot
	for {
		name, slash := w.next()
		if name == "" {
			return Location{Dir: w.dir, Name: "", Inode: w.dir, Last: kind, Slash: slash}, 0
		}
		last := w.rest == ""
		if err := permitted(w.dir, MayExec); err != 0 {
			return Location{}, err
		}
		switch name {
		case ".":
			kind = LastDot
		case "..":
			kind = LastDotDot
			if err := w.up(); err != 0 {
				return Location{}, err
			}
		default:
			loc, done, err := w.step(name, last, slash)
			if done || err != 0 {
				return loc, err
			}
			kind = LastDot // where a link ended in a directory
			continue
		}
		if last {
			return Location{Dir: w.dir, Inode: w.dir, Last: kind, Slash: slash}, 0
		}
	}
}

// next cuts the next component off the rest of the path. slash reports whether slashes followed it.
func (w *walker) next() (name string, slash bool) {
	s := w.rest
	for s != "" && s[0] == '/' {
		s = s[1:]
	}
	end := 0
	for end < len(s) && s[end] != '/' {
		end++
	}
	name, s = s[:end], s[end:]
	for s != "" && s[0] == '/' {
		s, slash = s[1:], true
	}
	w.rest = s
	return name, slash
}

// up goes to the directory above.
func (w *walker) up() calls.Errno {
	if stay, err := w.mayUp(); stay || err != 0 {
		return err
	}
	if up, _ := parent(w.dir); up != nil {
		return w.enter(over(up))
	}
	return 0
}

// root goes to where absolute paths begin.
func (w *walker) root() calls.Errno {
	switch {
	case w.resolve&ResolveBeneath != 0:
		return calls.EXDEV
	case w.resolve&ResolveInRoot != 0:
		w.dir = w.start
		return 0
	}
	return w.enter(Root())
}

// enter goes to another directory.
func (w *walker) enter(dir Directory) calls.Errno {
	if w.foreign(dir) {
		return calls.EXDEV
	}
	w.dir = dir
	return 0
}

// walkParent is Walk with Parent for those who have to look the file up.
func walkParent(at Directory, path string) (Location, calls.Errno) {
	loc, err := Walk(at, path, Parent)
	if err == 0 {
		err = loc.Err
	}
	return loc, err
}

// step looks name up. done says that it was the last component; otherwise the walk goes on.
func (w *walker) step(name string, last, slash bool) (loc Location, done bool, err calls.Errno) {
	if last && slash && w.mode&Missing != 0 {
		return loc, true, calls.EISDIR
	}
	if len(name) > NameMax {
		err = calls.ENAMETOOLONG
		if Removed(w.dir) { // which Linux sees before (6.16 fs/namei.c, __lookup_slow)
			err = calls.ENOENT
		}
		if last && w.mode&Parent != 0 {
			return Location{Dir: w.dir, Name: name, Err: err}, true, 0
		}
		return loc, true, err
	}
	n, err := w.dir.Lookup(name)
	loc = Location{Dir: w.dir, Name: name, Inode: n, Slash: slash}
	if err == calls.ENOENT && last && w.mode&(Missing|Parent) != 0 {
		return loc, true, 0
	}
	if err != 0 {
		return loc, true, err
	}
	if link, ok := n.(Symlink); ok && w.followed(last, slash) {
		return w.follow(loc, link, last, slash)
	}
	dir, isDir := n.(Directory)
	if isDir {
		dir = over(dir)
		loc.Inode = dir
	}
	if !last {
		if !isDir {
			return loc, true, calls.ENOTDIR
		}
		return loc, false, w.enter(dir)
	}
	if isDir && w.foreign(dir) {
		return loc, true, calls.EXDEV
	}
	if slash && !isDir && w.mode&Parent == 0 {
		return loc, true, calls.ENOTDIR
	}
	return loc, true, 0
}

// followed reports whether a symbolic link is to be followed here.
func (w *walker) followed(last, slash bool) bool {
	return !last || w.mode&Parent == 0 && (slash || w.mode&Follow != 0)
}

// follow puts what the link says in front of the rest of the path.
func (w *walker) follow(loc Location, link Symlink, last, slash bool) (Location, bool, calls.Errno) {
	if w.links++; w.links > maxLinks || w.resolve&ResolveNoSymlinks != 0 {
		return loc, true, calls.ELOOP
	}
	if f, ok := link.(Follower); ok {
		return w.jump(f, last, slash)
	}
	target, err := link.Readlink()
	if err != 0 {
		return loc, true, err
	}
	if target == "" {
		return loc, true, calls.ENOENT
	}
	if target[0] == '/' {
		if err := w.root(); err != 0 {
			return loc, true, err
		}
	}
	switch {
	case !last:
		w.rest = target + "/" + w.rest
	case slash:
		w.rest = target + "/"
	default:
		w.rest = target
	}
	return loc, false, 0
}

// jump goes where a link without a path leads.
func (w *walker) jump(f Follower, last, slash bool) (Location, bool, calls.Errno) {
	if err := w.mayJump(); err != 0 {
		return Location{}, true, err
	}
	loc, err := f.Follow()
	if err != 0 || last && !slash {
		return loc, true, err
	}
	dir, ok := loc.Inode.(Directory)
	if !ok {
		return loc, true, calls.ENOTDIR
	}
	w.dir = dir
	return loc, last, 0
}
