package netfront

import (
	"internal/xengo/xen/ascii"
	"internal/xengo/xen/hv"
	"internal/xengo/xen/xenbus"
	"internal/xengo/xen/xenstore"
)

const class = "device/vif"

// Probe opens the devices that there are, calls found for each, and returns
// when that is done. Afterwards it goes on, in a goroutine, to open devices
// that are attached later and to call found for them. failed is told of those
// that could not be opened. Calls of found and failed do not overlap.
//
// stop ends the search; the devices stay open.
func Probe(p hv.Platform, xs *xenstore.Client, found func(*Device), failed func(name string, err error)) (stop func() error, err error) {
	w, err := xs.Watch(class)
	if err != nil {
		return nil, err
	}
	pr := prober{p: p, xs: xs, found: found, failed: failed, open: map[string]*Device{}}
	if err := pr.scan(); err != nil {
		w.Close() // err says what is wrong
		return nil, err
	}
	return w.Serve(func() {
		if err := pr.scan(); err != nil {
			p.Print("netfront: looking for new devices: " + err.Error())
		}
	}), nil
}

// prober remembers which devices it has seen.
type prober struct {
	p      hv.Platform
	xs     *xenstore.Client
	found  func(*Device)
	failed func(string, error)
	open   map[string]*Device // nil: it could not be opened
}

// scan opens what is new, in the order of the names' numbers, and forgets what
// has gone.
func (pr *prober) scan() error {
	names, err := xenbus.Devices(pr.xs, "vif")
	if err != nil {
		return err
	}
	sortNumbers(names)
	present := map[string]bool{}
	for _, name := range names {
		present[name] = true
		if d, known := pr.open[name]; known && !pr.again(name, d) {
			continue
		}
		d, err := Open(pr.p, pr.xs, name)
		pr.open[name] = d
		if err != nil {
			pr.failed(name, err)
		} else {
			pr.found(d)
		}
	}
	for name := range pr.open {
		if !present[name] {
			delete(pr.open, name)
		}
	}
	return nil
}

// again reports whether a known device has ended and been offered anew.
func (pr *prober) again(name string, d *Device) bool {
	if d == nil {
		return false
	}
	select {
	case <-d.Done():
	default:
		return false
	}
	s, err := pr.xs.Read(class + "/" + name + "/state")
	return err == nil && xenbus.ParseState(s) == xenbus.Initialising
}

// sortNumbers sorts names by the numbers they are.
func sortNumbers(names []string) {
	number := func(s string) uint64 { n, _ := ascii.ParseUint(s, 1<<32-1); return n }
	for i := range names {
		for j := i; j > 0 && number(names[j]) < number(names[j-1]); j-- {
			names[j], names[j-1] = names[j-1], names[j]
		}
	}
}
