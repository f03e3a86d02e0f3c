package p9

// Numbers that stand for none.
const (
	NoTag uint16 = 0xFFFF     // of Tversion
	NoFid uint32 = 0xFFFFFFFF // of Tattach, for no authentication
	NoUID uint32 = 0xFFFFFFFF
)

// Versions of the protocol.
const (
	VersionL = "9P2000.L"
	VersionU = "9P2000.u"
)

// Tversion begins a session, in which no message has more than MSize bytes.
type Tversion struct {
	MSize   uint32
	Version string
}

// Rversion is what the server makes of it; it says "unknown" to a version that it
// does not speak.
type Rversion struct{ Tversion }

func (*Tversion) Type() uint8 { return 100 }
func (*Rversion) Type() uint8 { return 101 }

func (m *Tversion) fields(c *coder) {
	c.u32(&m.MSize)
	c.str(&m.Version)
}

// Tauth asks for a fid to authenticate with.
type Tauth struct {
	AFid         uint32
	UName, AName string
	UID          uint32
}

// Rauth grants one.
type Rauth struct{ QID QID }

func (*Tauth) Type() uint8 { return 102 }
func (*Rauth) Type() uint8 { return 103 }

func (m *Tauth) fields(c *coder) {
	c.u32(&m.AFid)
	c.str(&m.UName)
	c.str(&m.AName)
	c.u32(&m.UID)
}

func (m *Rauth) fields(c *coder) { c.qid(&m.QID) }

// Tattach makes a fid stand for the root of the tree AName.
type Tattach struct {
	Fid, AFid    uint32
	UName, AName string
	UID          uint32
}

// Rattach tells which file that is.
type Rattach struct{ QID QID }

func (*Tattach) Type() uint8 { return 104 }
func (*Rattach) Type() uint8 { return 105 }

func (m *Tattach) fields(c *coder) {
	c.u32s(&m.Fid, &m.AFid)
	c.str(&m.UName)
	c.str(&m.AName)
	c.u32(&m.UID)
}

func (m *Rattach) fields(c *coder) { c.qid(&m.QID) }

// Rlerror is the reply to a request that failed, with Linux's error number.
type Rlerror struct{ Errno uint32 }

func (*Rlerror) Type() uint8       { return 7 }
func (m *Rlerror) fields(c *coder) { c.u32(&m.Errno) }

// Rerror is that of 9P2000.u.
type Rerror struct {
	Text  string
	Errno uint32
}

func (*Rerror) Type() uint8 { return 107 }

func (m *Rerror) fields(c *coder) {
	c.str(&m.Text)
	c.u32(&m.Errno)
}

// Tflush asks the server to forget a request.
type Tflush struct{ OldTag uint16 }

// Rflush says that no reply to it will come.
type Rflush struct{}

func (*Tflush) Type() uint8       { return 108 }
func (*Rflush) Type() uint8       { return 109 }
func (m *Tflush) fields(c *coder) { c.u16(&m.OldTag) }
func (m *Rflush) fields(c *coder) {}

// MaxWalk is how many names a Twalk may have (MAXWELEM).
const MaxWalk = 16

// Twalk makes NewFid, which may be Fid, stand for the file that Names lead to.
type Twalk struct {
	Fid, NewFid uint32
	Names       []string
}

// Rwalk has the files on the way. If they are fewer than the names, the next does
// not exist, and NewFid stands for nothing new.
type Rwalk struct{ QIDs []QID }

func (*Twalk) Type() uint8 { return 110 }
func (*Rwalk) Type() uint8 { return 111 }

func (m *Twalk) fields(c *coder) {
	c.u32s(&m.Fid, &m.NewFid)
	n := uint16(len(m.Names))
	c.u16(&n)
	for i := range n {
		if !c.write {
			if c.err != nil {
				return // n is anything
			}
			m.Names = append(m.Names, "")
		}
		c.str(&m.Names[i])
	}
}

func (m *Rwalk) fields(c *coder) {
	n := uint16(len(m.QIDs))
	c.u16(&n)
	for i := range n {
		if !c.write {
			if c.err != nil {
				return
			}
			m.QIDs = append(m.QIDs, QID{})
		}
		c.qid(&m.QIDs[i])
	}
}

// Tclunk ends the use of a fid.
type Tclunk struct{ Fid uint32 }

// Rclunk lets it be used anew.
type Rclunk struct{}

func (*Tclunk) Type() uint8       { return 120 }
func (*Rclunk) Type() uint8       { return 121 }
func (m *Tclunk) fields(c *coder) { c.u32(&m.Fid) }
func (m *Rclunk) fields(c *coder) {}

// Tremove removes a file and ends the use of its fid, even if it fails.
type Tremove struct{ Fid uint32 }

// Rremove says that it has.
type Rremove struct{}

func (*Tremove) Type() uint8       { return 122 }
func (*Rremove) Type() uint8       { return 123 }
func (m *Tremove) fields(c *coder) { c.u32(&m.Fid) }
func (m *Rremove) fields(c *coder) {}
