//go:build xenpv

package runtime

import (
	"internal/runtime/atomic"
	xabi "internal/xengo/xen/abi"
	"internal/xengo/xen/pvclock"
)

// xenLastTime is the latest system time anyone has read, for hosts whose time
// stamp counters are not in step.
var xenLastTime int64

// xenSystemTime returns Xen's system time: nanoseconds since the host booted,
// by the paravirtual clock (public/xen.h, struct vcpu_time_info).
//
// Xen rewrites a vCPU's parameters when that vCPU runs, so they can change
// under a reader only if it is descheduled meanwhile; the version tells. A
// reader that moved to another vCPU, whose counter may differ, starts over
// too.
//
//go:nosplit
func xenSystemTime() int64 {
	for {
		v := xenCurrentVCPU()
		i := &v.info.Time
		version := atomic.Load(&i.Version)
		tsc := xenReadTSC()
		base, mul, shift, flags := i.SystemTime, i.TSCToSystemMul, i.TSCShift, i.Flags
		delta := tsc - i.TSCTimestamp
		if version&1 != 0 || atomic.Load(&i.Version) != version || xenCurrentVCPU() != v {
			continue
		}
		if int64(delta) < 0 {
			delta = 0
		}
		now := int64(base + pvclock.Scale(delta, mul, shift))
		if flags&xabi.PVClockTSCStable != 0 {
			return now
		}
		for {
			last := atomic.Loadint64(&xenLastTime)
			if now <= last {
				return last
			}
			if atomic.Casint64(&xenLastTime, last, now) {
				return now
			}
		}
	}
}

// xenReadTSC reads the time stamp counter, not before what precedes it.
func xenReadTSC() uint64

// xenEntryTSC is the time stamp counter at the kernel's entry, and
// xenEntryTime the system time then: the zero of the monotonic clock, which so
// tells how long the guest has been running.
var (
	xenEntryTSC  uint64
	xenEntryTime int64
)

// xenClockInit finds xenEntryTime, as soon as v's clock parameters are there.
func xenClockInit(v *xenVCPU) {
	i := &v.info.Time
	since := pvclock.Scale(xenReadTSC()-xenEntryTSC, i.TSCToSystemMul, i.TSCShift)
	xenEntryTime = xenSystemTime() - int64(since)
}

//go:nosplit
func nanotime1() int64 {
	return xenSystemTime() - xenEntryTime
}

// walltime is the wall clock at system time 0, which Xen keeps in the shared
// info page, plus the system time.
//
//go:nosplit
func walltime() (sec int64, nsec int32) {
	s := xenSharedInfo
	for {
		version := atomic.Load(&s.WCVersion)
		wsec := int64(s.WCSec) | int64(s.WCSecHi)<<32
		wnsec := int64(s.WCNsec)
		if version&1 != 0 || atomic.Load(&s.WCVersion) != version {
			continue
		}
		ns := wnsec + xenSystemTime()
		return wsec + ns/1e9, int32(ns % 1e9)
	}
}
