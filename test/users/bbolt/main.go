// Bbolt keeps records in a database of go.etcd.io/bbolt. See package store for its arguments.
package main

import (
	"errors"
	"os"
	"path/filepath"
	"time"

	"go.etcd.io/bbolt"

	"example.com/users/store"
)

func main() { store.Main(open) }

var bucket = []byte("records")

type database struct{ *bbolt.DB }

func open(dir string) (store.Database, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	db, err := bbolt.Open(filepath.Join(dir, "bbolt.db"), 0o600, &bbolt.Options{Timeout: time.Minute})
	if err != nil {
		return nil, err
	}
	return database{db}, db.Update(func(tx *bbolt.Tx) error {
		_, err := tx.CreateBucketIfNotExists(bucket)
		return err
	})
}

func (d database) Put(numbers []int, values [][]byte) error {
	return d.Update(func(tx *bbolt.Tx) error {
		for i, n := range numbers {
			if err := tx.Bucket(bucket).Put(store.Key(n), values[i]); err != nil {
				return err
			}
		}
		return nil
	})
}

func (d database) Delete(numbers []int) error {
	return d.Update(func(tx *bbolt.Tx) error {
		for _, n := range numbers {
			if err := tx.Bucket(bucket).Delete(store.Key(n)); err != nil {
				return err
			}
		}
		return nil
	})
}

func (d database) Get(number int) (value []byte, err error) {
	err = d.View(func(tx *bbolt.Tx) error {
		if v := tx.Bucket(bucket).Get(store.Key(number)); v != nil {
			value = append([]byte{}, v...)
		}
		return nil
	})
	return value, err
}

func (d database) Each(f func(int, []byte) error) error {
	return d.View(func(tx *bbolt.Tx) error {
		return tx.Bucket(bucket).ForEach(func(k, v []byte) error {
			n, err := store.Number(k)
			if err != nil {
				return err
			}
			return f(n, v)
		})
	})
}

// Compact copies the database to another file, as bbolt compact does.
func (d database) Compact() error {
	name := d.Path() + ".compacted"
	dst, err := bbolt.Open(name, 0o600, nil)
	if err != nil {
		return err
	}
	return errors.Join(bbolt.Compact(dst, d.DB, 1<<16), database{dst}.Check(), dst.Close(), os.Remove(name))
}

func (d database) Check() error {
	return d.View(func(tx *bbolt.Tx) error {
		var errs []error
		for err := range tx.Check() {
			errs = append(errs, err)
		}
		return errors.Join(errs...)
	})
}
