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
	return compile(ctx, dir, "./toolchain/bed/agent")
}

// compile compiles a program for dom0 in a module.
func compile(ctx context.Context, dir, program string) ([]byte, error) {
	out := filepath.Join(dir, "program.bin")
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", out, program)
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
		return nil, fmt.Errorf("compile %s: %w", program, err)
	}
	return os.ReadFile(out)
}

// writeAgent lays a module with the agent's packages into dir.
func writeAgent(dir string) error {
	if err := writeModule(dir, "internal/xengo"); err != nil {
		return err
	}
	return writeSources(parts, ".", filepath.Join(dir, "toolchain", "bed"))
}

func writeModule(dir, name string) error {
	return os.WriteFile(filepath.Join(dir, "go.mod"), []byte("module "+name+"\n\ngo 1.26\n"), 0o644)
}

// writeSources writes the Go files of a folder and of those in it, without tests.
func writeSources(from fs.FS, folder, to string) error {
	return fs.WalkDir(from, folder, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return err
		}
		b, err := fs.ReadFile(from, name)
		if err != nil {
			return err
		}
		file := filepath.Join(to, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			return err
		}
		return os.WriteFile(file, b, 0o644)
	})
}
