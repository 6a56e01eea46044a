// Package check is one run for one or several VIPs on one link: it asks, has
// each frame observed, stops when nothing more can be learnt, and has the
// evidence diagnosed. It knows no socket: the link is handed in.
package check

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/netip"
	"os"
	"slices"
	"time"

	"github.com/nlbprobe/nlbprobe/arpprobe"
	"github.com/nlbprobe/nlbprobe/diagnose"
	"github.com/nlbprobe/nlbprobe/docket"
	"github.com/nlbprobe/nlbprobe/event"
	"github.com/nlbprobe/nlbprobe/evidence"
	"github.com/nlbprobe/nlbprobe/mac"
	"github.com/nlbprobe/nlbprobe/observe"
	"github.com/nlbprobe/nlbprobe/routerprobe"
)

// Link is what a run needs of the wire.
type Link interface {
	// Send puts a whole Ethernet frame on the wire.
	Send(frame []byte) error
	// Receive waits for the next frame, until the deadline; then its error
	// is os.ErrDeadlineExceeded. The frame's bytes are valid until the next call.
	Receive(deadline time.Time) (evidence.Frame, error)
	// Interrupt ends a Receive at once, and every later one, as if its
	// deadline had passed. It may be called from another goroutine.
	Interrupt()
	// Join makes the interface accept frames to a group address.
	Join(mac.Addr) error
	// Hear makes ARP and IPv4 with ip as sender or target heard, beside what is
	// heard already.
	Hear(ip netip.Addr) error
	// HearMAC makes every frame from or to a MAC heard, where it comes to this port.
	HearMAC(mac.Addr) error
	// Drops returns how many frames were lost before they could be received,
	// since the link was opened.
	Drops() (int, error)
}

// Router is a router to know about: by address, and whether the user named it.
type Router struct {
	IP    netip.Addr
	Asked bool
}

// Config is where and how a run listens and asks.
type Config struct {
	Interface   string
	MAC         mac.Addr       // of the interface
	Addresses   []netip.Prefix // the interface's own, each with its prefix length
	Routers     []Router
	Timing      arpprobe.Timing
	RouterTest  routerprobe.Timing  // its Wait is cut to what is left of Timing.Wait
	Controls    []netip.Addr        // live hosts that are no cluster, for the routers' control
	Neighbours  func() []netip.Addr // where Controls is empty: hosts that this one has talked to; may be nil
	Ports       []uint16            // TCP ports of the VIPs to try
	Connections int                 // how many connections to try on each port, straight to the VIP
	Seed        routerprobe.Seed    // of what tells this run's packets from others': nobody else may guess it
	Passive     bool                // send nothing
	Listen      time.Duration       // the least time to listen, for what comes unasked; Timing.Wait bounds it
	Beats       time.Duration       // how long to listen for the heartbeats of a cluster that answered; Timing.Wait bounds it
	IGMPQuery   bool                // ask the hosts of a cluster in IGMP mode whether they joined its group
	Promiscuous bool                // the link is; it is evidence of what could be heard
}

// Handler is told what happens, from the goroutine that called Run.
type Handler interface {
	Answer(event.Answer) // as soon as it is heard, each different answer once
	SoFar(event.SoFar)   // once for a VIP at most
	Result(event.Result) // as soon as nothing more can be learnt about its VIP
}

// subject is a VIP under way.
type subject struct {
	vip   netip.Addr
	probe *arpprobe.Probe          // nil in a passive run
	file  *docket.Case             // the evidence
	heard map[arpprobe.Answer]bool // passive: the answers already told
	sent  int
	done  bool
	told  bool // what is known so far

	echo   *routerprobe.EchoNumbers // of the echoes sent straight to a unicast cluster MAC; nil where none are
	volley *volley                  // connections straight to the VIP; nil where none are wanted

	tuned bool // the interface was set to hear what the cluster's hosts send
	beats beats
	query membership
}

// runner is the state of one Run.
type runner struct {
	cfg      Config
	link     Link
	handler  Handler
	start    time.Time
	subjects []*subject
	byIP     map[netip.Addr]*subject
	paths    []*path
	pathsDue time.Time // when the next paths are to be begun; zero is not
	hellosBy time.Time // until when virtual routers' hellos, and their MACs, are waited for; zero is not yet
	ids      *routerprobe.IDs
	watch    observe.Watch
	joined   map[mac.Addr]bool
	docket   docket.Docket
	drops    int // already noted
	facts    []evidence.Fact
	sendErr  error // the newest; of interest where nothing could be sent
	sentAny  bool
	noted    bool // the vantage is

	forwarders []*forwarder
	waiting    []waiting
	live       []*live
	soughtLive bool
}

// Run probes the VIPs side by side and tells handler of each answer and each
// result. It returns when all are done, or when the context ends: then the
// results say that they are partial. An error means that the link failed; what
// was learnt before has been told all the same.
func Run(ctx context.Context, link Link, cfg Config, vips []netip.Addr, handler Handler) error {
	r := &runner{
		cfg: cfg, link: link, handler: handler, start: time.Now(),
		byIP:   make(map[netip.Addr]*subject),
		ids:    routerprobe.NewIDs(cfg.Seed),
		joined: make(map[mac.Addr]bool),
	}
	if err := r.prepare(vips); err != nil {
		return err
	}
	defer context.AfterFunc(ctx, link.Interrupt)()
	return r.loop(ctx)
}

func (r *runner) prepare(vips []netip.Addr) error {
	for _, vip := range vips {
		if r.byIP[vip] != nil {
			continue
		}
		s := &subject{vip: vip, file: r.docket.Open(vip), heard: make(map[arpprobe.Answer]bool)}
		r.watch.AddIP(vip)
		if !r.cfg.Passive {
			p, err := arpprobe.New(vip, r.source(vip), r.start, r.cfg.Timing)
			if err != nil {
				return err
			}
			s.probe = p
		}
		r.subjects = append(r.subjects, s)
		r.byIP[vip] = s
	}
	for _, router := range r.cfg.Routers {
		if _, err := r.addForwarder(router.IP, byName, true, r.start); err != nil {
			return err
		}
	}
	return nil
}

// source is who asks for target: the interface's address in the longest of its
// prefixes that holds target, or nobody.
func (r *runner) source(target netip.Addr) arpprobe.Source {
	src, bits := arpprobe.Source{MAC: r.cfg.MAC}, -1
	for _, p := range r.cfg.Addresses {
		if p.Bits() > bits && p.Contains(target) {
			src.IP, bits = p.Addr(), p.Bits()
		}
	}
	return src
}

// noteVantage makes evidence of what the run knows of its own place, once: while
// the first answers are on their way.
func (r *runner) noteVantage() {
	if r.noted {
		return
	}
	r.noted = true
	v := evidence.Vantage{Interface: r.cfg.Interface, MAC: r.cfg.MAC}
	r.docket.AddOwnMAC(r.cfg.MAC)
	for _, p := range r.cfg.Addresses {
		v.Address = p
		r.docket.Common.Add(v, r.start, 1, nil)
		r.docket.AddOwn(p.Addr())
	}
	v.Address = netip.Prefix{}
	for _, router := range r.cfg.Routers {
		v.Gateway, v.Asked = router.IP, router.Asked
		r.docket.Common.Add(v, r.start, 1, nil)
	}
	if len(r.cfg.Addresses) == 0 && len(r.cfg.Routers) == 0 {
		r.docket.Common.Add(v, r.start, 1, nil)
	}
	for _, s := range r.subjects {
		s.file.Log.Add(evidence.Vantage{Interface: r.cfg.Interface, MAC: r.cfg.MAC, VIP: s.vip}, r.start, 1, nil)
	}
	r.listened(r.start)
}

// listened notes that the link was heard until now.
func (r *runner) listened(now time.Time) {
	l := evidence.Listened{Interface: r.cfg.Interface, Promiscuous: r.cfg.Promiscuous, Passive: r.cfg.Passive}
	r.docket.Common.Add(l, now, 1, nil)
	for m, joined := range r.joined {
		if joined {
			l.Joined = m
			r.docket.Add(l, now, 1, nil)
		}
	}
}

func (r *runner) loop(ctx context.Context) error {
	for {
		next := r.step(time.Now())
		if r.finished() {
			return r.sendFailure()
		}
		frame, err := r.link.Receive(next)
		switch {
		case ctx.Err() != nil:
			r.finishAll(true)
			return r.sendFailure()
		case errors.Is(err, os.ErrDeadlineExceeded):
		case err != nil:
			r.finishAll(true)
			return fmt.Errorf("listen on %s: %w", r.cfg.Interface, err)
		default:
			r.hear(&frame)
		}
	}
}

// step sends what is due, ends what is over, and returns the instant at which
// something is due again.
func (r *runner) step(now time.Time) time.Time {
	end := r.start.Add(r.cfg.Timing.Wait)
	next := end
	if listen := r.start.Add(r.cfg.Listen); now.Before(listen) {
		next = earlier(next, listen)
	}
	for _, s := range r.subjects {
		if s.done || s.probe == nil {
			continue
		}
		if r.ask(s.probe, now, &s.file.Log) {
			r.echo(s, now)
		}
		if at, ok := s.probe.Next(); ok {
			next = earlier(next, at)
		}
		if v := s.volley; v != nil && !v.over {
			if at := r.fire(s, now); !v.over {
				next = earlier(next, at)
			}
		}
	}
	for p := range r.others() {
		r.ask(p, now, &r.docket.Common)
		if at, ok := p.Next(); ok {
			next = earlier(next, at)
		}
	}
	next = earlier(next, r.stepPaths(now))
	next = earlier(next, r.stepClusters(now))
	r.noteVantage()
	for _, s := range r.subjects {
		if !s.done && (!now.Before(end) || r.satisfied(s, now)) {
			r.finish(s, false)
		}
		r.tellSoFar(s, now)
	}
	return next
}

// tellSoFar tells what is known of a VIP once all that answers ARP is thought to
// have done so.
func (r *runner) tellSoFar(s *subject, now time.Time) {
	if s.done || s.told || s.probe == nil || !s.probe.Done() {
		return
	}
	s.told = true
	r.listened(now)
	r.handler.SoFar(event.SoFar{VIP: s.vip, Diagnosis: diagnose.VIP(s.vip, r.docket.Items(s.file)), Pending: r.pending(s, now)})
}

// pending is what keeps a VIP from being satisfied.
func (r *runner) pending(s *subject, now time.Time) event.Pending {
	return event.Pending{
		Routers:    slices.Compact(slices.SortedFunc(r.inTest(s), netip.Addr.Compare)),
		Hellos:     r.awaitsRouters(s),
		Heartbeats: now.Before(r.beatsBy(s)),
		Members:    s.query.open(now),
		Ports:      s.volley != nil && !s.volley.done(),
		Listen:     now.Before(r.start.Add(r.cfg.Listen)),
	}
}

// others yields the probes for the MACs of routers and controls.
func (r *runner) others() iter.Seq[*arpprobe.Probe] {
	return func(yield func(*arpprobe.Probe) bool) {
		for _, f := range r.forwarders {
			if f.probe != nil && !yield(f.probe) {
				return
			}
		}
		for _, l := range r.live {
			if !yield(l.probe) {
				return
			}
		}
	}
}

// satisfied reports whether nothing more can be learnt about a VIP by sending.
func (r *runner) satisfied(s *subject, now time.Time) bool {
	if s.probe == nil || now.Before(r.start.Add(r.cfg.Listen)) {
		return false // a passive run listens for all its time
	}
	return s.probe.Done() && r.clusterHeard(s, now) && r.pathsSettled(s) && (s.volley == nil || s.volley.done())
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// ask sends the probe's question where one is due, and reports whether it was.
func (r *runner) ask(p *arpprobe.Probe, now time.Time, log *evidence.Log) bool {
	b := p.Step(now)
	if b != nil {
		r.send(b, now, log)
	}
	return b != nil
}

// send puts a frame on the wire and notes it as evidence, for log or, where that
// is nil, for the VIP that it concerns. It reports whether it was sent.
func (r *runner) send(b []byte, now time.Time, log *evidence.Log) bool {
	if err := r.link.Send(b); err != nil {
		r.sendErr = err
		return false
	}
	r.sentAny = true
	frame := evidence.Frame{Time: now, Data: b, Length: len(b), Place: r.cfg.Interface, Out: true}
	r.facts = observe.Facts(r.facts[:0], &frame)
	for _, f := range r.facts {
		if s := r.byIP[targetOf(f)]; s != nil {
			s.sent++
		}
		if log != nil {
			log.Add(f, now, 1, &frame)
			continue
		}
		r.docket.File(f, &frame)
	}
	return true
}

// targetOf is whom a frame of ours is for.
func targetOf(f evidence.Fact) netip.Addr {
	switch f := f.(type) {
	case evidence.ARP:
		return f.TargetIP
	case evidence.Echo:
		return f.Dst
	case evidence.TCP:
		return f.Dst.Addr()
	}
	return netip.Addr{}
}

// hear makes evidence of a frame.
func (r *runner) hear(frame *evidence.Frame) {
	r.facts = r.watch.Facts(r.facts[:0], frame)
	for _, f := range r.facts {
		switch f := f.(type) {
		case evidence.ARP:
			r.hearARP(f, frame)
		case evidence.Hello:
			r.hearHello(f, frame)
			r.docket.File(f, frame)
		case evidence.Heartbeat:
			r.hearBeat(f, frame)
			r.docket.File(f, frame)
		case evidence.IGMP:
			r.hearIGMP(f)
			r.docket.File(f, frame)
		default:
			r.docket.File(f, frame)
		}
		r.tellPaths(f, frame)
	}
}

func (r *runner) hearARP(a evidence.ARP, frame *evidence.Frame) {
	r.hearLive(a)
	r.hearRouter(a, frame)
	s := r.byIP[a.SenderIP]
	first := s != nil && s.file.Answered.IsZero()
	r.docket.File(a, frame)
	if s == nil || s.done || a.Out || a.Op != evidence.Reply {
		return
	}
	answer := arpprobe.Answer{EthSrc: a.EthSrc, SenderMAC: a.SenderMAC}
	isNew := false
	if s.probe != nil {
		isNew = s.probe.Heard(answer)
	} else if len(s.heard) < evidence.PerKind && !s.heard[answer] {
		s.heard[answer] = true
		isNew = true
	}
	if isNew {
		r.handler.Answer(event.Answer{VIP: s.vip, ARP: a, After: frame.Time.Sub(r.start)})
	}
	if first {
		r.begin(s)
		r.tune(s)
	}
	if isNew {
		r.wantMember(s, a, frame.Time)
	}
}

// finish diagnoses what was learnt about a VIP and tells the handler.
func (r *runner) finish(s *subject, partial bool) {
	now := time.Now()
	s.done = true
	r.listened(now)
	if n, err := r.link.Drops(); err == nil && n > r.drops {
		r.docket.Common.Add(evidence.Lost{Interface: r.cfg.Interface}, now, n-r.drops, nil)
		r.drops = n
	}
	items := r.docket.Items(s.file)
	s.file.Close()
	r.handler.Result(event.Result{
		VIP: s.vip, Interface: r.cfg.Interface, Items: items, Diagnosis: diagnose.VIP(s.vip, items),
		Start: r.start, Elapsed: now.Sub(r.start), Sent: s.sent, Passive: r.cfg.Passive, Partial: partial,
	})
}

func (r *runner) finishAll(partial bool) {
	for _, s := range r.subjects {
		if !s.done {
			r.finish(s, partial)
		}
	}
}

func (r *runner) finished() bool {
	return !slices.ContainsFunc(r.subjects, func(s *subject) bool { return !s.done })
}

// sendFailure is the error of a run that could send nothing at all. Single
// failures are evidence enough in the count of questions.
func (r *runner) sendFailure() error {
	if r.sentAny || r.sendErr == nil {
		return nil
	}
	return fmt.Errorf("send on %s: %w", r.cfg.Interface, r.sendErr)
}
