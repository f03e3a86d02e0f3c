//go:build !xenpv

package mounts

import (
	"internal/xengo/runtime/vfs"
	"internal/xengo/xen/cmdline"
)

// types are those of the tests.
var types = map[string]func(cmdline.Mount) (vfs.Directory, error){}
