// Package domain is this domain as drivers and services see it: the one
// hv.Platform and the one connection to xenstore. It exists on xenpv only;
// on a host, tests make theirs with package xentest.
package domain
