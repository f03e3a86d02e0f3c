// Package std has Go's own tests of its standard library as the judge of the
// port: TestStd compares what passes in guests with what passes on Linux.
package std
