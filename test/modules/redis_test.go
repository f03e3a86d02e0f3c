package modules

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"internal/xengo/test/harness"
	"internal/xengo/test/judge"
	"internal/xengo/toolchain/bed"
)

// redisVersion is that of the suite that Xen 4.20 is from, as go-redis wants it.
const redisVersion = "8.0"

// addRedis starts Debian's redis on this machine and in dom0, and tells go-redis'
// tests on Linux of the one and those in guests of the other. They take them for
// one of Redis Enterprise, which is the way to name a server to them.
func addRedis(t *testing.T, s *judge.Suite) {
	t.Helper()
	ctx, b := harness.Context(t), harness.Platforms()[0].Bed(t)
	redis, err := bed.DebianProgram(ctx, bed.Options{Log: os.Stderr}, "redis-server", "usr/bin/redis-server")
	require.NoError(t, err)

	dir, port := t.TempDir(), freePort(t)
	config := filepath.Join(dir, "redis.conf")
	require.NoError(t, os.WriteFile(config, []byte(redisConfig(dir, port)), 0o600))
	argv := redis.Argv(redis.Dir, config)
	server := exec.CommandContext(ctx, argv[0], argv[1:]...)
	server.Stdout, server.Stderr = t.Output(), t.Output()
	require.NoError(t, server.Start())
	t.Cleanup(func() {
		server.Process.Kill()
		server.Wait() // it says that it was killed
	})
	answers(t, func() (net.Conn, error) { return net.Dial("tcp", fmt.Sprintf("localhost:%d", port)) })

	const there, itsPort = "/run/redis", 6379
	harness.Dom0(t, b, "mkdir", "-p", there)
	files, err := os.ReadDir(redis.Dir)
	require.NoError(t, err)
	for _, e := range files {
		if e.Type().IsRegular() {
			f, err := os.Open(filepath.Join(redis.Dir, e.Name()))
			require.NoError(t, err)
			require.NoError(t, b.Put(ctx, path.Join(there, e.Name()), 0o755, f))
			require.NoError(t, f.Close())
		}
	}
	config = path.Join(there, "redis.conf")
	harness.Dom0(t, b, "sh", "-c", fmt.Sprintf("printf '%%s' '%s' > %s", redisConfig(there, itsPort), config))
	_, err = b.Start(ctx, bed.Command{Argv: append([]string{"sh", "-c", `exec "$0" "$@" > /run/redis/log 2>&1`}, redis.Argv(there, config)...)})
	require.NoError(t, err)
	answers(t, func() (net.Conn, error) { return b.Dial(ctx, "tcp", fmt.Sprintf("%s:%d", bed.NameServer, itsPort)) })
	t.Cleanup(func() {
		if t.Failed() {
			out, err := b.Exec(context.WithoutCancel(ctx), "tail", "-n", "20", there+"/log")
			t.Logf("redis in dom0 said (%v):\n%s", err, out)
		}
	})

	const variable = "REDIS_ENDPOINTS_CONFIG_PATH"
	s.Env = append(s.Env, "RE_CLUSTER=true", "REDIS_VERSION="+redisVersion, variable+"="+endpoints(t, s, "linux.json", "localhost", port))
	s.Exec += " --env " + variable + "=" + endpoints(t, s, "guests.json", bed.NameServer, itsPort)
}

// answers waits until a redis does.
func answers(t *testing.T, dial func() (net.Conn, error)) {
	t.Helper()
	require.Eventually(t, func() bool {
		c, err := dial()
		if err == nil {
			c.Close()
		}
		return err == nil
	}, time.Minute, 100*time.Millisecond, "redis does not answer")
}

func redisConfig(dir string, port int) string {
	return fmt.Sprintf("port %d\ndir %s\nsave \"\"\nprotected-mode no\nenable-debug-command yes\nenable-module-command yes\n", port, dir)
}

// endpoints writes where a redis is into a file in the folder where the tests run,
// and returns its name there.
func endpoints(t *testing.T, s *judge.Suite, name, host string, port int) string {
	t.Helper()
	type endpoint struct {
		Host string `json:"dns_name"`
		Port int    `json:"port"`
	}
	text, err := json.Marshal(map[string]any{"redis": map[string]any{"raw_endpoints": []endpoint{{host, port}}}})
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(s.Dir, name), text, 0o600))
	return name
}

// freePort returns a port that nobody listens on.
func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "localhost:0")
	require.NoError(t, err)
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}
