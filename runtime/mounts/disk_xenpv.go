//go:build xenpv && (xengo_ext4 || xengo_vfat)

package mounts

import (
	"internal/xengo/runtime/blockfs"
	"internal/xengo/runtime/calls"
	"internal/xengo/runtime/disks"
	"internal/xengo/runtime/files"
	"internal/xengo/runtime/vfs"
	"internal/xengo/xen/cmdline"
	"internal/xengo/xen/hv"
)

var _ = func() bool { types["auto"] = mountAny; return true }() // before any init

// A diskFS is a file system on a disk. Unmount is called once, when the program ends in order, and makes everything durable.
type diskFS interface {
	Root() vfs.Directory
	Unmount() calls.Errno
}

// diskTypes open the file systems on disks; each is added by its file. readOnly asks for one that is not written to. say tells
// the user, a line.
var diskTypes = map[string]func(d blockfs.Disk, readOnly bool, say func(string)) (diskFS, error){}

// addDiskType makes a file system one that can be mounted.
func addDiskType[FS diskFS](name string, mount func(blockfs.Disk, bool, func(string)) (FS, error)) bool {
	diskTypes[name] = func(d blockfs.Disk, readOnly bool, say func(string)) (diskFS, error) { return mount(d, readOnly, say) }
	files.AddFileSystem(name, false)
	types[name] = func(m cmdline.Mount) (vfs.Directory, error) {
		disk, err := use(m)
		if err != nil {
			return nil, err
		}
		return mountDisk(m, name, disk)
	}
	return true
}

// mountAny mounts a disk as what is on it.
func mountAny(m cmdline.Mount) (vfs.Directory, error) {
	disk, err := use(m)
	if err != nil {
		return nil, err
	}
	var b [blockfs.ProbeSize]byte
	if disk.Size() >= int64(len(b)) {
		if err := disk.ReadAt(b[:], 0); err != 0 {
			return nil, err
		}
	}
	name := blockfs.Recognise(b[:])
	if name == "" {
		return nil, problem("there is no file system on it that is known: ext4, vfat")
	}
	if diskTypes[name] == nil {
		return nil, problem(cmdline.Unavailable(name))
	}
	return mountDisk(m, name, disk)
}

// use claims the disk, which it waits for.
func use(m cmdline.Mount) (*disks.Volume, error) {
	if m.Options != "" && m.Options != "ro" {
		return nil, problem("the only option of " + m.Type + " is ro")
	}
	disk, err := disks.Use(m.Source)
	switch {
	case err == calls.ENXIO:
		return nil, problem("the domain has no such disk (disk= in its config)")
	case err != 0:
		return nil, err
	}
	return disk, nil
}

func mountDisk(m cmdline.Mount, name string, disk *disks.Volume) (vfs.Directory, error) {
	say := func(what string) { hv.Print("xengo: " + name + " on " + m.Source + ": " + what) }
	fs, err := diskTypes[name](blockfs.NewCache(disk), m.Options == "ro", say)
	if err != nil {
		return nil, err
	}
	unmount = append(unmount, func() {
		if err := fs.Unmount(); err != 0 {
			say("it was not unmounted: " + err.Error())
		}
	})
	return fs.Root(), nil
}
