package store

import (
	"bytes"
	"errors"
	"fmt"
)

// journal adds records one after the other.
func journal(dir string, open func(string) (Database, error)) error {
	db, err := open(dir)
	if err != nil {
		return err
	}
	next := 0
	if err := db.Each(func(n int, _ []byte) error { next = n + 1; return nil }); err != nil {
		return err
	}
	for ; ; next++ {
		if err := db.Put([]int{next}, [][]byte{Value(next, 1)}); err != nil {
			return err
		}
		fmt.Println("store: safe", next+1)
	}
}

// check finds out whether a database that journal was killed with has all records up to one, and at least n.
func check(dir string, open func(string) (Database, error), n int) error {
	db, err := open(dir)
	if err != nil {
		return err
	}
	next := 0
	err = db.Each(func(i int, value []byte) error {
		if i != next || !bytes.Equal(value, Value(i, 1)) {
			return fmt.Errorf("record %d, where %d should be, is %.40q", i, next, value)
		}
		next++
		return nil
	})
	if err == nil && next < n {
		err = fmt.Errorf("%d records of %d", next, n)
	}
	return errors.Join(err, db.Check(), db.Close())
}
