package main

import (
	"runtime/debug"

	"github.com/spf13/cobra"
)

// commands make the subcommands; each file registers its own in an init.
var commands []func() *cobra.Command

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "xengo",
		Short: "Go programs as Xen kernels",
		Long: `Xengo turns ordinary Go programs into Xen kernels: one ELF file that is the
whole guest and boots as a PV or a PVH domain.

  go run .                a Unix process
  xengo run .             the complete kernel, on real Xen under QEMU, on this machine
  xl create app.cfg       the same image in production (see xengo config)

GOOS=xenpv go build with the Go of "xengo toolchain" makes the same images.`,
		Version:       version(),
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	for _, command := range commands {
		root.AddCommand(command())
	}
	return root
}

// version is the module version or the commit the tool was built from.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	v := info.Main.Version
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && (v == "" || v == "(devel)") {
			v = s.Value
		}
	}
	return v + " (base " + baseVersion() + ")"
}
