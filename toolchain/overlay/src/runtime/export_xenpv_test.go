package runtime

// nonblockingPipe is for tests that have package runtime itself make a pipe.
// On xenpv files are a matter of packages above it.
func nonblockingPipe() (r, w int32, errno int32) { return -1, -1, 38 /* ENOSYS */ }
