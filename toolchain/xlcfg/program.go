package xlcfg

import (
	"fmt"
	"slices"
	"strings"

	"github.com/u-root/u-root/pkg/cpio"

	"internal/xengo/xen/cmdline"
)

// Program is what a program in a guest is started with.
type Program struct {
	Argv0   string   // os.Args[0]
	Args    []string // the rest of os.Args
	Env     []string // NAME=value
	Options []string // of the guest, name=value (package cmdline); the last of a name counts
}

// Limits.
const (
	MaxCmdline = 1023     // bytes: Xen's MAX_GUEST_CMDLINE without its NUL
	MaxStrings = 64 << 10 // bytes of arguments, and of environment
)

// Encode returns the kernel's command line and the files that the ramdisk must
// bring for what the line cannot.
func (p *Program) Encode() (line string, files []cpio.Record, err error) {
	args, env := nulEnded(p.Args), nulEnded(p.Env)
	if max(len(args), len(env)) > MaxStrings {
		return "", nil, fmt.Errorf("%d bytes of arguments and %d of environment: a guest can have %d of each", len(args), len(env), MaxStrings)
	}
	for _, s := range slices.Concat(p.Args, p.Env, p.Options, []string{p.Argv0}) {
		if strings.ContainsRune(s, 0) {
			return "", nil, fmt.Errorf("a NUL in %q", s)
		}
	}
	options := slices.Clone(p.Options)
	if p.Argv0 != "" {
		options = append([]string{"argv0=" + p.Argv0}, options...)
	}
	argsFit, envFit := plain(p.Args), plainEnv(p.Env)
	for {
		line = join(options, pick(p.Env, envFit), pick(p.Args, argsFit))
		if len(line) <= MaxCmdline || !argsFit && !envFit {
			break
		}
		// What is longer leaves the line first.
		if argsFit && (!envFit || len(args) >= len(env)) {
			argsFit = false
		} else {
			envFit = false
		}
	}
	if len(line) > MaxCmdline {
		return "", nil, fmt.Errorf("a command line of %d bytes: Xen has room for %d", len(line), MaxCmdline)
	}
	if !argsFit {
		files = append(files, cpio.StaticFile(".xengo/args", args, 0o444))
	}
	if !envFit {
		files = append(files, cpio.StaticFile(".xengo/env", env, 0o444))
	}
	if files != nil {
		files = append([]cpio.Record{cpio.Directory(".xengo", 0o755)}, files...)
	}
	return line, files, nil
}

func pick(words []string, fit bool) []string {
	if fit {
		return words
	}
	return nil
}

func join(options, env, args []string) string {
	words := slices.Concat(options, env)
	for i, w := range words {
		words[i] = quoteWord(w)
	}
	if len(args) > 0 {
		words = append(words, "--")
	}
	for _, w := range args {
		words = append(words, quoteWord(w))
	}
	return strings.Join(words, " ")
}

// quoteWord quotes a word for package cmdline.
func quoteWord(w string) string {
	if w != "" && w != "--" && !strings.ContainsAny(w, " \t\n'\"\\") {
		return w
	}
	return "'" + strings.ReplaceAll(w, "'", `'\''`) + "'"
}

// plainEnv reports whether the words are environment to package cmdline too,
// and not options of the guest.
func plainEnv(words []string) bool {
	for _, w := range words {
		s := cmdline.New(quoteWord(w))
		if got, kind, ok := s.Next(nil); !ok || kind != cmdline.Env || string(got) != w {
			return false
		}
	}
	return plain(words)
}

// plain reports whether no word has bytes that tools in between might not like.
func plain(words []string) bool {
	return !slices.ContainsFunc(words, func(w string) bool {
		return strings.ContainsFunc(w, func(r rune) bool { return r < ' ' || r == 0x7f })
	})
}

func nulEnded(words []string) string {
	var b strings.Builder
	for _, w := range words {
		b.WriteString(w)
		b.WriteByte(0)
	}
	return b.String()
}
