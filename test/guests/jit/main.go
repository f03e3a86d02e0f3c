// Jit shows that a program can make machine code and run it: by hand, and with the
// compiler of wazero.
package main

import (
	"os"

	"example.com/guests/verdict"
)

func main() {
	verdict.Exit([]verdict.Property{
		{Name: "code", Check: code},
		{Name: "protected", Check: protected},
		{Name: "wasm", Check: wasm},
		{Name: "wasm-many", Check: wasmMany},
	}, os.Args[1:]...)
}
