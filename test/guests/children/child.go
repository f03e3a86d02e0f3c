package main

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"sync"
	"time"
)

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "child:", err)
		os.Exit(99)
	}
}

// child changes files and ends.
func child(end string, args []string) {
	switch end {
	case "executable":
		self, err := os.Executable()
		must(err)
		fmt.Print(self)
		os.Exit(0)
	case "one":
		must(os.WriteFile(args[0], []byte("child"), 0o644))
		os.Exit(0)
	}
	dir := args[0]
	must(os.WriteFile(filepath.Join(dir, "changed"), []byte("child"), 0o644))
	must(os.Remove(filepath.Join(dir, "removed")))
	must(os.RemoveAll(filepath.Join(dir, "gone")))
	must(os.Mkdir(filepath.Join(dir, "made"), 0o755))
	must(os.WriteFile(filepath.Join(dir, "made/new"), []byte("child"), 0o644))
	fmt.Println("changed")
	switch end {
	case "exit":
		os.Exit(3)
	case "wait":
		time.Sleep(time.Hour)
	case "report":
		f, err := os.Create(filepath.Join(dir, "report"))
		must(err)
		must(debug.SetCrashOutput(f, debug.CrashOptions{}))
		must(f.Close())
	}
	work()
	panic("child")
}

// work keeps everything busy.
func work() {
	var busy sync.WaitGroup
	for i := range 2 * runtime.NumCPU() {
		busy.Add(1)
		go func() {
			busy.Done()
			var keep [][]byte
			for n := i; ; n++ {
				if n%2 == 0 {
					keep = append(keep[:len(keep)%100], make([]byte, n%5000))
				} else {
					runtime.Gosched()
				}
			}
		}()
	}
	busy.Wait()
}
