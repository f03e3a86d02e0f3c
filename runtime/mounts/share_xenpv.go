//go:build xenpv && xengo_9p

package mounts

import (
	"internal/xengo/drivers/ninepfront"
	"internal/xengo/runtime/files"
	"internal/xengo/runtime/p9fs"
	"internal/xengo/runtime/vfs"
	"internal/xengo/xen/cmdline"
	"internal/xengo/xen/domain"
)

var _ = func() bool { // before any init
	types["9p"] = share
	files.AddFileSystem("9p", true)
	return true
}()

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
