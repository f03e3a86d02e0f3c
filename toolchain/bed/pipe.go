package bed

import (
	"bytes"
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	"internal/xengo"
)

// hostpipe is the program at dom0's end of a guest's pipe. It is no part of the bed's
// image: few guests have one.
//
//go:embed hostpipe/*.go
var hostpipe embed.FS

// hostpipePackages are what it imports.
var hostpipePackages = []string{"xen/abi", "drivers/ninepfront/flexring"}

// Pipe connects r and w with the guest's pipe (package drivers/hostpipe), which it may
// have or will have: what it writes goes to w, what is read from r to the guest. When r
// ends, Pipe returns after what the guest has written until then.
func (g *Guest) Pipe(ctx context.Context, r io.Reader, w io.Writer) error {
	program, err := g.bed.putHostpipe(ctx)
	if err != nil {
		return err
	}
	var msg bytes.Buffer
	err = g.bed.Run(ctx, Command{Argv: []string{program, strconv.Itoa(g.DomID())}, Stdin: r, Stdout: w, Stderr: &msg})
	if exit := (*ExitError)(nil); errors.As(err, &exit) {
		exit.Stderr = msg.String()
	}
	return err
}

// putHostpipe puts the program into dom0, if this one is not there yet, and returns its name.
func (b *Bed) putHostpipe(ctx context.Context) (string, error) {
	dir, err := os.MkdirTemp("", "xengo-hostpipe")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir)
	if err := writeHostpipe(dir); err != nil {
		return "", err
	}
	h := sha256.New()
	err = filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(name)
		fmt.Fprintf(h, "%d\n%s", len(b), b)
		return err
	})
	if err != nil {
		return "", err
	}
	program := "/run/xengo/hostpipe-" + hex.EncodeToString(h.Sum(nil)[:8])
	if b.run(ctx, "test", "-x", program) == nil {
		return program, nil
	}
	binary, err := compile(ctx, dir, "./hostpipe")
	if err != nil {
		return "", err
	}
	return program, b.Put(ctx, program, 0o755, bytes.NewReader(binary))
}

// writeHostpipe lays a module with it into dir. It has another name than ours, whose
// packages the patched Go has, too.
func writeHostpipe(dir string) error {
	if err := writeModule(dir, "hostpipe"); err != nil {
		return err
	}
	for _, p := range hostpipePackages {
		if err := writeSources(xengo.Source, p, dir); err != nil {
			return err
		}
	}
	if err := writeSources(hostpipe, ".", dir); err != nil {
		return err
	}
	return filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(name) != ".go" {
			return err
		}
		b, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		return os.WriteFile(name, bytes.ReplaceAll(b, []byte(`"internal/xengo/`), []byte(`"hostpipe/`)), 0o644)
	})
}
