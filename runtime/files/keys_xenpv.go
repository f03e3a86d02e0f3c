//go:build xenpv

package files

// watchKeys makes Ctrl-C end a program that does not read its input.
func watchKeys() { console.WatchKeys() }
