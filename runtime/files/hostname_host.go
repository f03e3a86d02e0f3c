//go:build !xenpv

package files

// domainName returns the name of the domain, which there is not.
func domainName() string { return "" }
