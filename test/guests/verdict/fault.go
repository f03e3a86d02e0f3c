package verdict

import (
	"fmt"
	"runtime/debug"
)

// Fault runs f and returns the fault that it meets when it touches memory; nil
// if there is none.
func Fault(f func()) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		switch e := recover().(type) {
		case nil:
		case interface {
			error
			Addr() uintptr
		}:
			err = fmt.Errorf("%w (at %#x)", e, e.Addr())
		default:
			panic(e)
		}
	}()
	f()
	return nil
}
