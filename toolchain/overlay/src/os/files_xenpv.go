package os

// What a program that touches its surroundings brings along: the guest's own
// file tables and file systems under package syscall, and the toolstack's
// requests to stop.
import (
	_ "internal/xengo/runtime/files"
	_ "internal/xengo/xen/lifecycle"
)
