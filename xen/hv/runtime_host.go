//go:build !xenpv

package hv

import (
	"unsafe"

	"internal/xengo/xen/abi"
)

// hypercall has no Xen to call here.
func hypercall(op, cmd uintptr, arg unsafe.Pointer, n uintptr) uintptr {
	return ^uintptr(abi.ENOSYS - 1)
}
