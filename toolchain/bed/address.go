package bed

import "fmt"

// Guests have the host numbers 2 to 199 in 10.0.0.0/24; dom0 has 1, and the rest
// is for DHCP.
const (
	firstHost = 2
	lastHost  = 199
)

func (g *Guest) host() int { return firstHost + (g.number-1)%(lastHost-firstHost+1) }

// NameServer is dom0's address. It answers for the names in dom0's /etc/hosts.
const NameServer = "10.0.0.1"

// IP returns the guest's address, if its network device is the one that guests
// have by default.
func (g *Guest) IP() string { return fmt.Sprintf("10.0.0.%d", g.host()) }

// IPv6 returns its other address.
func (g *Guest) IPv6() string { return fmt.Sprintf("fd00:7865:6e::%x", g.host()) }

// MAC returns its Ethernet address.
func (g *Guest) MAC() string {
	return fmt.Sprintf("00:16:3e:%02x:%02x:%02x", byte(g.number>>16), byte(g.number>>8), byte(g.number))
}

// vif is the default network device.
func (g *Guest) vif() string {
	return fmt.Sprintf("mac=%s,bridge=xenbr0,ip=%s %s", g.MAC(), g.IP(), g.IPv6())
}
