package bench

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"internal/xengo/test/harness"
)

// MB is what memory= of a domain counts in.
const MB = 1 << 20

// TestSize weighs stripped images.
func TestSize(t *testing.T) {
	for program, most := range map[string]int64{"guests/hello": 2.5 * MB, "examples/web": 9 * MB} {
		t.Run(program, func(t *testing.T) {
			info, err := os.Stat(harness.Stripped(t, program))
			require.NoError(t, err)
			t.Logf("%s: %d bytes", program, info.Size())
			require.LessOrEqual(t, info.Size(), most)
		})
	}
}
