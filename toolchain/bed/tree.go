package bed

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os/exec"
	"path"
	"strings"

	"github.com/u-root/u-root/pkg/cpio"
)

// tree is a root file system in memory: cleaned paths without a leading slash.
// It is usr-merged: what packages have in /bin, /sbin and /lib* is in /usr.
type tree map[string]entry

// entry is a file or, if link is set, a symbolic link.
type entry struct {
	data []byte
	link string
	mode fs.FileMode // permission bits
}

// maxLinks is how many symbolic links a look-up follows.
const maxLinks = 16

// merged maps a path to where it is in the tree.
func merged(name string) string {
	name = strings.TrimPrefix(path.Clean("/"+name), "/")
	first, _, _ := strings.Cut(name, "/")
	switch first {
	case "bin", "sbin", "lib", "lib64":
		return "usr/" + name
	}
	return name
}

// unpack adds the files of a Debian package for which keep is true.
func (t tree) unpack(ctx context.Context, deb string, keep func(name string) bool) error {
	cmd := exec.CommandContext(ctx, "dpkg-deb", "--fsys-tarfile", deb)
	var msg strings.Builder
	cmd.Stderr = &msg
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	readErr := t.readTar(tar.NewReader(out), keep)
	if readErr == nil {
		_, readErr = io.Copy(io.Discard, out)
	}
	if readErr != nil {
		// Ends dpkg-deb, which else would wait to write.
		readErr = errors.Join(readErr, out.Close())
	}
	if err := errors.Join(readErr, cmd.Wait()); err != nil {
		return fmt.Errorf("unpack %s: %w\n%s", deb, err, msg.String())
	}
	return nil
}

func (t tree) readTar(r *tar.Reader, keep func(name string) bool) error {
	for {
		h, err := r.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		name := merged(h.Name)
		if !keep(name) {
			continue
		}
		switch h.Typeflag {
		case tar.TypeReg:
			data, err := io.ReadAll(r)
			if err != nil {
				return err
			}
			t[name] = entry{data: data, mode: h.FileInfo().Mode().Perm()}
		case tar.TypeLink:
			t[name] = t[merged(h.Linkname)]
		case tar.TypeSymlink:
			t[name] = entry{link: h.Linkname}
		}
	}
}

// find follows symbolic links from name to a file.
func (t tree) find(name string) (entry, error) {
	at := merged(name)
	for range maxLinks {
		e, ok := t[at]
		switch {
		case !ok:
			return entry{}, fmt.Errorf("no /%s in the packages", at)
		case e.link == "":
			return e, nil
		case path.IsAbs(e.link):
			at = merged(e.link)
		default:
			at = merged(path.Join(path.Dir(at), e.link))
		}
	}
	return entry{}, fmt.Errorf("/%s: too many symbolic links", name)
}

// add puts a file into the tree.
func (t tree) add(name string, data []byte, mode fs.FileMode) {
	t[merged(name)] = entry{data: data, mode: mode}
}

// records returns the tree for a cpio archive, directories included.
func (t tree) records() []cpio.Record {
	dirs := make(map[string]bool)
	var records []cpio.Record
	mkdir := func(dir string) {
		if dir != "." && dir != "" && !dirs[dir] {
			dirs[dir] = true
			records = append(records, cpio.Directory(dir, 0o755))
		}
	}
	for _, name := range sortedKeys(t) {
		for i, c := range name {
			if c == '/' {
				mkdir(name[:i])
			}
		}
		if e := t[name]; e.link != "" {
			records = append(records, cpio.Symlink(name, e.link))
		} else {
			records = append(records, cpio.StaticFile(name, string(e.data), uint64(e.mode)))
		}
	}
	return records
}
