package goroot

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// base returns the tree with the patched tools, building it if need be.
func (b *Builder) base(ctx context.Context, p *plan) (string, error) {
	base := filepath.Join(b.Cache, "base-"+p.baseKey)
	if isDone(base) {
		touch(base)
		return base, nil
	}
	b.logf("getting %s", p.version)
	from, err := stock(ctx, p.version)
	if err != nil {
		return "", err
	}
	err = stage(base, func(dir string) error {
		b.logf("copying %s and applying %d patches", p.version, len(p.early))
		if err := copyTree(from, dir, "pkg/tool", "bin"); err != nil {
			return err
		}
		if err := applyAll(p.early, dir); err != nil {
			return err
		}
		if err := layIn(p.tools, dir); err != nil {
			return err
		}
		if err := brand(dir, p.versionLine()); err != nil {
			return err
		}
		return b.make(ctx, dir, from)
	})
	return base, err
}

// final makes the tree with everything laid in from a base.
func (b *Builder) final(ctx context.Context, p *plan, base, final string) error {
	vendor, err := b.vendor(ctx, p, base)
	if err != nil {
		return err
	}
	defer prune(b.Cache, "vendor-", vendor)
	return stage(final, func(dir string) error {
		b.logf("laying in %d files", len(p.files))
		if err := linkTree(base, dir); err != nil {
			return err
		}
		if err := applyAll(p.late, dir); err != nil {
			return err
		}
		if err := layIn(p.files, dir); err != nil {
			return err
		}
		made, err := zones(base)
		if err != nil {
			return err
		}
		if err := layIn([]file{made}, dir); err != nil {
			return err
		}
		if vendor != "" {
			if err := linkTree(vendor, dir); err != nil {
				return err
			}
		}
		return ctx.Err()
	})
}

func layIn(files []file, root string) error {
	for _, f := range files {
		name := filepath.Join(root, filepath.FromSlash(f.to))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			return err
		}
		if err := replace(name, f.data); err != nil {
			return fmt.Errorf("lay in %s: %w", f.from, err)
		}
	}
	return nil
}

func applyAll(patches []patch, root string) error {
	for _, p := range patches {
		if err := p.apply(root); err != nil {
			return err
		}
	}
	return nil
}

// brand gives the tree a version of its own, so that it shares no entry of
// the build cache with another Go, and keeps it from switching to another.
func brand(root, version string) error {
	name := filepath.Join(root, "VERSION")
	old, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	_, rest, _ := bytes.Cut(old, []byte("\n"))
	if err := replace(name, append([]byte(version+"\n"), rest...)); err != nil {
		return err
	}
	name = filepath.Join(root, "go.env")
	env, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	const from, to = "\nGOTOOLCHAIN=auto\n", "\nGOTOOLCHAIN=local\n"
	if !bytes.Contains(env, []byte(from)) {
		return fmt.Errorf("%s: no line %q to change", name, strings.TrimSpace(from))
	}
	return replace(name, bytes.Replace(env, []byte(from), []byte(to), 1))
}

// make runs make.bash in the tree at root.
func (b *Builder) make(ctx context.Context, root, bootstrap string) error {
	b.logf("building the tools, about 4 minutes on 2 cores")
	cmd := exec.CommandContext(ctx, "bash", "make.bash", "--no-banner")
	cmd.Dir = filepath.Join(root, "src")
	cmd.Env = append(cleanEnv(), "GOROOT_BOOTSTRAP="+bootstrap, "GOTOOLCHAIN=local", "GOROOT="+root)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	killGroup(cmd)
	start := time.Now()
	stop := b.heartbeat(start)
	err := cmd.Run()
	stop()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil {
		return fmt.Errorf("make.bash: %w\n%s", err, tail(out.Bytes(), 40))
	}
	b.logf("built the tools in %s", time.Since(start).Round(time.Second))
	return os.RemoveAll(filepath.Join(root, "pkg", "obj"))
}

// heartbeat says every half minute that work goes on, until stop is called.
func (b *Builder) heartbeat(start time.Time) (stop func()) {
	tick, quit, gone := time.NewTicker(30*time.Second), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(gone)
		for {
			select {
			case <-tick.C:
				b.logf("still building, %s so far", time.Since(start).Round(time.Second))
			case <-quit:
				return
			}
		}
	}()
	return func() { tick.Stop(); close(quit); <-gone }
}

// tail returns the last n lines of text.
func tail(text []byte, n int) []byte {
	lines := bytes.SplitAfter(text, []byte("\n"))
	return bytes.Join(lines[max(0, len(lines)-n):], nil)
}
