package bed

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/u-root/u-root/pkg/cpio"

	"internal/xengo/toolchain/ramdisk"
	"internal/xengo/toolchain/xlcfg"
)

// GuestConfig says what guest to start. Image is all it must have.
type GuestConfig struct {
	Image    string // file on the host
	Name     string // the domain's, with a number added; empty: made from Image
	Type     string // "pvh" (empty) or "pv"
	VCPUs    int    // 0: 1
	MemoryMB int    // 0: 64

	Argv0   string   // os.Args[0]; empty: made from Image
	Args    []string // the rest of os.Args
	Env     []string // NAME=value
	Options []string // of the guest, name=value: "console=pipe", "hostname=x" (xen/cmdline)
	Cmdline string   // in place of the five above it: the kernel's command line as it is
	Ramdisk string   // cpio archive or directory on the host
	Pack    bool     // compress the directory's files (ramdisk.Source.Compress)

	Vifs      []string     // network devices in xl's syntax; nil: one with an address, empty: none
	Disks     []string     // block devices in xl's syntax, of files in dom0
	DiskFiles []xlcfg.Disk // block devices from xvda on, of files on the host: see SaveDisks
	Shares    []Share      // directories that QEMU in dom0 serves
	Lines     []string     // more of the domain's config, as in its file
	NativeTSC bool         // let the guest read the TSC itself: for benchmarks
	Restart   bool         // begin anew when it reboots, instead of ending with Reboot
	Rebooted  func()       // called when it has begun anew; nil: nobody wants to know

	// Console gets the bytes of the guest's console as they come, which then
	// are not kept for Guest.Console and Guest.Transcript.
	Console io.Writer
}

// Guest is a domain that runs in a bed.
type Guest struct {
	Name  string
	Input io.Writer // typed on the guest's console

	bed     *Bed
	cancel  context.CancelFunc
	number  int // unique in the bed
	xl      *Process
	events  *xlEvents
	disks   []diskCopy
	console stream
	output  *transcript
	once    sync.Once

	done   chan struct{} // closed when the fields below are set
	result Result
	err    error
}

// StartGuest creates a domain and returns when it runs. It ends, at the latest,
// when ctx is done; Close takes it away.
func (b *Bed) StartGuest(ctx context.Context, c GuestConfig) (*Guest, error) {
	n, err := b.number(ctx)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	g := &Guest{
		Name: fmt.Sprintf("%s-%d", cmp.Or(c.Name, baseName(c.Image)), n), bed: b, cancel: cancel, number: n,
		events: newXLEvents(c.Rebooted), output: newTranscript(), done: make(chan struct{}),
	}
	g.Input = &input{guest: g, ctx: ctx}
	if err := g.start(ctx, &c); err != nil {
		return nil, errors.Join(fmt.Errorf("start guest %s: %w", g.Name, err), g.Close())
	}
	return g, nil
}

// RunGuest runs a guest to its end and returns what was on its console.
func (b *Bed) RunGuest(ctx context.Context, c GuestConfig) (Result, string, error) {
	g, err := b.StartGuest(ctx, c)
	if err != nil {
		return Result{}, "", err
	}
	result, err := g.Wait()
	return result, g.Transcript(), errors.Join(err, g.Close())
}

// noXSAVE hides XSAVE from a guest. QEMU 7.2 does not intercept XSETBV in nested
// SVM, so that Xen switches PVH guests without knowing of their AVX state. Of
// Xen 4.17 a guest cannot find that out (runtime·xenEnableCPU).
const noXSAVE = `cpuid = "host,xsave=0"`

func (g *Guest) dir() string { return "/run/guests/" + g.Name }

func (g *Guest) start(ctx context.Context, c *GuestConfig) error {
	cfg, err := g.config(ctx, c)
	if err != nil {
		return err
	}
	if err := g.bed.Put(ctx, g.dir()+"/cfg", 0o644, strings.NewReader(cfg.String())); err != nil {
		return err
	}
	if g.console, err = g.bed.follow(ctx, "/var/log/xen/console/guest-"+g.Name+".log"); err != nil {
		return err
	}
	g.xl, err = g.bed.Start(ctx, Command{
		Argv: []string{"xl", "create", "-F", g.dir() + "/cfg"}, Stdout: g.events, Stderr: g.events,
		Cleanup: []string{"guest-clean", g.Name},
	})
	if err != nil {
		return err
	}
	go g.watch(ctx, cmp.Or[io.Writer](c.Console, g.output))
	select {
	case <-g.events.created:
		if c.Shares == nil {
			return nil
		}
		return g.serveShares(ctx)
	case <-g.done:
		return cmp.Or(g.err, errors.New("it did not start\n"+g.events.log()))
	}
}

// config puts the guest's files into dom0 and makes its config.
func (g *Guest) config(ctx context.Context, c *GuestConfig) (*xlcfg.Config, error) {
	cfg := &xlcfg.Config{
		Name: g.Name, Type: cmp.Or(c.Type, "pvh"), Kernel: g.dir() + "/image",
		MemoryMB: cmp.Or(c.MemoryMB, 64), VCPUs: cmp.Or(c.VCPUs, 1), Vifs: c.Vifs, Disks: c.Disks,
		Events: [3]string{"preserve", "preserve", "preserve"}, Lines: c.Lines,
	}
	if c.Restart {
		cfg.Events[1] = "restart"
	}
	if c.Vifs == nil {
		cfg.Vifs = []string{g.vif()}
	}
	if c.Shares != nil {
		cfg.Lines = append(cfg.Lines, shareLine(c.Shares))
	}
	if c.NativeTSC {
		cfg.Lines = append(cfg.Lines, xlcfg.NativeTSC)
	}
	if g.bed.release.xen == "4.17" && cfg.Type == "pvh" && !slices.ContainsFunc(c.Lines, func(l string) bool { return strings.HasPrefix(l, "cpuid") }) {
		cfg.Lines = append(cfg.Lines, noXSAVE)
	}
	if err := g.putFile(ctx, "image", c.Image); err != nil {
		return nil, err
	}
	specs, err := g.putDisks(ctx, c.DiskFiles)
	if err != nil {
		return nil, err
	}
	cfg.Disks = append(cfg.Disks, specs...)
	files, err := g.ramdisk(c, cfg)
	if err != nil || files == nil {
		return cfg, err
	}
	defer files.Close()
	cfg.Ramdisk = g.dir() + "/ramdisk"
	return cfg, g.bed.Put(ctx, cfg.Ramdisk, 0o644, files)
}

// ramdisk sets the command line and returns the guest's ramdisk, or nil.
func (g *Guest) ramdisk(c *GuestConfig, cfg *xlcfg.Config) (io.ReadCloser, error) {
	var files []cpio.Record
	cfg.Cmdline = c.Cmdline
	if c.Cmdline == "" {
		var err error
		p := xlcfg.Program{Argv0: cmp.Or(c.Argv0, filepath.Base(c.Image)), Args: c.Args, Env: c.Env, Options: c.Options}
		if cfg.Cmdline, files, err = p.Encode(); err != nil {
			return nil, err
		}
	}
	if c.Ramdisk == "" && files == nil {
		return nil, nil
	}
	if c.Ramdisk == "" {
		return ramdisk.Reader(files, nil), nil
	}
	source, err := ramdisk.Open(c.Ramdisk)
	if err == nil && c.Pack {
		err = source.Compress()
	}
	if err != nil {
		return nil, err
	}
	return ramdisk.Reader(files, source), nil
}

func (g *Guest) putFile(ctx context.Context, name, file string) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	return g.bed.Put(ctx, g.dir()+"/"+name, 0o644, f)
}

// baseName makes a domain's name from a file's.
func baseName(file string) string {
	name := strings.Map(func(r rune) rune {
		if 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || r == '-' || r == '_' || r == '.' {
			return r
		}
		return '_'
	}, filepath.Base(file))
	return name[:min(len(name), 40)]
}
