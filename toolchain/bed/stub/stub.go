// Package stub makes the smallest guests: images of a few instructions that boot
// as PV and as PVH domain, for tests of what is around guests.
package stub

import (
	"encoding/binary"
	"slices"

	"internal/xengo/xen/abi"
)

// A Kind is what a guest does.
type Kind int

// Kinds of guests.
const (
	Poweroff Kind = iota // asks Xen to power the domain off
	Crash                // tells Xen that it crashed
	Loop                 // neither
)

const (
	base       = 0x400000
	headerSize = 64 + 2*56 // an ELF header and two program headers
)

// Image returns an ELF file.
func Image(k Kind) []byte {
	reason := uint32(abi.ShutdownPoweroff)
	if k == Crash {
		reason = abi.ShutdownCrash
	}
	pv, pvh := shutdownPV, shutdownPVH
	if k == Loop {
		pv, pvh = loop, loop
	}
	// The layout is: headers, reason, code of PV, code of PVH, notes.
	body := binary.LittleEndian.AppendUint32(nil, reason)
	const at = base + headerSize
	entryPV := uint64(at + len(body))
	body = append(body, pv(at)...)
	entryPVH := uint64(at + len(body))
	body = append(body, pvh(at)...)
	for len(body)%4 != 0 {
		body = append(body, 0)
	}
	notes := len(body)
	le := binary.LittleEndian
	body = note(body, abi.ElfNoteXenVersion, []byte("xen-3.0\x00"))
	body = note(body, abi.ElfNoteLoader, []byte("generic\x00"))
	body = note(body, abi.ElfNoteVirtBase, le.AppendUint64(nil, 0))
	body = note(body, abi.ElfNotePaddrOffset, le.AppendUint64(nil, 0))
	body = note(body, abi.ElfNoteEntry, le.AppendUint64(nil, entryPV))
	body = note(body, abi.ElfNotePhys32Entry, le.AppendUint32(nil, uint32(entryPVH)))
	return append(header(entryPV, notes, len(body)), body...)
}

// header makes the ELF header, a segment of all and one of the notes.
func header(entry uint64, notes, size int) []byte {
	le := binary.LittleEndian
	b := []byte("\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00")
	for _, v := range []uint16{2, 62} { // ET_EXEC, EM_X86_64
		b = le.AppendUint16(b, v)
	}
	b = le.AppendUint32(b, 1)
	for _, v := range []uint64{entry, 64, 0} { // e_entry, e_phoff, e_shoff
		b = le.AppendUint64(b, v)
	}
	b = le.AppendUint32(b, 0)
	for _, v := range []uint16{64, 56, 2, 64, 0, 0} { // sizes and numbers of headers
		b = le.AppendUint16(b, v)
	}
	total := uint64(headerSize + size)
	b = segment(b, 1, 7, 0, total)                                        // PT_LOAD, RWX
	return segment(b, 4, 4, uint64(headerSize+notes), uint64(size-notes)) // PT_NOTE, R
}

func segment(b []byte, kind, flags uint32, offset, size uint64) []byte {
	le := binary.LittleEndian
	b = le.AppendUint32(b, kind)
	b = le.AppendUint32(b, flags)
	for _, v := range []uint64{offset, base + offset, base + offset, size, size, 4} {
		b = le.AppendUint64(b, v)
	}
	return b
}

// note appends an ELF note of Xen's (public/elfnote.h).
func note(b []byte, kind uint32, value []byte) []byte {
	for _, v := range []uint32{4, uint32(len(value)), kind} {
		b = binary.LittleEndian.AppendUint32(b, v)
	}
	b = append(b, "Xen\x00"...)
	b = append(b, value...)
	for len(b)%4 != 0 {
		b = append(b, 0)
	}
	return b
}

// shutdownPV is SCHEDOP_shutdown with the reason at the address, as a PV
// kernel's hypercall.
func shutdownPV(reason uint32) []byte {
	return slices.Concat(
		[]byte{0xb8, abi.HypercallSchedOp, 0, 0, 0},            // mov $29, %eax
		[]byte{0xbf, abi.SchedOpShutdown, 0, 0, 0},             // mov $2, %edi
		binary.LittleEndian.AppendUint32([]byte{0xbe}, reason), // mov $reason, %esi
		[]byte{0x0f, 0x05}, // syscall
		[]byte{0x0f, 0x0b}, // ud2
	)
}

// shutdownPVH is the same in 32 bit code, on AMD, which is what the bed emulates.
func shutdownPVH(reason uint32) []byte {
	return slices.Concat(
		[]byte{0xb8, abi.HypercallSchedOp, 0, 0, 0},            // mov $29, %eax
		[]byte{0xbb, abi.SchedOpShutdown, 0, 0, 0},             // mov $2, %ebx
		binary.LittleEndian.AppendUint32([]byte{0xb9}, reason), // mov $reason, %ecx
		[]byte{0x0f, 0x01, 0xd9},                               // vmmcall
		[]byte{0x0f, 0x0b},                                     // ud2
	)
}

func loop(uint32) []byte { return []byte{0xf3, 0x90, 0xeb, 0xfc} } // pause; jmp
