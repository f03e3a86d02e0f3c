package socket

import "internal/xengo/runtime/calls"

// maxAddress is the size of struct sockaddr_storage. Source: Linux 6.16 include/uapi/linux/socket.h.
const maxAddress = 128

// address returns a copy of the struct sockaddr of n bytes at p.
func address(p, n uintptr) ([]byte, calls.Errno) {
	if int32(n) < 0 || n > maxAddress {
		return nil, calls.EINVAL
	}
	b, err := calls.Bytes(p, n)
	if err != 0 {
		return nil, err
	}
	return append(make([]byte, 0, n), b...), 0
}

// putAddress writes addr to the memory at p, whose size is at size, and its real length there.
func putAddress(addr []byte, p, size uintptr) calls.Errno {
	room, err := calls.Pointer[int32](size)
	if err != 0 {
		return err
	}
	if *room < 0 {
		return calls.EINVAL
	}
	out, err := calls.Bytes(p, min(uintptr(*room), uintptr(len(addr))))
	if err != 0 {
		return err
	}
	copy(out, addr)
	*room = int32(len(addr))
	return 0
}

// FamilyOf returns the family that an address begins with, AF_UNSPEC if it is too short to say.
func FamilyOf(addr []byte) int {
	if len(addr) < 2 {
		return AF_UNSPEC
	}
	return int(addr[0]) | int(addr[1])<<8
}
