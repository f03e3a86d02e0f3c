package main

import (
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// What takes long is said, but not where it would be taken for what the program says.
func TestSlow(t *testing.T) {
	stderr := os.Stderr
	defer func() { os.Stderr = stderr }()
	for quiet, want := range map[bool]string{false: "xengo: working\n", true: ""} {
		f, err := os.Create(filepath.Join(t.TempDir(), "stderr"))
		require.NoError(t, err)
		os.Stderr = f
		synctest.Test(t, func(t *testing.T) {
			done := (&session{quiet: quiet}).slow("working")
			time.Sleep(time.Minute)
			synctest.Wait()
			done()
		})
		require.NoError(t, f.Close())
		said, err := os.ReadFile(f.Name())
		require.NoError(t, err)
		require.Equal(t, want, string(said))
	}
}
