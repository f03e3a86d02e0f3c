package hv

import "sync"

// Go is wg.Go for workers of drivers: their goroutines are the system's, while those that package sync starts
// count as the program's (package runtime, isSystemPackage).
func Go(wg *sync.WaitGroup, f func()) {
	wg.Add(1)
	go func() {
		defer wg.Done()
		f()
	}()
}
