// Package lifecycle makes the domain a good citizen of the toolstack: it says
// what requests it understands, carries out `xl shutdown`, `xl reboot` and
// `xl sysrq`, and leaves the program's exit status behind
// (docs/misc/xenstore-paths.pandoc, ~/control/shutdown).
package lifecycle

import (
	"errors"

	"internal/xengo/xen/ascii"
	"internal/xengo/xen/hv"
	"internal/xengo/xen/xenstore"
)

// A Request is what the toolstack asks of the domain.
type Request int

// The requests.
const (
	Poweroff Request = iota
	Reboot
)

// requests are the values of control/shutdown that are understood, and the
// announcement of each, if there is one (drivers/xen/manage.c in Linux 6.1).
var requests = []struct {
	value   string
	request Request
	feature string
}{
	{"poweroff", Poweroff, "feature-poweroff"},
	{"halt", Poweroff, ""},
	{"reboot", Reboot, "feature-reboot"},
}

// Announce tells the toolstack which requests are understood. A toolstack that
// does not want to know has not made the nodes and refuses them.
func Announce(xs *xenstore.Client) error {
	for _, r := range requests {
		if r.feature == "" {
			continue
		}
		if err := xs.Write("control/"+r.feature, "1"); err != nil && !errors.Is(err, hv.EACCES) {
			return err
		}
	}
	return nil
}

// Serve announces what is understood, and calls do for each request after
// acknowledging it, until xenstore fails.
func Serve(xs *xenstore.Client, do func(Request)) error {
	if err := Announce(xs); err != nil {
		return err
	}
	return follow(xs, "control/shutdown", func() error {
		request, ok, err := take(xs)
		if ok {
			do(request)
		}
		return err
	})
}

// follow calls look now and whenever something at path may have changed, until
// it or xenstore fails.
func follow(xs *xenstore.Client, path string, look func() error) error {
	w, err := xs.Watch(path)
	if err != nil {
		return err
	}
	for range w.C {
		w.Events()
		if err := look(); err != nil {
			w.Close() // err says what is wrong
			return err
		}
	}
	return nil
}

// take reads and acknowledges a request. One that is not understood is left as
// it is, so that the toolstack sees that nothing will come of it.
func take(xs *xenstore.Client) (request Request, ok bool, err error) {
	err = xs.Transact(func(tx *xenstore.Tx) error {
		ok = false
		value, err := tx.Read("control/shutdown")
		if errors.Is(err, hv.ENOENT) {
			return nil
		}
		if err != nil {
			return err
		}
		for _, r := range requests {
			if r.value == value {
				request, ok = r.request, true
				return tx.Write("control/shutdown", "")
			}
		}
		return nil
	})
	return request, ok && err == nil, err
}

// ExitStatusPath is where the program's exit status is left, in decimal.
const ExitStatusPath = "data/exit-status"

// RecordExit leaves the program's exit status for the toolstack.
func RecordExit(xs *xenstore.Client, status int32) error {
	return xs.Write(ExitStatusPath, ascii.Itoa(int64(status)))
}
