//go:build !xenpv

package runtime

// netpollSystemWaiters reports whether goroutines of the system wait in
// netpoll beside those that netpollWaiters counts.
func netpollSystemWaiters() bool { return false }

// isSystemPackage reports whether goroutines started in the function are the
// system's.
func isSystemPackage(name string) bool { return false }
