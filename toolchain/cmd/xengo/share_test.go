package main

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestParseShares(t *testing.T) {
	here := t.TempDir()
	all, err := parseShares([]string{here + ":/mnt", "dom0:/not/here:/a:/b"})
	require.NoError(t, err)
	require.Equal(t, []share{{here, "/mnt", false}, {"/not/here:/a", "/b", true}}, all)
	for _, wrong := range []string{here, ":/mnt", "/not/here:/mnt", "dom0::/mnt", "dom0:here:/mnt"} {
		_, err := parseShares([]string{wrong})
		require.Error(t, err, wrong)
	}
}
