// Package speed has benchmarks of what a kernel does for a program: threads,
// timers, files, pipes, sockets, memory. Package bench of xengo's tests runs them
// as a guest of Xen and in Linux; "go test -bench ." does so here.
package speed
