package unzstd

// slack is what may be written behind what was asked for, by copies of so many bytes at once.
const slack = 16

// A window is what sequences can refer to, and the block in the making, which is in one piece. It grows until it has reach bytes
// and a block; then blocks begin at its start again, over what is too far away.
//
//	buf: [ newer ... | head: the block, slack | ... older | end ]
//
// What is referred to is never overwritten before: end is at least reach+slack, so a byte at p of the older part was last
// within reach when head was at p-slack.
type window struct {
	buf    []byte
	head   int // where the next byte goes
	end    int // of the older part, if there is one
	filled int // how far back there is something, at most reach
	reach  int
}

// reset empties the window and says how far references may reach.
func (w *window) reset(reach int) { w.head, w.end, w.filled, w.reach = 0, 0, 0, reach }

// room makes place for a block of so many bytes, not more than reach.
func (w *window) room(block int) {
	need := w.head + block + slack
	switch {
	case need <= len(w.buf):
	case w.head >= w.reach+slack:
		w.head, w.end = 0, w.head
	default:
		buf := make([]byte, min(max(need, 2*len(w.buf)), w.reach+block+2*slack))
		copy(buf, w.buf[:w.head])
		w.buf = buf
	}
}

// again copies n bytes to at, from what is offset bytes before it, and repeats these if they are fewer.
func (w *window) again(at, offset, n int) {
	from, end := at-offset, at+n
	if from < 0 { // it begins in the older part
		from += w.end
		at += copy(w.buf[at:end], w.buf[from:w.end])
		from = at - offset
	}
	for at < end {
		at += copy(w.buf[at:end], w.buf[from:at])
	}
}
