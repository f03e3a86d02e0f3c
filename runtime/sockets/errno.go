package sockets

import (
	"gvisor.dev/gvisor/pkg/tcpip"

	"internal/xengo/runtime/calls"
)

// errno returns the error number that Linux has for an error of the stack, 0 for nil. What one and the same error means
// can depend on the call; those that differ look for it before.
func errno(err tcpip.Error) calls.Errno {
	switch err.(type) {
	case nil:
		return 0
	case *tcpip.ErrAddressFamilyNotSupported:
		return calls.EAFNOSUPPORT
	case *tcpip.ErrAlreadyBound, *tcpip.ErrInvalidEndpointState, *tcpip.ErrInvalidOptionValue, *tcpip.ErrInvalidPortRange,
		*tcpip.ErrMalformedHeader, *tcpip.ErrMissingRequiredFields, *tcpip.ErrMulticastInputCannotBeOutput:
		return calls.EINVAL
	case *tcpip.ErrAlreadyConnected:
		return calls.EISCONN
	case *tcpip.ErrAlreadyConnecting:
		return calls.EALREADY
	case *tcpip.ErrBadAddress, *tcpip.ErrBadBuffer:
		return calls.EFAULT
	case *tcpip.ErrBadLocalAddress:
		return calls.EADDRNOTAVAIL
	case *tcpip.ErrBroadcastDisabled:
		return calls.EACCES
	case *tcpip.ErrAborted, *tcpip.ErrClosedForSend:
		return calls.EPIPE
	case *tcpip.ErrClosedForReceive, *tcpip.ErrNotConnected:
		return calls.ENOTCONN
	case *tcpip.ErrConnectStarted:
		return calls.EINPROGRESS
	case *tcpip.ErrConnectionAborted:
		return calls.ECONNABORTED
	case *tcpip.ErrConnectionRefused:
		return calls.ECONNREFUSED
	case *tcpip.ErrConnectionReset:
		return calls.ECONNRESET
	case *tcpip.ErrDestinationRequired:
		return calls.EDESTADDRREQ
	case *tcpip.ErrDuplicateAddress, *tcpip.ErrDuplicateNICID:
		return calls.EEXIST
	case *tcpip.ErrMessageTooLong:
		return calls.EMSGSIZE
	case *tcpip.ErrNetworkUnreachable:
		return calls.ENETUNREACH
	case *tcpip.ErrNoBufferSpace:
		return calls.ENOBUFS
	case *tcpip.ErrNoPortAvailable, *tcpip.ErrWouldBlock:
		return calls.EAGAIN
	case *tcpip.ErrHostUnreachable:
		return calls.EHOSTUNREACH
	case *tcpip.ErrHostDown:
		return calls.EHOSTDOWN
	case *tcpip.ErrNoNet:
		return calls.ENONET
	case *tcpip.ErrNoSuchFile:
		return calls.ENOENT
	case *tcpip.ErrNotPermitted:
		return calls.EPERM
	case *tcpip.ErrNotSupported:
		return calls.EOPNOTSUPP
	case *tcpip.ErrPortInUse:
		return calls.EADDRINUSE
	case *tcpip.ErrQueueSizeNotSupported:
		return calls.ENOTTY
	case *tcpip.ErrTimeout:
		return calls.ETIMEDOUT
	case *tcpip.ErrUnknownDevice, *tcpip.ErrUnknownNICID, *tcpip.ErrInvalidNICID:
		return calls.ENODEV
	case *tcpip.ErrUnknownProtocol:
		return calls.EPROTONOSUPPORT
	case *tcpip.ErrUnknownProtocolOption:
		return calls.ENOPROTOOPT
	case *tcpip.ErrEndpointBusy:
		return calls.EBUSY
	}
	return calls.EIO // an error of a newer stack, which has to be added above
}
