//go:build !xenpv

package runtime

import "internal/runtime/math"

// netpollSystemWaiters reports whether goroutines of the system wait in
// netpoll beside those that netpollWaiters counts.
func netpollSystemWaiters() bool { return false }

// isSystemPackage reports whether goroutines started in the function are the
// system's.
func isSystemPackage(name string) bool { return false }

// memoryLimitOS is the memory limit where GOMEMLIMIT sets none.
func memoryLimitOS() int64 { return math.MaxInt64 }

// memoryLimitIsHard reports whether there is no memory beyond the memory limit.
func memoryLimitIsHard() bool { return false }

// maxStackOS bounds the default of debug.SetMaxStack.
func maxStackOS() uintptr { return math.MaxUintptr }

type xenDumpChunk struct{}

func xenDumpBegin() {}

func xenDumpEnd() *xenDumpChunk { return nil }

func xenDumpFlush(fd uintptr, c *xenDumpChunk) {}
