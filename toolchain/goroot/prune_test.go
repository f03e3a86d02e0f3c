package goroot

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// Old trees go, but for those that were used last, the young, and those that a
// process uses.
func TestPrune(t *testing.T) {
	if tree := os.Getenv("XENGO_TEST_USE"); tree != "" {
		fmt.Println(use(tree))
		_, err := os.Stdin.Read(make([]byte, 1)) // the end of the test
		require.Error(t, err)
		return
	}
	cache := t.TempDir()
	tree := func(n int, age time.Duration) string {
		name := filepath.Join(cache, fmt.Sprintf("goroot-%d", n))
		require.NoError(t, os.Mkdir(name, 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(name, done), nil, 0o644))
		used := time.Now().Add(-age)
		require.NoError(t, os.Chtimes(filepath.Join(name, done), used, used))
		return name
	}
	current := tree(0, 0)
	for n := range keep - 1 {
		tree(1+n, time.Duration(n)*time.Minute)
	}
	young, old, held := tree(100, 50*time.Minute), tree(101, 2*time.Hour), tree(102, 3*time.Hour)

	user := exec.Command(os.Args[0], "-test.run=^TestPrune$")
	user.Env = append(os.Environ(), "XENGO_TEST_USE="+held)
	stdin, err := user.StdinPipe()
	require.NoError(t, err)
	stdout, err := user.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, user.Start())
	said := make([]byte, 5)
	_, err = stdout.Read(said)
	require.NoError(t, err)
	require.Equal(t, "true\n", string(said))

	prune(cache, "goroot-", current)
	require.DirExists(t, current)
	require.DirExists(t, young)
	require.NoDirExists(t, old)
	require.DirExists(t, held)

	require.NoError(t, stdin.Close())
	require.NoError(t, user.Wait())
	prune(cache, "goroot-", current)
	require.NoDirExists(t, held)
}
