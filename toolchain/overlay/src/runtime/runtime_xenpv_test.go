package runtime_test

import (
	"syscall"
	"testing"
	"time"

	. "runtime"
)

// The first thread is the process's, and init functions run on it (runtime_linux_test.go).
var firstPID, firstTID int

func init() {
	firstPID, firstTID = syscall.Getpid(), syscall.Gettid()
	LockOSThread()

	sysNanosleep = func(d time.Duration) {
		ts := syscall.NsecToTimespec(int64(d))
		for syscall.Nanosleep(&ts, &ts) == syscall.EINTR {
		}
	}
}

func TestLockOSThread(t *testing.T) {
	if firstPID != firstTID {
		t.Fatalf("init functions run as process %d on thread %d", firstPID, firstTID)
	}
}
