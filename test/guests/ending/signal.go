package main

import (
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"
)

// handle waits for SIGTERM, takes some time to clean up and exits with the
// status that it is given.
func handle(args []string) {
	status, err := strconv.Atoi(args[0])
	if err != nil {
		panic(err)
	}
	c := make(chan os.Signal, 1)
	signal.Notify(c, syscall.SIGTERM)
	fmt.Println("ending: ready")
	fmt.Println("ending: got", <-c)
	time.Sleep(200 * time.Millisecond)
	fmt.Println("ending: cleaned up")
	os.Exit(status)
}

// run does a little now and then, and knows of no signals.
func run() {
	fmt.Println("ending: ready")
	for range time.Tick(100 * time.Millisecond) {
	}
}
