package integration

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"internal/xengo/test/harness"
	"internal/xengo/toolchain/bed"
)

// transfer has dom0 send a large body to a guest, in the background, and
// returns where it tells how that went.
func transfer(t *testing.T, p harness.Platform, g *harness.Running, megabytes string) <-chan error {
	t.Helper()
	client := harness.Install(t, p.Bed(t), "guests/netpeer")
	done := make(chan error, 1)
	go func() {
		out, err := harness.TryDom0(t, p.Bed(t), 10*time.Minute, client, "client", "-peer", g.IP(), "-wait", "20s", "-mb", megabytes, "upload")
		if err != nil {
			err = fmt.Errorf("%w\n%s", err, out)
		}
		done <- err
	}()
	return done
}

// underWay waits until a guest's interface in dom0 has carried some of it.
func underWay(t *testing.T, p harness.Platform, g *harness.Running) {
	t.Helper()
	name := "/sys/class/net/vif" + strconv.Itoa(g.DomID()) + ".0/statistics/tx_bytes"
	for end := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		n, err := strconv.Atoi(strings.TrimSpace(harness.Dom0(t, p.Bed(t), "cat", name)))
		if err != nil {
			t.Fatal(err)
		}
		if n > 1<<20 {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("only %d bytes", n)
		}
	}
}

// TestPause stops a guest's CPU for ten seconds in the middle of a transfer.
func TestPause(t *testing.T) {
	harness.EachAlone(t, harness.Platforms(), func(t *testing.T, p harness.Platform) {
		g := harness.Start(t, p, peer(t, "serve"), 0)
		g.Expect("^netpeer: serving")
		done := transfer(t, p, g, "64")
		underWay(t, p, g)
		if err := g.Pause(t.Context()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Second)
		select {
		case err := <-done:
			t.Errorf("the transfer ended while the guest slept: %v", err)
		default:
		}
		if err := g.Unpause(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := <-done; err != nil {
			t.Error(err)
		}
		askFromDom0(t, p, g.IP(), fewProperties...)
		stop(t, g)
	})
}

// TestDestroy takes a guest away in the middle of a transfer. The next one does
// not notice.
func TestDestroy(t *testing.T) {
	harness.Each(t, harness.Platforms(), func(t *testing.T, p harness.Platform) {
		t.Run("first", func(t *testing.T) {
			g := harness.Start(t, p, peer(t, "serve"), 0)
			g.Expect("^netpeer: serving")
			done := transfer(t, p, g, "1024")
			underWay(t, p, g)
			if err := g.Destroy(t.Context()); err != nil {
				t.Fatal(err)
			}
			if got := g.End(); got.Reason != bed.Destroyed {
				t.Errorf("ended with %v", got)
			}
			// What was sent to it is lost; a client that waits for TCP to find
			// out would do so for minutes.
			select {
			case err := <-done:
				if err == nil {
					t.Error("the transfer went well")
				}
			default:
			}
		})
		t.Run("next", func(t *testing.T) {
			g := harness.Start(t, p, peer(t, "serve"), 0)
			g.Expect("^netpeer: serving")
			askFromDom0(t, p, g.IP(), fewProperties...)
			stop(t, g)
		})
	})
}

// TestDetach takes a guest's network device away in the middle of a transfer,
// and in another guest ends the backend. The guest lives on.
func TestDetach(t *testing.T) {
	for name, detach := range map[string]func(t *testing.T, p harness.Platform, g *harness.Running){
		"detach": func(t *testing.T, p harness.Platform, g *harness.Running) {
			harness.Dom0(t, p.Bed(t), "xl", "network-detach", g.Name, "0")
		},
		"close": func(t *testing.T, p harness.Platform, g *harness.Running) {
			backend := "/local/domain/0/backend/vif/" + strconv.Itoa(g.DomID()) + "/0/"
			harness.Dom0(t, p.Bed(t), "xenstore-write", backend+"online", "0", backend+"state", "5") // XenbusStateClosing
		},
	} {
		t.Run(name, func(t *testing.T) {
			harness.Each(t, harness.Platforms(), func(t *testing.T, p harness.Platform) {
				g := harness.Start(t, p, peer(t, "serve"), 0)
				g.Expect("^netpeer: serving")
				transfer(t, p, g, "1024")
				underWay(t, p, g)
				detach(t, p, g)
				stop(t, g) // which it hears by xenstore
			})
		})
	}
}

// TestNoConsole has the console's daemon stand still. A guest may lose output
// then, but it hears that it shall stop.
func TestNoConsole(t *testing.T) {
	standStill(t, "xenconsoled", func(t *testing.T, g *harness.Running) {
		if err := g.Shutdown(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := g.End(); got.Reason != bed.Poweroff {
			t.Errorf("ended with %v", got)
		}
	})
}

// TestNoStore has xenstored stand still while a guest ends, which may cost the
// guest its exit status, but not its end.
func TestNoStore(t *testing.T) {
	standStill(t, "xenstored", func(t *testing.T, g *harness.Running) {
		g.Expect("^verdict: ok$")
		time.Sleep(5 * time.Second) // longer than a guest waits for xenstored
	})
}

// standStill stops a daemon of dom0 while a guest runs that talks a lot for 10 s,
// and then lets it go on. It needs beds of its own.
func standStill(t *testing.T, daemon string, meanwhile func(*testing.T, *harness.Running)) {
	if !harness.Long() {
		t.Skip("starts beds of its own: XENGO_LONG=1")
	}
	for _, p := range harness.Platforms() {
		t.Run(p.String(), func(t *testing.T) {
			b := harness.OwnBed(t, p.Xen)
			g := harness.StartIn(t, b, p, program(t, "chatter", "-for", "10s"), 0)
			g.Expect("^chatter: 10$")
			harness.Dom0(t, b, "killall", "-STOP", daemon)
			meanwhile(t, g)
			harness.Dom0(t, b, "killall", "-CONT", daemon)
			if got := g.End(); got.Reason != bed.Poweroff {
				t.Errorf("ended with %v", got)
			}
		})
	}
}
