// Package stacks calls functions where there is little room on the stack.
package stacks

// AtDepth calls f on a new, small stack, n calls deep: with some n it, or what it calls, finds too little room and moves the
// stack, and its variables with it.
func AtDepth(n int, f func() error) error {
	done := make(chan error)
	go func() { done <- nested(n, f) }()
	return <-done
}

//go:noinline
func nested(n int, f func() error) error {
	if n == 0 {
		return f()
	}
	return nested(n-1, f)
}
