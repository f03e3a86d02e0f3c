// Chatter talks for a while, and counts as it does.
package main

import (
	"flag"
	"fmt"
	"strings"
	"time"
)

func main() {
	duration := flag.Duration("for", 10*time.Second, "how long")
	flag.Parse()
	text := strings.Repeat("chatter ", 120)
	end := time.Now().Add(*duration)
	for n := 1; time.Now().Before(end); n++ {
		fmt.Printf("chatter: %d\n%s\n", n, text)
		time.Sleep(20 * time.Millisecond)
	}
	fmt.Println("verdict: ok")
}
