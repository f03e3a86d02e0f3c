package bench

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"internal/xengo/test/harness"
)

const kB = 1000

// TestSize weighs stripped images.
func TestSize(t *testing.T) {
	for program, most := range map[string]int64{"guests/hello": 2500 * kB, "examples/web": 9000 * kB} {
		t.Run(program, func(t *testing.T) {
			info, err := os.Stat(harness.Stripped(t, program))
			require.NoError(t, err)
			t.Logf("%s: %d bytes", program, info.Size())
			require.LessOrEqual(t, info.Size(), most)
		})
	}
}
