package calls

import "unsafe"

// What this file does is sound because of the rule in the package comment: whatever an argument points to is in
// the heap or in static memory and is kept alive by the caller, so the uintptr stays valid while the handler runs.

const (
	pageSize = 4096

	// userEnd is the end of the lower half of the address space: no pointer of a program lies beyond.
	userEnd = 1 << 47

	// maxPath is PATH_MAX with its terminating zero. Source: Linux 6.16 include/uapi/linux/limits.h.
	maxPath = 4096
)

// valid reports whether [p, p+n) is memory of the program: not in page 0, which nothing ever maps, not
// beyond what a pointer can address, and there.
func valid(p, n uintptr) bool {
	return p >= pageSize && p < userEnd && n <= userEnd-p && mapped(p, n)
}

// pointer converts p without the arithmetic that would make checkptr look at it.
func pointer(p uintptr) unsafe.Pointer {
	return *(*unsafe.Pointer)(unsafe.Pointer(&p))
}

// Bytes returns the n bytes at p. EFAULT if they cannot be memory; n = 0 gives an empty slice for any p.
func Bytes(p, n uintptr) ([]byte, Errno) {
	if n == 0 {
		return nil, 0
	}
	if !valid(p, n) {
		return nil, EFAULT
	}
	return unsafe.Slice((*byte)(pointer(p)), n), 0
}

// Pointer returns p as a pointer to a T. EFAULT if it cannot be one, EFAULT too if it is nil.
func Pointer[T any](p uintptr) (*T, Errno) {
	var t T
	if !valid(p, unsafe.Sizeof(t)) {
		return nil, EFAULT
	}
	return (*T)(pointer(p)), 0
}

// Optional is Pointer for arguments that may be nil, for which it returns nil and no error.
func Optional[T any](p uintptr) (*T, Errno) {
	if p == 0 {
		return nil, 0
	}
	return Pointer[T](p)
}

// Slice returns the n Ts at p. EFAULT if they cannot be memory, EINVAL if their size overflows.
func Slice[T any](p, n uintptr) ([]T, Errno) {
	if n == 0 {
		return nil, 0
	}
	var t T
	if size := unsafe.Sizeof(t); size != 0 && n > userEnd/size {
		return nil, EINVAL
	} else if !valid(p, n*size) {
		return nil, EFAULT
	}
	return unsafe.Slice((*T)(pointer(p)), n), 0
}

// Path returns a copy of the zero-terminated path at p. ENAMETOOLONG if it has no zero within PATH_MAX.
func Path(p uintptr) (string, Errno) {
	return CString(p, maxPath, ENAMETOOLONG)
}

// CString returns a copy of the zero-terminated string at p. If it is not terminated within max bytes
// the error is tooLong.
func CString(p, max uintptr, tooLong Errno) (string, Errno) {
	if !valid(p, 1) {
		return "", EFAULT
	}
	base := (*byte)(pointer(p))
	for n := uintptr(0); n < max; n++ {
		if n != 0 && (p+n)%pageSize == 0 && !valid(p+n, 1) {
			return "", EFAULT
		}
		if *(*byte)(unsafe.Add(unsafe.Pointer(base), n)) == 0 {
			return string(unsafe.Slice(base, n)), 0
		}
	}
	return "", tooLong
}

// Address returns the address of the first byte of b, for results that are addresses.
func Address(b []byte) uintptr {
	return uintptr(unsafe.Pointer(unsafe.SliceData(b)))
}

// Memory returns the n bytes at p, which are the caller's own and need no look whether they are there.
func Memory(p unsafe.Pointer, n uintptr) []byte { return unsafe.Slice((*byte)(p), n) }

// At returns p as a pointer, for memory that is not Go's.
func At(p uintptr) unsafe.Pointer { return pointer(p) }

// AsBytes returns the memory of *v as bytes. T must not contain pointers.
func AsBytes[T any](v *T) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(v)), unsafe.Sizeof(*v))
}
