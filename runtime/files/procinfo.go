package files

import (
	"internal/xengo/runtime/fdtable"
	"internal/xengo/runtime/kernel"
	"internal/xengo/runtime/vfs"
	"internal/xengo/xen/ascii"
)

// Contents of files in /proc, in the formats of proc(5).

func arguments() []string {
	argv, _ := kernel.Args()
	return argv
}

func cpuinfo() []byte {
	var b []byte
	name, n := kernel.CPUName(), ascii.Utoa(uint64(kernel.NCPU()))
	if name == "" {
		name = "unknown"
	}
	for i := range uint64(kernel.NCPU()) {
		b = append(b, "processor\t: "+ascii.Utoa(i)+"\nmodel name\t: "+name+"\nphysical id\t: 0\nsiblings\t: "+n+"\ncore id\t\t: "+ascii.Utoa(i)+"\ncpu cores\t: "+n+"\n\n"...)
	}
	return b
}

func cpuRange() []byte {
	if n := uint64(kernel.NCPU()); n > 1 {
		return []byte("0-" + ascii.Utoa(n-1) + "\n")
	}
	return []byte("0\n")
}

func meminfo() []byte {
	total, free := kernel.MemTotal()>>10, kernel.MemFree()>>10
	var b []byte
	for _, l := range []struct {
		name string
		kib  uint64
	}{
		{"MemTotal", total}, {"MemFree", free}, {"MemAvailable", free}, {"Buffers", 0}, {"Cached", 0},
		{"SwapTotal", 0}, {"SwapFree", 0}, {"Shmem", 0},
	} {
		b = append(b, l.name+":\t"+ascii.Utoa(l.kib)+" kB\n"...)
	}
	return b
}

// hundredths formats nanoseconds as seconds with two decimals.
func hundredths(ns int64) string {
	cs := uint64(ns / 1e7)
	return ascii.Utoa(cs/100) + "." + ascii.Utoa(cs%100/10) + ascii.Utoa(cs%10)
}

func uptime() []byte {
	up := kernel.Nanotime()
	idle := max(0, up*int64(kernel.NCPU())-kernel.CPUTime())
	return []byte(hundredths(up) + " " + hundredths(idle) + "\n")
}

// ticks turns nanoseconds into clock ticks.
func ticks(ns int64) string { return ascii.Utoa(uint64(ns / (1e9 / ticksPerSecond))) }

// systemStat has Xen's numbers. There is no kernel apart from the program: all work is user time, and steal is what
// others of the host took.
func systemStat() []byte {
	var all kernel.VCPUTimes
	line := func(name string, t kernel.VCPUTimes) string {
		return name + " " + ticks(t.Running) + " 0 0 " + ticks(t.Blocked) + " 0 0 0 " + ticks(t.Runnable) + " 0 0\n"
	}
	each := ""
	for i := range kernel.NCPU() {
		t, ok := kernel.VCPUTimesOf(i)
		if !ok {
			continue
		}
		each += line("cpu"+ascii.Utoa(uint64(i)), t)
		all.Running += t.Running
		all.Blocked += t.Blocked
		all.Runnable += t.Runnable
	}
	boot := (kernel.Walltime() - kernel.Nanotime()) / 1e9
	c := kernel.CountThreads()
	return []byte(line("cpu ", all) + each + "intr " + ascii.Utoa(c.Upcalls) + "\nctxt " + ascii.Utoa(c.Switches) + "\nbtime " + ascii.Utoa(uint64(max(0, boot))) +
		"\nprocesses " + ascii.Utoa(c.Created) + "\nprocs_running " + ascii.Utoa(uint64(c.Running)) + "\nprocs_blocked 0\n")
}

func processStatus() []byte {
	c := vfs.CurrentCred()
	ids := func(r, e, s uint32) string {
		return ascii.Utoa(uint64(r)) + "\t" + ascii.Utoa(uint64(e)) + "\t" + ascii.Utoa(uint64(s)) + "\t" + ascii.Utoa(uint64(e))
	}
	kib := ascii.Utoa(usedMemory() >> 10)
	counts := kernel.CountThreads()
	m := uint64(umask.Load())
	octal := ascii.Utoa(10000 + m>>6*100 + m>>3&7*10 + m&7)[1:]
	return []byte("Name:\t" + programName() + "\nUmask:\t" + octal + "\nState:\tR (running)\nTgid:\t1\nPid:\t1\nPPid:\t0\nTracerPid:\t0\n" +
		"Uid:\t" + ids(c.UID, c.EUID, c.SUID) + "\nGid:\t" + ids(c.GID, c.EGID, c.SGID) + "\nGroups:\t" + groupList(c.Groups) +
		"\nVmSize:\t" + kib + " kB\nVmRSS:\t" + kib + " kB\nThreads:\t" + ascii.Utoa(uint64(kernel.Threads())) +
		"\nvoluntary_ctxt_switches:\t" + ascii.Utoa(counts.Switches-min(counts.Switches, counts.Preempted)) +
		"\nnonvoluntary_ctxt_switches:\t" + ascii.Utoa(counts.Preempted) + "\n")
}

// groupList is what Linux shows: in order, with a blank after each.
func groupList(groups []uint32) string {
	s := ""
	for _, g := range groups {
		s += ascii.Utoa(uint64(g)) + " "
	}
	return s
}

// processStat has the 52 fields of proc(5), zero where there is nothing to say.
func processStat() []byte {
	used := usedMemory()
	s := "1 (" + programName() + ") R 0 1 1 0 -1 0 0 0 0 0 " + ticks(kernel.CPUTime()) + " 0 0 0 20 0 " + ascii.Utoa(uint64(kernel.Threads())) + " 0 0 " +
		ascii.Utoa(used) + " " + ascii.Utoa(used/pageSize)
	for range 28 {
		s += " 0"
	}
	return []byte(s + "\n")
}

func processStatm() []byte {
	n := ascii.Utoa(usedMemory() / pageSize)
	return []byte(n + " " + n + " 0 0 0 0 0\n")
}

// limitNames are the lines of /proc/self/limits, by the numbers of the limits. Source: Linux 6.16 fs/proc/base.c (lnames).
var limitNames = [rlimits]struct{ name, unit string }{
	{"Max cpu time", "seconds"}, {"Max file size", "bytes"}, {"Max data size", "bytes"}, {"Max stack size", "bytes"},
	{"Max core file size", "bytes"}, {"Max resident set", "bytes"}, {"Max processes", "processes"}, {"Max open files", "files"},
	{"Max locked memory", "bytes"}, {"Max address space", "bytes"}, {"Max file locks", "locks"}, {"Max pending signals", "signals"},
	{"Max msgqueue size", "bytes"}, {"Max nice priority", ""}, {"Max realtime priority", ""}, {"Max realtime timeout", "us"},
}

func processLimits() []byte {
	limitsLock.Lock()
	defer limitsLock.Unlock()
	b := limitLine(nil, "Limit", "Soft Limit", "Hard Limit", "Units")
	for i, l := range limits {
		b = limitLine(b, limitNames[i].name, limitValue(l.Cur), limitValue(l.Max), limitNames[i].unit)
	}
	return b
}

func limitValue(n uint64) string {
	if n == unlimited {
		return "unlimited"
	}
	return ascii.Utoa(n)
}

// limitLine appends a line of /proc/self/limits.
//
//go:noinline
func limitLine(b []byte, cells ...string) []byte {
	for i, width := range [...]int{26, 21, 21, 11} {
		b = append(b, cells[i]...)
		for range width - len(cells[i]) {
			b = append(b, ' ')
		}
	}
	return append(b, '\n')
}

// mountPath returns where a mount is.
func mountPath(m *vfs.Mount) string {
	if m.Point == nil {
		return "/"
	}
	path, _ := vfs.PathOf(m.Root)
	return path
}

func mountTable() []byte {
	var b []byte
	for _, m := range vfs.Mounts() {
		b = append(b, m.Source+" "+mountPath(m)+" "+m.Root.FS().Type()+" "+mountMode(m)+",relatime 0 0\n"...)
	}
	return b
}

func mountInfo() []byte {
	var b []byte
	for _, m := range vfs.Mounts() {
		var st fdtable.Stat
		if m.Root.Stat(&st) != 0 {
			continue
		}
		b = append(b, ascii.Utoa(uint64(m.ID))+" "+ascii.Utoa(uint64(min(m.ID-1, 1)))+" "+ascii.Utoa(uint64(major(st.Dev)))+":"+ascii.Utoa(uint64(minor(st.Dev)))+
			" / "+mountPath(m)+" "+mountMode(m)+",relatime - "+m.Root.FS().Type()+" "+m.Source+" "+mountMode(m)+"\n"...)
	}
	return b
}

// mountMode is the option that says whether something can be written.
func mountMode(m *vfs.Mount) string {
	if vfs.ReadOnly(m.Root.FS()) {
		return "ro"
	}
	return "rw"
}

// fileSystems are those of /proc/filesystems. Those of disks and shares are added when the program has them.
var fileSystems = "nodev\ttmpfs\nnodev\tproc\nnodev\tsysfs\n"

// AddFileSystem adds a type to /proc/filesystems, before the program starts. nodev says that it is on no disk.
func AddFileSystem(name string, nodev bool) {
	if nodev {
		fileSystems += "nodev"
	}
	fileSystems += "\t" + name + "\n"
}

// uuid returns a random UUID of version 4 (RFC 9562).
func uuid() []byte {
	var r [16]byte
	kernel.Random(r[:])
	r[6] = r[6]&0x0f | 0x40
	r[8] = r[8]&0x3f | 0x80
	var b []byte
	for i, c := range r {
		if i == 4 || i == 6 || i == 8 || i == 10 {
			b = append(b, '-')
		}
		b = append(b, "0123456789abcdef"[c>>4], "0123456789abcdef"[c&15])
	}
	return append(b, '\n')
}

// atoi parses a number of at most nine digits.
func atoi(s string) (int, bool) {
	if s == "" || len(s) > 9 || s[0] == '0' && len(s) > 1 {
		return 0, false
	}
	n := 0
	for i := 0; i < len(s); i++ {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
		n = n*10 + int(s[i]-'0')
	}
	return n, true
}

// join concatenates list with sep between its elements.
func join(list []string, sep string) []byte {
	var b []byte
	for i, s := range list {
		if i > 0 {
			b = append(b, sep...)
		}
		b = append(b, s...)
	}
	return b
}

// ended concatenates list with a zero after each element.
func ended(list []string) []byte {
	var b []byte
	for _, s := range list {
		b = append(append(b, s...), 0)
	}
	return b
}
