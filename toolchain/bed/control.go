package bed

import (
	"context"
	"strconv"
)

// DomID returns the guest's domain number; after a reboot it is another.
func (g *Guest) DomID() int {
	domid, _ := g.events.state()
	return domid
}

// Wait waits until the guest has ended. The domain is kept, until Close, for
// those who want to look at it; a reboot is no end.
func (g *Guest) Wait() (Result, error) {
	<-g.done
	return g.result, g.err
}

// Done is closed when the guest has ended.
func (g *Guest) Done() <-chan struct{} { return g.done }

// Close takes the guest away, whatever state it is in.
func (g *Guest) Close() error {
	var err error
	g.once.Do(func() {
		if g.xl != nil {
			err = g.xl.Close()
		} else {
			err = g.bed.run(context.Background(), "guest-clean", g.Name)
		}
		g.cancel()
	})
	return err
}

func (g *Guest) xlDo(ctx context.Context, argv ...string) error {
	return g.bed.run(ctx, append([]string{"xl"}, argv...)...)
}

// Shutdown asks the guest to power off, which its program sees as SIGTERM.
func (g *Guest) Shutdown(ctx context.Context) error { return g.xlDo(ctx, "shutdown", g.Name) }

// Reboot asks the guest to reboot, which its program sees as SIGTERM.
func (g *Guest) Reboot(ctx context.Context) error { return g.xlDo(ctx, "reboot", g.Name) }

// Destroy ends the guest at once.
func (g *Guest) Destroy(ctx context.Context) error { return g.xlDo(ctx, "destroy", g.Name) }

// Pause stops the guest's CPUs.
func (g *Guest) Pause(ctx context.Context) error { return g.xlDo(ctx, "pause", g.Name) }

// Unpause lets them run.
func (g *Guest) Unpause(ctx context.Context) error { return g.xlDo(ctx, "unpause", g.Name) }

// Store reads a node of the guest in xenstore, such as "data/exit-status".
func (g *Guest) Store(ctx context.Context, node string) (string, error) {
	return g.bed.Exec(ctx, "xenstore-read", "/local/domain/"+strconv.Itoa(g.DomID())+"/"+node)
}
