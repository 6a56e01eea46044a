package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"runtime"
	"strings"
)

// safely runs f and makes an error of a panic in it, so that what was learnt
// before is told all the same and the exit status is "unknown": the runtime's
// own, 2, is "critical" to a monitor.
func safely(f func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = newFaultError(v)
		}
	}()
	return f()
}

// newFaultError says in one line what went wrong in the program itself. It must
// be called by the deferred function that recovered from the panic with the
// value v.
func newFaultError(v any) error {
	return fmt.Errorf("a fault of nlbprobe itself, at %s: %s; what it printed before stands; please report this line", panicPlace(), clip(fmt.Sprint(v)))
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

// await runs f, which may wait for ever: a FIFO opens when somebody writes to
// it, standard input may never end. If the context ends first, await returns an
// error that says during what; f is left behind and nothing it brings is used.
func await[T any](ctx context.Context, what string, f func() (T, error)) (T, error) {
	type outcome struct {
		value T
		err   error
	}
	done := make(chan outcome, 1)
	go func() {
		var o outcome
		o.err = safely(func() (err error) {
			o.value, err = f()
			return err
		})
		done <- o
	}()
	select {
	case o := <-done:
		return o.value, o.err
	case <-ctx.Done():
		var none T
		return none, errors.New("interrupted " + what)
	}
}

// sticky is a writer that remembers its first error: the command-line library
// ignores those of writing help.
type sticky struct {
	io.Writer
	err error
}

func (s *sticky) Write(p []byte) (int, error) {
	n, err := s.Writer.Write(p)
	if err != nil && s.err == nil {
		s.err = err
	}
	return n, err
}
