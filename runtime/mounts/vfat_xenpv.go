//go:build xenpv && xengo_vfat

package mounts

import "internal/xengo/runtime/fat"

var _ = addDiskType("vfat", fat.Mount)
