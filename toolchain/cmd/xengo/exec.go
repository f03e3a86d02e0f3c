package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/u-root/u-root/pkg/cpio"

	"internal/xengo/toolchain/bed"
)

func init() { commands = append(commands, execCommand) }

// flagsVariable has flags for exec, which the go command calls without any.
const flagsVariable = "XENGO_EXEC_FLAGS"

// executor is one xengo exec.
type executor struct {
	runner
	files []string
	limit int // MB of files
	spawn bool
}

func execCommand() *cobra.Command {
	e := &executor{runner: runner{bed: bed.Options{Log: os.Stderr}}}
	c := &cobra.Command{
		Use:   "exec [flags] IMAGE [arguments]",
		Short: "Run an image like a process, for go run and go test",
		Long: `Exec boots an image with the environment and the working folder of this process,
and copies of the files that tests use: the image, the working folder with all
below it, the folders testdata and go.mod of those above it up to the module's
root, of Go itself lib/time, and folders that flags of the program name, empty. --rootfs takes the place of all these. What the
program writes to them is lost. Its streams and exit status are those of xengo run.

With --spawn a program that was built with -tags xengo_spawn can start others: an
image is a further guest with the same files, anything else a program of this
machine, with your rights. So it is for programs that you would run here as well, such
as tests. What is in the program's temporary folder is there for those that it starts,
too. A guest cannot be given more than standard input, output and error.

The go command runs it for GOOS=xenpv if scripts/go_xenpv_amd64_exec is in PATH:

  xengo bed up
  PATH=$PWD/scripts:$PATH GOOS=xenpv go test ./...

Flags are taken from ` + flagsVariable + `, too, separated by blanks.`,
		Example: `  XENGO_EXEC_FLAGS='--type pv --vcpus 4' GOOS=xenpv go test -short strings`,
		Args:    cobra.MinimumNArgs(1),
	}
	f := c.Flags()
	f.SetInterspersed(false)
	e.guestFlags.add(c, true)
	must(f.Set("memory", "512"))
	f.Lookup("memory").DefValue = "512"
	e.addTimeout(c)
	f.StringArrayVar(&e.files, "files", nil, "`PATH` of another file or folder to copy (repeat)")
	f.IntVar(&e.limit, "files-limit", 128, "refuse to copy more than this, in `MB`")
	f.BoolVar(&e.spawn, "spawn", false, "let the program start others, with all that you may do here")
	c.RunE = func(cmd *cobra.Command, args []string) error {
		if err := f.Parse(append(strings.Fields(os.Getenv(flagsVariable)), "--")); err != nil {
			return fmt.Errorf("%s: %w", flagsVariable, err)
		}
		return oursUnlessStatus(cmd.Context(), e.run(cmd, args))
	}
	return xenFlag(c, &e.runner.bed)
}

func (e *executor) run(cmd *cobra.Command, args []string) error {
	if err := e.check(); err != nil {
		return err
	}
	if !isELF(args[0]) {
		return fmt.Errorf("%s is no image; xengo build makes one", args[0])
	}
	image, err := filepath.Abs(args[0])
	if err != nil {
		return err
	}
	dir, err := os.Getwd()
	if err != nil {
		return err
	}
	e.env = append(environment(e.env), e.env...)
	e.argv0 = image
	e.options = []string{"cwd=" + dir}
	s := newSession(cmd.Context(), &e.runner)
	s.quiet = !isTerminal(os.Stderr)
	files := slices.Concat(testFiles(dir), e.files)
	first := namedFolders(args[1:])
	if e.spawn {
		if e.rootfs != "" {
			return errors.New("--spawn gives guests files of their own, --rootfs too")
		}
		if s.spawner, err = newSpawner(e, files); err != nil {
			return err
		}
		defer s.spawner.close() // what is left there is temporary
		folder := s.spawner.server.Folder
		e.env = append(e.env, "TMPDIR="+folder)
		e.options = append(e.options, s.spawner.option(""))
		first = slices.Concat(stubs(), []cpio.Record{directory(folder)}, first)
	}
	if e.rootfs == "" {
		var done func()
		if e.rootfs, done, err = e.archive(append([]string{image}, files...), first...); err != nil {
			return err
		}
		defer done()
	}
	return s.run(args[0], args[1:])
}

// archive writes the first records and the files to a temporary file, which done removes.
func (e *executor) archive(files []string, first ...cpio.Record) (name string, done func(), err error) {
	f, err := os.CreateTemp("", "xengo-exec*.cpio")
	if err != nil {
		return "", nil, err
	}
	done = func() { os.Remove(f.Name()) }
	err = writeFiles(f, first, files, int64(e.limit)<<20)
	if err = errors.Join(err, f.Close()); err != nil {
		done()
	}
	return f.Name(), done, err
}

// environment is this process's, but for what names folders the guest has its own of, and what is given otherwise.
func environment(given []string) []string {
	left := map[string]bool{flagsVariable: true, "TMPDIR": true, "GOTMPDIR": true, "": true}
	for _, e := range given {
		name, _, _ := strings.Cut(e, "=")
		left[name] = true
	}
	return slices.DeleteFunc(os.Environ(), func(e string) bool {
		name, _, _ := strings.Cut(e, "=")
		return left[name]
	})
}

// testFiles are the files that tests in dir use.
func testFiles(dir string) []string {
	files := []string{dir}
	if home, err := os.UserHomeDir(); err == nil && home == dir {
		return nil // not a package
	}
	root := dir
	for !exists(filepath.Join(root, "go.mod")) {
		if root == filepath.Dir(root) {
			return files // of no module
		}
		root = filepath.Dir(root)
	}
	for d := dir; d != root; {
		d = filepath.Dir(d)
		files = append(files, filepath.Join(d, "testdata"), filepath.Join(d, "go.mod"))
	}
	if goroot := filepath.Dir(root); exists(filepath.Join(goroot, "VERSION")) && filepath.Base(root) == "src" {
		files = append(files, filepath.Join(goroot, "VERSION"), filepath.Join(goroot, "lib/time"))
	}
	return files
}

func exists(name string) bool {
	_, err := os.Lstat(name)
	return err == nil
}
