package p9

// Made is the reply to what makes a file.
type Made struct{ QID QID }

func (m *Made) fields(c *coder) { c.qid(&m.QID) }

// Tsymlink makes a symbolic link in the directory DFid.
type Tsymlink struct {
	DFid         uint32
	Name, Target string
	GID          uint32
}

// Rsymlink is the reply to Tsymlink.
type Rsymlink struct{ Made }

func (*Tsymlink) Type() uint8 { return 16 }
func (*Rsymlink) Type() uint8 { return 17 }

func (m *Tsymlink) fields(c *coder) {
	c.u32(&m.DFid)
	c.str(&m.Name)
	c.str(&m.Target)
	c.u32(&m.GID)
}

// Tmknod makes a device, named pipe or socket.
type Tmknod struct {
	DFid                    uint32
	Name                    string
	Mode, Major, Minor, GID uint32
}

// Rmknod is the reply to Tmknod.
type Rmknod struct{ Made }

func (*Tmknod) Type() uint8 { return 18 }
func (*Rmknod) Type() uint8 { return 19 }

func (m *Tmknod) fields(c *coder) {
	c.u32(&m.DFid)
	c.str(&m.Name)
	c.u32s(&m.Mode, &m.Major, &m.Minor, &m.GID)
}

// Tmkdir makes a directory.
type Tmkdir struct {
	DFid      uint32
	Name      string
	Mode, GID uint32
}

// Rmkdir is the reply to Tmkdir.
type Rmkdir struct{ Made }

func (*Tmkdir) Type() uint8 { return 72 }
func (*Rmkdir) Type() uint8 { return 73 }

func (m *Tmkdir) fields(c *coder) {
	c.u32(&m.DFid)
	c.str(&m.Name)
	c.u32s(&m.Mode, &m.GID)
}

// Tlink makes Name in the directory DFid another name of Fid.
type Tlink struct {
	DFid, Fid uint32
	Name      string
}

// Rlink is the reply to Tlink.
type Rlink struct{}

func (*Tlink) Type() uint8 { return 70 }
func (*Rlink) Type() uint8 { return 71 }

func (m *Tlink) fields(c *coder) {
	c.u32s(&m.DFid, &m.Fid)
	c.str(&m.Name)
}

func (m *Rlink) fields(c *coder) {}

// Treadlink asks where a symbolic link leads.
type Treadlink struct{ Fid uint32 }

// Rreadlink tells.
type Rreadlink struct{ Target string }

func (*Treadlink) Type() uint8       { return 22 }
func (*Rreadlink) Type() uint8       { return 23 }
func (m *Treadlink) fields(c *coder) { c.u32(&m.Fid) }
func (m *Rreadlink) fields(c *coder) { c.str(&m.Target) }

// Trename moves the file Fid into the directory DFid.
type Trename struct {
	Fid, DFid uint32
	Name      string
}

// Rrename is the reply to Trename.
type Rrename struct{}

func (*Trename) Type() uint8 { return 20 }
func (*Rrename) Type() uint8 { return 21 }

func (m *Trename) fields(c *coder) {
	c.u32s(&m.Fid, &m.DFid)
	c.str(&m.Name)
}

func (m *Rrename) fields(c *coder) {}

// Trenameat moves OldName of the directory OldDFid to NewDFid.
type Trenameat struct {
	OldDFid uint32
	OldName string
	NewDFid uint32
	NewName string
}

// Rrenameat is the reply to Trenameat.
type Rrenameat struct{}

func (*Trenameat) Type() uint8 { return 74 }
func (*Rrenameat) Type() uint8 { return 75 }

func (m *Trenameat) fields(c *coder) {
	c.u32(&m.OldDFid)
	c.str(&m.OldName)
	c.u32(&m.NewDFid)
	c.str(&m.NewName)
}

func (m *Rrenameat) fields(c *coder) {}

// RemoveDir in Tunlinkat.Flags: what is removed is a directory.
const RemoveDir = 0x200

// Tunlinkat removes Name from the directory DFid.
type Tunlinkat struct {
	DFid  uint32
	Name  string
	Flags uint32
}

// Runlinkat is the reply to Tunlinkat.
type Runlinkat struct{}

func (*Tunlinkat) Type() uint8 { return 76 }
func (*Runlinkat) Type() uint8 { return 77 }

func (m *Tunlinkat) fields(c *coder) {
	c.u32(&m.DFid)
	c.str(&m.Name)
	c.u32(&m.Flags)
}

func (m *Runlinkat) fields(c *coder) {}
