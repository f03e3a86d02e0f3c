package os

// What a program that touches its surroundings brings along: the guest's own
// file tables and file systems under package syscall, its disks, and the
// toolstack's requests to stop and for memory.
import (
	_ "internal/xengo/drivers/balloon"
	_ "internal/xengo/runtime/disks"
	_ "internal/xengo/runtime/files"
	_ "internal/xengo/xen/lifecycle"
)
