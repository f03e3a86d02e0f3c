package goroot

import (
	"bytes"
	"fmt"
	"go/build/constraint"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// file is one file to lay into GOROOT.
type file struct {
	from string // in the project
	to   string // in GOROOT
	data []byte
}

// runtimeDirs hold files of Go's package runtime; their subdirectories and
// packageDirs hold packages of our own.
var (
	runtimeDirs = []string{"runtime", "arch/amd64"}
	packageDirs = []string{"xen", "drivers"}
)

// collect returns what is laid in, sorted by destination:
//
//   - runtimeDirs: .go, .s and .h files that are for xenpv only, flat, into
//     src/runtime
//   - packages: the same kinds of files, whatever their constraints, into
//     src/internal/xengo under their path
//   - toolchain/overlay: everything, verbatim
//
// Tests, testdata, and names starting with "." or "_" stay out. So do packages
// that support tests: those in directories named *test, and those that import
// one of these, such as simulated backends.
func collect(src fs.FS) ([]file, error) {
	var all []file
	for _, dir := range runtimeDirs {
		files, err := collectRuntime(src, dir)
		if err != nil {
			return nil, err
		}
		all = append(all, files...)
	}
	for _, dir := range append(packageDirs, runtimeDirs...) {
		files, err := collectPackages(src, dir, slices.Contains(runtimeDirs, dir))
		if err != nil {
			return nil, err
		}
		all = append(all, files...)
	}
	all, err := dropTestSupport(all)
	if err != nil {
		return nil, err
	}
	files, err := collectOverlay(src)
	if err != nil {
		return nil, err
	}
	all = append(all, files...)
	slices.SortFunc(all, func(a, b file) int { return strings.Compare(a.to, b.to) })
	for i := 1; i < len(all); i++ {
		if all[i].to == all[i-1].to {
			return nil, fmt.Errorf("%s and %s are both laid in as %s", all[i-1].from, all[i].from, all[i].to)
		}
	}
	return all, nil
}

func collectRuntime(src fs.FS, dir string) ([]file, error) {
	entries, err := readDir(src, dir)
	if err != nil {
		return nil, err
	}
	var files []file
	for _, e := range entries {
		if e.IsDir() || !isSource(e.Name()) {
			continue
		}
		f, err := read(src, path.Join(dir, e.Name()), path.Join("src/runtime", e.Name()))
		if err != nil {
			return nil, err
		}
		only, err := xenpvOnly(e.Name(), f.data)
		switch {
		case err != nil:
			return nil, fmt.Errorf("%s: %w", f.from, err)
		case only == never: // for the host: not Go's package runtime
		case only == always:
			return nil, fmt.Errorf("%s: belongs to package runtime, so it needs //go:build xenpv", f.from)
		default:
			files = append(files, f)
		}
	}
	return files, nil
}

func collectPackages(src fs.FS, root string, below bool) ([]file, error) {
	var files []file
	err := fs.WalkDir(src, root, func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			if name == root { // nothing there yet
				return fs.SkipAll
			}
			return err
		case d.IsDir():
			if name != root && skipDir(d.Name()) {
				return fs.SkipDir
			}
			return nil
		case !isSource(d.Name()), below && path.Dir(name) == root:
			return nil
		}
		f, err := read(src, name, path.Join("src", modulePath, name))
		files = append(files, f)
		return err
	})
	return files, err
}

func collectOverlay(src fs.FS) ([]file, error) {
	const root = "toolchain/overlay"
	var files []file
	err := fs.WalkDir(src, root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			if name == root {
				return fs.SkipAll
			}
			return err
		}
		if d.IsDir() {
			return nil
		}
		f, err := read(src, name, strings.TrimPrefix(name, root+"/"))
		files = append(files, f)
		return err
	})
	return files, err
}

// readDir is fs.ReadDir of a directory that may not exist.
func readDir(src fs.FS, dir string) ([]fs.DirEntry, error) {
	if _, err := fs.Stat(src, dir); err != nil {
		return nil, nil
	}
	return fs.ReadDir(src, dir)
}

func read(src fs.FS, from, to string) (file, error) {
	data, err := fs.ReadFile(src, from)
	return file{from, to, data}, err
}

func skipDir(name string) bool {
	return name == "testdata" || strings.HasSuffix(name, "test") || name[0] == '.' || name[0] == '_'
}

func isSource(name string) bool {
	if name[0] == '.' || name[0] == '_' || strings.HasSuffix(name, "_test.go") {
		return false
	}
	switch path.Ext(name) {
	case ".go", ".s", ".h":
		return true
	}
	return false
}

// when says for which systems a file of package runtime is compiled.
type when int

const (
	always when = iota // or at least for others than xenpv
	onlyXenpv
	never // not for xenpv
)

// xenpvOnly judges a file by its //go:build line. Headers have none and are
// included by name, so they count as ours if their name says so.
func xenpvOnly(name string, data []byte) (when, error) {
	if path.Ext(name) == ".h" {
		if strings.Contains(name, "xenpv") {
			return onlyXenpv, nil
		}
		return always, nil
	}
	for line := range bytes.Lines(data) {
		text := strings.TrimSpace(string(line))
		if !constraint.IsGoBuild(text) {
			if text != "" && !strings.HasPrefix(text, "//") {
				break // past the header
			}
			continue
		}
		expr, err := constraint.Parse(text)
		if err != nil {
			return always, err
		}
		return evaluate(expr), nil
	}
	return always, nil
}

// evaluate says when a constraint can be satisfied, whatever tags other than
// xenpv are set.
func evaluate(expr constraint.Expr) when {
	ours, _ := possible(expr, true)
	others, _ := possible(expr, false)
	switch {
	case !ours:
		return never
	case others:
		return always
	}
	return onlyXenpv
}

// possible reports whether expr can be true and whether it can be false, given
// xenpv. Tags are taken as independent, so it may say yes too often.
func possible(expr constraint.Expr, xenpv bool) (yes, no bool) {
	switch expr := expr.(type) {
	case *constraint.TagExpr:
		if expr.Tag == "xenpv" {
			return xenpv, !xenpv
		}
		return true, true
	case *constraint.NotExpr:
		yes, no = possible(expr.X, xenpv)
		return no, yes
	case *constraint.AndExpr:
		yes1, no1 := possible(expr.X, xenpv)
		yes2, no2 := possible(expr.Y, xenpv)
		return yes1 && yes2, no1 || no2
	case *constraint.OrExpr:
		yes1, no1 := possible(expr.X, xenpv)
		yes2, no2 := possible(expr.Y, xenpv)
		return yes1 || yes2, no1 && no2
	}
	return true, true
}
