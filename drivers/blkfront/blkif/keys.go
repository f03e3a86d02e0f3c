package blkif

import (
	"math/bits"

	"internal/xengo/xen/abi"
	"internal/xengo/xen/ascii"
)

// Transport is what a backend offers of ways to carry requests, in state
// InitWait.
type Transport struct {
	MaxPageOrder uint32 // a ring may have 1<<MaxPageOrder pages
	MaxQueues    uint32 // at least 1
}

// maxPageOrder bounds what a backend may claim: Linux's own limit
// (XENBUS_MAX_RING_GRANT_ORDER).
const maxPageOrder = 4

// ReadTransport reads the transport by feature, which returns the number in a
// node, or 0.
func ReadTransport(feature func(key string) uint64) Transport {
	order := uint64(0)
	if pages := feature("max-ring-pages"); pages > 0 {
		order = uint64(bits.Len64(pages) - 1)
	}
	order = max(order, feature("max-ring-page-order"))
	return Transport{
		MaxPageOrder: uint32(min(order, maxPageOrder)),
		MaxQueues:    uint32(max(1, feature("multi-queue-max-queues"))),
	}
}

// Device is what a backend says of its device, in state Connected.
type Device struct {
	SectorSize, PhysicalSectorSize uint32 // bytes
	ReadOnly, Removable, CDROM     bool

	MaxIndirectSegments uint32 // 0: no indirect requests
	Persistent          bool
	Flush               bool

	Discard            bool
	DiscardGranularity uint32 // bytes
	DiscardAlignment   uint32 // bytes
	DiscardSecure      bool
}

// ReadDevice reads a device by feature. It reports false if the sector size is none
// that a page has room for.
func ReadDevice(feature func(key string) uint64) (Device, bool) {
	number := func(key string) uint32 { return uint32(min(feature(key), 1<<32-1)) }
	info := number("info")
	d := Device{
		SectorSize:          number("sector-size"),
		PhysicalSectorSize:  number("physical-sector-size"),
		ReadOnly:            info&(abi.VDiskReadonly|abi.VDiskCDROM) != 0,
		Removable:           info&abi.VDiskRemovable != 0,
		CDROM:               info&abi.VDiskCDROM != 0,
		MaxIndirectSegments: number("feature-max-indirect-segments"),
		Persistent:          number("feature-persistent") == 1,
		Flush:               number("feature-flush-cache") == 1,
		Discard:             number("feature-discard") == 1,
		DiscardGranularity:  number("discard-granularity"),
		DiscardAlignment:    number("discard-alignment"),
		DiscardSecure:       number("discard-secure") == 1,
	}
	s := d.SectorSize
	if s < SectorSize || s > abi.PageSize || s&(s-1) != 0 {
		return Device{}, false
	}
	if d.PhysicalSectorSize < s || d.PhysicalSectorSize%s != 0 {
		d.PhysicalSectorSize = s
	}
	if d.DiscardGranularity < s || d.DiscardGranularity%s != 0 {
		d.DiscardGranularity = s
	}
	if d.DiscardAlignment %= d.DiscardGranularity; d.DiscardAlignment%s != 0 {
		d.DiscardAlignment = 0
	}
	return d, true
}

// MaxSectors is the largest size of a disk, so that it can be counted in bytes by
// an int64.
const MaxSectors = 1<<54 - 1

// ParseSectors parses the node sectors, a device's size in units of 512 bytes.
func ParseSectors(node string) (uint64, bool) { return ascii.ParseUint(node, MaxSectors) }

// A Queue is a ring and its event channel.
type Queue struct {
	Refs []uint32 // of the ring's pages
	Port uint32
}

// Frontend is what the frontend writes into its directory, in state Initialised.
// All rings have the same size.
type Frontend struct {
	Queues []Queue
}

// Write publishes the frontend's nodes by set.
func (f Frontend) Write(set func(key, value string) error) error {
	var err error
	put := func(key, value string) {
		if err == nil {
			err = set(key, value)
		}
	}
	pages := len(f.Queues[0].Refs)
	put("protocol", abi.XenIOProtoABIx86_64)
	put("feature-persistent", "1")
	if pages > 1 {
		put("ring-page-order", ascii.Utoa(uint64(bits.Len(uint(pages))-1)))
		put("num-ring-pages", ascii.Utoa(uint64(pages)))
	}
	if n := len(f.Queues); n > 1 {
		put("multi-queue-num-queues", ascii.Utoa(uint64(n)))
	}
	for i, q := range f.Queues {
		dir := f.directory(i)
		for j, ref := range q.Refs {
			key := dir + "ring-ref"
			if pages > 1 {
				key += ascii.Utoa(uint64(j))
			}
			put(key, ascii.Utoa(uint64(ref)))
		}
		put(dir+"event-channel", ascii.Utoa(uint64(q.Port)))
	}
	return err
}

// directory is where the nodes of queue i are: only several queues have their own.
func (f Frontend) directory(i int) string {
	if len(f.Queues) == 1 {
		return ""
	}
	return "queue-" + ascii.Utoa(uint64(i)) + "/"
}

// ReadFrontend is what a backend that offers t makes of the frontend's nodes. It reports false if one that
// it needs is missing, or asks for more than was offered.
func ReadFrontend(t Transport, get func(key string) (string, bool)) (f Frontend, ok bool) {
	ok = true
	number := func(key string, limit uint32) uint32 {
		s, exists := get(key)
		n, valid := ascii.ParseUint(s, uint64(limit))
		ok = ok && exists && valid
		return uint32(n)
	}
	if s, exists := get("protocol"); exists && s != abi.XenIOProtoABIx86_64 {
		return Frontend{}, false
	}
	queues, order, multi := uint32(1), uint32(0), false
	if _, exists := get("multi-queue-num-queues"); exists {
		queues = number("multi-queue-num-queues", t.MaxQueues)
	}
	if _, multi = get("ring-page-order"); multi {
		order = number("ring-page-order", t.MaxPageOrder)
	}
	if !ok || queues == 0 {
		return Frontend{}, false
	}
	f.Queues = make([]Queue, queues)
	for i := range f.Queues {
		dir, q := f.directory(i), &f.Queues[i]
		if !multi {
			q.Refs = []uint32{number(dir+"ring-ref", 1<<32-1)}
		}
		for j := 0; multi && j < 1<<order; j++ {
			q.Refs = append(q.Refs, number(dir+"ring-ref"+ascii.Utoa(uint64(j)), 1<<32-1))
		}
		q.Port = number(dir+"event-channel", 1<<32-1)
	}
	return f, ok
}
