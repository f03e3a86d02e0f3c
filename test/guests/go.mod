// Guest programs: ordinary Go with nothing of xengo in it. They run on Linux
// too, where "go run" shows what to expect of a guest.
module example.com/guests

go 1.26.0

require (
	github.com/fsnotify/fsnotify v1.10.1
	github.com/tetratelabs/wazero v1.12.0
	golang.org/x/net v0.62.0
	golang.org/x/sys v0.49.0
)
