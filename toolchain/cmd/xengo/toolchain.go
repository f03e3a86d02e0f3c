package main

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	xengo "internal/xengo"
	"internal/xengo/toolchain/goroot"
)

func init() { commands = append(commands, toolchainCommand) }

func toolchainCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "toolchain",
		Short: "Build or refresh the patched Go and print its GOROOT",
		Long: `Toolchain builds the patched Go in the user's cache, if it is not there, and
prints its GOROOT. The first time takes minutes; later, when only guest-side
files changed, seconds.

  PATH=$(xengo toolchain)/bin:$PATH GOOS=xenpv GOARCH=amd64 go build .

Its sources are those the tool was built with, or the checkout that the
environment variable XENGO_SOURCE names.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			root, err := goRoot(cmd.Context())
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), root)
			return err
		},
	}
}

// goRoot returns the GOROOT of the patched Go, building it if need be, with
// progress on stderr.
func goRoot(ctx context.Context) (string, error) {
	cache, err := goroot.DefaultCache()
	if err != nil {
		return "", err
	}
	b := goroot.Builder{Source: source(), Cache: cache, Log: os.Stderr}
	return b.Build(ctx)
}

// goCommand returns the go command of a GOROOT.
func goCommand(root string) string { return filepath.Join(root, "bin", "go") }

// guestEnv returns this process's environment, changed so that a go command
// run with it is that of root and builds for guests.
func guestEnv(root string) []string {
	path := filepath.Join(root, "bin") + string(os.PathListSeparator) + os.Getenv("PATH")
	return append(os.Environ(), "GOROOT="+root, "PATH="+path, "GOTOOLCHAIN=local", "GOOS=xenpv", "GOARCH=amd64", "CGO_ENABLED=0")
}

// source returns the project's tree.
func source() fs.FS {
	if dir := os.Getenv("XENGO_SOURCE"); dir != "" {
		return os.DirFS(dir)
	}
	return xengo.Source
}

// baseVersion is the version of Go that the toolchain is made from.
func baseVersion() string {
	v, err := fs.ReadFile(source(), "toolchain/VERSION")
	if err != nil {
		return err.Error()
	}
	return strings.TrimSpace(string(v))
}
