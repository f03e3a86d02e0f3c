// Pebble keeps records in a database of github.com/cockroachdb/pebble. See package store for its arguments.
package main

import (
	"context"
	"errors"

	"github.com/cockroachdb/pebble/v2"

	"example.com/users/store"
)

func main() { store.Main(open) }

type database struct{ *pebble.DB }

func open(dir string) (store.Database, error) {
	db, err := pebble.Open(dir, &pebble.Options{Logger: silent{}})
	return database{db}, err
}

// silent says only why the program ends.
type silent struct{ pebble.Logger }

func (silent) Infof(string, ...any)              {}
func (silent) Errorf(format string, args ...any) { pebble.DefaultLogger.Errorf(format, args...) }
func (silent) Fatalf(format string, args ...any) { pebble.DefaultLogger.Fatalf(format, args...) }

func (d database) Put(numbers []int, values [][]byte) error {
	b := d.NewBatch()
	for i, n := range numbers {
		if err := b.Set(store.Key(n), values[i], nil); err != nil {
			return err
		}
	}
	return errors.Join(b.Commit(pebble.Sync), b.Close())
}

func (d database) Delete(numbers []int) error {
	b := d.NewBatch()
	for _, n := range numbers {
		if err := b.Delete(store.Key(n), nil); err != nil {
			return err
		}
	}
	return errors.Join(b.Commit(pebble.Sync), b.Close())
}

func (d database) Get(number int) ([]byte, error) {
	v, closer, err := d.DB.Get(store.Key(number))
	if errors.Is(err, pebble.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	value := append([]byte{}, v...)
	return value, closer.Close()
}

func (d database) Each(f func(int, []byte) error) error {
	it, err := d.NewIter(nil)
	if err != nil {
		return err
	}
	for ok := it.First(); ok && err == nil; ok = it.Next() {
		var n int
		if n, err = store.Number(it.Key()); err == nil {
			err = f(n, it.Value())
		}
	}
	return errors.Join(err, it.Error(), it.Close())
}

func (d database) Compact() error {
	return errors.Join(d.Flush(), d.DB.Compact(context.Background(), store.Key(0), store.Key(99999999), true))
}

func (d database) Check() error { return d.CheckLevels(nil) }
