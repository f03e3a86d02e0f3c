//go:build xenpv

package runtime

import (
	"internal/runtime/atomic"
	xabi "internal/xengo/xen/abi"
	"internal/xengo/xen/pvclock"
	"unsafe"
)

// xenLastTime is the latest system time anyone has read, for hosts whose time
// stamp counters are not in step.
var xenLastTime atomic.Int64

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
	now, stable := xenReadClock()
	if stable {
		return now
	}
	for {
		last := xenLastTime.Load()
		if now <= last {
			return last
		}
		if xenLastTime.CompareAndSwap(last, now) {
			return now
		}
	}
}

// xenReadClock computes the system time from the parameters of the vCPU it runs
// on, as pvclock.Scale does. Unless it is stable, other vCPUs' clocks may be
// ahead.
func xenReadClock() (now int64, stable bool)

// What xenReadClock reads, in xabi.VCPUInfo.
const (
	xenClockVersion    = unsafe.Offsetof(xabi.VCPUInfo{}.Time) + unsafe.Offsetof(xabi.VCPUTimeInfo{}.Version)
	xenClockTimestamp  = unsafe.Offsetof(xabi.VCPUInfo{}.Time) + unsafe.Offsetof(xabi.VCPUTimeInfo{}.TSCTimestamp)
	xenClockSystemTime = unsafe.Offsetof(xabi.VCPUInfo{}.Time) + unsafe.Offsetof(xabi.VCPUTimeInfo{}.SystemTime)
	xenClockMul        = unsafe.Offsetof(xabi.VCPUInfo{}.Time) + unsafe.Offsetof(xabi.VCPUTimeInfo{}.TSCToSystemMul)
	xenClockShift      = unsafe.Offsetof(xabi.VCPUInfo{}.Time) + unsafe.Offsetof(xabi.VCPUTimeInfo{}.TSCShift)
	xenClockFlags      = unsafe.Offsetof(xabi.VCPUInfo{}.Time) + unsafe.Offsetof(xabi.VCPUTimeInfo{}.Flags)
	xenClockStable     = xabi.PVClockTSCStable
)

// xenReadTSC reads the time stamp counter, not before what precedes it.
func xenReadTSC() uint64

// xenEntryTSC is the time stamp counter at the kernel's entry, and
// xenEntryTime the system time then: the zero of the monotonic clock, which so
// tells how long the guest has been running.
var (
	xenEntryTSC  uint64
	xenEntryTime int64
)

// xenClockInit finds xenEntryTime, as soon as v's clock parameters are there. v
// has run since.
func xenClockInit(v *xenVCPU) {
	i := &v.info.Time
	since := pvclock.Scale(xenReadTSC()-xenEntryTSC, i.TSCToSystemMul, i.TSCShift)
	xenEntryTime = xenSystemTime() - int64(since)
	v.since = xenEntryTime
}

//go:nosplit
func nanotime1() int64 {
	return xenSystemTime() - xenEntryTime
}

// xenWallTime is the wall clock at a system time: that at system time 0, which Xen
// keeps in the shared info page, plus the system time.
//
//go:nosplit
func xenWallTime(system int64) (sec int64, nsec int32) {
	s := xenSharedInfo
	for {
		version := atomic.Load(&s.WCVersion)
		wsec := int64(s.WCSec) | int64(s.WCSecHi)<<32
		wnsec := int64(s.WCNsec)
		if version&1 != 0 || atomic.Load(&s.WCVersion) != version {
			continue
		}
		ns := uint64(wnsec + system)
		return wsec + int64(ns/1e9), int32(ns % 1e9)
	}
}
