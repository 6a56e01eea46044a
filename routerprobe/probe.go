package routerprobe

import (
	"cmp"
	"container/heap"
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
	IP    netip.Addr
	MAC   mac.Addr // where the frames go
	Turns *Turns   // what it was asked for in earlier runs; may be nil
}

// Turns remembers how often each router was asked for each target, so that one run
// goes on where the one before it ended. The zero value is empty and ready for
// use. It is not safe for concurrent use.
type Turns struct{ had map[turn]int }

type turn struct{ router, target netip.Addr }

func (t *Turns) of(router, target netip.Addr) int {
	if t == nil {
		return 0
	}
	return t.had[turn{router, target}]
}

func (t *Turns) note(router, target netip.Addr) {
	if t == nil {
		return
	}
	if t.had == nil {
		t.had = make(map[turn]int)
	}
	t.had[turn{router, target}]++
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
	questions []*question
	outcome   Outcome
	asked     bool
	first     time.Time // of the first packet
	// The router's own requests for it since it answered.
	asks     int
	firstAsk time.Time

	// What its turn goes by.
	turns int // in earlier runs
	round int // how many of its cluster came before it
	order int
}

// Probe asks one router for its targets. It is driven from outside: at Next,
// call Step; hand it every fact heard, in between, by Heard.
//
// All targets share the router's budget of packets. Those have the first turn that
// had the fewest in earlier runs, among them one of each cluster, and the controls
// come behind the opening. What a step or a fact costs does not grow with the
// targets that wait.
type Probe struct {
	routes bool // it was seen to send a packet of ours back onto the subnet, or said that it would

	router   Router
	src      Source
	timing   Timing
	start    time.Time
	byIP     map[netip.Addr]*target
	clusters map[mac.Addr]int // how many targets are at a MAC
	fresh    queue            // targets not asked for yet, controls apart
	controls []*target        // the same, of those
	open     []*target        // asked for and not ended, in the order of asking
	packets  evidence.Packets[*question]
	left     int       // targets not ended, controls apart
	sent     int       // questions, RSTs apart
	begun    int       // targets asked for, controls apart
	last     time.Time // of the newest question
	resets   []reset
	ended    []netip.Addr
	finished bool
}

// queue is targets by their turn, as container/heap has it.
type queue []*target

func (q queue) Len() int      { return len(q) }
func (q queue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *queue) Push(x any)   { *q = append(*q, x.(*target)) }
func (q *queue) Pop() any {
	old := *q
	t := old[len(old)-1]
	old[len(old)-1] = nil
	*q = old[:len(old)-1]
	return t
}

func (q queue) Less(i, j int) bool {
	a, b := q[i], q[j]
	return cmp.Or(cmp.Compare(a.turns, b.turns), cmp.Compare(a.round, b.round), cmp.Compare(a.order, b.order)) < 0
}

// reset is a half-open connection to be ended.
type reset struct {
	q     *question
	since time.Time
}

// New returns a probe that asks router for the targets as src, for the first time
// at start.
func New(src Source, router Router, targets []Target, ids *IDs, start time.Time, t Timing) (*Probe, error) {
	p := &Probe{router: router, src: src, timing: t, start: start, byIP: make(map[netip.Addr]*target), clusters: make(map[mac.Addr]int)}
	for _, tg := range targets {
		if err := p.Add(tg, ids); err != nil {
			return nil, err
		}
	}
	p.settle()
	return p, nil
}

// Add adds a target while the probe is under way, or after it has ended: then it
// goes on. It is an error to name one twice, the router or this host.
func (p *Probe) Add(tg Target, ids *IDs) error {
	if p.byIP[tg.IP] != nil || tg.IP == p.src.IP || tg.IP == p.router.IP {
		return fmt.Errorf("routerprobe: ask %v for %v: it is asked for twice, or is the router or this host", p.router.IP, tg.IP)
	}
	return p.add(tg, ids)
}

// AddControl adds a control host that was found late. If the probe has ended, or ip
// is a target already, it changes nothing.
func (p *Probe) AddControl(ip netip.Addr, after time.Duration, ids *IDs) error {
	if p.finished || p.byIP[ip] != nil || ip == p.src.IP || ip == p.router.IP {
		return nil
	}
	return p.add(Target{IP: ip, Control: true, After: after}, ids)
}

func (p *Probe) add(tg Target, ids *IDs) error {
	t := &target{Target: tg, turns: p.router.Turns.of(p.router.IP, tg.IP), order: len(p.byIP)}
	echo := ids.Echo()
	t.questions = []*question{{target: t, echo: echo, packet: evidence.Packet{Src: p.src.IP, Dst: tg.IP, Protocol: inet.ProtoICMP, ID: echo.ID, Seq: uint32(echo.Seq), Token: echo.Token}}}
	for _, port := range tg.Ports {
		if port == 0 {
			return fmt.Errorf("routerprobe: ask for %v: port 0 is none", tg.IP)
		}
		sport, seq := ids.Port(), ids.Sequence()
		t.questions = append(t.questions, &question{target: t, port: port, sport: sport, seq: seq,
			packet: evidence.Packet{Src: p.src.IP, Dst: tg.IP, Protocol: inet.ProtoTCP, ID: sport, Port: port, Seq: seq}})
	}
	for _, q := range t.questions {
		if _, err := p.frame(q); err != nil {
			return err
		}
	}
	p.byIP[tg.IP] = t
	if tg.Control {
		p.controls = append(p.controls, t)
		return nil
	}
	if !tg.MAC.IsZero() {
		t.round = p.clusters[tg.MAC]
		p.clusters[tg.MAC]++
	}
	heap.Push(&p.fresh, t)
	p.left++
	p.finished = false
	return nil
}

// frame builds the question's next packet.
func (p *Probe) frame(q *question) ([]byte, error) {
	if q.port == 0 {
		return Echo(p.src, p.router.MAC, q.target.IP, q.echo)
	}
	return SYN(p.src, p.router.MAC, netip.AddrPortFrom(q.target.IP, q.port), q.sport, q.seq)
}

// due returns the question whose turn is next and when that is: of a target that
// was not asked for yet, else the most urgent one.
func (p *Probe) due() (q *question, at time.Time) {
	if len(p.fresh) > 0 {
		q = p.fresh[0].questions[0]
		at = p.turn(q)
	}
	// The controls come behind the opening, so that many VIPs do not keep them from
	// telling whether the router carries packets back at all.
	if len(p.controls) > 0 && (q == nil || p.begun >= p.timing.Opening) {
		c := p.controls[0].questions[0]
		if turn := p.turn(c); q == nil || !turn.After(at) {
			q, at = c, turn
		}
	}
	if q != nil {
		return q, at
	}
	for _, t := range p.open {
		for _, c := range t.questions {
			if !c.closed && (q == nil || c.before(q)) {
				q = c
			}
		}
	}
	if q == nil {
		return nil, time.Time{}
	}
	return q, p.turn(q)
}

// turn returns when a question may be asked.
func (p *Probe) turn(q *question) (at time.Time) {
	switch {
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
	return at
}

// before reports whether c is more urgent than q, which stands before it: one that
// was not asked yet, or has waited longer.
func (c *question) before(q *question) bool {
	if (c.asked == 0) != (q.asked == 0) {
		return c.asked == 0
	}
	return c.at.Before(q.at)
}

// end returns when the first of the open targets has had its time.
func (p *Probe) end() (at time.Time, ok bool) {
	for _, t := range p.open {
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
	for _, t := range p.open {
		if !now.Before(p.until(t)) {
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
		p.begin(t, now)
	}
	if q.asked++; q.asked == 1 {
		p.packets.Put(q.packet, q)
	}
	q.at = now
	p.sent++
	p.last = now
	return b
}

// begin takes a target from those that wait for their turn.
func (p *Probe) begin(t *target, now time.Time) {
	t.asked, t.first = true, now
	p.open = append(p.open, t)
	if t.Control {
		p.controls = p.controls[1:]
		return
	}
	heap.Pop(&p.fresh)
	p.begun++
	p.router.Turns.note(p.router.IP, t.IP)
}

// settle ends targets for which nothing is left to ask, and the probe when no
// target but controls is open.
func (p *Probe) settle() {
	p.open = slices.DeleteFunc(p.open, func(t *target) bool {
		if t.outcome == Open && !slices.ContainsFunc(t.questions, func(q *question) bool { return !q.closed }) {
			t.outcome = Prohibited
		}
		if t.outcome == Open {
			return false
		}
		if !t.Control {
			p.left--
		}
		p.ended = append(p.ended, t.IP)
		return true
	})
	p.finished = p.left == 0
}

// Ended returns the targets whose asking has ended since the last call.
func (p *Probe) Ended() []netip.Addr {
	ended := p.ended
	p.ended = nil
	return ended
}

// Drop leaves out a target that was not asked for yet. Of one that was, the asking
// goes on to its end.
func (p *Probe) Drop(ip netip.Addr) {
	t := p.byIP[ip]
	if t == nil || t.asked || t.Control {
		return
	}
	if i := slices.Index(p.fresh, t); i >= 0 {
		heap.Remove(&p.fresh, i)
		delete(p.byIP, ip)
		p.left--
		p.settle()
	}
}

// Done reports whether nothing more can be learnt by asking, and nothing is left
// to be closed.
func (p *Probe) Done() bool { return p.finished && len(p.resets) == 0 }

// Outcome returns how asking for ip ended; Open if it is no target.
func (p *Probe) Outcome(ip netip.Addr) Outcome {
	if t := p.byIP[ip]; t != nil {
		return t.outcome
	}
	return Open
}

// Has reports whether ip is a target.
func (p *Probe) Has(ip netip.Addr) bool { return p.byIP[ip] != nil }

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
