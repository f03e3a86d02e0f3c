package net

// The sockets that package syscall reaches are those of the guest's own stack.
import _ "internal/xengo/runtime/sockets"
