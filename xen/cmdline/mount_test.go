package cmdline

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestParseMount(t *testing.T) {
	for value, want := range map[string]Mount{
		"data:/mnt:9p":              {"data", "/mnt", "9p", ""},
		"data:/mnt/a:b:9p":          {"data", "/mnt/a:b", "9p", ""},
		"xvda:/data:ext4,ro,sync":   {"xvda", "/data", "ext4", "ro,sync"},
		"a tag, with:/blanks :9p,,": {"a tag, with", "/blanks ", "9p", ","},
	} {
		got, ok := ParseMount(value)
		require.True(t, ok, value)
		require.Equal(t, want, got)
	}
	for _, value := range []string{"", ":", "::", "data", "data:/mnt", "data:mnt:9p", ":/mnt:9p", "data:/mnt:", "data:/mnt:,ro", "data::9p"} {
		_, ok := ParseMount(value)
		require.False(t, ok, value)
	}
}

func TestAll(t *testing.T) {
	require.Equal(t, []string{"a b:/x:9p", "c:/y:9p"}, All("ip=dhcp 'mount=a b:/x:9p' X=mount=no mount=c:/y:9p -- mount=d:/z:9p", "mount"))
	require.Empty(t, All("ip=dhcp", "mount"))
}

// FuzzParseMount: what is taken for a mount is made of the value's parts.
func FuzzParseMount(f *testing.F) {
	f.Add("data:/mnt:9p,ro")
	f.Fuzz(func(t *testing.T, value string) {
		m, ok := ParseMount(value)
		if !ok {
			return
		}
		again := m.Source + ":" + m.Point + ":" + m.Type
		if len(again) < len(value) {
			again += "," + m.Options
		}
		if again != value || m.Source == "" || m.Type == "" || m.Point[0] != '/' {
			t.Fatalf("%q is %+v", value, m)
		}
	})
}
