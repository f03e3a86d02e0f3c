package cmdline

// Mount is the value of an option mount=, "SOURCE:/POINT:TYPE" or
// "SOURCE:/POINT:TYPE,OPTION,...": the file system TYPE that SOURCE has is to be
// seen at /POINT. What a source is, and which options there are, depends on the
// type:
//
//	9p   a directory of another domain: the tag of a p9= in the domain's config
//	ext4, vfat   a disk, such as xvda; auto is what of them is on it. The option is ro
type Mount struct {
	Source, Point, Type string
	Options             string // without the comma before them
}

// DiskTypes are the file systems on disks.
var DiskTypes = [...]string{"ext4", "vfat"}

// BuildTag returns the tag that a program is built with to be able to mount a type.
func BuildTag(typ string) string { return "xengo_" + typ }

// Unavailable says why a program that cannot mount a type cannot.
func Unavailable(typ string) string {
	known := typ == "9p"
	either := ""
	for i, t := range DiskTypes {
		known = known || t == typ
		if i > 0 {
			either += " or "
		}
		either += BuildTag(t)
	}
	switch {
	case known:
		return "the program was built without -tags " + BuildTag(typ)
	case typ == "auto":
		return "the program was built without -tags " + either + ", as what is on the disk"
	}
	return "there is no file system " + typ
}

// ParseMount parses a value. Neither source nor type is empty, and the point
// begins with a slash; it may have colons in it.
func ParseMount(value string) (m Mount, ok bool) {
	first, last := -1, -1
	for i := range len(value) {
		if value[i] == ':' {
			if first < 0 {
				first = i
			}
			last = i
		}
	}
	if first <= 0 || last <= first+1 || value[first+1] != '/' {
		return m, false
	}
	m = Mount{Source: value[:first], Point: value[first+1 : last], Type: value[last+1:]}
	for i := range len(m.Type) {
		if m.Type[i] == ',' {
			m.Type, m.Options = m.Type[:i], m.Type[i+1:]
			break
		}
	}
	return m, m.Type != ""
}

// All returns the values of all options of that name on the line. Unlike the rest
// of this package it allocates.
func All(line, name string) (values []string) {
	s := New(line)
	for {
		word, kind, ok := s.Next(nil)
		if !ok || kind == Argument {
			return values
		}
		if kind == Option && len(word) > len(name) && string(word[:len(name)]) == name && word[len(name)] == '=' {
			values = append(values, string(word[len(name)+1:]))
		}
	}
}
