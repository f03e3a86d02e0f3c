//go:build xenpv

package files

import (
	"internal/xengo/runtime/kernel"
	"internal/xengo/xen/domain"
)

// storePatience is how long xenstore may take to say the domain's name, in nanoseconds.
const storePatience = 2e9

// domainName returns the name that the toolstack has given the domain, "" if there is none to be had: a program can do
// without it. Source: Xen 4.20 docs/misc/xenstore-paths.pandoc, ~/name.
func domainName() string {
	answer := make(chan string, 2) // for both who may send
	go func() {
		name, err := domain.Store().Read("name")
		if err != nil {
			name = ""
		}
		answer <- name
	}()
	stop := kernel.After(storePatience, func() { answer <- "" })
	defer stop()
	return <-answer
}
