package goroot

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/bluekeyes/go-gitdiff/gitdiff"
)

// patch is one file of toolchain/patches: a reason, then a unified diff.
type patch struct {
	name  string // file name, such as 0001-xenpv-known-os.patch
	text  []byte
	files []*gitdiff.File
}

// loadPatches reads toolchain/patches in the order of their names.
func loadPatches(src fs.FS) ([]patch, error) {
	names, err := fs.Glob(src, "toolchain/patches/*.patch")
	if err != nil {
		return nil, err
	}
	patches := make([]patch, 0, len(names))
	for _, name := range names {
		text, err := fs.ReadFile(src, name)
		if err != nil {
			return nil, err
		}
		p, err := parsePatch(path.Base(name), text)
		if err != nil {
			return nil, err
		}
		patches = append(patches, p)
	}
	return patches, nil
}

func parsePatch(name string, text []byte) (patch, error) {
	files, reason, err := gitdiff.Parse(bytes.NewReader(text))
	switch {
	case err != nil:
		return patch{}, fmt.Errorf("patch %s: %w", name, err)
	case strings.TrimSpace(reason) == "":
		return patch{}, fmt.Errorf("patch %s: does not say why", name)
	case len(files) == 0:
		return patch{}, fmt.Errorf("patch %s: changes nothing", name)
	}
	for _, f := range files {
		if f.IsDelete || f.IsRename || f.IsCopy || f.IsBinary {
			return patch{}, fmt.Errorf("patch %s: %s: only edits and new text files can be applied", name, f.OldName)
		}
		if !filepath.IsLocal(f.NewName) {
			return patch{}, fmt.Errorf("patch %s: %q is outside of GOROOT", name, f.NewName)
		}
	}
	return patch{name: name, text: text, files: files}, nil
}

// toolRoots are the parts of GOROOT that decide what the tools do. A patch
// that touches none of them can be applied to a tree whose tools are built.
var toolRoots = []string{
	"src/cmd/", "src/go/build/", "src/internal/buildcfg/", "src/internal/goexperiment/",
	"src/internal/goos/", "src/internal/platform/", "src/internal/syslist/", "src/make.bash",
}

func (p patch) changesTools() bool {
	for _, f := range p.files {
		if isTool(f.NewName) {
			return true
		}
	}
	return false
}

// isTool reports whether a file of GOROOT decides what the tools do.
func isTool(name string) bool {
	if strings.HasSuffix(name, "_test.go") {
		return false
	}
	return slices.ContainsFunc(toolRoots, func(root string) bool { return strings.HasPrefix(name, root) })
}

// split separates the patches that change the tools from the others.
func split(all []patch) (early, late []patch) {
	for _, p := range all {
		if p.changesTools() {
			early = append(early, p)
		} else {
			late = append(late, p)
		}
	}
	return early, late
}

// apply changes the tree at root, replacing files and never writing into one:
// it may be linked to another tree. The error names the patch and the place.
func (p patch) apply(root string) error {
	for _, f := range p.files {
		name := filepath.Join(root, filepath.FromSlash(f.NewName))
		old, err := os.ReadFile(name)
		if f.IsNew {
			if err == nil {
				return fmt.Errorf("patch %s: %s: is there already", p.name, f.NewName)
			}
			old, err = nil, os.MkdirAll(filepath.Dir(name), 0o755)
		}
		if err != nil {
			return fmt.Errorf("patch %s: %s: %w", p.name, f.NewName, err)
		}
		var changed bytes.Buffer
		if err := gitdiff.Apply(&changed, bytes.NewReader(old), f); err != nil {
			return fmt.Errorf("patch %s: %s: %s: %w", p.name, f.NewName, where(f, err), err)
		}
		if err := replace(name, changed.Bytes()); err != nil {
			return fmt.Errorf("patch %s: %w", p.name, err)
		}
	}
	return nil
}

// where names the hunk that did not apply.
func where(f *gitdiff.File, err error) string {
	var at *gitdiff.ApplyError
	if !errors.As(err, &at) || at.Fragment < 1 || at.Fragment > len(f.TextFragments) {
		return "file"
	}
	return fmt.Sprintf("hunk %d, %s", at.Fragment, strings.TrimSpace(f.TextFragments[at.Fragment-1].Header()))
}
