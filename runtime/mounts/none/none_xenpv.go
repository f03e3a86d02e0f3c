//go:build xenpv

package none

import (
	"internal/xengo/runtime/files"
	"internal/xengo/runtime/kernel"
	"internal/xengo/xen/hv"
)

func init() {
	if value := kernel.Option("mount"); value != "" {
		hv.Print("xengo: mount=" + value + ": the program was built without -tags xengo_9p")
		kernel.Exit(1)
	}
	files.EnterWorkingDir()
}
