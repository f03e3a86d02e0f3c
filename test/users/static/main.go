// Static serves a tree of ten thousand files by net/http and fetches every one of them.
//
//	static fill DIR     make the tree
//	static DIR          serve it to itself: the properties
package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"example.com/guests/verdict"
	"example.com/users/store"
)

const (
	files   = 10000
	dirs    = 100 // that they are in
	clients = 4
)

// modified is the time of all files.
var modified = time.Unix(1_700_000_000, 0).UTC()

func main() {
	switch {
	case len(os.Args) == 3 && os.Args[1] == "fill":
		if err := fill(os.Args[2]); err != nil {
			fmt.Fprintln(os.Stderr, "static:", err)
			os.Exit(1)
		}
	case len(os.Args) == 2:
		s := &server{dir: os.Args[1]}
		verdict.Exit([]verdict.Property{
			{Name: "walk", Check: s.walk},
			{Name: "listen", Check: s.listen},
			{Name: "fetch", Check: s.fetch},
			{Name: "ranges", Check: s.ranges},
			{Name: "unmodified", Check: s.unmodified},
			{Name: "listing", Check: s.listing},
			{Name: "confined", Check: s.confined},
		})
	default:
		fmt.Fprintln(os.Stderr, "static: see the source for the arguments")
		os.Exit(2)
	}
}

func name(n int) string { return fmt.Sprintf("%02d/file %04d.txt", n%dirs, n) }

func fill(dir string) error {
	for n := range files {
		path := filepath.Join(dir, name(n))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, store.Value(n, 0), 0o644); err != nil {
			return err
		}
		if err := os.Chtimes(path, modified, modified); err != nil {
			return err
		}
	}
	return nil
}

type server struct {
	dir string
	url string
}

// walk finds every file, with its size and time.
func (s *server) walk() error {
	found := 0
	err := filepath.WalkDir(s.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		var n int
		if _, err := fmt.Sscanf(d.Name(), "file %d.txt", &n); err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if info.Size() != int64(len(store.Value(n, 0))) || !info.ModTime().Equal(modified) || info.Mode() != 0o644 {
			return fmt.Errorf("%s has %d bytes, mode %v, of %v", path, info.Size(), info.Mode(), info.ModTime())
		}
		found++
		return nil
	})
	if err == nil && found != files {
		err = fmt.Errorf("%d files of %d", found, files)
	}
	return err
}

// listen serves the tree, which is an os.Root.
func (s *server) listen() error {
	root, err := os.OpenRoot(s.dir)
	if err != nil {
		return err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	s.url = "http://" + l.Addr().String() + "/"
	go http.Serve(l, http.FileServerFS(root.FS()))
	return nil
}

// get fetches a file, with a header if there is one.
func (s *server) get(path string, header ...string) (*http.Response, string, error) {
	req, err := http.NewRequest("GET", s.url+strings.ReplaceAll(path, " ", "%20"), nil)
	if err != nil {
		return nil, "", err
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return resp, string(body), err
}

// fetch gets all files, by several clients.
func (s *server) fetch() error {
	errs := make([]error, clients)
	var wg sync.WaitGroup
	for c := range errs {
		wg.Go(func() {
			for n := c; n < files && errs[c] == nil; n += clients {
				resp, body, err := s.get(name(n))
				if err == nil && (resp.StatusCode != 200 || body != string(store.Value(n, 0))) {
					err = fmt.Errorf("%s: %s, %d bytes", name(n), resp.Status, len(body))
				}
				errs[c] = err
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

func (s *server) ranges() error {
	for n := range 50 {
		want := store.Value(n, 0)
		from, to := len(want)/3, len(want)/2
		resp, body, err := s.get(name(n), "Range", fmt.Sprintf("bytes=%d-%d", from, to))
		if err != nil {
			return err
		}
		if resp.StatusCode != http.StatusPartialContent || body != string(want[from:to+1]) {
			return fmt.Errorf("%s: %s, %q", name(n), resp.Status, body)
		}
	}
	return nil
}

func (s *server) unmodified() error {
	resp, body, err := s.get(name(1), "If-Modified-Since", modified.Format(http.TimeFormat))
	if err == nil && (resp.StatusCode != http.StatusNotModified || body != "") {
		err = fmt.Errorf("%s, %q", resp.Status, body)
	}
	return err
}

func (s *server) listing() error {
	_, body, err := s.get("07/")
	if err == nil && strings.Count(body, "<a href=") != files/dirs {
		err = fmt.Errorf("a listing is %.500s", body)
	}
	return err
}

// confined looks for what is outside of the tree, or not there.
func (s *server) confined() error {
	for _, path := range []string{"no such file", "../etc/passwd", "..%2f..%2fetc/passwd", "07/../../etc/passwd"} {
		resp, _, err := s.get(path)
		if err != nil {
			return err
		}
		if resp.StatusCode != 404 && resp.StatusCode != 400 {
			return fmt.Errorf("%s: %s", path, resp.Status)
		}
	}
	return nil
}
