package main

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"time"

	"github.com/shirou/gopsutil/v4/cpu"
	"github.com/shirou/gopsutil/v4/disk"
	"github.com/shirou/gopsutil/v4/host"
	"github.com/shirou/gopsutil/v4/load"
	"github.com/shirou/gopsutil/v4/mem"
	"github.com/shirou/gopsutil/v4/net"
	"github.com/shirou/gopsutil/v4/process"

	"example.com/guests/verdict"
)

var psutilProperties = []verdict.Property{
	{Name: "ps-host", Check: psHost},
	{Name: "ps-cpu", Check: psCPU},
	{Name: "ps-memory", Check: psMemory},
	{Name: "ps-disk", Check: psDisk},
	{Name: "ps-net", Check: psNet},
	{Name: "ps-process", Check: psProcess},
	{Name: "ps-files", Check: psFiles},
}

func psHost() error {
	info, err := host.Info()
	if err != nil {
		return err
	}
	name, err := os.Hostname()
	if err != nil {
		return err
	}
	boot := time.Unix(int64(info.BootTime), 0)
	if info.Hostname != name || info.OS != "linux" && info.OS != runtime.GOOS || info.KernelArch != "x86_64" || info.Procs == 0 || time.Since(boot) < 0 || info.KernelVersion == "" {
		return fmt.Errorf("%v", info)
	}
	_, err1 := host.Uptime()
	_, err2 := load.Avg()
	_, err3 := load.Misc()
	return errors.Join(err1, err2, err3)
}

func psCPU() error {
	n, err := cpu.Counts(true)
	if err != nil || n != runtime.NumCPU() {
		return fmt.Errorf("%d processors, %w", n, err)
	}
	infos, err := cpu.Info()
	if err != nil || len(infos) != n || infos[0].ModelName == "" {
		return fmt.Errorf("%v, %w", infos, err)
	}
	stop := make(chan struct{})
	go func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
		}
	}()
	defer close(stop)
	percent, err := cpu.Percent(500*time.Millisecond, true)
	if err == nil && (len(percent) != n || slices.Max(percent) < 20) {
		err = fmt.Errorf("%v", percent)
	}
	return err
}

func psMemory() error {
	v, err := mem.VirtualMemory()
	if err != nil {
		return err
	}
	if v.Total < 16<<20 || v.Available == 0 || v.Available > v.Total || v.Used > v.Total {
		return fmt.Errorf("%v", v)
	}
	_, err = mem.SwapMemory()
	return err
}

// psDisk has the file system of the working directory get fuller.
func psDisk() error {
	parts, err := disk.Partitions(true)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(parts, func(p disk.PartitionStat) bool { return p.Mountpoint == "/" }) {
		return fmt.Errorf("%v", parts)
	}
	dir, err := os.MkdirTemp("", "metrics")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	before, err := disk.Usage(dir)
	if err != nil {
		return err
	}
	if err := os.WriteFile(dir+"/large", make([]byte, 4<<20), 0o600); err != nil {
		return err
	}
	after, err := disk.Usage(dir)
	if err == nil && (after.Total == 0 || after.Used+after.Free > after.Total || os.Getpid() == 1 && after.Used-before.Used < 4<<20) {
		err = fmt.Errorf("%v, and then %v", before, after)
	}
	_, err2 := disk.IOCounters()
	return errors.Join(err, err2)
}

func psNet() error {
	before, err := net.IOCounters(true)
	if err != nil {
		return err
	}
	const size = 1 << 20
	done, err := traffic(size)
	if err != nil {
		return err
	}
	defer done()
	after, err := net.IOCounters(true)
	if err != nil {
		return err
	}
	lo := func(list []net.IOCountersStat) uint64 {
		for _, c := range list {
			if c.Name == "lo" {
				return c.BytesRecv
			}
		}
		return 0
	}
	if lo(after)-lo(before) < size {
		return fmt.Errorf("%v, and then %v", before, after)
	}
	connections, err := net.ConnectionsPid("tcp", int32(os.Getpid()))
	if err != nil {
		return err
	}
	states := map[string]int{}
	for _, c := range connections {
		if c.Fd == 0 {
			return fmt.Errorf("of no descriptor: %v", c)
		}
		states[c.Status]++
	}
	if states["LISTEN"] < 1 || states["ESTABLISHED"] < 2 {
		return fmt.Errorf("%v", connections)
	}
	interfaces, err := net.Interfaces()
	if err == nil && len(interfaces) == 0 {
		err = errors.New("no interfaces")
	}
	_, err2 := net.ProtoCounters(nil)
	return errors.Join(err, err2)
}

func psProcess() error {
	p, err := process.NewProcess(int32(os.Getpid()))
	if err != nil {
		return err
	}
	before, err := p.Times()
	if err != nil {
		return err
	}
	for start := time.Now(); ; {
		after, err := p.Times()
		if err != nil {
			return err
		}
		if after.User+after.System >= before.User+before.System+0.1 {
			break
		}
		if time.Since(start) > 10*time.Second {
			return fmt.Errorf("%v, and then %v", before, after)
		}
	}
	name, err1 := p.Name()
	command, err2 := p.Cmdline()
	memory, err3 := p.MemoryInfo()
	threads, err4 := p.NumThreads()
	created, err5 := p.CreateTime()
	cwd, err6 := p.Cwd()
	_, err7 := p.Exe()
	_, err8 := p.Status()
	_, err9 := p.NumCtxSwitches()
	_, err10 := p.Rlimit()
	if err := errors.Join(err1, err2, err3, err4, err5, err6, err7, err8, err9, err10); err != nil {
		return err
	}
	wd, _ := os.Getwd()
	if name == "" || command == "" || memory.RSS < 1<<20 || memory.VMS < memory.RSS || threads < 1 || cwd != wd {
		return fmt.Errorf("%s %s %v %d threads in %s", name, command, memory, threads, cwd)
	}
	if age := time.Since(time.UnixMilli(created)); age < -2*time.Second || age > 24*time.Hour {
		return fmt.Errorf("created %v ago", age)
	}
	pids, err := process.Pids()
	if err == nil && !slices.Contains(pids, p.Pid) {
		err = fmt.Errorf("processes %v", pids)
	}
	return err
}

func psFiles() error {
	f, err := os.CreateTemp("", "open")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	defer f.Close()
	p, err := process.NewProcess(int32(os.Getpid()))
	if err != nil {
		return err
	}
	n, err := p.NumFDs()
	if err != nil {
		return err
	}
	open, err := p.OpenFiles()
	if err != nil {
		return err
	}
	if int(n) < len(open) || !slices.ContainsFunc(open, func(o process.OpenFilesStat) bool { return o.Path == f.Name() && o.Fd == uint64(f.Fd()) }) {
		return fmt.Errorf("%d descriptors, %v", n, open)
	}
	return nil
}
