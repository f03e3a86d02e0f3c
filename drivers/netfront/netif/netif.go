// Package netif is the wire format of Xen's network devices (io/netif.h) as
// both ends see it: ring slots, the nodes in xenstore, and the rules by which
// slots make packets.
package netif

import (
	"errors"

	"internal/xengo/xen/abi"
)

// Limits of a packet on the wire.
const (
	HeaderLen   = 14                  // bytes of an Ethernet header; the first slot has at least as many
	MaxPacket   = abi.NetifMaxTxSize  // bytes
	MaxSlots    = abi.NetifNrSlotsMin // that every backend takes
	MaxExtras   = abi.NetifExtraTypeMax - 1
	PageSize    = abi.PageSize
	DefaultMTU  = 1500
	MaxMTU      = MaxPacket - HeaderLen
	linearLimit = PageSize - HeaderLen
)

// What a peer can do wrong. Any of it ends the connection.
var (
	ErrID      = errors.New("netif: a response has an id that was not asked for")
	ErrBounds  = errors.New("netif: a slot's data is not within its page")
	ErrExtra   = errors.New("netif: an extra slot of an unknown kind")
	ErrExtras  = errors.New("netif: too many extra slots")
	ErrTooLong = errors.New("netif: a packet has too many slots or bytes")
)

// ExtraInRx returns the extra information that is in a slot of the receive
// ring. Both structures have eight bytes.
func ExtraInRx(r abi.NetifRxResponse) abi.NetifExtraInfo {
	st := uint16(r.Status)
	return abi.NetifExtraInfo{
		Type:  uint8(r.ID),
		Flags: uint8(r.ID >> 8),
		U: [6]uint8{
			uint8(r.Offset), uint8(r.Offset >> 8),
			uint8(r.Flags), uint8(r.Flags >> 8),
			uint8(st), uint8(st >> 8),
		},
	}
}

// RxOfExtra is the inverse of ExtraInRx.
func RxOfExtra(e abi.NetifExtraInfo) abi.NetifRxResponse {
	return abi.NetifRxResponse{
		ID:     uint16(e.Type) | uint16(e.Flags)<<8,
		Offset: uint16(e.U[0]) | uint16(e.U[1])<<8,
		Flags:  uint16(e.U[2]) | uint16(e.U[3])<<8,
		Status: int16(uint16(e.U[4]) | uint16(e.U[5])<<8),
	}
}

// ExtraInTx returns the extra information that is in a slot of the transmit
// ring: its first eight bytes.
func ExtraInTx(r abi.NetifTxRequest) abi.NetifExtraInfo {
	return abi.NetifExtraInfo{
		Type:  uint8(r.Gref),
		Flags: uint8(r.Gref >> 8),
		U: [6]uint8{
			uint8(r.Gref >> 16), uint8(r.Gref >> 24),
			uint8(r.Offset), uint8(r.Offset >> 8),
			uint8(r.Flags), uint8(r.Flags >> 8),
		},
	}
}

// TxOfExtra is the inverse of ExtraInTx.
func TxOfExtra(e abi.NetifExtraInfo) abi.NetifTxRequest {
	return abi.NetifTxRequest{
		Gref:   uint32(e.Type) | uint32(e.Flags)<<8 | uint32(e.U[0])<<16 | uint32(e.U[1])<<24,
		Offset: uint16(e.U[2]) | uint16(e.U[3])<<8,
		Flags:  uint16(e.U[4]) | uint16(e.U[5])<<8,
	}
}

// Slots returns how many slots a packet of that many bytes takes if it begins
// at the beginning of a page.
func Slots(bytes int) int { return (bytes + PageSize - 1) / PageSize }
