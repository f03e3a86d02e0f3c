package harness

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"internal/xengo/toolchain/bed"
)

// installed are the programs in dom0, by bed and program.
var installed struct {
	sync.Mutex
	at map[*bed.Bed]map[string]string
}

// Install puts a program, built for Linux, into dom0, once, and returns its name
// there.
func Install(t testing.TB, b *bed.Bed, program string) string {
	t.Helper()
	installed.Lock()
	defer installed.Unlock()
	if name, ok := installed.at[b][program]; ok {
		return name
	}
	f, err := os.Open(Linux(t, program))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	name := "/run/" + filepath.Base(program)
	if err := b.Put(shared.ctx, name, 0o755, f); err != nil {
		t.Fatal(err)
	}
	if installed.at == nil {
		installed.at = map[*bed.Bed]map[string]string{}
	}
	if installed.at[b] == nil {
		installed.at[b] = map[string]string{}
	}
	installed.at[b][program] = name
	return name
}

// Dom0 runs a command in dom0 and returns its output, both streams. The test
// fails if the command does.
func Dom0(t testing.TB, b *bed.Bed, argv ...string) string {
	t.Helper()
	out, err := TryDom0(t, b, DefaultTimeout, argv...)
	if err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(argv, " "), err, out)
	}
	return out
}

// TryDom0 is Dom0 for commands that may fail, with a limit to their time.
func TryDom0(t testing.TB, b *bed.Bed, timeout time.Duration, argv ...string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), timeout)
	defer cancel()
	var out bytes.Buffer
	err := b.Run(ctx, bed.Command{Argv: argv, Stdout: &out, Stderr: &out})
	return out.String(), err
}

// serving are the daemons in dom0, by bed and program.
var serving struct {
	sync.Mutex
	on map[*bed.Bed]map[string]bool
}

// Serve starts a program in dom0, once, that runs as long as the bed. A test that
// fails logs the end of its output.
func Serve(t *testing.T, b *bed.Bed, program string, args ...string) {
	t.Helper()
	name := Install(t, b, program)
	t.Cleanup(func() {
		if t.Failed() {
			if out, err := b.Exec(shared.ctx, "tail", "-n", "20", name+".log"); err == nil {
				t.Logf("%s in dom0 said:\n%s", program, out)
			}
		}
	})
	serving.Lock()
	defer serving.Unlock()
	if serving.on[b][program] {
		return
	}
	argv := append([]string{"sh", "-c", `exec "$0" "$@" > "$0.log" 2>&1`, name}, args...)
	if _, err := b.Start(shared.ctx, bed.Command{Argv: argv}); err != nil {
		t.Fatal(err)
	}
	if serving.on == nil {
		serving.on = map[*bed.Bed]map[string]bool{}
	}
	if serving.on[b] == nil {
		serving.on[b] = map[string]bool{}
	}
	serving.on[b][program] = true
}
