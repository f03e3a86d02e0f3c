//go:build xenpv

package none

import (
	"internal/xengo/runtime/files"
	"internal/xengo/runtime/kernel"
	"internal/xengo/xen/cmdline"
	"internal/xengo/xen/hv"
)

func init() {
	if value := kernel.Option("mount"); value != "" {
		problem := "it is SOURCE:/POINT:TYPE"
		if m, ok := cmdline.ParseMount(value); ok {
			problem = cmdline.Unavailable(m.Type)
		}
		hv.Print("xengo: mount=" + value + ": " + problem)
		kernel.Exit(1)
	}
	files.EnterWorkingDir()
}
