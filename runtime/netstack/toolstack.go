package netstack

import (
	"net/netip"

	"internal/xengo/xen/ascii"
)

// Toolstack returns what the toolstack says about the device/vif/name with the addresses ips. read reads xenstore, where a
// path without a slash at its beginning is the domain's own.
func Toolstack(read func(path string) (string, error), name string, ips []string) Config {
	get := func(path string) string {
		v, err := read(path)
		if err != nil { // most of these nodes exist with some toolstacks only
			return ""
		}
		return v
	}
	var c Config
	mask, gateway := "", ""
	if backend := get("device/vif/" + name + "/backend"); backend != "" {
		mask, gateway = get(backend+"/netmask"), get(backend+"/gateway")
	}
	for _, s := range ips {
		p, ok := ParseAddress(s)
		if !ok {
			continue // xl passes on whatever is written there
		}
		if bits, ok := maskBits(mask); ok && mask != "" && p.Addr().Is4() {
			p = netip.PrefixFrom(p.Addr(), bits)
		}
		c.Addresses = append(c.Addresses, p)
	}
	c.gateways(gateway)
	if len(c.Addresses) == 0 {
		c.xapi(get, "xenserver/device/vif/"+name+"/static-ip-setting/")
	}
	return c
}

// gateways adds those of a list of addresses that are some.
func (c *Config) gateways(list string) {
	for _, s := range ascii.Fields(list) {
		if a, err := netip.ParseAddr(s); err == nil && !a.IsUnspecified() {
			c.Gateways = append(c.Gateways, a)
		}
	}
}

// xapi reads XAPI's settings: enabled, address with a prefix, and gateway, and the same with a 6.
// Source: xen-api 25.6 ocaml/xapi/xapi_vif_helpers.ml, ocaml/xenopsd/xc/xenops_server_xen.ml (static-ip-setting).
func (c *Config) xapi(get func(string) string, dir string) {
	for _, family := range []string{"", "6"} {
		if get(dir+"enabled"+family) != "1" {
			continue
		}
		if p, ok := ParseAddress(get(dir + "address" + family)); ok {
			c.Addresses = append(c.Addresses, p)
		}
		c.gateways(get(dir + "gateway" + family))
	}
}

// Plan returns the configuration of an interface: what the command line says first, then the toolstack, then DHCP.
func Plan(line *Config, toolstack Config) Config {
	var c Config
	if line != nil {
		c = *line
	}
	c.merge(&toolstack)
	return c
}
