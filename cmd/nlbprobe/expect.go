package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/nlbprobe/nlbprobe/diagnose"
	"github.com/nlbprobe/nlbprobe/event"
	"github.com/nlbprobe/nlbprobe/nearest"
)

// retryPause is the time between two tries of a change window: short enough to
// see a fix at once, long enough to be no load on a router.
const retryPause = 2 * time.Second

// checkExpect refuses a verdict that there is none of.
func checkExpect(verdict string, retry time.Duration) error {
	switch {
	case verdict == "" && retry != 0:
		return errors.New("--retry-for goes with --expect VERDICT, as --expect reachable --retry-for 2m")
	case retry < 0 || retry > 7*24*time.Hour:
		return fmt.Errorf("--retry-for %v is not between 0 and 168h", retry)
	case verdict == "":
		return nil
	}
	var names []string
	for _, v := range diagnose.Verdicts() {
		// A live probe never says "seen".
		if v != diagnose.Seen {
			names = append(names, string(v))
		}
	}
	if slices.Contains(names, verdict) {
		return nil
	}
	text := fmt.Sprintf("no verdict is called %q", clip(verdict))
	if n := nearest.Word(verdict, names); n != "" {
		text += fmt.Sprintf("; did you mean %s?", n)
	}
	return errors.New(text + "; there are " + strings.Join(names, ", "))
}

// until repeats the probe until every VIP has the expected verdict, or the time
// is up, or it is interrupted. It tells to of the last try only. The exit
// status is 0 where the expectation was met, and otherwise that of the last
// try, but critical where that is 0 or 1: what was expected is not so.
func (s *session) until(ctx context.Context, to event.Listener, rec *recorder) error {
	want := diagnose.Verdict(s.o.expect)
	begin := time.Now()
	end := begin.Add(s.o.retry)
	var (
		last *try
		err  error
	)
	for n := 1; ; n++ {
		last = &try{}
		err = s.once(ctx, last)
		if err != nil || last.all(want) || ctx.Err() != nil || !time.Now().Add(retryPause).Before(end) {
			break
		}
		s.progress(n, last, want, time.Until(end))
		pause := time.NewTimer(retryPause)
		select {
		case <-ctx.Done():
		case <-pause.C:
		}
		pause.Stop()
		if ctx.Err() != nil {
			break
		}
	}
	s.clearProgress()
	last.replay(to)
	err = rec.end(err)
	status, ok := errors.AsType[*statusError](err)
	if !ok || status.err != nil {
		return err
	}
	if last.all(want) {
		fmt.Fprintf(s.io.err, "nlbprobe: %s as expected, after %s\n", want, time.Since(begin).Round(100*time.Millisecond))
		return &statusError{status: exitOK}
	}
	spent := time.Since(begin)
	text := fmt.Sprintf("not %s within %s", want, spent.Round(100*time.Millisecond))
	if ctx.Err() == nil && spent < s.o.retry {
		text += fmt.Sprintf("; no further try fits into --retry-for %v, with a pause of %v before it", s.o.retry, retryPause)
	}
	fmt.Fprintf(s.io.err, "nlbprobe: %s\n", text)
	if status.status < exitCritical {
		return &statusError{status: exitCritical}
	}
	return status
}

// progress says on one line what a try found: over and over on the same line of
// a terminal, and as a line each elsewhere.
func (s *session) progress(n int, last *try, want diagnose.Verdict, left time.Duration) {
	line := fmt.Sprintf("try %d: %s; expecting %s, %s left", n, last, want, left.Round(time.Second))
	if f, ok := s.io.err.(*os.File); ok && isTerminal(f) {
		const width = 79
		fmt.Fprintf(f, "\r\x1b[K%.*s", width, line)
		return
	}
	fmt.Fprintf(s.io.err, "nlbprobe: %s\n", line)
}

func (s *session) clearProgress() {
	if f, ok := s.io.err.(*os.File); ok && isTerminal(f) {
		fmt.Fprint(f, "\r\x1b[K")
	}
}

// try is a Listener that holds what one try found, until it is known whether it
// is the last.
type try struct {
	mu      sync.Mutex
	events  []func(event.Listener)
	results []event.Result
}

// Answer implements event.Listener.
func (t *try) Answer(a event.Answer) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.events = append(t.events, func(to event.Listener) { to.Answer(a) })
}

// Heard implements event.Listener.
func (t *try) Heard(h event.Heard) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.events = append(t.events, func(to event.Listener) { to.Heard(h) })
}

// SoFar implements event.Listener: a try is told as a whole.
func (t *try) SoFar(event.SoFar) {}

// Result implements event.Listener.
func (t *try) Result(r event.Result) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.events = append(t.events, func(to event.Listener) { to.Result(r) })
	t.results = append(t.results, r)
}

// replay tells to what was held back, in order.
func (t *try) replay(to event.Listener) {
	for _, e := range t.events {
		e(to)
	}
}

// all reports whether every result has the verdict, and there is one.
func (t *try) all(want diagnose.Verdict) bool {
	return len(t.results) > 0 && !slices.ContainsFunc(t.results, func(r event.Result) bool { return r.Diagnosis.Verdict != want })
}

// String gives each VIP with its verdict.
func (t *try) String() string {
	words := make([]string, len(t.results))
	for i, r := range t.results {
		words[i] = fmt.Sprintf("%s %s", r.VIP, r.Diagnosis.Verdict)
	}
	return strings.Join(words, ", ")
}
