package build

import (
	"internal/dag"
	"slices"
	"strings"
	"testing"
)

// xengo is where the packages of xengo guests are.
const xengo = "internal/xengo/"

// xengoLayers are the layers of those packages, from the bottom: a package may
// import its own layer and those below. A name stands for itself and what is
// under it; the longest that fits counts.
var xengoLayers = [][]string{
	{"xen/abi"},
	{"xen/ascii", "xen/cmdline", "xen/evtchn", "xen/pvclock", "xen/xenstore/xswire", "arch/amd64", "runtime/fifo", "runtime/inflate", "runtime/newc", "runtime/pieces", "runtime/unzstd"}, // pure computation
	{"xen/hv"},
	{"xen/grant", "xen/ring"},
	{"xen/xenstore"},
	{"xen/xenbus"},
	{"xen"},
	{"drivers"},
	{"runtime"},
	{"runtime/netstack", "runtime/sockets"}, // above package syscall, below net
}

// xengoPure is the number of layers that package runtime may import. xengoStack
// is the first that may import the vendored network stack.
const (
	xengoPure  = 2
	xengoStack = 9
)

// xengoDoors are the packages that std imports, by who does.
var xengoDoors = map[string][]string{
	"syscall":     {"runtime/calls"},
	"time":        {"runtime/zoneinfo"},
	"os":          {"runtime/disks", "runtime/files", "xen/lifecycle", "drivers/balloon", "runtime/mounts", "runtime/mounts/none", "runtime/spawn"},
	"crypto/x509": {"runtime/roots"},
	"net":         {"runtime/sockets"},
}

// xengoLayer returns the layer of a package, -1 if it is not ours.
func xengoLayer(pkg string) int {
	name, ok := strings.CutPrefix(pkg, xengo)
	if !ok {
		return -1
	}
	layer, longest := len(xengoLayers), 0
	for i, prefixes := range xengoLayers {
		for _, p := range prefixes {
			if (name == p || strings.HasPrefix(name, p+"/")) && len(p) > longest {
				layer, longest = i, len(p)
			}
		}
	}
	return layer
}

// xengoEdge reports whether pkg may import imp, and whether that is for xengo's
// rules to say: they are about its packages and about the network stack that
// they bring into std.
func xengoEdge(policy *dag.Graph, pkg, imp string) (allowed, ours bool) {
	from, to := xengoLayer(pkg), xengoLayer(imp)
	switch {
	case isXengoStack(pkg):
		return isXengoStack(imp) || belowNet(policy, imp), true
	case from < 0 && to < 0:
		return false, false
	case from < 0 && pkg == "runtime":
		return to < xengoPure, true
	case from < 0:
		return slices.Contains(xengoDoors[pkg], strings.TrimPrefix(imp, xengo)), true
	case to >= 0:
		return to <= from, true
	case isXengoStack(imp):
		return from >= xengoStack, true
	case from < xengoPure:
		return policy.HasEdge("runtime", imp), true
	case from < xengoStack:
		return policy.HasEdge("syscall", imp), true
	}
	return belowNet(policy, imp), true
}

// belowNet reports whether net may import what imports imp.
func belowNet(policy *dag.Graph, imp string) bool {
	return imp != "net" && !policy.HasEdge(imp, "net")
}

// isXengoStack reports whether pkg is gVisor's or vendored for it.
func isXengoStack(pkg string) bool {
	return slices.ContainsFunc([]string{
		"gvisor.dev/gvisor", "github.com/google/btree", "golang.org/x/exp", "golang.org/x/sys/unix", "golang.org/x/time",
	}, func(p string) bool { return pkg == p || strings.HasPrefix(pkg, p+"/") })
}

func TestXengoEdge(t *testing.T) {
	policy := depsPolicy(t)
	for _, test := range []struct {
		pkg, imp      string
		allowed, ours bool
	}{
		{"fmt", "os", false, false},
		{"runtime", xengo + "xen/pvclock", true, true},
		{"runtime", xengo + "xen/hv", false, true},
		{"runtime", xengo + "xen/xenstore/xswire", true, true},
		{"runtime", xengo + "xen/xenstore", false, true},
		{"syscall", xengo + "runtime/calls", true, true},
		{"os", xengo + "xen/lifecycle", true, true},
		{"os", xengo + "runtime/calls", false, true},
		{"crypto/x509", xengo + "runtime/roots", true, true},
		{"fmt", xengo + "xen/abi", false, true},
		{xengo + "xen/abi", "structs", true, true},
		{xengo + "xen/abi", "sync", false, true},
		{xengo + "xen/ring", xengo + "xen/abi", true, true},
		{xengo + "xen/ring", xengo + "drivers/netfront", false, true},
		{xengo + "drivers/netfront", "errors", true, true},
		{xengo + "drivers/netfront", "os", false, true},
		{xengo + "runtime/files", "syscall", false, true},
		{xengo + "runtime/files", "gvisor.dev/gvisor/pkg/tcpip", false, true},
		{xengo + "runtime/sockets", "gvisor.dev/gvisor/pkg/tcpip", true, true},
		{xengo + "runtime/sockets", "os", true, true},
		{xengo + "runtime/sockets", "net", false, true},
		{xengo + "elsewhere", xengo + "xen/abi", true, true},
		{"gvisor.dev/gvisor/pkg/tcpip", "net", false, true},
	} {
		allowed, ours := xengoEdge(policy, test.pkg, test.imp)
		if allowed != test.allowed || ours != test.ours {
			t.Errorf("xengoEdge(%s, %s) = %t, %t; want %t, %t", test.pkg, test.imp, allowed, ours, test.allowed, test.ours)
		}
	}
}

// xengoIgnore marks files that stand in for the guest's when our packages are
// tested on a host. They may import anything.
var xengoIgnore = []byte("//go:build !xenpv")
