package goroot

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
)

// stock returns the GOROOT of the unmodified Go version, which the go command
// downloads and checks if it is not in the module cache. The tree is read-only.
func stock(ctx context.Context, version string) (string, error) {
	cmd := exec.CommandContext(ctx, "go", "env", "GOROOT")
	cmd.Env = append(cleanEnv(), "GOTOOLCHAIN="+version)
	cmd.Dir = os.TempDir() // no go.mod or go.work that asks for another Go
	var out, msg bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &msg
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("get %s through the go command: %w\n%s", version, err, msg.Bytes())
	}
	return strings.TrimSpace(out.String()), nil
}

// cleanEnv returns this process's environment without the variables that
// would change how a go command or make.bash builds.
func cleanEnv() []string {
	drop := map[string]bool{
		"GOROOT": true, "GOOS": true, "GOARCH": true, "GOFLAGS": true, "GOTOOLCHAIN": true, "GOWORK": true,
		"GOBIN": true, "GOEXPERIMENT": true, "GOAMD64": true, "CGO_ENABLED": true, "GOROOT_FINAL": true,
		"GO_LDFLAGS": true, "GO_GCFLAGS": true, "GO111MODULE": true, "GODEBUG": true, "GOROOT_BOOTSTRAP": true,
	}
	var env []string
	for _, kv := range os.Environ() {
		if name, _, _ := strings.Cut(kv, "="); !drop[name] {
			env = append(env, kv)
		}
	}
	return env
}
