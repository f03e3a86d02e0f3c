package bench

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"internal/xengo/test/harness"
)

// TestSize weighs stripped images.
func TestSize(t *testing.T) {
	for program, most := range map[string]int64{"guests/hello": 2_500_000, "examples/web": 9_000_000} {
		t.Run(program, func(t *testing.T) {
			info, err := os.Stat(harness.Stripped(t, program))
			require.NoError(t, err)
			t.Logf("%s: %d bytes", program, info.Size())
			require.LessOrEqual(t, info.Size(), most)
		})
	}
}
