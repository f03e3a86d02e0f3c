package bed

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// keptImages is how many images of one version of Xen stay in the cache, the one
// in use included: who works on the bed in several trees changes between some.
const keptImages = 4

// used notes that an image is in use.
func used(image string) error {
	now := time.Now()
	return os.Chtimes(image, now, now)
}

// prune removes the images of a version that were not used for longest. A bed
// that runs from one has its files open.
func prune(cache, xen string) error {
	images, err := filepath.Glob(filepath.Join(cache, "image-"+xen+"-*"))
	if err != nil {
		return err
	}
	last := make(map[string]time.Time)
	for _, dir := range images {
		info, err := os.Stat(dir)
		if err != nil {
			return err
		}
		last[dir] = info.ModTime()
	}
	slices.SortFunc(images, func(a, b string) int { return last[b].Compare(last[a]) })
	var errs []error
	for _, dir := range images[min(keptImages, len(images)):] {
		// Without its state nobody takes it for an image.
		if err := os.Remove(filepath.Join(dir, "state")); err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
			continue
		}
		errs = append(errs, os.RemoveAll(dir))
	}
	return errors.Join(errs...)
}
