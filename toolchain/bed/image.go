package bed

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"internal/xengo/toolchain/bed/mux"
)

// bootTimeout bounds a cold boot, which takes about 15 s on an idle machine.
const bootTimeout = 5 * time.Minute

// image returns the directory with the boot files and the saved state, making
// what is missing.
func (o *Options) image(ctx context.Context) (string, error) {
	r, cache, err := o.place()
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return "", err
	}
	unlock, err := lock(ctx, filepath.Join(cache, "lock-"+o.kind(r)), o.logf)
	if err != nil {
		return "", err
	}
	defer unlock()
	version, err := ensureQEMU(ctx, o)
	if err != nil {
		return "", err
	}
	debs, err := packages(ctx, o, cache, r)
	if err != nil {
		return "", err
	}
	key, err := imageKey(r, debs, version, o.machine())
	if err != nil {
		return "", err
	}
	dir := filepath.Join(cache, "image-"+o.kind(r)+"-"+key)
	if _, err := os.Stat(filepath.Join(dir, "state")); err != nil {
		if err := o.makeImage(ctx, dir, debs, r); err != nil {
			return "", err
		}
	}
	if err := used(dir); err != nil {
		return "", err
	}
	return dir, prune(cache, o.kind(r))
}

// imageKey names all that decides what the saved state is.
func imageKey(r release, debs []string, emulatorVersion string, machine []string) (string, error) {
	h := sha256.New()
	fmt.Fprintf(h, "%s\n%q\n%s\n%s\n%s\n%q\n%q\n%q\n%s\n", r.xen, machine, xenLine, dom0Line, emulatorVersion, programs, tools, modules, deviceModel)
	for _, d := range debs {
		fmt.Fprintln(h, filepath.Base(d))
	}
	err := fs.WalkDir(parts, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasSuffix(name, "_test.go") {
			return err
		}
		b, err := parts.ReadFile(name)
		fmt.Fprintf(h, "%s %d\n%s", name, len(b), b)
		return err
	})
	return hex.EncodeToString(h.Sum(nil))[:12], err
}

// makeImage builds dom0, boots it once and keeps the state.
func (o *Options) makeImage(ctx context.Context, dir string, debs []string, r release) error {
	start := time.Now()
	o.logf("making dom0 for Xen %s", r.xen)
	agent, err := buildAgent(ctx)
	if err != nil {
		return err
	}
	files, err := makeDom0(ctx, debs, r, agent)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for name, data := range map[string][]byte{"xen": files.xen, "vmlinuz": files.kernel, "dom0.cpio.gz": files.ramdisk} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			return err
		}
	}
	o.logf("booting Xen %s and dom0 once (made dom0 in %.0f s)", r.xen, time.Since(start).Seconds())
	start = time.Now()
	if err := o.bootOnce(ctx, dir); err != nil {
		return fmt.Errorf("boot the bed: %w", err)
	}
	o.logf("booted in %.0f s; from now on it resumes in seconds", time.Since(start).Seconds())
	return nil
}

// bootOnce boots the image and saves the state when its agent answers.
func (o *Options) bootOnce(ctx context.Context, image string) error {
	ctx, cancel := context.WithTimeout(ctx, bootTimeout)
	defer cancel()
	run, err := newRun()
	if err != nil {
		return err
	}
	defer run.remove()
	q, err := startQEMU(o, image, run.dir, nil)
	if err != nil {
		return err
	}
	defer q.kill()
	if err := o.saveReady(ctx, q, filepath.Join(image, "state")); err != nil {
		return q.explain(err)
	}
	return nil
}

// saveReady waits for the agent, lets go of it and saves the machine.
func (o *Options) saveReady(ctx context.Context, q *qemu, state string) error {
	session, conn, err := connect(ctx, q)
	if err != nil {
		return err
	}
	// The page cache would make the state larger, and stale things fresh.
	c := client{open: func() (stream, error) { return session.Open() }}
	err = c.run(ctx, "sh", "-c", "xl list && sync && echo 3 > /proc/sys/vm/drop_caches")
	conn.Close()
	if err != nil {
		return err
	}
	<-session.Done()
	m, err := dialQMP(ctx, q.qmpSocket(), q.dead)
	if err != nil {
		return err
	}
	defer m.conn.Close()
	return m.save(ctx, state)
}

// save stops the machine and writes its state to a file.
func (q *qmp) save(ctx context.Context, file string) error {
	part := file + ".part"
	quoted := "'" + strings.ReplaceAll(part, "'", `'\''`) + "'"
	if err := q.do("stop", nil, nil); err != nil {
		return err
	}
	if err := q.do("migrate-set-parameters", map[string]any{"max-bandwidth": int64(8) << 30}, nil); err != nil {
		return err
	}
	if err := q.do("migrate", map[string]any{"uri": "exec:cat >" + quoted}, nil); err != nil {
		return err
	}
	err := q.waitFor(ctx, "query-migrate", func(status string) (bool, error) {
		if status == "failed" || status == "cancelled" {
			return false, fmt.Errorf("saving the machine's state: %s", status)
		}
		return status == "completed", nil
	})
	if err != nil {
		return err
	}
	return os.Rename(part, file)
}

// connect starts a session with the agent as soon as it answers.
func connect(ctx context.Context, q *qemu) (*mux.Session, closer, error) {
	conn, err := dialSoon(ctx, q.agentSocket(), q.dead)
	if err != nil {
		return nil, nil, err
	}
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	session, err := mux.Dial(conn)
	if !stop() && err == nil {
		err = ctx.Err()
	}
	if err != nil {
		conn.Close()
		return nil, nil, fmt.Errorf("dom0's agent: %w", err)
	}
	return session, conn, nil
}

type closer interface{ Close() error }
