package abi

// States of either end of a device (io/xenbus.h, enum xenbus_state).
const (
	XenbusStateUnknown       = 0
	XenbusStateInitialising  = 1
	XenbusStateInitWait      = 2 // finished early initialisation, waits for the peer
	XenbusStateInitialised   = 3 // waits for a connection from the peer
	XenbusStateConnected     = 4
	XenbusStateClosing       = 5 // closing because of an error or an unplug
	XenbusStateClosed        = 6
	XenbusStateReconfiguring = 7
	XenbusStateReconfigured  = 8
)
