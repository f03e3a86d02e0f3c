// Metrics reads what monitoring reads: by github.com/shirou/gopsutil, by the collectors of
// github.com/prometheus/node_exporter and by the process collector of github.com/prometheus/client_golang.
//
//	metrics        the properties
//	metrics dump   everything that is found
package main

import (
	"fmt"
	"os"
	"slices"

	"example.com/guests/verdict"
)

func main() {
	if slices.Equal(os.Args[1:], []string{"dump"}) {
		dump()
		return
	}
	if len(os.Args) > 1 {
		fmt.Fprintln(os.Stderr, "metrics: see the source for the arguments")
		os.Exit(2)
	}
	verdict.Exit(slices.Concat(nodeProperties, psutilProperties, processProperties))
}

// dump prints all metrics, those of gopsutil with their errors.
func dump() {
	families, err := gather(allCollectors)
	fmt.Println("node:", err)
	for _, f := range families {
		for _, m := range f.GetMetric() {
			fmt.Println(f.GetName(), m)
		}
	}
	for _, p := range psutilProperties {
		fmt.Println("gopsutil", p.Name, p.Check())
	}
}
