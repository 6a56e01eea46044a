package routerprobe

import (
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/nlbprobe/nlbprobe/evidence"
	"github.com/nlbprobe/nlbprobe/inet"
	"github.com/nlbprobe/nlbprobe/mac"
)

// Timing says how patient a Probe is. All values are more than zero.
type Timing struct {
	// Opening is how many targets are asked for at once; every further packet
	// comes at least Every after the one before it, whomever it is for.
	Opening int
	Every   time.Duration
	// Wait is the most time that a target is given, from its first packet on.
	Wait time.Duration
	// Asks is how many times, over at least AskSpan, the router may ask for a
	// VIP that answers before that counts as not taking the answers.
	Asks    int
	AskSpan time.Duration
	// Sign is how long one that nobody calls a router is given to show a sign
	// that it is one, a redirect or a question for the target, before the asking
	// ends; 0 is all of Wait.
	Sign time.Duration
}

// DefaultTiming is gentle to the router: a VIP and a control at once, then one
// packet a second. Routers that give up on ARP say so within about 3 s (Linux:
// three requests, a second apart); Wait leaves room for that and for one more
// attempt.
func DefaultTiming() Timing {
	return Timing{Opening: 2, Every: time.Second, Wait: 5 * time.Second, Asks: 3, AskSpan: time.Second}
}

// Router is whom a Probe asks.
type Router struct {
	IP  netip.Addr
	MAC mac.Addr // where the frames go
}

// Target is an address that the router is to reach.
type Target struct {
	IP netip.Addr
	// MAC is what hosts of the subnet reach it at, a cluster's MAC; zero is
	// unknown. Our request seen on its way there is a delivery.
	MAC mac.Addr
	// Ports are TCP ports to open as well; what filters echo may let them
	// through.
	Ports []uint16
	// Answered is when the target was first heard to answer ARP; zero is never.
	// If the router still asks after that, it may not take the answers.
	Answered time.Time
	// Control is a live host that is no cluster: reached, it proves that the
	// router carries packets back onto the subnet. It is asked for only while
	// another target is open.
	Control bool
	// After is how long after the probe's start the target is asked for at the
	// earliest: a control that may not be needed.
	After time.Duration
}

// Outcome is how asking for a target ended. It says why the Probe stopped; what
// it means for the VIP is for the evidence to tell.
type Outcome uint8

// The outcomes.
const (
	Open        Outcome = iota // not ended
	Delivered                  // the target, or the way to it, was seen to get a packet
	Unreachable                // an ICMP error says that it cannot be reached
	Asking                     // the router keeps asking for its MAC
	Prohibited                 // filtered on the way, whatever was tried
	Silent                     // the time is over
)

var outcomeNames = [...]string{"open", "delivered", "unreachable", "asking", "prohibited", "silent"}

func (o Outcome) String() string {
	if int(o) < len(outcomeNames) {
		return outcomeNames[o]
	}
	return "unknown"
}

// question is one kind of packet for a target: an echo request, or a SYN to one
// port.
type question struct {
	target *target
	port   uint16 // 0 is an echo request
	echo   EchoNumbers
	sport  uint16 // the SYN's source port
	seq    uint32 // the SYN's sequence number
	packet evidence.Packet
	asked  int
	at     time.Time // of the newest packet
	closed bool      // refused: asking again brings the same, and nothing is open
}

// target is a Target under way.
type target struct {
	Target
	outcome Outcome
	asked   bool
	first   time.Time // of the first packet
	// The router's own requests for it since it answered.
	asks     int
	firstAsk time.Time
}

// Probe asks one router for its targets. It is driven from outside: at Next,
// call Step; hand it every fact heard, in between, by Heard.
type Probe struct {
	routes bool // it was seen to send a packet of ours back onto the subnet, or said that it would

	router    Router
	src       Source
	timing    Timing
	start     time.Time
	targets   []*target
	questions []*question
	sent      int       // questions, RSTs apart
	last      time.Time // of the newest question
	resets    []reset
	finished  bool
}

// reset is a half-open connection to be ended.
type reset struct {
	q     *question
	since time.Time
}

// New returns a probe that asks router for the targets as src, for the first time
// at start. The targets are asked for in their order, the controls last.
func New(src Source, router Router, targets []Target, ids *IDs, start time.Time, t Timing) (*Probe, error) {
	p := &Probe{router: router, src: src, timing: t, start: start}
	seen := map[netip.Addr]bool{src.IP: true, router.IP: true}
	for _, control := range []bool{false, true} {
		for _, tg := range targets {
			if tg.Control != control {
				continue
			}
			if seen[tg.IP] {
				return nil, fmt.Errorf("routerprobe: ask %v for %v: it is asked for twice, or is the router or this host", router.IP, tg.IP)
			}
			seen[tg.IP] = true
			if err := p.add(tg, ids); err != nil {
				return nil, err
			}
		}
	}
	p.settle()
	return p, nil
}

// AddControl adds a control host that was found late. Where the probe has ended,
// or ip is a target already, it changes nothing.
func (p *Probe) AddControl(ip netip.Addr, after time.Duration, ids *IDs) error {
	known := slices.ContainsFunc(p.targets, func(t *target) bool { return t.IP == ip })
	if p.finished || known || ip == p.src.IP || ip == p.router.IP {
		return nil
	}
	return p.add(Target{IP: ip, Control: true, After: after}, ids)
}

func (p *Probe) add(tg Target, ids *IDs) error {
	t := &target{Target: tg}
	p.targets = append(p.targets, t)
	echo, err := ids.Echo()
	if err != nil {
		return err
	}
	qs := []*question{{target: t, echo: echo, packet: evidence.Packet{Src: p.src.IP, Dst: tg.IP, Protocol: inet.ProtoICMP, ID: echo.ID, Seq: uint32(echo.Seq), Token: echo.Token}}}
	for _, port := range tg.Ports {
		if port == 0 {
			return fmt.Errorf("routerprobe: ask for %v: port 0 is none", tg.IP)
		}
		sport, err := ids.Port()
		if err != nil {
			return err
		}
		seq := ids.Sequence()
		qs = append(qs, &question{target: t, port: port, sport: sport, seq: seq,
			packet: evidence.Packet{Src: p.src.IP, Dst: tg.IP, Protocol: inet.ProtoTCP, ID: sport, Port: port, Seq: seq}})
	}
	for _, q := range qs {
		if _, err := p.frame(q); err != nil {
			return err
		}
	}
	p.questions = append(p.questions, qs...)
	return nil
}

// frame builds the question's next packet.
func (p *Probe) frame(q *question) ([]byte, error) {
	if q.port == 0 {
		return Echo(p.src, p.router.MAC, q.target.IP, q.echo)
	}
	return SYN(p.src, p.router.MAC, netip.AddrPortFrom(q.target.IP, q.port), q.sport, q.seq)
}

// due returns the question whose turn is next and when that is.
func (p *Probe) due() (q *question, at time.Time) {
	for _, c := range p.questions {
		if c.closed || c.target.outcome != Open {
			continue
		}
		if q == nil || c.before(q) {
			q = c
		}
	}
	switch {
	case q == nil:
		return nil, time.Time{}
	case p.sent == 0:
		at = p.start
	case p.sent < p.timing.Opening && !q.target.asked:
		at = p.last
	default:
		at = p.last.Add(p.timing.Every)
	}
	if earliest := p.start.Add(q.target.After); at.Before(earliest) {
		at = earliest
	}
	return q, at
}

// before reports whether c is more urgent than q, which stands before it:
// targets not asked for yet, then questions not asked yet, then the one that has
// waited longest.
func (c *question) before(q *question) bool {
	switch {
	case c.target.asked != q.target.asked:
		return !c.target.asked
	case (c.asked == 0) != (q.asked == 0):
		return c.asked == 0
	}
	return c.at.Before(q.at)
}

// end returns when the first of the open targets has had its time.
func (p *Probe) end() (at time.Time, ok bool) {
	for _, t := range p.targets {
		if t.outcome != Open || !t.asked {
			continue
		}
		if e := p.until(t); !ok || e.Before(at) {
			at, ok = e, true
		}
	}
	return at, ok
}

// until returns when t has had its time.
func (p *Probe) until(t *target) time.Time {
	wait := p.timing.Wait
	if p.timing.Sign > 0 && !p.routes && t.asks == 0 {
		wait = min(wait, p.timing.Sign)
	}
	return t.first.Add(wait)
}

// Next returns the instant at which Step is to be called; ok is false when the
// probe is over. The instant may be in the past: then Step is due at once.
func (p *Probe) Next() (at time.Time, ok bool) {
	if len(p.resets) > 0 {
		return p.resets[0].since, true
	}
	if p.finished {
		return time.Time{}, false
	}
	q, at := p.due()
	if end, ok := p.end(); ok && (q == nil || end.Before(at)) {
		return end, true
	}
	return at, true
}

// Step does what is due at now. It returns the frame to send, or nil where
// nothing is to be sent: too early, or over. Where several are due it returns
// one at a time: Next then says that Step is due again.
func (p *Probe) Step(now time.Time) []byte {
	at, ok := p.Next()
	if !ok || now.Before(at) {
		return nil
	}
	if len(p.resets) > 0 {
		q := p.resets[0].q
		p.resets = p.resets[1:]
		b, err := RST(p.src, p.router.MAC, netip.AddrPortFrom(q.target.IP, q.port), q.sport, q.seq+1)
		if err != nil {
			return nil // New has built a frame to the same target
		}
		return b
	}
	for _, t := range p.targets {
		if t.outcome == Open && t.asked && !now.Before(p.until(t)) {
			t.outcome = Silent
		}
	}
	p.settle()
	q, at := p.due()
	if p.finished || q == nil || now.Before(at) {
		return nil
	}
	b, err := p.frame(q)
	if err != nil {
		q.closed = true // New has built one like it: this cannot be
		p.settle()
		return nil
	}
	if t := q.target; !t.asked {
		t.asked, t.first = true, now
	}
	q.asked++
	q.at = now
	p.sent++
	p.last = now
	return b
}

// settle ends targets for which nothing is left to ask, and the probe when no
// target but controls is open.
func (p *Probe) settle() {
	p.finished = true
	for _, t := range p.targets {
		if t.outcome == Open && !p.askable(t) {
			t.outcome = Prohibited
		}
		if t.outcome == Open && !t.Control {
			p.finished = false
		}
	}
}

// askable reports whether a question for t is left.
func (p *Probe) askable(t *target) bool {
	return slices.ContainsFunc(p.questions, func(q *question) bool { return q.target == t && !q.closed })
}

// Sent returns how many packets were asked to be sent, RSTs apart.
func (p *Probe) Sent() int { return p.sent }

// Done reports whether nothing more can be learnt by asking, and nothing is left
// to be closed.
func (p *Probe) Done() bool { return p.finished && len(p.resets) == 0 }

// Outcome returns how asking for ip ended; Open where it was no target.
func (p *Probe) Outcome(ip netip.Addr) Outcome {
	for _, t := range p.targets {
		if t.IP == ip {
			return t.outcome
		}
	}
	return Open
}

// Heard notes a fact that a frame gave at the instant at and reports whether it
// ended the asking for a target. Facts that do not concern this probe, and those
// of frames that this host sent, change nothing.
func (p *Probe) Heard(f evidence.Fact, at time.Time) bool {
	if p.finished {
		return false
	}
	var t *target
	switch f := f.(type) {
	case evidence.Echo:
		t = p.heardEcho(f, at)
	case evidence.TCP:
		t = p.heardTCP(f, at)
	case evidence.ICMPError:
		t = p.heardError(f, at)
	case evidence.ARP:
		t = p.heardARP(f, at)
	}
	if t == nil {
		return false
	}
	p.settle()
	return t.outcome != Open
}
