package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"internal/xengo/toolchain/ramdisk"
	"internal/xengo/toolchain/xlcfg"
	"internal/xengo/xen/cmdline"
)

// guestFlags are what run and config have in common.
type guestFlags struct {
	kind      string
	vcpus     int
	memory    int
	env       []string
	name      string
	rootfs    string
	compress  bool // the files of rootfs
	diskFlags []string
	disks     []xlcfg.Disk
	shares    []string
	mounts    []share // what shares say
	nativeTSC bool
	lines     []string
}

// add defines the flags. nativeTSC is the default of that flag: the bed's CPU
// has no invariant TSC, for want of which Xen emulates every read of it, some
// hundred times slower; a real host's has.
func (g *guestFlags) add(c *cobra.Command, nativeTSC bool) {
	f := c.Flags()
	f.StringVar(&g.kind, "type", "pvh", "type of the domain: pvh or pv")
	f.IntVar(&g.vcpus, "vcpus", 1, "virtual CPUs")
	f.IntVar(&g.memory, "memory", 64, "memory in `MB`")
	f.StringArrayVar(&g.env, "env", nil, "`NAME=VALUE` in the program's environment, or NAME for that of this process (repeat)")
	f.StringVar(&g.name, "name", "", "the domain's name (default: made from the image's)")
	f.StringVar(&g.rootfs, "rootfs", "", "files for the guest's root: a `DIR`, or a cpio archive (newc, plain or compressed by gzip or zstd)")
	f.BoolVar(&g.compress, "compress", false, "compress the files of --rootfs DIR, each by itself: the guest decompresses what it reads, and keeps the rest as it is")
	f.StringArrayVar(&g.diskFlags, "disk", nil, "block device for the guest, the first /dev/xvda, and where to mount it: `FILE[:/mountpoint[:TYPE]][,ro]` (repeat)")
	f.StringArrayVar(&g.shares, "share", nil, "directory for the guest to mount, by 9pfs: `[dom0:]DIR:/mountpoint` (repeat)")
	f.BoolVar(&g.nativeTSC, "native-tsc", nativeTSC, "let the guest read the CPU's time stamp counter itself, even if that is not invariant")
	f.StringArrayVar(&g.lines, "config-line", nil, "a further `LINE` of the domain's config, see xl.cfg(5) (repeat)")
	must(c.RegisterFlagCompletionFunc("type", cobra.FixedCompletions([]string{"pvh", "pv"}, cobra.ShellCompDirectiveNoFileComp)))
}

func (g *guestFlags) check() error {
	switch {
	case g.kind != "pv" && g.kind != "pvh":
		return fmt.Errorf("--type %s: it is pv or pvh", g.kind)
	case g.vcpus < 1:
		return fmt.Errorf("--vcpus %d: at least 1", g.vcpus)
	case g.memory < 1:
		return fmt.Errorf("--memory %d: at least 1", g.memory)
	}
	var err error
	if g.mounts, err = parseShares(g.shares); err != nil {
		return err
	}
	if _, err := g.source(); err != nil {
		return err
	}
	if err := g.parseDisks(); err != nil {
		return fmt.Errorf("--disk %w", err)
	}
	for i, e := range g.env {
		if strings.Contains(e, "=") {
			continue
		}
		value, ok := os.LookupEnv(e)
		if !ok {
			return fmt.Errorf("--env %s: not in the environment", e)
		}
		g.env[i] = e + "=" + value
	}
	return nil
}

// source opens what --rootfs names, nil if it is not given.
func (g *guestFlags) source() (*ramdisk.Source, error) {
	switch {
	case g.rootfs == "" && g.compress:
		return nil, errors.New("--compress: there is no --rootfs DIR whose files it could compress")
	case g.rootfs == "":
		return nil, nil
	}
	source, err := ramdisk.Open(g.rootfs)
	if err != nil {
		return nil, fmt.Errorf("--rootfs: %w", err)
	}
	if g.compress {
		if err := source.Compress(); err != nil {
			return nil, fmt.Errorf("--compress: %w", err)
		}
	}
	return source, nil
}

// parseDisks parses the disks.
func (g *guestFlags) parseDisks() error {
	if len(g.diskFlags) > xlcfg.MaxDisks {
		return fmt.Errorf("%s: more than %d disks", g.diskFlags[xlcfg.MaxDisks], xlcfg.MaxDisks)
	}
	for _, s := range g.diskFlags {
		d, err := xlcfg.ParseDisk(s)
		if err != nil {
			return err
		}
		g.disks = append(g.disks, d)
	}
	return nil
}

// mountOptions are the options of the guest that mount what is to be mounted.
func (g *guestFlags) mountOptions() (all []string) {
	for i, m := range g.mounts {
		all = append(all, m.mountOption(i))
	}
	for i, d := range g.disks {
		if option := d.MountOption(i); option != "" {
			all = append(all, option)
		}
	}
	return all
}

// tags are the build tags of programs that can mount that.
func (g *guestFlags) tags() (all []string) {
	if g.mounts != nil {
		all = append(all, cmdline.BuildTag("9p"))
	}
	for _, d := range g.disks {
		if tag := cmdline.BuildTag(d.Type); d.Point != "" && !slices.Contains(all, tag) {
			all = append(all, tag)
		}
	}
	return all
}

// usesNetwork reports whether an image has the driver for network devices,
// whose functions are named in every program that links it.
func usesNetwork(image string) (bool, error) {
	b, err := os.ReadFile(image)
	return bytes.Contains(b, []byte("internal/xengo/drivers/netfront.")), err
}
