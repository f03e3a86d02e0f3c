// Guest programs: ordinary Go with nothing of xengo in it. They run on Linux
// too, where "go run" shows what to expect of a guest.
module example.com/guests

go 1.26.0

require (
	github.com/fsnotify/fsnotify v1.10.1
	github.com/google/pprof v0.0.0-20261105003125-4bf881d7fb0b
	github.com/tetratelabs/wazero v1.12.0
	golang.org/x/exp v0.0.0-20261113113407-e3970619a1a4
	golang.org/x/net v0.62.0
	golang.org/x/sys v0.49.0
)
