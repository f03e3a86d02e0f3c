package disks

import (
	"sync/atomic"

	"internal/xengo/runtime/kernel"
	"internal/xengo/xen/ascii"
)

// An activity counts what the program has read or written.
type activity struct {
	calls, bytes, ns atomic.Uint64
}

// note counts n bytes of a call that began at start.
func (a *activity) note(n int, start int64) {
	a.calls.Add(1)
	a.bytes.Add(uint64(n))
	a.ns.Add(uint64(kernel.Nanotime() - start))
}

// columns are calls, merged ones, sectors of 512 bytes and milliseconds.
func (a *activity) columns() string {
	return " " + ascii.Utoa(a.calls.Load()) + " 0 " + ascii.Utoa(a.bytes.Load()/512) + " " + ascii.Utoa(a.ns.Load()/1e6)
}

// statistics returns /proc/diskstats, in the format of Linux 6.16 Documentation/admin-guide/iostats.rst up to the column of requests under
// way, which are not counted.
func (s *set) statistics() []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	var b []byte
	for _, d := range s.disks {
		name, minor := d.Node()
		b = append(b, ascii.Utoa(major)+" "+ascii.Utoa(uint64(minor))+" "+name+d.reads.columns()+d.writes.columns()+
			" 0 "+ascii.Utoa((d.reads.ns.Load()+d.writes.ns.Load())/1e6)+" "+ascii.Utoa((d.reads.ns.Load()+d.writes.ns.Load())/1e6)+"\n"...)
	}
	return b
}
