package bench

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var line = regexp.MustCompile(`(?m)^Benchmark(\S+?)(?:-\d+)?\s+\d+\s(.*)$`)
var perOp = regexp.MustCompile(`(\S+) ns/op`)

// parse finds in a test binary's output the least that each benchmark takes, in
// ns: dom0, which reads the console, only adds to it.
func parse(output string) map[string]float64 {
	all := map[string]float64{}
	for _, m := range line.FindAllStringSubmatch(strings.ReplaceAll(output, "\r", ""), -1) {
		if v := perOp.FindStringSubmatch(m[2]); v != nil {
			if ns, err := strconv.ParseFloat(v[1], 64); err == nil {
				all[m[1]] = min(ns, cmp.Or(all[m[1]], ns))
			}
		}
	}
	return all
}

// begun is how a benchmark's line begins, which is there before it runs.
var begun = regexp.MustCompile(`(?m)^Benchmark(\S+?)(?:-\d+)?\s`)

// parseBroken is parse of an output that breaks off in a benchmark, which it returns too, as the function that it is part of: that
// is not among the results, for it may not have run as often as it should.
func parseBroken(output string) (done map[string]float64, in string) {
	done = parse(output)
	if all := begun.FindAllStringSubmatch(output, -1); all != nil {
		in = function(all[len(all)-1][1])
		maps.DeleteFunc(done, func(name string, _ float64) bool { return function(name) == in })
	}
	return done, in
}

// function is the one that a benchmark is part of.
func function(name string) string {
	top, _, _ := strings.Cut(name, "/")
	return top
}

// skip is the flag of test binaries that leaves out these functions.
func skip(functions map[string]bool) string {
	return "-test.skip=^Benchmark(" + strings.Join(slices.Sorted(maps.Keys(functions)), "|") + ")$"
}

// row is one benchmark.
type row struct {
	pkg, name   string
	linux, here map[string]float64 // by the kind of guest
}

// table compares guests with Linux.
type table struct {
	kinds []string
	rows  []*row
}

// add enters what a package's benchmarks took in a kind of guest.
func (t *table) add(kind, pkg string, linux, here map[string]float64) {
	if !slices.Contains(t.kinds, kind) {
		t.kinds = append(t.kinds, kind)
	}
	for _, name := range slices.Sorted(maps.Keys(here)) {
		i := slices.IndexFunc(t.rows, func(r *row) bool { return r.pkg == pkg && r.name == name })
		if i < 0 {
			i = len(t.rows)
			t.rows = append(t.rows, &row{pkg, name, map[string]float64{}, map[string]float64{}})
		}
		t.rows[i].linux[kind], t.rows[i].here[kind] = linux[name], here[name]
	}
}

// ratio is below 1 where the guest takes less; NaN if one of the two is not known.
func (r *row) ratio(kind string) float64 {
	return quotient(r.here[kind], r.linux[kind])
}

// quotient is a/b; NaN if one of the two is not known.
func quotient(a, b float64) float64 {
	if a <= 0 || b <= 0 {
		return math.NaN()
	}
	return a / b
}

func (t *table) String() string {
	var b strings.Builder
	b.WriteString("Instructions for each operation, by kind of domain and number of vCPUs; ratios below 1 are less than Linux takes.\n\n| benchmark |")
	for _, k := range t.kinds {
		fmt.Fprintf(&b, " %s: Linux | xengo | ratio |", k)
	}
	b.WriteString("\n|---|" + strings.Repeat("---|---|---|", len(t.kinds)) + "\n")
	for _, r := range t.rows {
		fmt.Fprintf(&b, "| %s %s |", strings.TrimPrefix(r.pkg, "guests/"), r.name)
		for _, k := range t.kinds {
			fmt.Fprintf(&b, " %.0f | %.0f | %.2f |", r.linux[k], r.here[k], r.ratio(k))
		}
		b.WriteString("\n")
	}
	b.WriteString("\n")
	return b.String()
}

// appendTable writes a table to the end of the file that XENGO_BENCH_TABLE names, or to standard output.
func appendTable(t *testing.T, text string) {
	t.Helper()
	f := os.Stdout
	if name := os.Getenv("XENGO_BENCH_TABLE"); name != "" {
		var err error
		f, err = os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o666)
		require.NoError(t, err)
		defer f.Close()
	}
	_, err := f.WriteString(text)
	require.NoError(t, err)
}

func TestParse(t *testing.T) {
	const output = "goos: x\r\nBenchmarkA/b=1-4 \t 10\t  20.5 ns/op\t 3 MB/s\r\nBenchmarkA/b=1-4 \t 10\t  19 ns/op\r\nBenchmarkA/b=1-4 \t 10\t  21 ns/op\r\nBenchmarkC\nPASS\n"
	require.Equal(t, map[string]float64{"A/b=1": 19}, parse(output))
}

func TestParseBroken(t *testing.T) {
	const output = "BenchmarkA/b-4 \t 10\t  20 ns/op\nBenchmarkA/c-4 \t 10\t  21 ns/op\nBenchmarkB-4 \t 10\t  22 ns/op\n"
	for end, want := range map[string]map[string]float64{
		"BenchmarkC/d-4 \t 10\t  23 ns/op\nBenchmarkC/e-4 \t[ 7.1] BUG\n": {"A/b": 20, "A/c": 21, "B": 22},
		"BenchmarkC       \t[ 7.1] BUG\n":                                 {"A/b": 20, "A/c": 21, "B": 22},
	} {
		done, in := parseBroken(output + end)
		require.Equal(t, want, done)
		require.Equal(t, "C", in)
	}
	done, in := parseBroken("[ 7.1] BUG\n")
	require.Empty(t, done)
	require.Empty(t, in)
	require.Equal(t, "-test.skip=^Benchmark(A|B)$", skip(map[string]bool{"B": true, "A": true}))
}

func TestTable(t *testing.T) {
	var tb table
	tb.add("pvh", "guests/speed", map[string]float64{"A": 100}, map[string]float64{"A": 50, "B": 1})
	require.Contains(t, tb.String(), "| speed A | 100 | 50 | 0.50 |\n| speed B | 0 | 1 | NaN |\n")
}
