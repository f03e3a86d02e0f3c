package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"
	"unsafe"
)

// packetInfo is a control message IP_PKTINFO, or IPV6_PKTINFO with the address mapped.
func packetInfo(source netip.Addr, mapped bool) []byte {
	level, typ, info := syscall.IPPROTO_IP, syscall.IP_PKTINFO, append(make([]byte, 4), source.AsSlice()...)
	if info = append(info, 0, 0, 0, 0); mapped {
		a := source.As16()
		level, typ, info = syscall.IPPROTO_IPV6, syscall.IPV6_PKTINFO, append(a[:], 0, 0, 0, 0)
	}
	return control(level, typ, info)
}

// control is a control message.
func control(level, typ int, data []byte) []byte {
	b := make([]byte, syscall.CmsgSpace(len(data)))
	h := (*syscall.Cmsghdr)(unsafe.Pointer(unsafe.SliceData(b)))
	h.Level, h.Type = int32(level), int32(typ)
	h.SetLen(syscall.CmsgLen(len(data)))
	copy(b[syscall.CmsgLen(0):], data)
	return b
}

// source sends datagrams from addresses that are not those the route has.
func source() error {
	to, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		return err
	}
	defer to.Close()
	for _, network := range []string{"udp4", "udp"} {
		from, err := net.ListenUDP(network, nil)
		if err != nil {
			return err
		}
		defer from.Close()
		port := to.LocalAddr().(*net.UDPAddr).AddrPort()
		for i, text := range []string{"127.0.0.2", "127.9.8.7", "127.0.0.1"} {
			want := netip.MustParseAddr(text)
			message := binary.BigEndian.AppendUint32(nil, uint32(i))
			if _, _, err := from.WriteMsgUDPAddrPort(message, packetInfo(want, network == "udp" && i == 1), port); err != nil {
				return fmt.Errorf("%s from %v: %w", network, want, err)
			}
			got := make([]byte, 8)
			n, sender, err := to.ReadFromUDPAddrPort(got)
			if err != nil {
				return err
			}
			if sender.Addr().Unmap() != want || string(got[:n]) != string(message) {
				return fmt.Errorf("%s: %x from %v, not %x from %v", network, got[:n], sender, message, want)
			}
		}
		_, _, err = from.WriteMsgUDPAddrPort([]byte("x"), packetInfo(netip.MustParseAddr("192.0.2.1"), false), port)
		if !errors.Is(err, syscall.ENETUNREACH) {
			return fmt.Errorf("%s from an address of somebody else: %v", network, err)
		}
	}
	return nil
}
