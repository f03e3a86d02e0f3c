package tty

import (
	"testing"

	"github.com/stretchr/testify/require"

	"internal/xengo/runtime/calls"
	"internal/xengo/runtime/kernel"
)

// console makes a terminal with a console that has the options.
func console(t *testing.T, options map[string]string) (*TTY, *kernel.FakeConsole) {
	t.Helper()
	c := kernel.NewFakeConsole(4096)
	kernel.Host.Console, kernel.Host.Options = c, options
	t.Cleanup(func() { kernel.Host.Console, kernel.Host.Options = nil, nil })
	return New(), c
}

// What a program sends over a pipe arrives as it is, if it quotes what means
// something to terminals.
func TestPipe(t *testing.T) {
	tty, c := console(t, map[string]string{"console": "pipe"})
	c.Input("\x16\x03\x16\x04\x16\x7f\x16\x16\x16\r\x16\x00a\n\x04")
	buf := make([]byte, 64)
	n, errno := tty.Read(buf)
	require.Zero(t, errno)
	require.Equal(t, "\x03\x04\x7f\x16\r\x00a\n", string(buf[:n]))
	n, errno = tty.Read(buf)
	require.Zero(t, errno)
	require.Zero(t, n, "the end of the input")
	_, errno = tty.Read(buf)
	require.Equal(t, calls.EAGAIN, errno)
	require.Empty(t, c.Output(), "an echo")

	_, errno = tty.Ioctl(tcgets, 0)
	require.Equal(t, calls.ENOTTY, errno)
}

func TestLiteralAtTerminal(t *testing.T) {
	tty, c := console(t, nil)
	c.Input("a\x16\x7f\x7fb\n")
	buf := make([]byte, 64)
	n, errno := tty.Read(buf)
	require.Zero(t, errno)
	require.Equal(t, "ab\n", string(buf[:n]), "erase takes the quoted one")

	tty.termios.Lflag &^= lICANON
	c.Input("\x16\x16")
	n, errno = tty.Read(buf)
	require.Zero(t, errno)
	require.Equal(t, "\x16\x16", string(buf[:n]), "raw mode has no quotes")
}
