package lifecycle

import (
	"errors"

	"internal/xengo/xen/ascii"
	"internal/xengo/xen/hv"
	"internal/xengo/xen/xenstore"
)

// ServeVCPUs follows `xl vcpu-set` in a domain that can have n vCPUs, until
// xenstore fails: it calls set for each but the first, now and whenever the
// toolstack may have changed its mind, with what that says
// (docs/misc/xenstore-paths.pandoc, ~/cpu/[0-9]+/availability). A vCPU of which
// it says nothing, or nothing known, stays as it is, as in Linux
// (drivers/xen/cpu_hotplug.c, vcpu_online).
func ServeVCPUs(xs *xenstore.Client, n int, set func(id int, online bool)) error {
	return follow(xs, "cpu", func() error {
		states, err := availability(xs, n)
		if err != nil {
			return err
		}
		for id, state := range states {
			if id > 0 && (state == "online" || state == "offline") {
				set(id, state == "online")
			}
		}
		return nil
	})
}

// availability reads the nodes of n vCPUs. In a program whose goroutines are
// busy every answer waits until somebody looks for it: so all are asked for at
// once.
func availability(xs *xenstore.Client, n int) (states []string, err error) {
	type answer struct {
		id    int
		state string
		err   error
	}
	answers := make(chan answer, n)
	for id := range n {
		go func() {
			state, err := xs.Read("cpu/" + ascii.Itoa(int64(id)) + "/availability")
			answers <- answer{id, state, err}
		}()
	}
	states = make([]string, n)
	for range n {
		a := <-answers
		states[a.id] = a.state
		if a.err != nil && !errors.Is(a.err, hv.ENOENT) {
			err = a.err
		}
	}
	return states, err
}
