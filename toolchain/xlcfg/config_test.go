package xlcfg

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestConfig(t *testing.T) {
	c := Config{
		Name: "web", Type: "pvh", Kernel: "/srv/web.elf", Ramdisk: "/srv/web.cpio", Cmdline: `A='x "y"' -- \`, MemoryMB: 64, VCPUs: 2,
		Vifs: []string{"bridge=xenbr0,ip=10.0.0.2 fd00::2"}, Disks: []string{}, Events: [3]string{"preserve", "", "destroy"},
		Lines: []string{NativeTSC},
	}
	require.Equal(t, `name = "web"
type = "pvh"
kernel = "/srv/web.elf"
ramdisk = "/srv/web.cpio"
extra = "A='x \"y\"' -- \\"
memory = 64
vcpus = 2
vif = ["bridge=xenbr0,ip=10.0.0.2 fd00::2"]
disk = []
on_poweroff = "preserve"
on_crash = "destroy"
tsc_mode = "native"
`, c.String())
	c = Config{Name: "x", Type: "pv", Kernel: "/x", MemoryMB: 1, Explain: true}
	require.Equal(t, `# The domain's name; it must be free.
name = "x"
# pvh or pv: the image boots as both.
type = "pv"
# The image is the kernel, and all there is.
kernel = "/x"
# In MB. The program sees all of it as its own.
memory = 1
`, c.String())
}

func TestQuote(t *testing.T) {
	require.Equal(t, `"a\x0ab\x7f\\\"é"`, quote("a\nb\x7f\\\"é"))
}
