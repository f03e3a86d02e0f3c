package xlcfg

import (
	"bytes"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/u-root/u-root/pkg/cpio"

	"internal/xengo/runtime/newc"
	"internal/xengo/xen/cmdline"
)

// start does what a guest does with what Encode made (runtime/args_xenpv.go).
func start(t *testing.T, p Program) (got Program, line string) {
	t.Helper()
	line, files, err := p.Encode()
	require.NoError(t, err)
	require.LessOrEqual(t, len(line), MaxCmdline)
	var b bytes.Buffer
	w := cpio.Newc.Writer(&b)
	require.NoError(t, cpio.WriteRecords(w, files))
	require.NoError(t, cpio.WriteTrailer(w))
	archive := b.Bytes()
	argv0, _ := cmdline.Lookup(line, "argv0", nil)
	got.Argv0 = string(argv0)
	for s := cmdline.New(line); ; {
		word, kind, ok := s.Next(nil)
		if !ok {
			break
		}
		switch kind {
		case cmdline.Argument:
			got.Args = append(got.Args, string(word))
		case cmdline.Env:
			got.Env = append(got.Env, string(word))
		case cmdline.Option:
			if !strings.HasPrefix(string(word), "argv0=") {
				got.Options = append(got.Options, string(word))
			}
		}
	}
	split := func(name string) []string {
		b := newc.Find(archive, name)
		if len(b) == 0 {
			return nil
		}
		return strings.Split(strings.TrimSuffix(string(b), "\x00"), "\x00")
	}
	got.Args = append(got.Args, split(".xengo/args")...)
	got.Env = append(got.Env, split(".xengo/env")...)
	return got, line
}

func TestEncode(t *testing.T) {
	long := strings.Repeat("x", 60<<10)
	for name, p := range map[string]Program{
		"nothing":         {},
		"quotes":          {Argv0: "a b", Args: []string{"", "it's", `"`, `\`, "--", "a=b", " "}, Env: []string{"A=", "B='", `C=\"`}},
		"first is --":     {Args: []string{"--", "--"}},
		"like env":        {Args: []string{"A=b", "console=pipe"}},
		"like options":    {Env: []string{"ip=1", "A=b", "console=x"}, Options: []string{"console=pipe"}},
		"odd names":       {Env: []string{"A B=c", "=x", "1=2"}},
		"newlines":        {Args: []string{"a\nb"}, Env: []string{"A=b\nc"}},
		"long args":       {Args: []string{long, "b"}, Env: []string{"A=b"}, Options: []string{"hostname=x"}},
		"long env":        {Args: []string{"a"}, Env: []string{"A=" + long}},
		"both long":       {Args: []string{long}, Env: []string{"A=" + long}},
		"together long":   {Args: []string{long[:600]}, Env: []string{"A=" + long[:600]}},
		"not plain, long": {Args: []string{"\t"}, Env: []string{"A=" + long}},
		"utf-8":           {Args: []string{"grüße"}},
	} {
		t.Run(name, func(t *testing.T) {
			got, _ := start(t, p)
			require.Equal(t, p, got)
		})
	}
	_, line := start(t, Program{Argv0: "app", Args: []string{"-v"}, Env: []string{"A=b c"}})
	require.Equal(t, "argv0=app 'A=b c' -- -v", line, "what people will read")
}

func TestEncodeErrors(t *testing.T) {
	for want, p := range map[string]Program{
		"a NUL":    {Args: []string{"a\x00b"}},
		"65537":    {Args: []string{strings.Repeat("x", 64<<10)}},
		"65539":    {Env: []string{"A=" + strings.Repeat("x", 64<<10)}},
		"has room": {Argv0: strings.Repeat("x", 2000)},
	} {
		_, _, err := p.Encode()
		require.ErrorContains(t, err, want)
	}
}

func TestEncodeRandom(t *testing.T) {
	const alphabet = "ab=-_ '\"\\\t\n\x7fé1"
	word := func() string {
		var b strings.Builder
		for range rand.IntN(12) {
			b.WriteByte(alphabet[rand.IntN(len(alphabet))])
		}
		return b.String()
	}
	for range 5000 {
		var p Program
		for range rand.IntN(5) {
			p.Args = append(p.Args, word())
		}
		for range rand.IntN(5) {
			p.Env = append(p.Env, word()+"="+word())
		}
		got, _ := start(t, p)
		require.Equal(t, p, got)
	}
}
