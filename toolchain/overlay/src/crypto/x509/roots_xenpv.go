package x509

// A program that may verify certificates brings along those that other systems
// have in files.
import _ "internal/xengo/runtime/roots"
