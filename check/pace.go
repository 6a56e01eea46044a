package check

import "time"

// Pace bounds how fast a run asks by ARP: every host of the segment has to look at
// each question, and all answers come back to one receive buffer.
type Pace struct {
	Every time.Duration // between two questions, in the long run
	Burst int           // how many may be sent at once after a pause
}

// DefaultPace is ten thousand questions a second: 7 Mbit/s on the wire.
func DefaultPace() Pace { return Pace{Every: 100 * time.Microsecond, Burst: 128} }

// pacer lets questions out at a pace, in the order in which they were wanted.
type pacer struct {
	pace Pace
	even time.Time // when the questions so far would all be out at an even pace
	line []*subject
}

// mayAsk reports whether a question may be sent now. It does not count it.
func (p *pacer) mayAsk(now time.Time) bool { return !p.even.After(now) }

// asked counts a question.
func (p *pacer) asked(now time.Time) {
	if pause := now.Add(-time.Duration(p.pace.Burst) * p.pace.Every); p.even.Before(pause) {
		p.even = pause
	}
	p.even = p.even.Add(p.pace.Every)
}

// wait puts a VIP at the end of the line.
func (p *pacer) wait(s *subject) {
	if !s.inLine {
		s.inLine = true
		p.line = append(p.line, s)
	}
}

// first takes the first one of the line whose run goes on, or returns nil.
func (p *pacer) first() *subject {
	for len(p.line) > 0 {
		s := p.line[0]
		p.line[0] = nil
		p.line = p.line[1:]
		s.inLine = false
		if !s.done {
			return s
		}
	}
	p.line = nil
	return nil
}
