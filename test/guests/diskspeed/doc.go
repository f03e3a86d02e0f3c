// Package diskspeed has benchmarks of a raw disk, /dev/xvda, and of files on a
// second one, below /data.
package diskspeed
