package evidence

import (
	"bytes"
	"iter"
	"time"
)

// The bounds of a Log. A segment can be flooded with invented facts; what does
// not fit is counted as Unkept.
const (
	PerKind    = 1024    // different facts of one kind, but for some that a flood is not to hide
	TimesKept  = 64      // instants kept of one fact
	FramesKept = 1024    // frames kept that gave one fact again; a shared Budget may allow fewer
	AgainKept  = 1 << 20 // bytes, of a Log's frames that gave a fact again
)

// Budget bounds the memory of what several Logs keep together, beside the bounds
// of each. It says how much is left. What was seen again has a purse of its own,
// so that nothing often repeated keeps a new fact out.
type Budget struct {
	Facts int
	Bytes int // for facts, each with its first frame
	Again int // for frames and instants at which a fact was seen again, in bytes

	// Frames is how many frames are kept that gave one fact again: FramesKept at
	// most, TimesKept if it is 0.
	Frames int
}

// What facts cost beside the bytes of their frames, in bytes: a test compares
// them with what they are.
const (
	itemCost  = 224 // an Item
	indexCost = 64  // its place in the index
	factCost  = 112 // the fact itself
	beatCost  = 416 // a Heartbeat, which is larger than any other
	frameCost = 96  // a Frame
	timeCost  = 24
)

// costOf is what a new fact costs.
func costOf(f Fact, frame *Frame) int {
	cost := itemCost + indexCost + factCost + timeCost
	if f.Kind() == KindHeartbeat {
		cost += beatCost - factCost
	}
	if frame != nil {
		cost += len(frame.Data)
	}
	return cost
}

// take takes a fact from the budget, if there is enough of it, and reports whether
// there was. A nil budget has no end.
func (b *Budget) take(cost int) bool {
	if b == nil {
		return true
	}
	if b.Facts < 1 || b.Bytes < cost {
		return false
	}
	b.Facts--
	b.Bytes -= cost
	return true
}

// takeAgain is take for what was seen again.
func (b *Budget) takeAgain(cost int) bool {
	if b == nil {
		return true
	}
	if b.Again < cost {
		return false
	}
	b.Again -= cost
	return true
}

// Log gathers facts, the same ones together, within bounds. The zero value is
// empty and ready for use. It is not safe for concurrent use.
type Log struct {
	Budget *Budget // what it shares with other Logs; may be nil
	Others bool    // it holds packets that are neither the observer's nor for it, as Unkept says
	Most   uint16  // different facts of one kind that it keeps, as PerKind, which it is if it is 0

	items []Item
	index map[Fact]int // nil as long as there are few: looking through those takes less
	kinds [kindCount]uint16
	spare *spare // nil as long as no kind is full
	again int    // bytes of the frames kept beyond the first of each fact
	took  Budget // what it took from a budget, or would have
}

// Join has the Log share b with others from now on, and takes from it what the
// Log holds, even if b has less left. What it shared before gets nothing back.
func (l *Log) Join(b *Budget) {
	l.Budget = b
	b.Facts -= l.took.Facts
	b.Bytes -= l.took.Bytes
	b.Again -= l.took.Again
}

// mostAgain is how many frames are kept that gave a fact again. A run that
// stands alone keeps more, so that its capture shows the same rates. Of what is
// left out a few show that there was more.
func (l *Log) mostAgain(f Fact) int {
	switch {
	case f.Kind() == KindUnkept, l.Budget != nil && l.Budget.Frames == 0:
		return TimesKept
	case l.Budget != nil:
		return min(l.Budget.Frames, FramesKept)
	}
	return FramesKept
}

// Charge takes from the shared budget what the Log's owner needs for it beside its
// facts, in bytes, and reports whether there was so much. Release gives it back.
func (l *Log) Charge(bytes int) bool {
	if b := l.Budget; b != nil {
		if b.Bytes < bytes {
			return false
		}
		b.Bytes -= bytes
	}
	l.took.Bytes += bytes
	return true
}

// Again notes that f was seen at the instant at, n times, in frame, if the Log
// holds f, and reports whether it does.
func (l *Log) Again(f Fact, at time.Time, n int, frame *Frame) bool {
	i := l.find(f)
	if i < 0 {
		return false
	}
	it := &l.items[i]
	it.Count += n
	if frame != nil {
		it.Bytes += frame.Length
		if len(it.Again) < l.mostAgain(f) && len(frame.Data) > 0 && l.again+len(frame.Data) <= AgainKept && l.Budget.takeAgain(frameCost+len(frame.Data)) {
			l.again += len(frame.Data)
			l.took.Again += frameCost + len(frame.Data)
			again := *frame
			again.Data = bytes.Clone(frame.Data)
			it.Again = append(it.Again, again)
		}
	}
	if at.Before(it.First) {
		it.First = at
	}
	if at.After(it.Last) {
		it.Last = at
	}
	if len(it.Times) < TimesKept && l.Budget.takeAgain(timeCost) {
		it.Times = append(it.Times, at)
		l.took.Again += timeCost
	}
	return true
}

// Add notes that f was seen at the instant at, n times, in frame (nil where no
// frame gave it), whose bytes are copied. It reports whether the fact is new:
// not seen before, and within the bounds.
func (l *Log) Add(f Fact, at time.Time, n int, frame *Frame) bool {
	if l.Again(f, at, n, frame) {
		return false
	}
	k := f.Kind()
	cost := costOf(f, frame)
	most := uint16(PerKind)
	if l.Most > 0 {
		most = l.Most
	}
	if k != KindUnkept && (l.kinds[k] >= most && !l.spares(f, most) || !l.Budget.take(cost)) {
		l.Add(Unkept{Of: k, Others: l.Others}, at, n, frame)
		return false
	}
	it := Item{Fact: f, First: at, Last: at, Count: n, Times: []time.Time{at}}
	if frame != nil {
		it.Bytes = frame.Length
		it.Frame = *frame
		it.Frame.Data = bytes.Clone(frame.Data)
	}
	l.kinds[k]++
	if k != KindUnkept {
		l.took.Facts++
		l.took.Bytes += cost
	}
	l.items = append(l.items, it)
	if l.spare != nil {
		if s, ok := sortOf(f); ok {
			l.spare.sorts[s]++
		}
	}
	switch {
	case l.index != nil:
		l.index[f] = len(l.items) - 1
	case len(l.items) > fewFacts:
		l.index = make(map[Fact]int, 2*fewFacts)
		for i := range l.items {
			l.index[l.items[i].Fact] = i
		}
	}
	return true
}

// fewFacts is how many a Log looks through one by one. Most Logs have no more, and
// a map takes as much memory as several facts.
const fewFacts = 6

// find returns where f is among the items, or -1.
func (l *Log) find(f Fact) int {
	if l.index != nil {
		if i, ok := l.index[f]; ok {
			return i
		}
		return -1
	}
	for i := range l.items {
		if l.items[i].Fact == f {
			return i
		}
	}
	return -1
}

// Has reports whether the Log holds f.
func (l *Log) Has(f Fact) bool {
	return l.find(f) >= 0
}

// LeaveOut counts a fact that whoever files facts does not keep, as Add does with
// what exceeds the Log's own bounds.
func (l *Log) LeaveOut(u Unkept, at time.Time, n int, frame *Frame) { l.Add(u, at, n, frame) }

// Release gives what the Log holds back to its Budget, and empties it.
func (l *Log) Release() {
	if l.Budget != nil {
		l.Budget.Facts += l.took.Facts
		l.Budget.Bytes += l.took.Bytes
		l.Budget.Again += l.took.Again
	}
	*l = Log{Budget: l.Budget, Others: l.Others, Most: l.Most}
}

// Items returns the facts in the order in which each was first added. The
// slice is the caller's; the instants and frames in it are shared with the Log
// and must not be changed.
func (l *Log) Items() []Item {
	return append([]Item(nil), l.items...)
}

// All gives the facts in that order without a copy. The items are the Log's, and
// hold until something is added.
func (l *Log) All() iter.Seq[*Item] {
	return func(yield func(*Item) bool) {
		for i := range l.items {
			if !yield(&l.items[i]) {
				return
			}
		}
	}
}

// Len returns how many different facts the Log holds.
func (l *Log) Len() int { return len(l.items) }
