//go:build xenpv

package runtime

import xabi "internal/xengo/xen/abi"

// An unrecovered panic ends the program in order, as os.Exit does, where there is
// something to be done before the end: no other kernel would do it for the
// program. Errors of package runtime (throw), after which nothing can be relied
// on, and signals end it at once.

// xenPanicBegin is called before a panic is printed, while all is well yet. It
// stops the world, if that is to run again after it: the way in which printing
// stops it (freezetheworld) cannot be undone.
func xenPanicBegin() (stw worldStop, inOrder bool) {
	report := crashFD.Load() != ^uintptr(0)
	if len(xenExit.first) == 0 && !report {
		return stw, false
	}
	stw = stopTheWorld(stwAllGoroutinesStack)
	if report {
		xenDumpBegin()
	}
	return stw, true
}

// xenPanicEnd is called when the panic has been printed. It undoes what
// startpanic_m and freezetheworld did, writes what debug.SetCrashOutput wants in a
// file, and ends the program.
func xenPanicEnd(stw worldStop) {
	mp := getg().m
	mp.mallocing--
	mp.dying = 0
	freezing.Store(false)
	report := xenDumpEnd()
	xenShutdownReason = xabi.ShutdownCrash
	startTheWorld(stw)
	xenDumpFlush(crashFD.Load(), report)
	exit(2)
}
