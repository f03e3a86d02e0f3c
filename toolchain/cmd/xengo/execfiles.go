package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/u-root/u-root/pkg/cpio"
)

// writeFiles writes an archive of the files and folders, under the names they have here. What is not there is left
// out, as are files that are neither regular, nor folders, nor symbolic links. More than limit bytes are an error.
func writeFiles(w io.Writer, paths []string, limit int64) error {
	archive := cpio.Newc.Writer(w)
	recorder := cpio.NewRecorder()
	done := map[string]bool{}
	var size int64
	for _, path := range paths {
		path, err := filepath.Abs(path)
		if err != nil {
			return err
		}
		err = filepath.WalkDir(path, func(name string, entry fs.DirEntry, err error) error {
			if errors.Is(err, fs.ErrNotExist) || err == nil && done[name] && !entry.IsDir() {
				return nil
			}
			if err != nil {
				return err
			}
			if t := entry.Type(); t != 0 && t != fs.ModeDir && t != fs.ModeSymlink {
				return nil
			}
			record, err := recorder.GetRecord(name)
			if err != nil {
				return err
			}
			if size += int64(record.FileSize); size > limit {
				return fmt.Errorf("the files below %s are more than %d MB: --files-limit", path, limit>>20)
			}
			done[name] = true
			record.Name = strings.TrimPrefix(name, "/")
			return archive.WriteRecord(record)
		})
		if err != nil {
			return err
		}
	}
	return cpio.WriteTrailer(archive)
}
