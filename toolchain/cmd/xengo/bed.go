package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"internal/xengo/toolchain/bed"
)

func init() { commands = append(commands, bedCommand) }

func bedCommand() *cobra.Command {
	o := &bed.Options{Log: os.Stderr}
	c := &cobra.Command{
		Use:   "bed",
		Short: "The test bed: real Xen and dom0 in QEMU",
		Long: `The bed is a machine emulated by QEMU that runs real Xen with a small Linux as
dom0. It needs no virtualisation. What it is made of is fetched from Debian once.
Its processor 0 is dom0's, guests run on 1 and 2.

"xengo run" uses the bed that is up, or one of its own that ends with it.`,
	}
	c.AddCommand(bedUp(o), bedHold(o), bedDown(), bedStatus(), bedShell(o))
	return c
}

func xenFlag(c *cobra.Command, o *bed.Options) *cobra.Command {
	c.Flags().StringVar(&o.Xen, "xen", bed.DefaultXen, "version of Xen: "+strings.Join(bed.Versions(), " or "))
	must(c.RegisterFlagCompletionFunc("xen", cobra.FixedCompletions(bed.Versions(), cobra.ShellCompDirectiveNoFileComp)))
	return c
}

// must is for what only a mistake in this program can make fail.
func must(err error) {
	if err != nil {
		panic(err)
	}
}

func bedUp(o *bed.Options) *cobra.Command {
	return xenFlag(&cobra.Command{
		Use:   "up",
		Short: "Start a bed that stays until \"xengo bed down\"",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx := cmd.Context()
			b, err := bed.Attach(ctx, *o)
			switch {
			case err == nil:
				fmt.Fprintf(os.Stderr, "xengo: a bed with Xen %s is up already\n", o.Xen)
				return b.Close()
			case !errors.Is(err, bed.ErrNone):
				return err
			}
			if err := hold(ctx, o.Xen); err != nil {
				return err
			}
			fmt.Fprintf(os.Stderr, `xengo: a bed with Xen %s is up
  xengo run PKG       runs guests in it
  xengo bed sh        is a root shell in its dom0 (xl list, xenstore-ls, xl dmesg, ...)
  xengo bed down      ends it
`, o.Xen)
			return nil
		},
	}, o)
}

// hold starts "bed hold" in the background and returns when its bed is up. Its
// stderr is ours until then.
func hold(ctx context.Context, xen string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	c := exec.Command(self, "bed", "hold", "--xen", xen)
	c.Stderr = os.Stderr
	c.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	ready, err := c.StdoutPipe()
	if err != nil {
		return err
	}
	if err := c.Start(); err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { c.Process.Signal(syscall.SIGTERM) })
	said, err := io.ReadAll(ready)
	if err != nil || string(said) != "up" || !stop() {
		if ended := c.Wait(); ctx.Err() == nil {
			return asExitStatus(errors.Join(err, ended))
		}
		return ctx.Err()
	}
	return c.Process.Release()
}

func bedHold(o *bed.Options) *cobra.Command {
	return xenFlag(&cobra.Command{
		Use:    "hold",
		Short:  "Keep a bed until a signal comes (what \"up\" starts)",
		Hidden: true,
		Args:   cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			b, err := bed.Start(cmd.Context(), *o)
			if err != nil {
				return err
			}
			defer b.Close()
			if err := b.Offer(); err != nil {
				return err
			}
			if err := leave("up"); err != nil {
				return err
			}
			select {
			case <-b.Done():
			case <-cmd.Context().Done():
			}
			return b.Close()
		},
	}, o)
}

// leave tells the process that waits for it and lets go of its files.
func leave(word string) error {
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer null.Close()
	if _, err := os.Stdout.WriteString(word); err != nil {
		return err
	}
	for _, fd := range []int{0, 1, 2} {
		if err := syscall.Dup3(int(null.Fd()), fd, 0); err != nil {
			return os.NewSyscallError("dup3", err)
		}
	}
	return nil
}

func bedDown() *cobra.Command {
	return &cobra.Command{
		Use:   "down",
		Short: "End the beds that are up, and all guests in them",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			all, err := bed.Offered()
			if err != nil {
				return err
			}
			for _, s := range all {
				if err := s.Down(cmd.Context()); err != nil {
					return err
				}
				fmt.Fprintf(os.Stderr, "xengo: the bed with Xen %s is down\n", s.Xen)
			}
			if len(all) == 0 {
				fmt.Fprintln(os.Stderr, "xengo: no bed is up")
			}
			return nil
		},
	}
}

func bedStatus() *cobra.Command {
	return &cobra.Command{
		Use:   "status",
		Short: "Say which beds are up and what runs in them",
		Long:  `Status says which beds are up and what runs in them. Its exit status is 1 if none is.`,
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			all, err := bed.Offered()
			if err != nil {
				return err
			}
			for _, s := range all {
				fmt.Printf("Xen %s, up for %v, process %d, logs in %s\n", s.Xen, time.Since(s.Since).Round(time.Second), s.PID, s.Dir)
				b, err := bed.Attach(cmd.Context(), bed.Options{Xen: s.Xen})
				if err != nil {
					return err
				}
				out, err := b.Exec(cmd.Context(), "xl", "list")
				fmt.Print(out)
				if err := errors.Join(err, b.Close()); err != nil {
					return err
				}
			}
			if len(all) == 0 {
				fmt.Println("no bed is up")
				return exitStatus(1)
			}
			return nil
		},
	}
}

func bedShell(o *bed.Options) *cobra.Command {
	c := xenFlag(&cobra.Command{
		Use:   "sh [command...]",
		Short: "A root shell in dom0, or one command there",
		Long: `Sh is a root shell in dom0 of the bed that is up, or else of one that ends with
it. With arguments it runs that command and exits with its status.

  xengo bed sh xl list
  xengo bed sh 'xenstore-ls | grep vif'`,
		RunE: func(cmd *cobra.Command, args []string) error {
			b, err := attachOrStart(cmd.Context(), *o)
			if err != nil {
				return err
			}
			defer b.Close()
			return shell(cmd.Context(), b, args)
		},
	}, o)
	c.Flags().SetInterspersed(false)
	return c
}

// attachOrStart returns the bed that is up, or else one of our own.
func attachOrStart(ctx context.Context, o bed.Options) (*bed.Bed, error) {
	b, err := bed.Attach(ctx, o)
	if errors.Is(err, bed.ErrNone) {
		return bed.Start(ctx, o)
	}
	return b, err
}

// shell runs a command line, or a shell if it is empty, in dom0.
func shell(ctx context.Context, b *bed.Bed, args []string) error {
	argv := args
	switch len(args) {
	case 0:
		argv = []string{"sh", "-l"}
	case 1:
		argv = []string{"sh", "-c", args[0]}
	}
	c := bed.Command{Argv: argv, Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr}
	err := onTerminal(ctx, b, c)
	var exit *bed.ExitError
	if errors.As(err, &exit) {
		return exitStatus(exit.Status)
	}
	return err
}
