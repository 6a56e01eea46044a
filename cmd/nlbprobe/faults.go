package main

import (
	"context"
	"errors"
	"io"

	"github.com/nlbprobe/nlbprobe/guard"
)

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
		o.err = guard.Safely(func() (err error) {
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
