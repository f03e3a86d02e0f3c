package p9

// Modes of Topen and Tcreate, and the bit of permissions and modes that makes a
// directory.
const (
	OpenRead  = 0
	OpenWrite = 1
	OpenRDWR  = 2
	OpenTrunc = 0x10
	DMDir     = 0x80000000
)

// Topen opens a file.
type Topen struct {
	Fid  uint32
	Mode uint8
}

// Ropen is the reply to Topen.
type Ropen struct{ Opened }

func (*Topen) Type() uint8 { return 112 }
func (*Ropen) Type() uint8 { return 113 }

func (m *Topen) fields(c *coder) {
	c.u32(&m.Fid)
	c.u8(&m.Mode)
}

// Tcreate makes a file in the directory Fid, which then stands for the open file.
type Tcreate struct {
	Fid       uint32
	Name      string
	Perm      uint32
	Mode      uint8
	Extension string
}

// Rcreate is the reply to Tcreate.
type Rcreate struct{ Opened }

func (*Tcreate) Type() uint8 { return 114 }
func (*Rcreate) Type() uint8 { return 115 }

func (m *Tcreate) fields(c *coder) {
	c.u32(&m.Fid)
	c.str(&m.Name)
	c.u32(&m.Perm)
	c.u8(&m.Mode)
	c.str(&m.Extension)
}

// Tstat asks for attributes.
type Tstat struct{ Fid uint32 }

// Rstat has them.
type Rstat struct{ Stat Stat }

func (*Tstat) Type() uint8       { return 124 }
func (*Rstat) Type() uint8       { return 125 }
func (m *Tstat) fields(c *coder) { c.u32(&m.Fid) }

func (m *Rstat) fields(c *coder) {
	var n uint16
	if c.write {
		n = uint16(len(AppendStat(nil, &m.Stat)))
	}
	c.u16(&n) // read, it says no more than the Stat's own size
	m.Stat.fields(c)
}

// Stat is what 9P2000.u tells of a file. A directory is read as the Stats of what is
// in it.
//
// In front of it is its size, which nobody relies on: that of xen-9pfsd is 10 too
// large (tools/9pfsd/io.c of Xen 4.20, fill_p9_stat counts the strings' lengths
// twice).
type Stat struct {
	KernelType       uint16
	Dev              uint32
	QID              QID
	Mode             uint32 // permissions and DMDir
	Atime, Mtime     uint32 // seconds since 1970
	Length           uint64
	Name             string
	Owner, Grp, MUID string
	Extension        string
	UID, GID, NMUID  uint32

	size uint16 // as it was read
}

// fields codes a Stat, with its size in front.
func (s *Stat) fields(c *coder) {
	start := len(c.buf)
	var size uint16
	c.u16(&size)
	s.content(c)
	if c.write {
		size = uint16(len(c.buf) - start - 2)
		head := coder{buf: c.buf[:start], write: true}
		head.u16(&size) // in place: there is room
		return
	}
	s.size = size
}

func (s *Stat) content(c *coder) {
	c.u16(&s.KernelType)
	c.u32(&s.Dev)
	c.qid(&s.QID)
	c.u32s(&s.Mode, &s.Atime, &s.Mtime)
	c.u64(&s.Length)
	for _, text := range []*string{&s.Name, &s.Owner, &s.Grp, &s.MUID, &s.Extension} {
		c.str(text)
	}
	c.u32s(&s.UID, &s.GID, &s.NMUID)
}

// AppendStat appends a Stat to the data of a directory.
func AppendStat(data []byte, s *Stat) []byte {
	c := coder{buf: data, write: true}
	s.fields(&c)
	return c.buf
}

// ParseStats reads the data of a directory: Stats, whose sizes together are the
// data's. xen-9pfsd puts in front of each what goes before the one of Rstat, too
// (tools/9pfsd/io.c, vfill_buffer_at, 's'); and since its Stats are smaller than they
// say, behind them is anything.
func ParseStats(data []byte) (list []Stat, err error) {
	c := coder{buf: data}
	for said := 0; said < len(data); {
		var s Stat
		if b := c.buf; len(b) >= 4 && int(b[0])|int(b[1])<<8 == (int(b[2])|int(b[3])<<8)+2 {
			c.take(2)
		}
		s.fields(&c)
		if c.err != nil {
			return nil, c.err
		}
		said += 2 + int(s.size)
		s.size = 0
		list = append(list, s)
	}
	return list, nil
}
