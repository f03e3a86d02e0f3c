//go:build xengo_spawn

package os

// Other programs, on the test bed (spawn=). No guest elsewhere has a use for it,
// so it is there for those that ask for it with the build tag.
import _ "internal/xengo/runtime/spawn"
