// Package analysis reads captures as one and judges every VIP and connection in
// them, at the end or while they are still being written.
package analysis

import (
	"context"
	"errors"
	"io"
	"iter"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/nlbprobe/nlbprobe/capture"
	"github.com/nlbprobe/nlbprobe/diagnose"
	"github.com/nlbprobe/nlbprobe/event"
	"github.com/nlbprobe/nlbprobe/evidence"
	"github.com/nlbprobe/nlbprobe/guard"
	"github.com/nlbprobe/nlbprobe/mac"
	"github.com/nlbprobe/nlbprobe/mss"
	"github.com/nlbprobe/nlbprobe/replay"
)

// Analysis is captures being read. Read reads them; the other methods may be called
// while Read calls tick, and after it has returned.
type Analysis struct {
	// Heard is told of each different answer for a VIP the moment it is met, by
	// another goroutine than the one that called Read, though never beside tick. It
	// may be nil, and is set before Read.
	Heard func(event.Answer)

	inputs *inputs

	mu      sync.Mutex // held by the reading goroutine while it takes a frame
	replay  *replay.Replay
	place   []evidence.Item // what the captures say besides frames
	faults  []error
	known   int // how many facts that was
	skipped int // packets that are neither Ethernet frames nor hold IP
	stopped bool
	given   map[netip.Addr]string // the gist of what Changes gave of a VIP last
}

// New returns an analysis of captures, in which those VIPs alone are judged; if none
// is given, all that are found.
func New(captures []Input, vips ...netip.Addr) *Analysis {
	a := &Analysis{inputs: newInputs(captures), replay: replay.New(vips...), given: make(map[netip.Addr]string)}
	a.replay.Heard = func(ans event.Answer) {
		if a.Heard != nil {
			a.Heard(ans)
		}
	}
	return a
}

// maxFaults bounds the faults that are kept; a capture has one or two.
const maxFaults = 1000

// Fault adds to the faults of the captures, as one that could not be opened.
func (a *Analysis) Fault(err error) {
	if len(a.faults) < maxFaults {
		a.faults = append(a.faults, err)
	}
}

// Faults are why not all of the captures could be read.
func (a *Analysis) Faults() []error { return a.faults }

// Skipped is how many packets were left out as they are neither Ethernet frames nor
// hold IP.
func (a *Analysis) Skipped() int { return a.skipped }

// Seen is what was read so far, in figures.
func (a *Analysis) Seen() replay.Seen { return a.replay.Seen() }

// Read reads all captures to their end, or until the context ends. At each of ticks
// it calls tick, while no frame is taken. A read that waits when the context ends is
// left behind, and nothing that it brings is used.
func (a *Analysis) Read(ctx context.Context, ticks <-chan time.Time, tick func(now time.Time)) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := guard.Safely(func() error { a.readAll(); return nil }); err != nil {
			a.mu.Lock()
			defer a.mu.Unlock()
			if !a.stopped {
				a.Fault(err) // what was read until then is judged
			}
		}
	}()
	for {
		select {
		case <-done:
			return
		case <-ctx.Done():
			a.mu.Lock()
			defer a.mu.Unlock()
			a.stopped = true
			return
		case now := <-ticks:
			a.mu.Lock()
			tick(now)
			a.mu.Unlock()
		}
	}
}

// batch is how many frames are taken with the lock held if no read waits: taking it
// costs as much as a frame does.
const batch = 256

// readAll reads every frame.
func (a *Analysis) readAll() {
	sources := make([]capture.Source, len(a.inputs.of))
	for i, in := range a.inputs.of {
		sources[i] = in
	}
	var source capture.Source = capture.NewMerge(sources...)
	if len(sources) == 1 {
		source = sources[0]
	}
	var f evidence.Frame
	more := true
	one := func(err error) {
		a.mu.Lock()
		defer a.mu.Unlock()
		more = a.take(err, &f) && !a.stopped
	}
	many := func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		for n := 0; n < batch && more; n++ {
			more = a.take(source.Next(&f), &f)
		}
		more = more && !a.stopped
	}
	waits := slices.ContainsFunc(a.inputs.of, func(in *input) bool { return in.Waits })
	for more {
		if waits {
			one(source.Next(&f))
			continue
		}
		many()
	}
}

// take takes a frame, or the fault of a capture, and reports whether there may be
// more.
func (a *Analysis) take(err error, f *evidence.Frame) bool {
	if a.stopped {
		return false
	}
	if noted := a.inputs.noted; noted != a.known || err != nil {
		a.known = noted
		a.gatherPlace()
	}
	switch {
	case err == nil:
		a.replay.Frame(f)
	case errors.Is(err, io.EOF):
		return false
	default:
		a.Fault(err)
		return len(a.inputs.of) > 1 // a merge goes on with the others
	}
	return true
}

// gatherPlace puts together what the captures say besides frames.
func (a *Analysis) gatherPlace() {
	a.place, a.skipped = nil, 0
	for i, in := range a.inputs.of {
		facts, skipped := in.said()
		a.place = append(a.place, facts...)
		a.skipped += skipped
		source := i + 1 // as a merge numbers them
		if len(a.inputs.of) == 1 {
			source = 0
		}
		a.replay.Place(source, facts)
	}
}

// Results judges every VIP by what was read. partial says that not all of it could
// be, as somebody ended the reading.
func (a *Analysis) Results(partial bool) iter.Seq[event.Result] {
	return func(yield func(event.Result) bool) {
		for _, vip := range a.replay.VIPs() {
			r := a.result(vip)
			r.Partial = partial
			if !yield(r) {
				return
			}
		}
	}
}

// Changes judges each VIP of which there is more to say than Changes said last. The
// captures are taken to be still open.
func (a *Analysis) Changes() iter.Seq[event.Result] {
	return func(yield func(event.Result) bool) {
		for _, vip := range a.replay.VIPs() {
			if !a.replay.Changed(vip) {
				continue
			}
			r := a.result(vip)
			says := gist(r.Diagnosis)
			if a.given[vip] == says {
				continue
			}
			a.given[vip] = says
			r.Capture.Open = true
			if !yield(r) {
				return
			}
		}
	}
}

// result judges a VIP by what was read so far.
func (a *Analysis) result(vip netip.Addr) event.Result {
	items := a.replay.Items(vip, a.place)
	seen := a.replay.Seen()
	r := event.Result{
		VIP: vip, Items: items, Diagnosis: diagnose.VIP(vip, items),
		Start: seen.First, Elapsed: seen.Last.Sub(seen.First), Capture: a.Capture(),
	}
	// If the captures were taken at one place, the result names it as the live one
	// did. Interfaces of two hosts may have one name.
	type port struct {
		name string
		mac  mac.Addr
	}
	var places []port
	for _, it := range items {
		switch f := it.Fact.(type) {
		case evidence.Vantage:
			if at := (port{f.Interface, f.MAC}); !slices.Contains(places, at) {
				places = append(places, at)
			}
		case evidence.Listened:
			r.Passive = r.Passive || f.Passive
		}
	}
	if len(places) == 1 {
		r.Interface = places[0].name
	}
	return r
}

// Capture says what was read.
func (a *Analysis) Capture() *event.Capture {
	seen := a.replay.Seen()
	c := &event.Capture{Frames: seen.Frames, First: seen.First, Last: seen.Last, Carried: a.Carried()}
	for _, in := range a.inputs.of {
		c.Files = append(c.Files, in.Name)
	}
	for _, err := range a.faults {
		c.Faults = append(c.Faults, err.Error())
	}
	return c
}

// Carried are the frames that carry others, into which nothing looked.
func (a *Analysis) Carried() []event.Carried {
	var all []event.Carried
	for _, c := range a.replay.Carried() {
		all = append(all, event.Carried{By: c.By.String(), Frames: c.Frames})
	}
	return all
}

// Connections judges the connections with segments to look at, the worst first.
// more counts those that were left out, none of them worse.
func (a *Analysis) Connections() (all []event.Connection, more int) {
	connections, more := a.replay.Connections()
	for _, c := range connections {
		d := mss.Judge(c.Client, c.Server, c.Items)
		if len(d.Findings) == 0 {
			continue
		}
		first, last := span(c.Items)
		all = append(all, event.Connection{Items: c.Items, Diagnosis: d, Start: first, Elapsed: last.Sub(first), Capture: a.Capture()})
	}
	slices.SortStableFunc(all, func(x, y event.Connection) int { return y.Diagnosis.Severity.Compare(x.Diagnosis.Severity) })
	return all, more
}

// span gives the first and the last instant of the items.
func span(items []evidence.Item) (first, last time.Time) {
	for _, it := range items {
		if first.IsZero() || it.First.Before(first) {
			first = it.First
		}
		if it.Last.After(last) {
			last = it.Last
		}
	}
	return first, last
}
