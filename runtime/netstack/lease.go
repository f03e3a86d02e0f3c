package netstack

import (
	"encoding/binary"
	"net/netip"
	"time"

	"internal/xengo/runtime/kernel"
	"internal/xengo/runtime/netstack/dhcp4"
)

// Times of DHCP. A virtual network answers at once, so the first retries come early.
const (
	firstRetry   = 500 * time.Millisecond
	lastRetry    = 64 * time.Second // RFC 2131, 4.1
	requests     = 4                // before a client begins anew
	renewalRetry = time.Minute      // RFC 2131, 4.4.5
	forever      = 1<<32 - 1        // a lease without end
	patience     = 4 * time.Second  // after which programs do not wait any longer for the first lease
)

// A client is the DHCP client of an interface.
type client struct {
	*Interface
	replies chan *dhcp4.Message
	xid     uint32
	began   time.Time

	current *dhcp4.Message // the lease, nil if there is none
	prefix  netip.Prefix   // its address
}

// lease gets an address, and keeps it, for as long as there is the device. settled is called when the first one is there
// or it takes too long.
func (i *Interface) lease(settled func()) {
	c := &client{Interface: i, replies: make(chan *dhcp4.Message, 4), began: time.Now()}
	i.link.setTap(c.tap)
	t := kernel.AfterFunc(int64(patience), settled)
	defer t.Stop()
	for c.alive() {
		offer := c.discover()
		if offer == nil {
			return
		}
		ack := c.request(&dhcp4.Message{Type: dhcp4.Request, Wanted: offer.Yours, Server: offer.Server}, netip.Addr{}, requests)
		if ack == nil || ack.Type == dhcp4.NAK {
			c.pause(firstRetry)
			continue
		}
		c.bind(ack)
		settled()
		c.keep()
	}
}

// tap takes the frames that are for the client. It runs in the device's goroutine.
func (c *client) tap(frame []byte) bool {
	payload := dhcpPayload(frame)
	if payload == nil {
		return false
	}
	m, err := dhcp4.Parse(payload)
	if err != nil || !m.Reply || m.MAC != c.link.dev.MAC() {
		return true // not for this client, or nonsense; the right one may follow
	}
	select {
	case c.replies <- m:
	default: // nobody waits for it
	}
	return true
}

func (c *client) alive() bool {
	select {
	case <-c.link.dev.Done():
		return false
	default:
		return true
	}
}

// pause waits, and returns false if the device is gone.
func (c *client) pause(d time.Duration) bool {
	expired, t := expiry(d)
	defer t.Stop()
	select {
	case <-expired:
		return true
	case <-c.link.dev.Done():
		return false
	}
}

// discover asks for offers until there is one. It returns nil if the device is gone.
func (c *client) discover() *dhcp4.Message {
	m := &dhcp4.Message{Type: dhcp4.Discover}
	for c.alive() {
		if offer := c.exchange(m, netip.Addr{}, 0, func(r *dhcp4.Message) bool {
			return r.Type == dhcp4.Offer && r.Yours.IsValid() && r.Server.IsValid()
		}); offer != nil {
			return offer
		}
	}
	return nil
}

// request sends a request up to tries times and returns the ACK or NAK, nil if none came.
func (c *client) request(m *dhcp4.Message, from netip.Addr, tries int) *dhcp4.Message {
	return c.exchange(m, from, tries, func(r *dhcp4.Message) bool {
		return r.Type == dhcp4.NAK || r.Type == dhcp4.ACK && r.Yours.IsValid()
	})
}

// exchange sends a message until a reply is wanted, up to tries times, 0 for ever. It returns nil if there is none.
func (c *client) exchange(m *dhcp4.Message, from netip.Addr, tries int, wanted func(*dhcp4.Message) bool) *dhcp4.Message {
	var id [4]byte
	kernel.Random(id[:])
	m.XID, m.MAC, m.Hostname = binary.BigEndian.Uint32(id[:]), c.link.dev.MAC(), kernel.Option("hostname")
	wait := firstRetry
	for n := 0; (tries == 0 || n < tries) && c.alive(); n++ {
		m.Seconds = uint16(min(time.Since(c.began)/time.Second, 1<<16-1))
		if err := c.link.sendFrame(dhcpFrame(c.link.mac, from, m.Append(nil))); err != nil {
			c.log("netstack: DHCP on " + c.Name + ": " + err.Error())
		}
		if r := c.await(m.XID, jitter(wait), wanted); r != nil {
			return r
		}
		wait = min(2*wait, lastRetry)
	}
	return nil
}

// jitter makes d longer or shorter by up to a quarter, so that guests that start together do not stay in step.
func jitter(d time.Duration) time.Duration {
	var b [2]byte
	kernel.Random(b[:])
	return d*3/4 + d/2*time.Duration(binary.BigEndian.Uint16(b[:]))>>16
}

// await waits for a reply that is wanted.
func (c *client) await(xid uint32, d time.Duration, wanted func(*dhcp4.Message) bool) *dhcp4.Message {
	expired, t := expiry(d)
	defer t.Stop()
	for {
		select {
		case r := <-c.replies:
			if r.XID == xid && wanted(r) {
				return r
			}
		case <-expired:
			return nil
		case <-c.link.dev.Done():
			return nil
		}
	}
}

// bind configures the interface as a lease says.
func (c *client) bind(ack *dhcp4.Message) {
	bits := ack.Mask
	if bits == 0 {
		bits = defaultBits4
	}
	p := netip.PrefixFrom(ack.Yours, bits)
	if c.current != nil && c.prefix != p {
		c.unbind()
	}
	if c.current == nil {
		if err := c.addAddress(p); err != nil {
			c.log(err.Error())
		}
	}
	c.current, c.prefix = ack, p
	if ack.MTU >= minMTU {
		c.link.SetMTU(uint32(ack.MTU))
	}
	if len(c.cfg.Gateways) > 0 || c.cfg.NoGateway {
		if g, ok := c.cfg.gateway(p); ok {
			c.addDefault(g)
		}
	} else {
		c.bindRoutes(ack)
	}
	var search []string
	if ack.Domain != "" {
		search = []string{ack.Domain}
	}
	if len(c.cfg.Servers) == 0 {
		c.stack.AddServers(c.Name, ack.Servers, search)
	}
}

// minMTU is the smallest MTU that is believed, that of IPv6 (RFC 8200, 5).
const minMTU = 1280

// bindRoutes sets the routes of a lease: classless ones, or else the default one (RFC 3442).
func (c *client) bindRoutes(ack *dhcp4.Message) {
	for _, r := range ack.Routes {
		c.addRoute(r.To, r.Gateway)
	}
	if len(ack.Routes) == 0 && len(ack.Routers) > 0 {
		c.addDefault(ack.Routers[0])
	}
}

// unbind gives the address up.
func (c *client) unbind() {
	if err := c.removeAddress(c.prefix); err != nil {
		c.log(err.Error())
	}
	c.current = nil
}

// keep renews the lease and returns when it is lost. All requests are broadcast, as those of a client that rebinds are (RFC 2131,
// 4.4.5), but from when it should renew on: servers answer them just the same.
func (c *client) keep() {
	for {
		end := time.Now().Add(time.Duration(c.current.Lease) * time.Second)
		if c.current.Lease == 0 || c.current.Lease == forever {
			<-c.link.dev.Done()
			return
		}
		renewal := time.Duration(c.current.Renewal) * time.Second
		if left := time.Until(end); renewal == 0 || renewal >= left {
			renewal = left / 2
		}
		if !c.pause(renewal) {
			return
		}
		ack := c.renew(end)
		if ack == nil || ack.Type == dhcp4.NAK {
			c.unbind()
			return
		}
		c.bind(ack)
	}
}

// renew asks for a longer lease until end.
func (c *client) renew(end time.Time) *dhcp4.Message {
	for left := time.Until(end); left > 0 && c.alive(); left = time.Until(end) {
		m := &dhcp4.Message{Type: dhcp4.Request, Client: c.prefix.Addr()}
		if r := c.request(m, c.prefix.Addr(), 1); r != nil {
			return r
		}
		if !c.pause(min(max(left/2, firstRetry), renewalRetry)) {
			return nil
		}
	}
	return nil
}
