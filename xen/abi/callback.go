package abi

import "structs"

// Commands of callback_op (callback.h, CALLBACKOP_*).
const (
	CallbackOpRegister   = 0
	CallbackOpUnregister = 1
)

// Types of callbacks (CALLBACKTYPE_*).
const (
	CallbackTypeEvent     = 0
	CallbackTypeFailsafe  = 1
	CallbackTypeSyscall   = 2
	CallbackTypeNMI       = 4
	CallbackTypeSysenter  = 5
	CallbackTypeSyscall32 = 7
)

// CallbackFMaskEvents disables event delivery while the callback runs.
const CallbackFMaskEvents = 1 << 0

// CallbackRegister is struct callback_register.
type CallbackRegister struct {
	_       structs.HostLayout
	Type    uint16
	Flags   uint16
	_       uint32
	Address uint64
}
