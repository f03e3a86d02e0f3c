package bench

import (
	"cmp"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/u-root/u-root/pkg/cpio"

	"internal/xengo/test/harness"
	"internal/xengo/toolchain/bed"
	"internal/xengo/toolchain/xlcfg"
)

// suite is a package's benchmarks.
type suite struct {
	pkg   string
	bench string   // regular expression of those that are run
	dir   string   // working directory
	files []string // what they read, in GOROOT
	disk  string   // they use two disks, see package diskspeed: the second has this file system

	time time.Duration // how long each runs at least; 0: benchtime
}

var (
	// ours are what a kernel is asked for.
	ours = []suite{
		{pkg: "guests/speed", bench: "."}, {pkg: "guests/diskspeed", bench: ".", disk: "ext4"}, {pkg: "guests/diskspeed", bench: "^BenchmarkFile", disk: "vfat"},
	}

	// gos are Go's own.
	gos = []suite{
		{pkg: "runtime", bench: "^(Benchmark)?(ChanUncontended|ChanContended|ChanSync|ChanProdCons10|ChanCreation|ChanSem|SelectProdCons|SelectSyncContended|" +
			"Malloc8|MallocLargeStruct|Allocation|WriteBarrier|CreateGoroutines|CreateGoroutinesSingle|PingPongHog|MutexHandoff|MutexContention|StackGrowth|StackCopy|" +
			"ScanStackNoLocals|Memmove|Memclr|GoMemclr|Hash1024|MakeSlice|GrowSlice|Syscall|SyscallWork|NetpollBreak|OSYield|FinalizerRun|" +
			"Matmult|Defer|PanicRecover|Callers|TraceStack|WakeupParallelSpinning)$"},
		{pkg: "sync", bench: "Mutex|Cond8|Pool$|PoolSTW|WaitGroup|Once$|Sema|MapLoadMostlyHits|MapRange"},
		{pkg: "encoding/json", bench: "Code|UnmarshalString|UnmarshalMap|MarshalMap|DecoderStream|NumberIsValid$"},
		{pkg: "sort", bench: "1K|SortStrings$|SortStructs|64K$|1e4"},
		{pkg: "compress/flate", bench: "/.*/.*/1e5|WriterMemUsage", dir: "/src/compress/flate", files: []string{"src/compress/testdata/e.txt", "src/testdata/Isaac.Newton-Opticks.txt"}},
		{pkg: "regexp", bench: "Find|Replace|Onepass|OnePass|MatchClass|Compile|Match$/.*/1K$"},
	}
)

// TestSpeed compares what benchmarks take in guests and in Linux, in
// instructions. XENGO_BENCH=all adds Go's own benchmarks, XENGO_BENCH=sort runs those of
// one package, XENGO_BENCH='speed/Timer|Mutex' those of its benchmarks that match. XENGO_VCPUS="1 2 4" does so with
// several numbers of vCPUs. The table goes to the end of the file that XENGO_BENCH_TABLE names. Where time is spent in Xen
// XENGO_TRACE=DIR shows, see trace.
func TestSpeed(t *testing.T) {
	suites := slices.Clone(ours)
	name, bench, _ := strings.Cut(os.Getenv("XENGO_BENCH"), "/")
	switch {
	case name == "all":
		suites = append(suites, gos...)
	case name != "":
		suites = slices.DeleteFunc(append(suites, gos...), func(x suite) bool { return path.Base(x.pkg) != name })
		require.NotEmpty(t, suites, "XENGO_BENCH=%s is no package with benchmarks here", name)
		for i := range suites {
			suites[i].bench = cmp.Or(bench, suites[i].bench)
		}
	case !harness.Long():
		t.Skip("takes minutes; XENGO_BENCH=speed runs it")
	}
	table := &table{}
	harness.EachAlone(t, harness.Platforms(), func(t *testing.T, p harness.Platform) {
		b := harness.CountingBed(t, p.Xen)
		for _, n := range vcpus(t) {
			for _, s := range suites {
				linux := s.run(t, b, p, s.linux(t, p), n)
				xengo := s.run(t, b, p, s.xengo(t), n)
				table.add(fmt.Sprintf("%s/%d", p.Type, n), strings.TrimSuffix(s.pkg+"/"+s.disk, "/"), linux, xengo)
			}
		}
	})
	appendTable(t, table.String())
}

// vcpus are the numbers of vCPUs that XENGO_VCPUS names, or 1. The machine that counts has one processor, which they
// share: what several take more than one is what they have to tell each other.
func vcpus(t *testing.T) (all []int) {
	t.Helper()
	for _, s := range strings.Fields(cmp.Or(os.Getenv("XENGO_VCPUS"), "1")) {
		n, err := strconv.Atoi(s)
		require.NoError(t, err, "XENGO_VCPUS")
		all = append(all, n)
	}
	return all
}

// linuxName is the domain's name of guests that are Linux.
const linuxName = "linux"

// megabytes is the memory of each guest.
const megabytes = 1024

// args are those of the test binary.
func (s *suite) args() []string {
	return []string{"-test.run=^$", "-test.bench=" + s.bench, "-test.benchtime=" + cmp.Or(s.time, benchtime).String(), "-test.count=3"}
}

// benchtime is how long a benchmark runs at least, in the guest's time.
const benchtime = 20 * time.Millisecond

func (s *suite) xengo(t *testing.T) bed.GuestConfig {
	options, tag := []string{"cwd=" + s.workdir()}, ""
	if s.disk != "" {
		options, tag = append(options, s.mount()), "xengo_"+s.disk
	}
	return bed.GuestConfig{
		Image: harness.Tests(t, s.pkg, "xenpv", tag), Args: s.args(), Options: options,
		Ramdisk: archive(t, s.data(t)), DiskFiles: s.diskFiles(t),
	}
}

// mount is the option that mounts the second disk: the guest's, and linuxinit's.
func (s *suite) mount() string { return "mount=xvdb:/data:" + s.disk }

// mkfs makes file systems.
var mkfs = map[string][]string{"ext4": harness.MkfsExt4, "vfat": harness.MkfsFAT32}

// diskFiles are the disks of a guest: one to be used raw, one with a file system.
func (s *suite) diskFiles(t *testing.T) []xlcfg.Disk {
	if s.disk == "" {
		return nil
	}
	t.Helper()
	const mib = 64
	return []xlcfg.Disk{{File: harness.Disk(t, mib)}, {File: harness.Disk(t, mib, mkfs[s.disk]...)}}
}

// linux runs the same program in Debian's kernel, as the one process beside its
// init.
func (s *suite) linux(t *testing.T, p harness.Platform) bed.GuestConfig {
	kernel, err := bed.LinuxKernel(t.Context(), bed.Options{Xen: p.Xen, Log: os.Stderr})
	require.NoError(t, err)
	records := append(initIs(t, harness.Linux(t, "guests/linuxinit")), s.data(t)...)
	records = append(records, program(t, "program", harness.Tests(t, s.pkg, "linux", "")))
	options := "console=hvc0 quiet clocksource=tsc tsc=reliable"
	if s.disk != "" {
		records = append(records, modules(t, kernel.Modules)...)
		options += " " + s.mount()
	}
	return bed.GuestConfig{
		Image: kernel.Kernel, Name: linuxName, Ramdisk: archive(t, records), DiskFiles: s.diskFiles(t),
		Cmdline: options + " -- " + s.workdir() + " /program " + strings.Join(s.args(), " "),
	}
}

// modules are those that linuxinit loads.
func modules(t *testing.T, files []string) []cpio.Record {
	t.Helper()
	all, order := []cpio.Record{cpio.Directory("modules", 0o755)}, ""
	for _, file := range files {
		all = append(all, program(t, "modules/"+filepath.Base(file), file))
		order += filepath.Base(file) + "\n"
	}
	return append(all, cpio.StaticFile("modules/order", order, 0o644))
}

func (s *suite) workdir() string {
	if s.dir == "" {
		return "/tmp"
	}
	return s.dir
}

// data are the files that the benchmarks read, and the working directory.
func (s *suite) data(t *testing.T) []cpio.Record {
	var all []cpio.Record
	seen := map[string]bool{}
	dir := func(name string) {
		parts := strings.Split(name, "/")
		for i := range parts {
			if d := strings.Join(parts[:i+1], "/"); !seen[d] {
				seen[d] = true
				all = append(all, cpio.Directory(d, 0o755))
			}
		}
	}
	dir(s.workdir()[1:])
	for _, name := range s.files {
		data, err := os.ReadFile(filepath.Join(harness.GOROOT(t), name))
		require.NoError(t, err)
		dir(filepath.Dir(name))
		all = append(all, cpio.StaticFile(name, string(data), 0o644))
	}
	return all
}

// crashes is how often Linux may crash in one benchmark, which is then left out, or before the first.
const crashes = 3

// run boots a guest and returns what its benchmarks say. Linux, when the emulator has crashed it, goes on behind what it has
// done: the interrupts that QEMU injects twice (ARCHITECTURE.md, Limits of the emulated machine) do so, in some every time.
func (s *suite) run(t *testing.T, b *bed.Bed, p harness.Platform, c bed.GuestConfig, n int) (results map[string]float64) {
	t.Helper()
	c.MemoryMB, c.VCPUs, c.Vifs, c.NativeTSC = megabytes, n, []string{}, true
	results = map[string]float64{}
	cmdline, done, crashed := c.Cmdline, map[string]bool{}, map[string]int{}
	for {
		if len(done) > 0 {
			c.Cmdline = cmdline + " " + skip(done)
		}
		some, in, broke := s.try(t, b, p, c)
		for name, ns := range some {
			results[name], done[function(name)] = ns, true
		}
		if !broke {
			if len(results) == 0 {
				t.Errorf("%s: no benchmark", s.pkg)
			}
			return results
		}
		if crashed[in]++; crashed[in] < crashes {
			continue
		}
		if in == "" {
			t.Errorf("%s: Linux crashes before the first benchmark", s.pkg)
			return results
		}
		t.Logf("%s: Linux crashes in Benchmark%s, which is left out", s.pkg, in)
		done[in] = true
	}
}

// try runs a guest once. It may break only if it is Linux, which crashes then; in is the function of the benchmark that ran, if
// one did.
func (s *suite) try(t *testing.T, b *bed.Bed, p harness.Platform, c bed.GuestConfig) (results map[string]float64, in string, broke bool) {
	t.Helper()
	name := fmt.Sprintf("%s/%s/%d", s.pkg, cmp.Or(c.Name, "xengo"), c.VCPUs)
	t.Run(name, func(t *testing.T) { // so that the guest goes when it is done
		stop := trace(t, b, name+"-"+p.Type)
		g := harness.StartIn(t, b, p, c, time.Hour)
		result, output := g.End(), g.Transcript()
		stop()
		if c.Name == linuxName && result.Crashed() {
			t.Logf("Linux crashed:\n%s", output)
			results, in = parseBroken(output)
			broke = true
			return
		}
		require.Equal(t, bed.Poweroff, result.Reason)
		require.Contains(t, output, "\nPASS\n")
		results = parse(output)
	})
	return results, in, broke
}
