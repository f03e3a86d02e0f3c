package bed

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// keptImages is how many images of one kind stay in the cache, each of
// some 290 MB.
const keptImages = 2

// inUse is how long after it was taken an image may still be read. A bed that
// runs has it in memory.
const inUse = time.Hour

// used notes that an image is taken.
func used(image string) error {
	now := time.Now()
	return os.Chtimes(image, now, now)
}

// prune removes the images of a kind that were taken longest ago, and what is
// left of those whose making was interrupted. The caller holds the kind's
// lock, so that none is being made.
func prune(cache, kind string) error {
	dirs, err := filepath.Glob(filepath.Join(cache, "image-"+kind+"-*"))
	if err != nil {
		return err
	}
	taken := make(map[string]time.Time)
	for _, dir := range dirs {
		info, err := os.Stat(dir)
		if err != nil {
			return err
		}
		if _, err := os.Stat(filepath.Join(dir, "state")); err == nil {
			taken[dir] = info.ModTime()
		}
	}
	slices.SortFunc(dirs, func(a, b string) int { return taken[b].Compare(taken[a]) })
	var errs []error
	for i, dir := range dirs {
		if at, ok := taken[dir]; ok && (i < keptImages || time.Since(at) < inUse) {
			continue
		}
		// Without its state nobody takes it for an image.
		if err := os.Remove(filepath.Join(dir, "state")); err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
			continue
		}
		errs = append(errs, os.RemoveAll(dir))
	}
	return errors.Join(errs...)
}
