// Badger keeps records in a database of github.com/dgraph-io/badger. See package store for its arguments.
package main

import (
	"errors"

	"github.com/dgraph-io/badger/v4"

	"example.com/users/store"
)

func main() { store.Main(open) }

type database struct{ *badger.DB }

// open has tables and logs that are in proportion to a small guest, where the defaults are for servers.
func open(dir string) (store.Database, error) {
	db, err := badger.Open(badger.DefaultOptions(dir).WithLoggingLevel(badger.ERROR).WithSyncWrites(true).
		WithMemTableSize(4 << 20).WithValueLogFileSize(4 << 20).WithBlockCacheSize(4 << 20).WithValueThreshold(1 << 10))
	return database{db}, err
}

func (d database) Put(numbers []int, values [][]byte) error {
	return d.Update(func(tx *badger.Txn) error {
		for i, n := range numbers {
			if err := tx.Set(store.Key(n), values[i]); err != nil {
				return err
			}
		}
		return nil
	})
}

func (d database) Delete(numbers []int) error {
	b := d.NewWriteBatch()
	for _, n := range numbers {
		if err := b.Delete(store.Key(n)); err != nil {
			return err
		}
	}
	return b.Flush()
}

func (d database) Get(number int) (value []byte, err error) {
	err = d.View(func(tx *badger.Txn) error {
		item, err := tx.Get(store.Key(number))
		if err == nil {
			value, err = item.ValueCopy(nil)
		}
		return err
	})
	if errors.Is(err, badger.ErrKeyNotFound) {
		err = nil
	}
	return value, err
}

func (d database) Each(f func(int, []byte) error) error {
	return d.View(func(tx *badger.Txn) error {
		it := tx.NewIterator(badger.DefaultIteratorOptions)
		defer it.Close()
		for it.Rewind(); it.Valid(); it.Next() {
			n, err := store.Number(it.Item().Key())
			if err == nil {
				err = it.Item().Value(func(v []byte) error { return f(n, v) })
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}

func (d database) Compact() error {
	err := d.Flatten(1)
	for err == nil {
		err = d.RunValueLogGC(0.5)
	}
	if errors.Is(err, badger.ErrNoRewrite) {
		err = nil
	}
	return err
}

func (d database) Check() error { return d.VerifyChecksum() }
