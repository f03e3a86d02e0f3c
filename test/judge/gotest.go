package judge

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"internal/xengo/test/harness"
)

// goCommand is the patched go command, in the suite's directory.
func (s *Suite) goCommand(ctx context.Context, t *testing.T, goos string, env, args []string) *exec.Cmd {
	root := harness.GOROOT(t)
	cmd := exec.CommandContext(ctx, filepath.Join(root, "bin/go"), args...)
	cmd.Dir = s.Dir
	cmd.Env = slices.Concat(os.Environ(),
		[]string{"GOROOT=" + root, "GOTOOLCHAIN=local", "GOOS=" + goos, "GOARCH=amd64", "CGO_ENABLED=0", "GOWORK=off", "GOFLAGS="}, s.Env, env)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	return cmd
}

// goTest runs go test, with the flags of XENGO_TEST_FLAGS, too, and keeps the user posted. That tests fail is no error. When it
// is interrupted it returns what it knows, too.
func (s *Suite) goTest(t *testing.T, where, goos string, env, args []string) (*results, error) {
	ctx := harness.Context(t)
	cmd := s.goCommand(ctx, t, goos, env, slices.Concat(
		[]string{"test", "-json", "-vet=off", "-timeout=2h"}, s.Flags, strings.Fields(os.Getenv("XENGO_TEST_FLAGS")), args, s.Args))
	cmd.Stderr = t.Output()
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	res, err := parse(out, s.Each, func(pkg, how string, seconds float64, failed []string) {
		t.Logf("%s: %s: %s, %.1f s\n%s", where, pkg, how, seconds, strings.Join(failed, ""))
	})
	if err != nil {
		io.Copy(io.Discard, out) // it ends all the same
		cmd.Wait()
		return nil, err
	}
	err = cmd.Wait()
	if ctx.Err() != nil {
		return res, context.Cause(ctx)
	}
	if err != nil && !testsFailed(err) {
		return nil, err
	}
	return res, nil
}

// testsFailed reports whether the go command ended with "tests failed".
func testsFailed(err error) bool {
	exit, ok := errors.AsType[*exec.ExitError](err)
	return ok && exit.ExitCode() == 1
}
