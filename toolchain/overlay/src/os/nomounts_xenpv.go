//go:build !xengo_9p && !xengo_ext4 && !xengo_vfat

package os

// Nothing to mount with, and who says so if something is to be mounted.
import _ "internal/xengo/runtime/mounts/none"
