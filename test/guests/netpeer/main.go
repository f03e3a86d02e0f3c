// Netpeer is both ends of network properties: "netpeer serve" offers all that
// "netpeer client" asks a peer for. Either may run on any system; the client
// says what holds.
package main

import (
	"flag"
	"fmt"
	"net"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	"example.com/guests/verdict"
)

// Ports of the services.
const (
	httpPort   = 7080
	httpsPort  = 7443
	echoPort   = 7007 // TCP and UDP
	answerPort = 7001 // answers when the client has half-closed
	silentPort = 7002 // accepts, neither reads nor writes
	resetPort  = 7003 // resets the connection after a byte
	tokenPort  = 7004 // half-closes after a token, then listens
	dnsPort    = 7053 // TCP and UDP
	closedPort = 7999 // nobody is here
)

func main() {
	if len(os.Args) > 1 {
		switch os.Args[1] {
		case "serve":
			serve()
			return
		case "client":
			client(os.Args[2:])
			return
		}
	}
	fmt.Println("verdict: FAIL usage: netpeer serve, or netpeer client [flags] [properties]")
	os.Exit(2)
}

// serve offers the services until SIGTERM.
func serve() {
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM, os.Interrupt)
	if err := startServices(); err != nil {
		fmt.Println("verdict: FAIL", err)
		os.Exit(1)
	}
	fmt.Println("netpeer: serving at", addresses())
	<-stop
	fmt.Println("verdict: ok")
}

// addresses are those of this system.
func addresses() []net.Addr {
	all, err := net.InterfaceAddrs()
	if err != nil {
		fmt.Println("netpeer:", err)
	}
	return all
}

// Where the client's peer is, and other things that are known of the network.
var (
	peer      string        // host
	blackhole string        // host that never answers
	absent    string        // host that is not on the local network
	systemDNS string        // name that this system's own resolver knows
	patience  time.Duration // for anything that should succeed
	megabytes int           // of a large body
	crowd     int           // of connections
)

func client(args []string) {
	flags := flag.NewFlagSet("client", flag.ExitOnError)
	flags.StringVar(&peer, "peer", "127.0.0.1", "`host` of the services")
	flags.StringVar(&blackhole, "blackhole", "", "a `host` that never answers")
	flags.StringVar(&absent, "absent", "", "a `host` of the local network that does not exist")
	flags.StringVar(&systemDNS, "name", "", "a `name` to look up as this system does")
	flags.DurationVar(&patience, "patience", time.Minute, "how long to wait for what should succeed")
	flags.IntVar(&megabytes, "mb", 64, "`MB` of a large body")
	flags.IntVar(&crowd, "crowd", 1000, "how many connections at once")
	wait := flags.Duration("wait", 0, "how long to wait for the peer to be there")
	flags.Parse(args)
	fmt.Println("netpeer: client at", addresses())
	if err := await(*wait); err != nil {
		fmt.Println("verdict: FAIL", err)
		os.Exit(1)
	}
	verdict.Exit(properties(), flags.Args()...)
}

// await dials the peer until it is there.
func await(patience time.Duration) error {
	for end := time.Now().Add(patience); ; time.Sleep(100 * time.Millisecond) {
		c, err := net.DialTimeout("tcp", at(echoPort), time.Second)
		if err == nil {
			return c.Close()
		}
		if time.Now().After(end) {
			if patience == 0 {
				return nil // the properties will say more
			}
			return err
		}
	}
}

// at is the address of a service of the peer.
func at(port int) string { return net.JoinHostPort(peer, strconv.Itoa(port)) }

// properties are those of the client. Those that need to know more of the
// network are only there if it is known.
func properties() []verdict.Property {
	all := []verdict.Property{
		{Name: "tcp-echo", Check: tcpEcho},
		{Name: "half-close", Check: halfClose},
		{Name: "peer-half-close", Check: peerHalfClose},
		{Name: "refused", Check: refused},
		{Name: "reset", Check: reset},
		{Name: "deadlines", Check: deadlines},
		{Name: "udp-sizes", Check: udpSizes},
		{Name: "udp-fragments", Check: udpFragments},
		{Name: "udp-refused", Check: udpRefused},
		{Name: "http1", Check: http1},
		{Name: "http2", Check: http2},
		{Name: "http2-clear", Check: http2Clear},
		{Name: "tls13", Check: tls13},
		{Name: "tls-stranger", Check: tlsStranger},
		{Name: "download", Check: download},
		{Name: "upload", Check: upload},
		{Name: "crowd", Check: meetCrowd},
		{Name: "dns", Check: dnsLookups},
		{Name: "dns-tcp", Check: dnsTCP},
		{Name: "dns-missing", Check: dnsMissing},
		{Name: "dns-silent", Check: dnsSilent},
	}
	if blackhole != "" {
		all = append(all, verdict.Property{Name: "blackhole", Check: dialBlackhole})
	}
	if absent != "" {
		all = append(all, verdict.Property{Name: "absent", Check: dialAbsent})
	}
	if systemDNS != "" {
		all = append(all, verdict.Property{Name: "system-dns", Check: systemLookup})
	}
	return all
}
