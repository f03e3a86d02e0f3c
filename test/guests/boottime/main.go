// Boottime says how long after the kernel's entry main began, and how much memory
// is free: the first thing it does is to read the clock that counts from there.
package main

import (
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

func main() {
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &now); err != nil {
		fmt.Println("verdict: FAIL", err)
		os.Exit(1)
	}
	var memory unix.Sysinfo_t
	if err := unix.Sysinfo(&memory); err != nil {
		fmt.Println("verdict: FAIL", err)
		os.Exit(1)
	}
	fmt.Printf("boottime: %d ns\nfree: %d bytes\n", now.Nano(), memory.Freeram*uint64(memory.Unit))
	if os.Getpid() == 1 && len(os.Args) > 1 && os.Args[1] == "poweroff" {
		// The init of a Linux must not return; this ends its machine.
		unix.Reboot(unix.LINUX_REBOOT_CMD_POWER_OFF)
		time.Sleep(time.Minute)
	}
}
