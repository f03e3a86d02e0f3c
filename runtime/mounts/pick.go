package mounts

// pick returns the name of the device with a tag. Tags are the only names that configs have.
func pick(tags map[string]string, tag string) (name string, err error) {
	known := ""
	for device, t := range tags {
		known += " " + t
		if t == tag && (name == "" || device < name) {
			name = device
		}
	}
	switch {
	case name != "":
		return name, nil
	case known == "":
		return "", problem("the domain has no shared directories (p9= in its config)")
	}
	return "", problem("no shared directory has this tag; there are:" + known)
}
