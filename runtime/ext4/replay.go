package ext4

import "internal/xengo/runtime/calls"

// A tag is an entry of a descriptor: a block that follows it in the log, and where it belongs.
type tag struct {
	nr       uint64
	flags    uint32
	checksum uint32
}

// errLog is what is wrong with a log whose transactions cannot be written in place.
const errLog = problem("its journal is damaged; run e2fsck")

// parseTags returns the entries of a descriptor, nil if it makes no sense.
func (j *journal) parseTags(b []byte) (tags []tag) {
	size, end := j.tagSize(), len(b)-j.tail()
	for at := headerSize; at+size <= end; {
		t := tag{nr: uint64(be32(b, at))}
		if j.features&journalCsumV3 != 0 {
			t.flags, t.checksum = be32(b, at+4), be32(b, at+12)
			t.nr |= uint64(be32(b, at+8)) << 32
		} else {
			t.checksum = be32(b, at+4) >> 16
			t.flags = be32(b, at+4) & 0xffff
			if j.features&journal64bit != 0 {
				t.nr |= uint64(be32(b, at+8)) << 32
			}
		}
		tags = append(tags, t)
		at += size
		if t.flags&tagSameUUID == 0 {
			at += 16
		}
		if t.flags&tagLast != 0 {
			return tags
		}
	}
	return tags
}

// parseRevoked calls f for the blocks of a revocation block.
func (j *journal) parseRevoked(b []byte, f func(nr uint64)) bool {
	count, width := int(be32(b, headerSize)), 4
	if j.features&journal64bit != 0 {
		width = 8
	}
	if count < headerSize+4 || count > len(b)-j.tail() {
		return false
	}
	for at := headerSize + 4; at+width <= count; at += width {
		nr := uint64(be32(b, at))
		if width == 8 {
			nr = nr<<32 | uint64(be32(b, at+4))
		}
		f(nr)
	}
	return true
}

// sealed reports whether the checksum at the end of a block is right, if it has one.
func (j *journal) sealed(b []byte) bool {
	return !j.checksums() || be32(b, len(b)-4) == crc32c(crc32c(j.seed, b[:len(b)-4]), zeros[:])
}

// committed reports whether a commit block is whole.
func (j *journal) committed(b []byte) bool {
	if !j.checksums() {
		return true
	}
	c := crc32c(j.seed, b[:commitChecksum])
	c = crc32c(c, zeros[:])
	return be32(b, commitChecksum) == crc32c(c, b[commitChecksum+4:])
}

// walk goes through the transactions of the log that were committed, up to the number end, or if that is 0 as far as they go,
// and returns the number after the last. It calls found for each block in them.
func (j *journal) walk(end uint32, found func(kind, sequence uint32, block []byte, at uint32) calls.Errno) (uint32, calls.Errno) {
	sequence, at := be32(j.super, jsSequence), be32(j.super, jsStart)
	block := make([]byte, j.fs.blockSize)
	left := j.length - j.first
	for left > 0 && (end == 0 || sequence != end) {
		if err := j.read(at, block); err != 0 {
			return 0, err
		}
		if be32(block, 0) != journalMagic || be32(block, 8) != sequence {
			return sequence, 0
		}
		kind, skip := be32(block, 4), uint32(0)
		switch kind {
		case kindDescriptor:
			if !j.sealed(block) {
				return sequence, 0
			}
			skip = uint32(len(j.parseTags(block)))
		case kindRevoke:
			if !j.sealed(block) {
				return sequence, 0
			}
		case kindCommit:
			if !j.committed(block) {
				return sequence, 0
			}
		default:
			return sequence, 0
		}
		if found != nil {
			if err := found(kind, sequence, block, at); err != 0 {
				return 0, err
			}
		}
		if kind == kindCommit {
			sequence++
		}
		if skip >= left {
			return sequence, 0
		}
		for range skip + 1 {
			at = j.next(at)
		}
		left -= skip + 1
	}
	return sequence, 0
}

// replay writes what was committed in place: first it finds the last transaction, then the blocks that are revoked, and from
// when on they are not.
func (j *journal) replay() error {
	if be32(j.super, jsStart) == 0 {
		return nil
	}
	end, err := j.walk(0, nil)
	if err != 0 {
		return problem("its journal cannot be read: " + err.Error())
	}
	revoked := map[uint64]uint32{}
	_, err = j.walk(end, func(kind, sequence uint32, block []byte, _ uint32) calls.Errno {
		if kind != kindRevoke {
			return 0
		}
		if !j.parseRevoked(block, func(nr uint64) { revoked[nr] = sequence }) {
			return calls.EUCLEAN
		}
		return 0
	})
	if err != 0 {
		return errLog
	}
	data := make([]byte, j.fs.blockSize)
	_, err = j.walk(end, func(kind, sequence uint32, block []byte, at uint32) calls.Errno {
		if kind != kindDescriptor {
			return 0
		}
		for _, t := range j.parseTags(block) {
			at = j.next(at)
			if last, ok := revoked[t.nr]; ok && int32(last-sequence) >= 0 {
				continue
			}
			if err := j.restore(&t, sequence, at, data); err != 0 {
				return err
			}
		}
		return 0
	})
	if err == calls.EUCLEAN {
		return errLog
	}
	if err != 0 {
		return problem("its journal cannot be written in place: " + err.Error())
	}
	j.sequence = end
	return nil
}

// restore writes a block in place.
func (j *journal) restore(t *tag, sequence, at uint32, data []byte) calls.Errno {
	fs := j.fs
	if err := j.read(at, data); err != 0 {
		return err
	}
	if c := j.blockChecksum(sequence, data); j.features&journalCsumV3 != 0 && c != t.checksum || j.features&journalCsumV2 != 0 && c&0xffff != t.checksum {
		return calls.EUCLEAN
	}
	if t.flags&tagEscape != 0 {
		putBE32(data, 0, journalMagic)
	}
	if t.nr < fs.firstBlock || t.nr >= fs.blocks {
		return calls.EUCLEAN
	}
	return fs.disk.WriteAt(data, int64(t.nr)*int64(fs.blockSize))
}
