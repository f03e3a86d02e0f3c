package bed

import (
	"io/fs"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSplitName(t *testing.T) {
	for file, want := range map[string][2]string{
		"libc6_2.41-12_amd64.deb":                             {"libc6", "2.41-12"},
		"busybox-static_1%3a1.37.0-6+b3_amd64.deb":            {"busybox-static", "1:1.37.0-6+b3"},
		"/a_b/libxenstore4_4.20.0+68-g35cb38b222-1_amd64.deb": {"libxenstore4", "4.20.0+68-g35cb38b222-1"},
		"linux-image-6.12.38+deb13-amd64_6.12.38-1_amd64.deb": {"linux-image-6.12.38+deb13-amd64", "6.12.38-1"},
	} {
		name, version := splitName(file)
		require.Equal(t, want, [2]string{name, version}, file)
	}
}

func TestPick(t *testing.T) {
	files := []string{"xen-utils-4.20_1_amd64.deb", "libc6_2_amd64.deb", "libc6-dev_2_amd64.deb", "perl_5_amd64.deb",
		"linux-image-6.12.38-amd64_1_amd64.deb", "linux-image-amd64_1_amd64.deb", "linux-image-6.12.38-cloud-amd64_1_amd64.deb"}
	require.Equal(t, []string{"libc6_2_amd64.deb", "xen-utils-4.20_1_amd64.deb"}, pick(files, `^xen`, `^libc6$`))
	for _, r := range releases {
		require.Contains(t, pick(files, r.kernel), "linux-image-6.12.38-amd64_1_amd64.deb")
		require.NotContains(t, pick(files, r.kernel), "linux-image-amd64_1_amd64.deb")
	}
}

// Dom0's scripts are at least scripts.
func TestScripts(t *testing.T) {
	entries, err := fs.ReadDir(parts, "dom0")
	require.NoError(t, err)
	checked := 0
	for _, e := range entries {
		b, err := parts.ReadFile("dom0/" + e.Name())
		require.NoError(t, err)
		if !strings.HasPrefix(string(b), "#!/bin/sh\n") {
			continue
		}
		cmd := exec.Command("sh", "-n")
		cmd.Stdin = strings.NewReader(string(b))
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, "%s: %s", e.Name(), out)
		checked++
	}
	require.GreaterOrEqual(t, checked, 5)
}

// Every file of dom0 gets into its ramdisk.
func TestOurs(t *testing.T) {
	root := make(tree)
	require.NoError(t, addOurs(root, releases[0], []byte("agent")))
	var placed []string
	for _, e := range root {
		placed = append(placed, string(e.data))
	}
	entries, err := fs.ReadDir(parts, "dom0")
	require.NoError(t, err)
	for _, e := range entries {
		b, err := parts.ReadFile("dom0/" + e.Name())
		require.NoError(t, err)
		require.Contains(t, placed, string(b), e.Name())
	}
}

// The agent compiles from what this program carries.
func TestAgentBuilds(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles")
	}
	b, err := buildAgent(t.Context())
	require.NoError(t, err)
	require.Equal(t, "\x7fELF", string(b[:4]))
}
