package integration

import (
	"os"
	"os/exec"
	"testing"
	"time"

	"internal/xengo/test/harness"
	"internal/xengo/toolchain/bed"
)

// TestChildren runs a program that starts itself, as further guests: what these have changed in files is there, however they
// ended.
func TestChildren(t *testing.T) {
	image := harness.Tagged(t, "guests/children", "xengo_spawn")
	harness.Each(t, harness.Platforms(), func(t *testing.T, p harness.Platform) {
		cmd := exec.CommandContext(t.Context(), harness.Tool(t), "exec", "--spawn", "--type", p.Type, "--vcpus", "4", image)
		cmd.Env = append(os.Environ(), bed.Variable+"="+p.Bed(t).Dir())
		cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
		cmd.WaitDelay = time.Minute
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Errorf("%v\n%s", err, out)
		}
		harness.Verdicts(t, string(out), "exit", "panic", "signal", "report", "together", "executable")
	})
}
