//go:build linux

package main

import (
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"syscall"
	"unsafe"

	"internal/xengo/drivers/ninepfront/flexring"
	"internal/xengo/xen/abi"
)

// Requests of ioctl(2). Source: Linux 6.12 include/uapi/xen/gntdev.h and evtchn.h.
const (
	mapGrantRef     = 24<<16 | 'G'<<8 | 0
	bindInterdomain = 8<<16 | 'E'<<8 | 1
	notifyPort      = 4<<16 | 'E'<<8 | 4
)

// rings are the two directions, as dom0 sees them.
type rings struct {
	in  *flexring.Writer // to the guest
	out *flexring.Reader // from it
}

// mapRings maps what the guest lets dom0 map, for as long as this program lives.
func mapRings(domid, ref uint32) (*rings, error) {
	dev, err := os.OpenFile("/dev/xen/gntdev", os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	page, err := mapPage(dev, domid, ref)
	if err != nil {
		return nil, err
	}
	intf := flexring.Interface(page)
	order := intf.RingOrder
	if order < 1 || order > abi.NinePFSMaxOrder {
		return nil, fmt.Errorf("rings of order %d", order)
	}
	var pages [][]byte
	for _, ref := range flexring.Refs(page, 1<<order) {
		p, err := mapPage(dev, domid, ref)
		if err != nil {
			return nil, err
		}
		pages = append(pages, p)
	}
	half := len(pages) / 2
	// Both begin where the guest has not yet written or been answered.
	return &rings{
		in:  flexring.NewWriter(&intf.InProd, &intf.InCons, pages[:half], intf.InProd),
		out: flexring.NewReader(&intf.OutProd, &intf.OutCons, pages[half:], intf.OutCons),
	}, nil
}

// mapPage maps a page by struct ioctl_gntdev_map_grant_ref.
func mapPage(dev *os.File, domid, ref uint32) ([]byte, error) {
	arg := struct {
		count, _   uint32
		index      uint64
		domid, ref uint32
	}{count: 1, domid: domid, ref: ref}
	if _, err := control(dev, mapGrantRef, unsafe.Pointer(&arg)); err != nil {
		return nil, fmt.Errorf("map grant %d of domain %d: %w", ref, domid, err)
	}
	page, err := syscall.Mmap(int(dev.Fd()), int64(arg.index), abi.PageSize, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("map grant %d of domain %d: %w", ref, domid, err)
	}
	return page, nil
}

// channel is an event channel.
type channel struct {
	dev  *os.File
	port uint32
}

func bind(domid, port uint32) (*channel, error) {
	// Blocking: it is no file for epoll before a port is bound.
	fd, err := syscall.Open("/dev/xen/evtchn", syscall.O_RDWR|syscall.O_CLOEXEC, 0)
	if err != nil {
		return nil, os.NewSyscallError("open /dev/xen/evtchn", err)
	}
	dev := os.NewFile(uintptr(fd), "/dev/xen/evtchn")
	arg := struct{ domid, port uint32 }{domid, port}
	local, err := control(dev, bindInterdomain, unsafe.Pointer(&arg))
	if err != nil {
		return nil, fmt.Errorf("bind port %d of domain %d: %w", port, domid, err)
	}
	return &channel{dev, uint32(local)}, nil
}

// wait waits for an event, and lets the next one come.
func (c *channel) wait() error {
	var b [4]byte
	if _, err := c.dev.Read(b[:]); err != nil {
		return err
	}
	_, err := c.dev.Write(b[:])
	return err
}

func (c *channel) notify() error {
	_, err := control(c.dev, notifyPort, unsafe.Pointer(&c.port))
	return err
}

func control(f *os.File, request uintptr, arg unsafe.Pointer) (uintptr, error) {
	r, _, errno := syscall.Syscall(syscall.SYS_IOCTL, f.Fd(), request, uintptr(arg))
	if errno != 0 {
		return 0, os.NewSyscallError("ioctl", errno)
	}
	return r, nil
}

// store is a connection to xenstore, for one path.
type store struct {
	f    *os.File
	path string // hostpipe.Path of the guest
}

func openStore(domid uint32) (*store, error) {
	f, err := os.OpenFile("/dev/xen/xenbus", os.O_RDWR, 0)
	return &store{f, fmt.Sprintf("/local/domain/%d/data/xengo-pipe", domid)}, err
}

// read asks for what is at the path; offer gets the answer.
func (s *store) read() error { return send(s.f, abi.XSRead, s.path+"\x00") }

// offer waits for what the guest writes. Once over returns true, ok says whether there is anything.
func (s *store) offer(over func() bool) (ref, port uint32, ok bool, err error) {
	if err := send(s.f, abi.XSWatch, s.path+"\x00it\x00"); err != nil {
		return 0, 0, false, err
	}
	for {
		kind, value, err := receive(s.f)
		if err != nil {
			return 0, 0, false, err
		}
		switch kind {
		case abi.XSWatchEvent:
			if err := s.read(); err != nil {
				return 0, 0, false, err
			}
		case abi.XSRead:
			if _, err := fmt.Sscanf(value, "%d %d", &ref, &port); err != nil {
				return 0, 0, false, fmt.Errorf("%s is %q", s.path, value)
			}
			return ref, port, true, nil
		case abi.XSError: // it is not there
			if over() {
				return 0, 0, false, nil
			}
		}
	}
}

func send(f *os.File, kind uint32, payload string) error {
	b := binary.LittleEndian.AppendUint32(nil, kind)
	b = append(b, make([]byte, 8)...) // number and transaction
	b = binary.LittleEndian.AppendUint32(b, uint32(len(payload)))
	_, err := f.Write(append(b, payload...))
	return err
}

func receive(f *os.File) (kind uint32, payload string, err error) {
	head := make([]byte, 16)
	if _, err := io.ReadFull(f, head); err != nil {
		return 0, "", err
	}
	b := make([]byte, binary.LittleEndian.Uint32(head[12:]))
	_, err = io.ReadFull(f, b)
	return binary.LittleEndian.Uint32(head), string(b), err
}
