// Package none is in package mounts' place in programs that were built without it: it ends the program if there is
// something to mount. It exists on xenpv only.
package none
