// Package xlcfg makes what `xl create` needs to start a program: the domain's
// config (xl.cfg(5)) and, where the program's arguments do not fit into that, a
// ramdisk.
package xlcfg

import (
	"fmt"
	"strings"
)

// NativeTSC is the line that lets a guest read the TSC without Xen's help.
const NativeTSC = `tsc_mode = "native"`

// Config is a domain's configuration. Strings of lists are in xl's syntax.
type Config struct {
	Name     string
	Type     string // "pvh" or "pv"
	Kernel   string // file in dom0
	Ramdisk  string // file in dom0, or none
	Cmdline  string // of the kernel
	MemoryMB int
	VCPUs    int
	Vifs     []string
	Disks    []string
	Events   [3]string // what to do on poweroff, reboot and crash; "": xl's defaults
	Lines    []string  // more lines, as they are
	Explain  bool      // with comments for people
}

// item is one assignment.
type item struct {
	comment string
	name    string
	value   string // in xl's syntax; "": leave out
}

func (c *Config) items() []item {
	return []item{
		{"The domain's name; it must be free.", "name", quote(c.Name)},
		{"pvh or pv: the image boots as both.", "type", quote(c.Type)},
		{"The image is the kernel, and all there is.", "kernel", quote(c.Kernel)},
		{"Files for the program, arguments that do not fit into extra.", "ramdisk", quote(c.Ramdisk)},
		{"Options of the guest, environment (NAME=value) and arguments, quoted as in sh.", "extra", quote(c.Cmdline)},
		{"In MB. The program sees all of it as its own.", "memory", number(c.MemoryMB)},
		{"Virtual CPUs; GOMAXPROCS is the same.", "vcpus", number(c.VCPUs)},
		{"ip= sets the guest's address (several with blanks between them); without it, it asks by DHCP.", "vif", list(c.Vifs)},
		{"Block devices, in the guest /dev/xvda and so on.", "disk", list(c.Disks)},
		{"The exit status is in xenstore, data/exit-status of the domain, while it exists.", "on_poweroff", quote(c.Events[0])},
		{"", "on_reboot", quote(c.Events[1])},
		{"A panic is a crash of the domain; its trace is on the console. restart would start the program anew at once, each time.", "on_crash", quote(c.Events[2])},
	}
}

// String returns the config file.
func (c *Config) String() string {
	var b strings.Builder
	for _, i := range c.items() {
		if i.value == "" {
			continue
		}
		if c.Explain && i.comment != "" {
			fmt.Fprintf(&b, "# %s\n", i.comment)
		}
		fmt.Fprintf(&b, "%s = %s\n", i.name, i.value)
	}
	for _, l := range c.Lines {
		fmt.Fprintln(&b, l)
	}
	return b.String()
}

// quote makes a string of xl's syntax (libxlu_cfg_l.l): it has the escapes of C.
func quote(s string) string {
	if s == "" {
		return ""
	}
	var b strings.Builder
	b.WriteByte('"')
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			b.WriteByte('\\')
			b.WriteByte(c)
		case c < ' ' || c == 0x7f:
			fmt.Fprintf(&b, `\x%02x`, c)
		default:
			b.WriteByte(c)
		}
	}
	b.WriteByte('"')
	return b.String()
}

func number(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprint(n)
}

func list(items []string) string {
	if items == nil {
		return ""
	}
	quoted := make([]string, len(items))
	for i, s := range items {
		quoted[i] = quote(s)
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}
