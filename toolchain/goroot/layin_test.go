package goroot

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"
)

func text(s string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(s)} }

func TestCollect(t *testing.T) {
	const ours = "//go:build xenpv\n\npackage runtime\n"
	files, err := collect(fstest.MapFS{
		"runtime/os_xenpv.go":                   text(ours),
		"runtime/host.go":                       text("//go:build !xenpv\n\npackage runtime\n"),
		"runtime/os_xenpv_test.go":              text(ours),
		"runtime/README.md":                     text("x"),
		"runtime/calls/calls.go":                text("package calls\n"),
		"runtime/calls/calls_test.go":           text("package calls\n"),
		"runtime/calls/testdata/a.go":           text("package a\n"),
		"runtime/calls/callstest/fake.go":       text("package callstest\n"),
		"arch/amd64/rt0_xenpv_amd64.s":          text("//go:build xenpv\n"),
		"arch/amd64/asm_xenpv_amd64.h":          text("#define X 1\n"),
		"arch/amd64/paging/paging.go":           text("package paging\n"),
		"xen/abi/xen.go":                        text("package abi\n"),
		"xen/xentest/fake.go":                   text("package xentest\n"),
		"drivers/netfront/queue.go":             text("package netfront\n\nimport \"internal/xengo/xen/abi\"\n"),
		"drivers/netfront/netback/back.go":      text("package netback\n\nimport \"internal/xengo/xen/xentest\"\n"),
		"drivers/netfront/netlab/lab.go":        text("package netlab\n\nimport \"internal/xengo/drivers/netfront/netback\"\n"),
		"toolchain/overlay/src/os/a_xenpv.go":   text("package os\n"),
		"toolchain/overlay/src/os/testdata/b.x": text("b"),
	})
	require.NoError(t, err)
	var to []string
	for _, f := range files {
		to = append(to, f.to)
	}
	require.Equal(t, []string{
		"src/internal/xengo/arch/amd64/paging/paging.go",
		"src/internal/xengo/drivers/netfront/queue.go",
		"src/internal/xengo/runtime/calls/calls.go",
		"src/internal/xengo/xen/abi/xen.go",
		"src/os/a_xenpv.go",
		"src/os/testdata/b.x",
		"src/runtime/asm_xenpv_amd64.h",
		"src/runtime/os_xenpv.go",
		"src/runtime/rt0_xenpv_amd64.s",
	}, to)
}

func TestCollectNothingThere(t *testing.T) {
	files, err := collect(fstest.MapFS{"go.mod": text("module x\n")})
	require.NoError(t, err)
	require.Empty(t, files)
}

func TestCollectRefusals(t *testing.T) {
	for name, tree := range map[string]fstest.MapFS{
		"needs //go:build xenpv":       {"runtime/os.go": text("package runtime\n")},
		"needs //go:build":             {"arch/amd64/a.s": text("//go:build linux || xenpv\n")},
		"it needs //go:build xenpv":    {"runtime/defs.h": text("#define X 1\n")},
		"which is not laid in":         {"xen/hv/hv.go": text("package hv\n\nimport \"internal/xengo/xen/gone\"\n")},
		"both laid in as":              {"runtime/a_xenpv.h": text(""), "arch/amd64/a_xenpv.h": text("")},
		"unexpected end of expression": {"runtime/os.go": text("//go:build xenpv &&\n")},
		"runtime/os.go: belongs to pa": {"runtime/os.go": text("package runtime\n\n//go:build xenpv\n")},
	} {
		_, err := collect(tree)
		require.ErrorContains(t, err, name)
	}
}

func TestEvaluate(t *testing.T) {
	for line, want := range map[string]when{
		"":                                  always,
		"//go:build xenpv":                  onlyXenpv,
		"//go:build xenpv && amd64":         onlyXenpv,
		"//go:build linux && xenpv && !cgo": onlyXenpv,
		"//go:build !xenpv":                 never,
		"//go:build linux":                  always,
		"//go:build xenpv || linux":         always,
		"// Copyright\n\n//go:build xenpv":  onlyXenpv,
	} {
		got, err := xenpvOnly("a.go", []byte(strings.TrimSpace(line)+"\n\npackage runtime\n"))
		require.NoError(t, err)
		require.Equal(t, want, got, line)
	}
}
