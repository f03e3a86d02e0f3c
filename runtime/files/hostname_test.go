package files

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestIsHostname(t *testing.T) {
	for _, name := range []string{"web", "web-1.example", "a_b", "7", "X", strings.Repeat("x", maxHostname)} {
		require.True(t, isHostname(name), name)
	}
	for _, name := range []string{"", "-web", ".web", "my web", "web\n", "w/b", "ü", strings.Repeat("x", maxHostname+1)} {
		require.False(t, isHostname(name), name)
	}
}
