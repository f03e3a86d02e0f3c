package hv

import (
	"runtime"
	"sync/atomic"
	"unsafe"

	"internal/xengo/xen/abi"
)

// call makes a hypercall of the usual form, (command, argument structure).
// The result is not negative, or err says why.
//
// arg may lie on the stack: hypercall does not grow it.
func call(op, cmd uintptr, arg unsafe.Pointer) (uintptr, error) {
	return result(hypercall(op, cmd, arg, 0))
}

// result splits what a hypercall returned.
func result(r uintptr) (uintptr, error) {
	if n := int64(r); n < 0 && n > -4096 {
		return 0, Errno(-n)
	}
	return r, nil
}

// AllocUnbound makes an event channel that remote can bind to.
func AllocUnbound(remote DomID) (Port, error) {
	arg := abi.EvtchnAllocUnbound{Dom: abi.DomIDSelf, RemoteDom: uint16(remote)}
	_, err := call(abi.HypercallEventChannelOp, abi.EvtchnOpAllocUnbound, unsafe.Pointer(&arg))
	return Port(arg.Port), err
}

// BindInterdomain binds a new local port to remote's unbound port.
func BindInterdomain(remote DomID, port Port) (Port, error) {
	arg := abi.EvtchnBindInterdomain{RemoteDom: uint16(remote), RemotePort: uint32(port)}
	_, err := call(abi.HypercallEventChannelOp, abi.EvtchnOpBindInterdomain, unsafe.Pointer(&arg))
	return Port(arg.LocalPort), err
}

// Send notifies the other end of port.
func Send(port Port) error {
	arg := abi.EvtchnSend{Port: uint32(port)}
	_, err := call(abi.HypercallEventChannelOp, abi.EvtchnOpSend, unsafe.Pointer(&arg))
	return err
}

// Bound reports whether an event channel has another end.
func Bound(port Port) bool {
	arg := abi.EvtchnStatus{Dom: abi.DomIDSelf, Port: uint32(port)}
	_, err := call(abi.HypercallEventChannelOp, abi.EvtchnOpStatus, unsafe.Pointer(&arg))
	return err == nil && arg.Status == abi.EvtchnStatInterdomain
}

// Close closes port; the number may be given out again.
func Close(port Port) error {
	arg := abi.EvtchnClose{Port: uint32(port)}
	_, err := call(abi.HypercallEventChannelOp, abi.EvtchnOpClose, unsafe.Pointer(&arg))
	return err
}

// Unmask lets events of port through, and delivers one that is pending.
func Unmask(port Port) error {
	arg := abi.EvtchnUnmask{Port: uint32(port)}
	_, err := call(abi.HypercallEventChannelOp, abi.EvtchnOpUnmask, unsafe.Pointer(&arg))
	return err
}

// QueryGrantSize returns how many frames the grant table has and may have.
func QueryGrantSize() (frames, limit int, err error) {
	arg := abi.GnttabQuerySize{Dom: abi.DomIDSelf}
	if _, err := grantCall(abi.GnttabOpQuerySize, unsafe.Pointer(&arg)); err != nil {
		return 0, 0, err
	}
	if arg.Status != abi.GNTSTOkay {
		return 0, 0, GrantStatus(arg.Status)
	}
	return int(arg.NrFrames), int(arg.MaxNrFrames), nil
}

// SetupGrantTable grows the grant table to len(frames) frames and returns
// their numbers in it.
func SetupGrantTable(frames []Frame) error {
	arg := abi.GnttabSetupTable{
		Dom:       abi.DomIDSelf,
		NrFrames:  uint32(len(frames)),
		FrameList: address(frames),
	}
	_, err := grantCall(abi.GnttabOpSetupTable, unsafe.Pointer(&arg))
	runtime.KeepAlive(frames)
	if err == nil && arg.Status != abi.GNTSTOkay {
		err = GrantStatus(arg.Status)
	}
	return err
}

// grantCall makes a grant table operation of one element.
func grantCall(cmd uintptr, arg unsafe.Pointer) (uintptr, error) {
	return result(hypercall(abi.HypercallGrantTableOp, cmd, arg, 1))
}

// AddToPhysmap makes page idx of space (abi.XenMapSpace*) appear at guest
// frame at, in a PVH guest.
func AddToPhysmap(space, idx int, at Frame) error {
	arg := abi.XenAddToPhysmap{DomID: abi.DomIDSelf, Space: uint32(space), Idx: uint64(idx), GPFN: uint64(at)}
	_, err := call(abi.HypercallMemoryOp, abi.XenMemAddToPhysmap, unsafe.Pointer(&arg))
	return err
}

// DecreaseReservation gives memory back to Xen, frame by frame, and returns
// how many frames it took.
func DecreaseReservation(frames []Frame) (int, error) {
	return reservation(abi.XenMemDecreaseReservation, frames)
}

// PopulatePhysmap asks for memory behind guest frames, and returns how many
// it got. In a PV guest the machine frames replace the numbers in frames.
func PopulatePhysmap(frames []Frame) (int, error) {
	return reservation(abi.XenMemPopulatePhysmap, frames)
}

func reservation(cmd uintptr, frames []Frame) (int, error) {
	arg := abi.XenMemoryReservation{
		ExtentStart: address(frames),
		NrExtents:   uint64(len(frames)),
		DomID:       abi.DomIDSelf,
	}
	n, err := call(abi.HypercallMemoryOp, cmd, unsafe.Pointer(&arg))
	runtime.KeepAlive(frames)
	return int(n), err
}

// HVMParam returns an HVM parameter of this domain (abi.HVMParam*).
func HVMParam(index uint32) (uint64, error) {
	arg := abi.XenHVMParam{DomID: abi.DomIDSelf, Index: index}
	_, err := call(abi.HypercallHVMOp, abi.HVMOpGetParam, unsafe.Pointer(&arg))
	return arg.Value, err
}

// SetHVMParam sets an HVM parameter of this domain.
func SetHVMParam(index uint32, value uint64) error {
	arg := abi.XenHVMParam{DomID: abi.DomIDSelf, Index: index, Value: value}
	_, err := call(abi.HypercallHVMOp, abi.HVMOpSetParam, unsafe.Pointer(&arg))
	return err
}

// escaped makes address's argument escape to the heap. Nothing reads it.
var escaped atomic.Pointer[Frame]

// address returns where the list of frames is. A list that lay on the stack
// would move with it; this one is on the heap, where things stay put.
func address(frames []Frame) uintptr {
	p := unsafe.SliceData(frames)
	escaped.Store(p)
	return uintptr(unsafe.Pointer(p))
}
