//go:build xenpv

package mounts

import (
	"internal/xengo/drivers/ninepfront"
	"internal/xengo/runtime/files"
	"internal/xengo/runtime/kernel"
	"internal/xengo/runtime/p9fs"
	"internal/xengo/runtime/vfs"
	"internal/xengo/xen/cmdline"
	"internal/xengo/xen/domain"
	"internal/xengo/xen/hv"
)

// types are the file systems that can be mounted.
var types = map[string]func(cmdline.Mount) (vfs.Directory, error){"9p": share}

func init() {
	if err := mountAll(cmdline.All(hv.CommandLine(), "mount")); err != nil {
		hv.Print("xengo: " + err.Error())
		kernel.Exit(1)
	}
	files.EnterWorkingDir()
}

// share connects to a directory of another domain.
func share(m cmdline.Mount) (vfs.Directory, error) {
	if m.Options != "" {
		return nil, problem("9p has no options")
	}
	xs := domain.Store()
	tags, err := ninepfront.Tags(xs)
	if err != nil {
		return nil, err
	}
	name, err := pick(tags, m.Source)
	if err != nil {
		return nil, err
	}
	d, err := ninepfront.Open(domain.Platform(), xs, name)
	if err != nil {
		return nil, err
	}
	fs, err := p9fs.New(d)
	if err != nil {
		return nil, err
	}
	return fs.Root(), nil
}
