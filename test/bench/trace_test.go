package bench

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"internal/xengo/toolchain/bed"
)

// trace has Xen write down what guests make it do, until what it returns is called. The file goes to
// the directory that XENGO_TRACE names; go run ./test/xentrace shows it.
func trace(t *testing.T, b *bed.Bed, name string) (stop func()) {
	t.Helper()
	dir := os.Getenv("XENGO_TRACE")
	if dir == "" {
		return func() {}
	}
	const hvmAndSched = "0xaf000"
	file := "/run/" + strings.ReplaceAll(name, "/", "-") + ".xentrace"
	p, err := b.Start(t.Context(), bed.Command{Argv: []string{"xentrace", "-D", "-e", hvmAndSched, "-S", "2048", file}})
	require.NoError(t, err)
	return func() {
		require.NoError(t, p.Signal(int(syscall.SIGINT)))
		require.NoError(t, p.Wait())
		require.NoError(t, p.Close())
		data, err := b.Get(t.Context(), file)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(dir, filepath.Base(file)), data, 0o644))
	}
}
