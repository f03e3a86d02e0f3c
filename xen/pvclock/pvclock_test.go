package pvclock

import (
	"math/big"
	"testing"
)

// oracle computes the same with arbitrary precision.
func oracle(delta uint64, mul uint32, shift int8) uint64 {
	d := new(big.Int).SetUint64(delta)
	if shift >= 0 {
		d.Lsh(d, uint(shift))
		d.And(d, new(big.Int).SetUint64(^uint64(0)))
	} else {
		d.Rsh(d, uint(-int(shift)))
	}
	d.Mul(d, big.NewInt(int64(mul)))
	d.Rsh(d, 32)
	return d.And(d, new(big.Int).SetUint64(^uint64(0))).Uint64()
}

func FuzzScale(f *testing.F) {
	f.Add(uint64(0), uint32(0), int8(0))
	f.Add(uint64(1)<<40, uint32(0x80000000), int8(1))
	f.Add(^uint64(0), ^uint32(0), int8(-1))
	f.Add(uint64(2_400_000_000), uint32(3579139413), int8(-1)) // 2.4 GHz, one second
	f.Fuzz(func(t *testing.T, delta uint64, mul uint32, shift int8) {
		if shift < -31 || shift > 31 {
			t.Skip()
		}
		if got, want := Scale(delta, mul, shift), oracle(delta, mul, shift); got != want {
			t.Errorf("Scale(%d, %d, %d) = %d, want %d", delta, mul, shift, got, want)
		}
	})
}

func TestScaleOneSecond(t *testing.T) {
	// 2.4 GHz: ns = (ticks >> 1) * mul >> 32 with mul = 1e9 * 2^33 / 2.4e9.
	got := Scale(2_400_000_000, 3579139413, -1)
	if got < 999_999_998 || got > 1_000_000_001 {
		t.Errorf("one second is %d ns", got)
	}
}
