package netif

import "internal/xengo/xen/abi"

// RxParser puts the responses of the receive ring together to packets and
// checks them. A packet is a slot of data, extra slots if that one says so,
// and more slots of data, as long as the last one says so.
type RxParser struct {
	expect  rxState
	slots   int // of data in this packet
	bytes   int // in this packet
	extras  int // in this packet
	flags   uint16
	more    bool // data follows the extras
	dropped bool // the backend says this packet is lost
}

type rxState uint8

const (
	rxFirst rxState = iota // a packet begins
	rxExtra                // extra information comes
	rxData                 // the packet goes on
)

// A Piece is what a response turned out to be.
type Piece struct {
	Offset, Len int  // data in the slot's page; Len is 0 if it has none
	First, Last bool // of the packet

	// Valid with Last:
	Dropped   bool // the packet is to be forgotten
	CsumBlank bool // its checksum has to be filled in
	Validated bool // its checksum need not be looked at
}

// Next takes the response in a slot whose request had that id. After an error
// the peer is not to be trusted any more.
func (p *RxParser) Next(id uint16, r abi.NetifRxResponse) (Piece, error) {
	if p.expect == rxExtra {
		return p.extra(ExtraInRx(r))
	}
	first := p.expect == rxFirst
	if first {
		*p = RxParser{flags: r.Flags}
	}
	if r.ID != id {
		return Piece{}, ErrID
	}
	piece := Piece{First: first}
	if r.Status < 0 {
		p.dropped = true
	} else {
		piece.Offset, piece.Len = int(r.Offset), int(r.Status)
		if piece.Offset+piece.Len > PageSize {
			return Piece{}, ErrBounds
		}
	}
	p.slots++
	p.bytes += piece.Len
	if p.slots > MaxSlots || p.bytes > MaxPacket {
		return Piece{}, ErrTooLong
	}
	p.more = r.Flags&abi.NetRxFMoreData != 0
	if first && r.Flags&abi.NetRxFExtraInfo != 0 {
		p.expect = rxExtra
		return piece, nil
	}
	return p.after(piece), nil
}

// extra takes a slot of extra information. None of it concerns a frontend that
// asked for no offload: a hash is of no use, and a packet that is to be
// segmented is a packet.
func (p *RxParser) extra(e abi.NetifExtraInfo) (Piece, error) {
	if e.Type == abi.NetifExtraTypeNone || e.Type >= abi.NetifExtraTypeMax {
		return Piece{}, ErrExtra
	}
	if p.extras++; p.extras > MaxExtras {
		return Piece{}, ErrExtras
	}
	if e.Flags&abi.NetifExtraFlagMore != 0 {
		return Piece{}, nil
	}
	return p.after(Piece{}), nil
}

// after decides whether the packet goes on.
func (p *RxParser) after(piece Piece) Piece {
	if p.more {
		p.expect = rxData
		return piece
	}
	p.expect = rxFirst
	piece.Last = true
	piece.Dropped = p.dropped || p.bytes < HeaderLen
	piece.CsumBlank = p.flags&abi.NetRxFCsumBlank != 0
	piece.Validated = p.flags&abi.NetRxFDataValidated != 0
	return piece
}
