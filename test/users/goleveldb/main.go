// Goleveldb keeps records in a database of github.com/syndtr/goleveldb. See package store for its arguments.
package main

import (
	"errors"

	"github.com/syndtr/goleveldb/leveldb"
	"github.com/syndtr/goleveldb/leveldb/opt"
	"github.com/syndtr/goleveldb/leveldb/util"

	"example.com/users/store"
)

func main() { store.Main(open) }

type database struct{ *leveldb.DB }

func open(dir string) (store.Database, error) {
	db, err := leveldb.OpenFile(dir, &opt.Options{Strict: opt.StrictAll})
	return database{db}, err
}

var durable = &opt.WriteOptions{Sync: true}

func (d database) Put(numbers []int, values [][]byte) error {
	var b leveldb.Batch
	for i, n := range numbers {
		b.Put(store.Key(n), values[i])
	}
	return d.Write(&b, durable)
}

func (d database) Delete(numbers []int) error {
	var b leveldb.Batch
	for _, n := range numbers {
		b.Delete(store.Key(n))
	}
	return d.Write(&b, durable)
}

func (d database) Get(number int) ([]byte, error) {
	v, err := d.DB.Get(store.Key(number), nil)
	if errors.Is(err, leveldb.ErrNotFound) {
		return nil, nil
	}
	return v, err
}

func (d database) Each(f func(int, []byte) error) (err error) {
	it := d.NewIterator(nil, nil)
	for err == nil && it.Next() {
		var n int
		if n, err = store.Number(it.Key()); err == nil {
			err = f(n, it.Value())
		}
	}
	it.Release()
	return errors.Join(err, it.Error())
}

func (d database) Compact() error { return d.CompactRange(util.Range{}) }

// Check reads everything: the options have every checksum looked at.
func (d database) Check() error { return d.Each(func(int, []byte) error { return nil }) }
