package lifecycle

import (
	"errors"

	"internal/xengo/xen/hv"
	"internal/xengo/xen/xenstore"
)

// The keys of `xl sysrq` that mean something here. The letters of the first
// and the last are Linux's (Documentation/admin-guide/sysrq.rst).
const (
	KeyTraces = 't' // print the stacks of all goroutines and go on
	KeyQuit   = 'q' // send the program SIGQUIT
	KeyCrash  = 'c' // end as after a fatal error
)

// SysRqHelp is the answer to any other key.
const SysRqHelp = "sysrq: t prints all goroutines, q sends SIGQUIT, c crashes"

// ServeSysRq calls do with each key that the toolstack sends, after
// acknowledging it, until xenstore fails (docs/misc/xenstore-paths.pandoc,
// ~/control/sysrq).
func ServeSysRq(xs *xenstore.Client, do func(key byte)) error {
	return follow(xs, "control/sysrq", func() error {
		key, err := takeKey(xs)
		if err == nil && key != "" {
			do(key[0])
		}
		return err
	})
}

// takeKey reads and acknowledges a request, as sysrq_handler does in
// drivers/xen/manage.c of Linux 6.1. There is none when the watch starts, and
// after an acknowledgement.
func takeKey(xs *xenstore.Client) (key string, err error) {
	err = xs.Transact(func(tx *xenstore.Tx) error {
		key, err = tx.Read("control/sysrq")
		if errors.Is(err, hv.ENOENT) {
			return nil
		}
		if err != nil || key == "" {
			return err
		}
		return tx.Write("control/sysrq", "")
	})
	return key, err
}
