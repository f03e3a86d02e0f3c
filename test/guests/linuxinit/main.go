// Linuxinit is the init of a Linux guest that is to be compared: it runs one
// program, as a machine that was made for it would, and ends the machine.
//
//	[mount=DISK:/POINT:TYPE] linuxinit DIR PROGRAM ARGUMENTS...
//
// First it loads the modules that the file /modules/order names.
package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

func main() {
	if err := run(os.Args[1], os.Args[2:]); err != nil {
		fmt.Println("linuxinit:", err)
	}
	unix.Reboot(unix.LINUX_REBOOT_CMD_POWER_OFF)
	time.Sleep(time.Minute) // an init must not return
}

func run(dir string, argv []string) error {
	for point, kind := range map[string]string{"/proc": "proc", "/sys": "sysfs", "/dev": "devtmpfs", "/tmp": "tmpfs"} {
		if err := os.MkdirAll(point, 0o755); err != nil {
			return err
		}
		if err := unix.Mount(kind, point, kind, 0, ""); err != nil {
			return fmt.Errorf("mount %s: %w", point, err)
		}
	}
	if err := loopback(); err != nil {
		return fmt.Errorf("bring lo up: %w", err)
	}
	if err := loadModules("/modules"); err != nil {
		return err
	}
	if value := os.Getenv("mount"); value != "" { // of the kernel's command line
		disk, rest, _ := strings.Cut(value, ":")
		point, kind, _ := strings.Cut(rest, ":")
		if err := mountDisk("/dev/"+disk, point, kind); err != nil {
			return fmt.Errorf("mount=%s: %w", value, err)
		}
	}
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, os.Stdout, os.Stderr
	return cmd.Run()
}

func loadModules(dir string) error {
	order, err := os.ReadFile(filepath.Join(dir, "order"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for name := range strings.FieldsSeq(string(order)) {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			return err
		}
		if err := unix.InitModule(data, ""); err != nil {
			return fmt.Errorf("load %s: %w", name, err)
		}
	}
	return nil
}

// mountDisk waits for a disk, which comes some time after its driver, and mounts it.
func mountDisk(disk, point, kind string) error {
	for tries := 0; ; tries++ {
		if _, err := os.Stat(disk); err == nil {
			break
		} else if tries == 1000 {
			return err
		}
		time.Sleep(10 * time.Millisecond)
	}
	if err := os.MkdirAll(point, 0o755); err != nil {
		return err
	}
	return unix.Mount(disk, point, kind, 0, "")
}

func loopback() error {
	s, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM, 0)
	if err != nil {
		return err
	}
	defer unix.Close(s)
	r, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	r.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
	return unix.IoctlIfreq(s, unix.SIOCSIFFLAGS, r)
}
