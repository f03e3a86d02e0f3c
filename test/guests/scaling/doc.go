// Package scaling has benchmarks of work that all vCPUs share: what an operation takes with several, compared with what it
// takes with one, says how well the program, its runtime and the kernel below scale. Package bench of xengo's tests runs
// them as a guest of Xen and in Linux; "go test -bench . -cpu 1,2" does so here.
package scaling
