//go:build !xenpv

package fdtable

func hold(int) {}
