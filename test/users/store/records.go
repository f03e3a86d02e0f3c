package store

import (
	"bytes"
	"fmt"
	"math/rand/v2"
)

// Value is what the record of a number holds in its nth version: up to 2 KiB, which repeat themselves a little.
func Value(number, version int) []byte {
	r := rand.New(rand.NewPCG(uint64(number), uint64(version)))
	b := fmt.Appendf(nil, "record %d, version %d: ", number, version)
	for n := r.IntN(2000); len(b) < n; {
		b = append(b, bytes.Repeat([]byte{byte(r.Uint32())}, 1+r.IntN(8))...)
	}
	return b
}

// A state is what a database is to hold: versions by number.
type state map[int]int

// put stores the next versions of the records [from, to), some at a time.
func (s state) put(db Database, from, to, atOnce int) error {
	for n := from; n < to; n += atOnce {
		var numbers []int
		var values [][]byte
		for i := n; i < min(n+atOnce, to); i++ {
			s[i]++
			numbers = append(numbers, i)
			values = append(values, Value(i, s[i]))
		}
		if err := db.Put(numbers, values); err != nil {
			return fmt.Errorf("put %d: %w", n, err)
		}
	}
	return nil
}

// delete removes every nth record.
func (s state) delete(db Database, nth int) error {
	var numbers []int
	for i := range s {
		if i%nth == 0 {
			numbers = append(numbers, i)
			delete(s, i)
		}
	}
	return db.Delete(numbers)
}

// compare finds out whether the database holds the state and nothing else.
func (s state) compare(db Database) error {
	last, count := -1, 0
	err := db.Each(func(n int, value []byte) error {
		if n <= last {
			return fmt.Errorf("record %d comes after %d", n, last)
		}
		last = n
		count++
		return s.matches(n, value)
	})
	if err == nil && count != len(s) {
		err = fmt.Errorf("%d records of %d", count, len(s))
	}
	return err
}

func (s state) matches(n int, value []byte) error {
	version, ok := s[n]
	if !ok {
		return fmt.Errorf("record %d is there and should not be", n)
	}
	if !bytes.Equal(value, Value(n, version)) {
		return fmt.Errorf("record %d is not version %d, but %.40q", n, version, value)
	}
	return nil
}
