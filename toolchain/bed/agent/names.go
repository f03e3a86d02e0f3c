//go:build linux

package main

import (
	"encoding/binary"
	"errors"
	"io"
	"log"
	"net"
	"os"
	"time"

	"internal/xengo/toolchain/bed/dns"
)

// hosts is read anew for every query: who wants guests to know a name adds it.
const hosts = "/etc/hosts"

// serveNames is the guests' name server.
func serveNames(address string) error {
	udp, err := net.ListenPacket("udp", address)
	if err != nil {
		return err
	}
	tcp, err := net.Listen("tcp", address)
	if err != nil {
		return errors.Join(err, udp.Close())
	}
	go namesUDP(udp)
	go namesTCP(tcp)
	return nil
}

func answerName(query []byte) []byte {
	text, err := os.ReadFile(hosts)
	if err != nil {
		log.Print(err)
		return nil
	}
	return dns.Answer(query, dns.Hosts(string(text)))
}

func namesUDP(c net.PacketConn) {
	buf := make([]byte, 64<<10)
	for {
		n, from, err := c.ReadFrom(buf)
		if err != nil {
			log.Printf("name server: %v", err)
			time.Sleep(time.Second)
			continue
		}
		if r := answerName(buf[:n]); r != nil {
			if _, err := c.WriteTo(r, from); err != nil {
				log.Printf("name server: %v", err)
			}
		}
	}
}

func namesTCP(l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			log.Printf("name server: %v", err)
			time.Sleep(time.Second)
			continue
		}
		go func() {
			defer c.Close()
			for nameTCP(c) == nil {
			}
		}()
	}
}

// nameTCP answers one query of a connection (RFC 1035, 4.2.2).
func nameTCP(c net.Conn) error {
	if err := c.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		return err
	}
	var size [2]byte
	if _, err := io.ReadFull(c, size[:]); err != nil {
		return err
	}
	query := make([]byte, binary.BigEndian.Uint16(size[:]))
	if _, err := io.ReadFull(c, query); err != nil {
		return err
	}
	r := answerName(query)
	if r == nil {
		return io.EOF
	}
	_, err := c.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(r))), r...))
	return err
}
