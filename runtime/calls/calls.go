// Package calls is the system call table: the one place where every system call of package syscall
// and golang.org/x/sys/unix arrives, and where the services under it (files, sockets, ...) register.
//
// A system call is an ordinary Go call on the goroutine of its caller. The caller has forced what
// its uintptr arguments point to into the heap and keeps it alive for the call (uintptrescapes), so
// a handler may allocate, grow its stack, block on a mutex or a channel, and turn arguments back into
// pointers with the functions of memory_unsafe.go.
//
// The package imports nothing but sync/atomic and unsafe, because package syscall imports it.
package calls

import "sync/atomic"

// Args are the six arguments of a system call as they were passed.
type Args struct {
	A1, A2, A3, A4, A5, A6 uintptr
}

// A Handler carries out a system call. It returns the call's result, which is ignored if err is not 0.
type Handler func(a Args) (r uintptr, err Errno)

// maxCalls is one more than the highest number the table has room for. Linux 6.16 ends at 471.
const maxCalls = 512

// An entry is a registered call. absent entries answer ENOSYS by design and without a message.
type entry struct {
	handler Handler
	absent  bool
}

var (
	table   [maxCalls]atomic.Pointer[entry]
	missing [maxCalls]atomic.Uint32 // how often a call without an entry was made
	beyond  atomic.Uint32           // the same for all numbers from maxCalls up
	report  atomic.Pointer[func(nr uintptr, name string)]
)

// Register makes h the handler of the system call nr. It panics if nr is out of range, h is nil or
// nr has a handler already: two services disagree about who owns the call.
func Register(nr uintptr, h Handler) {
	if h == nil {
		panic("calls: nil handler for " + Name(nr))
	}
	register(nr, &entry{handler: h})
}

// RegisterAbsent declares that nr answers ENOSYS on purpose, because std or well-known modules probe for
// it and have a good fallback. Such a call is neither counted nor named on the console.
func RegisterAbsent(nr uintptr) {
	register(nr, &entry{absent: true})
}

func register(nr uintptr, e *entry) {
	if nr >= maxCalls {
		panic("calls: system call number out of range")
	}
	if !table[nr].CompareAndSwap(nil, e) {
		panic("calls: " + Name(nr) + " registered twice")
	}
}

// Replace makes the handler that h returns the one of nr. h is given the handler that nr has.
func Replace(nr uintptr, h func(old Handler) Handler) {
	table[nr].Store(&entry{handler: h(table[nr].Load().handler)})
}

// Syscall6 performs the system call nr. Like the instruction it stands for, it returns r1 = ^0 and the
// error number on failure, and errno = 0 on success. r2 is then a3: it is the register RDX, which Linux on amd64
// leaves as it was, and there are programs (github.com/dgraph-io/ristretto/v2/z, mremap) that rely on it.
func Syscall6(nr, a1, a2, a3, a4, a5, a6 uintptr) (r1, r2, errno uintptr) {
	r, err := Do(nr, Args{a1, a2, a3, a4, a5, a6})
	if err != 0 {
		return ^uintptr(0), 0, uintptr(err)
	}
	return r, a3, 0
}

// Do performs the system call nr with the result as handlers return it.
func Do(nr uintptr, a Args) (uintptr, Errno) {
	if nr < maxCalls {
		if e := table[nr].Load(); e != nil {
			if e.absent {
				return 0, ENOSYS
			}
			return e.handler(a)
		}
	}
	unknown(nr)
	return 0, ENOSYS
}

// Missing returns how often the system call nr was made while it had no handler. Numbers beyond the
// table share one count.
func Missing(nr uintptr) uint32 {
	return missingCount(nr).Load()
}

// SetReport replaces the function that is told about the first use of each system call that has no
// handler. nil restores the default, a line on the console.
func SetReport(f func(nr uintptr, name string)) {
	if f == nil {
		report.Store(nil)
		return
	}
	report.Store(&f)
}

func missingCount(nr uintptr) *atomic.Uint32 {
	if nr >= maxCalls {
		return &beyond
	}
	return &missing[nr]
}

// unknown counts a call without a handler and reports its first use.
func unknown(nr uintptr) {
	if missingCount(nr).Add(1) != 1 {
		return
	}
	name := Name(nr)
	if name == "" {
		name = "without a name"
	}
	if f := report.Load(); f != nil {
		(*f)(nr, name)
		return
	}
	print("xengo: system call ", nr, " (", name, ") is not implemented\n")
}
