package hv

import (
	"internal/xengo/xen/abi"
	"internal/xengo/xen/ascii"
)

// An Errno is an error number of Xen's (errno.h), positive. The numbers are
// Linux's.
type Errno uint16

// Errors that callers tell apart.
const (
	EPERM  Errno = abi.EPERM
	ENOENT Errno = abi.ENOENT
	EAGAIN Errno = abi.EAGAIN
	ENOMEM Errno = abi.ENOMEM
	EACCES Errno = abi.EACCES
	EFAULT Errno = abi.EFAULT
	EBUSY  Errno = abi.EBUSY
	EEXIST Errno = abi.EEXIST
	EINVAL Errno = abi.EINVAL
	ENOSPC Errno = abi.ENOSPC
	ENOSYS Errno = abi.ENOSYS
	E2BIG  Errno = abi.E2BIG
)

// errnoNames is searched and not indexed: most numbers have no name.
var errnoNames = [...]struct {
	errno Errno
	name  string
}{
	{abi.EPERM, "EPERM"},
	{abi.ENOENT, "ENOENT"},
	{abi.ESRCH, "ESRCH"},
	{abi.EIO, "EIO"},
	{abi.ENXIO, "ENXIO"},
	{abi.E2BIG, "E2BIG"},
	{abi.ENOEXEC, "ENOEXEC"},
	{abi.EBADF, "EBADF"},
	{abi.ECHILD, "ECHILD"},
	{abi.EAGAIN, "EAGAIN"},
	{abi.ENOMEM, "ENOMEM"},
	{abi.EACCES, "EACCES"},
	{abi.EFAULT, "EFAULT"},
	{abi.EBUSY, "EBUSY"},
	{abi.EEXIST, "EEXIST"},
	{abi.EXDEV, "EXDEV"},
	{abi.ENODEV, "ENODEV"},
	{abi.ENOTDIR, "ENOTDIR"},
	{abi.EISDIR, "EISDIR"},
	{abi.EINVAL, "EINVAL"},
	{abi.ENFILE, "ENFILE"},
	{abi.EMFILE, "EMFILE"},
	{abi.ENOSPC, "ENOSPC"},
	{abi.EROFS, "EROFS"},
	{abi.EMLINK, "EMLINK"},
	{abi.EDOM, "EDOM"},
	{abi.ERANGE, "ERANGE"},
	{abi.EDEADLK, "EDEADLK"},
	{abi.ENAMETOOLONG, "ENAMETOOLONG"},
	{abi.ENOLCK, "ENOLCK"},
	{abi.ENOSYS, "ENOSYS"},
	{abi.ENOTEMPTY, "ENOTEMPTY"},
	{abi.ENODATA, "ENODATA"},
	{abi.ETIME, "ETIME"},
	{abi.EBADMSG, "EBADMSG"},
	{abi.EOVERFLOW, "EOVERFLOW"},
	{abi.EILSEQ, "EILSEQ"},
	{abi.ENOTSOCK, "ENOTSOCK"},
	{abi.EMSGSIZE, "EMSGSIZE"},
	{abi.EOPNOTSUPP, "EOPNOTSUPP"},
	{abi.EADDRINUSE, "EADDRINUSE"},
	{abi.EADDRNOTAVAIL, "EADDRNOTAVAIL"},
	{abi.ENOBUFS, "ENOBUFS"},
	{abi.EISCONN, "EISCONN"},
	{abi.ENOTCONN, "ENOTCONN"},
	{abi.ETIMEDOUT, "ETIMEDOUT"},
	{abi.ECONNREFUSED, "ECONNREFUSED"},
}

// Error returns the name of the error, as in "xen: EINVAL".
func (e Errno) Error() string { return "xen: " + e.Name() }

// Name returns the symbol of the error, "EINVAL", or "errno N".
func (e Errno) Name() string {
	for i := range errnoNames {
		if n := &errnoNames[i]; n.errno == e {
			return n.name
		}
	}
	return "errno " + ascii.Utoa(uint64(e))
}

// ErrnoByName returns the error number with that symbol, or EINVAL, which is
// what Linux makes of an error it does not know (xenbus_xs.c, get_error).
func ErrnoByName(name string) Errno {
	for i := range errnoNames {
		if n := &errnoNames[i]; n.name == name {
			return n.errno
		}
	}
	return EINVAL
}

// A GrantStatus is the negative result of a grant table operation
// (grant_table.h, GNTST_*).
type GrantStatus int16

var grantStatusNames = [...]string{
	-abi.GNTSTGeneralError:     "undefined error",
	-abi.GNTSTBadDomain:        "unrecognised domain id",
	-abi.GNTSTBadGntref:        "invalid grant reference",
	-abi.GNTSTBadHandle:        "invalid mapping handle",
	-abi.GNTSTBadVirtAddr:      "invalid virtual address",
	-abi.GNTSTBadDevAddr:       "invalid device address",
	-abi.GNTSTNoDeviceSpace:    "no spare translation slot in the I/O MMU",
	-abi.GNTSTPermissionDenied: "permission denied",
	-abi.GNTSTBadPage:          "bad page",
	-abi.GNTSTBadCopyArg:       "copy arguments cross page boundary",
	-abi.GNTSTAddressTooBig:    "page address size too large",
	-abi.GNTSTEagain:           "operation not done; try again",
	-abi.GNTSTNoSpace:          "out of space",
}

// Error returns what the status means.
func (s GrantStatus) Error() string {
	if n := -int(s); n > 0 && n < len(grantStatusNames) {
		return "xen: grant table: " + grantStatusNames[n]
	}
	return "xen: grant table: status " + ascii.Itoa(int64(s))
}
