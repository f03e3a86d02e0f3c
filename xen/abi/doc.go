// Package abi holds Xen's public interface for x86-64 guests as data:
// constants and structure layouts, one file per public header.
//
// The source is the header set of Xen 4.17 (Debian's libxen-dev); every file
// names its header. The interface is append-only, so what is here holds for
// earlier and later hypervisors alike. A probe compiled from the C headers
// compares every size, offset and constant (layout_test.go).
//
// Guest handles (C pointers inside hypercall arguments) are uintptr: whoever
// fills them in keeps the memory alive and in place until the hypercall
// returned. Nothing here has behaviour; package runtime imports it.
package abi

// Sizes of pages as Xen counts them, whatever the guest maps.
const (
	PageShift = 12
	PageSize  = 1 << PageShift // bytes
)
