// Package remoteprobe decides how to ask for a VIP as a client of another subnet
// does: what to send by ordinary sockets, when again, and when nothing more can be
// learnt. Run does one run of it over sockets that are handed in; the package opens
// none.
package remoteprobe

import (
	"net/netip"
	"slices"
	"time"

	"github.com/nlbprobe/nlbprobe/evidence"
)

// Timing says how patient a Probe is. All values are more than zero.
type Timing struct {
	// A packet is sent each Again until something comes back. Once the VIP answers,
	// Pings are sent in all, Every apart: what several hosts answer shows by them.
	Pings int
	Every time.Duration
	Again time.Duration
	// Lead is by how much control hosts are asked before the VIP: routers limit the
	// rate of their errors, and those about the VIP would use it up.
	Lead time.Duration
	// Quiet is how long after the newest of them further answers are waited for.
	Quiet time.Duration
	// Settle is how long after an error a better answer is waited for.
	Settle time.Duration
	// Hop is the least time between two packets of a limited number of hops,
	// HopWait the time that a router has to say that one ended at it. Ahead many
	// are sent ahead of the last router that was heard, no more than Gap hops
	// beyond it, and never more than Hops.
	Hop     time.Duration
	HopWait time.Duration
	Ahead   int
	Gap     int
	Hops    int
	// Control is how long a control host is waited for.
	Control time.Duration
	// Wait is the most time that all of it takes.
	Wait time.Duration
}

// DefaultTiming waits long enough for routers that give up on ARP after three
// requests, a second apart (Linux: 3.1 s).
func DefaultTiming() Timing {
	return Timing{
		Pings: 3, Every: 200 * time.Millisecond, Again: time.Second, Lead: 100 * time.Millisecond, Quiet: 500 * time.Millisecond, Settle: 500 * time.Millisecond,
		Hop: 20 * time.Millisecond, HopWait: 700 * time.Millisecond, Ahead: 1, Gap: 3, Hops: 30,
		Control: 3500 * time.Millisecond, Wait: 5 * time.Second,
	}
}

// Task is what a Probe asks.
type Task struct {
	VIP      netip.Addr
	Way      evidence.Way // ByEcho or ByUDP; of ByTCP only Ports are asked
	Ports    []uint16     // TCP ports of the VIP
	Controls []netip.Addr // other hosts of the VIP's subnet
	Trace    bool         // find the routers on the way; not with ByTCP
}

// Numbers hands out the numbers by which the packets of a run are told apart. It
// is not safe for concurrent use.
type Numbers struct{ last uint16 }

// next returns a number that is not 0.
func (n *Numbers) next() uint16 {
	n.last++
	if n.last == 0 {
		n.last++
	}
	return n.last
}

// firstPort is the port of the first UDP datagram: where traceroute begins.
const firstPort = 33434

// asked is a packet of ours.
type asked struct {
	ask evidence.Ask
	at  time.Time
	got int // what came back of it
}

// control is a control host under way.
type control struct {
	ip      netip.Addr
	from    time.Time // when it is asked for the first time, at the earliest
	packets []*asked
	heard   bool
}

// mostAsked bounds how often a control host is asked.
const mostAsked = 3

// Probe asks for one VIP. It is driven from outside: at Next, call Step; hand it
// what comes back by Heard.
type Probe struct {
	task    Task
	timing  Timing
	numbers *Numbers
	start   time.Time
	first   time.Time // when the VIP is asked for

	index    map[evidence.Ask]*asked
	pings    []*asked // without a limit of hops
	walk     []*asked // the one of n hops at n-1
	heardHop int      // the farthest router that was heard
	walked   bool     // the VIP, or who speaks for it, was met on the walk
	ports    []*asked
	controls []*control

	answered bool
	failedAt time.Time // the first error that is a word on the matter
	over     bool
}

// New returns a probe that asks for the first time at start.
func New(task Task, numbers *Numbers, start time.Time, t Timing) *Probe {
	p := &Probe{task: task, timing: t, numbers: numbers, start: start, index: make(map[evidence.Ask]*asked)}
	p.first = start
	for _, ip := range task.Controls {
		p.addControl(ip, start)
	}
	if len(p.controls) > 0 {
		p.first = start.Add(t.Lead)
	}
	return p
}

func (p *Probe) addControl(ip netip.Addr, from time.Time) {
	known := slices.ContainsFunc(p.controls, func(c *control) bool { return c.ip == ip })
	if !known && ip != p.task.VIP && p.pinging() {
		p.controls = append(p.controls, &control{ip: ip, from: from})
	}
}

func (p *Probe) pinging() bool { return p.task.Way != evidence.ByTCP }

// due is a packet whose turn comes at an instant.
type due struct {
	at   time.Time
	send func(now time.Time) evidence.Ask
}

// earliest returns what is due first; ok is false where nothing is to be sent any
// more. What stands first comes first of two that are due at once.
func (p *Probe) earliest() (first due, ok bool) {
	add := func(d due) {
		if !ok || d.at.Before(first.at) {
			first, ok = d, true
		}
	}
	for _, c := range p.controls {
		if n := len(c.packets); !c.heard && n < mostAsked {
			at := c.from
			if n > 0 {
				at = c.packets[n-1].at.Add(p.timing.Again)
			}
			add(due{at, func(now time.Time) evidence.Ask { return p.ping(&c.packets, c.ip, 0, now) }})
		}
	}
	if p.pinging() {
		if at, more := p.pingDue(); more {
			add(due{at, func(now time.Time) evidence.Ask { return p.ping(&p.pings, p.task.VIP, 0, now) }})
		}
	}
	if n := len(p.ports); n < len(p.task.Ports) {
		add(due{p.first, func(now time.Time) evidence.Ask {
			return p.record(&p.ports, evidence.Ask{Target: p.task.VIP, By: evidence.ByTCP, Port: p.task.Ports[n], Seq: p.numbers.next()}, now)
		}})
	}
	if at, more := p.hopDue(); more {
		add(due{at, func(now time.Time) evidence.Ask { return p.ping(&p.walk, p.task.VIP, uint8(len(p.walk)+1), now) }})
	}
	return first, ok
}

// ping makes an echo request, or a UDP datagram.
func (p *Probe) ping(list *[]*asked, to netip.Addr, ttl uint8, now time.Time) evidence.Ask {
	a := evidence.Ask{Target: to, By: p.task.Way, TTL: ttl, Seq: p.numbers.next()}
	if a.By == evidence.ByUDP {
		a.Port = uint16(firstPort + int(a.Seq-1)%(1<<16-firstPort))
	}
	return p.record(list, a, now)
}

func (p *Probe) record(list *[]*asked, a evidence.Ask, now time.Time) evidence.Ask {
	x := &asked{ask: a, at: now}
	*list = append(*list, x)
	p.index[a] = x
	return a
}

func (p *Probe) pingDue() (at time.Time, more bool) {
	n := len(p.pings)
	switch {
	case n == 0:
		return p.first, true
	case !p.answered:
		return p.pings[n-1].at.Add(p.timing.Again), true
	}
	return p.pings[n-1].at.Add(p.timing.Every), n < p.timing.Pings
}

// hopDue says when the next packet of a limited number of hops is due. Those that
// go farther than the last router that was heard wait for it to be heard, or for
// their time to pass.
func (p *Probe) hopDue() (at time.Time, more bool) {
	n := len(p.walk)
	switch {
	case !p.pinging() || !p.task.Trace || p.walked || n >= min(p.timing.Hops, p.heardHop+p.timing.Gap):
		return time.Time{}, false
	case n == 0:
		return p.first, true
	}
	at = p.walk[n-1].at.Add(p.timing.Hop)
	if n-p.heardHop >= p.timing.Ahead {
		if free := p.walk[n-p.timing.Ahead].at.Add(p.timing.HopWait); free.After(at) {
			at = free
		}
	}
	return at, true
}

// settled reports whether nothing more can be learnt at now, and if not, when it
// is worth looking again.
func (p *Probe) settled(now time.Time) (done bool, again time.Time) {
	end := p.start.Add(p.timing.Wait)
	if !now.Before(end) {
		return true, end
	}
	again = end
	wait := func(until time.Time) {
		if now.Before(until) {
			done = false
			if until.Before(again) {
				again = until
			}
		}
	}
	done = true
	if p.pinging() {
		switch {
		case p.answered && len(p.pings) >= p.timing.Pings:
			wait(p.pings[len(p.pings)-1].at.Add(p.timing.Quiet))
		case !p.failedAt.IsZero() && !p.answered:
			wait(p.failedAt.Add(p.timing.Settle))
			for _, c := range p.controls {
				if !c.heard {
					wait(c.from.Add(p.timing.Control))
				}
			}
		default:
			return false, end
		}
	}
	if len(p.ports) < len(p.task.Ports) || slices.ContainsFunc(p.ports, func(a *asked) bool { return a.got == 0 }) {
		return false, end
	}
	if _, more := p.hopDue(); more {
		return false, again
	}
	for n, a := range p.walk {
		if a.got == 0 && (n < p.heardHop || !p.walked) {
			wait(a.at.Add(p.timing.HopWait))
		}
	}
	return done, again
}

// Next returns the instant at which Step is to be called; ok is false when the
// probe is over. The instant may be in the past: then Step is due at once.
func (p *Probe) Next(now time.Time) (at time.Time, ok bool) {
	if p.over {
		return time.Time{}, false
	}
	done, at := p.settled(now)
	if done {
		return now, true
	}
	if d, more := p.earliest(); more && d.at.Before(at) {
		at = d.at
	}
	return at, true
}

// Step does what is due at now. It returns the packet to send; ok is false where
// nothing is to be sent: too early, or over. Where several are due it returns one
// at a time: Next then says that Step is due again.
func (p *Probe) Step(now time.Time) (a evidence.Ask, ok bool) {
	if p.over {
		return a, false
	}
	if done, _ := p.settled(now); done {
		p.over = true
		return a, false
	}
	d, more := p.earliest()
	if !more || now.Before(d.at) {
		return a, false
	}
	return d.send(now), true
}

// Done reports whether nothing more can be learnt by asking.
func (p *Probe) Done() bool { return p.over }

// Sent returns how many packets were asked to be sent.
func (p *Probe) Sent() int { return len(p.index) }

// Heard notes what came back at the instant at. ok is false where it belongs to
// no packet of this probe. after is the time since that packet, and again tells
// that something had come back of it before.
func (p *Probe) Heard(t evidence.Told, at time.Time) (after time.Duration, again, ok bool) {
	a := p.index[t.Of]
	if a == nil {
		return 0, false, false
	}
	a.got++
	after, again = max(0, at.Sub(a.at)), a.got > 1
	if t.Of.Target != p.task.VIP {
		for _, c := range p.controls {
			c.heard = c.heard || c.ip == t.Of.Target
		}
		return after, again, true
	}
	switch {
	case t.Word == evidence.Replied, t.Word == evidence.Accepted, t.Word == evidence.Refused,
		t.Word == evidence.SaidICMP && t.Type == evidence.Unreachable && t.From == p.task.VIP:
		p.answered = true
		p.walked = p.walked || t.Of.TTL > 0
	case t.Word == evidence.SaidICMP && t.Type == evidence.TimeExceeded && t.Of.TTL > 0:
		p.heardHop = max(p.heardHop, int(t.Of.TTL))
	case t.Word != evidence.SaidICMP, t.Type == evidence.Unreachable, t.Type == evidence.TimeExceeded:
		p.failed(t, at)
	} // a redirect ends nothing: whoever sends one forwards the packet all the same
	return after, again, true
}

// failed notes an error. A router that speaks for the VIP is asked itself, where no
// control host was named: that it answers shows that the way to it is sound.
func (p *Probe) failed(t evidence.Told, at time.Time) {
	if p.failedAt.IsZero() {
		p.failedAt = at
	}
	if t.Word != evidence.SaidICMP {
		p.walked = true // this host lets nothing out: there is no way to be walked
		return
	}
	if t.Type != evidence.Unreachable {
		return
	}
	p.walked = p.walked || t.Of.TTL > 0
	if len(p.task.Controls) == 0 && len(p.controls) == 0 && t.From.Is4() {
		p.addControl(t.From, at)
	}
}
