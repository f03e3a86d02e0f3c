package ext4

import (
	"internal/xengo/runtime/blockfs"
	"internal/xengo/runtime/blockfs/le"
	"internal/xengo/xen/ascii"
)

// The superblock. Source of all layouts here: Linux 6.16 fs/ext4/ext4.h, and Documentation/filesystems/ext4.
const (
	superOffset = 1024
	superSize   = 1024
	superMagic  = 0xef53

	sbInodes          = 0x00
	sbBlocks          = 0x04
	sbReserved        = 0x08
	sbFreeBlocks      = 0x0c
	sbFreeInodes      = 0x10
	sbFirstBlock      = 0x14
	sbLogBlockSize    = 0x18
	sbBlocksPerGroup  = 0x20
	sbInodesPerGroup  = 0x28
	sbMountTime       = 0x2c
	sbWriteTime       = 0x30
	sbMountCount      = 0x34
	sbMagic           = 0x38
	sbState           = 0x3a
	sbRevision        = 0x4c
	sbFirstInode      = 0x54
	sbInodeSize       = 0x58
	sbCompat          = 0x5c
	sbIncompat        = 0x60
	sbROCompat        = 0x64
	sbUUID            = 0x68
	sbReservedDescs   = 0xce
	sbJournalInode    = 0xe0
	sbLastOrphan      = 0xe8
	sbHashSeed        = 0xec
	sbDescSize        = 0xfe
	sbFirstMetaGroup  = 0x104
	sbBlocksHigh      = 0x150
	sbReservedHigh    = 0x154
	sbFreeBlocksHigh  = 0x158
	sbWantExtraIsize  = 0x15e
	sbLogGroupsPerFlx = 0x174
	sbChecksumType    = 0x175
	sbChecksumSeed    = 0x270
	sbOrphanFile      = 0x280
	sbChecksum        = 0x3fc
)

// Features.
const (
	compatJournal      = 0x4
	compatXattr        = 0x8
	compatDirIndex     = 0x20
	compatFastCommit   = 0x400
	compatOrphanFile   = 0x1000
	incompatFiletype   = 0x2
	incompatRecover    = 0x4
	incompatMetaBG     = 0x10
	incompatExtents    = 0x40
	incompat64bit      = 0x80
	incompatFlexBG     = 0x200
	incompatCsumSeed   = 0x2000
	incompatLargeDir   = 0x4000
	roSparseSuper      = 0x1
	roLargeFile        = 0x2
	roHugeFile         = 0x8
	roGDTCsum          = 0x10
	roDirNlink         = 0x20
	roExtraIsize       = 0x40
	roMetadataCsum     = 0x400
	roOrphanPresent    = 0x10000
	incompatKnown      = incompatFiletype | incompatRecover | incompatExtents | incompat64bit | incompatFlexBG | incompatCsumSeed
	incompatNeeded     = incompatFiletype | incompatExtents
	roKnown            = roSparseSuper | roLargeFile | roHugeFile | roDirNlink | roExtraIsize | roMetadataCsum | roOrphanPresent
	checksumTypeCRC32C = 1
)

// featureNames are those of mkfs.ext4's option -O for features that are not known here.
var featureNames = []struct {
	word int // offset in the superblock
	bit  uint32
	name string
}{
	{sbIncompat, 0x1, "compression"},
	{sbIncompat, 0x8, "journal_dev"},
	{sbIncompat, incompatMetaBG, "meta_bg"},
	{sbIncompat, 0x100, "mmp"},
	{sbIncompat, 0x400, "ea_inode"},
	{sbIncompat, 0x1000, "dirdata"},
	{sbIncompat, incompatLargeDir, "large_dir"},
	{sbIncompat, 0x8000, "inline_data"},
	{sbIncompat, 0x10000, "encrypt"},
	{sbIncompat, 0x20000, "casefold"},
	{sbROCompat, roGDTCsum, "uninit_bg"},
	{sbROCompat, 0x100, "quota"},
	{sbROCompat, 0x200, "bigalloc"},
	{sbROCompat, 0x2000, "project"},
	{sbROCompat, 0x4000, "verity"},
}

// nameFeatures says which of the bits these are.
func nameFeatures(word int, bits uint32) string {
	names := ""
	for _, f := range featureNames {
		if f.word == word && f.bit&bits != 0 {
			names += " " + f.name
			bits &^= f.bit
		}
	}
	if bits != 0 {
		names += " " + hex(uint64(bits))
	}
	return names
}

// geometry is what of the superblock stays.
type geometry struct {
	blockSize      int
	blocks         uint64
	firstBlock     uint64
	blocksPerGroup uint64
	inodesPerGroup uint32
	inodes         uint32
	groups         uint32
	firstInode     uint32
	inodeSize      int
	wantExtra      int // bytes of an inode beyond 128 that are in use in new ones
	descSize       int
	journalInode   uint32
	orphanFile     uint32
	reservedDescs  uint32
	compat         uint32
	incompat       uint32
	roCompat       uint32
	checksums      bool // metadata_csum
	seed           uint32
}

// A problem is what is wrong with a file system as a whole.
type problem = blockfs.Problem

const errSuper = problem("there is no ext4 file system")

// sealed reports whether the checksum of a superblock is right, if it has one.
func (g *geometry) sealed(sb []byte) bool {
	return !g.checksums || le.U32(sb, sbChecksum) == crc32c(^uint32(0), sb[:sbChecksum])
}

// parseSuper checks a superblock against the size of the disk in bytes, all but its checksum.
func parseSuper(sb []byte, size int64) (*geometry, error) {
	if le.U16(sb, sbMagic) != superMagic {
		return nil, errSuper
	}
	g := &geometry{
		firstBlock:     uint64(le.U32(sb, sbFirstBlock)),
		blocks:         uint64(le.U32(sb, sbBlocks)),
		blocksPerGroup: uint64(le.U32(sb, sbBlocksPerGroup)),
		inodesPerGroup: le.U32(sb, sbInodesPerGroup),
		inodes:         le.U32(sb, sbInodes),
		firstInode:     le.U32(sb, sbFirstInode),
		inodeSize:      int(le.U16(sb, sbInodeSize)),
		wantExtra:      int(le.U16(sb, sbWantExtraIsize)),
		descSize:       32,
		journalInode:   le.U32(sb, sbJournalInode),
		orphanFile:     le.U32(sb, sbOrphanFile),
		reservedDescs:  uint32(le.U16(sb, sbReservedDescs)),
		compat:         le.U32(sb, sbCompat),
		incompat:       le.U32(sb, sbIncompat),
		roCompat:       le.U32(sb, sbROCompat),
	}
	if le.U32(sb, sbRevision) == 0 {
		return nil, problem("it is of revision 0, which has no features: make it anew with mkfs.ext4")
	}
	if unknown := g.incompat &^ incompatKnown; unknown != 0 {
		return nil, problem("it has features that are not known:" + nameFeatures(sbIncompat, unknown) + "; make it anew with mkfs.ext4 -O ^FEATURE")
	}
	if g.incompat&incompatNeeded != incompatNeeded {
		return nil, problem("it is an ext2 or ext3 file system (no extents); make it anew with mkfs.ext4")
	}
	if le.U32(sb, sbLogBlockSize) > 6 {
		return nil, problem("its blocks are larger than 64 KiB")
	}
	g.blockSize = 1024 << le.U32(sb, sbLogBlockSize)
	if g.incompat&incompat64bit != 0 {
		g.blocks |= uint64(le.U32(sb, sbBlocksHigh)) << 32
		g.descSize = int(le.U16(sb, sbDescSize))
	}
	g.checksums = g.roCompat&roMetadataCsum != 0
	if g.checksums {
		if sb[sbChecksumType] != checksumTypeCRC32C {
			return nil, problem("its checksums are of a kind that is not known")
		}
		g.seed = crc32c(^uint32(0), sb[sbUUID:sbUUID+16])
		if g.incompat&incompatCsumSeed != 0 {
			g.seed = le.U32(sb, sbChecksumSeed)
		}
	}
	return g, g.check(size)
}

// check makes sure that nothing computed from it can be out of bounds.
func (g *geometry) check(size int64) error {
	bs := uint64(g.blockSize)
	switch {
	case g.descSize != 32 && g.descSize != 64:
		return problem("its group descriptors have a size that is not known")
	case g.inodeSize < 128 || g.inodeSize > g.blockSize || g.inodeSize&(g.inodeSize-1) != 0:
		return problem("its inodes have no sensible size")
	case g.blocksPerGroup == 0 || g.blocksPerGroup > 8*bs || g.blocksPerGroup%8 != 0:
		return problem("its groups have no sensible number of blocks")
	case g.inodesPerGroup == 0 || uint64(g.inodesPerGroup) > 8*bs || g.inodesPerGroup%8 != 0 || int(g.inodesPerGroup)*g.inodeSize%g.blockSize != 0:
		return problem("its groups have no sensible number of inodes")
	case g.firstBlock != uint64(b2i(g.blockSize == 1024)):
		return problem("its first block is not where it should be")
	case g.blocks <= g.firstBlock || g.blocks > uint64(size)/bs:
		return problem("it is larger than its disk: " + ascii.Utoa(g.blocks) + " blocks of " + ascii.Utoa(bs) + " bytes on " + ascii.Utoa(uint64(size)) + " bytes")
	}
	groups := (g.blocks - g.firstBlock + g.blocksPerGroup - 1) / g.blocksPerGroup
	if groups*uint64(g.inodesPerGroup) != uint64(g.inodes) {
		return problem("its number of inodes is wrong")
	}
	g.groups = uint32(groups)
	if g.inodeSize > 128 {
		g.wantExtra = max(min(g.wantExtra, g.inodeSize-128), 4) &^ 3
	} else {
		g.wantExtra = 0
	}
	if g.firstInode < 11 || g.firstInode > g.inodes {
		return problem("its first inode is not one that files have")
	}
	return nil
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// hex is for messages.
func hex(n uint64) string {
	var b [18]byte
	i := len(b)
	for {
		i--
		b[i] = "0123456789abcdef"[n&15]
		if n >>= 4; n == 0 {
			return "0x" + string(b[i:])
		}
	}
}

// sparse reports whether a group has a copy of the superblock and the descriptors.
func (g *geometry) sparse(group uint32) bool {
	if group <= 1 || g.roCompat&roSparseSuper == 0 {
		return true
	}
	for _, base := range [...]uint32{3, 5, 7} {
		n := base
		for n < group {
			n *= base
		}
		if n == group {
			return true
		}
	}
	return false
}

// groupStart is the first block of a group, groupBlocks how many it has.
func (g *geometry) groupStart(group uint32) uint64 {
	return g.firstBlock + uint64(group)*g.blocksPerGroup
}

func (g *geometry) groupBlocks(group uint32) int {
	return int(min(g.blocksPerGroup, g.blocks-g.groupStart(group)))
}

// descBlocks is how many blocks the group descriptors take.
func (g *geometry) descBlocks() uint64 {
	return (uint64(g.groups)*uint64(g.descSize) + uint64(g.blockSize) - 1) / uint64(g.blockSize)
}

// tableBlocks is how many blocks the inodes of a group take.
func (g *geometry) tableBlocks() uint64 {
	return uint64(g.inodesPerGroup) * uint64(g.inodeSize) / uint64(g.blockSize)
}
