package main

import (
	"context"
	"os"
	"os/exec"
	"syscall"
	"time"

	"github.com/spf13/cobra"
)

func init() { commands = append(commands, buildCommand) }

func buildCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "build [go build flags] [packages]",
		Short: "Build a program as a Xen kernel",
		Long: `Build runs "go build" of the patched Go for GOOS=xenpv GOARCH=amd64, without
cgo. All flags are those of go build:

  xengo build -o app.elf -ldflags=-s ./cmd/app`,
		DisableFlagParsing: true,
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return nil, cobra.ShellCompDirectiveFilterDirs
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 && (args[0] == "-h" || args[0] == "--help") {
				return cmd.Help()
			}
			root, err := goRoot(cmd.Context())
			if err != nil {
				return err
			}
			return goBuild(cmd.Context(), root, args)
		},
	}
}

// goBuild runs go build with args for guests, on this process's standard
// files. An interrupt goes to the go command too, which cleans up.
func goBuild(ctx context.Context, root string, args []string) error {
	build := exec.CommandContext(ctx, goCommand(root), append([]string{"build"}, args...)...)
	build.Env = guestEnv(root)
	build.Stdin, build.Stdout, build.Stderr = os.Stdin, os.Stdout, os.Stderr
	build.Cancel = func() error { return build.Process.Signal(syscall.SIGINT) }
	build.WaitDelay = 10 * time.Second
	return asExitStatus(build.Run())
}
