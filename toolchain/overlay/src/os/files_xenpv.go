package os

import _ "internal/xengo/runtime/files" // the system calls on files, and the files
