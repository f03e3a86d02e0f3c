// Package cmdline splits a guest's kernel command line, which the toolstack
// makes of extra= and root= in the domain's config, into options of the guest,
// environment and arguments.
//
// It reads like the start of a shell command: words of the form NAME=VALUE come
// first and are the environment, except for a few lower-case names that are
// options of the guest; from the first word that is not of that form on, words
// are arguments. A word "--" ends the first part explicitly and is dropped.
// Blanks separate words; '…', "…" and \ quote as in sh.
//
// Package runtime uses it before there is a heap: nothing here allocates.
package cmdline

// Kind tells what a word is.
type Kind uint8

const (
	Option   Kind = iota // name=value, name one of Options
	Env                  // NAME=value
	Argument             // all else
)

// Options are the names that are read by the guest itself.
var Options = [...]string{
	"argv0",    // the program's name, os.Args[0]
	"console",  // "pipe": see runtime/tty; else ignored: toolstacks add it for Linux
	"cwd",      // the working directory
	"dns",      // name servers
	"exe",      // where the program is, if argv0 does not say it
	"gw",       // gateways
	"hostname", // host name
	"ip",       // addresses
	"mount",    // file systems, see Mount; there may be several
	"spawn",    // what other programs need that this one starts (package spawn)
}

// Scanner yields the words of a command line.
type Scanner struct {
	rest string
	args bool // the arguments have begun
}

// New returns a Scanner of line.
func New(line string) Scanner { return Scanner{rest: line} }

// Next appends the next word, unquoted, to dst and returns the result and
// what the word is, or false at the end. The words of a line together are
// never longer than the line.
func (s *Scanner) Next(dst []byte) (word []byte, kind Kind, ok bool) {
	for {
		start := len(dst)
		dst, quoted, ok := s.word(dst)
		if !ok {
			return dst, 0, false
		}
		if s.args {
			return dst, Argument, true
		}
		name := nameLen(dst[start:])
		switch {
		case name > 0 && isOption(dst[start:start+name]):
			return dst, Option, true
		case name > 0:
			return dst, Env, true
		}
		s.args = true
		if quoted || string(dst[start:]) != "--" {
			return dst, Argument, true
		}
		dst = dst[:start]
	}
}

// word takes one word off the line. A quote that is never closed ends with the
// line.
func (s *Scanner) word(dst []byte) (_ []byte, quoted, ok bool) {
	i := 0
	for i < len(s.rest) && isBlank(s.rest[i]) {
		i++
	}
	if i == len(s.rest) {
		s.rest = ""
		return dst, false, false
	}
	var quote byte
	for ; i < len(s.rest); i++ {
		c := s.rest[i]
		switch {
		case quote == 0 && isBlank(c):
			s.rest = s.rest[i:]
			return dst, quoted, true
		case quote != 0 && c == quote:
			quote = 0
		case quote == 0 && (c == '\'' || c == '"'):
			quote, quoted = c, true
		case c == '\\' && quote != '\'' && i+1 < len(s.rest) && (quote == 0 || s.rest[i+1] == '"' || s.rest[i+1] == '\\'):
			i++
			dst, quoted = append(dst, s.rest[i]), true
		default:
			dst = append(dst, c)
		}
	}
	s.rest = ""
	return dst, quoted, true
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' || c == '\n' }

// nameLen returns the length of NAME if the word is NAME=VALUE, else 0.
func nameLen(w []byte) int {
	for i, c := range w {
		switch {
		case c == '=':
			return i
		case c == '_', 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', i > 0 && ('0' <= c && c <= '9' || c == '.' || c == '-'):
		default:
			return 0
		}
	}
	return 0
}

func isOption(name []byte) bool {
	for _, o := range &Options {
		if string(name) == o {
			return true
		}
	}
	return false
}

// Lookup returns the value of the last option of that name on the line,
// appended to dst.
func Lookup(line, name string, dst []byte) (_ []byte, ok bool) {
	start := len(dst)
	end := start
	s := New(line)
	for {
		word, kind, more := s.Next(dst[:end])
		if !more || kind == Argument {
			return word[:end], ok
		}
		w := word[end:]
		if kind == Option && len(w) > len(name) && string(w[:len(name)]) == name && w[len(name)] == '=' {
			n := copy(word[start:], w[len(name)+1:])
			end = start + n
			ok = true
		}
		dst = word
	}
}
