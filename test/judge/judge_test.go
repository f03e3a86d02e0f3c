package judge

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func quiet(string, string, float64, []string) {}

const sample = `{"Action":"start","Package":"p"}
{"Action":"run","Package":"p","Test":"TestA"}
{"Action":"run","Package":"p","Test":"TestA/sub"}
{"Action":"output","Package":"p","Test":"TestA/sub","Output":"why\n"}
{"Action":"fail","Package":"p","Test":"TestA/sub"}
{"Action":"run","Package":"p","Test":"TestA/other"}
{"Action":"output","Package":"p","Test":"TestA/other","Output":"of no interest\n"}
{"Action":"pass","Package":"p","Test":"TestA/other"}
{"Action":"output","Package":"p","Test":"TestA","Output":"in vain\n"}
{"Action":"fail","Package":"p","Test":"TestA"}
{"Action":"run","Package":"p","Test":"TestB"}
{"Action":"pass","Package":"p","Test":"TestB"}
{"Action":"run","Package":"p","Test":"TestC"}
{"Action":"output","Package":"p","Output":"panic\n"}
{"Action":"fail","Package":"p"}
{"ImportPath":"q [q.test]","Action":"build-output","Output":"no\n"}
{"ImportPath":"q [q.test]","Action":"build-fail"}
`

func TestParse(t *testing.T) {
	r, err := parse(strings.NewReader(sample), "", quiet)
	require.NoError(t, err)
	require.Equal(t, map[name]outcome{{"p", ""}: failed, {"p", "TestA"}: failed, {"p", "TestB"}: passed, {"p", "TestC"}: missing, {"q", ""}: failed}, r.outcomes)
	require.Equal(t, []string{"in vain\n", "why\n"}, r.said(name{"p", "TestA"}))
	require.Equal(t, "did not end\npanic\n", explain(column{"", r}, name{"p", "TestC"}))
	_, err = parse(strings.NewReader("x\n"), "", quiet)
	require.ErrorContains(t, err, `"x\n"`)
}

// parseEvents parses events of package p, each an action, a test, and what it says.
func parseEvents(t *testing.T, each string, events ...[3]string) *results {
	t.Helper()
	var lines strings.Builder
	for _, e := range events {
		fmt.Fprintf(&lines, `{"Package":"p","Action":%q,"Test":%q,"Output":%q}`+"\n", e[0], e[1], e[2])
	}
	r, err := parse(strings.NewReader(lines.String()), each, quiet)
	require.NoError(t, err)
	return r
}

// Where the package and its external tests have each a test of one name, one failure is enough, in either order.
func TestTwoOfOneName(t *testing.T) {
	for _, how := range [][2]string{{"fail", "pass"}, {"pass", "fail"}, {"fail", "skip"}} {
		var events [][3]string
		for _, how := range how {
			events = append(events, [3]string{"run", "Test"}, [3]string{"output", "Test", how + "\n"}, [3]string{how, "Test"})
		}
		r := parseEvents(t, "", events...)
		require.Equal(t, failed, r.outcomes[name{"p", "Test"}], how)
		require.Contains(t, r.said(name{"p", "Test"}), "fail\n", how)
	}
}

// The first of two such tests fails for its subtest, the second one by itself.
func TestEachTwice(t *testing.T) {
	r := parseEvents(t, "Test", [][3]string{
		{"run", "Test"}, {"run", "Test/A"}, {"fail", "Test/A"}, {"fail", "Test"},
		{"run", "Test"}, {"run", "Test/B"}, {"pass", "Test/B"}, {"fail", "Test"},
		{"fail"},
	}...)
	require.Equal(t, map[name]outcome{{"p", ""}: failed, {"p", "Test"}: failed, {"p", "Test/A"}: failed, {"p", "Test/B"}: passed}, r.outcomes)
}

// Where a package's tests are subtests of one, each counts, and that one for what it does itself.
func TestEach(t *testing.T) {
	for outcomes, want := range map[string]map[name]outcome{
		"pass pass pass": {{"p", "Test"}: passed, {"p", "Test/A"}: passed, {"p", "Test/B"}: passed},
		"pass fail fail": {{"p", "Test"}: passed, {"p", "Test/A"}: passed, {"p", "Test/B"}: failed},
		"pass pass fail": {{"p", "Test"}: failed, {"p", "Test/A"}: passed, {"p", "Test/B"}: passed},
	} {
		how := strings.Fields(outcomes)
		events := [][3]string{{"run", "Test"}}
		for i, sub := range []string{"Test/A", "Test/B"} {
			events = append(events, [][3]string{
				{"run", sub}, {"run", sub + "/part"}, {"output", sub + "/part", "part of " + sub}, {how[i], sub + "/part"}, {how[i], sub},
			}...)
		}
		r := parseEvents(t, "Test", append(events, [3]string{how[2], "Test"})...)
		require.Equal(t, want, r.outcomes, outcomes)
		require.Equal(t, how[1] == "fail", len(r.said(name{"p", "Test/B"})) > 0, outcomes)
	}
}

// Of a program that crashed its first words in the crash are kept, however much it said before and then.
func TestKeep(t *testing.T) {
	var lines []string
	for range 100 {
		lines = keep(lines, "before\n")
	}
	lines = keep(lines, "runtime: why in detail\n")
	lines = keep(lines, "fatal error: why\n")
	for range 1000 {
		lines = keep(lines, "where\n")
	}
	lines = keep(lines, "fatal error: what comes of it\n")
	require.Equal(t, []string{"runtime: why in detail\n", "fatal error: why\n"}, lines[:2])
	require.Len(t, lines, firstLines+lastLines)
	require.NotContains(t, lines, "before\n")
}

// What a test says is kept, however much is logged around it, and the latest of it if that is too much.
func TestKeepMessages(t *testing.T) {
	const why = "    end_test.go:7: why\n"
	var lines []string
	for range 100 {
		lines = keep(lines, "    log.go:1: before\n")
	}
	lines = keep(lines, why)
	for range 1000 {
		lines = keep(lines, "    log.go:1: after\n")
	}
	require.Len(t, lines, firstLines+lastLines)
	require.Equal(t, why, lines[firstLines])
	for i := range 1000 {
		lines = keep(lines, fmt.Sprintf("    end_test.go:8: %d\n", i))
	}
	require.Len(t, lines, firstLines+lastLines)
	require.NotContains(t, lines, why)
	require.Equal(t, "    end_test.go:8: 999\n", lines[len(lines)-1])
}

func FuzzParse(f *testing.F) {
	f.Add(sample)
	f.Fuzz(func(t *testing.T, s string) {
		if r, err := parse(strings.NewReader(s), "TestA", quiet); err == nil && r == nil {
			t.Fatal("nothing")
		}
	})
}

func TestExceptions(t *testing.T) {
	e, err := parseExceptions(strings.NewReader("# x\n\np TestA because of this\nq/* Test* that\nall TestB \"no exec\" - exec\n"))
	require.NoError(t, err)
	found, ok := e.find(name{"p", "TestA"}, nil)
	require.True(t, ok)
	require.Equal(t, "because of this", found.reason)
	require.False(t, found.moot)
	_, ok = e.find(name{"q/r", "TestZ"}, nil)
	require.True(t, ok)
	_, ok = e.find(name{"p", "TestB"}, []string{"no ", "memory"})
	require.False(t, ok)
	found, ok = e.find(name{"p/q/r", "TestB"}, []string{"here is no ex", "ec"})
	require.True(t, ok)
	require.Equal(t, "exec", found.reason)
	require.True(t, found.moot)
	e, err = parseExceptions(strings.NewReader("p * of any\nq Test*/A of these\n"))
	require.NoError(t, err)
	for n, want := range map[name]bool{{"p", "Test/A"}: true, {"q", "TestX/A"}: true, {"q", "TestX"}: false, {"q", "TestX/A/B"}: false} {
		_, ok = e.find(n, nil)
		require.Equal(t, want, ok, n)
	}
	for _, bad := range []string{"p TestA", "p [ why", `p TestA "x`} {
		_, err := parseExceptions(strings.NewReader(bad))
		require.ErrorContains(t, err, "line 1", bad)
	}
}

func TestTable(t *testing.T) {
	linux := &results{outcomes: map[name]outcome{{"p", ""}: passed, {"p", "TestA"}: passed, {"p", "TestB"}: passed, {"q", "TestC"}: skipped, {"p", "TestD"}: passed}}
	guest := &results{outcomes: map[name]outcome{{"p", "TestA"}: failed, {"p", "TestB"}: passed, {"p", "TestD"}: skipped}}
	v := &verdict{linux: linux, columns: []column{{"pv", guest}}, exceptions: exceptions{{pkg: "p", test: "TestA", reason: "so"}, {pkg: "p", test: "TestD", reason: "needs more", moot: true}}}
	var b strings.Builder
	require.NoError(t, v.write(&b))
	require.Equal(t, `Tests that pass on Linux, and how many of them pass in a guest:

| package | Linux | pv |
|---|---|---|
| p | 3 | 1 of 2 |
| **all** | 3 | 1 of 2 |

What does not pass:

| test | where | why |
|---|---|---|
| p TestA | pv | so |
| p TestD | pv | needs more |
`, b.String())
}

func TestParseKind(t *testing.T) {
	k, err := parseKind("pvh/4")
	require.NoError(t, err)
	require.Equal(t, Kind{Type: "pvh", VCPUs: 4}, k)
	for _, s := range []string{"", "pv", "pv/", "pv/0", "hvm/1", "pv/4x"} {
		_, err := parseKind(s)
		require.Error(t, err, s)
	}
}
