// Sqlite keeps records in a database of modernc.org/sqlite, with a write-ahead log or, if SQLITE_JOURNAL says so, with
// a rollback journal (DELETE, TRUNCATE, PERSIST). See package store for its arguments.
package main

import (
	"cmp"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	_ "modernc.org/sqlite"

	"example.com/users/store"
)

func main() { store.Main(open) }

type database struct{ *sql.DB }

func open(dir string) (store.Database, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	mode := cmp.Or(os.Getenv("SQLITE_JOURNAL"), "WAL")
	db, err := sql.Open("sqlite", "file:"+filepath.Join(dir, "sqlite.db")+
		"?_pragma=busy_timeout(60000)&_pragma=synchronous(FULL)&_txlock=immediate&_pragma=journal_mode("+mode+")")
	if err != nil {
		return nil, err
	}
	_, err = db.Exec("CREATE TABLE IF NOT EXISTS records (number INTEGER PRIMARY KEY, value BLOB NOT NULL)")
	return database{db}, err
}

// change runs a statement for each number in one transaction.
func (d database) change(statement string, numbers []int, arguments func(i int) []any) error {
	tx, err := d.Begin()
	if err != nil {
		return err
	}
	for i := range numbers {
		if _, err := tx.Exec(statement, arguments(i)...); err != nil {
			return errors.Join(err, tx.Rollback())
		}
	}
	return tx.Commit()
}

func (d database) Put(numbers []int, values [][]byte) error {
	return d.change("INSERT OR REPLACE INTO records VALUES (?, ?)", numbers, func(i int) []any { return []any{numbers[i], values[i]} })
}

func (d database) Delete(numbers []int) error {
	return d.change("DELETE FROM records WHERE number = ?", numbers, func(i int) []any { return []any{numbers[i]} })
}

func (d database) Get(number int) (value []byte, err error) {
	err = d.QueryRow("SELECT value FROM records WHERE number = ?", number).Scan(&value)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return value, err
}

func (d database) Each(f func(int, []byte) error) error {
	rows, err := d.Query("SELECT number, value FROM records ORDER BY number")
	if err != nil {
		return err
	}
	for err == nil && rows.Next() {
		var n int
		var value sql.RawBytes
		if err = rows.Scan(&n, &value); err == nil {
			err = f(n, value)
		}
	}
	return errors.Join(err, rows.Err(), rows.Close())
}

func (d database) Compact() error {
	_, err := d.Exec("VACUUM")
	return err
}

func (d database) Check() error {
	var answer string
	err := d.QueryRow("PRAGMA integrity_check").Scan(&answer)
	if err == nil && answer != "ok" {
		err = fmt.Errorf("integrity_check: %s", answer)
	}
	return err
}
