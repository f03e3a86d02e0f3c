package bed

import (
	"os"
	"os/exec"
)

// Missing says what a bed would need that is not there, "" if it can be made.
func Missing() string {
	if _, err := exec.LookPath("apt-get"); err != nil {
		return "no apt-get, which fetches Xen and dom0"
	}
	if _, err := exec.LookPath(emulator); err != nil && os.Getuid() != 0 {
		return "no " + emulator + ", and only root may install it"
	}
	return ""
}
