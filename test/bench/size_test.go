package bench

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"internal/xengo/test/harness"
)

const mb = 1 << 20 // as memory= in a domain's config counts

// TestSize weighs stripped images.
func TestSize(t *testing.T) {
	for program, most := range map[string]int64{"guests/hello": 5 * mb / 2, "examples/web": 9 * mb} {
		t.Run(program, func(t *testing.T) {
			info, err := os.Stat(harness.Stripped(t, program))
			require.NoError(t, err)
			t.Logf("%s: %d bytes", program, info.Size())
			require.LessOrEqual(t, info.Size(), most)
		})
	}
}
