package calls

// A Program is another program that the caller wants to be started.
type Program struct {
	Path  string // absolute
	Dir   string // to start it in, absolute
	Argv  []string
	Env   []string
	Files [3]int // descriptors of the caller that are its 0, 1 and 2; -1 is none
}

// StartProgram starts one and returns the number by which it can be waited for. It is nil where nothing can start
// programs, which is everywhere but with package spawn.
var StartProgram func(p *Program) (pid int, err Errno)
