//go:build xenpv

package mounts

import (
	"internal/xengo/runtime/files"
	"internal/xengo/runtime/kernel"
	"internal/xengo/runtime/vfs"
	"internal/xengo/xen/cmdline"
	"internal/xengo/xen/hv"
)

// types are the file systems that can be mounted; each is added by its file.
var types = map[string]func(cmdline.Mount) (vfs.Directory, error){}

// unmount is called when the program ends in order.
var unmount []func()

func init() {
	if err := mountAll(cmdline.All(hv.CommandLine(), "mount")); err != nil {
		hv.Print("xengo: " + err.Error())
		kernel.Exit(1)
	}
	if len(unmount) > 0 {
		kernel.BeforeExit(func() {
			for _, f := range unmount {
				f()
			}
		})
	}
	files.EnterWorkingDir()
}
