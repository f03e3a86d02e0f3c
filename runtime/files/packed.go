package files

import (
	"sync"

	"internal/xengo/runtime/calls"
	"internal/xengo/runtime/kernel"
	"internal/xengo/runtime/unzstd"
)

// Contents of a file in a compressed archive stay compressed if they are frames of zstd of their own, as toolchain/ramdisk makes
// them. What is read is decompressed a frame at a time, and a few frames are kept, as squashfs does.
const (
	maxPacked = 1 << 20 // bytes of contents in a frame that may stay compressed
	keptParts = 8       // decompressed frames that are kept
)

// packed is the contents of a file, frames in the ramdisk that follow one another.
type packed struct{ frames []unzstd.Whole }

// ReadAt decompresses what p is to have. EIO if the frames do not have it.
func (p *packed) ReadAt(b []byte, offset int64) calls.Errno {
	for len(b) > 0 {
		f := frameAt(p.frames, offset)
		data := decompressed.get(f)
		in := offset - f.Start
		if in >= int64(len(data)) {
			return calls.EIO
		}
		n := copy(b, data[in:])
		b, offset = b[n:], offset+int64(n)
	}
	return 0
}

// frameAt returns the frame that has the byte at offset, if any has it.
func frameAt(frames []unzstd.Whole, offset int64) unzstd.Whole {
	for len(frames) > 1 {
		if half := len(frames) / 2; frames[half].Start <= offset {
			frames = frames[half:]
		} else {
			frames = frames[:half]
		}
	}
	return frames[0]
}

// A part is what a frame has.
type part struct {
	in   *byte // where the frame is
	once sync.Once
	data []byte // nil if the frame is damaged
}

// parts are the frames that were used last, the latest first. mu guards the list only: frames are decompressed by several at once.
type parts struct {
	mu   sync.Mutex
	list [keptParts]*part
}

var decompressed parts

// get returns what a frame has, nil if it is damaged.
func (c *parts) get(f unzstd.Whole) []byte {
	p := c.find(&f.In[0])
	p.once.Do(func() { p.data = unpackFrame(f) })
	return p.data
}

// find returns the part of the frame at in, instead of the one that was not used for the longest time if it is not among those kept.
func (c *parts) find(in *byte) *part {
	c.mu.Lock()
	i := 0
	for i < len(c.list)-1 && c.list[i] != nil && c.list[i].in != in {
		i++
	}
	p := c.list[i]
	if p == nil || p.in != in {
		p = &part{in: in}
	}
	copy(c.list[1:i+1], c.list[:i])
	c.list[0] = p
	c.mu.Unlock()
	return p
}

var unpackers = sync.Pool{New: func() any { return new(unzstd.Reader) }}

// unpackFrame decompresses a frame, and says on the console what is wrong with it if it is damaged.
func unpackFrame(f unzstd.Whole) []byte {
	r := unpackers.Get().(*unzstd.Reader)
	data, problem := r.Unpack(f)
	if problem != "" {
		at := calls.Address(f.In) - calls.Address(kernel.Ramdisk()) + uintptr(r.Offset())
		print("xengo: ramdisk: ", problem, ", at byte ", at, "\n")
		data = nil
	}
	unpackers.Put(r)
	return data
}
