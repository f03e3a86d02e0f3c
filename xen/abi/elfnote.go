package abi

// Types of the ELF notes named "Xen" (elfnote.h, XEN_ELFNOTE_*).
const (
	ElfNoteInfo              = 0
	ElfNoteEntry             = 1
	ElfNoteHypercallPage     = 2
	ElfNoteVirtBase          = 3
	ElfNotePaddrOffset       = 4
	ElfNoteXenVersion        = 5
	ElfNoteGuestOS           = 6
	ElfNoteGuestVersion      = 7
	ElfNoteLoader            = 8
	ElfNotePAEMode           = 9
	ElfNoteFeatures          = 10
	ElfNoteBSDSymtab         = 11
	ElfNoteHVStartLow        = 12
	ElfNoteL1MFNValid        = 13
	ElfNoteSuspendCancel     = 14
	ElfNoteInitP2M           = 15
	ElfNoteModStartPFN       = 16
	ElfNoteSupportedFeatures = 17
	ElfNotePhys32Entry       = 18
)
