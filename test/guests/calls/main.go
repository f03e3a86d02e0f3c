// Calls shows that system calls work from wherever they are made.
package main

import (
	"os"

	"example.com/guests/verdict"
)

func main() {
	verdict.Exit([]verdict.Property{
		{Name: "moving-stacks", Check: movingStacks},
		{Name: "assembler", Check: assembler},
		{Name: "unimplemented", Check: unimplemented},
		{Name: "bad-address", Check: badAddress},
		{Name: "exec", Check: execute},
		{Name: "blocking", Check: blocking},
	}, os.Args[1:]...)
}
