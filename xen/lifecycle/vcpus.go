package lifecycle

import (
	"errors"
	"sync"

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
func availability(xs *xenstore.Client, n int) ([]string, error) {
	states, errs := make([]string, n), make([]error, n)
	var wait sync.WaitGroup
	for id := range n {
		wait.Add(1)
		go func() {
			defer wait.Done()
			states[id], errs[id] = xs.Read("cpu/" + ascii.Itoa(int64(id)) + "/availability")
			if errors.Is(errs[id], hv.ENOENT) {
				errs[id] = nil
			}
		}()
	}
	wait.Wait()
	return states, errors.Join(errs...)
}
