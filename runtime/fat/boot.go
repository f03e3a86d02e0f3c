package fat

import (
	"internal/xengo/runtime/blockfs"
	"internal/xengo/runtime/blockfs/le"
)

// The boot sector. Source of all layouts here: Microsoft, FAT32 File System Specification 1.03; Linux 6.16
// include/uapi/linux/msdos_fs.h.
const (
	bsSectorSize  = 11
	bsClusterSize = 13 // in sectors
	bsReserved    = 14 // sectors
	bsTables      = 16
	bsRootEntries = 17
	bsSectors16   = 19
	bsMedia       = 21
	bsTableSize16 = 22 // in sectors
	bsSectors32   = 32
	bsState16     = 0x25
	bsID16        = 0x27
	bsTableSize32 = 36
	bsFlags32     = 40
	bsVersion32   = 42
	bsRoot32      = 44
	bsInfo32      = 48
	bsState32     = 0x41
	bsID32        = 0x43
	bsMagic       = 510

	stateDirty = 1

	infoMagic1 = 0x41615252
	infoMagic2 = 0x61417272
	inMagic2   = 484
	inFree     = 488
	inNext     = 492
)

const (
	firstCluster = 2
	// Of which kind a file system is depends on the number of its clusters only. Those of 32 bits have 28.
	maxClusters12 = 4084
	maxClusters16 = 65524
	maxClusters32 = 0x0ffffff5
)

// geometry is what the boot sector says.
type geometry struct {
	bits        int // 12, 16 or 32
	sectorSize  int
	clusterSize int // in bytes
	clusters    uint32
	tables      []int64 // where copies of the table are that are written, the one that is read first
	tableSize   int64   // in bytes
	root        uint32  // first cluster of the root directory, 0 if it has a place of its own
	rootOffset  int64   // that place
	rootSize    int
	data        int64 // where the first cluster is
	info        int64 // where the count of free clusters is, 0 if nowhere
	id          uint32
	stateAt     int64
}

// parseBoot checks a boot sector on a disk of that size.
func parseBoot(b []byte, size int64) (*geometry, error) {
	if len(b) < 512 || b[bsMagic] != 0x55 || b[bsMagic+1] != 0xaa {
		return nil, problem("there is no FAT file system on it")
	}
	sector := int64(le.U16(b, bsSectorSize))
	perCluster := int64(b[bsClusterSize])
	reserved, tables := int64(le.U16(b, bsReserved)), int64(b[bsTables])
	switch {
	case sector < 512 || sector > 4096 || sector&(sector-1) != 0,
		perCluster == 0 || perCluster&(perCluster-1) != 0,
		reserved == 0, tables == 0:
		return nil, problem("its boot sector makes no sense")
	}
	g := &geometry{sectorSize: int(sector), clusterSize: int(sector * perCluster)}
	tableSectors := int64(le.U16(b, bsTableSize16))
	is32 := tableSectors == 0
	if is32 {
		tableSectors = int64(le.U32(b, bsTableSize32))
	}
	sectors := int64(le.U16(b, bsSectors16))
	if sectors == 0 {
		sectors = int64(le.U32(b, bsSectors32))
	}
	g.rootSize = int(le.U16(b, bsRootEntries)) * entrySize
	g.rootOffset = (reserved + tables*tableSectors) * sector // less than 2^50
	g.data = g.rootOffset + (int64(g.rootSize)+sector-1)/sector*sector
	g.tableSize = tableSectors * sector
	clusters := (sectors*sector - g.data) / int64(g.clusterSize)
	if sectors*sector <= g.data || clusters < 1 || clusters > maxClusters32 {
		return nil, problem("its boot sector makes no sense")
	}
	if sectors*sector > size {
		return nil, problem("it is longer than the disk")
	}
	g.clusters = uint32(clusters)
	switch {
	case is32:
		g.bits = 32
	case clusters <= maxClusters12:
		g.bits = 12
	case clusters <= maxClusters16:
		g.bits = 16
	default:
		return nil, problem("it has too many clusters for its kind")
	}
	if (clusters+firstCluster)*int64(g.bits) > g.tableSize*8 {
		return nil, problem("its table is too short")
	}
	for i := range tables {
		g.tables = append(g.tables, (reserved+i*tableSectors)*sector)
	}
	if !is32 {
		g.id, g.stateAt = le.U32(b, bsID16), bsState16
		if g.rootSize == 0 || g.rootSize%g.sectorSize != 0 {
			return nil, problem("the size of its root directory makes no sense")
		}
		return g, nil
	}
	return g, g.parse32(b, reserved)
}

// parse32 is about what only file systems of 32 bits have.
func (g *geometry) parse32(b []byte, reserved int64) error {
	g.id, g.stateAt, g.root = le.U32(b, bsID32), bsState32, le.U32(b, bsRoot32)
	if g.rootSize != 0 || le.U16(b, bsVersion32) != 0 || !g.valid(g.root) {
		return problem("its boot sector makes no sense")
	}
	if flags := le.U16(b, bsFlags32); flags&0x80 != 0 { // only one table is in use
		active := int(flags & 15)
		if active >= len(g.tables) {
			return problem("the table that is in use does not exist")
		}
		g.tables = g.tables[active : active+1]
	}
	if info := int64(le.U16(b, bsInfo32)); info > 0 && info < reserved {
		g.info = info * int64(g.sectorSize)
	}
	return nil
}

// valid reports whether there is a cluster of that number.
func (g *geometry) valid(c uint32) bool { return c >= firstCluster && c-firstCluster < g.clusters }

// place is where a cluster is, in bytes.
func (g *geometry) place(c uint32) int64 {
	return g.data + int64(c-firstCluster)*int64(g.clusterSize)
}

// A problem is why a file system cannot be mounted.
type problem = blockfs.Problem
