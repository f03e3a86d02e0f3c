package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/u-root/u-root/pkg/cpio"

	"internal/xengo/toolchain/ramdisk"
	"internal/xengo/toolchain/xlcfg"
)

func init() { commands = append(commands, configCommand) }

// configurer is one xengo config.
type configurer struct {
	guestFlags
	vifs    []string
	ramdisk string
}

func configCommand() *cobra.Command {
	g := new(configurer)
	c := &cobra.Command{
		Use:   "config [flags] IMAGE [arguments]",
		Short: "Print the domain config for \"xl create\" on a Xen host",
		Long: `Config prints a domain config for an image, with the same flags as run where
they make sense on a real host, to save and edit:

  xengo config --memory 128 ./app.elf -v > app.cfg
  xl create -c app.cfg`,
		Args: cobra.MinimumNArgs(1),
		ValidArgsFunction: func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			return nil, cobra.ShellCompDirectiveDefault
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			text, err := g.config(args[0], args[1:])
			if err != nil {
				return err
			}
			_, err = fmt.Fprint(cmd.OutOrStdout(), text)
			return err
		},
	}
	g.guestFlags.add(c, false)
	f := c.Flags()
	f.SetInterspersed(false)
	f.StringArrayVar(&g.vifs, "vif", nil, "network device, as in xl-network-configuration(5) (repeat; default: one on bridge xenbr0 if the image uses the network)")
	f.StringVar(&g.ramdisk, "ramdisk", "", "`FILE` to write the ramdisk to, for --rootfs DIR and for arguments and environment that are too long for the config")
	return c
}

func (g *configurer) config(image string, args []string) (string, error) {
	if err := g.check(); err != nil {
		return "", err
	}
	if !isELF(image) {
		return "", fmt.Errorf("%s is no image; xengo build makes one", image)
	}
	kernel, err := filepath.Abs(image)
	if err != nil {
		return "", err
	}
	c := g.domain(image)
	c.Kernel, c.Explain = kernel, true
	if c.Vifs, err = g.networks(image); err != nil {
		return "", err
	}
	for i, d := range g.disks {
		if d.File, err = filepath.Abs(d.File); err != nil {
			return "", err
		}
		c.Disks = append(c.Disks, d.Spec(i))
	}
	p := xlcfg.Program{Argv0: filepath.Base(image), Args: args, Env: g.env}
	p.Options = append(p.Options, g.mountOptions()...)
	if g.mounts != nil {
		c.Lines = append(c.Lines, shareLine(g.mounts))
	}
	line, files, err := p.Encode()
	if err != nil {
		return "", err
	}
	c.Cmdline = line
	if c.Ramdisk, err = g.files(files); err != nil {
		return "", err
	}
	return "# For xl create; the format is described in xl.cfg(5).\n" + c.String(), nil
}

// files returns the name of the ramdisk, "" for none, writing it if it has to be
// made: of the arguments and environment that are too long for the config, and
// of what --rootfs names.
func (g *configurer) files(first []cpio.Record) (string, error) {
	source, err := g.source()
	if err != nil {
		return "", err
	}
	switch {
	case source == nil && first == nil:
		return "", nil
	case first == nil && source.IsArchive() && g.ramdisk == "":
		return filepath.Abs(g.rootfs)
	case g.ramdisk == "" && first == nil:
		return "", fmt.Errorf("--rootfs %s is a directory: --ramdisk FILE says where to write an archive of it", g.rootfs)
	case g.ramdisk == "":
		return "", errors.New("arguments or environment are too long for the config: --ramdisk FILE writes them there")
	}
	f, err := os.Create(g.ramdisk)
	if err != nil {
		return "", err
	}
	if err := errors.Join(ramdisk.Write(f, first, source), f.Close()); err != nil {
		return "", err
	}
	return filepath.Abs(g.ramdisk)
}

// domain is the part of the config that the flags alone decide.
func (g *configurer) domain(image string) *xlcfg.Config {
	name := g.name
	if name == "" {
		name = strings.TrimSuffix(filepath.Base(image), filepath.Ext(image))
	}
	lines := g.lines
	if g.nativeTSC {
		lines = append(lines, xlcfg.NativeTSC)
	}
	return &xlcfg.Config{
		Name: name, Type: g.kind, MemoryMB: g.memory, VCPUs: g.vcpus, Lines: lines,
		Events: [3]string{"destroy", "restart", "destroy"},
	}
}

func (g *configurer) networks(image string) ([]string, error) {
	if g.vifs != nil {
		return g.vifs, nil
	}
	uses, err := usesNetwork(image)
	if err != nil || !uses {
		return nil, err
	}
	return []string{"bridge=xenbr0"}, nil
}
