package ld

import (
	"cmd/internal/objabi"
	"encoding/binary"
	"internal/buildcfg"
)

// A Xen domain builder learns from ELF notes named "Xen" how to load a kernel
// and where to enter it. They are in a section and a segment of their own: it
// reads PT_NOTE segments one by one and looks at nothing else.
//
// Types and meanings are those of Xen's public/elfnote.h (4.20).
const (
	xenNoteEntry             = 1  // PV entry, 64-bit virtual address
	xenNoteVirtBase          = 3  // virtual address of guest physical 0
	xenNotePaddrOffset       = 4  // what p_paddr is relative to
	xenNoteXenVersion        = 5  // interface the guest is for
	xenNoteGuestOS           = 6  // name of the guest system
	xenNoteGuestVersion      = 7  // and its version
	xenNoteLoader            = 8  // which loader of the domain builder
	xenNotePAEMode           = 9  // page table format, for old tools
	xenNoteFeatures          = 10 // features by name, "!" before those required
	xenNoteSuspendCancel     = 14 // a failed suspend returns 1
	xenNoteSupportedFeatures = 17 // features as bits (public/features.h)
	xenNotePhys32Entry       = 18 // PVH entry, physical address, 32-bit mode
)

// Bits of xenNoteSupportedFeatures.
const (
	xenFeatWritablePageTables    = 1 << 0 // PVH's tables are its own
	xenFeatAutoTranslatedPhysmap = 1 << 2 // frame numbers are guest frame numbers
	xenFeatSupervisorModeKernel  = 1 << 3
	xenFeatPAEPgdirAbove4GB      = 1 << 4
	xenFeatHVMCallbackVector     = 1 << 8
)

const (
	xenNoteSection = ".note.Xen"
	xenNoteName    = "Xen\x00"

	// xenPVHEntry is the symbol of the PVH entry. The PV entry is the ELF's.
	xenPVHEntry = "_rt0_amd64_xenpv_pvh"
)

// IsXenpv reports whether the output is a Xen guest kernel. Its object files
// and calling conventions are Linux's, so there is no head type for it.
func (t *Target) IsXenpv() bool {
	return buildcfg.GOOS == "xenpv" && t.HeadType == objabi.Hlinux
}

// defaultFuncalign returns what functions are aligned at. For guests it is 16, a
// line of the decoder, as C compilers have it; Go's 32 for amd64 would make an
// image one per cent larger.
func defaultFuncalign() int {
	if buildcfg.GOOS == "xenpv" {
		return 16
	}
	return thearch.Funcalign
}

// xenNote is one ELF note named "Xen".
type xenNote struct {
	kind uint32
	desc []byte
}

// xenNotes returns the notes. INIT_P2M and MOD_START_PFN are not among them, so
// a PV guest finds its p2m list and ramdisk in the initial mapping. The sizes
// of the notes do not depend on what is linked; the entries' addresses are
// right once symbols have addresses.
func xenNotes(ctxt *Link) []xenNote {
	str := func(s string) []byte { return append([]byte(s), 0) }
	u64 := func(v uint64) []byte { return binary.LittleEndian.AppendUint64(nil, v) }
	u32 := func(v uint32) []byte { return binary.LittleEndian.AppendUint32(nil, v) }
	return []xenNote{
		{xenNoteXenVersion, str("xen-3.0")},
		{xenNoteGuestOS, str("xengo")},
		{xenNoteGuestVersion, str(buildcfg.Version)},
		{xenNoteLoader, str("generic")},
		{xenNoteVirtBase, u64(0)},
		{xenNotePaddrOffset, u64(0)},
		{xenNoteEntry, u64(uint64(Entryvalue(ctxt)))},
		{xenNotePhys32Entry, u32(xenPVHEntryValue(ctxt))},
		{xenNotePAEMode, str("yes")},
		{xenNoteFeatures, str("!writable_page_tables|pae_pgdir_above_4gb")},
		{xenNoteSupportedFeatures, u32(xenFeatWritablePageTables | xenFeatAutoTranslatedPhysmap |
			xenFeatSupervisorModeKernel | xenFeatPAEPgdirAbove4GB | xenFeatHVMCallbackVector)},
		{xenNoteSuspendCancel, u32(1)},
	}
}

// xenPVHEntryValue returns the address of the PVH entry, which must be below
// 4 GiB because it is entered in 32-bit mode.
func xenPVHEntryValue(ctxt *Link) uint32 {
	ldr := ctxt.loader
	s := ldr.Lookup(xenPVHEntry, 0)
	if s == 0 || !ldr.SymType(s).IsText() {
		Errorf("missing PVH entry symbol %q", xenPVHEntry)
		return 0
	}
	v := ldr.SymValue(s)
	if v != int64(uint32(v)) {
		ldr.Errorf(s, "PVH entry at %#x is not below 4 GiB", v)
	}
	return uint32(v)
}

// elfxennotes lays out the section of the notes and returns its size.
func elfxennotes(ctxt *Link, sh *ElfShdr, startva, resoff uint64) int {
	var sizes []int
	for _, n := range xenNotes(ctxt) {
		sizes = append(sizes, len(xenNoteName)+int(Rnd(int64(len(n.desc)), 4)))
	}
	return elfnote(sh, startva, resoff, sizes...)
}

// elfwritexennotes writes the section and returns its size.
func elfwritexennotes(ctxt *Link) int {
	out := ctxt.Out
	sh := elfshname(xenNoteSection)
	out.SeekSet(int64(sh.Off))
	for _, n := range xenNotes(ctxt) {
		out.Write32(uint32(len(xenNoteName)))
		out.Write32(uint32(len(n.desc)))
		out.Write32(n.kind)
		out.WriteString(xenNoteName)
		out.Write(n.desc)
		for i := len(n.desc); i%4 != 0; i++ {
			out.Write8(0)
		}
	}
	return int(sh.Size)
}
