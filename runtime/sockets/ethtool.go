package sockets

import (
	"encoding/binary"
	"strings"

	"internal/xengo/runtime/calls"
)

// Commands of SIOCETHTOOL, each the first number of what the request points to, and what else is there. Source: Linux 6.16
// include/uapi/linux/ethtool.h, net_tstamp.h.
const (
	ethtoolDriver     = 0x03 // ETHTOOL_GDRVINFO, struct ethtool_drvinfo
	ethtoolLink       = 0x0a // ETHTOOL_GLINK, struct ethtool_value
	ethtoolTimestamps = 0x41 // ETHTOOL_GET_TS_INFO, struct ethtool_ts_info

	drvinfoLen    = 196
	drvinfoName   = 4
	drvinfoBus    = 100
	drvinfoString = 32
	valueLen      = 8
	tsInfoLen     = 44

	timestampsOfSoftware = 0x8 | 0x10 // SOF_TIMESTAMPING_RX_SOFTWARE, SOF_TIMESTAMPING_SOFTWARE
)

// ethtool answers what ethtool(8) asks about an interface: that of a network device is as Linux's netfront.
func (s *inet) ethtool(arg uintptr) calls.Errno {
	b, err := calls.Bytes(arg, ifreqLen)
	if err != 0 {
		return err
	}
	l := linkNamed(s.st, word(b[:ifNameLen]))
	if l == nil {
		return calls.ENODEV
	}
	data := uintptr(binary.NativeEndian.Uint64(b[ifNameLen:]))
	command, err := calls.Pointer[uint32](data)
	if err != 0 {
		return err
	}
	switch *command {
	case ethtoolDriver:
		if l.loopback() {
			return calls.EOPNOTSUPP
		}
		return l.tell(data, drvinfoLen, func(out []byte) {
			copy(out[drvinfoName:], "vif")
			copy(out[drvinfoBus:drvinfoBus+drvinfoString], "vif-"+strings.TrimPrefix(l.info.Name, "eth"))
		})
	case ethtoolLink:
		return l.tell(data, valueLen, func(out []byte) { out[4] = 1 })
	case ethtoolTimestamps:
		return l.tell(data, tsInfoLen, func(out []byte) {
			binary.NativeEndian.PutUint32(out[4:], timestampsOfSoftware)
			binary.NativeEndian.PutUint32(out[8:], ^uint32(0)) // no clock of its own
		})
	}
	return calls.EOPNOTSUPP
}

// tell fills the structure at data, behind the command.
func (l *netLink) tell(data, size uintptr, fill func(out []byte)) calls.Errno {
	out, err := calls.Bytes(data, size)
	if err == 0 {
		clear(out[4:])
		fill(out)
	}
	return err
}
