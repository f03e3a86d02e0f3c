package files

import (
	"internal/xengo/runtime/calls"
	"internal/xengo/runtime/fdtable"
	"internal/xengo/runtime/kernel"
	"internal/xengo/runtime/pseudo"
	"internal/xengo/runtime/vfs"
	"internal/xengo/xen/ascii"
)

// Types of file systems for statfs(2). Source: Linux 6.16 include/uapi/linux/magic.h.
const (
	procMagic = 0x9fa0
	sysMagic  = 0x62656572
)

var procFS, sysFS *pseudo.FS

// RegisterProc makes the file /proc/path, whose contents are what generate returns whenever it is opened. Directories on
// the way are made. /proc/self is "self" in path.
func RegisterProc(path string, generate func() []byte) {
	RegisterProcWriter(path, generate, nil)
}

// RegisterProcWriter is RegisterProc for a file that can be written, too: what is written is passed to write.
func RegisterProcWriter(path string, generate func() []byte, write func([]byte) calls.Errno) {
	if len(path) > 5 && path[:5] == "self/" {
		path = "1/" + path[5:]
	}
	dir, name := procFS.Root().Path(path)
	dir.Add(name, procFS.NewFile(generate, write))
}

// RegisterSys is RegisterProc for /sys.
func RegisterSys(path string, generate func() []byte) {
	dir, name := sysFS.Root().Path(path)
	dir.Add(name, sysFS.NewFile(generate, nil))
}

// Sys returns the file system of /sys, for directories that change.
func Sys() *pseudo.FS { return sysFS }

// text is a provider of contents that do not change.
func text(s string) func() []byte { return func() []byte { return []byte(s) } }

// auxv has AT_PAGESZ 4096, AT_CLKTCK 100 and AT_SECURE 0 (getauxval(3)). Source: Linux 6.16 include/uapi/linux/auxvec.h.
const auxv = "\x06\x00\x00\x00\x00\x00\x00\x00" + "\x00\x10\x00\x00\x00\x00\x00\x00" + "\x11\x00\x00\x00\x00\x00\x00\x00" + "\x64\x00\x00\x00\x00\x00\x00\x00" + "\x17\x00\x00\x00\x00\x00\x00\x00" + "\x00\x00\x00\x00\x00\x00\x00\x00" + "\x00\x00\x00\x00\x00\x00\x00\x00" + "\x00\x00\x00\x00\x00\x00\x00\x00"

// procTexts are the files of /proc whose contents do not change.
var procTexts = []struct{ path, contents string }{
	{"version", sysname + " version " + release + " " + version + "\n"},
	{"self/auxv", auxv},
	{"self/maps", ""},
	{"self/cgroup", "0::/\n"},
	{"self/oom_score_adj", "0\n"},
	{"sys/kernel/ostype", sysname + "\n"},
	{"sys/kernel/osrelease", release + "\n"},
	{"sys/kernel/version", version + "\n"},
	{"sys/kernel/pid_max", "32768\n"},
	{"sys/kernel/threads-max", "32768\n"},
	{"sys/kernel/cap_last_cap", "40\n"},
	{"sys/net/core/somaxconn", "4096\n"},
	{"sys/vm/overcommit_memory", "1\n"},
}

// procFiles are those that are made when they are opened.
var procFiles = []struct {
	path     string
	generate func() []byte
}{
	{"cpuinfo", cpuinfo},
	{"loadavg", loadAverages},
	{"vmstat", memoryStat},
	{"meminfo", meminfo},
	{"uptime", uptime},
	{"stat", systemStat},
	{"cmdline", func() []byte { return append(join(arguments(), " "), '\n') }},
	{"self/cmdline", func() []byte { return ended(arguments()) }},
	{"self/environ", func() []byte { _, env := kernel.Args(); return ended(env) }},
	{"self/comm", func() []byte { return []byte(programName() + "\n") }},
	{"self/status", processStatus},
	{"self/stat", processStat},
	{"self/statm", processStatm},
	{"self/limits", processLimits},
	{"filesystems", func() []byte { return []byte(fileSystems) }},
	{"self/mounts", mountTable},
	{"self/mountinfo", mountInfo},
	{"sys/kernel/random/uuid", uuid},
	{"sys/kernel/random/entropy_avail", text("256\n")}, // bits, as Linux since 5.18 once its generator is seeded
	{"sys/kernel/random/poolsize", text("256\n")},
	{"sys/fs/file-nr", func() []byte {
		return []byte(ascii.Utoa(uint64(len(fdtable.Open()))) + "\t0\t" + ascii.Utoa(fdtable.MaxFiles) + "\n")
	}},
	{"sys/fs/file-max", func() []byte { return line(fdtable.MaxFiles) }},
	{"sys/fs/nr_open", func() []byte { return line(fdtable.MaxFiles) }},
	{"sys/fs/pipe-max-size", func() []byte { return line(maxPipe) }},
}

// line is a number on a line.
func line(n uint64) []byte { return []byte(ascii.Utoa(n) + "\n") }

func furnishProc() {
	procFS = pseudo.New("proc", procMagic)
	sysFS = pseudo.New("sysfs", sysMagic)
	mount("/proc", procFS.Root(), "proc")
	mount("/sys", sysFS.Root(), "sysfs")
	for _, f := range procTexts {
		RegisterProc(f.path, text(f.contents))
	}
	for _, f := range procFiles {
		RegisterProc(f.path, f.generate)
	}
	RegisterProc("sys/kernel/random/boot_id", text(string(uuid())))
	RegisterProcWriter("sys/kernel/hostname", func() []byte { return []byte(hostname() + "\n") }, writeHostname)
	furnishCPUs()
	furnishSelf(procFS.Root())
}

// furnishSelf makes the links of /proc.
func furnishSelf(root *pseudo.Dir) {
	self := root.Sub("1")
	for _, l := range []struct {
		dir          *pseudo.Dir
		name, target string
	}{
		{root, "self", "1"},
		{root, "thread-self", "1/task/1"},
		{root, "mounts", "self/mounts"},
		{root, "net", "self/net"},
		{self, "exe", programPath()},
		{self, "root", "/"},
		{self.Sub("task"), "1", ".."},
	} {
		l.dir.Add(l.name, procFS.NewLink(func() (string, calls.Errno) { return l.target, 0 }))
	}
	self.Add("cwd", procFS.NewJumpLink(
		func() (string, calls.Errno) { return vfs.Location{Inode: workingDir()}.Path(), 0 },
		func() (vfs.Location, calls.Errno) { return vfs.Location{Inode: workingDir()}, 0 }))
	self.Sub("net")
	fd := self.Sub("fd")
	fd.List = func() (items []pseudo.Item) {
		for _, n := range fdtable.Open() {
			items = append(items, pseudo.Item{Name: ascii.Utoa(uint64(n)), Key: uint32(n)})
		}
		return items
	}
	fd.Find = func(name string) (vfs.Inode, calls.Errno) {
		n, ok := atoi(name)
		if !ok {
			return nil, calls.ENOENT
		}
		if f, err := fdtable.Get(n); err != 0 {
			return nil, calls.ENOENT
		} else {
			f.Put()
		}
		return procFS.NewJumpLink(
			func() (string, calls.Errno) { return nameOf(n) },
			func() (vfs.Location, calls.Errno) { return reopenable(n) }), 0
	}
}

// nameOf returns what /proc/self/fd shows for a descriptor.
func nameOf(fd int) (string, calls.Errno) {
	f, err := fdtable.Get(fd)
	if err != 0 {
		return "", calls.ENOENT
	}
	defer f.Put()
	if n, ok := f.Desc.(fdtable.Named); ok {
		return n.Name(), 0
	}
	return "anon_inode:[unknown]", 0
}

// reopenable returns what a path through /proc/self/fd leads to.
func reopenable(fd int) (vfs.Location, calls.Errno) {
	f, err := fdtable.Get(fd)
	if err != 0 {
		return vfs.Location{}, calls.ENOENT
	}
	defer f.Put()
	if l, ok := f.Desc.(vfs.Located); ok {
		return l.Location(), 0
	}
	return vfs.Location{Name: "?", Inode: &anonymous{f.Desc}}, 0
}

// anonymous makes a description without a name something that a path can lead to. Of those only pipes can be opened again.
type anonymous struct {
	desc fdtable.Description
}

func (a *anonymous) Stat(st *fdtable.Stat) calls.Errno { return statOf(a.desc, st) }
func (a *anonymous) SetAttr(*vfs.SetAttr) calls.Errno  { return calls.EPERM }

func (a *anonymous) Open(_ vfs.Location, flags uint32) (fdtable.Description, calls.Errno) {
	p, ok := a.desc.(*pipeEnd)
	if !ok {
		return nil, calls.ENXIO
	}
	mode := flags & fdtable.O_ACCMODE
	return p.ring.end(mode != fdtable.O_WRONLY, mode != fdtable.O_RDONLY), 0
}
