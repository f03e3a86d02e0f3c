package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"internal/xengo/toolchain/bed"
	"internal/xengo/toolchain/bed/forward"
)

func init() { commands = append(commands, runCommand) }

// Exit statuses of run that are not the guest's.
const (
	statusTimeout   = 124 // as timeout(1)
	statusOurs      = 125 // the guest did not run, or how it ended is not known
	statusInterrupt = 130 // ended at the user's wish (128 + SIGINT)
	statusCrash     = 134 // the domain crashed and left no status (128 + SIGABRT)
	statusTerm      = 143 // ended after a SIGTERM that the guest did not heed (128 + SIGTERM)
	statusDestroyed = 137 // somebody destroyed the domain (128 + SIGKILL)
)

// runner is one xengo run.
type runner struct {
	guestFlags
	bed     bed.Options
	timeout time.Duration
	publish []string
	rules   []forward.Rule
	fresh   bool
	verbose bool
	argv0   string   // os.Args[0]; empty: made from the image's name
	options []string // of the guest
}

func runCommand() *cobra.Command {
	r := &runner{bed: bed.Options{Log: os.Stderr}}
	c := &cobra.Command{
		Use:   "run [flags] PACKAGE|FILE.go...|IMAGE [arguments]",
		Short: "Boot a program on real Xen in QEMU",
		Long: `Run builds a package (as "xengo build" does), or takes an image that was built,
and boots it as a domain on real Xen: in the bed that is up, or in one of its own.

The guest's console is standard input and output. At a terminal all keys go to
the guest, so Ctrl-C interrupts the program as it would a process; Ctrl-] ends
the guest at once. Otherwise output is what the program wrote, byte for byte, and
the end of the input is the end of the program's; a first interrupt asks the
guest to shut down (the program sees SIGTERM), a second ends it. After a SIGTERM
the guest has 10 seconds.

The file of a --disk is copied to the bed, whose memory it has to fit into (some
400 MB for all, where zeros cost nothing), and what the guest made of it is copied
back at the end, unless it is read-only. FILE:/mountpoint has the guest mount the ext4 file system in it, and
FILE:/mountpoint:vfat the FAT one; packages are built with -tags xengo_ext4 or
xengo_vfat then, as images for it have to be.
With --share the guest and this machine see the same files: QEMU passes the
directory to dom0, and dom0's QEMU to the guest. It implies --fresh. dom0:DIR is a
directory that the bed's dom0 has. Packages are built with -tags xengo_9p then, as
images for it have to be.

The exit status is the program's, or
  124  after --timeout
  125  if the guest did not run, or it is not known how it ended
  130  if a second interrupt, or Ctrl-], ended the guest
  134  if the domain crashed without leaving a status
  137  if somebody destroyed the domain
  143  if it was ended 10 seconds after a SIGTERM`,
		Example: `  xengo run .
  xengo run --publish 8080:80 --memory 128 ./cmd/server -v
  xengo run --disk data.img --disk more.img,ro ./cmd/database
  echo hello | xengo run ./app.elf | wc`,
		Args: cobra.MinimumNArgs(1),
		ValidArgsFunction: func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			return nil, cobra.ShellCompDirectiveDefault
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			return oursUnlessStatus(cmd.Context(), r.run(cmd.Context(), args))
		},
	}
	f := c.Flags()
	f.SetInterspersed(false)
	r.guestFlags.add(c, true)
	r.addTimeout(c)
	f.StringArrayVar(&r.publish, "publish", nil, "make a port of the guest one of localhost: `HOSTPORT:GUESTPORT[/udp]` (repeat)")
	f.BoolVar(&r.fresh, "fresh", false, "do not use the bed that is up")
	f.StringVar(&r.bed.GDB, "gdb", "", "address for gdb's \"target remote\" to the whole machine, such as localhost:1234; implies --fresh")
	f.BoolVarP(&r.verbose, "verbose", "v", false, "say what is done, and show what Xen logs")
	return xenFlag(c, &r.bed)
}

func (r *runner) addTimeout(c *cobra.Command) {
	c.Flags().DurationVar(&r.timeout, "timeout", 0, "end the guest after this time, such as 30s; exit status 124")
}

// oursUnlessStatus says what went wrong if that is no exit status of the guest, and makes it one of ours.
func oursUnlessStatus(ctx context.Context, err error) error {
	var status exitStatus
	if err == nil || errors.As(err, &status) || ctx.Err() != nil {
		return err
	}
	fmt.Fprintln(os.Stderr, "xengo:", err)
	return exitStatus(statusOurs)
}

func (r *runner) run(ctx context.Context, args []string) error {
	if err := r.check(); err != nil {
		return err
	}
	image, args, done, err := r.image(ctx, args)
	if err != nil {
		return err
	}
	defer done()
	// From here on signals are for the guest.
	s := newSession(ctx, r)
	return s.run(image, args)
}

func (r *runner) check() error {
	if err := r.guestFlags.check(); err != nil {
		return err
	}
	if err := r.checkDisks(); err != nil {
		return err
	}
	for _, p := range r.publish {
		rule, err := forward.Parse(p)
		if err != nil {
			return fmt.Errorf("--publish %w", err)
		}
		r.rules = append(r.rules, rule)
	}
	return nil
}

// sectorSize is what the size of a disk is a multiple of, in bytes.
const sectorSize = 512

// checkDisks looks for the files of disks.
func (r *runner) checkDisks() error {
	for _, d := range r.disks {
		info, err := os.Stat(d.File)
		switch {
		case err != nil:
			return fmt.Errorf("--disk: %w", err)
		case !info.Mode().IsRegular():
			return fmt.Errorf("--disk %s: not a regular file", d.File)
		case info.Size() == 0 || info.Size()%sectorSize != 0:
			return fmt.Errorf("--disk %s: %d bytes are no sectors of %d", d.File, info.Size(), sectorSize)
		}
	}
	return nil
}

// image returns the file to boot and the program's arguments. done removes what
// was built.
func (r *runner) image(ctx context.Context, args []string) (file string, rest []string, done func(), err error) {
	if isELF(args[0]) {
		return args[0], args[1:], func() {}, nil
	}
	n := 1
	for n < len(args) && strings.HasSuffix(args[0], ".go") && strings.HasSuffix(args[n], ".go") {
		n++
	}
	dir, err := os.MkdirTemp("", "xengo-run")
	if err != nil {
		return "", nil, nil, err
	}
	done = func() { os.RemoveAll(dir) }
	packages := args[:n]
	if tags := r.tags(); tags != nil {
		packages = append([]string{"-tags=" + strings.Join(tags, ",")}, packages...)
	}
	if file, err = build(ctx, dir, packages); err != nil {
		done()
		return "", nil, nil, err
	}
	return file, args[n:], done, nil
}

// build builds a program into dir. Flags may be before the packages.
func build(ctx context.Context, dir string, packages []string) (string, error) {
	root, err := goRoot(ctx)
	if err != nil {
		return "", err
	}
	defer slow("building %s", strings.Join(packages, " "))()
	if err := goBuild(ctx, root, append([]string{"-o", dir + string(filepath.Separator)}, packages...)); err != nil {
		return "", err
	}
	built, err := os.ReadDir(dir)
	if err != nil {
		return "", err
	}
	if len(built) != 1 {
		return "", fmt.Errorf("%s is not one package main", strings.Join(packages, " "))
	}
	return filepath.Join(dir, built[0].Name()), nil
}

// isELF reports whether the file is there and an ELF file.
func isELF(name string) bool {
	f, err := os.Open(name)
	if err != nil {
		return false
	}
	defer f.Close()
	var magic [4]byte
	_, err = f.Read(magic[:])
	return err == nil && string(magic[:]) == "\x7fELF"
}

// slow says on stderr what is going on, if that takes more than 2 seconds.
func slow(format string, args ...any) (done func()) {
	t := time.AfterFunc(2*time.Second, func() { fmt.Fprintf(os.Stderr, "xengo: "+format+"\n", args...) })
	return func() { t.Stop() }
}
