//go:build xenpv

package runtime

import (
	"internal/xengo/runtime/newc"
	"internal/xengo/xen/cmdline"
	"unsafe"
)

// Arguments and environment come from the domain's config: extra= ends up on
// the kernel command line, and what does not fit there in files of the ramdisk
// (.xengo/args, .xengo/env: strings that each end in NUL).

// xenArguments builds the block that Linux would leave on the stack: argc, argv
// and envp, an empty auxiliary vector behind them. It lies in frames of its
// own.
func xenArguments() (int32, **byte) {
	line := xenCmdline()
	args := newc.Find(xenRamdisk(), ".xengo/args")
	env := newc.Find(xenRamdisk(), ".xengo/env")

	// There are at most as many strings as there are bytes, and each takes
	// one more for its NUL.
	n := uintptr(len(line) + len(args) + len(env) + 64)
	words := uintptr(len(line)/2 + xenCountStrings(args) + xenCountStrings(env) + 16)
	size := alignUp(2*words*8+2*n, xenPageSize)
	va := xenAreaTake(xenVMStart, xenVMEnd, size)
	if va == 0 || !xenMapRange(va, size) {
		xenFatal("not enough memory for arguments and environment: raise memory= in the domain config")
	}
	vec := unsafe.Slice((*uintptr)(unsafe.Pointer(va)), words)
	envs := unsafe.Slice((*uintptr)(unsafe.Pointer(va+words*8)), words)
	text := unsafe.Slice((*byte)(unsafe.Pointer(va+2*words*8)), 2*n)[:0]

	argc, envc := 0, 0
	name, ok := cmdline.Lookup(line, "argv0", text)
	if !ok {
		name = append(text, "/init"...)
	}
	text = xenAddString(name, vec, &argc, 0)
	for s := cmdline.New(line); ; {
		start := len(text)
		word, kind, ok := s.Next(text)
		if !ok {
			break
		}
		switch kind {
		case cmdline.Argument:
			text = xenAddString(word, vec, &argc, start)
		case cmdline.Env:
			text = xenAddString(word, envs, &envc, start)
		}
	}
	text = xenAddStrings(text, args, vec, &argc)
	xenAddStrings(text, env, envs, &envc)

	// envp follows argv's end.
	copy(vec[argc+1:], envs[:envc])
	return int32(argc), (**byte)(unsafe.Pointer(va))
}

// xenAddString ends the string that starts in text at start and puts its
// address into the vector.
func xenAddString(text []byte, vec []uintptr, n *int, start int) []byte {
	text = append(text, 0)
	vec[*n] = uintptr(unsafe.Pointer(&text[start]))
	*n++
	return text
}

// xenAddStrings does that with all strings of data.
func xenAddStrings(text, data []byte, vec []uintptr, n *int) []byte {
	for len(data) > 0 {
		end := 0
		for end < len(data) && data[end] != 0 {
			end++
		}
		start := len(text)
		text = xenAddString(append(text, data[:end]...), vec, n, start)
		data = data[min(end+1, len(data)):]
	}
	return text
}

func xenCountStrings(data []byte) int {
	n := 1
	for _, c := range data {
		if c == 0 {
			n++
		}
	}
	return n
}

// xenCmdline returns the kernel command line.
func xenCmdline() string {
	p := (*byte)(xenBoot.cmdline)
	if p == nil {
		return ""
	}
	n := findnull(p)
	if xenIsPV {
		n = 0
		for n < 1024 && *(*byte)(add(xenBoot.cmdline, uintptr(n))) != 0 {
			n++
		}
	}
	return unsafe.String(p, n)
}

// xenRamdisk returns the ramdisk, empty if there is none.
func xenRamdisk() []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(xenBoot.ramdisk)), xenBoot.ramdiskLen)
}
