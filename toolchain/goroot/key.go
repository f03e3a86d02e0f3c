package goroot

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
)

// layout changes when this package builds other trees from the same sources.
const layout = 1

// keys fills in the names of the trees. The base's is also in the VERSION
// line, which is what the build cache knows the tools by; it covers all that
// can change their output.
func (p *plan) keys() {
	h := sha256.New()
	fmt.Fprintf(h, "xengo toolchain %d\n%s\n", layout, p.version)
	hashPatches(h, p.early)
	hashFiles(h, p.tools)
	p.baseKey = digest(h)

	h = sha256.New()
	fmt.Fprintf(h, "base %s\nvendor %q %q\nmends %q\n", p.baseKey, p.roots, p.modules, mends)
	p.vendorKey = digest(h)

	h = sha256.New()
	fmt.Fprintf(h, "vendor %s\n", p.vendorKey)
	hashPatches(h, p.late)
	hashFiles(h, p.files)
	hashFiles(h, []file{{to: "time zones", data: zonesSource}}) // and the Go tree, which is in the base
	p.finalKey = digest(h)
}

func hashFiles(h hash.Hash, files []file) {
	for _, f := range files {
		fmt.Fprintf(h, "file %s %d\n", f.to, len(f.data))
		h.Write(f.data)
	}
}

func hashPatches(h hash.Hash, patches []patch) {
	for _, p := range patches {
		fmt.Fprintf(h, "patch %s %d\n", p.name, len(p.text))
		h.Write(p.text)
	}
}

func digest(h hash.Hash) string { return hex.EncodeToString(h.Sum(nil))[:12] }

// versionLine is the first line of the VERSION file. Its suffix keeps the
// version comparable for go.mod ("go1.27.4-x" counts as 1.27.4).
func (p *plan) versionLine() string { return p.version + "-xengo." + p.baseKey }
