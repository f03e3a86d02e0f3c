//go:build !xenpv

package files

// watchKeys does nothing: tests have a console only later, if at all.
func watchKeys() {}
