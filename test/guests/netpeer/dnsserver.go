package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	"golang.org/x/net/dns/dnsmessage"
)

// serveDNS answers questions about the names below "test." by UDP and TCP.
func serveDNS(address string) error {
	packets, err := net.ListenPacket("udp", address)
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	go func() {
		b := make([]byte, 4096)
		for {
			n, from, err := packets.ReadFrom(b)
			if err != nil {
				fmt.Println("netpeer: dns:", err)
				return
			}
			if a := answerDNS(b[:n], 512); a != nil {
				if _, err := packets.WriteTo(a, from); err != nil {
					fmt.Println("netpeer: dns:", err)
				}
			}
		}
	}()
	go accept(l, dnsConnection)
	return nil
}

// dnsConnection answers the questions of a TCP connection.
func dnsConnection(c *net.TCPConn) error {
	for {
		var length [2]byte
		if _, err := io.ReadFull(c, length[:]); err != nil {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
		question := make([]byte, binary.BigEndian.Uint16(length[:]))
		if _, err := io.ReadFull(c, question); err != nil {
			return err
		}
		a := answerDNS(question, 1<<16-1)
		if _, err := c.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(a))), a...)); err != nil {
			return err
		}
	}
}

// longText is more than a datagram may carry.
var longText = strings.Repeat("0123456789", 20)

// zone is what the server knows. Names that are not in it do not exist, except
// "silent.test.", about which it says nothing.
var zone = map[string][]dnsmessage.ResourceBody{
	"host.test.":  {&dnsmessage.AResource{A: [4]byte{192, 0, 2, 1}}, &dnsmessage.AAAAResource{AAAA: [16]byte{0x20, 1, 0xd, 0xb8, 15: 1}}},
	"alias.test.": {&dnsmessage.CNAMEResource{CNAME: dnsmessage.MustNewName("host.test.")}},
	"long.test.": {&dnsmessage.TXTResource{TXT: []string{longText}}, &dnsmessage.TXTResource{TXT: []string{longText}},
		&dnsmessage.TXTResource{TXT: []string{longText}}},
	"mail.test.":              {&dnsmessage.MXResource{Pref: 5, MX: dnsmessage.MustNewName("host.test.")}},
	"1.2.0.192.in-addr.arpa.": {&dnsmessage.PTRResource{PTR: dnsmessage.MustNewName("host.test.")}},
}

// answerDNS returns the answer to a question, cut to a length; nil: none.
func answerDNS(question []byte, room int) []byte {
	var m dnsmessage.Message
	if err := m.Unpack(question); err != nil || len(m.Questions) != 1 {
		return nil
	}
	q := m.Questions[0]
	if q.Name.String() == "silent.test." {
		return nil
	}
	m.Response, m.Authoritative, m.Additionals = true, true, nil
	if _, ok := zone[q.Name.String()]; !ok {
		m.RCode = dnsmessage.RCodeNameError
	}
	m.Answers = records(q.Name, q.Type)
	b, err := m.Pack()
	if err == nil && len(b) > room {
		m.Truncated, m.Answers = true, nil
		b, err = m.Pack()
	}
	if err != nil {
		fmt.Println("netpeer: dns:", err)
		return nil
	}
	return b
}

// records are those of a name and a type, and of what the name is an alias of.
func records(name dnsmessage.Name, kind dnsmessage.Type) []dnsmessage.Resource {
	var found []dnsmessage.Resource
	for _, body := range zone[name.String()] {
		header := dnsmessage.ResourceHeader{Name: name, Class: dnsmessage.ClassINET, TTL: 60}
		alias, isAlias := body.(*dnsmessage.CNAMEResource)
		if typeOf(body) == kind || isAlias {
			found = append(found, dnsmessage.Resource{Header: header, Body: body})
		}
		if isAlias && kind != dnsmessage.TypeCNAME {
			found = append(found, records(alias.CNAME, kind)...)
		}
	}
	return found
}

func typeOf(body dnsmessage.ResourceBody) dnsmessage.Type {
	switch body.(type) {
	case *dnsmessage.AResource:
		return dnsmessage.TypeA
	case *dnsmessage.AAAAResource:
		return dnsmessage.TypeAAAA
	case *dnsmessage.CNAMEResource:
		return dnsmessage.TypeCNAME
	case *dnsmessage.TXTResource:
		return dnsmessage.TypeTXT
	case *dnsmessage.MXResource:
		return dnsmessage.TypeMX
	case *dnsmessage.PTRResource:
		return dnsmessage.TypePTR
	}
	return 0
}
