// Package goroot builds the patched Go toolchain: it takes the stock Go named
// by toolchain/VERSION, applies toolchain/patches, lays our packages into src
// and runs make.bash, all in the user's cache directory.
//
// There are two levels, so that a change of a guest's file is usable in
// seconds. A base is a complete GOROOT, built with the patches that change the
// tools or what the tools are made of; it takes minutes. A final GOROOT is the
// base, hard-linked, plus the remaining patches and everything laid in. Both
// are named after a hash of all that went into them and never change.
package goroot

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// keep is how many trees of each kind stay in the cache.
const keep = 6

// Builder makes patched GOROOTs from one set of sources.
type Builder struct {
	Source fs.FS     // the project's tree: runtime, arch, xen, drivers, toolchain, go.mod
	Cache  string    // directory for the built trees; see DefaultCache
	Log    io.Writer // progress for people; nil for none
}

// DefaultCache returns the directory in the user's cache where trees are kept.
func DefaultCache() (string, error) {
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("no cache directory for the toolchain: %w", err)
	}
	return filepath.Join(dir, "xengo"), nil
}

// Build returns the GOROOT made from b.Source, building it if it is not in the
// cache. Any number of processes may do so at once: with the same base, one
// builds and the others wait. It stays in the cache while this process lives.
func (b *Builder) Build(ctx context.Context) (string, error) {
	plan, err := b.plan()
	if err != nil {
		return "", err
	}
	final := filepath.Join(b.Cache, "goroot-"+plan.finalKey)
	if use(final) {
		touch(final)
		return final, nil
	}
	if err := os.MkdirAll(b.Cache, 0o755); err != nil {
		return "", err
	}
	unlock, err := lock(ctx, filepath.Join(b.Cache, "lock-"+plan.baseKey), b.logf)
	if err != nil {
		return "", err
	}
	defer unlock()
	if use(final) { // built while we waited
		return final, nil
	}
	base, err := b.base(ctx, plan)
	if err != nil {
		return "", err
	}
	if err := b.final(ctx, plan, base, final); err != nil {
		return "", err
	}
	use(final)
	prune(b.Cache, "goroot-", final)
	prune(b.Cache, "base-", base)
	return final, nil
}

// plan is everything that decides what a GOROOT contains.
type plan struct {
	version string   // stock Go, such as go1.27.4
	early   []patch  // change the tools: in the base
	late    []patch  // change only packages: in the final tree
	tools   []file   // laid in where they change the tools: in the base
	files   []file   // laid in the final tree
	roots   []string // packages to vendor
	modules []string // their modules, path@version

	baseKey, vendorKey, finalKey string // names of the trees
}

func (b *Builder) plan() (*plan, error) {
	version, err := fs.ReadFile(b.Source, "toolchain/VERSION")
	if err != nil {
		return nil, err
	}
	p := &plan{version: strings.TrimSpace(string(version))}
	patches, err := loadPatches(b.Source)
	if err != nil {
		return nil, err
	}
	p.early, p.late = split(patches)
	files, err := collect(b.Source)
	if err != nil {
		return nil, err
	}
	made, err := roots()
	if err != nil {
		return nil, err
	}
	for _, f := range append(files, made) {
		if isTool(f.to) {
			p.tools = append(p.tools, f)
		} else {
			p.files = append(p.files, f)
		}
	}
	if p.roots, err = vendorRoots(p.files); err != nil {
		return nil, err
	}
	if p.modules, err = vendorModules(b.Source, p.roots); err != nil {
		return nil, err
	}
	p.keys()
	return p, nil
}

func (b *Builder) logf(format string, args ...any) {
	if b.Log != nil {
		fmt.Fprintf(b.Log, "xengo: "+format+"\n", args...)
	}
}
