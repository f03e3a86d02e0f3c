//go:build xenpv

package runtime

import (
	"internal/chacha8rand"
	xabi "internal/xengo/xen/abi"
	"unsafe"
)

// Randomness: a ChaCha8 generator, keyed from the processor's generator where
// there is one, and always from the jitter of the time stamp counter around
// hypercalls, the clocks, and where the hypervisor happened to put things. Two
// guests without RDRAND, started alike, still differ.
var xenRandom struct {
	lock  mutex
	state chacha8rand.State
	boot  [32]byte // startupRand

	hardware bool // xenHasRDRAND: hypervisors trap CPUID
}

// How many samples of jitter go into the first key where it has to carry it
// alone, and where the processor has a generator of its own. Each sample is
// worth a bit at the least: a hypercall's time varies by more than that with
// caches, interrupts and the other guests.
const (
	xenJitterAlone  = 256
	xenJitterBeside = 32
)

// xenRandomInit makes the first key.
func xenRandomInit() {
	r := &xenRandom
	var seed [32]byte
	words := (*[4]uint64)(unsafe.Pointer(&seed))
	words[0] = uint64(xenSystemTime())
	sec, nsec := xenWallTime(xenSystemTime())
	words[1] = uint64(sec)<<30 ^ uint64(nsec)
	words[2] = xenPFNToMFN(xenPFN(uintptr(unsafe.Pointer(&g0)) >> xenPageShift))
	words[3] = xenReadTSC()
	r.state.Init(seed)
	rounds := xenJitterAlone
	r.hardware = xenHasRDRAND()
	if r.hardware {
		rounds = xenJitterBeside
	}
	for range rounds {
		xenHypercall(xabi.HypercallXenVersion, xabi.XenVerVersion, 0, 0, 0, 0)
		xenRandomMix(xenReadTSC())
	}
	var hw [4]uint64
	for i := range hw {
		hw[i] = xenHardwareRandom()
		xenRandomMix(hw[i])
	}
	for i := range r.boot {
		r.boot[i] = byte(xenRandomNext() >> (i % 8 * 8))
	}
	startupRand = r.boot[:]
}

// xenRandomMix changes the key by x: the new one is the old generator's output
// with x in it.
func xenRandomMix(x uint64) {
	var seed [32]byte
	words := (*[4]uint64)(unsafe.Pointer(&seed))
	for i := range words {
		words[i] = xenRandomNext()
	}
	words[0] ^= x
	xenRandom.state.Init(seed)
}

func xenRandomNext() uint64 {
	for {
		if x, ok := xenRandom.state.Next(); ok {
			return x
		}
		xenRandom.state.Refill()
	}
}

// readRandom fills r; it is what getrandom(2) is elsewhere. The key changes
// before and after, so that what was handed out cannot be computed from a
// later state.
func readRandom(r []byte) int {
	lock(&xenRandom.lock)
	xenRandomMix(xenReadTSC() ^ xenHardwareRandom())
	for i := 0; i < len(r); {
		x := xenRandomNext()
		for ; i < len(r); i++ {
			r[i] = byte(x)
			if x >>= 8; i%8 == 7 {
				i++
				break
			}
		}
	}
	xenRandomMix(xenReadTSC())
	xenRandomMix(xenReadTSC())
	unlock(&xenRandom.lock)
	return len(r)
}

// vgetrandom is getrandom(2) for internal/syscall/unix, where p may be on the
// stack, as it may with Linux's vDSO.
//
//go:linkname vgetrandom
func vgetrandom(p []byte, flags uint32) (ret int, supported bool) {
	const known = 1 | 2 | 4 // GRND_NONBLOCK, GRND_RANDOM, GRND_INSECURE
	if flags&^known != 0 {
		return -_EINVAL, true
	}
	for rest := p; len(rest) > 0; {
		// The lock is held for a page at a time.
		rest = rest[readRandom(rest[:min(len(rest), xenPageSize)]):]
	}
	return len(p), true
}

func vgetrandomDestroy(mp *m) {}

// xenHardwareRandom returns 64 bits of RDRAND, or 0 where that is missing or
// dry.
func xenHardwareRandom() uint64 {
	if !xenRandom.hardware {
		return 0
	}
	for i := 0; i < 10; i++ {
		if x, ok := xenRDRAND(); ok {
			return x
		}
	}
	return 0
}

func xenRDRAND() (x uint64, ok bool)
func xenHasRDRAND() bool
