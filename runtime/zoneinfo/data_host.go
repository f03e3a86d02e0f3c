//go:build !xenpv

package zoneinfo

// data is what toolchain/goroot makes of the Go tree's lib/time/zoneinfo.zip.
const data = ""
