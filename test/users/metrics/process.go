package main

import (
	"fmt"
	"runtime/metrics"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"example.com/guests/verdict"
)

var processProperties = []verdict.Property{{Name: "process-collector", Check: processCollector}}

// processCollector reads what every program shows that has client_golang's default registry.
func processCollector() error {
	r := prometheus.NewRegistry()
	err := r.Register(collectors.NewProcessCollector(collectors.ProcessCollectorOpts{ReportErrors: true}))
	if err != nil {
		return err
	}
	families, err := r.Gather()
	if err != nil {
		return err
	}
	values := map[string]float64{}
	for _, f := range families {
		m := f.GetMetric()[0]
		values[f.GetName()] = m.GetGauge().GetValue() + m.GetCounter().GetValue()
	}
	for _, name := range []string{"process_cpu_seconds_total", "process_open_fds", "process_max_fds", "process_resident_memory_bytes",
		"process_virtual_memory_bytes", "process_start_time_seconds"} {
		if values[name] <= 0 {
			return fmt.Errorf("%s is %v", name, values[name])
		}
	}
	live := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(live)
	if rss := values["process_resident_memory_bytes"]; rss < float64(live[0].Value.Uint64()) {
		return fmt.Errorf("%v bytes are resident, the heap has %v", rss, live[0].Value.Uint64())
	}
	return nil
}
