// Package forward makes ports of guests reachable as ports of this machine.
package forward

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"
)

// Dialer connects to a port of the guest, waiting for the guest to exist if need
// be; as in package net, ctx is for the time until then.
type Dialer func(ctx context.Context, network string, port int) (net.Conn, error)

// Rule is a port of this machine that leads to one of the guest.
type Rule struct {
	Address string // to listen on; empty: those of localhost
	Port    int    // 0: a free one
	Guest   int    // port of the guest
	Network string // "tcp", "udp"
}

// Parse reads [ADDRESS:]HOSTPORT:GUESTPORT[/udp].
func Parse(s string) (Rule, error) {
	r, err := parse(s)
	if err != nil {
		return Rule{}, fmt.Errorf("%q: %w; it is HOSTPORT:GUESTPORT[/udp]", s, err)
	}
	return r, nil
}

func parse(s string) (r Rule, err error) {
	ports, network, ok := strings.Cut(s, "/")
	if !ok {
		network = "tcp"
	}
	if network != "tcp" && network != "udp" {
		return r, fmt.Errorf("%q is neither tcp nor udp", network)
	}
	r.Network = network
	host, guest, ok := cutLast(ports)
	if !ok {
		return r, errors.New("only one port")
	}
	if r.Guest, err = port(guest); err == nil && r.Guest == 0 {
		err = errors.New("the guest has no port 0")
	}
	if err != nil {
		return r, err
	}
	if address, rest, ok := cutLast(host); ok {
		r.Address, host = strings.Trim(address, "[]"), rest
		if net.ParseIP(r.Address) == nil {
			return r, fmt.Errorf("%q is no IP address", address)
		}
	}
	r.Port, err = port(host)
	return r, err
}

// cutLast cuts at the last colon, as IPv6 addresses have some.
func cutLast(s string) (before, after string, ok bool) {
	i := strings.LastIndexByte(s, ':')
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+1:], true
}

func port(s string) (int, error) {
	n, err := strconv.ParseUint(s, 10, 16)
	if err != nil {
		return 0, fmt.Errorf("%q is no port", s)
	}
	return int(n), nil
}

// addresses are what to listen on.
func (r Rule) addresses() []string {
	if r.Address != "" {
		return []string{r.Address}
	}
	return []string{"127.0.0.1", "::1"}
}

// Patience is how long a connection waits for the guest to listen.
const Patience = 10 * time.Second

const retry = 100 * time.Millisecond

// dial dials until somebody listens, within Patience of the first refusal.
func (r Rule) dial(ctx context.Context, dial Dialer) (net.Conn, error) {
	var patience <-chan time.Time
	for {
		c, err := dial(ctx, r.Network, r.Guest)
		if err == nil {
			return c, nil
		}
		if patience == nil {
			patience = time.After(Patience)
		}
		select {
		case <-time.After(retry):
		case <-patience:
			return nil, err
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}
