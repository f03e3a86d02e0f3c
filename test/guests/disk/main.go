// Disk shows that block devices are there and keep what is written to them.
//
//	disk raw DEVICE SIZE            properties of a disk of that many bytes that has pattern 1; leaves pattern 2
//	disk readonly DEVICE SIZE       properties of one that cannot be written to, and has pattern 1
//	disk resize DEVICE SIZE         use one until it has another size, and then all of it: pattern 2
//	disk unplug DEVICE              use it until it is detached and, with pattern 1, attached again
//	disk mounted DIR                use the file system there until its disk is detached
//	disk sectors LOOP BYTES         give a loop device of Linux sectors of that size
//	disk journal DEVICE SIZE        write pattern 5 sector by sector, each followed by fsync, and say how many bytes are safe
//	disk fill|check FILE SEED SIZE  write or compare a pattern
package main

import (
	"fmt"
	"os"
	"strconv"

	"example.com/guests/verdict"
)

func main() {
	if len(os.Args) < 3 {
		fail("see the source for the arguments")
	}
	name := os.Args[2]
	switch os.Args[1] {
	case "raw":
		verdict.Exit(raw(name, number(3)))
	case "readonly":
		verdict.Exit(readOnly(name, number(3)))
	case "resize":
		verdict.Exit(resize(name, number(3)))
	case "unplug":
		verdict.Exit(unplug(name))
	case "mounted":
		verdict.Exit(mounted(name))
	case "sectors":
		fail(setSectors(name, int(number(3))))
	case "journal":
		fail(journal(name, number(3)))
	case "fill":
		fail(fill(name, uint64(number(3)), number(4)))
	case "check":
		fail(check(name, uint64(number(3)), number(4)))
	default:
		fail("no such mode")
	}
}

// number returns an argument.
func number(i int) int64 {
	if i >= len(os.Args) {
		fail("an argument is missing")
	}
	n, err := strconv.ParseInt(os.Args[i], 10, 64)
	fail(err)
	return n
}

// fail ends the program if there is something to say.
func fail(why any) {
	if why != nil {
		fmt.Fprintln(os.Stderr, "disk:", why)
		os.Exit(2)
	}
}
