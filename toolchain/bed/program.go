package bed

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
)

// A Program is a program of Debian for dom0 and the host: a directory with it, the
// libraries that it is linked with, and the dynamic linker that finds them.
type Program struct {
	Dir  string
	name string
}

// linker is the dynamic linker's name.
const linker = "ld-linux-x86-64.so.2"

// Argv is what runs it from dir, where the files of Dir are.
func (p *Program) Argv(dir string, args ...string) []string {
	return append([]string{filepath.Join(dir, linker), "--library-path", dir, filepath.Join(dir, p.name)}, args...)
}

// DebianProgram returns a file of a package, such as usr/bin/NAME, in the suite
// that the bed's Xen is from.
func DebianProgram(ctx context.Context, o Options, pkg, file string) (*Program, error) {
	p := &Program{name: filepath.Base(file)}
	var err error
	p.Dir, err = fetched(ctx, &o, "program-%s-"+pkg, p.name, func(ctx context.Context, dir, suite string) error {
		return fetchProgram(ctx, dir, suite, pkg, file)
	})
	return p, err
}

func fetchProgram(ctx context.Context, dir, suite, pkg, file string) error {
	from, _, err := unpacked(ctx, dir, suite, ``, keepUserland, pkg)
	if err != nil {
		return err
	}
	root := make(tree)
	if err := addLinked(root, from, file); err != nil {
		return err
	}
	program := root[file]
	delete(root, file)
	for name, e := range root {
		if err := os.WriteFile(filepath.Join(dir, filepath.Base(name)), e.data, 0o755); err != nil {
			return err
		}
	}
	return os.WriteFile(filepath.Join(dir, filepath.Base(file)), program.data, 0o755)
}

// fetched returns a directory of the cache that fetch fills, once. name has %s for
// the suite that the bed's Xen is from; last is the file that is written last.
func fetched(ctx context.Context, o *Options, name, last string, fetch func(ctx context.Context, dir, suite string) error) (string, error) {
	r, cache, err := o.place()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(cache, fmt.Sprintf(name, r.suite))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	unlock, err := lock(ctx, dir+".lock", o.logf)
	if err != nil {
		return "", err
	}
	defer unlock()
	if _, err := os.Stat(filepath.Join(dir, last)); err == nil {
		return dir, nil
	}
	o.logf("fetching %s from Debian", filepath.Base(dir))
	return dir, fetch(ctx, dir, r.suite)
}

// unpacked returns files of packages, and of those that they need, with the names
// of the packages. Of all of these it takes what the expression matches.
func unpacked(ctx context.Context, dir, suite, expression string, keep func(name string) bool, packages ...string) (tree, []string, error) {
	a, err := newAPT(ctx, filepath.Join(dir, "apt"), suite)
	if err != nil {
		return nil, nil, err
	}
	if err := a.update(ctx); err != nil {
		return nil, nil, err
	}
	all, err := a.closure(ctx, packages...)
	if err != nil {
		return nil, nil, err
	}
	debs := pick(all, expression)
	if err := a.download(ctx, dir, debs); err != nil {
		return nil, nil, err
	}
	from := make(tree)
	for _, name := range debs {
		deb := filepath.Join(dir, name)
		if err := from.unpack(ctx, deb, keep); err != nil {
			return nil, nil, err
		}
		if err := os.Remove(deb); err != nil {
			return nil, nil, err
		}
	}
	return from, debs, nil
}
