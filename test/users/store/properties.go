package store

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"

	"example.com/guests/verdict"
)

// records is how many a database has: some megabytes.
const records = 3000

// A trial is a database that is opened, changed, closed and opened again.
type trial struct {
	root string // for directories of its own
	dir  string
	open func(string) (Database, error)
	db   Database
	want state
}

func properties(root string, open func(string) (Database, error)) []verdict.Property {
	t := &trial{root: root, open: open, want: state{}}
	return []verdict.Property{
		{Name: "fill", Check: t.fill},
		{Name: "change", Check: t.change},
		{Name: "parallel", Check: t.parallel},
		{Name: "killed", Check: t.killed},
		{Name: "reopened", Check: t.reopened},
		{Name: "compacted", Check: t.compacted},
		{Name: "closed", Check: t.closed},
	}
}

// fill makes the database and its records.
func (t *trial) fill() (err error) {
	if err = os.MkdirAll(t.root, 0o755); err != nil {
		return err
	}
	if t.root, err = os.MkdirTemp(t.root, "store"); err != nil {
		return err
	}
	t.dir = filepath.Join(t.root, "db")
	if t.db, err = t.open(t.dir); err != nil {
		return err
	}
	if err = t.want.put(t.db, 0, records, 50); err != nil {
		return err
	}
	return t.want.compare(t.db)
}

// change overwrites records, one at a time, and deletes some.
func (t *trial) change() error {
	if err := t.want.put(t.db, records/2, records/2+50, 1); err != nil {
		return err
	}
	if err := t.want.delete(t.db, 7); err != nil {
		return err
	}
	return t.want.compare(t.db)
}

// parallel reads records while others are written.
func (t *trial) parallel() error {
	written := make(chan struct{})
	errs := make([]error, 4)
	var readers sync.WaitGroup
	for i := range errs {
		readers.Go(func() {
			r := rand.New(rand.NewPCG(1, uint64(i)))
			for n := 0; errs[i] == nil; n++ {
				select {
				case <-written:
					if n >= 100 {
						return
					}
				default:
				}
				errs[i] = t.read(r.IntN(records))
			}
		})
	}
	more := state{}
	err := more.put(t.db, records, records+500, 10)
	close(written)
	readers.Wait()
	for n, version := range more {
		t.want[n] = version
	}
	return errors.Join(append(errs, err, t.want.compare(t.db))...)
}

// read compares one record.
func (t *trial) read(n int) error {
	value, err := t.db.Get(n)
	if err != nil {
		return fmt.Errorf("get %d: %w", n, err)
	}
	if value == nil {
		if _, ok := t.want[n]; ok {
			return fmt.Errorf("record %d is missing", n)
		}
		return nil
	}
	return t.want.matches(n, value)
}

// killed opens a copy of the files of the open database, which is what there would be if the program were killed.
func (t *trial) killed() error {
	copied := filepath.Join(t.root, "copy")
	if err := os.CopyFS(copied, os.DirFS(t.dir)); err != nil {
		return err
	}
	db, err := t.open(copied)
	if err != nil {
		return err
	}
	want := maps.Clone(t.want)
	return errors.Join(db.Check(), want.compare(db), want.put(db, 0, 100, 10), want.compare(db), db.Close(), os.RemoveAll(copied))
}

// reopened closes and opens the database.
func (t *trial) reopened() error {
	for range 3 {
		if err := t.db.Close(); err != nil {
			return err
		}
		var err error
		if t.db, err = t.open(t.dir); err != nil {
			return err
		}
		if err := errors.Join(t.db.Check(), t.want.compare(t.db), t.want.put(t.db, 0, 100, 100)); err != nil {
			return err
		}
	}
	return t.want.compare(t.db)
}

// compacted has the database tidy up after most of it was deleted.
func (t *trial) compacted() error {
	for _, nth := range []int{2, 3, 5} {
		if err := t.want.delete(t.db, nth); err != nil {
			return err
		}
	}
	return errors.Join(t.db.Compact(), t.db.Check(), t.want.compare(t.db))
}

// closed ends it. Nothing is left open and everything can be removed.
func (t *trial) closed() error {
	return errors.Join(t.db.Close(), os.RemoveAll(t.root))
}
