package drbg

import (
	entropy "crypto/internal/entropy/v1.0.0"
	"sync"
)

// memory is a scratch buffer that is accessed between samples by the entropy
// source to expose it to memory access timings. It is 32 MiB, which a domain
// builder would allocate at once if it were in the BSS, in programs without
// FIPS 140-3 mode too; so it comes from the heap at first use.
var memory = sync.OnceValue(func() *entropy.ScratchBuffer { return new(entropy.ScratchBuffer) })

// getEntropy returns a seed. The source fails its startup health tests now and
// then, and works again when restarted.
func getEntropy() *[SeedSize]byte {
	const retries = 100
	for range retries {
		if seed, err := entropy.Seed(memory()); err == nil {
			return &seed
		}
	}
	panic("fips140/drbg: failed to obtain initial entropy")
}
