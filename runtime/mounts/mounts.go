// Package mounts mounts what the kernel's command line names (mount=, package cmdline) before the program starts.
//
// A program without its files is not to run: what cannot be mounted is said on the console, and the domain ends with exit
// status 1.
//
// Package os imports it for that effect, if the program is built with one of the tags xengo_9p, xengo_ext4 and xengo_vfat, which
// are the file systems that there are; else it imports package none, below.
package mounts

import (
	"internal/xengo/runtime/files"
	"internal/xengo/xen/cmdline"
)

// mountAll carries out the values of the options mount=, in their order. It returns what is wrong with the first that fails.
func mountAll(values []string) error {
	for _, value := range values {
		if err := mount(value); err != nil {
			return problem("mount=" + value + ": " + err.Error())
		}
	}
	return nil
}

// A problem is what keeps the program from starting.
type problem string

func (p problem) Error() string { return string(p) }

// mount carries out one.
func mount(value string) error {
	m, ok := cmdline.ParseMount(value)
	if !ok {
		return problem("it is SOURCE:/POINT:TYPE")
	}
	open, ok := types[m.Type]
	if !ok {
		return problem(cmdline.Unavailable(m.Type))
	}
	root, err := open(m)
	if err != nil {
		return err
	}
	if err := files.Mount(m.Point, root, m.Source); err != 0 {
		return err
	}
	return nil
}
