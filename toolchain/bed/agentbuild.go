package bed

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// buildAgent compiles the agent for dom0 from the sources in this program.
func buildAgent(ctx context.Context) ([]byte, error) {
	dir, err := os.MkdirTemp("", "xengo-agent")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	if err := writeAgent(dir); err != nil {
		return nil, err
	}
	out := filepath.Join(dir, "agent.bin")
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", out, "./toolchain/bed/agent")
	cmd.Dir = dir
	for _, kv := range os.Environ() {
		switch name, _, _ := strings.Cut(kv, "="); name {
		case "GOFLAGS", "GOROOT", "GOOS", "GOARCH", "GOWORK", "GOEXPERIMENT", "GOTOOLCHAIN":
		default:
			cmd.Env = append(cmd.Env, kv)
		}
	}
	cmd.Env = append(cmd.Env, "CGO_ENABLED=0", "GOOS=linux", "GOARCH=amd64", "GOWORK=off", "GOTOOLCHAIN=local")
	if _, err := output(cmd); err != nil {
		return nil, fmt.Errorf("compile the agent: %w", err)
	}
	return os.ReadFile(out)
}

// writeAgent lays a module with the agent's packages into dir.
func writeAgent(dir string) error {
	if err := os.WriteFile(filepath.Join(dir, "go.mod"), []byte("module internal/xengo\n\ngo 1.26\n"), 0o644); err != nil {
		return err
	}
	return fs.WalkDir(parts, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return err
		}
		b, err := parts.ReadFile(name)
		if err != nil {
			return err
		}
		to := filepath.Join(dir, "toolchain", "bed", filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			return err
		}
		return os.WriteFile(to, b, 0o644)
	})
}
