package blkif

import (
	"bytes"
	"encoding/binary"
	"errors"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"unsafe"

	"internal/xengo/xen/abi"
)

func TestSlots(t *testing.T) {
	seg := []Segment{SegmentOf(9, 8), {Gref: 10, FirstSect: 1, LastSect: 2}}
	for _, r := range []Request{
		{Op: abi.BlkifOpRead, Handle: 51712, ID: 1 << 60, Sector: 77, Segments: seg},
		{Op: abi.BlkifOpWrite, ID: 1, Segments: make([]Segment, MaxDirect)},
		{Op: abi.BlkifOpFlushDiskcache, ID: 2, Segments: []Segment{}},
		{Op: abi.BlkifOpDiscard, Handle: 3, ID: 4, Sector: 5, NrSectors: 1 << 40, Secure: true},
		{Op: abi.BlkifOpWrite, Handle: 6, ID: 7, Sector: 8, NrSegments: MaxIndirect + 1, Indirect: []uint32{1, 2}},
	} {
		r.Segments = append([]Segment(nil), r.Segments...)
		if got, err := Decode(r.Encode()); err != nil || !reflect.DeepEqual(got, r) {
			t.Errorf("%+v came back as %+v, %v", r, got, err)
		}
	}
}

func TestBadSlots(t *testing.T) {
	indirect := func(op uint8, segments uint16) (slot abi.BlkifRequest) {
		*over[abi.BlkifRequestIndirect](&slot) = abi.BlkifRequestIndirect{Operation: abi.BlkifOpIndirect, IndirectOp: op, NrSegments: segments}
		return slot
	}
	for name, tt := range map[string]struct {
		slot abi.BlkifRequest
		want error
	}{
		"operation":         {abi.BlkifRequest{Operation: 4}, ErrOperation},
		"no segments":       {abi.BlkifRequest{Operation: abi.BlkifOpRead}, ErrSegments},
		"too many":          {abi.BlkifRequest{Operation: abi.BlkifOpWrite, NrSegments: 12}, ErrSegments},
		"indirect flush":    {indirect(abi.BlkifOpFlushDiskcache, 1), ErrOperation},
		"indirect indirect": {indirect(abi.BlkifOpIndirect, 1), ErrOperation},
		"no indirect":       {indirect(abi.BlkifOpRead, 0), ErrSegments},
		"too many indirect": {indirect(abi.BlkifOpRead, 8*512+1), ErrSegments},
	} {
		if r, err := Decode(tt.slot); !errors.Is(err, tt.want) {
			t.Errorf("%s: %+v, %v", name, r, err)
		}
	}
	for _, s := range []Segment{{FirstSect: 1}, {LastSect: 8}, {FirstSect: 8, LastSect: 8}} {
		if n, err := Sectors(s); err != ErrSegment {
			t.Errorf("Sectors(%+v) = %d, %v", s, n, err)
		}
	}
}

// FuzzDecode: any slot is decoded without a panic, and what is decoded without an error
// is encoded to what means the same.
func FuzzDecode(f *testing.F) {
	f.Add([]byte{0, 1, 0, 0})
	f.Add([]byte{6, 1, 0, 2})
	f.Add([]byte{5, 1, 0, 2})
	f.Fuzz(func(t *testing.T, b []byte) {
		var slot abi.BlkifRequest
		copy(unsafe.Slice((*byte)(unsafe.Pointer(&slot)), unsafe.Sizeof(slot)), b)
		r, err := Decode(slot)
		if err != nil {
			return
		}
		if again, err := Decode(r.Encode()); err != nil || !reflect.DeepEqual(again, r) {
			t.Errorf("%+v, then %+v, %v", r, again, err)
		}
	})
}

// FuzzSegments: a page has the segments that were put into it, and nothing beyond it is touched.
func FuzzSegments(f *testing.F) {
	f.Add([]byte{1, 2, 3, 4, 0, 7, 9, 9})
	f.Fuzz(func(t *testing.T, b []byte) {
		words := new([(2 * abi.PageSize) / 8]uint64)
		page := unsafe.Slice((*byte)(unsafe.Pointer(words)), 2*abi.PageSize)
		copy(page[:abi.PageSize], b)
		got := Segments(page, MaxIndirect)
		for i, s := range got {
			at := page[8*i:]
			if s.Gref != binary.NativeEndian.Uint32(at) || s.FirstSect != at[4] || s.LastSect != at[5] {
				t.Fatalf("segment %d is %+v", i, s)
			}
			if n, err := Sectors(s); err == nil && (n < 1 || int(s.FirstSect)+n > PageSectors) {
				t.Errorf("Sectors(%+v) = %d", s, n)
			}
		}
		PutSegments(page, got)
		if !bytes.Equal(page[abi.PageSize:], make([]byte, abi.PageSize)) || !reflect.DeepEqual(Segments(page, MaxIndirect), got) {
			t.Error("put back, they are others")
		}
	})
}

func TestVirtualDevices(t *testing.T) {
	for vdev, want := range map[uint64]Name{
		202 << 8:            {"xvda", 0},
		202<<8 | 1<<4 | 2:   {"xvdb2", 18},
		202<<8 | 15<<4 | 15: {"xvdp15", 255},
		1<<28 | 16<<8:       {"xvdq", 4096},
		1<<28 | 25<<8 | 1:   {"xvdz1", 6401},
		1<<28 | 26<<8:       {"xvdaa", 6656},
		1<<28 | 536<<8 | 37: {"xvdtq37", 536<<8 | 37}, // the documentation's example
		1<<28 | 701<<8:      {"xvdzz", 701 << 8},
		1<<28 | 702<<8:      {"xvdaaa", 702 << 8},
		1<<28 | 0xFFFFF<<8:  {"xvdbgqcv", 0xFFFFF << 8},
		1<<28 | 16:          {"xvda16", 16},
		3 << 8:              {"xvda", 0},
		3<<8 | 1<<6 | 2:     {"xvdb2", 18},
		22 << 8:             {"xvdc", 32},
		22<<8 | 1<<6 | 1:    {"xvdd1", 49},
		8<<8 | 1<<4 | 3:     {"xvdb3", 19},
		65 << 8:             {"xvdq", 256},
		135<<8 | 15<<4:      {"xvdiv", 0xff0},
	} {
		if got, err := ParseVirtualDevice(strconv.FormatUint(vdev, 10)); err != nil || got != want {
			t.Errorf("%#x is %+v, %v, want %+v", vdev, got, err, want)
		}
	}
	for _, node := range []string{"", "x", "-1", "0", "0x3", "1024", "536870912", "4294967296", strconv.Itoa(3<<8 | 16), strconv.Itoa(3<<8 | 2<<6), strconv.Itoa(203 << 8)} {
		if got, err := ParseVirtualDevice(node); err != ErrVirtualDevice {
			t.Errorf("%q is %+v, %v", node, got, err)
		}
	}
}

// FuzzVirtualDevice: a name is made of letters and perhaps a number, and different
// extended numbers have different names.
func FuzzVirtualDevice(f *testing.F) {
	f.Add(uint32(202<<8), uint32(1<<28|16<<8))
	f.Fuzz(func(t *testing.T, a, b uint32) {
		first, err := ParseVirtualDevice(strconv.FormatUint(uint64(a), 10))
		if err == nil && (!strings.HasPrefix(first.Node, "xvd") || strings.Trim(first.Node, "abcdefghijklmnopqrstuvwxyz0123456789") != "") {
			t.Errorf("%#x is %+v", a, first)
		}
		a, b = 1<<28|a&(1<<28-1), 1<<28|b&(1<<28-1)
		first, err = ParseVirtualDevice(strconv.FormatUint(uint64(a), 10))
		second, err2 := ParseVirtualDevice(strconv.FormatUint(uint64(b), 10))
		if err != nil || err2 != nil || (a == b) != (first.Node == second.Node) || (a == b) != (first.Minor == second.Minor) {
			t.Errorf("%#x is %+v, %v; %#x is %+v, %v", a, first, err, b, second, err2)
		}
	})
}

func TestFrontend(t *testing.T) {
	offer := Transport{MaxPageOrder: 2, MaxQueues: 3}
	for _, f := range []Frontend{
		{Queues: []Queue{{Refs: []uint32{8}, Port: 3}}},
		{Queues: []Queue{{Refs: []uint32{8, 9, 10, 11}, Port: 3}}},
		{Queues: []Queue{{Refs: []uint32{8}, Port: 3}, {Refs: []uint32{9}, Port: 4}}},
		{Queues: []Queue{{Refs: []uint32{8, 9}, Port: 3}, {Refs: []uint32{10, 11}, Port: 4}, {Refs: []uint32{12, 13}, Port: 5}}},
	} {
		nodes := map[string]string{}
		if err := f.Write(func(k, v string) error { nodes[k] = v; return nil }); err != nil {
			t.Fatal(err)
		}
		get := func(k string) (string, bool) { v, ok := nodes[k]; return v, ok }
		if got, ok := ReadFrontend(offer, get); !ok || !reflect.DeepEqual(got, f) {
			t.Errorf("%v is read as %+v, %v", nodes, got, ok)
		}
		if _, flat := nodes["event-channel"]; flat != (len(f.Queues) == 1) || nodes["protocol"] != "x86_64-abi" {
			t.Errorf("%v", nodes)
		}
		if len(f.Queues) > 1 || len(f.Queues[0].Refs) > 1 {
			if got, ok := ReadFrontend(Transport{MaxQueues: 1}, get); ok {
				t.Errorf("%+v is accepted by a backend that did not offer it", got)
			}
		}
		broken := errors.New("broken")
		if err := f.Write(func(k, v string) error {
			if k == "protocol" {
				return broken
			}
			t.Error("went on after an error")
			return nil
		}); err != broken {
			t.Errorf("Write = %v", err)
		}
	}
}

// FuzzKeys: any nodes are read without a panic, and what is read makes sense.
func FuzzKeys(f *testing.F) {
	f.Add("512", "4096", "0", "4096", "0", "4", "2", "1000")
	f.Add("4096", "512", "7", "1", "511", "9999999999", "x", "18014398509481983")
	f.Fuzz(func(t *testing.T, sector, physical, info, unit, shift, order, queues, sectors string) {
		nodes := map[string]string{
			"sector-size": sector, "physical-sector-size": physical, "info": info, "discard-granularity": unit, "discard-alignment": shift,
			"max-ring-page-order": order, "max-ring-pages": queues, "multi-queue-max-queues": queues, "multi-queue-num-queues": queues, "ring-page-order": order,
		}
		feature := func(key string) uint64 { n, _ := strconv.ParseUint(nodes[key], 10, 64); return n }
		if d, ok := ReadDevice(feature); ok {
			s := d.SectorSize
			if s < 512 || s > 4096 || s&(s-1) != 0 || d.PhysicalSectorSize%s != 0 || d.PhysicalSectorSize == 0 ||
				d.DiscardGranularity == 0 || d.DiscardGranularity%s != 0 || d.DiscardAlignment >= d.DiscardGranularity || d.DiscardAlignment%s != 0 {
				t.Errorf("%v: %+v", nodes, d)
			}
		}
		tr := ReadTransport(feature)
		if tr.MaxQueues == 0 || tr.MaxPageOrder > maxPageOrder {
			t.Errorf("%v: %+v", nodes, tr)
		}
		if fe, ok := ReadFrontend(tr, func(k string) (string, bool) { return nodes[k], nodes[k] != "" }); ok {
			t.Errorf("%v: %+v", nodes, fe)
		}
		if n, ok := ParseSectors(sectors); ok && int64(n*SectorSize) < 0 {
			t.Errorf("ParseSectors(%q) = %d", sectors, n)
		}
	})
}
