package abi

import "structs"

// NetifNrSlotsMin is the number of slots a backend takes for one packet at
// least (io/netif.h, XEN_NETIF_NR_SLOTS_MIN).
const NetifNrSlotsMin = 18

// NetifMaxTxSize is the largest packet, in bytes (XEN_NETIF_MAX_TX_SIZE).
const NetifMaxTxSize = 0xFFFF

// Flags of transmit requests (NETTXF_*).
const (
	NetTxFCsumBlank     = 1 << 0 // the protocol checksum is to be filled in
	NetTxFDataValidated = 1 << 1 // the data is known to be good
	NetTxFMoreData      = 1 << 2 // the packet continues in the next request
	NetTxFExtraInfo     = 1 << 3 // a NetifExtraInfo follows
)

// NetifTxRequest is struct netif_tx_request.
type NetifTxRequest struct {
	_      structs.HostLayout
	Gref   uint32
	Offset uint16 // bytes into the page
	Flags  uint16
	ID     uint16 // echoed in the response
	Size   uint16 // of the whole packet in its first request, else of this part
}

// NetifTxResponse is struct netif_tx_response.
type NetifTxResponse struct {
	_      structs.HostLayout
	ID     uint16
	Status int16 // NetifRsp*
}

// Types of extra information (XEN_NETIF_EXTRA_TYPE_*).
const (
	NetifExtraTypeNone     = 0
	NetifExtraTypeGSO      = 1
	NetifExtraTypeMcastAdd = 2
	NetifExtraTypeMcastDel = 3
	NetifExtraTypeHash     = 4
	NetifExtraTypeMax      = 5
)

// NetifExtraFlagMore in NetifExtraInfo.Flags: another one follows.
const NetifExtraFlagMore = 1 << 0

// Types of segmentation (XEN_NETIF_GSO_TYPE_*).
const (
	NetifGSOTypeNone  = 0
	NetifGSOTypeTCPv4 = 1
	NetifGSOTypeTCPv6 = 2
)

// NetifExtraInfo is struct netif_extra_info. It takes a slot of either ring.
type NetifExtraInfo struct {
	_     structs.HostLayout
	Type  uint8
	Flags uint8
	U     [6]uint8 // GSO: size uint16, type uint8, pad, features uint16
}

// Flags of receive responses (NETRXF_*). Bits 0 and 1 are the other way round
// than in NetTxF*.
const (
	NetRxFDataValidated = 1 << 0
	NetRxFCsumBlank     = 1 << 1
	NetRxFMoreData      = 1 << 2
	NetRxFExtraInfo     = 1 << 3
	NetRxFGSOPrefix     = 1 << 4
)

// NetifRxRequest is struct netif_rx_request.
type NetifRxRequest struct {
	_    structs.HostLayout
	ID   uint16
	_    uint16
	Gref uint32
}

// NetifRxResponse is struct netif_rx_response.
type NetifRxResponse struct {
	_      structs.HostLayout
	ID     uint16
	Offset uint16 // bytes into the page
	Flags  uint16
	Status int16 // negative: NetifRsp*, else bytes received
}

// Statuses of responses (NETIF_RSP_*).
const (
	NetifRspDropped = -2
	NetifRspError   = -1
	NetifRspOkay    = 0
	NetifRspNull    = 1 // no response to an extra request
)
