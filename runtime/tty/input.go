package tty

// maxLine is how much of a line may wait for its end; what comes then is passed on as it is.
const maxLine = 4096

// maxQueued is how much input is taken from the console ahead of readers.
const maxQueued = 4 * maxLine

// Signals that keys send. Source: Linux 6.16 include/uapi/asm-generic/signal.h.
const (
	sigINT  = 2
	sigQUIT = 3
	sigTSTP = 20
)

// input is what was typed: lines that are complete and the one that is being edited. In raw mode there is only one
// "line", of what has not been read.
type input struct {
	lines [][]byte // an empty one is an end of file
	line  []byte
	size  int // bytes in lines

	literal bool // the next byte stands for itself
}

// push makes what was typed since the last push readable.
func (in *input) push() {
	in.lines = append(in.lines, in.line)
	in.size += len(in.line)
	in.line = nil
}

// take moves bytes of the first line to p. ok is false if there is none; 0 bytes are an end of file.
func (in *input) take(p []byte) (n int, ok bool) {
	if len(in.lines) == 0 {
		return 0, false
	}
	n = copy(p, in.lines[0])
	in.size -= n
	if n == len(in.lines[0]) {
		in.lines = in.lines[1:]
	} else {
		in.lines[0] = in.lines[0][n:]
	}
	return n, true
}

// takeAll fills p with what there is, whatever lines it came in. ok is false if there is nothing.
func (in *input) takeAll(p []byte) (n int, ok bool) {
	for n < len(p) {
		m, more := in.take(p[n:])
		if !more {
			break
		}
		n += m
	}
	return n, n > 0
}

// typed handles a byte from the console. The caller holds t.mu.
func (t *TTY) typed(c byte) {
	if t.quoted(c) {
		return
	}
	key := c
	c, ok := t.translate(key)
	if !ok || t.signalled(c) {
		return
	}
	switch {
	case t.termios.Lflag&lICANON != 0:
		t.edited(c)
	case c == '\n' && key != c: // the Enter key, which unlike Ctrl-J is shown as what it does
		t.in.line = append(t.in.line, c)
		if t.termios.Lflag&lECHO != 0 {
			t.put("\n")
		}
	default:
		t.keep(c)
	}
}

// quoted takes c if it quotes the next byte or is quoted itself.
func (t *TTY) quoted(c byte) bool {
	const modes = lICANON | lIEXTEN
	switch {
	case t.in.literal:
		t.in.literal = false
		t.keep(c)
	case t.termios.Lflag&modes == modes && c != 0 && c == t.termios.CC[vLNEXT]:
		t.in.literal = true
		if t.termios.Lflag&(lECHO|lECHOCTL) == lECHO|lECHOCTL {
			t.put("^\b") // until the next one is typed over it
		}
	default:
		return false
	}
	return true
}

// keep adds a byte to the line.
func (t *TTY) keep(c byte) {
	t.in.line = append(t.in.line, c)
	t.echo(c)
	if t.termios.Lflag&lICANON != 0 && len(t.in.line) >= maxLine {
		t.in.push()
	}
}

// translate does what Iflag says. ok is false if c is to be ignored.
func (t *TTY) translate(c byte) (_ byte, ok bool) {
	flags := t.termios.Iflag
	if flags&iSTRIP != 0 {
		c &= 0x7f
	}
	switch {
	case c == '\r' && flags&iGNCR != 0:
		return 0, false
	case c == '\r' && flags&iCRNL != 0:
		return '\n', true
	case c == '\n' && flags&iNLCR != 0:
		return '\r', true
	}
	return c, true
}

// signalled reports whether c was the key of a signal, which is sent once t.mu is released.
func (t *TTY) signalled(c byte) bool {
	if t.termios.Lflag&lISIG == 0 || c == 0 {
		return false
	}
	switch c {
	case t.termios.CC[vINTR]:
		t.signals = append(t.signals, sigINT)
	case t.termios.CC[vQUIT]:
		t.signals = append(t.signals, sigQUIT)
	case t.termios.CC[vSUSP]:
		t.signals = append(t.signals, sigTSTP)
	default:
		return false
	}
	t.echo(c)
	if t.termios.Lflag&lNOFLSH == 0 {
		t.in = input{}
	}
	return true
}

// edited handles a byte in canonical mode, where the line can be edited until it is complete.
func (t *TTY) edited(c byte) {
	switch {
	case c == '\n':
		t.in.line = append(t.in.line, c)
		if t.termios.Lflag&(lECHO|lECHONL) != 0 {
			t.put("\n")
		}
		t.in.push()
	case c == 0:
		t.keep(c)
	case c == t.termios.CC[vEOF]:
		t.in.push()
	case c == t.termios.CC[vERASE] || c == '\b':
		t.erase(1)
	case c == t.termios.CC[vWERASE]:
		t.erase(t.lastWord())
	case c == t.termios.CC[vKILL]:
		t.erase(len(t.in.line))
	default:
		t.keep(c)
	}
}

// lastWord returns the length of the last word of the line, of letters, digits and "_", with what is after it.
func (t *TTY) lastWord() int {
	i := len(t.in.line)
	for i > 0 && !isWord(t.in.line[i-1]) {
		i--
	}
	for i > 0 && isWord(t.in.line[i-1]) {
		i--
	}
	return len(t.in.line) - i
}

// isWord takes all that is not ASCII for letters.
func isWord(c byte) bool {
	return c == '_' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c >= 0x80
}

// erase takes the last n bytes of the line, and whole UTF-8 characters, off the line and the screen.
func (t *TTY) erase(n int) {
	for ; n > 0 && len(t.in.line) > 0; n-- {
		last := len(t.in.line) - 1
		c := t.in.line[last]
		for c&0xc0 == 0x80 && last > 0 {
			last--
			n--
			c = t.in.line[last]
		}
		n = max(n, 1)
		t.in.line = t.in.line[:last]
		if t.termios.Lflag&lECHO == 0 {
			continue
		}
		shown := 1
		if isControl(c) {
			shown = 2 * int(t.termios.Lflag&lECHOCTL/lECHOCTL)
		}
		for range shown {
			t.put("\b \b")
		}
	}
}

// echo shows a byte that was typed, control characters as ^C.
func (t *TTY) echo(c byte) {
	if t.termios.Lflag&lECHO == 0 {
		return
	}
	if isControl(c) && t.termios.Lflag&lECHOCTL != 0 {
		t.put("^" + string(rune(c^0x40)))
		return
	}
	t.put(string([]byte{c}))
}

// isControl reports whether c is shown as two characters, ^ and a letter, or not at all.
func isControl(c byte) bool {
	return c < 0x20 && c != '\t' || c == 0x7f
}
