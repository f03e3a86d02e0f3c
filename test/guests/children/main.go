// Children starts itself, as other programs do with xengo exec --spawn, and looks at
// what these leave behind.
package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"

	"example.com/guests/verdict"
)

func main() {
	if end, ok := strings.CutPrefix(os.Args[0], "child:"); ok {
		child(end, os.Args[1:])
	}
	verdict.Exit([]verdict.Property{
		{Name: "exit", Check: func() error { return ends("exit", "exit status 3") }},
		{Name: "panic", Check: func() error { return ends("panic", "exit status 2") }},
		{Name: "signal", Check: func() error { return ends("wait", "signal: terminated") }},
		{Name: "report", Check: report},
		{Name: "together", Check: together},
		{Name: "executable", Check: executable},
	}, os.Args[1:]...)
}

// folder is one that a child shall change, with a file for each that it shall not.
func folder() (string, error) {
	dir, err := os.MkdirTemp("", "children")
	if err != nil {
		return "", err
	}
	for _, name := range []string{"kept", "changed", "removed", "gone/removed"} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755); err != nil {
			return "", err
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte("parent"), 0o644); err != nil {
			return "", err
		}
	}
	return dir, nil
}

// start is a child that is to end in a way.
func start(end string, args ...string) (*exec.Cmd, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	return &exec.Cmd{Path: self, Args: append([]string{"child:" + end}, args...), Stderr: os.Stderr}, nil
}

// tree lists what is below dir.
func tree(dir string) string {
	var all []string
	filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			b, _ := os.ReadFile(path)
			path += "=" + string(b)
		}
		all = append(all, strings.TrimPrefix(path, dir))
		return err
	})
	slices.Sort(all)
	return strings.TrimSpace(strings.Join(all, " "))
}

// ends shows that what a child has changed is so here, however it ended.
func ends(end, want string) error {
	dir, err := folder()
	if err != nil {
		return err
	}
	cmd, err := start(end, dir)
	if err != nil {
		return err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	if _, err := fmt.Fscanln(out, new(string)); err != nil {
		return err
	}
	if end == "wait" {
		if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
			return err
		}
	}
	if err := cmd.Wait(); err == nil || err.Error() != want {
		return fmt.Errorf("the child ended with %v", err)
	}
	if got := tree(dir); got != "/changed=child /kept=parent /made /made/new=child" {
		return errors.New(got)
	}
	return nil
}

// report shows that a child's panic is in the file that it wants it in.
func report() error {
	dir, err := folder()
	if err != nil {
		return err
	}
	cmd, err := start("report", dir)
	if err != nil {
		return err
	}
	cmd.Run() // what it has left tells
	b, err := os.ReadFile(filepath.Join(dir, "report"))
	if err == nil && !strings.HasPrefix(string(b), "panic: child\n\ngoroutine ") {
		err = errors.New(string(b))
	}
	return err
}

// together shows that children that run at the same time do not undo each other's changes.
func together() error {
	dir, err := folder()
	if err != nil {
		return err
	}
	var wait sync.WaitGroup
	names := []string{"changed", "removed"}
	errs := make([]error, len(names))
	for i, name := range names {
		cmd, err := start("one", filepath.Join(dir, name))
		if err != nil {
			return err
		}
		wait.Go(func() { errs[i] = cmd.Run() })
	}
	wait.Wait()
	if err := errors.Join(errs...); err != nil {
		return err
	}
	if got := tree(dir); got != "/changed=child /gone /gone/removed=parent /kept=parent /removed=child" {
		return errors.New(got)
	}
	return nil
}

// executable shows that a child knows where it is.
func executable() error {
	cmd, err := start("executable")
	if err != nil {
		return err
	}
	got, err := cmd.Output()
	if err == nil && string(got) != cmd.Path {
		err = fmt.Errorf("%s, not %s", got, cmd.Path)
	}
	return err
}
