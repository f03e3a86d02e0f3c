package netif

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"net"
	"strconv"
	"testing"
	"unsafe"

	"internal/xengo/xen/abi"
)

// The conversions are what laying one structure over the other gives.
func FuzzExtra(f *testing.F) {
	f.Add(uint8(1), uint8(1), []byte{1, 2, 3, 4, 5, 6})
	f.Fuzz(func(t *testing.T, typ, flags uint8, u []byte) {
		e := abi.NetifExtraInfo{Type: typ, Flags: flags}
		copy(e.U[:], u)
		rx, tx := RxOfExtra(e), TxOfExtra(e)
		if got := *(*abi.NetifExtraInfo)(unsafe.Pointer(&rx)); got != e || ExtraInRx(rx) != e {
			t.Errorf("rx: %+v, %+v, want %+v", got, ExtraInRx(rx), e)
		}
		if got := *(*abi.NetifExtraInfo)(unsafe.Pointer(&tx)); got != e || ExtraInTx(tx) != e {
			t.Errorf("tx: %+v, %+v, want %+v", got, ExtraInTx(tx), e)
		}
	})
}

const (
	more  = abi.NetRxFMoreData
	extra = abi.NetRxFExtraInfo
)

func slot(id, offset, flags uint16, status int16) abi.NetifRxResponse {
	return abi.NetifRxResponse{ID: id, Offset: offset, Flags: flags, Status: status}
}

func extraSlot(typ, flags uint8) abi.NetifRxResponse {
	return RxOfExtra(abi.NetifExtraInfo{Type: typ, Flags: flags})
}

func TestRxPackets(t *testing.T) {
	for _, tt := range []struct {
		name  string
		slots []abi.NetifRxResponse
		last  Piece // of the last slot
	}{
		{"one slot", []abi.NetifRxResponse{slot(0, 2, 0, 60)}, Piece{Offset: 2, Len: 60, First: true, Last: true}},
		{"whole page", []abi.NetifRxResponse{slot(0, 0, 0, 4096)}, Piece{Len: 4096, First: true, Last: true}},
		{"three slots", []abi.NetifRxResponse{slot(0, 0, more, 4096), slot(1, 0, more, 4096), slot(2, 0, 0, 5)}, Piece{Len: 5, Last: true}},
		{"extra", []abi.NetifRxResponse{slot(0, 0, extra, 60), extraSlot(1, 0)}, Piece{Last: true}},
		{"extras and data", []abi.NetifRxResponse{slot(0, 0, extra|more, 60), extraSlot(1, 1), extraSlot(4, 0), slot(3, 0, 0, 9)}, Piece{Len: 9, Last: true}},
		{"error", []abi.NetifRxResponse{slot(0, 9999, 0, -1)}, Piece{First: true, Last: true, Dropped: true}},
		{"error amid", []abi.NetifRxResponse{slot(0, 0, more, 60), slot(1, 0, more, -2), slot(2, 0, 0, 60)}, Piece{Len: 60, Last: true, Dropped: true}},
		{"runt", []abi.NetifRxResponse{slot(0, 0, 0, 13)}, Piece{Len: 13, First: true, Last: true, Dropped: true}},
		{"blank checksum", []abi.NetifRxResponse{slot(0, 0, abi.NetRxFCsumBlank, 60)}, Piece{Len: 60, First: true, Last: true, CsumBlank: true}},
		{"flags of the first count", []abi.NetifRxResponse{slot(0, 0, more|abi.NetRxFDataValidated, 60), slot(1, 0, abi.NetRxFCsumBlank, 60)}, Piece{Len: 60, Last: true, Validated: true}},
	} {
		var p RxParser
		for range 2 { // a second packet like the first
			for i, s := range tt.slots {
				piece, err := p.Next(uint16(i), s)
				switch last := i == len(tt.slots)-1; {
				case err != nil:
					t.Errorf("%s: slot %d: %v", tt.name, i, err)
				case last && piece != tt.last:
					t.Errorf("%s: %+v, want %+v", tt.name, piece, tt.last)
				case !last && piece.Last:
					t.Errorf("%s: slot %d ends the packet", tt.name, i)
				}
			}
		}
	}
}

func TestRxErrors(t *testing.T) {
	var many, pages, extras []abi.NetifRxResponse
	for i := range uint16(MaxSlots + 1) {
		many = append(many, slot(i, 0, more, 1))
		pages = append(pages, slot(i, 0, more, 4096))
	}
	extras = append(extras, slot(0, 0, extra, 60))
	for range MaxExtras + 1 {
		extras = append(extras, extraSlot(1, 1))
	}
	for _, tt := range []struct {
		name  string
		slots []abi.NetifRxResponse
		want  error
	}{
		{"wrong id", []abi.NetifRxResponse{slot(1, 0, 0, 60)}, ErrID},
		{"beyond the page", []abi.NetifRxResponse{slot(0, 4000, 0, 97)}, ErrBounds},
		{"offset alone", []abi.NetifRxResponse{slot(0, 4097, 0, 0)}, ErrBounds},
		{"largest", []abi.NetifRxResponse{slot(0, 65535, 0, 32767)}, ErrBounds},
		{"extra of kind 0", []abi.NetifRxResponse{slot(0, 0, extra, 60), extraSlot(0, 0)}, ErrExtra},
		{"extra of no kind", []abi.NetifRxResponse{slot(0, 0, extra, 60), extraSlot(5, 0)}, ErrExtra},
		{"extras without end", extras, ErrExtras},
		{"too many slots", many, ErrTooLong},
		{"too many bytes", pages, ErrTooLong},
	} {
		var p RxParser
		for i, s := range tt.slots {
			_, err := p.Next(uint16(i), s)
			if last := i == len(tt.slots)-1; err != nil && !last && err != tt.want || last && !errors.Is(err, tt.want) {
				t.Errorf("%s: slot %d: %v, want %v", tt.name, i, err, tt.want)
			}
			if err != nil {
				break
			}
		}
	}
}

// Whatever the slots are, data lies in its page and packets have an end.
func FuzzRx(f *testing.F) {
	f.Add([]byte{0, 0, 0, 0, 4, 0, 60, 0, 1, 0, 0, 0, 0, 0, 9, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		var (
			p     RxParser
			bytes int
		)
		for i := uint16(0); len(b) >= 8; i, b = i+1, b[8:] {
			le := binary.LittleEndian
			r := slot(i&^1|le.Uint16(b)&1, le.Uint16(b[2:]), le.Uint16(b[4:]), int16(le.Uint16(b[6:])))
			piece, err := p.Next(i, r)
			if err != nil {
				return
			}
			if piece.First {
				bytes = 0
			}
			bytes += piece.Len
			if piece.Offset < 0 || piece.Len < 0 || piece.Offset+piece.Len > PageSize || bytes > MaxPacket {
				t.Fatalf("%+v, %d bytes", piece, bytes)
			}
		}
	})
}

func TestFrontendKeys(t *testing.T) {
	for _, f := range []Frontend{{8, 9, 3, 3}, {8, 1 << 31, 3, 4}} {
		nodes := map[string]string{}
		if err := f.Write(func(k, v string) error { nodes[k] = v; return nil }); err != nil {
			t.Fatal(err)
		}
		got, ok := ReadFrontend(func(k string) (string, bool) { v, ok := nodes[k]; return v, ok })
		if got != f || !ok {
			t.Errorf("%+v came back as %+v, %v", f, got, ok)
		}
		if _, one := nodes["event-channel"]; one != (f.TxPort == f.RxPort) {
			t.Errorf("%+v: event-channel is there: %v", f, one)
		}
		if nodes["feature-no-csum-offload"] != "1" || nodes["request-rx-copy"] != "1" {
			t.Errorf("nodes are %v", nodes)
		}
		delete(nodes, "rx-ring-ref")
		if _, ok := ReadFrontend(func(k string) (string, bool) { v, ok := nodes[k]; return v, ok }); ok {
			t.Error("a missing node is not missed")
		}
		failure := errors.New("no")
		if err := f.Write(func(k, v string) error { return failure }); err != failure {
			t.Errorf("Write = %v", err)
		}
	}
}

func FuzzParseMAC(f *testing.F) {
	f.Add("00:16:3e:aa:BB:0c")
	f.Add("00:16:3e:aa:BB:0")
	f.Add("00-16-3e-aa-bb-0c")
	f.Fuzz(func(t *testing.T, s string) {
		mac, ok := ParseMAC(s)
		want, err := net.ParseMAC(s)
		if len(s) == 17 && s[2] == ':' && (err == nil) != ok || ok && string(mac[:]) != string(want) {
			t.Errorf("ParseMAC(%q) = %x, %v; want %v, %v", s, mac, ok, want, err)
		}
	})
}

func TestMTU(t *testing.T) {
	sg := Backend{ScatterGather: true}
	for _, tt := range []struct {
		node string
		b    Backend
		want int
	}{
		{"", sg, 1500}, {"1400", Backend{}, 1400}, {"9000", sg, 9000}, {"9000", Backend{}, 4082},
		{"67", sg, 1500}, {"x", sg, 1500}, {"99999", sg, 1500},
	} {
		if got := MTU(tt.node, tt.b); got != tt.want {
			t.Errorf("MTU(%q, %+v) = %d, want %d", tt.node, tt.b, got, tt.want)
		}
	}
}

// Frames whose checksums are known: captured, then verified by the rule that a
// good segment sums up to 0xFFFF.
func TestFillChecksum(t *testing.T) {
	udp, _ := hex.DecodeString("00163e00000100163e0000020800" +
		"4500002100000000401100000a0000010a000002" + "04d20035000d0000" + "68656c6c6f")
	// Sum over addresses, protocol, length, header, data word by word:
	words := []uint32{0x0a00, 0x0001, 0x0a00, 0x0002, 0x0011, 0x000d, 0x04d2, 0x0035, 0x000d, 0x6865, 0x6c6c, 0x6f00}
	var s uint32
	for _, w := range words {
		s += w
	}
	want := ^uint16(s>>16 + s&0xFFFF)
	if !FillChecksum(udp) || binary.BigEndian.Uint16(udp[40:]) != want {
		t.Errorf("UDP checksum %#x, want %#x", binary.BigEndian.Uint16(udp[40:]), want)
	}
	fragment := append([]byte(nil), udp...)
	fragment[20] = 0x20 // more fragments
	short := udp[:30]
	for name, frame := range map[string][]byte{"fragment": fragment, "short": short, "empty": nil, "ARP": append(make([]byte, 12), 8, 6, 0, 0)} {
		if FillChecksum(append([]byte(nil), frame...)) {
			t.Errorf("%s: a checksum was filled in", name)
		}
	}
}

// Nothing panics, only the checksum changes, and the result verifies.
func FuzzFillChecksum(f *testing.F) {
	v4, _ := hex.DecodeString("00163e00000100163e00000208004500002100000000401100000a0000010a00000204d20035000d000068656c6c6f")
	v6, _ := hex.DecodeString("00163e00000100163e00000286dd6000000000140640" +
		"fe800000000000000000000000000001fe800000000000000000000000000002" + "04d200500000000100000000500200ff00000000")
	f.Add(v4)
	f.Add(v6)
	f.Fuzz(func(t *testing.T, frame []byte) {
		got := append([]byte(nil), frame...)
		if !FillChecksum(got) {
			if string(got) != string(frame) {
				t.Error("a frame that was left alone has changed")
			}
			return
		}
		changed := 0
		for i := range got {
			if got[i] != frame[i] {
				changed++
			}
		}
		again := append([]byte(nil), got...)
		if changed > 2 || !FillChecksum(again) || string(again) != string(got) {
			t.Errorf("%d bytes changed", changed)
		}
	})
}

// FuzzKeys: any nodes are read without a panic, and what is read is what numbers they hold.
func FuzzKeys(f *testing.F) {
	f.Add("8", "9", "3", "", "", "1500")
	f.Add("8", "9", "", "4294967295", "0", "x")
	f.Fuzz(func(t *testing.T, tx, rx, port, txPort, rxPort, mtu string) {
		nodes := map[string]string{
			"tx-ring-ref": tx, "rx-ring-ref": rx, "event-channel": port, "event-channel-tx": txPort, "event-channel-rx": rxPort,
		}
		fe, ok := ReadFrontend(func(k string) (string, bool) { return nodes[k], nodes[k] != "" })
		number := func(s string) (uint32, bool) {
			n, err := strconv.ParseUint(s, 10, 32)
			return uint32(n), err == nil
		}
		var want Frontend
		var oks [4]bool
		want.TxRef, oks[0] = number(tx)
		want.RxRef, oks[1] = number(rx)
		if want.TxPort, oks[2] = number(port); oks[2] {
			want.RxPort, oks[3] = want.TxPort, true
		} else {
			want.TxPort, oks[2] = number(txPort)
			want.RxPort, oks[3] = number(rxPort)
		}
		if all := oks == [4]bool{true, true, true, true}; ok != all || ok && fe != want {
			t.Errorf("%v: %+v, %v; want %+v, %v", nodes, fe, ok, want, all)
		}
		for _, sg := range []bool{false, true} {
			if n := MTU(mtu, Backend{ScatterGather: sg}); n < 68 || n > MaxMTU || !sg && n > linearLimit {
				t.Errorf("MTU(%q) = %d, scatter-gather %v", mtu, n, sg)
			}
		}
	})
}
