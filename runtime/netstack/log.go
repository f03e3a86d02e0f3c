package netstack

import (
	"fmt"
	"time"

	"gvisor.dev/gvisor/pkg/log"
)

// SetLog has print told what the stack logs, which is about single packets and of no use to most: nil for nobody. Without it, that
// goes to standard error.
func SetLog(print func(line string)) { log.SetTarget(emitter{print}) }

type emitter struct{ print func(line string) }

func (e emitter) Emit(_ int, _ log.Level, _ time.Time, format string, v ...any) {
	if e.print != nil {
		e.print("xengo: network: " + fmt.Sprintf(format, v...))
	}
}
