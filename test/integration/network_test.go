package integration

import (
	"context"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"internal/xengo/test/harness"
	"internal/xengo/toolchain/bed"
)

// Addresses of dom0 in the guests' network, and of nobody.
const (
	dom0IP    = "10.0.0.1"
	dom0IPv6  = "fd00:7865:6e::1"
	absent    = "10.0.0.254"
	blackhole = "198.51.100.1"
)

// What the two ends of netpeer show of the network between them, and some of it
// that shows that there is one.
var (
	peerProperties = []string{"tcp-echo", "half-close", "peer-half-close", "refused", "reset", "deadlines", "udp-sizes", "udp-fragments",
		"udp-refused", "http1", "http2", "http2-clear", "tls13", "tls-stranger", "download", "upload", "crowd",
		"dns", "dns-tcp", "dns-missing", "dns-silent"}
	ipv6Properties = []string{"tcp-echo", "half-close", "refused", "reset", "udp-sizes", "udp-fragments", "udp-refused", "http1", "http2", "tls13", "dns"}
	fewProperties  = []string{"tcp-echo", "refused", "udp-fragments", "http1"}
)

// peer makes the config of a guest with a network device that is one end of
// netpeer.
func peer(t *testing.T, args ...string) bed.GuestConfig {
	t.Helper()
	c := program(t, "netpeer", args...)
	c.Vifs = nil // that of guests by default
	c.MemoryMB = 256
	c.NativeTSC = true // the bed has no invariant TSC: else Xen emulates every look at the clock, which a TCP has many of
	c.Options = []string{"gw=" + dom0IP, "dns=" + dom0IP}
	return c
}

// body is the length of large bodies, and how long they may take.
func body() (megabytes string, timeout time.Duration) {
	if harness.Long() {
		return "1024", time.Hour
	}
	return "32", 10 * time.Minute
}

// askFromDom0 runs the other end of netpeer in dom0.
func askFromDom0(t *testing.T, p harness.Platform, host string, properties ...string) {
	t.Helper()
	mb, timeout := body()
	argv := append([]string{harness.Install(t, p.Bed(t), "guests/netpeer"), "client", "-peer", host, "-wait", "20s", "-mb", mb}, properties...)
	output, err := harness.TryDom0(t, p.Bed(t), timeout, argv...)
	harness.Verdicts(t, output, properties...)
	if err != nil {
		t.Errorf("in dom0: %v\n%s", err, output)
	}
}

// TestServer has dom0 use all services of a guest. No other guest runs: two of
// them and dom0 on the bed's two CPUs take ten times as long.
func TestServer(t *testing.T) {
	_, timeout := body()
	harness.EachAlone(t, harness.AllPlatforms(), func(t *testing.T, p harness.Platform) {
		g := harness.Start(t, p, peer(t, "serve"), 2*timeout)
		g.Expect("^netpeer: serving")
		askFromDom0(t, p, g.IP(), peerProperties...)
		t.Run("ipv6", func(t *testing.T) { askFromDom0(t, p, g.IPv6(), ipv6Properties...) })
		stop(t, g)
	})
}

// stop shuts a server down, which must end well.
func stop(t *testing.T, g *harness.Running) {
	t.Helper()
	if err := g.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	harness.Ended(t, g.End(), bed.Poweroff, 0)
}

// TestClient has a guest use all services of dom0.
func TestClient(t *testing.T) {
	mb, timeout := body()
	harness.EachAlone(t, harness.AllPlatforms(), func(t *testing.T, p harness.Platform) {
		harness.Serve(t, p.Bed(t), "guests/netpeer", "serve")
		harness.Dom0(t, p.Bed(t), "ip", "route", "replace", "blackhole", blackhole)
		result, output := harness.Run(t, p, peer(t, "client", "-peer", dom0IP, "-wait", "20s", "-mb", mb,
			"-absent", absent, "-blackhole", blackhole, "-name", "dom0"), timeout)
		harness.Verdicts(t, output, slices.Concat(peerProperties, []string{"blackhole", "absent", "system-dns"})...)
		harness.Ended(t, result, bed.Poweroff, 0)
	})
}

// TestClientIPv6 is TestClient by IPv6.
func TestClientIPv6(t *testing.T) {
	harness.Each(t, harness.AllPlatforms(), func(t *testing.T, p harness.Platform) {
		harness.Serve(t, p.Bed(t), "guests/netpeer", "serve")
		args := append([]string{"client", "-peer", dom0IPv6, "-wait", "20s"}, ipv6Properties...)
		holds(t, p, peer(t, args...), ipv6Properties...)
	})
}

// TestDHCP has a guest without an address get one, and a name server with it.
func TestDHCP(t *testing.T) {
	harness.Each(t, harness.AllPlatforms(), func(t *testing.T, p harness.Platform) {
		harness.Serve(t, p.Bed(t), "guests/netpeer", "serve")
		properties := slices.Concat(fewProperties, []string{"system-dns"})
		c := peer(t, append([]string{"client", "-peer", dom0IP, "-wait", "20s", "-name", "dom0"}, properties...)...)
		c.Options = nil
		c.Vifs = []string{"bridge=xenbr0"}
		holds(t, p, c, properties...)
	})
}

// TestTwoDevices reaches a guest by each of two networks.
func TestTwoDevices(t *testing.T) {
	harness.Each(t, harness.AllPlatforms(), func(t *testing.T, p harness.Platform) {
		harness.Dom0(t, p.Bed(t), "sh", "-c", secondBridge)
		hosts := []string{"10.0.0.251", "10.0.1.2"}
		if p.Type == "pv" {
			hosts = []string{"10.0.0.252", "10.0.1.3"} // at the same time
		}
		c := peer(t, "serve")
		c.Options = nil
		c.Vifs = []string{"bridge=xenbr0,ip=" + hosts[0], "bridge=xenbr1,ip=" + hosts[1]}
		g := harness.Start(t, p, c, 0)
		g.Expect("^netpeer: serving")
		for i, host := range hosts {
			t.Run(strconv.Itoa(i), func(t *testing.T) { askFromDom0(t, p, host, fewProperties...) })
		}
		stop(t, g)
	})
}

// secondBridge makes another network, if it is not there.
const secondBridge = `set -e
brctl addbr xenbr1 2>/dev/null || exit 0
echo 0 > /sys/class/net/xenbr1/bridge/forward_delay
echo 0 > /sys/class/net/xenbr1/bridge/stp_state
ip addr add 10.0.1.1/24 dev xenbr1
ip link set xenbr1 up
`

var localProperties = []string{"loopback", "loopback-tcp", "loopback-tcp6", "loopback-udp", "moving-buffers", "datagram-source", "segments", "loopback-udp6", "localhost", "unix",
	"unix-abstract", "unix-gone", "in-use", "closed", "raw-conn", "file", "many"}

// TestLocal uses the network inside of a guest that has another one, too.
func TestLocal(t *testing.T) {
	harness.Each(t, harness.AllPlatforms(), func(t *testing.T, p harness.Platform) {
		c := program(t, "netlocal")
		c.Vifs = nil
		holds(t, p, c, localProperties...)
	})
}

// TestNoDevice does so in a guest that has none.
func TestNoDevice(t *testing.T) {
	harness.Each(t, harness.AllPlatforms(), func(t *testing.T, p harness.Platform) {
		holds(t, p, program(t, "netlocal", "none"), slices.Concat(localProperties, []string{"none-interfaces", "none-dial", "none-lookup"})...)
	})
}

// web makes the config of a guest that is the example web server.
func web(t *testing.T) bed.GuestConfig {
	t.Helper()
	return bed.GuestConfig{Image: harness.Guest(t, "examples/web"), MemoryMB: 32, Options: []string{"hostname=web"}}
}

// TestWeb gets the example's page.
func TestWeb(t *testing.T) {
	harness.Each(t, harness.AllPlatforms(), func(t *testing.T, p harness.Platform) {
		g := harness.Start(t, p, web(t), 0)
		g.Expect("^web: serving on ")
		client := guestClient(t, p.Bed(t))
		for range 100 {
			says(t, get(t, client, g), "Hello from web!", " on xenpv/amd64, ")
		}
		stop(t, g)
		says(t, g.Transcript(), "web: stopped\n")
	})
}

// guestClient is an HTTP client that is in dom0.
func guestClient(t *testing.T, b *bed.Bed) *http.Client {
	t.Helper()
	transport := &http.Transport{DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
		return b.Dial(ctx, network, address)
	}}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: time.Minute}
}

// get returns the page of a guest that is the web server.
func get(t *testing.T, client *http.Client, g *harness.Running) string {
	t.Helper()
	response, err := client.Get("http://" + g.IP() + ":8080/")
	// Linux gives up after three seconds without an answer to its ARP requests, which on a loaded machine is soon.
	for start := time.Now(); err != nil && strings.Contains(err.Error(), syscall.EHOSTUNREACH.Error()) && time.Since(start) < time.Minute; {
		response, err = client.Get("http://" + g.IP() + ":8080/")
	}
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	page, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(page)
}
