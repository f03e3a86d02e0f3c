package roots

import (
	"crypto/x509"
	"encoding/pem"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/x509roots/fallback/bundle"
)

// TestEncode makes PEM of sequences that are too long for a line, or several, by every number of bytes.
func TestEncode(t *testing.T) {
	var der, want []byte
	for size := 256; size < 256+2*perLine; size++ {
		cert := make([]byte, size)
		copy(cert, []byte{0x30, 0x82, byte((size - 4) >> 8), byte(size - 4)})
		for i := range cert[4:] {
			cert[4+i] = byte(i * size)
		}
		der = append(der, cert...)
		want = append(want, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert})...)
	}
	require.Equal(t, string(want), string(encode(der)))
	require.Empty(t, encode(nil))
}

// TestEncodeRoots finds all roots in what a program reads.
func TestEncodeRoots(t *testing.T) {
	var der []byte
	var want []*x509.Certificate
	for root := range bundle.Roots() {
		der = append(der, root.Certificate...)
		cert, err := x509.ParseCertificate(root.Certificate)
		require.NoError(t, err)
		want = append(want, cert)
	}
	for rest := encode(der); len(rest) > 0; want = want[1:] {
		var block *pem.Block
		block, rest = pem.Decode(rest)
		require.NotNil(t, block)
		cert, err := x509.ParseCertificate(block.Bytes)
		require.NoError(t, err)
		require.True(t, cert.Equal(want[0]), "%s", cert.Subject)
	}
	require.Empty(t, want)
}
