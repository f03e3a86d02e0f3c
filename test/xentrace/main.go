// Command xentrace prints what Xen's tool of this name has written of a host:
// when vCPUs run, and each exit of PVH guests to Xen, with what it takes.
//
//	xentrace -D -e 0xaf000 -T 10 FILE   # in dom0: for ten seconds
//	go run ./test/xentrace [-sum] FILE
//
// With -e 0x2af000 there are the hypercalls of PV guests, too, and dom0's.
// Times are in ticks of the host's TSC: on a bed that counts, instructions.
package main

import (
	"bufio"
	"cmp"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
)

func main() {
	sum := flag.Bool("sum", false, "sum up by the reason of the exit")
	flag.Usage = func() {
		fmt.Fprintln(flag.CommandLine.Output(), "usage: xentrace [-sum] FILE\n\nFILE is what xentrace in dom0 has written.")
		flag.PrintDefaults()
	}
	flag.Parse()
	if flag.NArg() != 1 {
		flag.Usage()
		os.Exit(2)
	}
	if err := run(flag.Arg(0), *sum); err != nil {
		fmt.Fprintln(os.Stderr, "xentrace:", err)
		os.Exit(1)
	}
}

func run(file string, sum bool) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	out := bufio.NewWriter(os.Stdout)
	if sum {
		err = summary(f, out)
	} else {
		err = list(f, out)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	return out.Flush()
}

// list prints a line for each record: ticks since the one before on the same
// processor, the processor, what it is, its words.
func list(in io.Reader, out io.Writer) error {
	last := map[uint32]uint64{}
	return read(in, func(x record) {
		since := ""
		if x.timed {
			if before, ok := last[x.cpu]; ok {
				since = fmt.Sprintf("+%d", x.tsc-before)
			}
			last[x.cpu] = x.tsc
		}
		fmt.Fprintf(out, "%10s %d %s%s", since, x.cpu, x.name(), x.what())
		for _, w := range x.extra {
			fmt.Fprintf(out, " %#x", w)
		}
		fmt.Fprintln(out)
	})
}

// what says what a number in the record stands for.
func (x record) what() string {
	if len(x.extra) == 0 {
		return ""
	}
	var s string
	switch x.event {
	case vmexit:
		s = exits[x.extra[0]]
	case vmmcall:
		s = hypercalls[x.extra[0]]
	case pvHypercall:
		s = hypercalls[x.extra[0]&0xfffff]
	}
	if s == "" {
		return ""
	}
	return " " + s + ":"
}

// stay is what is between a #VMEXIT and the next VMRUN on the processor: also
// what else it does where the guest waits.
type stay struct{ exits, ticks uint64 }

// summary prints, for each reason of an exit, how often it was and how long
// Xen then took.
func summary(in io.Reader, out io.Writer) error {
	type exit struct {
		reason string
		at     uint64
	}
	open, all := map[uint32]*exit{}, map[string]*stay{}
	err := read(in, func(x record) {
		e := open[x.cpu]
		switch {
		case x.event == vmexit && x.timed && len(x.extra) > 0:
			open[x.cpu] = &exit{cmp.Or(exits[x.extra[0]], fmt.Sprintf("%#x", x.extra[0])), x.tsc}
		case x.event == vmmcall && e != nil && len(x.extra) > 0:
			e.reason += " " + cmp.Or(hypercalls[x.extra[0]], fmt.Sprint(x.extra[0]))
		case x.event == vmentry && x.timed && e != nil:
			s := all[e.reason]
			if s == nil {
				s = &stay{}
				all[e.reason] = s
			}
			s.exits++
			s.ticks += x.tsc - e.at
			delete(open, x.cpu)
		}
	})
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%10s %14s %10s  %s\n", "exits", "ticks", "each", "reason")
	for _, reason := range slices.SortedFunc(maps.Keys(all), func(a, b string) int { return cmp.Compare(all[b].ticks, all[a].ticks) }) {
		s := all[reason]
		fmt.Fprintf(out, "%10d %14d %10d  %s\n", s.exits, s.ticks, s.ticks/s.exits, reason)
	}
	return nil
}
