package main

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// record is a struct t_rec of xen/include/public/trace.h (Xen 4.20), with what
// xentrace says of the buffer that it comes from.
type record struct {
	cpu   uint32 // the host's
	event uint32
	timed bool
	tsc   uint64 // if timed
	extra []uint32
}

const (
	cyclesIncluded = 1 << 31
	extraShift     = 28
	extraMask      = 7
	eventMask      = 1<<28 - 1

	cpuChange = 0x1f003 // TRC_TRACE_CPU_CHANGE: what follows is another processor's
)

// read calls f with each record of a file that xentrace has written, in the
// file's order: that of time for each processor.
func read(in io.Reader, f func(record)) error {
	r := bufio.NewReader(in)
	cpu := uint32(0)
	for n := 0; ; n++ {
		var word [4]byte
		if _, err := io.ReadFull(r, word[:]); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return fmt.Errorf("record %d: %w", n, err)
		}
		header := binary.LittleEndian.Uint32(word[:])
		x := record{event: header & eventMask, timed: header&cyclesIncluded != 0, extra: make([]uint32, header>>extraShift&extraMask)}
		rest := []any{x.extra}
		if x.timed {
			rest = []any{&x.tsc, x.extra}
		}
		for _, v := range rest {
			if err := binary.Read(r, binary.LittleEndian, v); err != nil {
				return fmt.Errorf("record %d is cut off: %w", n, noEOF(err))
			}
		}
		if x.event == cpuChange {
			if len(x.extra) == 0 {
				return fmt.Errorf("record %d: a change of processors without the processor: this is no file of xentrace", n)
			}
			cpu = x.extra[0]
			continue
		}
		x.cpu = cpu
		f(x)
	}
}

// noEOF makes the end of the file what it is within a record.
func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
