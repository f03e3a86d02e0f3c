// Echo answers every line of standard input, until one says quit or the input
// ends. If it says time, the answer is that.
package main

import (
	"bufio"
	"fmt"
	"os"
	"time"
)

func main() {
	fmt.Println("echo: ready")
	in := bufio.NewScanner(os.Stdin)
	lines := 0
	for in.Scan() {
		switch in.Text() {
		case "quit":
			fmt.Printf("verdict: ok %d\n", lines)
			return
		case "time":
			fmt.Printf("time: %d ms\n", time.Now().UnixMilli())
		default:
			lines++
			fmt.Printf("echo: %q\n", in.Text())
		}
	}
	fmt.Printf("verdict: FAIL end of input after %d lines: %v\n", lines, in.Err())
	os.Exit(1)
}
