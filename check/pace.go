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

// pacer lets questions out at a pace: those of VIPs that were asked for before those
// of new ones, so that as few as possible are under way at one time, and each in the
// order in which they were wanted.
type pacer struct {
	pace       Pace
	even       time.Time // when the questions so far would all be out at an even pace
	begun, new line
}

// line is VIPs that wait for a question.
type line []*subject

// mayAsk reports whether a question may be sent now. It does not count it.
func (p *pacer) mayAsk(now time.Time) bool { return !p.even.After(now) }

// asked counts a question.
func (p *pacer) asked(now time.Time) {
	if pause := now.Add(-time.Duration(p.pace.Burst) * p.pace.Every); p.even.Before(pause) {
		p.even = pause
	}
	p.even = p.even.Add(p.pace.Every)
}

// waits reports whether somebody waits in a line.
func (p *pacer) waits() bool { return len(p.begun)+len(p.new) > 0 }

// wait puts a VIP at the end of its line.
func (p *pacer) wait(s *subject) {
	s.inLine = true
	if s.began.IsZero() {
		p.new = append(p.new, s)
	} else {
		p.begun = append(p.begun, s)
	}
}

// first takes the first one of the lines that is not done, or returns nil.
func (p *pacer) first() *subject {
	for _, l := range []*line{&p.begun, &p.new} {
		for len(*l) > 0 {
			s := (*l)[0]
			(*l)[0] = nil
			*l = (*l)[1:]
			s.inLine = false
			if !s.done {
				return s
			}
		}
		*l = nil
	}
	return nil
}
