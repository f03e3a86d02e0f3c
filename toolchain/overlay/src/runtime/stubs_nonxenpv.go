//go:build !xenpv

package runtime

import "internal/runtime/math"

// netpollSystemWaiters reports whether goroutines of the system wait in
// netpoll beside those that netpollWaiters counts.
func netpollSystemWaiters() bool { return false }

// netpollProgramWaiters reports whether netpollWaiters counts somebody.
func netpollProgramWaiters() bool { return false }

// gInCalls returns how many goroutines wait in system calls that are calls of functions.
func gInCalls() uint64 { return 0 }

// isSystemPackage reports whether goroutines started in the function are the
// system's.
func isSystemPackage(name string) bool { return false }

// memoryLimitOS is the memory limit where GOMEMLIMIT sets none.
func memoryLimitOS() int64 { return math.MaxInt64 }

// memoryLimitIsHard reports whether there is no memory beyond the memory limit.
func memoryLimitIsHard() bool { return false }

// heapRoomOS returns by how many bytes the heap can grow.
func heapRoomOS() uint64 { return math.MaxUint64 }

// maxStackOS bounds the default of debug.SetMaxStack.
func maxStackOS() uintptr { return math.MaxUintptr }

type xenDumpChunk struct{}

func xenDumpBegin() {}

func xenDumpEnd() *xenDumpChunk { return nil }

func xenDumpFlush(fd uintptr, c *xenDumpChunk) {}

// xenPanicBegin reports whether a panic ends the program in order.
func xenPanicBegin() (stw worldStop, inOrder bool) { return stw, false }

func xenPanicEnd(stw worldStop) {}
