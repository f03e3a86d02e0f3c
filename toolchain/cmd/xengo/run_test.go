package main

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"internal/xengo/toolchain/bed"
	"internal/xengo/toolchain/bed/stub"
)

// tool builds the tool, for tests of what it does as a process. They boot a bed
// under the conditions of those of package bed.
func tool(t *testing.T) string {
	t.Helper()
	if testing.Short() {
		t.Skip("boots the bed: not with -short")
	}
	if why := bed.Missing(); why != "" {
		if os.Getenv("CI") != "" || os.Getenv("XENGO_REQUIRE_BED") != "" {
			t.Fatal(why)
		}
		t.Skip(why)
	}
	file := filepath.Join(t.TempDir(), "xengo")
	out, err := exec.Command("go", "build", "-o", file, ".").CombinedOutput()
	require.NoError(t, err, "%s", out)
	return file
}

// exitCode is how a process ended, -1 if a signal killed it.
func exitCode(t *testing.T, err error) int {
	t.Helper()
	var exit *exec.ExitError
	if err == nil {
		return 0
	}
	require.True(t, errors.As(err, &exit), "%v", err)
	return exit.ExitCode()
}

func TestRunStatuses(t *testing.T) {
	xengo := tool(t)
	for _, c := range []struct {
		kind  stub.Kind
		flags []string
		want  int
		says  string
	}{
		{stub.Crash, nil, statusCrash, "crash"},
		{stub.Poweroff, []string{"--type", "pv"}, statusOurs, "left no exit status"},
		{stub.Loop, []string{"--timeout", "1s"}, statusTimeout, "ended after 1s"},
		{stub.Loop, []string{"--memory", "1000000"}, statusOurs, "memory"},
	} {
		var msg bytes.Buffer
		cmd := exec.Command(xengo, append(append([]string{"run", "--fresh"}, c.flags...), stubFile(t, c.kind, ""))...)
		cmd.Stderr = &msg
		require.Equal(t, c.want, exitCode(t, cmd.Run()), msg.String())
		require.Contains(t, msg.String(), c.says)
	}
}

// What make run does: the example web server is built, booted, and answers this
// machine. It is a PVH domain there; here it is a PV one, too.
func TestRunPublishes(t *testing.T) {
	xengo := tool(t)
	// The toolchain comes first, so that the time below is the guest's.
	out, err := exec.Command(xengo, "toolchain").CombinedOutput()
	require.NoError(t, err, "%s", out)
	variants := [][]string{{"--type", "pvh"}, {"--type", "pv"}}
	if os.Getenv("XENGO_LONG") != "" {
		variants = append(variants, []string{"--type", "pvh", "--xen", "4.17"}, []string{"--type", "pv", "--xen", "4.17"})
	}
	for _, kind := range variants {
		args := append([]string{"run", "--fresh", "--publish", "127.0.0.1:0:8080"}, kind...)
		cmd := exec.Command(xengo, append(args, "./web")...)
		cmd.Dir = "../../../test/examples"
		stderr, err := cmd.StderrPipe()
		require.NoError(t, err)
		require.NoError(t, cmd.Start())
		var said []string
		var port string
		lines := bufio.NewScanner(stderr)
		for port == "" && lines.Scan() {
			said = append(said, lines.Text())
			if m := regexp.MustCompile(`port (\d+) of 127.0.0.1 is the guest's port 8080/tcp`).FindStringSubmatch(lines.Text()); m != nil {
				port = m[1]
			}
		}
		require.NotEmpty(t, port, "%s: %q", kind, said)
		go io.Copy(io.Discard, stderr)
		// A connection waits for the guest, so one is enough.
		client := http.Client{Timeout: 3 * time.Minute}
		response, err := client.Get("http://127.0.0.1:" + port)
		require.NoError(t, err, kind)
		page, err := io.ReadAll(response.Body)
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		require.Contains(t, string(page), " on xenpv/amd64, ")
		require.NoError(t, cmd.Process.Signal(syscall.SIGINT))
		require.Zero(t, exitCode(t, cmd.Wait()))
	}
}

// However a run is ended, its QEMU ends with it.
func TestRunLeavesNoQEMU(t *testing.T) {
	xengo := tool(t)
	for name, c := range map[string]struct {
		signals []syscall.Signal
		want    int
	}{
		"two interrupts": {[]syscall.Signal{syscall.SIGINT, syscall.SIGINT}, statusInterrupt},
		"SIGTERM":        {[]syscall.Signal{syscall.SIGTERM}, statusTerm},
		"SIGKILL":        {[]syscall.Signal{syscall.SIGKILL}, -1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cmd := exec.Command(xengo, "run", "--fresh", "--verbose", stubFile(t, stub.Loop, ""))
			stderr, err := cmd.StderrPipe()
			require.NoError(t, err)
			require.NoError(t, cmd.Start())
			messages := bufio.NewScanner(stderr)
			for messages.Scan() && !strings.Contains(messages.Text(), " runs, domain ") {
			}
			require.NoError(t, messages.Err())
			qemu := childQEMU(t, cmd.Process.Pid)
			for _, s := range c.signals {
				require.NoError(t, cmd.Process.Signal(s))
				time.Sleep(2 * sameSignal)
			}
			require.Equal(t, c.want, exitCode(t, cmd.Wait()))
			require.Eventually(t, func() bool { return !running(qemu) }, 10*time.Second, 20*time.Millisecond, "QEMU outlives the tool")
		})
	}
}

// childQEMU returns the number of a process's QEMU.
func childQEMU(t *testing.T, pid int) int {
	t.Helper()
	files, err := filepath.Glob("/proc/" + strconv.Itoa(pid) + "/task/*/children")
	require.NoError(t, err)
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			continue // a thread that has ended
		}
		for child := range strings.FieldsSeq(string(b)) {
			if name, err := os.ReadFile("/proc/" + child + "/comm"); err == nil && strings.HasPrefix(string(name), "qemu") {
				n, err := strconv.Atoi(child)
				require.NoError(t, err)
				return n
			}
		}
	}
	t.Fatal("no QEMU")
	return 0
}

func running(pid int) bool { return syscall.Kill(pid, 0) == nil }

// A bed that is up serves several runs, and ends when it is told to.
func TestBedUpAndDown(t *testing.T) {
	xengo := tool(t)
	// A directory of its own: the user may have a bed up.
	dir, err := os.MkdirTemp("", "x")
	require.NoError(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	do := func(args ...string) (string, int) {
		cmd := exec.Command(xengo, args...)
		cmd.Env = append(os.Environ(), "TMPDIR="+dir)
		out, err := cmd.CombinedOutput()
		return string(out), exitCode(t, err)
	}
	out, status := do("bed", "status")
	require.Equal(t, 1, status, out)
	out, status = do("bed", "up")
	require.Zero(t, status, out)
	t.Cleanup(func() { do("bed", "down") })
	require.Contains(t, out, "xengo bed down")
	out, status = do("bed", "up")
	require.Zero(t, status, out)
	require.Contains(t, out, "up already")

	out, status = do("bed", "sh", "echo $((6*7)); exit 9")
	require.Equal(t, 9, status)
	require.Equal(t, "42\n", out)
	out, status = do("bed", "sh", "echo", "one two")
	require.Zero(t, status)
	require.Equal(t, "one two\n", out)

	done := make(chan string, 2)
	for range 2 {
		go func() {
			out, status := do("run", stubFile(t, stub.Crash, ""))
			if status != statusCrash {
				t.Errorf("exit status %d\n%s", status, out)
			}
			done <- out
		}()
	}
	require.NotContains(t, <-done+<-done, "resuming")

	out, status = do("bed", "status")
	require.Zero(t, status)
	require.Contains(t, out, "Domain-0")
	out, status = do("bed", "down")
	require.Zero(t, status, out)
	_, status = do("bed", "status")
	require.Equal(t, 1, status)

	// Who reads what a program says is told nothing of how it came to run, for however long that takes.
	out, status = do("exec", stubFile(t, stub.Poweroff, ""))
	require.Equal(t, statusOurs, status)
	require.Contains(t, out, "left no exit status")
	require.NotContains(t, out, "resuming")
	require.NotContains(t, out, "creating")
}

// A directory of this machine is the guest's, both ways.
func TestRunShare(t *testing.T) {
	xengo := tool(t)
	dir := t.TempDir()
	program := filepath.Join(t.TempDir(), "main.go")
	require.NoError(t, os.WriteFile(program, []byte(`package main

import (
	"fmt"
	"os"
)

func main() {
	b, err := os.ReadFile("/mnt/in")
	if err == nil {
		err = os.WriteFile("/mnt/out", append(b, " and back"...), 0o644)
	}
	if err == nil {
		err = os.Remove("/mnt/in")
	}
	fmt.Println(err)
}
`), 0o644))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "in"), []byte("there"), 0o644))
	cmd := exec.Command(xengo, "run", "--share", dir+":/mnt", program)
	cmd.Dir = filepath.Dir(program) // outside of this module
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	require.Contains(t, string(out), "<nil>")
	b, err := os.ReadFile(filepath.Join(dir, "out"))
	require.NoError(t, err)
	require.Equal(t, "there and back", string(b))
	require.NoFileExists(t, filepath.Join(dir, "in"))
}
