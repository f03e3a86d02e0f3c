// Package modules has the tests of popular modules, unmodified, as a judge of the
// port, as package std has Go's own.
package modules

import (
	"encoding/json"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"internal/xengo/test/harness"
	"internal/xengo/test/judge"
)

func TestMain(m *testing.M) { harness.Main(m) }

// module is a module of the proxy, at a release, and what is tested of it.
type module struct {
	path     string // PATH@VERSION
	packages []string
	flags    []string     // of go test
	env      []string     // of the tests, NAME=VALUE
	exec     string       // flags of xengo exec
	needs    []judge.Need // more flags of xengo exec, for some packages
	alone    bool         // one guest at a time: it counts on processors that have nothing else to do
	short    bool         // it is quick, and tested where time is short
	args     []string     // of the test binaries
	each     string       // a test of which each subtest counts
	redis    bool         // there is a redis for them
	disk     int64        // MiB of the disk, with ext4, where its temporary files are; 0: in memory
}

// everything are all packages of a module.
var everything = []string{"./..."}

var modules = []module{
	// What is left out gives a server 5 ms to begin, and runs it itself, for ever, if that was not enough.
	{path: "github.com/gin-gonic/gin@v1.12.0", packages: everything, flags: []string{"-skip=^(TestRunTLS|TestPusher|TestRunQUIC)$"}},
	{path: "github.com/gorilla/websocket@v1.5.3", packages: everything, short: true},
	{path: "github.com/hashicorp/raft@v1.8.0", packages: everything, flags: []string{"-short"}},
	// What is left out makes messages of a gigabyte.
	{path: "github.com/jackc/pgx/v5@v5.13.0", packages: everything, flags: []string{"-skip=BiggerThanMaxMessageBodyLen"}},
	// What is left out serves for 200 ms, a handshake in them, and ends all of its program if that is too little.
	{path: "github.com/labstack/echo/v5@v5.4.6", packages: everything, flags: []string{"-skip=^TestStartConfig_WithHTTP2WithCustomTlsConfig$"},
		needs: []judge.Need{{Packages: "github.com/labstack/echo/v5/middleware", Flags: "--files ../_fixture"}}},
	// Most of its tests give things a second or less, times this.
	{path: "github.com/quic-go/quic-go@v0.65.0", packages: everything, flags: []string{"-short"}, env: []string{"TIMESCALE_FACTOR=10"},
		needs: []judge.Need{{Packages: "github.com/quic-go/quic-go/interop/http09", Flags: "--files ../../internal/testdata"}}},
	{path: "github.com/redis/go-redis/v9@v9.23.0", packages: everything, flags: []string{"-skip=^TestGinkgoSuite$"}},
	// What needs a server, as the module's Makefile runs it with a single one. What is left out wants several of them, or modules
	// that Debian's redis does not have, or an answer within two milliseconds; what wants one within a hundred is tried three times.
	{path: "github.com/redis/go-redis/v9@v9.23.0", packages: []string{"."}, flags: []string{"-run=^TestGinkgoSuite$"}, redis: true,
		args: []string{"-ginkgo.flake-attempts=3", "-ginkgo.focus=Commands|BitCount|ScanIterator|Pipeline|Tx|PubSub",
			"-ginkgo.skip=AutoPipeline|DDL Commands|HotKeys Commands|RediSearch|FT.HYBRID|Probabilistic|RedisTimeseries|VectorSet|JSON|Modules|FT DIALECT|HPTTL|Ring|Cluster|Sentinel"}},
	// It makes a value of 2 GiB: Linux, too, refuses what is more than all its memory (proc_sys_vm(5), overcommit_memory).
	{path: "go.etcd.io/bbolt@v1.5.0", packages: everything, flags: []string{"-short"},
		needs: []judge.Need{{Packages: "go.etcd.io/bbolt", Flags: "--memory 2560"}}},
	{path: "go.uber.org/zap@v1.28.0", packages: everything, short: true},
	{path: "golang.org/x/crypto@v0.59.0", packages: []string{"./ssh/..."}, flags: []string{"-short"}},
	{path: "golang.org/x/net@v0.62.0", packages: everything, flags: []string{"-short"}},
	{path: "golang.org/x/sys@v0.50.0", packages: []string{"./cpu/...", "./unix/..."}},
	// What is left out wants a pause of 400 ms to be longer than one of 200 ms in which everything runs for the first time, or ends
	// only if two calls take less than 200 ms: else its own hook waits to send, and its Close for the hook (sysrq q showed it).
	// Package test keeps the stack of every buffer: it takes 1.6 GiB on Linux, too.
	{path: "google.golang.org/grpc@v1.85.0", packages: everything, each: "Test", alone: true,
		needs: []judge.Need{{Packages: "google.golang.org/grpc/test", Flags: "--memory 2048"}},
		flags: []string{"-short", "-skip=^Test$/^(BackoffWhenNoServerPrefaceReceived|DataCachePurging)$"}},
	// What is left out does the same for minutes, or reads the module's own sources.
	{path: "modernc.org/sqlite@v1.62.0", packages: []string{".", "./pcache", "./vfs"},
		flags: []string{"-short", "-skip=^TestConcurrentGoroutines$|^TestRegisteredFunctions$/context_expiring$"},
		exec:  "--memory 1024 --files-limit 256", disk: 512},
}

// TestModules runs them in guests. XENGO_MODULES=all runs those of all modules, as
// PVH and PV; XENGO_MODULES="WORD..." those whose paths contain a word.
// XENGO_KINDS="pv/4 pvh/1" names other kinds, XENGO_MODULES_TABLE the file for the
// tables.
func TestModules(t *testing.T) {
	words := strings.Fields(os.Getenv("XENGO_MODULES"))
	kinds := []judge.Kind{{Type: "pvh", VCPUs: 2}, {Type: "pv", VCPUs: 2}}
	if len(words) == 0 {
		kinds = kinds[:1]
	}
	for _, m := range modules {
		if !m.wanted(words) {
			continue
		}
		t.Run(strings.ReplaceAll(m.path, "/", "_"), func(t *testing.T) {
			s := &judge.Suite{
				Dir:        m.copy(t),
				Flags:      append([]string{"-mod=mod"}, m.flags...),
				Env:        m.env,
				Args:       m.args,
				Each:       m.each,
				Alone:      m.alone,
				Packages:   m.packages,
				Exec:       m.exec,
				Needs:      m.needs,
				Kinds:      judge.Kinds(t, kinds...),
				Exceptions: []string{"exceptions.txt"},
				Table:      os.Getenv("XENGO_MODULES_TABLE"),
				Limits:     []judge.Limit{{Percent: 97}},
			}
			if m.redis {
				addRedis(t, s)
			}
			if m.disk == 0 {
				s.Run(t)
				return
			}
			s.RunOnExt4(t, m.disk)
		})
	}
}

func (m *module) wanted(words []string) bool {
	if len(words) == 0 {
		return m.short
	}
	for _, word := range words {
		if word == "all" || strings.Contains(m.path, word) {
			return true
		}
	}
	return false
}

// copy copies the module's files out of the module cache, where they cannot be
// written to.
func (m *module) copy(t *testing.T) string {
	cmd := exec.CommandContext(harness.Context(t), "go", "mod", "download", "-json", m.path)
	cmd.Dir, cmd.Stderr = t.TempDir(), t.Output()
	out, err := cmd.Output()
	var answer struct{ Dir, Error string }
	if jsonErr := json.Unmarshal(out, &answer); jsonErr != nil || answer.Dir == "" {
		t.Fatalf("go mod download %s: %v, %s", m.path, err, answer.Error)
	}
	dir := filepath.Join(t.TempDir(), "module")
	if err := os.CopyFS(dir, os.DirFS(answer.Dir)); err != nil {
		t.Fatal(err)
	}
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type() != fs.ModeSymlink {
			err = os.Chmod(path, 0o755)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return dir
}
