package bed

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
)

const (
	emulator = "qemu-system-x86_64"
	memory   = "4096" // MB of the machine: dom0 has 1024, so that a guest of 2048 fits

	// dom0 has the first of the machine's processors, guests the others: a PVH guest
	// on the first one is ended now and then. Whichever processor restores the FPU's
	// state, QEMU 7.2 writes the first one's hflags2 (cpu_set_fpus in
	// target/i386/tcg/fpu_helper.c), not atomically. Where that one enters or leaves
	// a guest meanwhile, what it writes there is undone: Xen goes on with the guest's
	// nested paging, or the guest without it.
	processors = 3
	busy       = processors - 1 // of this machine's processors, that guests keep so
)

// The command lines of Xen and dom0. cpuidle=0: Xen's idle loop would take a
// #GP in mwait. eager-fpu: QEMU's XSAVE ignores CR0.TS, so that a guest would
// save the registers of the vCPU before it. credit2_runqueue: the lock of one run
// queue for all processors is a ticket lock, for which each waits whenever this
// machine does not run another. dom0_vcpus_pin: see processors. tsc=reliable:
// dom0's watchdog would drop the emulated TSC. spec-ctrl=no and from mitigations
// to psi: the emulator does not speculate, its guests are tests, and without all
// that what starts and ends a guest takes about two thirds as long.
const (
	xenLine  = "cpuidle=0 spec-ctrl=no,eager-fpu com1=115200,8n1 console=com1 dom0_mem=1024M loglvl=all guest_loglvl=all dom0_max_vcpus=1 dom0_vcpus_pin credit2_runqueue=cpu"
	dom0Line = "console=hvc0 nokaslr rdinit=/init quiet loglevel=4 mitigations=off init_on_alloc=0 cgroup_disable=memory audit=0 security=none psi=0 tsc=reliable clocksource=tsc"
)

// machine is the part of QEMU's command line that decides what the machine is:
// a saved state fits the same one only. Of the CPU: svm makes PVH guests
// possible; QEMU 7.2 gets SMAP wrong for returns to ring 3, and intercepted
// RDTSCP; without monitor Xen does not idle in mwait.
func (o *Options) machine() []string {
	accel := []string{"-accel", "tcg,thread=multi"}
	if o.Counting || o.Serial {
		accel[1] = "tcg,thread=single"
	}
	if o.Counting {
		accel = append(accel, "-icount", "shift=0,sleep=off")
	}
	return append(accel, devices...)
}

var devices = []string{
	"-machine", "q35", "-cpu", "EPYC,+svm,-smap,-monitor,-rdtscp",
	"-smp", strconv.Itoa(processors), "-m", memory, "-display", "none", "-no-reboot", "-nodefaults",
	"-device", "virtio-serial-pci,max_ports=2", "-device", "virtserialport,chardev=agent,nr=1,name=xengo.agent",
	"-device", "virtio-9p-pci,fsdev=share0,mount_tag=share0", "-device", "virtio-9p-pci,fsdev=share1,mount_tag=share1",
	"-device", "virtio-9p-pci,fsdev=share2,mount_tag=share2", "-device", "virtio-9p-pci,fsdev=share3,mount_tag=share3",
}

// MaxShares is how many directories of the host dom0 can mount.
const MaxShares = 4

// shares are QEMU's arguments for the directories that dom0 can mount. A state that was
// saved has the devices, and not the directories; what is none of these is empty.
func shares(dirs []string, empty string) (args []string) {
	for i := range MaxShares {
		dir := empty
		if i < len(dirs) {
			dir = dirs[i]
		}
		args = append(args, "-fsdev", fmt.Sprintf("local,id=share%d,path=%s,security_model=none,multidevs=remap", i, strings.ReplaceAll(dir, ",", ",,")))
	}
	return args
}

// qemu is a running emulator.
type qemu struct {
	cmd  *exec.Cmd
	dir  string // its sockets and logs
	dead chan struct{}
	err  error // how it ended, once dead
}

func (q *qemu) agentSocket() string { return filepath.Join(q.dir, "agent.sock") }
func (q *qemu) qmpSocket() string   { return filepath.Join(q.dir, "qmp.sock") }
func (q *qemu) log() string         { return filepath.Join(q.dir, "xen.log") }

// startQEMU starts Xen and dom0 of the image in dir; with a state it resumes
// that, and waits for "cont".
func startQEMU(o *Options, image, dir string, state *os.File) (*qemu, error) {
	q := &qemu{dir: dir, dead: make(chan struct{})}
	empty := filepath.Join(dir, "empty")
	if err := os.Mkdir(empty, 0o700); err != nil {
		return nil, err
	}
	args := append(shares(o.Shares, empty), o.machine()...)
	args = append(args,
		"-chardev", "socket,id=agent,server=on,wait=off,path="+q.agentSocket(),
		"-chardev", "socket,id=qmp,server=on,wait=off,path="+q.qmpSocket(), "-mon", "chardev=qmp,mode=control",
		"-serial", "file:"+q.log(),
		"-kernel", filepath.Join(image, "xen"), "-append", xenLine,
		"-initrd", filepath.Join(image, "vmlinuz")+" "+dom0Line+","+filepath.Join(image, "dom0.cpio.gz"))
	if o.GDB != "" {
		args = append(args, "-gdb", "tcp:"+o.GDB)
	}
	if state != nil {
		args = append(args, "-incoming", "fd:3")
	}
	q.cmd = exec.Command(emulator, args...)
	if state != nil {
		q.cmd.ExtraFiles = []*os.File{state}
	}
	// A group of its own: Ctrl-C is ours to handle. The kernel kills it when
	// we die.
	q.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	started := make(chan error)
	go q.run(started)
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start %s: %w", emulator, err)
	}
	return q, nil
}

// run starts the process and waits for it, on a thread that lives as long: it
// is the thread whose death the kernel takes for the parent's.
func (q *qemu) run(started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var msg bytes.Buffer
	q.cmd.Stderr = &msg
	err := q.cmd.Start()
	started <- err
	if err != nil {
		return
	}
	q.err = q.cmd.Wait()
	if msg.Len() > 0 {
		q.err = fmt.Errorf("%w\n%s", errOr(q.err, "ended"), bytes.TrimSpace(msg.Bytes()))
	}
	close(q.dead)
}

func errOr(err error, text string) error {
	if err != nil {
		return err
	}
	return fmt.Errorf("%s", text)
}

// kill ends the emulator and waits until it has.
func (q *qemu) kill() error {
	err := q.cmd.Process.Kill()
	<-q.dead
	if err != nil && err != os.ErrProcessDone {
		return err
	}
	return nil
}

// explain adds to err what QEMU said if it is dead, and the end of Xen's log.
func (q *qemu) explain(err error) error {
	select {
	case <-q.dead:
		err = fmt.Errorf("%w: QEMU: %w", err, errOr(q.err, "ended"))
	default:
	}
	if b, readErr := os.ReadFile(q.log()); readErr == nil && len(b) > 0 {
		err = fmt.Errorf("%w\nXen's log ends with:\n%s", err, b[max(0, len(b)-2000):])
	}
	return err
}

// ensureQEMU installs the emulator if it is missing, and returns its version.
func ensureQEMU(ctx context.Context, o *Options) (string, error) {
	if _, err := exec.LookPath(emulator); err != nil {
		o.logf("installing qemu-system-x86 (apt-get install)")
		cmd := exec.CommandContext(ctx, "apt-get", "install", "-q", "-y", "--no-install-recommends", "qemu-system-x86")
		cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
		if _, err := output(cmd); err != nil {
			return "", fmt.Errorf("install qemu-system-x86 (as root, apt-get install qemu-system-x86 does): %w", err)
		}
	}
	version, err := output(exec.CommandContext(ctx, emulator, "--version"))
	return string(version), err
}
