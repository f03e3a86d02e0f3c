package goroot

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// vendorRoots returns the packages outside of std that files import.
func vendorRoots(files []file) ([]string, error) {
	seen := map[string]bool{}
	for _, f := range files {
		names, err := importsOf(f)
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			if first, _, _ := strings.Cut(name, "/"); strings.Contains(first, ".") {
				seen[name] = true
			}
		}
	}
	roots := make([]string, 0, len(seen))
	for name := range seen {
		roots = append(roots, name)
	}
	slices.Sort(roots)
	return roots, nil
}

// vendorModules returns the modules that hold roots, as path@version, from the
// project's go.mod.
func vendorModules(src fs.FS, roots []string) ([]string, error) {
	mod, err := fs.ReadFile(src, "go.mod")
	if err != nil {
		return nil, err
	}
	var modules []string
	for _, root := range roots {
		found := ""
		for line := range strings.Lines(string(mod)) {
			f := strings.Fields(strings.TrimPrefix(strings.TrimSpace(line), "require "))
			if len(f) >= 2 && (f[0] == root || strings.HasPrefix(root, f[0]+"/")) {
				found = f[0] + "@" + f[1]
			}
		}
		if found == "" {
			return nil, fmt.Errorf("%s is imported, but go.mod requires no module for it", root)
		}
		if !slices.Contains(modules, found) {
			modules = append(modules, found)
		}
	}
	return modules, nil
}

// listed is what go list says about a package.
type listed struct {
	ImportPath string
	Dir        string
	Standard   bool
	GoFiles    []string
	SFiles     []string
	HFiles     []string
	EmbedFiles []string
	Module     *module
}

// module is what go list -m says about a module.
type module struct{ Path, Version, GoVersion, Dir string }

// vendor returns a tree with what is to be laid over the base so that std
// vendors p.roots and all they import; "" if there are no roots.
func (b *Builder) vendor(ctx context.Context, p *plan, base string) (string, error) {
	if len(p.roots) == 0 {
		return "", nil
	}
	tree := filepath.Join(b.Cache, "vendor-"+p.vendorKey)
	if isDone(tree) {
		touch(tree)
		return tree, nil
	}
	b.logf("vendoring %s", strings.Join(p.modules, ", "))
	return tree, stage(tree, func(dir string) error { return fillVendor(ctx, p, base, dir) })
}

// fillVendor makes in tree std's go.mod, go.sum and vendor directory as they
// are with the packages p.roots, and what these import outside of std, added.
// They come from the module cache: the roots' modules at the versions that the
// project's go.mod names, what these need at the versions std already has or
// they ask for.
func fillVendor(ctx context.Context, p *plan, base, tree string) error {
	work, err := os.MkdirTemp("", "xengo-vendor-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	g := goCommand{ctx: ctx, root: base, dir: work}
	if err := moveModule(filepath.Join(base, "src"), work, stdModule, workModule); err != nil {
		return err
	}
	if _, err := g.run(append([]string{"get"}, p.modules...)...); err != nil {
		return err
	}
	pkgs, err := g.list(p.roots)
	if err != nil {
		return err
	}
	src := filepath.Join(tree, "src")
	for _, pkg := range pkgs {
		if err := vendorPackage(pkg, filepath.Join(src, "vendor")); err != nil {
			return fmt.Errorf("vendor %s: %w", pkg.ImportPath, err)
		}
	}
	required, err := g.require(pkgs)
	if err != nil {
		return err
	}
	if err := moveModule(work, src, workModule, stdModule); err != nil {
		return err
	}
	const modulesTxt = "vendor/modules.txt"
	old, err := os.ReadFile(filepath.Join(base, "src", modulesTxt))
	if err != nil {
		return err
	}
	return replace(filepath.Join(src, modulesTxt), mergeModulesTxt(string(old), required, pkgs))
}

// goCommand runs the go command of the tree at root in a module at dir that
// starts as std.
type goCommand struct {
	ctx       context.Context
	root, dir string
}

// The path of std's module is reserved for GOROOT, so work is done under
// another.
const stdModule, workModule = "module std\n", "module xengo.invalid/std\n"

// moveModule copies go.mod, with another module path, and go.sum.
func moveModule(from, to, oldName, newName string) error {
	mod, err := os.ReadFile(filepath.Join(from, "go.mod"))
	if err != nil {
		return err
	}
	if !bytes.Contains(mod, []byte(oldName)) {
		return fmt.Errorf("%s: is not %q", filepath.Join(from, "go.mod"), strings.TrimSpace(oldName))
	}
	sum, err := os.ReadFile(filepath.Join(from, "go.sum"))
	if err != nil {
		return err
	}
	if err := replace(filepath.Join(to, "go.mod"), bytes.Replace(mod, []byte(oldName), []byte(newName), 1)); err != nil {
		return err
	}
	return replace(filepath.Join(to, "go.sum"), sum)
}

// require adds the modules of pkgs to go.mod and returns all that it requires.
func (g goCommand) require(pkgs []listed) ([]module, error) {
	args := []string{"mod", "edit"}
	for _, pkg := range pkgs {
		if arg := "-require=" + pkg.Module.Path + "@" + pkg.Module.Version; !slices.Contains(args, arg) {
			args = append(args, arg)
		}
	}
	if _, err := g.run(args...); err != nil {
		return nil, err
	}
	out, err := g.run("list", "-m", "-json", "all")
	if err != nil {
		return nil, err
	}
	all, err := decode[module](out)
	if err != nil {
		return nil, err
	}
	if out, err = g.run("mod", "edit", "-json"); err != nil {
		return nil, err
	}
	var mod struct{ Require []module }
	if err := json.Unmarshal(out, &mod); err != nil {
		return nil, err
	}
	for i, r := range mod.Require {
		at := slices.IndexFunc(all, func(m module) bool { return m.Path == r.Path && m.Version == r.Version })
		if at < 0 {
			return nil, fmt.Errorf("%s %s is required but another version is chosen", r.Path, r.Version)
		}
		mod.Require[i] = all[at]
	}
	return mod.Require, nil
}

// list returns the packages roots and their dependencies outside of std, as
// built for linux/amd64, whose tags and files a guest's are.
func (g goCommand) list(roots []string) ([]listed, error) {
	out, err := g.run(append([]string{"list", "-deps", "-json"}, roots...)...)
	if err != nil {
		return nil, err
	}
	pkgs, err := decode[listed](out)
	return slices.DeleteFunc(pkgs, func(p listed) bool { return p.Standard || p.Module == nil }), err
}

func (g goCommand) run(args ...string) ([]byte, error) {
	cmd := exec.CommandContext(g.ctx, filepath.Join(g.root, "bin", "go"), args...)
	cmd.Dir = g.dir
	cmd.Env = append(cleanEnv(), "GOROOT="+g.root, "GOTOOLCHAIN=local", "GOWORK=off", "GOFLAGS=-mod=mod",
		"GOOS=linux", "GOARCH=amd64", "CGO_ENABLED=0")
	var out, msg bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &msg
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("go %s: %w\n%s", strings.Join(args, " "), err, msg.Bytes())
	}
	return out.Bytes(), nil
}

// decode reads a sequence of JSON values.
func decode[T any](data []byte) ([]T, error) {
	var all []T
	for dec := json.NewDecoder(bytes.NewReader(data)); ; {
		var v T
		err := dec.Decode(&v)
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return nil, err
		}
		all = append(all, v)
	}
}

// vendorPackage copies what is built of a package, with its module's licence.
func vendorPackage(pkg listed, vendor string) error {
	dir := filepath.Join(vendor, filepath.FromSlash(pkg.ImportPath))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for _, name := range slices.Concat(pkg.GoFiles, pkg.SFiles, pkg.HFiles, pkg.EmbedFiles) {
		if leftOut(pkg.ImportPath + "/" + name) {
			continue
		}
		data, err := os.ReadFile(filepath.Join(pkg.Dir, name))
		if err != nil {
			return err
		}
		if data, err = mend(pkg.ImportPath+"/"+name, data); err != nil {
			return err
		}
		if err := replace(filepath.Join(dir, name), data); err != nil {
			return err
		}
	}
	licence, err := os.ReadFile(filepath.Join(pkg.Module.Dir, "LICENSE"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return replace(filepath.Join(vendor, filepath.FromSlash(pkg.Module.Path), "LICENSE"), licence)
}

// mergeModulesTxt adds pkgs to the vendor/modules.txt old, in its order: modules
// by path, packages by path. required are the modules of go.mod.
func mergeModulesTxt(old string, required []module, pkgs []listed) []byte {
	packages := parseModulesTxt(old)
	for _, pkg := range pkgs {
		path := pkg.Module.Path
		if !slices.Contains(packages[path], pkg.ImportPath) {
			packages[path] = append(packages[path], pkg.ImportPath)
		}
	}
	slices.SortFunc(required, func(a, b module) int { return strings.Compare(a.Path, b.Path) })
	var out bytes.Buffer
	for _, m := range required {
		fmt.Fprintf(&out, "# %s %s\n## explicit", m.Path, m.Version)
		if m.GoVersion != "" {
			fmt.Fprintf(&out, "; go %s", m.GoVersion)
		}
		fmt.Fprintln(&out)
		slices.Sort(packages[m.Path])
		for _, pkg := range packages[m.Path] {
			fmt.Fprintln(&out, pkg)
		}
	}
	return out.Bytes()
}

// parseModulesTxt returns the packages listed under each module.
func parseModulesTxt(text string) map[string][]string {
	packages := map[string][]string{}
	module := ""
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		switch {
		case strings.HasPrefix(line, "# "):
			module = strings.Fields(line)[1]
		case line != "" && !strings.HasPrefix(line, "#"):
			packages[module] = append(packages[module], line)
		}
	}
	return packages
}
