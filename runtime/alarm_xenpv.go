//go:build xenpv

package runtime

import "unsafe"

// The alarm is an event at a time that package kernel sets, for the timers of
// the services. Those of a P are looked at, with the clock, whenever it chooses
// a goroutine: a connection that is in TIME_WAIT for a minute would make all of
// the program's switches dearer.

// xenAlarmPort stands for it among the ports. Xen numbers them from 1.
const xenAlarmPort = 0

// xenAlarmSet sets the alarm, to ns from now. One goroutine calls it at a time.
//
//go:linkname xenAlarmSet internal/xengo/runtime/kernel.runtime_setAlarm
func xenAlarmSet(ns int64) {
	if xenEvents.kind[xenAlarmPort] == xenPortNone {
		xenEventOpen(xenAlarmPort)
	}
	xenKernelCall(xenPC(xenAlarmSetK), unsafe.Pointer(&ns))
}

//go:nowritebarrierrec
func xenAlarmSetK(arg unsafe.Pointer) {
	s := &xenSched
	v := s.enter()
	s.alarm = v.deadline(*(*int64)(arg))
	v.arm()
	s.lock.unlock()
}

// xenAlarmWait parks the goroutine, the only one here, until the alarm has come
// since the last return. It has been set before.
//
//go:linkname xenAlarmWait internal/xengo/runtime/kernel.runtime_waitAlarm
func xenAlarmWait() {
	xenEventWait(xenAlarmPort, 0, false)
}
