// Ending ends in the way that its first argument names. A way that did not end
// the program says so.
package main

import (
	"fmt"
	"os"
	"strconv"
)

var ways = map[string]func(args []string){
	"exit":      exit,
	"panic":     func([]string) { failDeeply(3) },
	"goroutine": func([]string) { panicElsewhere() },
	"nil":       func([]string) { fmt.Println(*address()) },
	"overflow":  func([]string) { fmt.Println(endless(0)) },
	"deadlock":  func([]string) { deadlock() },
	"later":     func([]string) { deadlockLater() },
	"memory":    func([]string) { exhaust() },
	"sigterm":   handle,
	"unhandled": func([]string) { run() },
}

func main() {
	if len(os.Args) < 2 || ways[os.Args[1]] == nil {
		fmt.Println("verdict: FAIL no such way to end")
		os.Exit(99)
	}
	ways[os.Args[1]](os.Args[2:])
	fmt.Println("verdict: FAIL still here")
	os.Exit(98)
}

// exit ends with the status that it is given.
func exit(args []string) {
	status, err := strconv.Atoi(args[0])
	if err != nil {
		panic(err)
	}
	fmt.Println("ending: exit", status)
	os.Exit(status)
}
