package bench

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"internal/xengo/test/harness"
)

// TestScaling compares what work takes that several vCPUs share with what it takes one, in guests and in Linux. Only the
// host's processors can say that, so it is about time here, the machine must do nothing else, and more vCPUs than it has
// processors gain nothing: what counts is whether Linux gains more. XENGO_VCPUS has the numbers of vCPUs, the first is
// what the others are compared with; the table goes to the end of the file that XENGO_BENCH_TABLE names.
func TestScaling(t *testing.T) {
	if s := os.Getenv("XENGO_BENCH"); s != "all" && s != "scaling" {
		t.Skip("takes minutes; XENGO_BENCH=scaling runs it")
	}
	numbers := vcpus(t)
	if len(numbers) == 1 {
		numbers = []int{1, 2, 4}
	}
	s := suite{pkg: "guests/scaling", bench: ".", time: 300 * time.Millisecond}
	var out strings.Builder
	harness.EachAlone(t, harness.Platforms(), func(t *testing.T, p harness.Platform) {
		var linux, xengo []map[string]float64
		for _, n := range numbers {
			linux = append(linux, s.run(t, p.Bed(t), p, s.linux(t, p), n))
			xengo = append(xengo, s.run(t, p.Bed(t), p, s.xengo(t), n))
		}
		out.WriteString(scalingTable(p.Type, numbers, linux, xengo))
	})
	appendTable(t, out.String())
}

// scalingTable says how many times as fast a kind of guest is with several vCPUs.
func scalingTable(kind string, numbers []int, linux, xengo []map[string]float64) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Times as fast as with %d vCPU, %s; in brackets ns for each operation.\n\n| benchmark |", numbers[0], kind)
	for _, who := range []string{"Linux", "xengo"} {
		for _, n := range numbers {
			fmt.Fprintf(&b, " %s, %d |", who, n)
		}
	}
	b.WriteString("\n|---|" + strings.Repeat("---|", 2*len(numbers)) + "\n")
	for _, name := range slices.Sorted(maps.Keys(xengo[0])) {
		fmt.Fprintf(&b, "| %s |", name)
		for _, results := range [][]map[string]float64{linux, xengo} {
			for _, r := range results {
				fmt.Fprintf(&b, " %.2f (%.0f) |", quotient(results[0][name], r[name]), r[name])
			}
		}
		b.WriteString("\n")
	}
	b.WriteString("\n")
	return b.String()
}

func TestScalingTable(t *testing.T) {
	table := scalingTable("pv", []int{1, 2}, []map[string]float64{{"A": 100}, {"A": 50}}, []map[string]float64{{"A": 90}, {}})
	require.Contains(t, table, "| benchmark | Linux, 1 | Linux, 2 | xengo, 1 | xengo, 2 |\n")
	require.Contains(t, table, "| A | 1.00 (100) | 2.00 (50) | 1.00 (90) | NaN (0) |\n")
}
