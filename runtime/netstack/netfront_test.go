package netstack

import (
	"bytes"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"internal/xengo/drivers/netfront"
	"internal/xengo/drivers/netfront/netback"
	"internal/xengo/runtime/netstack/wiretest"
	"internal/xengo/xen/xentest/split"
)

// TestNetfront has a stack on a network device of Xen's, whose simulated backend is at one end of a wire.
func TestNetfront(t *testing.T) {
	x := split.New(t)

	near, far := wiretest.New(1500)
	back := netback.New(t, x.Store, x.Dom0, x.Guest, netback.Config{
		Offer: map[string]string{"feature-split-event-channels": "1", "feature-sg": "1", "ip": "10.0.0.2"},
		Got: func(frame []byte) {
			// At the end the wire is gone before the device is.
			if err := near.Put([][]byte{append([]byte(nil), frame...)}); err != nil && !errors.Is(err, netfront.ErrClosed) {
				t.Error(err)
			}
		},
	})
	dev, err := netfront.Open(x.Guest, x.XS, "0")
	require.NoError(t, err)
	near.SetRoom(func() {})
	near.SetReceiver(func(frame []byte) { back.Deliver(frame, 4096, 0) })

	a := stackOn(t, dev, Plan(nil, Toolstack(x.XS.Read, dev.Name(), dev.IPs())))
	b := stackOn(t, far, static("10.0.0.3/24"))
	data := bytes.Repeat([]byte("through grants and rings"), 1<<15)
	transfer(t, a, b, "10.0.0.3", data)
	transfer(t, b, a, "10.0.0.2", data)

	near.Close()
	far.Close()
	require.NoError(t, dev.Close())
	back.Detach()
	x.Settle()
}
