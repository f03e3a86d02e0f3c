package main

import (
	"bytes"
	"encoding/binary"
	"io"
	"testing"

	"github.com/stretchr/testify/require"
)

// file is what xentrace writes of these words.
func file(words ...uint32) []byte {
	var b []byte
	for _, w := range words {
		b = binary.LittleEndian.AppendUint32(b, w)
	}
	return b
}

// header is a record's first word.
func header(event, extra uint32, timed bool) uint32 {
	h := event | extra<<extraShift
	if timed {
		h |= cyclesIncluded
	}
	return h
}

// hypercall is one on processor 1: set_timer_op, that takes 6,000 ticks.
var hypercall = file(
	header(cpuChange, 2, false), 1, 44,
	header(vmexit, 3, true), 1000, 1, 0x81, 0x492cd1, 0,
	header(vmmcall, 1, false), 15,
	header(vmentry, 0, true), 7000, 1,
)

func TestList(t *testing.T) {
	var out bytes.Buffer
	require.NoError(t, list(bytes.NewReader(hypercall), &out))
	require.Equal(t, ""+
		"           1 HVM_VMEXIT64 VMMCALL: 0x81 0x492cd1 0x0\n"+
		"           1 HVM_VMMCALL set_timer_op: 0xf\n"+
		"     +6000 1 HVM_VMENTRY\n", out.String())
}

func TestSummary(t *testing.T) {
	var out bytes.Buffer
	require.NoError(t, summary(bytes.NewReader(append(bytes.Clone(hypercall), hypercall...)), &out))
	require.Contains(t, out.String(), "         2          12000       6000  VMMCALL set_timer_op\n")
}

func TestNames(t *testing.T) {
	require.Equal(t, "running -> blocked", record{event: 0x21021}.name()) // as credit2 says of a vCPU that blocks
	require.Equal(t, "blocked -> runnable", record{event: 0x21211}.name())
	require.Equal(t, "0x123", record{event: 0x123}.name())
}

// TestCutOff: a file that ends within a record is said to.
func TestCutOff(t *testing.T) {
	require.NoError(t, list(bytes.NewReader(nil), io.Discard))
	for n := range hypercall {
		err := list(bytes.NewReader(hypercall[:n]), io.Discard)
		if n == 0 || n == 12 || n == 36 || n == 44 { // between records
			require.NoError(t, err, n)
		} else {
			require.ErrorIs(t, err, io.ErrUnexpectedEOF, n)
		}
	}
	require.ErrorContains(t, list(bytes.NewReader(file(cpuChange)), io.Discard), "no file of xentrace")
}

func FuzzRead(f *testing.F) {
	f.Add(hypercall)
	f.Fuzz(func(t *testing.T, b []byte) {
		if (list(bytes.NewReader(b), io.Discard) == nil) != (summary(bytes.NewReader(b), io.Discard) == nil) {
			t.Error("one of them could read it")
		}
	})
}
