package goroot

import (
	"fmt"
	"go/parser"
	"go/token"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
)

// modulePath is the project's module, and where its packages are in std.
const modulePath = "internal/xengo"

// dropTestSupport removes the packages that import support for tests, directly
// or through one another. It fails if what remains imports a package of ours
// that is not there.
func dropTestSupport(files []file) ([]file, error) {
	imports, err := ownImports(files)
	if err != nil {
		return nil, err
	}
	dropped := map[string]bool{}
	for again := true; again; {
		again = false
		for pkg, imps := range imports {
			if !dropped[pkg] && slices.ContainsFunc(imps, func(p string) bool { return dropped[p] || isSupport(p) }) {
				dropped[pkg], again = true, true
			}
		}
	}
	for _, pkg := range slices.Sorted(maps.Keys(imports)) {
		for _, imp := range imports[pkg] {
			if _, ok := imports[imp]; !ok && !dropped[pkg] {
				return nil, fmt.Errorf("%s imports %s, which is not laid in", pkg, imp)
			}
		}
	}
	return slices.DeleteFunc(files, func(f file) bool { return dropped[packageOf(f)] }), nil
}

// ownImports returns the packages in files and which of the project's packages
// each imports.
func ownImports(files []file) (map[string][]string, error) {
	imports := map[string][]string{}
	for _, f := range files {
		pkg := packageOf(f)
		if _, ok := imports[pkg]; !ok {
			imports[pkg] = nil
		}
		names, err := importsOf(f)
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			if strings.HasPrefix(name, modulePath+"/") {
				imports[pkg] = append(imports[pkg], name)
			}
		}
	}
	return imports, nil
}

// importsOf returns the paths that a file imports if it is one of Go.
func importsOf(f file) ([]string, error) {
	if path.Ext(f.to) != ".go" {
		return nil, nil
	}
	parsed, err := parser.ParseFile(token.NewFileSet(), f.from, f.data, parser.ImportsOnly)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, spec := range parsed.Imports {
		name, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f.from, err)
		}
		names = append(names, name)
	}
	return names, nil
}

// packageOf returns the import path of the package that a file is laid into.
func packageOf(f file) string { return strings.TrimPrefix(path.Dir(f.to), "src/") }

// isSupport reports whether a package path leads through a directory for
// support of tests.
func isSupport(pkg string) bool {
	return slices.ContainsFunc(strings.Split(strings.TrimPrefix(pkg, modulePath+"/"), "/"), skipDir)
}
