package p9

// Tlopen opens a file; Flags are open's of Linux.
type Tlopen struct{ Fid, Flags uint32 }

// Opened is the reply to what opens a file. Reads and writes of up to IOUnit bytes
// are done in one step; 0 says nothing.
type Opened struct {
	QID    QID
	IOUnit uint32
}

func (m *Opened) fields(c *coder) {
	c.qid(&m.QID)
	c.u32(&m.IOUnit)
}

// Rlopen is the reply to Tlopen.
type Rlopen struct{ Opened }

func (*Tlopen) Type() uint8       { return 12 }
func (*Rlopen) Type() uint8       { return 13 }
func (m *Tlopen) fields(c *coder) { c.u32s(&m.Fid, &m.Flags) }

// Tlcreate makes a file in the directory Fid, which then stands for the open file.
type Tlcreate struct {
	Fid              uint32
	Name             string
	Flags, Mode, GID uint32
}

// Rlcreate is the reply to Tlcreate.
type Rlcreate struct{ Opened }

func (*Tlcreate) Type() uint8 { return 14 }
func (*Rlcreate) Type() uint8 { return 15 }

func (m *Tlcreate) fields(c *coder) {
	c.u32(&m.Fid)
	c.str(&m.Name)
	c.u32s(&m.Flags, &m.Mode, &m.GID)
}

// ReadOverhead and WriteOverhead are what messages with data have besides it.
const (
	ReadOverhead  = HeaderSize + 4         // of Rread and Rreaddir
	WriteOverhead = HeaderSize + 4 + 8 + 4 // of Twrite
)

// Tread reads from an open file.
type Tread struct {
	Fid    uint32
	Offset uint64
	Count  uint32
}

// Rread has what was read; nothing at the end of the file. Parse appends to Data.
type Rread struct{ Data []byte }

func (*Tread) Type() uint8 { return 116 }
func (*Rread) Type() uint8 { return 117 }

func (m *Tread) fields(c *coder) {
	c.u32(&m.Fid)
	c.u64(&m.Offset)
	c.u32(&m.Count)
}

func (m *Rread) fields(c *coder) { c.data(&m.Data) }

// Twrite writes to an open file.
type Twrite struct {
	Fid    uint32
	Offset uint64
	Data   []byte
}

// Rwrite tells how much was written.
type Rwrite struct{ Count uint32 }

func (*Twrite) Type() uint8 { return 118 }
func (*Rwrite) Type() uint8 { return 119 }

func (m *Twrite) fields(c *coder) {
	c.u32(&m.Fid)
	c.u64(&m.Offset)
	c.data(&m.Data)
}

func (m *Rwrite) fields(c *coder) { c.u32(&m.Count) }

// Tfsync makes what was written to an open file durable; its contents only, if
// DataSync is not 0.
type Tfsync struct{ Fid, DataSync uint32 }

// Rfsync says that it is.
type Rfsync struct{}

func (*Tfsync) Type() uint8       { return 50 }
func (*Rfsync) Type() uint8       { return 51 }
func (m *Tfsync) fields(c *coder) { c.u32s(&m.Fid, &m.DataSync) }
func (m *Rfsync) fields(c *coder) {}

// Treaddir reads entries of an open directory; Offset is 0 or an entry's.
type Treaddir struct {
	Fid    uint32
	Offset uint64
	Count  uint32
}

// Rreaddir has entries (ParseEntry), none at the end. Parse appends to Data.
type Rreaddir struct{ Data []byte }

func (*Treaddir) Type() uint8 { return 40 }
func (*Rreaddir) Type() uint8 { return 41 }

func (m *Treaddir) fields(c *coder) {
	c.u32(&m.Fid)
	c.u64(&m.Offset)
	c.u32(&m.Count)
}

func (m *Rreaddir) fields(c *coder) { c.data(&m.Data) }

// Entry is an entry of a directory.
type Entry struct {
	QID    QID
	Offset uint64 // of the next one
	Type   uint8  // DT_* of Linux
	Name   string
}

func (e *Entry) fields(c *coder) {
	c.qid(&e.QID)
	c.u64(&e.Offset)
	c.u8(&e.Type)
	c.str(&e.Name)
}

// AppendEntry appends an entry to the data of Rreaddir.
func AppendEntry(data []byte, e *Entry) []byte {
	c := coder{buf: data, write: true}
	e.fields(&c)
	return c.buf
}

// ParseEntry takes an entry off the data of Rreaddir.
func ParseEntry(data []byte) (e Entry, rest []byte, err error) {
	c := coder{buf: data}
	e.fields(&c)
	return e, c.buf, c.err
}

// Types of locks, flags of Tlock, and the server's answers.
const (
	LockRead    = 0
	LockWrite   = 1
	LockNone    = 2
	LockBlock   = 1 // flag: wait
	LockReclaim = 2 // flag
	LockSuccess = 0
	LockBlocked = 1
	LockError   = 2
	LockGrace   = 3
)

// Lock is a range of bytes and who locks it, up to the end of the file if Length is
// 0.
type Lock struct {
	Start, Length uint64
	ProcID        uint32
	ClientID      string
}

func (l *Lock) fields(c *coder) {
	c.u64s(&l.Start, &l.Length)
	c.u32(&l.ProcID)
	c.str(&l.ClientID)
}

// Tlock locks a range, or with LockNone unlocks it.
type Tlock struct {
	Fid   uint32
	Kind  uint8
	Flags uint32
	Lock  Lock
}

// Rlock tells whether it did.
type Rlock struct{ Status uint8 }

func (*Tlock) Type() uint8 { return 52 }
func (*Rlock) Type() uint8 { return 53 }

func (m *Tlock) fields(c *coder) {
	c.u32(&m.Fid)
	c.u8(&m.Kind)
	c.u32(&m.Flags)
	m.Lock.fields(c)
}

func (m *Rlock) fields(c *coder) { c.u8(&m.Status) }

// Tgetlock asks who is in the way of a lock.
type Tgetlock struct {
	Fid  uint32
	Kind uint8
	Lock Lock
}

// Rgetlock tells of one that is, or is of LockNone.
type Rgetlock struct {
	Kind uint8
	Lock Lock
}

func (*Tgetlock) Type() uint8 { return 54 }
func (*Rgetlock) Type() uint8 { return 55 }

func (m *Tgetlock) fields(c *coder) {
	c.u32(&m.Fid)
	c.u8(&m.Kind)
	m.Lock.fields(c)
}

func (m *Rgetlock) fields(c *coder) {
	c.u8(&m.Kind)
	m.Lock.fields(c)
}
