package harness

import (
	"context"
	"debug/elf"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"internal/xengo/toolchain/bed"
)

var address = regexp.MustCompile(`\b0*([4-9a-f][0-9a-f]{5}|1[0-9a-f]{6})\b`)

// samples is how often a stuck guest is looked at.
const samples = 5

// where tells what the vCPU of a guest that does not end is doing: its registers,
// several times, with the functions that the numbers there may mean, and what
// Xen knows of its vCPUs and event channels.
func where(b *bed.Bed, g *bed.Guest, image string) string {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	log, err := b.XenLog()
	if err != nil {
		return err.Error()
	}
	look := fmt.Sprintf("xl list; for i in $(seq %d); do xenctx %d 0; usleep 100000; done; xl debug-keys q; xl debug-keys e; sleep 1", samples, g.DomID())
	found, err := b.Exec(ctx, "sh", "-c", look)
	if err != nil {
		found += err.Error()
	}
	name := symbolizer(image)
	found = address.ReplaceAllStringFunc(found, func(s string) string {
		n, err := strconv.ParseUint(strings.TrimLeft(s, "0"), 16, 64)
		if err != nil {
			return s
		}
		return s + name(n)
	})
	after, err := b.XenLog()
	if err != nil || len(after) < len(log) {
		return found
	}
	return found + after[len(log):]
}

// xenSaid is what Xen logged since its log was as long as that, but for the
// lines about each part of each domain that is made.
func xenSaid(b *bed.Bed, since int) string {
	log, err := b.XenLog()
	if err != nil {
		return err.Error()
	}
	var said strings.Builder
	for line := range strings.Lines(log[min(since, len(log)):]) {
		if !domainParts.MatchString(line) {
			said.WriteString(line)
		}
	}
	return said.String()
}

var domainParts = regexp.MustCompile(`HVM (d\d+(v\d+)? save|restore d\d+):`)

// symbolizer returns a function that names the function at an address.
func symbolizer(image string) func(address uint64) string {
	f, err := elf.Open(image)
	if err != nil {
		return func(uint64) string { return "" }
	}
	defer f.Close()
	symbols, err := f.Symbols()
	if err != nil {
		return func(uint64) string { return "" }
	}
	return func(address uint64) string {
		for _, s := range symbols {
			if elf.ST_TYPE(s.Info) == elf.STT_FUNC && address >= s.Value && address < s.Value+s.Size {
				return fmt.Sprintf("=%s+%#x", s.Name, address-s.Value)
			}
		}
		return ""
	}
}
