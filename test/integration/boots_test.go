package integration

import (
	"strconv"
	"testing"

	"internal/xengo/test/harness"
	"internal/xengo/toolchain/bed"
)

// TestManyBoots boots hello 200 times and the web server 50 times, by turns as
// each kind of domain.
func TestManyBoots(t *testing.T) {
	if !harness.Long() {
		t.Skip("boots 250 guests: XENGO_LONG=1")
	}
	platforms := harness.Platforms()
	hello := func(t *testing.T, p harness.Platform) {
		result, output := harness.Run(t, p, program(t, "hello"), 0)
		harness.Ended(t, result, bed.Poweroff, 0)
		says(t, output, "hello, world\n")
	}
	server := func(t *testing.T, p harness.Platform) {
		g := harness.Start(t, p, web(t), 0)
		g.Expect("^web: serving on ")
		says(t, get(t, guestClient(t, p.Bed(t)), g), "Hello from web!")
		stop(t, g)
	}
	for n := range 200 {
		t.Run("hello/"+strconv.Itoa(n), func(t *testing.T) { hello(t, platforms[n%2]) })
	}
	for n := range 50 {
		t.Run("web/"+strconv.Itoa(n), func(t *testing.T) { server(t, platforms[n%2]) })
	}
}
