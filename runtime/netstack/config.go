package netstack

import (
	"errors"
	"net/netip"
	"strings"

	"internal/xengo/xen/cmdline"
)

// A Config is what is known beforehand about an interface.
type Config struct {
	DHCP      bool // ask for an IPv4 address
	Off       bool // no IPv4 but what Addresses has
	Addresses []netip.Prefix
	Gateways  []netip.Addr
	NoGateway bool // do not guess one
	Servers   []netip.Addr
	Hostname  string
	Search    []string // domains
}

// explicit reports whether c says how the interface gets its IPv4 address.
func (c *Config) explicit() bool { return c.DHCP || c.Off || len(c.Addresses) > 0 }

// Default prefixes of addresses that are given without.
const (
	defaultBits4 = 24
	defaultBits6 = 64
)

// ParseAddress parses an address with or without a prefix.
func ParseAddress(s string) (netip.Prefix, bool) {
	if p, err := netip.ParsePrefix(s); err == nil && !p.Addr().Is4In6() {
		return p, true
	}
	a, err := netip.ParseAddr(s)
	if err != nil || a.Zone() != "" || a.Is4In6() {
		return netip.Prefix{}, false
	}
	if a.Is4() {
		return netip.PrefixFrom(a, defaultBits4), true
	}
	return netip.PrefixFrom(a, defaultBits6), true
}

// ParseCommandLine returns what a kernel command line says about interfaces, by name. Errors name the
// words that it cannot make sense of; the others count.
func ParseCommandLine(line string) (map[string]*Config, error) {
	all := map[string]*Config{}
	var errs []error
	for s := cmdline.New(line); ; {
		word, kind, ok := s.Next(nil)
		if !ok || kind == cmdline.Argument {
			return all, errors.Join(errs...)
		}
		name, value, _ := strings.Cut(string(word), "=")
		parse := parsers[name]
		if kind != cmdline.Option || parse == nil {
			continue
		}
		device := firstDevice
		for _, item := range strings.Split(value, ",") {
			if d, rest, ok := cutDevice(item); ok {
				device, item = d, rest
			}
			if err := parse(all, device, item); err != nil {
				errs = append(errs, errors.New(name+"="+item+": "+err.Error()))
			}
		}
	}
}

const firstDevice = "eth0"

var parsers = map[string]func(all map[string]*Config, device, item string) error{
	"ip":  parseIP,
	"gw":  parseGateway,
	"dns": parseServer,
}

var (
	errAddress = errors.New("not an address")
	errMask    = errors.New("not a netmask")
	errAuto    = errors.New("unknown way of configuration")
	errDevice  = errors.New("not an interface")
)

// cutDevice takes the name of an interface off "eth1:…".
func cutDevice(s string) (device, rest string, ok bool) {
	device, rest, ok = strings.Cut(s, ":")
	return device, rest, ok && isDevice(device)
}

func isDevice(s string) bool {
	n, ok := strings.CutPrefix(s, "eth")
	return ok && n != "" && strings.Trim(n, "0123456789") == ""
}

// of returns the configuration of a device, to be added to.
func of(all map[string]*Config, device string) *Config {
	if all[device] == nil {
		all[device] = &Config{}
	}
	return all[device]
}

func parseIP(all map[string]*Config, device, item string) error {
	if p, ok := ParseAddress(item); ok {
		c := of(all, device)
		c.Addresses = append(c.Addresses, p)
		return nil
	}
	if strings.Contains(item, ":") {
		return parseLinux(all, item)
	}
	return of(all, device).auto(item)
}

// auto sets the way of configuration, with Linux's names.
func (c *Config) auto(way string) error {
	switch way {
	case "dhcp", "on", "any", "both":
		c.DHCP = true
	case "off", "none":
		c.Off = true
	default:
		return errAuto
	}
	return nil
}

// parseLinux parses CLIENT:SERVER:GW:MASK:HOST:DEVICE:AUTOCONF:DNS0:DNS1, any of which may be missing.
func parseLinux(all map[string]*Config, s string) error {
	var f [9]string
	copy(f[:], strings.SplitN(s, ":", len(f)))
	device := firstDevice
	if f[5] != "" {
		if device = f[5]; !isDevice(device) {
			return errDevice
		}
	}
	var parsed Config
	if f[0] != "" {
		a, err := netip.ParseAddr(f[0])
		if err != nil || !a.Is4() {
			return errAddress
		}
		bits, ok := maskBits(f[3])
		if !ok {
			return errMask
		}
		parsed.Addresses = []netip.Prefix{netip.PrefixFrom(a, bits)}
	}
	for _, o := range []struct {
		text string
		to   *[]netip.Addr
	}{{f[2], &parsed.Gateways}, {f[7], &parsed.Servers}, {f[8], &parsed.Servers}} {
		if o.text == "" {
			continue
		}
		a, err := netip.ParseAddr(o.text)
		if err != nil {
			return errAddress
		}
		*o.to = append(*o.to, a)
	}
	if f[6] != "" && (f[0] == "" || f[6] != "off" && f[6] != "none") {
		if err := parsed.auto(f[6]); err != nil {
			return err
		}
	}
	if f[0] == "" && f[6] == "" {
		parsed.DHCP = true
	}
	c := of(all, device)
	c.DHCP, c.Off = c.DHCP || parsed.DHCP, c.Off || parsed.Off
	c.Addresses = append(c.Addresses, parsed.Addresses...)
	c.Gateways = append(c.Gateways, parsed.Gateways...)
	c.Servers = append(c.Servers, parsed.Servers...)
	c.Hostname = f[4]
	return nil
}

// maskBits returns the length of a netmask ("255.255.255.0"), the default one for "".
func maskBits(s string) (int, bool) {
	if s == "" {
		return defaultBits4, true
	}
	a, err := netip.ParseAddr(s)
	if err != nil || !a.Is4() {
		return 0, false
	}
	return prefixLen(a.As4())
}

// prefixLen returns the number of leading ones of a mask that has no others.
func prefixLen(mask [4]byte) (int, bool) {
	m := uint32(mask[0])<<24 | uint32(mask[1])<<16 | uint32(mask[2])<<8 | uint32(mask[3])
	n := 0
	for m&(1<<31) != 0 {
		n++
		m <<= 1
	}
	return n, m == 0
}

func parseGateway(all map[string]*Config, device, item string) error {
	c := of(all, device)
	if item == "none" || item == "off" {
		c.NoGateway = true
		return nil
	}
	a, err := netip.ParseAddr(item)
	if err != nil {
		return errAddress
	}
	c.Gateways = append(c.Gateways, a)
	return nil
}

func parseServer(all map[string]*Config, device, item string) error {
	a, err := netip.ParseAddr(item)
	if err != nil {
		return errAddress
	}
	c := of(all, device)
	c.Servers = append(c.Servers, a)
	return nil
}

// merge adds to c what it does not say from what the toolstack does.
func (c *Config) merge(t *Config) {
	if !c.explicit() {
		c.DHCP, c.Off, c.Addresses = t.DHCP, t.Off, t.Addresses
	}
	if len(c.Gateways) == 0 {
		c.Gateways = t.Gateways
	}
	if len(c.Servers) == 0 {
		c.Servers = t.Servers
	}
	if !c.explicit() {
		c.DHCP = true
	}
}

// gateway returns the default gateway for the family of the prefix p, the unspecified address if all is on the link,
// and false if there is none.
func (c *Config) gateway(p netip.Prefix) (netip.Addr, bool) {
	for _, g := range c.Gateways {
		if g.Is4() == p.Addr().Is4() {
			return g, true
		}
	}
	if c.NoGateway || p.Addr().Is6() { // routers announce themselves
		return netip.Addr{}, false
	}
	if p.Bits() >= 31 {
		return netip.IPv4Unspecified(), true
	}
	first := p.Masked().Addr().Next()
	return first, first != p.Addr()
}
