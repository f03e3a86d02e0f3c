// Gitclone makes a repository, serves it by HTTP, clones it, pushes to it and pulls, by github.com/go-git/go-git.
//
//	gitclone DIR
package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"

	"example.com/guests/verdict"
	"example.com/users/store"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "gitclone: where?")
		os.Exit(2)
	}
	t := &trial{root: os.Args[1]}
	verdict.Exit([]verdict.Property{
		{Name: "commit", Check: t.commit},
		{Name: "clone", Check: t.clone},
		{Name: "history", Check: t.history},
		{Name: "pull", Check: t.pull},
		{Name: "checkout", Check: t.checkout},
		{Name: "status", Check: t.status},
	})
}

const (
	files   = 120
	commits = 12
)

type trial struct {
	root           string
	origin, cloned *git.Repository
}

// name has files in directories.
func name(n int) string { return fmt.Sprintf("dir %d/sub/file %d", n%7, n) }

// change commits the next version of every third file, from one on, in the origin.
func (t *trial) change(version int) error {
	w, err := t.origin.Worktree()
	if err != nil {
		return err
	}
	for n := version % 3; n < files; n += 3 {
		path := filepath.Join(t.root, "origin", name(n))
		err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, store.Value(n, version), 0o644))
		if err != nil {
			return err
		}
	}
	link := filepath.Join(t.root, "origin", "link")
	os.Remove(link)
	err = errors.Join(os.Symlink(name(version), link), os.WriteFile(filepath.Join(t.root, "origin", "run"), []byte("#!/bin/true"), 0o755))
	if err != nil {
		return err
	}
	if err := w.AddGlob("."); err != nil {
		return err
	}
	_, err = w.Commit(fmt.Sprint("version ", version), &git.CommitOptions{
		Author: &object.Signature{Name: "A. U. Thor", Email: "author@example.com", When: time.Unix(1e9+int64(version), 0)},
	})
	return err
}

// commit makes the origin.
func (t *trial) commit() (err error) {
	if err = os.MkdirAll(t.root, 0o755); err != nil {
		return err
	}
	if t.root, err = os.MkdirTemp(t.root, "git"); err != nil {
		return err
	}
	if t.origin, err = git.PlainInit(filepath.Join(t.root, "origin"), false); err != nil {
		return err
	}
	for version := range commits {
		if err := t.change(version); err != nil {
			return fmt.Errorf("version %d: %w", version, err)
		}
	}
	return nil
}

// clone gets it over the network.
func (t *trial) clone() error {
	url, err := serve(filepath.Join(t.root, "origin", ".git"))
	if err != nil {
		return err
	}
	if t.cloned, err = git.PlainClone(filepath.Join(t.root, "clone"), false, &git.CloneOptions{URL: url}); err != nil {
		return err
	}
	return t.same()
}

// same compares both trees of files.
func (t *trial) same() error {
	var errs []error
	for n := range files {
		want, err1 := os.ReadFile(filepath.Join(t.root, "origin", name(n)))
		got, err2 := os.ReadFile(filepath.Join(t.root, "clone", name(n)))
		if string(got) != string(want) || len(want) == 0 {
			err1 = errors.Join(err1, fmt.Errorf("%s differs", name(n)))
		}
		errs = append(errs, err1, err2)
	}
	want, err1 := os.Readlink(filepath.Join(t.root, "origin", "link"))
	got, err2 := os.Readlink(filepath.Join(t.root, "clone", "link"))
	if want != got {
		err1 = fmt.Errorf("the link leads to %s, not %s", got, want)
	}
	info, err3 := os.Stat(filepath.Join(t.root, "clone", "run"))
	if err3 == nil && info.Mode()&0o111 == 0 {
		err3 = errors.New("run is not executable")
	}
	return errors.Join(append(errs, err1, err2, err3)...)
}

// history finds every commit.
func (t *trial) history() error {
	log, err := t.cloned.Log(&git.LogOptions{})
	if err != nil {
		return err
	}
	n := commits
	err = log.ForEach(func(c *object.Commit) error {
		n--
		if want := fmt.Sprint("version ", n); strings.TrimSpace(c.Message) != want {
			return fmt.Errorf("%s is %q and not %q", c.Hash, c.Message, want)
		}
		return nil
	})
	if err == nil && n != 0 {
		err = fmt.Errorf("%d commits are missing", n)
	}
	return err
}

// pull gets another commit, into the repository as it is opened again.
func (t *trial) pull() error {
	err := t.change(commits)
	if err != nil {
		return err
	}
	if t.cloned, err = git.PlainOpen(filepath.Join(t.root, "clone")); err != nil {
		return err
	}
	w, err := t.cloned.Worktree()
	if err != nil {
		return err
	}
	if err := w.Pull(&git.PullOptions{}); err != nil {
		return err
	}
	return t.same()
}

// checkout goes to the first version and back.
func (t *trial) checkout() error {
	w, err := t.cloned.Worktree()
	if err != nil {
		return err
	}
	head, err := t.cloned.Head()
	if err != nil {
		return err
	}
	first, err := t.cloned.ResolveRevision(plumbing.Revision(fmt.Sprintf("HEAD~%d", commits)))
	if err != nil {
		return err
	}
	if err := w.Checkout(&git.CheckoutOptions{Hash: *first}); err != nil {
		return err
	}
	if got, err := os.ReadFile(filepath.Join(t.root, "clone", name(0))); string(got) != string(store.Value(0, 0)) {
		return fmt.Errorf("the first version is not there: %v", err)
	}
	if err := w.Checkout(&git.CheckoutOptions{Branch: head.Name()}); err != nil {
		return err
	}
	return t.same()
}

// status sees what was changed, and nothing else.
func (t *trial) status() error {
	w, err := t.cloned.Worktree()
	if err != nil {
		return err
	}
	if s, err := w.Status(); err != nil || !s.IsClean() {
		return fmt.Errorf("a clean tree: %v %v", s, err)
	}
	err = os.WriteFile(filepath.Join(t.root, "clone", name(1)), []byte("changed"), 0o644)
	if err != nil {
		return err
	}
	s, err := w.Status()
	if err == nil && (len(s) != 1 || s.File(name(1)).Worktree != git.Modified) {
		err = fmt.Errorf("a changed file: %v", s)
	}
	return errors.Join(err, os.RemoveAll(t.root))
}
