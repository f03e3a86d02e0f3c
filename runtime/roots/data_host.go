//go:build !xenpv

package roots

// data is what toolchain/goroot makes of the roots in golang.org/x/crypto: a pieces.Store with one text, the
// certificates in DER, one after the other.
const data = ""
