package goroot

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// vendorRoots returns the packages outside of std that files import.
func vendorRoots(files []file) ([]string, error) {
	seen := map[string]bool{}
	for _, f := range files {
		if path.Ext(f.to) != ".go" {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), f.from, f.data, parser.ImportsOnly)
		if err != nil {
			return nil, err
		}
		for _, spec := range parsed.Imports {
			name, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", f.from, err)
			}
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

// listed is what go list says about a package.
type listed struct {
	ImportPath string
	Dir        string
	Standard   bool
	GoFiles    []string
	SFiles     []string
	HFiles     []string
	EmbedFiles []string
	Module     *struct{ Path, Version, GoVersion, Dir string }
}

// vendor adds the packages p.roots, and what they import outside of std, to
// std's vendor directory in the tree at root. They come from the module cache,
// at the versions that the project's go.mod names for what std does not
// already require.
func (b *Builder) vendor(ctx context.Context, p *plan, root string) error {
	if len(p.roots) == 0 {
		return nil
	}
	b.logf("vendoring the network stack")
	src := filepath.Join(root, "src")
	work, err := os.MkdirTemp("", "xengo-vendor-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	if err := requireAll(ctx, p, root, work); err != nil {
		return err
	}
	pkgs, err := list(ctx, root, work, p.roots)
	if err != nil {
		return err
	}
	for _, pkg := range pkgs {
		if err := vendorPackage(pkg, filepath.Join(src, "vendor")); err != nil {
			return fmt.Errorf("vendor %s: %w", pkg.ImportPath, err)
		}
	}
	for _, name := range []string{"go.mod", "go.sum"} {
		data, err := os.ReadFile(filepath.Join(work, name))
		if err != nil {
			return err
		}
		if err := replace(filepath.Join(src, name), data); err != nil {
			return err
		}
	}
	return updateModulesTxt(filepath.Join(src, "vendor", "modules.txt"), pkgs)
}

// requireAll makes in work the go.mod and go.sum of std with the roots'
// modules added.
func requireAll(ctx context.Context, p *plan, root, work string) error {
	for _, name := range []string{"go.mod", "go.sum"} {
		data, err := os.ReadFile(filepath.Join(root, "src", name))
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(work, name), data, 0o644); err != nil {
			return err
		}
	}
	var code bytes.Buffer
	fmt.Fprintf(&code, "package std\n\n")
	for _, name := range p.roots {
		fmt.Fprintf(&code, "import _ %q\n", name)
	}
	if err := os.WriteFile(filepath.Join(work, "roots.go"), code.Bytes(), 0o644); err != nil {
		return err
	}
	if _, err := goTool(ctx, root, work, append([]string{"get"}, p.modules...)...); err != nil {
		return err
	}
	return nil
}

// list returns the packages roots and their dependencies outside of std, as
// built for linux/amd64, whose tags and files a guest's are.
func list(ctx context.Context, root, work string, roots []string) ([]listed, error) {
	out, err := goTool(ctx, root, work, append([]string{"list", "-mod=mod", "-deps", "-json"}, roots...)...)
	if err != nil {
		return nil, err
	}
	var pkgs []listed
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var pkg listed
		err := dec.Decode(&pkg)
		if errors.Is(err, io.EOF) {
			return pkgs, nil
		}
		if err != nil {
			return nil, fmt.Errorf("go list: %w", err)
		}
		if !pkg.Standard && pkg.Module != nil {
			pkgs = append(pkgs, pkg)
		}
	}
}

// goTool runs the go command of the tree at root in the module at dir.
func goTool(ctx context.Context, root, dir string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, filepath.Join(root, "bin", "go"), args...)
	cmd.Dir = dir
	cmd.Env = append(cleanEnv(), "GOROOT="+root, "GOTOOLCHAIN=local", "GOWORK=off", "GOFLAGS=-mod=mod",
		"GOOS=linux", "GOARCH=amd64", "CGO_ENABLED=0")
	var out, msg bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &msg
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("go %s: %w\n%s", args[0], err, msg.Bytes())
	}
	return out.Bytes(), nil
}

// vendorPackage copies what is built of a package, with its module's licence.
func vendorPackage(pkg listed, vendor string) error {
	dir := filepath.Join(vendor, filepath.FromSlash(pkg.ImportPath))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for _, name := range slices.Concat(pkg.GoFiles, pkg.SFiles, pkg.HFiles, pkg.EmbedFiles) {
		if strings.HasSuffix(name, "_state_autogen.go") { // for checkpoints of gVisor's sandboxes: half a megabyte
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

// mends are the changes that let gVisor's packages be part of std, below net.
var mends = map[string][][2]string{
	"gvisor.dev/gvisor/pkg/tcpip/tcpip.go": {
		{"\t\"net\"\n", ""}, // net imports the stack
		{"make(net.HardwareAddr, LinkAddressSize)", "make([]byte, LinkAddressSize)"},
	},
	// A comment that only a compiler patched for it may see in std.
	"gvisor.dev/gvisor/pkg/sync/locking/lockdep_norace.go": {
		{"//go:inline\n", ""},
		{"//go:inline\n", ""},
	},
}

func mend(name string, data []byte) ([]byte, error) {
	for _, m := range mends[name] {
		if !bytes.Contains(data, []byte(m[0])) {
			return nil, fmt.Errorf("%s: no %q to mend", name, m[0])
		}
		data = bytes.Replace(data, []byte(m[0]), []byte(m[1]), 1)
	}
	return data, nil
}

// updateModulesTxt adds pkgs to a vendor/modules.txt, in its order: modules by
// path, packages by path.
func updateModulesTxt(name string, pkgs []listed) error {
	old, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	modules := parseModulesTxt(string(old))
	for _, pkg := range pkgs {
		m := modules[pkg.Module.Path]
		if m == nil {
			m = &vendored{head: fmt.Sprintf("# %s %s\n## explicit", pkg.Module.Path, pkg.Module.Version)}
			if pkg.Module.GoVersion != "" {
				m.head += "; go " + pkg.Module.GoVersion
			}
			modules[pkg.Module.Path] = m
		}
		if !slices.Contains(m.packages, pkg.ImportPath) {
			m.packages = append(m.packages, pkg.ImportPath)
		}
	}
	var out bytes.Buffer
	paths := make([]string, 0, len(modules))
	for path := range modules {
		paths = append(paths, path)
	}
	slices.Sort(paths)
	for _, path := range paths {
		m := modules[path]
		slices.Sort(m.packages)
		fmt.Fprintf(&out, "%s\n%s\n", m.head, strings.Join(m.packages, "\n"))
	}
	return replace(name, out.Bytes())
}

// vendored is one module of a modules.txt.
type vendored struct {
	head     string // its lines before the packages
	packages []string
}

func parseModulesTxt(text string) map[string]*vendored {
	modules := map[string]*vendored{}
	var m *vendored
	for _, line := range strings.Split(strings.TrimSpace(text), "\n") {
		switch {
		case strings.HasPrefix(line, "# "):
			m = &vendored{head: line}
			modules[strings.Fields(line)[1]] = m
		case m == nil:
		case strings.HasPrefix(line, "##"):
			m.head += "\n" + line
		default:
			m.packages = append(m.packages, line)
		}
	}
	return modules
}
