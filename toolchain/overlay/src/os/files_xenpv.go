package os

// The files that package syscall reaches are those of the guest's own tables
// and file systems.
import _ "internal/xengo/runtime/files"
