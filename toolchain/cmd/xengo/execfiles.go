package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/u-root/u-root/pkg/cpio"
)

// writeFiles writes an archive of first and then the files and folders, under the names they have here. What is not there is left
// out, as are files that are neither regular, nor folders, nor symbolic links. More than limit bytes are an error.
func writeFiles(w io.Writer, first []cpio.Record, paths []string, limit int64) error {
	archive := cpio.Newc.Writer(w)
	if err := cpio.WriteRecords(archive, first); err != nil {
		return err
	}
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

// namedFolders are the folders that arguments like -test.gocoverdir=/folder name, without what is in them: a program that writes
// there would not run if there were none.
func namedFolders(args []string) (records []cpio.Record) {
	for _, arg := range args {
		_, path, _ := strings.Cut(arg, "=")
		path = filepath.Clean(path)
		if info, err := os.Stat(path); err == nil && filepath.IsAbs(path) && info.IsDir() && path != "/" {
			records = append(records, cpio.Directory(path[1:], uint64(info.Mode().Perm())))
		}
	}
	return records
}
