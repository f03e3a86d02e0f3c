//go:build xenpv

package lifecycle

import (
	_ "unsafe" // for go:linkname

	"internal/xengo/xen/abi"
	"internal/xengo/xen/domain"
	"internal/xengo/xen/hv"
)

// Implemented in package runtime.

// runtime_raiseSignal delivers a signal as if it had been sent to the process.
//
//go:linkname runtime_raiseSignal
func runtime_raiseSignal(sig uint32)

// runtime_setShutdownReason sets what the domain does when the program ends
// (abi.Shutdown*).
//
//go:linkname runtime_setShutdownReason
func runtime_setShutdownReason(reason uint32)

// runtime_setExitHook sets what is called, on a goroutine, with the exit
// status when main returns or os.Exit is called, before the domain stops.
//
//go:linkname runtime_setExitHook
func runtime_setExitHook(f func(status int32))

// runtime_printGoroutines prints the stacks of all goroutines on the console.
//
//go:linkname runtime_printGoroutines
func runtime_printGoroutines()

// runtime_fatal ends the program as a fatal error does.
//
//go:linkname runtime_fatal
func runtime_fatal(why string)

// runtime_vcpus returns how many vCPUs the domain can have.
//
//go:linkname runtime_vcpus
func runtime_vcpus() int

// runtime_setVCPU brings a vCPU online or takes it offline. It says so on the
// console if there is not enough memory for it.
//
//go:linkname runtime_setVCPU
func runtime_setVCPU(id int, online bool)

// Signals, as on Linux.
const (
	sigquit = 3
	sigterm = 15
)

func init() {
	runtime_setExitHook(func(status int32) {
		if err := RecordExit(domain.Store(), status); err != nil {
			hv.Print("xengo: the exit status is not recorded: " + err.Error())
		}
	})
	go serve()
	go serveSysRq()
	if n := runtime_vcpus(); n > 1 {
		go serveVCPUs(n)
	}
}

func serve() {
	err := Serve(domain.Store(), func(r Request) {
		if r == Reboot {
			runtime_setShutdownReason(abi.ShutdownReboot)
		} else {
			runtime_setShutdownReason(abi.ShutdownPoweroff)
		}
		runtime_raiseSignal(sigterm)
	})
	if err != nil {
		hv.Print("xengo: no shutdown requests will be noticed: " + err.Error())
	}
}

func serveSysRq() {
	err := ServeSysRq(domain.Store(), func(key byte) {
		switch key {
		case KeyTraces:
			runtime_printGoroutines()
		case KeyQuit:
			runtime_raiseSignal(sigquit)
		case KeyCrash:
			runtime_fatal("sysrq: crash")
		default:
			hv.Print("xengo: " + SysRqHelp)
		}
	})
	if err != nil {
		hv.Print("xengo: no sysrq will be noticed: " + err.Error())
	}
}

func serveVCPUs(n int) {
	if err := ServeVCPUs(domain.Store(), n, runtime_setVCPU); err != nil {
		hv.Print("xengo: vCPUs stay as they are: " + err.Error())
	}
}
