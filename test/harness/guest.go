package harness

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"testing"
	"time"

	"internal/xengo/toolchain/bed"
)

// DefaultTimeout is how long a guest may run. They take seconds on an idle
// machine; this one is emulated and shared.
const DefaultTimeout = 3 * time.Minute

// Running is a guest that a test runs.
type Running struct {
	*bed.Guest
	t     *testing.T
	bed   *bed.Bed
	lines *bufio.Reader
	stuck chan string // what it did when its time was up
	load  bed.Load    // the bed's, at the start
	xen   int         // bytes in Xen's log at the start
}

// Start boots a program. The guest is gone when the test ends; if the test
// fails, its log has both ends of the console. Timeout 0 is DefaultTimeout.
func Start(t *testing.T, p Platform, c bed.GuestConfig, timeout time.Duration) *Running {
	t.Helper()
	return StartIn(t, p.Bed(t), p, c, timeout)
}

// StartIn is Start in a bed of the test's own.
func StartIn(t *testing.T, b *bed.Bed, p Platform, c bed.GuestConfig, timeout time.Duration) *Running {
	t.Helper()
	g, err := TryStart(t, b, p, c, timeout)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// TryStart is StartIn for guests that may not start.
func TryStart(t *testing.T, b *bed.Bed, p Platform, c bed.GuestConfig, timeout time.Duration) (*Running, error) {
	t.Helper()
	guests <- struct{}{}
	t.Cleanup(func() { <-guests })
	if timeout == 0 {
		timeout = DefaultTimeout
	}
	load, err := b.Load()
	if err != nil {
		return nil, err
	}
	log, err := b.XenLog()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(shared.ctx)
	t.Cleanup(cancel)
	patience := time.AfterFunc(timeout, cancel)
	c.Type = p.Type
	g, err := b.StartGuest(ctx, c)
	if err != nil {
		return nil, err
	}
	if !patience.Stop() {
		return nil, context.DeadlineExceeded
	}
	r := &Running{Guest: g, t: t, bed: b, lines: bufio.NewReader(g.Console()), stuck: make(chan string, 1), load: load, xen: len(log)}
	t.Cleanup(func() { r.close(c.Image) })
	late := time.AfterFunc(timeout, func() {
		r.stuck <- where(b, g, c.Image)
		cancel() // ends the guest, for which others wait
	})
	t.Cleanup(func() { late.Stop() })
	return r, nil
}

// close takes a guest away. Of a test that failed it tells what the guest did.
func (g *Running) close(image string) {
	if g.t.Failed() {
		select {
		case doing := <-g.stuck:
			g.t.Logf("%s took too long:\n%s", g.Name, doing)
		case <-g.Done():
		default:
			g.t.Logf("%s has not ended:\n%s", g.Name, where(g.bed, g.Guest, image))
		}
		if load, err := g.bed.Load(); err != nil {
			g.t.Log(err)
		} else {
			g.t.Logf("while %s ran, %v", g.Name, load.Since(g.load))
		}
		g.t.Logf("while %s ran, Xen said:\n%s", g.Name, ends(xenSaid(g.bed, g.xen), 60))
		g.t.Logf("console of %s:\n%s", g.Name, ends(g.Transcript(), 60))
	}
	if err := g.Close(); err != nil {
		g.t.Error(err)
	}
}

// Run boots a program and waits for its end.
func Run(t *testing.T, p Platform, c bed.GuestConfig, timeout time.Duration) (bed.Result, string) {
	t.Helper()
	g := Start(t, p, c, timeout)
	return g.End(), g.Transcript()
}

// End waits for the guest's end.
func (g *Running) End() bed.Result {
	g.t.Helper()
	result, err := g.Wait()
	if err != nil {
		if errors.Is(err, context.Canceled) {
			err = errors.New("it took too long, or the tests were interrupted")
		}
		g.t.Fatalf("guest %s: %v", g.Name, err)
	}
	return result
}

// Expect reads the console until a line matches, and returns the match and its
// groups. Lines are looked at once.
func (g *Running) Expect(expression string) []string {
	g.t.Helper()
	wanted := regexp.MustCompile(expression)
	for {
		line, err := g.lines.ReadString('\n')
		if m := wanted.FindStringSubmatch(strings.TrimRight(line, "\r\n")); m != nil {
			return m
		}
		if err != nil {
			g.t.Logf("guest %s did not say %q", g.Name, expression)
			if errors.Is(err, io.EOF) {
				err = fmt.Errorf("it has ended with %v", g.End())
			}
			g.t.Fatal(err)
		}
	}
}

// Ended is what a guest's result must be.
func Ended(t *testing.T, got bed.Result, reason bed.Reason, status int) {
	t.Helper()
	if want := (bed.Result{Reason: reason, HasStatus: true, Status: status}); got != want {
		t.Errorf("ended with %v, want %v", got, want)
	}
}

// Verdicts makes a subtest of each property (package verdict of test/guests):
// one that the output neither calls ok nor gives a reason to skip fails.
func Verdicts(t *testing.T, output string, properties ...string) {
	t.Helper()
	for _, name := range properties {
		t.Run(name, func(t *testing.T) {
			took, skip, err := verdict(output, name)
			switch {
			case err != nil:
				t.Error(err)
			case skip != "":
				t.Skip(skip)
			default:
				t.Log("took", took)
			}
		})
	}
	if want := fmt.Sprintf("\nverdict: ok %d\n", len(properties)); !strings.Contains(output, want) {
		t.Errorf("output does not say %q", strings.TrimSpace(want))
	}
}

// verdict finds the one on a property: an error, a reason to skip it or how long
// it took.
func verdict(output, name string) (took, skip string, err error) {
	state := "not begun"
	for line := range strings.Lines(output) {
		word, rest, _ := strings.Cut(strings.TrimRight(line, "\r\n"), " ")
		why, reason := strings.CutPrefix(rest, name+": ")
		took, ok := strings.CutPrefix(rest, name+" ")
		switch {
		case word == "begin" && rest == name:
			state = "begun, and then nothing"
		case word == "ok" && ok:
			return took, "", nil
		case word == "skip" && reason:
			return "", why, nil
		case word == "FAIL" && reason:
			return "", "", errors.New(why)
		}
	}
	return "", "", errors.New(state)
}

// ends returns the first and the last lines of a text, which may be all.
func ends(text string, lines int) string {
	all := strings.SplitAfter(text, "\n")
	if len(all) <= 2*lines {
		return text
	}
	return strings.Join(all[:lines], "") + "[…]\n" + strings.Join(all[len(all)-lines:], "")
}
