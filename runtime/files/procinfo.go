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
	for i := range uint64(kernel.NCPU()) {
		b = append(b, "processor\t: "+ascii.Utoa(i)+"\nmodel name\t: Xen virtual CPU\nphysical id\t: 0\ncore id\t\t: "+ascii.Utoa(i)+"\ncpu cores\t: "+ascii.Utoa(uint64(kernel.NCPU()))+"\n\n"...)
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

func systemStat() []byte {
	up, busy := kernel.Nanotime(), kernel.CPUTime()
	n := int64(kernel.NCPU())
	line := func(name string, share int64) string {
		return name + " " + ticks(busy/share) + " 0 0 " + ticks(max(0, up*n-busy)/share) + " 0 0 0 0 0 0\n"
	}
	s := line("cpu ", 1)
	for i := range n {
		s += line("cpu"+ascii.Utoa(uint64(i)), n)
	}
	boot := (kernel.Walltime() - up) / 1e9
	return []byte(s + "ctxt 0\nbtime " + ascii.Utoa(uint64(max(0, boot))) + "\nprocesses 1\nprocs_running 1\nprocs_blocked 0\n")
}

func processStatus() []byte {
	c := vfs.CurrentCred()
	ids := func(r, e, s uint32) string {
		return ascii.Utoa(uint64(r)) + "\t" + ascii.Utoa(uint64(e)) + "\t" + ascii.Utoa(uint64(s)) + "\t" + ascii.Utoa(uint64(e))
	}
	kib := ascii.Utoa(usedMemory() >> 10)
	return []byte("Name:\t" + programName() + "\nUmask:\t0022\nState:\tR (running)\nTgid:\t1\nPid:\t1\nPPid:\t0\nTracerPid:\t0\n" +
		"Uid:\t" + ids(c.UID, c.EUID, c.SUID) + "\nGid:\t" + ids(c.GID, c.EGID, c.SGID) + "\nGroups:\t" + groupList(c.Groups) +
		"\nVmSize:\t" + kib + " kB\nVmRSS:\t" + kib + " kB\nVmHWM:\t" + kib + " kB\nThreads:\t" + ascii.Utoa(uint64(kernel.Threads())) + "\n")
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

func processLimits() []byte {
	n := ascii.Utoa(uint64(fdtable.Limit()))
	return []byte("Limit                     Soft Limit           Hard Limit           Units     \n" +
		"Max open files            " + n + "                " + ascii.Utoa(fdtable.MaxFiles) + "              files     \n" +
		"Max address space         unlimited            unlimited            bytes     \n")
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
		b = append(b, m.Source+" "+mountPath(m)+" "+m.Root.FS().Type()+" rw,relatime 0 0\n"...)
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
			" / "+mountPath(m)+" rw,relatime - "+m.Root.FS().Type()+" "+m.Source+" rw\n"...)
	}
	return b
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
