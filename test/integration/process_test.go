package integration

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"internal/xengo/test/harness"
	"internal/xengo/toolchain/bed"
)

// TestHello runs the smallest program: its console has what it says, and no
// word more.
func TestHello(t *testing.T) {
	harness.Each(t, harness.AllPlatforms(), func(t *testing.T, p harness.Platform) {
		result, output := harness.Run(t, p, program(t, "hello"), 0)
		harness.Ended(t, result, bed.Poweroff, 0)
		if output != "hello, world\n" {
			t.Errorf("said %q", output)
		}
	})
}

// TestArguments sends as many arguments and as much environment as a guest can
// have, with all that a shell, xl or Xen could stumble over.
func TestArguments(t *testing.T) {
	odd := []string{"", " ", "a b", `"`, `'`, `\`, "$HOME", "a=b", "--", "-x", "tab\tnewline\n", "grün", "\x01\xff", "#", ";", "[,]"}
	args := slices.Concat(odd, filling(60_000))
	var env []string
	for i, value := range args {
		env = append(env, "TEST_"+strconv.Itoa(i)+"="+value)
		if len(strings.Join(env, " ")) > 60_000 {
			break
		}
	}
	want := told("args", args) + told("env", slices.Sorted(slices.Values(env)))
	harness.Each(t, harness.AllPlatforms(), func(t *testing.T, p harness.Platform) {
		c := program(t, "args", args...)
		c.Env = env
		result, output := harness.Run(t, p, c, 0)
		harness.Ended(t, result, bed.Poweroff, 0)
		says(t, output, want, "verdict: ok\n")
	})
}

// TestFewArguments is TestArguments for those that fit into a command line.
func TestFewArguments(t *testing.T) {
	args, env := []string{"-flag", "two words", "", `it's "quoted"`}, []string{"TEST_A=1 2", "TEST_B="}
	harness.Each(t, harness.AllPlatforms(), func(t *testing.T, p harness.Platform) {
		c := program(t, "args", args...)
		c.Env = env
		result, output := harness.Run(t, p, c, 0)
		harness.Ended(t, result, bed.Poweroff, 0)
		says(t, output, told("args", args)+told("env", env))
	})
}

// filling is words of about n bytes in all.
func filling(n int) []string {
	var words []string
	for i := 0; n > 0; i++ {
		w := fmt.Sprintf("%d-%s", i, strings.Repeat("x", i%200))
		words = append(words, w)
		n -= len(w) + 1
	}
	return words
}

// told is what the program args says of some words.
func told(what string, words []string) string {
	h := sha256.New()
	n := 0
	for _, w := range words {
		h.Write([]byte(w + "\x00"))
		n += len(w)
	}
	return fmt.Sprintf("%s: %d words %d bytes %x\n", what, len(words), n, h.Sum(nil))
}

// TestHostname looks what a guest is called: as its domain is, but only if that
// can be a host's name, unless the command line says otherwise.
func TestHostname(t *testing.T) {
	harness.Each(t, harness.AllPlatforms(), func(t *testing.T, p harness.Platform) {
		for name, test := range map[string]struct{ domain, option, want string }{
			"domain": {"the-host", "", "host: the-host-"}, // with a number
			"odd":    {"the+host", "", "host: xengo\n"},
			"option": {"the-host", "hostname=other", "host: other\n"},
		} {
			t.Run(name, func(t *testing.T) {
				c := program(t, "args")
				c.Name = test.domain
				if test.option != "" {
					c.Options = []string{test.option}
				}
				result, output := harness.Run(t, p, c, 0)
				harness.Ended(t, result, bed.Poweroff, 0)
				says(t, output, test.want, "verdict: ok\n")
			})
		}
	})
}

// TestExitStatus ends with statuses other than 0, which is TestHello's.
func TestExitStatus(t *testing.T) {
	harness.Each(t, harness.AllPlatforms(), func(t *testing.T, p harness.Platform) {
		for _, status := range []int{1, 7} {
			t.Run(strconv.Itoa(status), func(t *testing.T) {
				result, _ := harness.Run(t, p, program(t, "ending", "exit", strconv.Itoa(status)), 0)
				harness.Ended(t, result, bed.Poweroff, status)
			})
		}
	})
}

// TestFatal ends programs in the ways in which Go's runtime gives up. The trace
// is on the console, and the domain counts as crashed.
func TestFatal(t *testing.T) {
	for _, way := range []struct {
		name  string
		words []string
	}{
		{"panic", []string{"panic: ending: as it should", "goroutine 1 [running]:", "main.failDeeply(", "ending/fatal.go:14", "main.main()"}},
		{"goroutine", []string{"panic: ending: in a goroutine", "main.panicElsewhere.func1()", "ending/fatal.go:23"}},
		{"nil", []string{"panic: runtime error: invalid memory address or nil pointer dereference", "[signal SIGSEGV", "addr=0x0", "ending/main.go:15"}},
		{"overflow", []string{"stack overflow", "main.endless(", "ending/fatal.go:36"}},
		{"deadlock", []string{"fatal error: all goroutines are asleep - deadlock!", "goroutine 1 [chan receive]:", "ending/fatal.go:46"}},
		{"later", []string{"fatal error: all goroutines are asleep - deadlock!", "main.deadlockLater(", "ending/fatal.go:46"}},
		{"memory", []string{"fatal error: runtime: out of memory", "main.exhaust(", "ending/fatal.go:"}},
	} {
		t.Run(way.name, func(t *testing.T) {
			harness.Each(t, harness.AllPlatforms(), func(t *testing.T, p harness.Platform) {
				result, output := harness.Run(t, p, program(t, "ending", way.name), 0)
				harness.Ended(t, result, bed.Crash, 2)
				says(t, output, way.words...)
			})
		})
	}
}

// TestShutdown asks a program to stop that cleans up first.
func TestShutdown(t *testing.T) {
	harness.Each(t, harness.AllPlatforms(), func(t *testing.T, p harness.Platform) {
		g := harness.Start(t, p, program(t, "ending", "sigterm", "5"), 0)
		g.Expect("^ending: ready$")
		if err := g.Shutdown(t.Context()); err != nil {
			t.Fatal(err)
		}
		g.Expect("^ending: got terminated$")
		g.Expect("^ending: cleaned up$")
		harness.Ended(t, g.End(), bed.Poweroff, 5)
	})
}

// TestUnhandledShutdown asks one to stop that does not know of signals.
func TestUnhandledShutdown(t *testing.T) {
	harness.Each(t, harness.AllPlatforms(), func(t *testing.T, p harness.Platform) {
		g := harness.Start(t, p, program(t, "ending", "unhandled"), 0)
		g.Expect("^ending: ready$")
		if err := g.Shutdown(t.Context()); err != nil {
			t.Fatal(err)
		}
		if result := g.End(); result.Reason != bed.Poweroff || result.Status == 0 {
			t.Errorf("ended with %v, want poweroff and a status that is not 0", result)
		}
	})
}

// TestReboot asks for a reboot: the program stops, and starts again.
func TestReboot(t *testing.T) {
	harness.Each(t, harness.AllPlatforms(), func(t *testing.T, p harness.Platform) {
		c := program(t, "ending", "sigterm", "0")
		var reboots atomic.Int32
		c.Restart, c.Rebooted = true, func() { reboots.Add(1) }
		g := harness.Start(t, p, c, 0)
		g.Expect("^ending: ready$")
		first := g.DomID()
		if err := g.Reboot(t.Context()); err != nil {
			t.Fatal(err)
		}
		g.Expect("^ending: cleaned up$")
		g.Expect("^ending: ready$")
		if err := g.Shutdown(t.Context()); err != nil {
			t.Fatal(err)
		}
		g.Expect("^ending: cleaned up$")
		harness.Ended(t, g.End(), bed.Poweroff, 0)
		if g.DomID() == first { // xl may tell of the new one later than its console
			t.Error("still the same domain")
		}
		if n := reboots.Load(); n != 1 {
			t.Errorf("told of %d reboots", n)
		}
	})
}

// TestSysRq sends keys to a program: one shows its goroutines and lets it go on,
// the others end it.
func TestSysRq(t *testing.T) {
	for _, end := range []struct{ key, says string }{
		{"q", "^SIGQUIT: quit$"},
		{"c", "^fatal error: sysrq: crash$"},
	} {
		t.Run(end.key, func(t *testing.T) {
			harness.Each(t, harness.AllPlatforms(), func(t *testing.T, p harness.Platform) {
				g := harness.Start(t, p, program(t, "echo"), 0)
				g.Expect("^echo: ready$")
				key := func(key string) {
					harness.Dom0(t, p.Bed(t), "xl", "sysrq", strconv.Itoa(g.DomID()), key)
				}
				key("t")
				g.Expect(`^goroutine 1 \[`)
				g.Expect(`^main\.main\(\)$`)
				if _, err := fmt.Fprintln(g.Input, "still here"); err != nil {
					t.Fatal(err)
				}
				g.Expect(`^echo: "still here"$`)
				key("?")
				g.Expect("^xengo: sysrq: ")
				key(end.key)
				g.Expect(end.says)
				g.Expect(`^main\.main\(\)$`)
				harness.Ended(t, g.End(), bed.Crash, 2)
			})
		})
	}
}

// TestInput types on a guest's console.
func TestInput(t *testing.T) {
	harness.Each(t, harness.AllPlatforms(), func(t *testing.T, p harness.Platform) {
		g := harness.Start(t, p, program(t, "echo"), 0)
		g.Expect("^echo: ready$")
		long := strings.Repeat("0123456789", 300) // more than the console's ring holds
		for _, line := range []string{"hello", "", "two words", long} {
			if _, err := fmt.Fprintln(g.Input, line); err != nil {
				t.Fatal(err)
			}
			g.Expect(`^echo: "` + line + `"$`)
		}
		if _, err := fmt.Fprintln(g.Input, "quit"); err != nil {
			t.Fatal(err)
		}
		g.Expect("^verdict: ok 4$")
		harness.Ended(t, g.End(), bed.Poweroff, 0)
	})
}

// TestPreempt has a program be idle for long enough that all of it sleeps.
func TestPreempt(t *testing.T) {
	harness.Each(t, harness.AllPlatforms(), func(t *testing.T, p harness.Platform) {
		c := program(t, "preempt")
		c.Vifs = []string{} // the network has timers
		g := harness.Start(t, p, c, 0)
		g.Expect("^preempt: ready$")
		time.Sleep(2 * time.Second)
		if _, err := fmt.Fprintln(g.Input, "go"); err != nil {
			t.Fatal(err)
		}
		g.Expect("^verdict: ok$")
		harness.Ended(t, g.End(), bed.Poweroff, 0)
	})
}
