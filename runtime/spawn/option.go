package spawn

// parse returns what the option spawn= says, "FOLDER[,in[,out]]": which folder is to be the same here and on the host, and
// which of the program's own streams the host has. ok is false if it is not there.
func parse(option string) (folder string, in, out, ok bool) {
	n := 0
	for n < len(option) && option[n] != ',' {
		n++
	}
	rest := option[n:]
	return option[:n], rest != "", rest == ",in,out", n > 0
}
