package diagnose

import (
	"slices"
	"time"

	"github.com/nlbprobe/nlbprobe/evidence"
)

// stretch is a time without interruption.
type stretch struct{ from, to time.Time }

// stretches are the times in which the captures held frames, of those captures
// that could show what is asked for. Where nobody says when the captures were, as
// in a live run, there are none.
func (p *picture) stretches(could func(evidence.Captured) bool) []stretch {
	var all []stretch
	for _, i := range p.captured {
		if f, ok := p.items[i].Fact.(evidence.Captured); ok && could(f) {
			all = append(all, stretch{p.items[i].First, p.items[i].Last})
		}
	}
	slices.SortFunc(all, func(a, b stretch) int { return a.from.Compare(b.from) })
	joined := all[:0]
	for _, s := range all {
		if n := len(joined); n > 0 && !s.from.After(joined[n-1].to) {
			if s.to.After(joined[n-1].to) {
				joined[n-1].to = s.to
			}
			continue
		}
		joined = append(joined, s)
	}
	return joined
}

// covered is how much of the time between two instants was captured, by captures
// that could show what is asked for: all of it where nobody says.
func (p *picture) covered(from, to time.Time, could func(evidence.Captured) bool) time.Duration {
	if len(p.captured) == 0 {
		return max(0, to.Sub(from))
	}
	var sum time.Duration
	for _, s := range p.stretches(could) {
		if s.from.Before(from) {
			s.from = from
		}
		if s.to.After(to) {
			s.to = to
		}
		sum += max(0, s.to.Sub(s.from))
	}
	return sum
}

// longestStretch is the longest time without interruption.
func (p *picture) longestStretch(could func(evidence.Captured) bool) time.Duration {
	var longest time.Duration
	for _, s := range p.stretches(could) {
		longest = max(longest, s.to.Sub(s.from))
	}
	return longest
}

// What a capture can show: IGMP and heartbeats where it holds some, or what no
// filter passes that leaves them out.
func showsGroups(c evidence.Captured) bool { return c.Group }
func showsBeats(c evidence.Captured) bool  { return c.Beats }
