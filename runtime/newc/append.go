package newc

// Append appends a member to an archive. It has one name, and neither owner nor ID.
func Append(b []byte, name string, mode, mtime uint32, data []byte) []byte {
	start := len(b)
	b = append(b, "070701"...)
	for _, v := range [13]uint32{1: mode, 4: 1, 5: mtime, 6: uint32(len(data)), 11: uint32(len(name) + 1)} {
		for shift := 28; shift >= 0; shift -= 4 {
			b = append(b, "0123456789abcdef"[v>>shift&15])
		}
	}
	b = pad(append(append(b, name...), 0), start)
	return pad(append(b, data...), start)
}

// AppendTrailer appends what ends an archive.
func AppendTrailer(b []byte) []byte { return Append(b, Trailer, 0, 0, nil) }

func pad(b []byte, start int) []byte {
	for (len(b)-start)&3 != 0 {
		b = append(b, 0)
	}
	return b
}
