package abi

import "structs"

// Types of xenstore messages (io/xs_wire.h, enum xsd_sockmsg_type).
const (
	XSControl            = 0
	XSDirectory          = 1
	XSRead               = 2
	XSGetPerms           = 3
	XSWatch              = 4
	XSUnwatch            = 5
	XSTransactionStart   = 6
	XSTransactionEnd     = 7
	XSIntroduce          = 8
	XSRelease            = 9
	XSGetDomainPath      = 10
	XSWrite              = 11
	XSMkdir              = 12
	XSRm                 = 13
	XSSetPerms           = 14
	XSWatchEvent         = 15
	XSError              = 16
	XSIsDomainIntroduced = 17
	XSResume             = 18
	XSSetTarget          = 19
	XSResetWatches       = 21
	XSDirectoryPart      = 22
)

// XSSockMsg is struct xsd_sockmsg, the header of every message.
type XSSockMsg struct {
	_     structs.HostLayout
	Type  uint32
	ReqID uint32 // echoed in the reply
	TxID  uint32 // transaction, 0 is none
	Len   uint32 // bytes of payload that follow
}

// Sizes and limits in bytes.
const (
	XenstoreRingSize   = 1024
	XenstorePayloadMax = 4096
	XenstoreAbsPathMax = 3072
	XenstoreRelPathMax = 2048
)

// XenstoreDomainInterface is struct xenstore_domain_interface, the page that
// is shared with xenstored. Indices run freely and need not start at 0.
type XenstoreDomainInterface struct {
	_              structs.HostLayout
	Req            [XenstoreRingSize]uint8
	Rsp            [XenstoreRingSize]uint8
	ReqCons        uint32
	ReqProd        uint32
	RspCons        uint32
	RspProd        uint32
	ServerFeatures uint32 // XenstoreServerFeature*
	Connection     uint32 // XenstoreConnected or XenstoreReconnect
	Error          uint32 // XenstoreError*
}

// Bits of XenstoreDomainInterface.ServerFeatures.
const (
	XenstoreServerFeatureReconnection = 1
	XenstoreServerFeatureError        = 2
)

// Values of XenstoreDomainInterface.Connection.
const (
	XenstoreConnected = 0 // the steady state
	XenstoreReconnect = 1 // the guest asked to start anew
)

// Values of XenstoreDomainInterface.Error.
const (
	XenstoreErrorNone    = 0
	XenstoreErrorComm    = 1 // communication problem
	XenstoreErrorRingIdx = 2 // invalid ring index
	XenstoreErrorProto   = 3 // protocol violation (payload too long)
)
