//go:build xengo_9p || xengo_ext4 || xengo_vfat

package os

// What the kernel's command line has mounted (mount=). The file system is a tenth
// of a small program, so it is there for those that ask for it with the build tag.
import _ "internal/xengo/runtime/mounts"
