package files

import (
	"unsafe"

	"internal/xengo/runtime/calls"
	"internal/xengo/runtime/kernel"
	"internal/xengo/runtime/newc"
	"internal/xengo/runtime/vfs"
	"internal/xengo/xen/ascii"
)

// furnishRamdisk lays what is in the domain's ramdisk (a cpio archive, ramdisk= in its config) over the tree.
// Files' contents stay where they are until they are written to.
//
// A ramdisk that cannot be read is no ground to run the program without its files.
func furnishRamdisk() {
	archive := kernel.Ramdisk()
	r := newc.New(archive)
	for {
		at := r.Offset()
		f, ok, bad := r.Next()
		if bad != "" {
			panic("files: ramdisk: " + string(bad) + ", at byte " + ascii.Utoa(uint64(at)))
		}
		if !ok {
			return
		}
		if path := ramdiskPath(f.Name); path != "" {
			if err := unpack(path, f); err != 0 {
				panic("files: ramdisk: " + path + ", at byte " + ascii.Utoa(uint64(at)) + ": " + err.Error())
			}
		}
	}
}

// own is where the ramdisk has what is not for the program: its arguments and environment.
const own = "/.xengo"

// ramdiskPath turns an archive's name into a path, "" for what does not belong into the tree.
func ramdiskPath(name []byte) string {
	path := "/"
	for start, i := 0, 0; i <= len(name); i++ {
		if i < len(name) && name[i] != '/' {
			continue
		}
		switch part := string(name[start:i]); {
		case part == "" || part == ".":
		case len(path) == 1:
			path += part
		default:
			path += "/" + part
		}
		start = i + 1
	}
	if path == "/" || path == own || len(path) > len(own) && path[:len(own)+1] == own+"/" {
		return ""
	}
	return path
}

// unpack makes one member of the archive.
func unpack(path string, f newc.File) calls.Errno {
	switch mode := f.Mode; mode & vfs.S_IFMT {
	case vfs.S_IFREG:
		return PutFile(path, mode&0o7777, unsafe.String(unsafe.SliceData(f.Data), len(f.Data)))
	case vfs.S_IFLNK:
		makeParents(path)
		return vfs.Make(vfs.Root(), path, mode, 0, string(f.Data))
	case vfs.S_IFDIR:
		makeParents(path)
		if err := vfs.Make(vfs.Root(), path, mode, 0, ""); err != calls.EEXIST {
			return err
		}
		return 0
	default:
		// Devices and the like are the guest's own.
		return 0
	}
}

// makeParents makes the directories that path is in.
func makeParents(path string) {
	for i := len(path) - 1; i > 0; i-- {
		if path[i] == '/' {
			makeDir(path[:i], 0o755)
			return
		}
	}
}

// enterWorkingDir goes to the directory that the word cwd= of the kernel command line names.
func enterWorkingDir() {
	path := kernel.Option("cwd")
	if path == "" {
		return
	}
	loc, err := vfs.Walk(vfs.Root(), path, vfs.Follow)
	dir, ok := loc.Inode.(vfs.Directory)
	if err == 0 && !ok {
		err = calls.ENOTDIR
	}
	if err != 0 {
		panic("files: cwd=" + path + ": " + err.Error())
	}
	cwd.Store(&dir)
}
