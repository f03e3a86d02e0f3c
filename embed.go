// Package xengo holds the sources of the guest's side, so that a built xengo
// tool can make its toolchain without a checkout.
package xengo

import "embed"

// Source is the part of the project's tree that is laid into GOROOT, and what
// is needed to do so. Paths are relative to the project's root.
//
//go:embed arch drivers runtime xen go.mod go.sum toolchain/VERSION toolchain/patches toolchain/overlay
var Source embed.FS
