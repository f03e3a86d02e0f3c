package goroot

import (
	"fmt"
	"strings"

	"golang.org/x/crypto/x509roots/fallback/bundle"
)

// roots returns the source of package roots' data, a pieces.Store with one text: the certificates of the
// authorities that Mozilla trusts, from the module at the version in go.mod,
// which this tool is built with.
//
// A root with a constraint is one that is trusted only for what it issued
// before some date. The guest hands certificates to programs in a file, which
// cannot say so. It stays out, for to distrust what is still good makes an
// error that says what is missing, and can be mended by adding the root; to
// trust what is not is noticed by nobody.
func roots() (file, error) {
	var der strings.Builder
	for root := range bundle.Roots() {
		if root.Constraint != nil {
			continue
		}
		if !isLongSequence(root.Certificate) {
			return file{}, fmt.Errorf("a root certificate of %d bytes is not of the form that package roots splits at", len(root.Certificate))
		}
		der.Write(root.Certificate)
	}
	var packed packer
	packed.add(der.String())
	store, err := packed.store()
	return generated("golang.org/x/crypto/x509roots/fallback/bundle", "runtime/roots", store), err
}

// isLongSequence reports whether der is one SEQUENCE of 256 bytes to 64 KiB.
func isLongSequence(der []byte) bool {
	return len(der) >= 4 && der[0] == 0x30 && der[1] == 0x82 && len(der)-4 == int(der[2])<<8|int(der[3])
}
