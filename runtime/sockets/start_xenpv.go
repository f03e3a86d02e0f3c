//go:build xenpv

package sockets

import (
	"slices"

	"internal/xengo/drivers/netfront"
	"internal/xengo/runtime/kernel"
	"internal/xengo/runtime/netstack"
	"internal/xengo/xen/domain"
	"internal/xengo/xen/hv"
)

// start brings the network up beside the program's own initialization: a guest answers whether its program
// has sockets yet or not.
func start() { go theStack() }

// startStack makes the stack and looks for devices in the background.
func startStack() *netstack.Stack {
	_, env := kernel.Args()
	verbose := slices.Contains(env, "XENGO_VERBOSE=1")
	netstack.SetLog(nil)
	if verbose {
		netstack.SetLog(hv.Print)
	}
	s := netstack.New()
	s.Verbose = verbose
	configs, err := netstack.ParseCommandLine(hv.CommandLine())
	if err != nil {
		hv.Print("xengo: command line: " + err.Error())
	}
	release := s.Hold()
	go func() {
		defer release()
		xs := domain.Store()
		found := func(dev *netfront.Device) {
			name := "eth" + dev.Name()
			cfg := netstack.Plan(configs[name], netstack.Toolstack(xs.Read, dev.Name(), dev.IPs()))
			if _, err := s.Add(dev, name, cfg, hv.Print); err != nil {
				hv.Print("xengo: " + name + ": " + err.Error())
			}
		}
		failed := func(name string, err error) { hv.Print("xengo: vif " + name + ": " + err.Error()) }
		if _, err := netfront.Probe(domain.Platform(), xs, found, failed); err != nil {
			hv.Print("xengo: looking for network devices: " + err.Error())
		}
	}()
	return s
}
