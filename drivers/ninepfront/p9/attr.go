package p9

// Tstatfs asks about the file system that a file is in.
type Tstatfs struct{ Fid uint32 }

// Rstatfs has the fields of struct statfs of Linux.
type Rstatfs struct {
	FSType, BSize                             uint32
	Blocks, BFree, BAvail, Files, FFree, FSID uint64
	NameLen                                   uint32
}

func (*Tstatfs) Type() uint8       { return 8 }
func (*Rstatfs) Type() uint8       { return 9 }
func (m *Tstatfs) fields(c *coder) { c.u32(&m.Fid) }

func (m *Rstatfs) fields(c *coder) {
	c.u32s(&m.FSType, &m.BSize)
	c.u64s(&m.Blocks, &m.BFree, &m.BAvail, &m.Files, &m.FFree, &m.FSID)
	c.u32(&m.NameLen)
}

// GetattrBasic in Tgetattr.Mask asks for all that stat(2) tells
// (P9_STATS_BASIC).
const GetattrBasic = 0x7FF

// Tgetattr asks for attributes.
type Tgetattr struct {
	Fid  uint32
	Mask uint64
}

// Time is a time in seconds since 1970 and nanoseconds.
type Time struct{ Sec, Nsec uint64 }

// Rgetattr has those that Valid names.
type Rgetattr struct {
	Valid                                uint64
	QID                                  QID
	Mode, UID, GID                       uint32
	NLink, RDev, Size, BlockSize, Blocks uint64
	Atime, Mtime, Ctime, Btime           Time
	Gen, DataVersion                     uint64
}

func (*Tgetattr) Type() uint8 { return 24 }
func (*Rgetattr) Type() uint8 { return 25 }

func (m *Tgetattr) fields(c *coder) {
	c.u32(&m.Fid)
	c.u64(&m.Mask)
}

func (m *Rgetattr) fields(c *coder) {
	c.u64(&m.Valid)
	c.qid(&m.QID)
	c.u32s(&m.Mode, &m.UID, &m.GID)
	c.u64s(&m.NLink, &m.RDev, &m.Size, &m.BlockSize, &m.Blocks,
		&m.Atime.Sec, &m.Atime.Nsec, &m.Mtime.Sec, &m.Mtime.Nsec, &m.Ctime.Sec, &m.Ctime.Nsec, &m.Btime.Sec, &m.Btime.Nsec,
		&m.Gen, &m.DataVersion)
}

// What Tsetattr.Valid names. A time without *Set is the server's own.
const (
	SetMode     = 0x1
	SetUID      = 0x2
	SetGID      = 0x4
	SetSize     = 0x8
	SetAtime    = 0x10
	SetMtime    = 0x20
	SetCtime    = 0x40
	SetAtimeSet = 0x80
	SetMtimeSet = 0x100
)

// Tsetattr changes attributes.
type Tsetattr struct {
	Fid, Valid     uint32
	Mode, UID, GID uint32
	Size           uint64
	Atime, Mtime   Time
}

// Rsetattr says that they have changed.
type Rsetattr struct{}

func (*Tsetattr) Type() uint8 { return 26 }
func (*Rsetattr) Type() uint8 { return 27 }

func (m *Tsetattr) fields(c *coder) {
	c.u32s(&m.Fid, &m.Valid, &m.Mode, &m.UID, &m.GID)
	c.u64s(&m.Size, &m.Atime.Sec, &m.Atime.Nsec, &m.Mtime.Sec, &m.Mtime.Nsec)
}

func (m *Rsetattr) fields(c *coder) {}

// Txattrwalk makes NewFid stand for an extended attribute to read, or without a name
// for the list of their names.
type Txattrwalk struct {
	Fid, NewFid uint32
	Name        string
}

// Rxattrwalk tells how long that is.
type Rxattrwalk struct{ Size uint64 }

func (*Txattrwalk) Type() uint8 { return 30 }
func (*Rxattrwalk) Type() uint8 { return 31 }

func (m *Txattrwalk) fields(c *coder) {
	c.u32s(&m.Fid, &m.NewFid)
	c.str(&m.Name)
}

func (m *Rxattrwalk) fields(c *coder) { c.u64(&m.Size) }

// Txattrcreate makes Fid stand for an extended attribute to write.
type Txattrcreate struct {
	Fid   uint32
	Name  string
	Size  uint64
	Flags uint32
}

// Rxattrcreate says that it does.
type Rxattrcreate struct{}

func (*Txattrcreate) Type() uint8 { return 32 }
func (*Rxattrcreate) Type() uint8 { return 33 }

func (m *Txattrcreate) fields(c *coder) {
	c.u32(&m.Fid)
	c.str(&m.Name)
	c.u64(&m.Size)
	c.u32(&m.Flags)
}

func (m *Rxattrcreate) fields(c *coder) {}
