//go:build xenpv

// This file lets the compiler accept the functions without bodies in kernel_xenpv.go.
