package files

import (
	"internal/xengo/runtime/calls"
	"internal/xengo/runtime/fdtable"
	"internal/xengo/runtime/kernel"
	"internal/xengo/runtime/memfs"
	"internal/xengo/runtime/tty"
	"internal/xengo/runtime/vfs"
)

// The file systems that there are from the start, and the console.
var (
	rootFS  *memfs.FS
	devFS   *memfs.FS
	console *tty.TTY
)

// furnish makes the tree and opens the console as standard input, output and error. It takes time that does not
// depend on anything: some dozens of small files.
func furnish() {
	umask.Store(0o022)
	rootFS = memfs.New(0o755)
	root := rootFS.Root()
	vfs.SetRoot(root, "rootfs")
	cwd.Store(&root)
	for _, d := range []struct {
		path string
		perm uint32
	}{
		{"/bin", 0o755}, {"/dev", 0o755}, {"/etc/ssl/certs", 0o755}, {"/home", 0o755}, {"/proc", 0o555}, {"/root", 0o700},
		{"/run", 0o755}, {"/sys", 0o555}, {"/tmp", 0o777 | vfs.S_ISVTX}, {"/usr/bin", 0o755}, {"/usr/share", 0o755}, {"/var/tmp", 0o777 | vfs.S_ISVTX},
	} {
		makeDir(d.path, d.perm)
	}
	furnishEtc()
	furnishZones()
	furnishDev()
	furnishProc()
	openConsole()
}

// makeDir makes a directory and those it is in.
func makeDir(path string, perm uint32) {
	for i := 1; i < len(path); i++ {
		if path[i] == '/' {
			makeNode(path[:i], vfs.S_IFDIR|0o755, 0, "")
		}
	}
	makeNode(path, vfs.S_IFDIR|perm, 0, "")
}

// makeNode makes a file while the tree is furnished. The only error there can be is that it exists.
func makeNode(path string, mode uint32, rdev uint64, target string) {
	if err := vfs.Make(vfs.Root(), path, mode, rdev, target); err != 0 && err != calls.EEXIST {
		panic("files: cannot make " + path + ": " + err.Error())
	}
}

// mount puts a file system over a directory while the tree is furnished.
func mount(path string, root vfs.Directory, source string) {
	if err := Mount(path, root, source); err != 0 {
		panic("files: cannot mount " + path + ": " + err.Error())
	}
}

// Mount puts a file system over the directory at path, which is made if there is none.
func Mount(path string, root vfs.Directory, source string) calls.Errno {
	loc, err := vfs.Walk(vfs.Root(), path, vfs.Follow)
	if err == calls.ENOENT {
		if err = mkdirAll(path); err == 0 {
			loc, err = vfs.Walk(vfs.Root(), path, vfs.Follow)
		}
	}
	if err != 0 {
		return err
	}
	dir, ok := loc.Inode.(vfs.Directory)
	if !ok {
		return calls.ENOTDIR
	}
	return vfs.MountAt(dir, root, source)
}

// mkdirAll makes a directory and those it is in.
func mkdirAll(path string) calls.Errno {
	for i := 1; i <= len(path); i++ {
		if i < len(path) && path[i] != '/' {
			continue
		}
		if err := vfs.Make(vfs.Root(), path[:i], vfs.S_IFDIR|0o755, 0, ""); err != 0 && err != calls.EEXIST {
			return err
		}
	}
	return 0
}

// PutFile makes the file at path hold contents, in a file system in memory and without copying them. Directories on the way
// are made. Other services use it for what programs expect to find, such as /etc/resolv.conf.
func PutFile(path string, perm uint32, contents string) calls.Errno {
	_, err := putFile(path, perm, contents)
	return err
}

// putFile is PutFile and returns the file.
func putFile(path string, perm uint32, contents string) (vfs.Inode, calls.Errno) {
	makeParents(path)
	loc, err := vfs.Walk(vfs.Root(), path, vfs.Follow|vfs.Missing)
	if err != 0 {
		return nil, err
	}
	if loc.Inode == nil {
		loc.Inode, err = loc.Dir.Create(loc.Name, &vfs.New{Mode: vfs.S_IFREG | perm})
		if err != 0 {
			return nil, err
		}
	}
	return loc.Inode, setContents(loc.Inode, contents)
}

// setContents makes contents those of a file in memory, without copying them.
func setContents(n vfs.Inode, contents string) calls.Errno {
	s, ok := n.(interface{ SetContents(string) })
	if !ok {
		return calls.EINVAL
	}
	s.SetContents(contents)
	return 0
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

// Plant adds to the directory at path, in a file system in memory, what takes no memory until it is used. Other services
// use it for what is large, or seldom used. EEXIST if there is something of that name, which then stays.
func Plant(path string, s memfs.Seed) calls.Errno {
	loc, err := vfs.Walk(vfs.Root(), path, vfs.Follow)
	if err != 0 {
		return err
	}
	d, ok := loc.Inode.(interface{ Plant(memfs.Seed) calls.Errno })
	if !ok {
		return calls.ENOTDIR
	}
	return d.Plant(s)
}

// openConsole makes the console descriptors 0, 1 and 2, which share a description as they do on Linux.
func openConsole() {
	d, err := vfs.Open(vfs.Root(), "/dev/console", fdtable.O_RDWR, 0)
	if err == 0 {
		_, err = fdtable.Install(d, fdtable.O_RDWR)
	}
	for fd := 1; fd <= 2 && err == 0; fd++ {
		_, err = fdtable.Dup(0, fd, false)
	}
	if err != 0 {
		panic("files: cannot open the console: " + err.Error())
	}
	watchKeys()
}

// programName is the last component of the program's name, at most 15 bytes of it as Linux keeps.
func programName() string {
	name := programPath()
	for i := len(name) - 1; i >= 0; i-- {
		if name[i] == '/' {
			name = name[i+1:]
			break
		}
	}
	return name[:min(len(name), 15)]
}

// programPath is where the program is, by the option exe= or else by its own account: what it was called by, in /bin if that
// is no absolute path.
func programPath() string {
	if path := kernel.Option("exe"); path != "" {
		return path
	}
	argv, _ := kernel.Args()
	if len(argv) == 0 || argv[0] == "" {
		return "/bin/xengo"
	}
	name := argv[0]
	if name[0] == '/' {
		return name
	}
	for i := len(name) - 1; i >= 0; i-- {
		if name[i] == '/' {
			name = name[i+1:]
			break
		}
	}
	return "/bin/" + name
}
