package fdtable

// A Polled is a file with the events that somebody waits for, and then those that hold.
type Polled struct {
	File   *File // nil for a descriptor that is not open
	Wanted Events
	Got    Events
}

// pollable is what poll and select report.
const pollable = In | Pri | Out | Err | Hup | RdHup

// Poll waits until events of at least one of the files hold, or the deadline has passed, and returns for how many.
func Poll(files []Polled, deadline int64) int {
	if n := check(files); n > 0 || deadline == 0 {
		return n
	}
	w := new(waiter)
	for i := range files {
		if files[i].File == nil {
			continue
		}
		if cancel := notify(files[i].File.Desc, files[i].Wanted, w.wake); cancel != nil {
			defer cancel()
		}
	}
	for {
		if n := check(files); n > 0 {
			return n
		}
		if !w.sleep(deadline) {
			return check(files)
		}
	}
}

// check sets Got and returns how many files have some.
func check(files []Polled) int {
	n := 0
	for i := range files {
		p := &files[i]
		if p.File == nil {
			if p.Got == NVal {
				n++
			}
			continue
		}
		if p.Got = p.File.Desc.Readiness() & (p.Wanted | always) & pollable; p.Got != 0 {
			n++
		}
	}
	return n
}
