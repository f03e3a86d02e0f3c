package goroot

import (
	"crypto/x509"
	"go/ast"
	"go/parser"
	"go/token"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/x509roots/fallback/bundle"

	"internal/xengo/runtime/pieces"
)

// constant returns the string that a generated file has.
func constant(t *testing.T, f file) string {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), f.to, f.data, 0)
	require.NoError(t, err)
	var text string
	ast.Inspect(parsed, func(n ast.Node) bool {
		if lit, ok := n.(*ast.BasicLit); ok {
			text, err = strconv.Unquote(lit.Value)
			require.NoError(t, err)
		}
		return true
	})
	require.NotEmpty(t, text)
	return text
}

// TestRoots parses the generated data.
func TestRoots(t *testing.T) {
	f, err := roots()
	require.NoError(t, err)
	require.Equal(t, "src/internal/xengo/runtime/roots/data_xenpv.go", f.to)
	certs, err := x509.ParseCertificates(pieces.Store(constant(t, f)).Text(0))
	require.NoError(t, err)
	for root := range bundle.Roots() {
		if root.Constraint == nil {
			require.NotEmpty(t, certs)
			require.Equal(t, root.Certificate, certs[0].Raw)
			require.True(t, certs[0].IsCA, "%s", certs[0].Subject)
			certs = certs[1:]
		}
	}
	require.Empty(t, certs)
}

func TestIsLongSequence(t *testing.T) {
	for name, test := range map[string]struct {
		der  []byte
		want bool
	}{
		"nothing":   {nil, false},
		"right":     {append([]byte{0x30, 0x82, 1, 0}, make([]byte, 256)...), true},
		"too long":  {append([]byte{0x30, 0x82, 1, 0}, make([]byte, 257)...), false},
		"short":     {[]byte{0x30, 0}, false},
		"no length": {[]byte{0x30, 0x81, 0x80, 0}, false},
	} {
		require.Equal(t, test.want, isLongSequence(test.der), name)
	}
}
