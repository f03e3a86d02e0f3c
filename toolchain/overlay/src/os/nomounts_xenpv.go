//go:build !xengo_9p

package os

// Nothing to mount with, and who says so if something is to be mounted.
import _ "internal/xengo/runtime/mounts/none"
