package unzstd

// execute decodes so many sequences and puts out what they say: some of the literals, then what was there before. It returns
// the literals that are left. Source: RFC 8878, sections 3.1.1.3.2.1.2 and 3.1.1.4.
func (r *Reader) execute(in []byte, count int, literals []byte) (rest []byte, bad Problem) {
	b, ok := newBackward(in)
	if !ok {
		return nil, BadBlock
	}
	w := &r.out
	at, most := w.head, w.head+r.frame.largest
	known := w.filled - at // so far and at more can be referred to
	lengths, reaches, matches := &r.tables[literalLengths].entries, &r.tables[offsets].entries, &r.tables[matchLengths].entries
	length, b := b.take(r.tables[literalLengths].log)
	reach, b := b.take(r.tables[offsets].log)
	match, b := b.take(r.tables[matchLengths].log)
	var extra uint32
	for ; count > 0; count-- {
		l, o, m := lengths[length&(1<<maxLog-1)], reaches[reach&(1<<maxLog-1)], matches[match&(1<<maxLog-1)]
		extra, b = b.fill(in).take(o.extra) // up to 31 bits
		value := o.base + extra
		extra, b = b.take(m.extra)
		n := int(m.base + extra)
		extra, b = b.fill(in).take(l.extra)
		copied := int(l.base + extra)
		if count > 1 {
			length, b = b.take(l.nbits)
			match, b = b.take(m.nbits)
			reach, b = b.take(o.nbits)
			length, match, reach = length+uint32(l.next), match+uint32(m.next), reach+uint32(o.next)
		}
		if b.n < 0 {
			return nil, BadBlock
		}
		if copied > len(literals) || copied+n > most-at {
			return nil, BadSize
		}
		short(w.buf, at, literals, copied)
		at += copied
		literals = literals[copied:]
		offset := r.offset(value, copied == 0)
		if offset == 0 || offset > min(known+at, w.reach) {
			return nil, BadOffset
		}
		if from := at - offset; from >= 0 && n <= slack && offset >= slack {
			*(*[slack]byte)(w.buf[at:]) = *(*[slack]byte)(w.buf[from:])
		} else {
			w.again(at, offset, n)
		}
		at += n
	}
	if !b.over() {
		return nil, BadBlock
	}
	w.head = at
	return literals, ""
}

// short copies n bytes of literals to at.
func short(buf []byte, at int, literals []byte, n int) {
	if n <= slack && cap(literals) >= slack {
		*(*[slack]byte)(buf[at:]) = *(*[slack]byte)(literals[:slack])
	} else {
		copy(buf[at:], literals[:n])
	}
}

// offset returns which one a value means, and keeps the latest three. Source: RFC 8878, section 3.1.1.5.
func (r *Reader) offset(value uint32, noLiterals bool) int {
	latest := &r.repeat
	if value > 3 {
		latest[0], latest[1], latest[2] = value-3, latest[0], latest[1]
		return int(value - 3)
	}
	if noLiterals {
		value++
	}
	switch value {
	case 1:
	case 2:
		latest[0], latest[1] = latest[1], latest[0]
	case 3:
		latest[0], latest[1], latest[2] = latest[2], latest[0], latest[1]
	default:
		latest[0], latest[1], latest[2] = latest[0]-1, latest[0], latest[1]
	}
	return int(latest[0])
}
