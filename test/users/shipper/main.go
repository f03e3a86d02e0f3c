// Shipper writes logs by gopkg.in/natefinch/lumberjack.v2, which rotates them, and follows them by
// github.com/nxadm/tail and by github.com/fsnotify/fsnotify: every line arrives, once and in order.
//
//	shipper DIR
package main

import (
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/fsnotify/fsnotify"
	"github.com/nxadm/tail"
	"gopkg.in/natefinch/lumberjack.v2"

	"example.com/guests/verdict"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "shipper: where?")
		os.Exit(2)
	}
	dir := os.Args[1]
	verdict.Exit([]verdict.Property{
		{Name: "followed", Check: in(dir, followed)},
		{Name: "watched", Check: in(dir, watched)},
		{Name: "kept", Check: in(dir, kept)},
	})
}

// in gives a property a directory of its own.
func in(parent string, check func(dir string) error) func() error {
	return func() error {
		if err := os.MkdirAll(parent, 0o755); err != nil {
			return err
		}
		dir, err := os.MkdirTemp(parent, "logs")
		if err != nil {
			return err
		}
		return errors.Join(check(dir), os.RemoveAll(dir))
	}
}

// patience is how long a line may take.
const patience = time.Minute

const (
	rounds = 20
	lines  = 100 // of each round, after which the log may be rotated
)

func text(n int) string { return fmt.Sprintf("line %d %s", n, strings.Repeat("x", n%100)) }

// tick is a line that is written while others are awaited, as a log goes on. What tail has missed between its first look at a
// file and its watch of it, it finds with the next line, on any system.
const tick = "tick"

// expect wants the lines [from, from+lines) to arrive.
func expect(out *log.Logger, arrived <-chan string, from int) error {
	late, next := time.After(patience), time.NewTicker(200*time.Millisecond)
	defer next.Stop()
	for n := from; n < from+lines; {
		select {
		case got := <-arrived:
			switch got {
			case text(n):
				n++
			case tick:
			default:
				return fmt.Errorf("%q arrived where %q should", got, text(n))
			}
		case <-next.C:
			out.Print(tick)
		case <-late:
			return fmt.Errorf("line %d did not arrive", n)
		}
	}
	return nil
}

// write logs rounds of lines, each of which has to arrive before the log is rotated: a follower by name may lose what is
// written between its last look and the renaming.
func write(l *lumberjack.Logger, arrived <-chan string, rotate bool) error {
	out := log.New(l, "", 0)
	for round := range rounds {
		for n := range lines {
			out.Print(text(round*lines + n))
		}
		if err := expect(out, arrived, round*lines); err != nil {
			return fmt.Errorf("round %d: %w", round, err)
		}
		if !rotate {
			continue
		}
		if err := l.Rotate(); err != nil {
			return err
		}
	}
	return l.Close()
}

// followed has tail follow the log. It is not rotated: tail 1.4 now and then loses sight of a file that is, on any system.
func followed(dir string) error {
	name := filepath.Join(dir, "app.log")
	if err := os.WriteFile(name, nil, 0o600); err != nil {
		return err
	}
	t, err := tail.TailFile(name, tail.Config{Follow: true, Logger: tail.DiscardingLogger})
	if err != nil {
		return err
	}
	defer t.Cleanup()
	arrived := make(chan string)
	go func() {
		for line := range t.Lines {
			arrived <- line.Text
		}
	}()
	return errors.Join(write(&lumberjack.Logger{Filename: name}, arrived, false), t.Stop())
}

// watched has a shipper of one's own see the log's directory.
func watched(dir string) error {
	w, err := fsnotify.NewWatcher()
	if err != nil {
		return err
	}
	defer w.Close()
	if err := w.Add(dir); err != nil {
		return err
	}
	s := &shipment{name: filepath.Join(dir, "app.log"), arrived: make(chan string, lines)}
	go s.ship(w)
	return write(&lumberjack.Logger{Filename: s.name, MaxBackups: 3}, s.arrived, true)
}

// A shipment follows a log by events.
type shipment struct {
	name    string
	file    *os.File
	partial string
	arrived chan string
}

func (s *shipment) ship(w *fsnotify.Watcher) {
	for e := range w.Events {
		if e.Name != s.name {
			continue
		}
		switch {
		case e.Has(fsnotify.Rename):
			s.read()
			s.file.Close()
			s.file = nil
		case e.Has(fsnotify.Create), e.Has(fsnotify.Write):
			s.read()
		}
	}
}

// read sends the lines that are new.
func (s *shipment) read() {
	if s.file == nil {
		var err error
		if s.file, err = os.Open(s.name); err != nil {
			return // renamed already: the event comes
		}
	}
	data, err := io.ReadAll(s.file)
	if err != nil {
		s.arrived <- err.Error()
	}
	all := strings.SplitAfter(s.partial+string(data), "\n")
	s.partial = all[len(all)-1]
	for _, line := range all[:len(all)-1] {
		s.arrived <- strings.TrimSuffix(line, "\n")
	}
}

// kept has a log rotate by its size, with old ones compressed and the oldest removed.
func kept(dir string) error {
	l := &lumberjack.Logger{Filename: filepath.Join(dir, "app.log"), MaxSize: 1, MaxBackups: 3, Compress: true}
	out := log.New(l, "", 0)
	last := 0
	for ; last < 90000; last++ { // about 5.6 MB
		out.Print(text(last))
	}
	if err := l.Close(); err != nil {
		return err
	}
	deadline := time.Now().Add(patience)
	for {
		compressed, err := filepath.Glob(filepath.Join(dir, "app-*.log.gz"))
		if err != nil {
			return err
		}
		all, err := os.ReadDir(dir)
		if err != nil {
			return err
		}
		if len(compressed) == 3 && len(all) == 4 {
			return same(append(compressed, l.Filename), last)
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("there are %v", all)
		}
		time.Sleep(10 * time.Millisecond) // lumberjack does not tell when it is done
	}
}

// same wants the logs, in their order, to end with the last line and have none missing.
func same(names []string, last int) error {
	next := -1
	for _, name := range names {
		data, err := content(name)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		for line := range strings.Lines(data) {
			if next < 0 {
				if _, err := fmt.Sscanf(line, "line %d", &next); err != nil {
					return err
				}
			}
			if line != text(next)+"\n" {
				return fmt.Errorf("%s has %q where line %d should be", name, line, next)
			}
			next++
		}
	}
	if next != last {
		return fmt.Errorf("they end at %d, not %d", next, last)
	}
	return nil
}

func content(name string) (string, error) {
	f, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	r := io.Reader(f)
	if strings.HasSuffix(name, ".gz") {
		if r, err = gzip.NewReader(f); err != nil {
			return "", err
		}
	}
	data, err := io.ReadAll(r)
	return string(data), err
}
