package check

import (
	"cmp"
	"container/heap"
	"time"
)

// agenda is what is to be done when. What one instant costs does not depend on how
// much waits for later ones.
type agenda struct {
	waits entries
	due   []*entry // done at this instant
	made  int
}

// entry is one thing to do, again and again.
type entry struct {
	do    func(now time.Time) (next time.Time) // zero is never, until it is set again
	at    time.Time
	order int // among those of one instant
	place int // in the heap, and one; 0 is not in it
}

// entry makes an entry that is not due yet.
func (a *agenda) entry(do func(time.Time) time.Time) *entry {
	a.made++
	return &entry{do: do, order: a.made}
}

// set has the entry done at an instant, instead of when it was to be; never if that
// is zero.
func (a *agenda) set(e *entry, at time.Time) {
	e.at = at
	switch {
	case at.IsZero():
		a.drop(e)
	case e.place > 0:
		heap.Fix(&a.waits, e.place-1)
	default:
		heap.Push(&a.waits, e)
	}
}

// hasten has the entry done at an instant, if it would be later.
func (a *agenda) hasten(e *entry, at time.Time) {
	if e.place == 0 || at.Before(e.at) {
		a.set(e, at)
	}
}

// drop takes the entry off.
func (a *agenda) drop(e *entry) {
	if e.place > 0 {
		heap.Remove(&a.waits, e.place-1)
	}
}

// run does what is due, each entry once, and returns when something is due again;
// zero is never.
func (a *agenda) run(now time.Time) time.Time {
	a.due = a.due[:0]
	for len(a.waits) > 0 && !a.waits[0].at.After(now) {
		a.due = append(a.due, heap.Pop(&a.waits).(*entry))
	}
	for _, e := range a.due {
		a.drop(e) // what another one hastened is done now
		next := e.do(now)
		if e.place == 0 || !next.IsZero() && next.Before(e.at) {
			a.set(e, next)
		}
	}
	if len(a.waits) == 0 {
		return time.Time{}
	}
	return a.waits[0].at
}

// entries are a heap of instants.
type entries []*entry

func (h entries) Len() int { return len(h) }

func (h entries) Less(i, j int) bool {
	return cmp.Or(h[i].at.Compare(h[j].at), cmp.Compare(h[i].order, h[j].order)) < 0
}

func (h entries) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].place, h[j].place = i+1, j+1
}

func (h *entries) Push(x any) {
	e := x.(*entry)
	*h = append(*h, e)
	e.place = len(*h)
}

func (h *entries) Pop() any {
	old := *h
	e := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	e.place = 0
	return e
}
