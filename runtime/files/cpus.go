package files

import (
	"internal/xengo/runtime/calls"
	"internal/xengo/runtime/kernel"
	"internal/xengo/runtime/pseudo"
	"internal/xengo/runtime/vfs"
	"internal/xengo/xen/ascii"
)

// furnishCPUs makes /sys/devices/system/cpu, which has a directory for each virtual CPU that was ever there.
func furnishCPUs() {
	for _, name := range []string{"online", "possible", "present"} {
		RegisterSys("devices/system/cpu/"+name, cpuRange)
	}
	dir := sysFS.Root().Sub("devices").Sub("system").Sub("cpu")
	dir.List = func() (items []pseudo.Item) {
		for i := range kernel.NCPU() {
			items = append(items, pseudo.Item{Name: "cpu" + ascii.Utoa(uint64(i)), Key: uint32(i), Mode: vfs.S_IFDIR})
		}
		return items
	}
	dir.Find = func(name string) (vfs.Inode, calls.Errno) {
		if len(name) < 4 || name[:3] != "cpu" {
			return nil, calls.ENOENT
		}
		n, ok := atoi(name[3:])
		if !ok || n >= int(kernel.NCPU()) {
			return nil, calls.ENOENT
		}
		return dir.Lasting(name, func(cpu *pseudo.Dir) {
			topology := cpu.Sub("topology")
			for _, f := range []struct{ name, contents string }{
				{"core_id", name[3:]}, {"physical_package_id", "0"}, {"core_siblings_list", ""}, {"thread_siblings_list", name[3:]},
			} {
				generate := text(f.contents + "\n")
				if f.contents == "" {
					generate = cpuRange
				}
				topology.Add(f.name, sysFS.NewFile(generate, nil))
			}
		}), 0
	}
}

// memoryStat is /proc/vmstat: numbers of pages. There is no paging to count.
func memoryStat() []byte {
	return []byte("nr_free_pages " + ascii.Utoa(kernel.MemFree()/pageSize) + "\n")
}
