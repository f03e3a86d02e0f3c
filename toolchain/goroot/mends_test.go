package goroot

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestMend(t *testing.T) {
	for name, test := range map[string]struct{ before, after string }{
		pkg + "sync/locking/lockdep_norace.go": {"//go:inline\nfunc f() {}\n//go:inline\n", "func f() {}\n"},
		pkg + "tcpip/stack/nic_mutex.go":       {"var a int\n\nfunc init() {\n}\n", "var a int\n\nfunc _() {\n}\n"},
		"example.org/other.go":                 {"x", "x"},
	} {
		got, err := mend(name, []byte(test.before))
		require.NoError(t, err, name)
		require.Equal(t, test.after, string(got), name)
	}
	_, err := mend(pkg+"tcpip/stack/nic_mutex.go", []byte("package stack\n"))
	require.ErrorContains(t, err, "to mend")
}

func TestLeftOut(t *testing.T) {
	require.True(t, leftOut(pkg+"tcpip/stack/stack_state_autogen.go"))
	require.False(t, leftOut(pkg+"tcpip/stack/stack.go"))
}
