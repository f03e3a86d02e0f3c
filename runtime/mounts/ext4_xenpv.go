//go:build xenpv && xengo_ext4

package mounts

import "internal/xengo/runtime/ext4"

var _ = addDiskType("ext4", ext4.Mount)
