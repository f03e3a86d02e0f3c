package cmdline

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func split(line string) (opts, env, args []string) {
	s := New(line)
	for {
		w, kind, ok := s.Next(nil)
		if !ok {
			return
		}
		switch kind {
		case Option:
			opts = append(opts, string(w))
		case Env:
			env = append(env, string(w))
		case Argument:
			args = append(args, string(w))
		}
	}
}

func TestSplit(t *testing.T) {
	for _, c := range []struct {
		line            string
		opts, env, args []string
	}{
		{line: ""},
		{line: "  \t "},
		{line: "-v x", args: []string{"-v", "x"}},
		{line: "A=1 B= cmd C=3", env: []string{"A=1", "B="}, args: []string{"cmd", "C=3"}},
		{line: "ip=10.0.0.2/24 GOGC=50 -- --", opts: []string{"ip=10.0.0.2/24"}, env: []string{"GOGC=50"}, args: []string{"--"}},
		{line: "-- A=1", args: []string{"A=1"}},
		{line: `'--' A=1`, args: []string{"--", "A=1"}},
		{line: `M="a b" 'c  d' e\ f "g\"h" 'i\j' ""`, env: []string{"M=a b"}, args: []string{"c  d", "e f", `g"h`, `i\j`, ""}},
		{line: `'open quote`, args: []string{"open quote"}},
		{line: `=x`, args: []string{"=x"}},
		{line: `1A=x`, args: []string{"1A=x"}},
	} {
		opts, env, args := split(c.line)
		require.Equal(t, c.opts, opts, c.line)
		require.Equal(t, c.env, env, c.line)
		require.Equal(t, c.args, args, c.line)
	}
}

func TestLookup(t *testing.T) {
	for _, c := range []struct{ line, name, want string }{
		{"ip=1 X=2 ip=3 -- ip=4", "ip", "3"},
		{"hostname='a b'", "hostname", "a b"},
		{"gw=long-value gw=s", "gw", "s"},
	} {
		got, ok := Lookup(c.line, c.name, []byte("pre"))
		require.True(t, ok)
		require.Equal(t, "pre"+c.want, string(got))
	}
	got, ok := Lookup("A=1 cmd ip=1", "ip", nil)
	require.False(t, ok)
	require.Empty(t, got)
}

// FuzzNext: words never outgrow the line, and quoting every word gives back
// the same words.
func FuzzNext(f *testing.F) {
	f.Add("A=1 ip=2 -- 'x y' \\\" z")
	f.Fuzz(func(t *testing.T, line string) {
		opts, env, args := split(line)
		n := 0
		var quoted []string
		for _, l := range [][]string{opts, env, {"--"}, args} {
			for _, w := range l {
				n += len(w)
				if w == "--" && len(quoted) == len(opts)+len(env) {
					quoted = append(quoted, w)
					continue
				}
				quoted = append(quoted, "'"+strings.ReplaceAll(w, "'", `'\''`)+"'")
			}
		}
		if n > len(line)+2 {
			t.Fatalf("%d bytes of words from %d", n, len(line))
		}
		o2, e2, a2 := split(strings.Join(quoted, " "))
		if len(o2) != len(opts) || len(e2) != len(env) {
			t.Skip() // an option's name was quoted apart
		}
		require.Equal(t, args, a2)
	})
}
