package main

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"time"

	"github.com/alecthomas/kingpin/v2"
	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/node_exporter/collector"

	"example.com/guests/verdict"
)

// allCollectors enables those as well that are not by default and are of use in a guest.
var allCollectors = []string{"--collector.interrupts", "--collector.network_route", "--collector.processes", "--collector.softirqs",
	"--collector.mountstats"}

// needed are the collectors that find what they look for on every machine.
var needed = []string{"cpu", "entropy", "filefd", "filesystem", "loadavg", "meminfo", "netclass", "netdev", "netstat",
	"sockstat", "stat", "time", "uname", "udp_queues", "vmstat", "processes", "network_route"}

var nodeProperties = []verdict.Property{
	{Name: "node-collectors", Check: nodeCollectors},
	{Name: "node-memory", Check: nodeMemory},
	{Name: "node-cpu", Check: nodeCPU},
	{Name: "node-network", Check: nodeNetwork},
}

// registry has the collectors, which can be made once.
var registry *prometheus.Registry

// gather reads all metrics.
func gather(flags []string) ([]*dto.MetricFamily, error) {
	if registry == nil {
		if _, err := kingpin.CommandLine.Parse(flags); err != nil {
			return nil, err
		}
		logger := slog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{Level: level()}))
		c, err := collector.NewNodeCollector(logger)
		if err != nil {
			return nil, err
		}
		registry = prometheus.NewRegistry()
		if err := registry.Register(c); err != nil {
			return nil, err
		}
	}
	return registry.Gather()
}

// level has collectors say why they find nothing if everything is to be shown.
func level() slog.Level {
	if len(os.Args) > 1 {
		return slog.LevelDebug
	}
	return slog.LevelError + 1
}

// values are all metrics by name and, in braces, what tells them apart.
func values() (map[string]float64, error) {
	families, err := gather(allCollectors)
	all := map[string]float64{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			key := f.GetName()
			for _, l := range m.GetLabel() {
				key += "{" + l.GetValue() + "}"
			}
			all[key] = m.GetGauge().GetValue() + m.GetCounter().GetValue() + m.GetUntyped().GetValue()
		}
	}
	return all, err
}

func nodeCollectors() error {
	m, err := values()
	errs := []error{err}
	for _, name := range needed {
		if m["node_scrape_collector_success{"+name+"}"] != 1 {
			errs = append(errs, fmt.Errorf("%s finds nothing", name))
		}
	}
	for _, name := range []string{"node_boot_time_seconds", "node_forks_total", "node_context_switches_total", "node_procs_running",
		"node_netstat_Tcp_ActiveOpens", "node_netstat_Udp_InDatagrams", "node_sockstat_TCP_inuse", "node_filefd_maximum", "node_intr_total",
		"node_network_mtu_bytes{lo}", "node_network_up{lo}", "node_load1", "node_processes_threads"} {
		if _, ok := m[name]; !ok {
			errs = append(errs, fmt.Errorf("%s is missing", name))
		}
	}
	if boot := time.Unix(int64(m["node_boot_time_seconds"]), 0); time.Since(boot) < 0 {
		errs = append(errs, fmt.Errorf("the machine was started at %v", boot))
	}
	if m["node_boot_time_seconds"] == 0 {
		errs = append(errs, errors.New("no boot time"))
	}
	return errors.Join(errs...)
}

// nodeMemory sees memory that the program takes.
func nodeMemory() error {
	before, err := values()
	if err != nil {
		return err
	}
	runtime.GC()
	block := make([]byte, 16<<20)
	for i := range block {
		block[i] = byte(i)
	}
	after, err := values()
	runtime.KeepAlive(block)
	if total := after["node_memory_MemTotal_bytes"]; total < 16<<20 || after["node_memory_MemAvailable_bytes"] > total || after["node_memory_MemFree_bytes"] > total {
		return fmt.Errorf("%v bytes of %v are available, %v free", after["node_memory_MemAvailable_bytes"], total, after["node_memory_MemFree_bytes"])
	}
	const free = "node_memory_MemAvailable_bytes"
	if err == nil && os.Getpid() == 1 && before[free]-after[free] < 4<<20 {
		err = fmt.Errorf("%v bytes were available, and then %v", before[free], after[free])
	}
	return err
}

// nodeCPU sees time go by, on a processor that works.
func nodeCPU() error {
	before, err := values()
	if err != nil {
		return err
	}
	for start := time.Now(); time.Since(start) < 500*time.Millisecond; {
	}
	after, err := values()
	if err != nil {
		return err
	}
	busy := 0.0
	for cpu := range runtime.NumCPU() {
		for _, mode := range []string{"user", "system", "steal"} {
			key := fmt.Sprintf("node_cpu_seconds_total{%d}{%s}", cpu, mode)
			if after[key] < before[key] {
				return fmt.Errorf("%s was %v and is %v", key, before[key], after[key])
			}
			busy += after[key] - before[key]
		}
	}
	if busy < 0.2 {
		return fmt.Errorf("%v seconds of work", busy)
	}
	return nil
}

// nodeNetwork sees what goes through the loopback interface, and a connection.
func nodeNetwork() error {
	before, err := values()
	if err != nil {
		return err
	}
	const size = 1 << 20
	done, err := traffic(size)
	if err != nil {
		return err
	}
	defer done()
	after, err := values()
	if err != nil {
		return err
	}
	for _, key := range []string{"node_network_receive_bytes_total{lo}", "node_network_transmit_bytes_total{lo}"} {
		if n := after[key] - before[key]; n < size {
			return fmt.Errorf("%s grew by %v", key, n)
		}
	}
	for _, key := range []string{"node_netstat_Tcp_ActiveOpens", "node_netstat_Tcp_PassiveOpens", "node_netstat_Tcp_InSegs", "node_netstat_Tcp_OutSegs"} {
		if after[key] <= before[key] {
			return fmt.Errorf("%s was %v and is %v", key, before[key], after[key])
		}
	}
	if n := after["node_sockstat_TCP_inuse"]; n < 3 {
		return fmt.Errorf("%v sockets", n)
	}
	return nil
}
