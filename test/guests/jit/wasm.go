package main

import (
	"context"
	"fmt"
	"runtime"
	"sync"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
)

// instance is a module that runs as machine code.
type instance struct {
	runtime wazero.Runtime
	module  api.Module
}

func newInstance(ctx context.Context) (*instance, error) {
	r := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfigCompiler())
	next := func(n uint32) uint32 {
		runtime.Gosched()
		return n + 1
	}
	if _, err := r.NewHostModuleBuilder("host").NewFunctionBuilder().WithFunc(next).Export("next").Instantiate(ctx); err != nil {
		return nil, err
	}
	m, err := r.Instantiate(ctx, module)
	if err != nil {
		return nil, err
	}
	return &instance{r, m}, nil
}

// check calls all functions of the module.
func (i *instance) check(ctx context.Context) error {
	for _, c := range []struct {
		name string
		args []uint64
		want uint32
	}{
		{"fib", []uint64{20}, 6765},
		{"div", []uint64{uint64(uint32(0xffffff9c)), 7}, 0xfffffff2},
		{"twice", []uint64{40}, 42},
		{"sum", []uint64{16000}, 16000 * 15999 / 2},
	} {
		got, err := i.module.ExportedFunction(c.name).Call(ctx, c.args...)
		if err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
		if uint32(got[0]) != c.want {
			return fmt.Errorf("%s is %#x, want %#x", c.name, got[0], c.want)
		}
	}
	for _, c := range []struct {
		name string
		args []uint64
	}{{"div", []uint64{1, 0}}, {"sum", []uint64{20000}}} {
		if got, err := i.module.ExportedFunction(c.name).Call(ctx, c.args...); err == nil {
			return fmt.Errorf("%s of %d is %d, want an error", c.name, c.args, got)
		}
	}
	return nil
}

// wasm runs a module with everything that goes on in a call: other functions, those
// of the host, memory, traps.
func wasm() error {
	ctx := context.Background()
	i, err := newInstance(ctx)
	if err != nil {
		return err
	}
	for range 10 {
		if err := i.check(ctx); err != nil {
			return err
		}
	}
	return i.runtime.Close(ctx)
}

// wasmMany compiles, runs and throws away modules on several threads, while
// garbage is collected.
func wasmMany() error {
	ctx := context.Background()
	errs := make([]error, 3)
	var wait sync.WaitGroup
	for n := range errs {
		wait.Go(func() {
			for range 3 {
				i, err := newInstance(ctx)
				if err == nil {
					err = i.check(ctx)
				}
				if err == nil {
					runtime.GC()
					err = i.runtime.Close(ctx)
				}
				if err != nil {
					errs[n] = err
					return
				}
			}
		})
	}
	wait.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
