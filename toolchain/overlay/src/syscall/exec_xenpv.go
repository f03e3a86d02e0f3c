//go:build xengo_spawn

package syscall

import (
	"internal/bytealg"
	"internal/xengo/runtime/calls"
)

func init() { startProgram = startElsewhere }

// startElsewhere is forkExec. What a program that runs elsewhere cannot have is
// an error.
func startElsewhere(argv0 string, argv []string, attr *ProcAttr) (pid int, err error) {
	if calls.StartProgram == nil {
		return 0, errOneProgram{}
	}
	if attr == nil {
		attr = &zeroProcAttr
	}
	if err := possible(attr); err != nil {
		return 0, err
	}
	for _, s := range [][]string{{argv0, attr.Dir}, argv, attr.Env} {
		for _, s := range s {
			if bytealg.IndexByteString(s, 0) >= 0 {
				return 0, EINVAL
			}
		}
	}
	p := calls.Program{Argv: argv, Env: attr.Env, Files: [3]int{-1, -1, -1}}
	for i, fd := range attr.Files {
		p.Files[i] = int(int32(fd))
	}
	if p.Dir, err = absolute("", attr.Dir); err != nil {
		return 0, err
	}
	if argv0 == "" {
		return 0, ENOENT
	}
	if p.Path, err = absolute(p.Dir, argv0); err != nil {
		return 0, err
	}
	bubble := runtime_leaveBubble()
	pid, errno := calls.StartProgram(&p)
	runtime_enterBubble(bubble)
	if errno != 0 {
		return 0, Errno(errno)
	}
	return pid, nil
}

// possible returns why a program with these attributes cannot be started.
func possible(attr *ProcAttr) error {
	if len(attr.Files) > 3 {
		return ENOSYS
	}
	s := attr.Sys
	if s == nil {
		return nil
	}
	switch {
	case s.Chroot != "", s.Credential != nil, s.Ptrace, s.AmbientCaps != nil, s.Cloneflags != 0, s.Unshareflags != 0,
		s.UidMappings != nil, s.GidMappings != nil, s.UseCgroupFD:
		return EPERM
	case s.Setsid, s.Setpgid, s.Setctty, s.Noctty, s.Foreground, s.Pgid != 0, s.Pdeathsig != 0, s.PidFD != nil:
		return ENOSYS
	}
	return nil
}

// absolute returns where a path leads from dir, or from the working directory.
func absolute(dir, path string) (string, error) {
	if path != "" && path[0] == '/' {
		return path, nil
	}
	if dir == "" {
		wd, err := Getwd()
		if err != nil {
			return "", err
		}
		dir = wd
	}
	if path == "" {
		return dir, nil
	}
	return dir + "/" + path, nil
}
