// Package guard makes errors of panics, so that what was learnt before is told all
// the same, and the exit status is "unknown": the runtime's own, 2, is "critical" to
// a monitor.
package guard

import (
	"fmt"
	"path"
	"runtime"
	"strings"
)

// Safely runs f and makes an error of a panic in it.
func Safely(f func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = Error(v)
		}
	}()
	return f()
}

// maxValue bounds what is said of a panic's value, in bytes.
const maxValue = 60

// Error says in one line what went wrong in the program itself. It must be called
// by the deferred function that recovered from the panic with the value v.
func Error(v any) error {
	value := fmt.Sprint(v)
	if len(value) > maxValue {
		value = value[:maxValue] + "..."
	}
	return fmt.Errorf("a fault of nlbprobe itself, at %s: %s; what it printed before stands; please report this line", panicPlace(), value)
}

// panicPlace is the file and line that the panic under way came from.
func panicPlace() string {
	pcs := make([]uintptr, 64)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(1, pcs)])
	panicked := false
	for {
		f, more := frames.Next()
		inRuntime := strings.HasPrefix(f.Function, "runtime.")
		if panicked && !inRuntime {
			return fmt.Sprintf("%s:%d", path.Base(f.File), f.Line)
		}
		panicked = panicked || f.Function == "runtime.gopanic"
		if !more {
			return "an unknown place"
		}
	}
}
