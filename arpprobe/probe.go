package arpprobe

import (
	"net/netip"
	"time"

	"github.com/nlbprobe/nlbprobe/mac"
)

// Timing says how patient a Probe is. All values are more than zero.
type Timing struct {
	// First is the time from the first question to the second. Each further
	// one comes after twice the time, at most Longest.
	First   time.Duration
	Longest time.Duration
	// Rounds is how many questions an answered target gets, First apart:
	// every host of a cluster should have had as many chances to answer.
	Rounds int
	// Most is how many questions an answered target gets at most, however many
	// different answers come; 0 is as many as they take.
	Most int
	// Settle is how long the last of these rounds is listened to.
	Settle time.Duration
	// Wait is the most time to spend, from the first question on.
	Wait time.Duration
}

// DefaultTiming gives an answered target 0.4 s in all. The hosts of a cluster
// answer within milliseconds of each other; under stress some leave single
// questions unanswered (Microsoft KB Q244091), hence three.
func DefaultTiming() Timing {
	return Timing{
		First:   100 * time.Millisecond,
		Longest: time.Second,
		Rounds:  3,
		Settle:  200 * time.Millisecond,
		Wait:    3 * time.Second,
	}
}

// Answer is who said what: an answer that differs in either is another answer.
type Answer struct {
	EthSrc    mac.Addr
	SenderMAC mac.Addr
}

// maxAnswers bounds the different answers that keep a probe going: beyond it
// somebody invents them, and asking again would only bring more.
const maxAnswers = 64

// Probe asks for one target. It is driven from outside: at Next, call Step.
type Probe struct {
	Target netip.Addr

	timing   Timing
	frame    []byte
	start    time.Time // of the first question
	lastAsk  time.Time
	pause    time.Duration // to the next question while nothing answers
	asked    int
	rounds   int // questions since the newest answer was first heard, with the one that brought it
	repeats  int // questions since the first answer
	answers  map[Answer]bool
	finished bool
	again    bool // the newest question is to be asked again
	end      time.Time
}

// New returns a probe for target that asks as src, for the first time at start.
func New(target netip.Addr, src Source, start time.Time, t Timing) (*Probe, error) {
	frame, err := Request(src, target)
	if err != nil {
		return nil, err
	}
	return &Probe{
		Target: target, timing: t, frame: frame, start: start, pause: t.First, end: start.Add(t.Wait),
		answers: make(map[Answer]bool),
	}, nil
}

// Next returns the instant at which Step is to be called; ok is false when the
// probe is over.
func (p *Probe) Next() (at time.Time, ok bool) {
	switch {
	case p.finished:
		return time.Time{}, false
	case p.asked == 0:
		return p.start, true
	case p.again:
		return p.lastAsk, true
	}
	switch {
	case len(p.answers) == 0:
		at = p.lastAsk.Add(p.pause)
	case !p.enough():
		at = p.lastAsk.Add(p.timing.First)
	default:
		at = p.lastAsk.Add(p.timing.Settle)
	}
	if at.After(p.end) {
		at = p.end
	}
	return at, true
}

// Step does what is due at now. It returns the frame to send, or nil where
// nothing is to be sent: too early, or over. The frame is the probe's own and
// the same each time.
func (p *Probe) Step(now time.Time) []byte {
	at, ok := p.Next()
	if !ok || now.Before(at) {
		return nil
	}
	answered := len(p.answers) > 0
	if p.asked > 0 && !p.again && (!now.Before(p.end) || answered && p.enough()) {
		p.finished = true
		return nil
	}
	switch {
	case p.asked == 0:
		// A late start must not eat the time for answers.
		p.start, p.end = now, now.Add(p.timing.Wait)
	case p.again:
		p.again = false
		p.end = now.Add(max(p.timing.First, p.timing.Settle))
	case !answered:
		p.pause = min(2*p.pause, p.timing.Longest)
	default:
		p.rounds++
		p.repeats++
	}
	p.asked++
	p.lastAsk = now
	return p.frame
}

// Again has the last question asked once more and listened to, even if the probe has
// ended: its answers may have been lost on the way to this process.
func (p *Probe) Again() {
	if p.asked > 0 {
		p.again, p.finished = true, false
	}
}

// LastAsk returns when the newest question was sent; zero is never.
func (p *Probe) LastAsk() time.Time { return p.lastAsk }

// enough reports whether an answered target was asked as often as it is to be.
func (p *Probe) enough() bool {
	return p.rounds >= p.timing.Rounds || p.timing.Most > 0 && p.repeats+1 >= p.timing.Most
}

// Heard notes an answer and reports whether it is a new one. A new answer
// means that more may come: one more round is asked for it at least.
func (p *Probe) Heard(a Answer) bool {
	if p.answers[a] || len(p.answers) >= maxAnswers {
		return false
	}
	p.answers[a] = true
	switch {
	case len(p.answers) == 1:
		p.rounds = 1
	default:
		p.rounds = min(p.rounds, p.timing.Rounds-1)
	}
	return true
}

// Done reports whether nothing more can be learnt by asking.
func (p *Probe) Done() bool { return p.finished }
