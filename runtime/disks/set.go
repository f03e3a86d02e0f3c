package disks

import (
	"sync"

	"internal/xengo/drivers/blkfront"
	"internal/xengo/runtime/files"
	"internal/xengo/runtime/pseudo"
	"internal/xengo/runtime/vfs"
	"internal/xengo/xen/ascii"
)

const (
	// major is the number of Xen's disks. Source: Linux 6.16 Documentation/admin-guide/devices.txt.
	major = 202

	// mode is that of device nodes.
	mode = vfs.S_IFBLK | 0o660
)

// A set are the disks that there are. It is the blkfront.Handler.
type set struct {
	print func(line string)
	wait  func() // until the disks are there that the domain has from the start

	mu    sync.Mutex
	disks []*disk // in the order of their minor numbers
}

// Found adds a disk.
func (s *set) Found(d *blkfront.Device) { s.add(d) }

// Lost takes a disk away. Those who have it open get EIO.
func (s *set) Lost(d *blkfront.Device) { s.remove(d) }

// Failed says that a disk is not there.
func (s *set) Failed(name string, err error) { s.print("xengo: vbd " + name + ": " + err.Error()) }

func (s *set) add(dev Device) {
	name, minor := dev.Node()
	d := &disk{Device: dev}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := files.RegisterDevice(name, mode, files.MakeDev(major, minor), d.open); err != 0 {
		s.print("xengo: /dev/" + name + ": " + err.Error())
		return
	}
	s.disks = append(s.disks, d)
	for i := len(s.disks) - 1; i > 0 && s.disks[i-1].minor() > minor; i-- {
		s.disks[i-1], s.disks[i] = s.disks[i], s.disks[i-1]
	}
	s.describe(d)
}

func (d *disk) minor() uint32 {
	_, minor := d.Node()
	return minor
}

func (s *set) remove(dev Device) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, d := range s.disks {
		if d.Device == dev {
			name, minor := dev.Node()
			files.UnregisterDevice(name, mode, files.MakeDev(major, minor))
			s.disks = append(s.disks[:i:i], s.disks[i+1:]...)
			s.blocks().Drop(name)
			return
		}
	}
}

// blocks returns the directory /sys/block.
func (s *set) blocks() *pseudo.Dir { return files.Sys().Root().Sub("block") }

// attributes are files of numbers in a disk's directory in /sys/block.
var attributes = [...]struct {
	path  string
	value func(d *disk) int64
}{
	{"size", func(d *disk) int64 { return d.Size() / 512 }},
	{"ro", func(d *disk) int64 { return number(d.ReadOnly()) }},
	{"removable", func(d *disk) int64 { return number(d.Removable()) }},
	{"queue/logical_block_size", func(d *disk) int64 { return int64(d.SectorSize()) }},
	{"queue/physical_block_size", func(d *disk) int64 { return int64(d.PhysicalSectorSize()) }},
	{"queue/discard_granularity", func(d *disk) int64 { return int64(d.DiscardGranularity()) }},
	{"queue/rotational", func(*disk) int64 { return 0 }},
}

func number(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// describe makes the directory of a disk in /sys/block.
func (s *set) describe(d *disk) {
	name, minor := d.Node()
	dir := s.blocks().Sub(name)
	add := func(path string, contents func() string) {
		in, base := dir.Path(path)
		in.Add(base, files.Sys().NewFile(func() []byte { return []byte(contents() + "\n") }, nil))
	}
	for i := range attributes {
		add(attributes[i].path, func() string { return ascii.Itoa(attributes[i].value(d)) })
	}
	add("dev", func() string { return ascii.Utoa(major) + ":" + ascii.Utoa(uint64(minor)) })
}

// partitions returns /proc/partitions, in the format of Linux's (block/genhd.c, show_partition).
func (s *set) partitions() []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := []byte("major minor  #blocks  name\n\n")
	for _, d := range s.disks {
		name, minor := d.Node()
		for _, column := range [...]struct {
			gap   string
			width int
			n     uint64
		}{{"", 4, major}, {"  ", 7, uint64(minor)}, {" ", 10, uint64(d.Size() >> 10)}} {
			b = append(b, column.gap...)
			s := ascii.Utoa(column.n)
			for range column.width - len(s) {
				b = append(b, ' ')
			}
			b = append(b, s...)
		}
		b = append(b, " "+name+"\n"...)
	}
	return b
}

var _ blkfront.Handler = (*set)(nil)
