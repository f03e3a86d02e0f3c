package files

// Unpack makes the files of a cpio archive, whose memory is theirs from then on. It returns what is wrong with it. Package
// spawn uses it for what other programs have made.
func Unpack(archive []byte) (problem string) { return unpack(archive) }
