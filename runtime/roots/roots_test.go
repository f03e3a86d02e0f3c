package roots

import (
	"testing"

	"github.com/stretchr/testify/require"

	"internal/xengo/runtime/fdtable"
	"internal/xengo/runtime/vfs"
)

func TestFiles(t *testing.T) {
	for _, path := range []string{"/etc/ssl/certs/ca-certificates.crt", "/etc/ssl/cert.pem"} {
		loc, err := vfs.Walk(vfs.Root(), path, vfs.Follow)
		require.Zero(t, err, path)
		var st fdtable.Stat
		require.Zero(t, loc.Inode.Stat(&st))
		require.Equal(t, uint32(vfs.S_IFREG|0o644), st.Mode)
	}
}
