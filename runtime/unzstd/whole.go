package unzstd

// A Whole is a frame that says the size of its contents.
type Whole struct {
	In    []byte // all of it
	Start int64  // of its contents in those of all, in bytes
	Size  int    // of its contents, as it says
}

// Wholes passes the next frames, if their contents have together size bytes, and none has more than largest. It returns these
// frames; what their blocks hold is not looked at. If they are not so, or something is before them in the frame that was read
// last, it returns nil and passes nothing.
func (r *Reader) Wholes(size uint64, largest int) (frames []Whole) {
	if r.state != atFrame || r.err != "" || r.given < r.out.head {
		return nil
	}
	first := r.at
	for start := uint64(0); start < size; start += r.frame.size {
		at := r.at
		if !r.pass() || r.frame.size > min(size-start, uint64(largest)) {
			r.at, r.state = first, atFrame
			return nil
		}
		frames = append(frames, Whole{r.in[at:r.at:r.at], int64(start), int(r.frame.size)})
	}
	return frames
}

// pass passes a frame if it says its size, and leaves the Reader in no state to read on if it does not.
func (r *Reader) pass() bool {
	b, bad := r.take(4)
	if bad != "" || number(b) != magic || r.header() != "" || !r.frame.sized {
		return false
	}
	for last := false; !last; {
		if b, bad = r.take(3); bad != "" {
			return false
		}
		var kind, size int
		last, kind, size = blockHeader(b)
		if size > r.frame.largest || kind > compressedBlock {
			return false
		}
		if kind == repeatedByte {
			size = 1
		}
		if _, bad = r.take(size); bad != "" {
			return false
		}
	}
	if r.frame.summed {
		_, bad = r.take(4)
	}
	r.state = atFrame
	return bad == ""
}

// Unpack decompresses a frame, after which the Reader has nothing more to read. If it is damaged, Offset is where in it.
func (r *Reader) Unpack(w Whole) ([]byte, Problem) {
	r.in, r.at, r.err, r.state = w.In, 0, "", atFrame
	r.out.reset(0)
	r.given = 0
	p := make([]byte, w.Size)
	n, bad := r.Read(p)
	if bad == "" && n < len(p) {
		bad = BadSize
	}
	r.in = nil
	return p[:n], bad
}
