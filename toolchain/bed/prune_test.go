package bed

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestPrune(t *testing.T) {
	cache := t.TempDir()
	for i := range keptImages + 2 {
		dir := filepath.Join(cache, fmt.Sprintf("image-4.20-%d", i))
		require.NoError(t, os.Mkdir(dir, 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(dir, "state"), nil, 0o644))
		at := time.Now().Add(time.Duration(-i) * time.Hour)
		require.NoError(t, os.Chtimes(dir, at, at))
	}
	other := filepath.Join(cache, "image-4.17-old")
	require.NoError(t, os.Mkdir(other, 0o755))
	oldest := filepath.Join(cache, fmt.Sprintf("image-4.20-%d", keptImages+1))
	require.NoError(t, used(oldest))
	require.NoError(t, prune(cache, "4.20"))
	require.DirExists(t, other)
	require.DirExists(t, oldest)
	require.DirExists(t, filepath.Join(cache, fmt.Sprintf("image-4.20-%d", keptImages-2)))
	require.NoDirExists(t, filepath.Join(cache, fmt.Sprintf("image-4.20-%d", keptImages-1)))
	require.NoDirExists(t, filepath.Join(cache, fmt.Sprintf("image-4.20-%d", keptImages)))
}
