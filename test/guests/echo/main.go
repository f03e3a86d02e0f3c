// Echo answers every line of standard input, until one says quit or the input
// ends.
package main

import (
	"bufio"
	"fmt"
	"os"
)

func main() {
	fmt.Println("echo: ready")
	in := bufio.NewScanner(os.Stdin)
	lines := 0
	for in.Scan() {
		if in.Text() == "quit" {
			fmt.Printf("verdict: ok %d\n", lines)
			return
		}
		lines++
		fmt.Printf("echo: %q\n", in.Text())
	}
	fmt.Printf("verdict: FAIL end of input after %d lines: %v\n", lines, in.Err())
	os.Exit(1)
}
