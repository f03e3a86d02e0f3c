package scaling

import (
	"crypto/sha256"
	"encoding/json"
	"io"
	"net"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
)

func must(b *testing.B, err error) {
	if err != nil {
		b.Error(err)
	}
}

// BenchmarkHash computes, and shares nothing.
func BenchmarkHash(b *testing.B) {
	b.RunParallel(func(p *testing.PB) {
		sum := make([]byte, 4096)
		for p.Next() {
			h := sha256.Sum256(sum)
			copy(sum, h[:])
		}
	})
}

type tree struct{ left, right *tree }

func grow(depth int) *tree {
	if depth == 0 {
		return &tree{}
	}
	return &tree{grow(depth - 1), grow(depth - 1)}
}

// BenchmarkTrees makes garbage with pointers.
func BenchmarkTrees(b *testing.B) {
	b.RunParallel(func(p *testing.PB) {
		for p.Next() {
			if grow(10).right == nil {
				b.Error("lost a tree")
			}
		}
	})
}

// BenchmarkJSON is a service's usual work: small garbage and computing.
func BenchmarkJSON(b *testing.B) {
	text := []byte(`{"name":"xen","ports":[80,443,8080],"labels":{"a":"1","b":"2"},"nested":{"ok":true,"ratio":0.5}}`)
	b.RunParallel(func(p *testing.PB) {
		for p.Next() {
			var v any
			must(b, json.Unmarshal(text, &v))
			_, err := json.Marshal(v)
			must(b, err)
		}
	})
}

// BenchmarkChannels has a pair of goroutines for each vCPU that send to one another.
func BenchmarkChannels(b *testing.B) {
	b.RunParallel(func(p *testing.PB) {
		ping, pong := make(chan int), make(chan int)
		go func() {
			for n := range ping {
				pong <- n
			}
		}()
		for p.Next() {
			ping <- 1
			<-pong
		}
		close(ping)
	})
}

// BenchmarkSpawn starts goroutines, eight at a time.
func BenchmarkSpawn(b *testing.B) {
	b.RunParallel(func(p *testing.PB) {
		var wg sync.WaitGroup
		for p.Next() {
			for range 8 {
				wg.Go(func() {})
			}
			wg.Wait()
		}
	})
}

// BenchmarkMutex has all goroutines want the same mutex, and do ten times as much without it.
func BenchmarkMutex(b *testing.B) {
	var mu sync.Mutex
	shared := 0
	var all atomic.Int64
	b.RunParallel(func(p *testing.PB) {
		own := 0
		for p.Next() {
			mu.Lock()
			for i := range 100 {
				shared += i
			}
			mu.Unlock()
			for i := range 1000 {
				own += i
			}
		}
		all.Add(int64(own))
	})
}

// BenchmarkFiles writes and reads files in memory, one for each goroutine.
func BenchmarkFiles(b *testing.B) {
	dir := b.TempDir()
	var number atomic.Int64
	b.RunParallel(func(p *testing.PB) {
		f, err := os.Create(filepath.Join(dir, string(rune('a'+number.Add(1)))))
		if err != nil {
			b.Error(err)
			return
		}
		defer f.Close()
		data := make([]byte, 4096)
		for p.Next() {
			_, err := f.WriteAt(data, 0)
			must(b, err)
			_, err = f.ReadAt(data, 0)
			must(b, err)
		}
	})
}

// BenchmarkTCP has a connection through the loopback interface for each goroutine, and asks and answers there.
func BenchmarkTCP(b *testing.B) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return // closed
			}
			go func() {
				defer c.Close()
				io.Copy(c, c)
			}()
		}
	}()
	b.RunParallel(func(p *testing.PB) {
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			b.Error(err)
			return
		}
		defer c.Close()
		data := make([]byte, 512)
		for p.Next() {
			_, err := c.Write(data)
			must(b, err)
			_, err = io.ReadFull(c, data)
			must(b, err)
		}
	})
}
