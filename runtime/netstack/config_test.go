package netstack

import (
	"errors"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func prefixes(list ...string) (out []netip.Prefix) {
	for _, s := range list {
		out = append(out, netip.MustParsePrefix(s))
	}
	return out
}

func addresses(list ...string) (out []netip.Addr) {
	for _, s := range list {
		out = append(out, netip.MustParseAddr(s))
	}
	return out
}

func TestParseCommandLine(t *testing.T) {
	for line, want := range map[string]map[string]*Config{
		"":                              {},
		"NAME=ip prog ip=10.0.0.5":      {}, // arguments
		"ip=10.0.0.5":                   {"eth0": {Addresses: prefixes("10.0.0.5/24")}},
		"ip=10.0.0.5/16,fd00::5":        {"eth0": {Addresses: prefixes("10.0.0.5/16", "fd00::5/64")}},
		"ip=eth1:10.0.0.5,fd00::5/48":   {"eth1": {Addresses: prefixes("10.0.0.5/24", "fd00::5/48")}},
		"ip=dhcp ip=eth1:off":           {"eth0": {DHCP: true}, "eth1": {Off: true}},
		"ip=eth0:dhcp,eth2:10.9.9.9/30": {"eth0": {DHCP: true}, "eth2": {Addresses: prefixes("10.9.9.9/30")}},
		"gw=10.0.0.1,fe80::1 dns=1.1.1.1 dns=eth1:8.8.8.8,9.9.9.9": {
			"eth0": {Gateways: addresses("10.0.0.1", "fe80::1"), Servers: addresses("1.1.1.1")}, "eth1": {Servers: addresses("8.8.8.8", "9.9.9.9")},
		},
		"ip=10.0.0.5 gw=none": {"eth0": {Addresses: prefixes("10.0.0.5/24"), NoGateway: true}},
		// Linux's.
		"ip=10.0.0.5::10.0.0.1:255.255.0.0:guest:eth1:off:10.0.0.2:10.0.0.3": {
			"eth1": {Addresses: prefixes("10.0.0.5/16"), Gateways: addresses("10.0.0.1"), Servers: addresses("10.0.0.2", "10.0.0.3"), Hostname: "guest"},
		},
		"ip=:::::eth1:dhcp": {"eth1": {DHCP: true}},
		"ip=::::guest::any": {"eth0": {DHCP: true, Hostname: "guest"}},
	} {
		got, err := ParseCommandLine(line)
		require.NoError(t, err, line)
		assert.Equal(t, want, got, line)
	}
}

func TestParseCommandLineErrors(t *testing.T) {
	for _, word := range []string{"ip=10.0.0", "ip=10.0.0.5/33", "ip=10.0.0.5::x:", "ip=10.0.0.5:::255.0.255.0", "ip=::::guest:wlan0:dhcp",
		"ip=fe80::1%eth0", "gw=gateway", "dns=server", "ip=bootp", "ip="} {
		got, err := ParseCommandLine(word + " ip=eth7:dhcp")
		assert.Error(t, err, word)
		assert.True(t, got["eth7"].DHCP, word)
	}
}

func FuzzParseCommandLine(f *testing.F) {
	f.Add("ip=10.0.0.5::10.0.0.1:255.255.0.0:guest:eth1:off:10.0.0.2 gw=fe80::1 dns=eth2:1.1.1.1")
	f.Fuzz(func(t *testing.T, line string) {
		all, _ := ParseCommandLine(line) // errors are for people
		for name, c := range all {
			assert.True(t, isDevice(name))
			for _, p := range c.Addresses {
				assert.True(t, p.IsValid())
				c.gateway(p)
			}
		}
	})
}

func TestGateway(t *testing.T) {
	for _, test := range []struct {
		config  Config
		address string
		want    string // "" for none
	}{
		{Config{}, "10.0.0.5/24", "10.0.0.1"},
		{Config{}, "10.0.0.1/24", ""},
		{Config{}, "10.0.0.5/32", "0.0.0.0"},
		{Config{}, "fd00::5/64", ""},
		{Config{NoGateway: true}, "10.0.0.5/24", ""},
		{Config{Gateways: addresses("fe80::1", "10.0.0.254")}, "10.0.0.5/24", "10.0.0.254"},
		{Config{Gateways: addresses("10.0.0.254", "fe80::1")}, "fd00::5/64", "fe80::1"},
	} {
		got, ok := test.config.gateway(netip.MustParsePrefix(test.address))
		assert.Equal(t, test.want != "", ok, "%v", test)
		if ok {
			assert.Equal(t, test.want, got.String(), "%v", test)
		}
	}
}

func TestToolstack(t *testing.T) {
	store := map[string]string{}
	read := func(path string) (string, error) {
		if v, ok := store[path]; ok {
			return v, nil
		}
		return "", errors.New("no such node")
	}
	assert.Equal(t, Config{}, Toolstack(read, "0", nil))
	assert.Equal(t, Config{Addresses: prefixes("10.0.0.5/24", "fd00::5/64")}, Toolstack(read, "0", []string{"10.0.0.5", "fd00::5", "nonsense"}))

	store["device/vif/0/backend"] = "/backend"
	store["/backend/netmask"], store["/backend/gateway"] = "255.255.255.240", "10.0.0.14"
	assert.Equal(t, Config{Addresses: prefixes("10.0.0.5/28"), Gateways: addresses("10.0.0.14")}, Toolstack(read, "0", []string{"10.0.0.5"}))

	for k, v := range map[string]string{"enabled": "1", "address": "10.1.0.5/20", "gateway": "10.1.0.1", "enabled6": "1", "address6": "fd01::5/60", "gateway6": "fd01::1"} {
		store["xenserver/device/vif/1/static-ip-setting/"+k] = v
	}
	assert.Equal(t, Config{Addresses: prefixes("10.1.0.5/20", "fd01::5/60"), Gateways: addresses("10.1.0.1", "fd01::1")}, Toolstack(read, "1", nil))
}

func TestPlan(t *testing.T) {
	toolstack := Config{Addresses: prefixes("10.0.0.5/24"), Gateways: addresses("10.0.0.1")}
	assert.Equal(t, Config{DHCP: true}, Plan(nil, Config{}))
	assert.Equal(t, toolstack, Plan(nil, toolstack))
	assert.Equal(t, Config{Addresses: prefixes("10.0.0.5/24"), Gateways: addresses("10.0.0.9")}, Plan(&Config{Gateways: addresses("10.0.0.9")}, toolstack))
	assert.Equal(t, Config{Off: true, Gateways: addresses("10.0.0.1")}, Plan(&Config{Off: true}, toolstack))
	assert.Equal(t, Config{DHCP: true, Servers: addresses("1.1.1.1")}, Plan(&Config{Servers: addresses("1.1.1.1")}, Config{}))
}
