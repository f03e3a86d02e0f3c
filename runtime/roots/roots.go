// Package roots puts the certificates of certification authorities where programs look for them on Linux:
// /etc/ssl/certs/ca-certificates.crt and /etc/ssl/cert.pem. Package crypto/x509 imports it for that effect, so that
// programs which do not use certificates carry none.
//
// They are those that Mozilla trusts for servers, as of the module golang.org/x/crypto/x509roots/fallback that the
// toolchain was made with. Authorities that are trusted only with a restriction, such as for what they issued before some
// date, are left out: a file of certificates cannot say so.
package roots

import (
	"internal/xengo/runtime/calls"
	"internal/xengo/runtime/files"
	"internal/xengo/runtime/memfs"
	"internal/xengo/runtime/pieces"
	"internal/xengo/runtime/vfs"
)

func init() {
	// What a user put there is to stay.
	err := files.Plant("/etc/ssl/certs", memfs.Seed{Name: "ca-certificates.crt", Contents: contents})
	if err != 0 && err != calls.EEXIST {
		panic("roots: cannot make the certificates' file: " + err.Error())
	}
	err = vfs.Make(vfs.Root(), "/etc/ssl/cert.pem", vfs.S_IFLNK|0o777, 0, "certs/ca-certificates.crt")
	if err != 0 && err != calls.EEXIST {
		panic("roots: cannot make the certificates' link: " + err.Error())
	}
}

func contents() string {
	if data == "" {
		return ""
	}
	return string(encode(pieces.Store(data).Text(0)))
}
