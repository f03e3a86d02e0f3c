package std

import (
	"slices"
	"strings"
	"testing"

	"internal/xengo/test/harness"
	"internal/xengo/test/judge"
)

// variant is a way to run or to build some packages' tests that makes other things happen than usual.
type variant struct {
	name     string
	packages string
	flags    string // of go test
	tags     string
	build    string // of the go command's environment, NAME=VALUE
	env      string // of the tests', NAME=VALUE
	args     string // of the tests
	avx      bool   // PVH guests have none (ARCHITECTURE.md, Limits of the emulated machine)
}

// variants are those of "go tool dist test" (cmd/dist/test.go of Go 1.27.4) that neither need cgo nor another linker,
// and a collection of garbage at each percent that the heap grows.
var variants = []variant{
	{name: "cpu10", packages: "sync", flags: "-cpu=10"},
	{name: "cpu1", packages: "runtime", flags: "-short -cpu=1", env: "GOMAXPROCS=2", args: "-quick"},
	{name: "cpu2", packages: "runtime", flags: "-short -cpu=2", env: "GOMAXPROCS=2", args: "-quick"},
	{name: "cpu4", packages: "runtime", flags: "-short -cpu=4", env: "GOMAXPROCS=2", args: "-quick"},
	{name: "gogc1", packages: "runtime sync reflect archive/zip", flags: "-short", env: "GOGC=1"},
	{name: "gcstoptheworld2", packages: "archive/zip", flags: "-short", env: "GODEBUG=gcstoptheworld=2"},
	{name: "gccheckmark", packages: "runtime", flags: "-short", env: "GODEBUG=gccheckmark=1"},
	{name: "mayMoreStackPreempt", packages: "runtime reflect sync", flags: "-short", build: mayMoreStack("Preempt")},
	{name: "mayMoreStackMove", packages: "runtime reflect sync", flags: "-short", build: mayMoreStack("Move")},
	{name: "spectre", packages: "internal/runtime/... reflect crypto/... runtime", flags: "-short",
		build: "GOFLAGS=-gcflags=all=-spectre=all -asmflags=all=-spectre=all"},
	{name: "gofips140", packages: "crypto/...", flags: "-short", build: "GOFIPS140=latest"},
	{name: "nethttpomithttp2", packages: "net/http", flags: "-short", tags: "nethttpomithttp2"},
	{name: "nojsonv2", packages: "encoding/json/...", flags: "-short", build: "GOEXPERIMENT=nojsonv2"},
	{name: "simd", packages: "simd simd/archsimd/...", flags: "-short", build: "GOEXPERIMENT=simd", avx: true},
}

// mayMoreStack makes functions of the runtime, reflect and sync call a hook where they look whether their stack is
// large enough: it has the goroutine preempted, or its stack moved.
func mayMoreStack(what string) string {
	var flags []string
	for _, flag := range []string{"-gcflags=", "-asmflags="} {
		for _, pkg := range []string{"runtime/...", "reflect", "sync"} {
			flags = append(flags, flag+pkg+"=-d=maymorestack=runtime.mayMoreStack"+what)
		}
		flags = append(flags, flag+"runtime/testdata/...=")
	}
	return "GOFLAGS=" + strings.Join(flags, " ")
}

// TestVariants runs them: the first, or with XENGO_STD=all every one. Tests that start programs are left out.
func TestVariants(t *testing.T) {
	for i, v := range variants {
		t.Run(v.name, func(t *testing.T) {
			if i > 0 && !all() {
				t.Skip("takes minutes; XENGO_STD=all runs it")
			}
			v.suite(t).Run(t)
		})
	}
}

func (v variant) suite(t *testing.T) *judge.Suite {
	s := suite()
	s.Packages, s.Flags = strings.Fields(v.packages), strings.Fields(v.flags)
	s.Args = append([]string{"-args"}, strings.Fields(v.args)...)
	s.Spawn = false
	if v.build != "" {
		s.Env = []string{v.build}
	}
	if v.env != "" {
		s.Flags = append(s.Flags, "-exec=env "+v.env) // on Linux; not the go command's, which would be slow
		s.Exec = "--env " + v.env
	}
	if v.tags != "" {
		s.Flags, s.Tags = append(s.Flags, "-tags="+v.tags), []string{v.tags}
	}
	kinds := []judge.Kind{{Type: "pvh", VCPUs: 4}}
	if harness.Long() || all() {
		kinds = append(kinds, judge.Kind{Type: "pv", VCPUs: 4})
	}
	s.Kinds = judge.Kinds(t, kinds...)
	if v.avx {
		s.Kinds = slices.DeleteFunc(s.Kinds, func(k judge.Kind) bool { return k.Type == "pvh" })
	}
	if len(s.Kinds) == 0 {
		t.Skip("PVH guests have no AVX")
	}
	return s
}
