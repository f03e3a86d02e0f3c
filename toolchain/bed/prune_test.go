package bed

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// imageAged makes an image that was taken that long ago.
func imageAged(t *testing.T, cache, name string, age time.Duration) string {
	t.Helper()
	dir := filepath.Join(cache, name)
	require.NoError(t, os.Mkdir(dir, 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "state"), nil, 0o644))
	at := time.Now().Add(-age)
	require.NoError(t, os.Chtimes(dir, at, at))
	return dir
}

func TestPrune(t *testing.T) {
	cache := t.TempDir()
	const day = 24 * time.Hour
	oldest := imageAged(t, cache, "image-4.20-a", 4*day)
	older := imageAged(t, cache, "image-4.20-b", 3*day)
	old := imageAged(t, cache, "image-4.20-c", 2*day)
	other := imageAged(t, cache, "image-4.17-a", 5*day)
	broken := imageAged(t, cache, "image-4.20-d", 0)
	require.NoError(t, os.Remove(filepath.Join(broken, "state")))

	require.NoError(t, used(oldest))
	require.NoError(t, prune(cache, "4.20"))
	require.DirExists(t, oldest)
	require.DirExists(t, old)
	require.DirExists(t, other, "of another version")
	require.NoDirExists(t, older)
	require.NoDirExists(t, broken, "without a state")
}

// TestPruneKeeps has more images in use than are kept.
func TestPruneKeeps(t *testing.T) {
	cache := t.TempDir()
	dirs := []string{
		imageAged(t, cache, "image-4.20-a", 0), imageAged(t, cache, "image-4.20-b", time.Minute),
		imageAged(t, cache, "image-4.20-c", inUse/2),
	}
	left := imageAged(t, cache, "image-4.20-d", 2*inUse)
	require.NoError(t, prune(cache, "4.20"))
	for _, dir := range dirs {
		require.DirExists(t, dir)
	}
	require.NoDirExists(t, left)
}
