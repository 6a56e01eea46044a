package check

import (
	"fmt"
	"net/netip"
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

// Observer is everything that is under way on one link: VIPs that are asked for,
// routers under test, groups that are listened to. VIPs can be added and taken away
// at any time between two calls of Step. It is driven from outside, by one
// goroutine: call Step when it says, hand it each frame by Hear in between. Run
// does that until nothing more can be learnt.
//
// What a frame or a step costs depends on the VIPs that it concerns, not on how
// many there are.
type Observer struct {
	cfg     Config
	link    Link
	handler Handler
	start   time.Time
	now     func() time.Time
	agenda  agenda
	pacer   pacer
	pacing  *entry // lets out who waits in the pacer's line

	subjects int // VIPs under way
	byIP     map[netip.Addr]*subject
	answered []*subject // in the order of their first answers
	blocked  []*subject // those that wait for routers to be found, and for nothing else

	paths     []*path
	forwarder struct {
		all  []*forwarder
		byIP map[netip.Addr]*forwarder
		ats  map[mac.Addr]int // how many of them are said to be at a MAC
		by   [knownByCount]int
	}
	begins     *entry    // begins the tests of routers for the VIPs that have answered
	pathsDue   time.Time // when; zero is not
	hellosBy   time.Time // until when virtual routers' hellos, and their MACs, are waited for; zero is not yet
	hellosOver *entry
	admits     *entry // gives turns to those who wait
	waiting    []waiting
	live       []*live
	soughtLive bool
	searching  bool // routers to test may still be found, at the end of the last step

	beats   map[beatKey]*beats
	queries map[netip.Addr]*membership

	ids     *routerprobe.IDs
	watch   observe.Watch
	joined  map[mac.Addr]bool // groups that were to be joined, and whether they were
	shared  []mac.Addr        // those that concern every VIP
	allJoin joinAll
	docket  docket.Docket
	drops   int       // already noted
	lostAt  time.Time // when the newest were noted
	facts   []evidence.Fact
	sendErr error // the newest; of interest where nothing could be sent
	sentAny bool
	noted   bool // the vantage is
}

// joinAll is whether the interface was set to hear every group.
type joinAll uint8

const (
	joinsEach joinAll = iota
	joinsAll
	joinsNoMore // it could not be
)

// subject is a VIP under way.
type subject struct {
	vip   netip.Addr
	entry *entry
	probe *arpprobe.Probe          // nil in a passive run
	file  *docket.Case             // the evidence
	heard map[arpprobe.Answer]bool // passive: the answers already told
	began time.Time                // when its first question was sent, or listening began; zero is not yet
	end   time.Time
	sent  int
	done  bool
	told  bool // what is known so far

	inLine  bool // it waits for the pacer
	blocked bool // it is in the observer's list of those
	again   int  // how often a question was asked again after a loss

	echo   *routerprobe.EchoNumbers // of the echoes sent straight to a unicast cluster MAC; nil where none are
	volley *volley                  // connections straight to the VIP; nil where none are wanted

	tuned  bool       // the interface was set to hear what the cluster's hosts send
	joined []mac.Addr // groups that were joined for it
	beats  []beatKey
	query  *membership // nil where none is wanted
}

// New returns an observer of link.
func New(link Link, cfg Config, handler Handler) (*Observer, error) {
	if cfg.Pace == (Pace{}) {
		cfg.Pace = DefaultPace()
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	o := &Observer{
		cfg: cfg, link: link, handler: handler, start: cfg.Now(), now: cfg.Now, pacer: pacer{pace: cfg.Pace},
		byIP: make(map[netip.Addr]*subject), beats: make(map[beatKey]*beats), queries: make(map[netip.Addr]*membership),
		ids: routerprobe.NewIDs(cfg.Seed), joined: make(map[mac.Addr]bool),
	}
	o.forwarder.byIP, o.forwarder.ats = make(map[netip.Addr]*forwarder), make(map[mac.Addr]int)
	o.pacing = o.agenda.entry(o.letOut)
	o.begins = o.agenda.entry(o.beginPaths)
	o.hellosOver = o.agenda.entry(func(time.Time) time.Time { return time.Time{} }) // the step itself looks
	o.admits = o.agenda.entry(o.admit)
	for _, router := range cfg.Routers {
		if _, err := o.addForwarder(router.IP, byName, true, o.start); err != nil {
			return nil, err
		}
	}
	return o, nil
}

// Add has a VIP probed, or listened for in a passive run, from the next Step on.
// One that is under way goes on; one whose result was told begins anew.
func (o *Observer) Add(vip netip.Addr) error {
	if old := o.byIP[vip]; old != nil {
		if !old.done {
			return nil
		}
		o.Remove(vip)
	}
	now := o.now()
	s := &subject{vip: vip, heard: make(map[arpprobe.Answer]bool)}
	if o.cfg.Passive {
		o.timeBegins(s, now)
	} else {
		p, err := arpprobe.New(vip, o.source(vip), now, o.cfg.Timing)
		if err != nil {
			return err
		}
		s.probe = p
	}
	s.file = o.docket.Open(vip)
	o.watch.AddIP(vip)
	s.entry = o.agenda.entry(func(now time.Time) time.Time { return o.stepSubject(s, now) })
	o.byIP[vip] = s
	o.subjects++
	o.hearBeatsOf(s, beatKey{cluster: vip})
	if o.noted {
		o.noteVIP(s, now)
	}
	o.agenda.set(s.entry, now)
	return nil
}

// timeBegins notes that a VIP's time begins.
func (o *Observer) timeBegins(s *subject, now time.Time) {
	s.began, s.end = now, now.Add(o.cfg.Timing.Wait)
}

// Remove has nothing more done for a VIP, and forgets what is known of it. Nothing
// is told.
func (o *Observer) Remove(vip netip.Addr) {
	s := o.byIP[vip]
	if s == nil {
		return
	}
	if !s.done {
		s.done = true
		o.subjects--
	}
	o.agenda.drop(s.entry)
	delete(o.byIP, vip)
	o.watch.DropIP(vip)
	o.docket.Drop(s.file)
	for _, k := range s.beats {
		if b := o.beats[k]; b != nil {
			if b.of--; b.of == 0 {
				delete(o.beats, k)
			}
		}
	}
	if i := slices.Index(o.answered, s); i >= 0 {
		o.answered = slices.Delete(o.answered, i, i+1)
		for _, f := range o.forwarder.all {
			for _, at := range f.at {
				if at.seen > i {
					at.seen--
				}
				delete(at.tested, vip)
			}
		}
	}
	for _, p := range o.paths {
		p.probe.Drop(vip)
	}
}

// Idle reports whether the result of every VIP was told.
func (o *Observer) Idle() bool { return o.subjects == 0 }

// Stop tells the results of the VIPs that are under way, as partial ones.
func (o *Observer) Stop() {
	var left []*subject
	for _, s := range o.byIP {
		if !s.done {
			left = append(left, s)
		}
	}
	slices.SortFunc(left, func(a, b *subject) int { return a.entry.order - b.entry.order })
	for _, s := range left {
		o.finish(s, true)
	}
}

// SendFailure is the error of a run that could send nothing at all. Single failures
// are evidence enough in the count of questions.
func (o *Observer) SendFailure() error {
	if o.sentAny || o.sendErr == nil {
		return nil
	}
	return fmt.Errorf("send on %s: %w", o.cfg.Interface, o.sendErr)
}

// Step sends what is due, ends what is over, and returns the instant at which
// something is due again.
func (o *Observer) Step() time.Time {
	now := o.now()
	next := o.agenda.run(now)
	if !o.noted {
		o.noteVantage()
	}
	if searching := o.searches(now); o.searching && !searching {
		for _, s := range o.blocked {
			if s.blocked = false; !s.done {
				o.touch(s, now)
			}
		}
		o.blocked, next = nil, now
		o.searching = searching
	} else {
		o.searching = searching
	}
	if next.IsZero() {
		next = now.Add(o.cfg.Timing.Wait)
	}
	return next
}

// touch has a VIP looked at in the next step.
func (o *Observer) touch(s *subject, now time.Time) {
	if !s.done {
		o.agenda.hasten(s.entry, now)
	}
}

// stepSubject does what is due for one VIP and returns when something is due again.
func (o *Observer) stepSubject(s *subject, now time.Time) time.Time {
	if s.done {
		return time.Time{}
	}
	var next soonest
	if s.probe != nil {
		o.stepProbe(s, now, &next)
		if s.began.IsZero() {
			return time.Time{} // the pacer has its turn come
		}
		if v := s.volley; v != nil && !v.over {
			if at := o.fire(s, now); !v.over {
				next.is(at)
			}
		}
	}
	if listen := s.began.Add(o.cfg.Listen); now.Before(listen) {
		next.is(listen)
	}
	o.stepCluster(s, now, &next)
	if !now.Before(s.end) || o.satisfied(s, now) {
		if !o.asksAgain(s, now) {
			o.finish(s, false)
			return time.Time{}
		}
		if at, ok := s.probe.Next(); ok && !s.inLine {
			next.is(at)
		}
	}
	next.is(s.end)
	o.tellSoFar(s, now)
	return next.at
}

// soonest is the first of several instants.
type soonest struct{ at time.Time }

func (s *soonest) is(at time.Time) {
	if !at.IsZero() && (s.at.IsZero() || at.Before(s.at)) {
		s.at = at
	}
}

// stepProbe asks for a VIP if a question is due and the pace allows it.
func (o *Observer) stepProbe(s *subject, now time.Time, next *soonest) {
	at, ok := s.probe.Next()
	if !ok || s.inLine {
		return
	}
	if !at.After(now) {
		if o.pacer.waits() || !o.pacer.mayAsk(now) {
			o.pacer.wait(s)
			o.agenda.hasten(o.pacing, o.pacer.even)
			return
		}
		o.askFor(s, now)
		if at, ok = s.probe.Next(); !ok {
			return
		}
	}
	next.is(at)
}

// letOut asks for those who wait in the pacer's line, as far as the pace allows.
func (o *Observer) letOut(now time.Time) time.Time {
	for o.pacer.mayAsk(now) {
		s := o.pacer.first()
		if s == nil {
			return time.Time{}
		}
		o.askFor(s, now)
		o.touch(s, now)
	}
	if !o.pacer.waits() {
		return time.Time{}
	}
	return o.pacer.even
}

// askFor sends the question for a VIP that is due.
func (o *Observer) askFor(s *subject, now time.Time) {
	if !o.ask(s.probe, now, &s.file.Log) {
		return
	}
	o.pacer.asked(now)
	if s.began.IsZero() {
		o.timeBegins(s, now)
	}
	o.sendEcho(s, now)
}

// mostAgain bounds how often a question is asked again because frames were lost.
const mostAgain = 4

// asksAgain asks for a VIP once more if frames were lost after its last question:
// the answer may be among them.
func (o *Observer) asksAgain(s *subject, now time.Time) bool {
	if s.probe == nil {
		return false
	}
	o.noteDrops(now)
	// One that has answered is asked again within its time only.
	if !o.mayHaveMissed(s) || s.again == mostAgain || !s.file.Answered.IsZero() && !now.Before(s.end) {
		return false
	}
	s.again++
	s.probe.Again()
	s.end = now.Add(max(o.cfg.Timing.First, o.cfg.Timing.Settle) + againSlack)
	return true
}

// mayHaveMissed reports whether frames were lost after the last question for a VIP.
func (o *Observer) mayHaveMissed(s *subject) bool {
	return s.probe != nil && !s.probe.LastAsk().IsZero() && o.lostAt.After(s.probe.LastAsk())
}

// againSlack is for the pacer's line, in which a question that is asked again waits.
const againSlack = time.Second

// noteDrops makes evidence of frames that the kernel has lost.
func (o *Observer) noteDrops(now time.Time) {
	if n, err := o.link.Drops(); err == nil && n > o.drops {
		o.docket.Common.Add(evidence.Lost{Interface: o.cfg.Interface}, now, n-o.drops, nil)
		o.drops, o.lostAt = n, now
	}
}

// source is who asks for target: the interface's address in the longest of its
// prefixes that holds target, or nobody.
func (o *Observer) source(target netip.Addr) arpprobe.Source {
	src, bits := arpprobe.Source{MAC: o.cfg.MAC}, -1
	for _, p := range o.cfg.Addresses {
		if p.Bits() > bits && p.Contains(target) {
			src.IP, bits = p.Addr(), p.Bits()
		}
	}
	return src
}

// noteVantage makes evidence of what the run knows of its own place, once: while
// the first answers are on their way.
func (o *Observer) noteVantage() {
	if o.noted {
		return
	}
	o.noted = true
	v := evidence.Vantage{Interface: o.cfg.Interface, MAC: o.cfg.MAC}
	o.docket.AddOwnMAC(o.cfg.MAC)
	for _, p := range o.cfg.Addresses {
		v.Address = p
		o.docket.Common.Add(v, o.start, 1, nil)
		o.docket.AddOwn(p.Addr())
	}
	v.Address = netip.Prefix{}
	for _, router := range o.cfg.Routers {
		v.Gateway, v.Asked = router.IP, router.Asked
		o.docket.Common.Add(v, o.start, 1, nil)
	}
	if len(o.cfg.Addresses) == 0 && len(o.cfg.Routers) == 0 {
		o.docket.Common.Add(v, o.start, 1, nil)
	}
	for _, s := range o.byIP {
		o.noteVIP(s, o.start)
	}
	o.listened(nil, o.start)
}

// noteVIP makes evidence of a VIP being judged.
func (o *Observer) noteVIP(s *subject, at time.Time) {
	s.file.Log.Add(evidence.Vantage{Interface: o.cfg.Interface, MAC: o.cfg.MAC, VIP: s.vip}, at, 1, nil)
}

// listened notes that the link was heard until now, with the groups that concern
// every VIP, and those of s if it is not nil.
func (o *Observer) listened(s *subject, now time.Time) {
	l := evidence.Listened{Interface: o.cfg.Interface, Promiscuous: o.cfg.Promiscuous, Passive: o.cfg.Passive}
	o.docket.Common.Add(l, now, 1, nil)
	for _, m := range o.shared {
		l.Joined = m
		o.docket.Add(l, now, 1, nil)
	}
	if s == nil {
		return
	}
	for _, m := range s.joined {
		l.Joined = m
		o.docket.Add(l, now, 1, nil)
	}
}

// maxJoins is how many groups are joined one by one. The kernel and the network card
// look through a list of them: beyond it every group is heard.
const maxJoins = 256

// join has the interface hear a group address, for a VIP or, if s is nil, for all.
// Where that fails there is less evidence, which the findings say by what they do
// not show.
func (o *Observer) join(m mac.Addr, s *subject, now time.Time) {
	heard, tried := o.joined[m]
	if !tried {
		heard = o.joinOne(m)
		o.joined[m] = heard
	}
	if !heard {
		return
	}
	list := &o.shared
	if s != nil {
		list = &s.joined
	}
	if slices.Contains(o.shared, m) || slices.Contains(*list, m) {
		return
	}
	*list = append(*list, m)
	o.listened(s, now)
}

func (o *Observer) joinOne(m mac.Addr) bool {
	if len(o.joined) >= maxJoins && o.allJoin == joinsEach {
		if o.allJoin = joinsNoMore; o.link.JoinAll() == nil {
			o.allJoin = joinsAll
		}
	}
	return o.allJoin == joinsAll || o.link.Join(m) == nil
}

// mostSoFar is with how many VIPs under way somebody still reads what is known of each
// so far: it costs as much as the result.
const mostSoFar = 100

// tellSoFar tells what is known of a VIP once all that answers ARP is thought to
// have done so.
func (o *Observer) tellSoFar(s *subject, now time.Time) {
	if s.done || s.told || s.probe == nil || !s.probe.Done() {
		return
	}
	s.told = true
	if o.subjects > mostSoFar {
		return
	}
	o.noteVantage()
	o.listened(s, now)
	o.handler.SoFar(event.SoFar{VIP: s.vip, Diagnosis: diagnose.VIP(s.vip, o.docket.Items(s.file)), Pending: o.pending(s, now)})
}

// pending is what keeps a VIP from being satisfied.
func (o *Observer) pending(s *subject, now time.Time) event.Pending {
	return event.Pending{
		Routers:    slices.Compact(slices.SortedFunc(o.inTest(s), netip.Addr.Compare)),
		Hellos:     o.awaitsRouters(s, now),
		Heartbeats: now.Before(o.beatsBy(s)),
		Members:    s.query.open(now),
		Ports:      s.volley != nil && !s.volley.done(),
		Listen:     now.Before(s.began.Add(o.cfg.Listen)),
	}
}

// satisfied reports whether nothing more can be learnt about a VIP by sending.
func (o *Observer) satisfied(s *subject, now time.Time) bool {
	if s.probe == nil || now.Before(s.began.Add(o.cfg.Listen)) {
		return false // a passive run listens for all its time
	}
	if !s.probe.Done() || !o.clusterHeard(s, now) || s.volley != nil && !s.volley.done() {
		return false
	}
	for range o.inTest(s) {
		return false
	}
	if o.awaitsRouters(s, now) {
		if !s.blocked {
			s.blocked = true
			o.blocked = append(o.blocked, s)
		}
		return false
	}
	return true
}

// ask sends the probe's question where one is due, and reports whether it was.
func (o *Observer) ask(p *arpprobe.Probe, now time.Time, log *evidence.Log) bool {
	b := p.Step(now)
	if b != nil {
		o.send(b, now, log)
	}
	return b != nil
}

// asking returns an entry that asks by a probe of its own for the MAC of a router or
// a control.
func (o *Observer) asking(p *arpprobe.Probe) *entry {
	e := o.agenda.entry(func(now time.Time) time.Time {
		o.ask(p, now, &o.docket.Common)
		at, _ := p.Next()
		return at
	})
	at, _ := p.Next()
	o.agenda.set(e, at)
	return e
}

// send puts a frame on the wire and notes it as evidence, for log or, where that
// is nil, for the VIP that it concerns. It reports whether it was sent.
func (o *Observer) send(b []byte, now time.Time, log *evidence.Log) bool {
	if err := o.link.Send(b); err != nil {
		o.sendErr = err
		return false
	}
	o.sentAny = true
	frame := evidence.Frame{Time: now, Data: b, Length: len(b), Place: o.cfg.Interface, Out: true}
	o.facts = observe.Facts(o.facts[:0], &frame)
	for _, f := range o.facts {
		if s := o.byIP[targetOf(f)]; s != nil {
			s.sent++
		}
		if log != nil {
			log.Add(f, now, 1, &frame)
			continue
		}
		o.docket.File(f, &frame)
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

// Hear makes evidence of a frame. Its bytes are not kept but as copies.
func (o *Observer) Hear(frame *evidence.Frame) {
	o.facts = o.watch.Facts(o.facts[:0], frame)
	for _, f := range o.facts {
		switch f := f.(type) {
		case evidence.ARP:
			o.hearARP(f, frame)
		case evidence.Hello:
			o.hearHello(f, frame)
			o.docket.File(f, frame)
		case evidence.Heartbeat:
			o.hearBeat(f, frame)
			o.docket.File(f, frame)
		case evidence.IGMP:
			o.hearIGMP(f)
			o.docket.File(f, frame)
		default:
			o.docket.File(f, frame)
		}
		o.tellPaths(f, frame)
	}
}

func (o *Observer) hearARP(a evidence.ARP, frame *evidence.Frame) {
	o.hearLive(a)
	o.hearRouter(a, frame)
	s := o.byIP[a.SenderIP]
	first := s != nil && s.file.Answered.IsZero()
	o.docket.File(a, frame)
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
		began := s.began
		if began.IsZero() {
			began = o.start // somebody else asked
		}
		o.handler.Answer(event.Answer{VIP: s.vip, ARP: a, After: frame.Time.Sub(began)})
	}
	if first {
		o.begin(s)
		o.tune(s, frame.Time)
	}
	if isNew {
		o.wantMember(s, a, frame.Time)
	}
	o.touch(s, frame.Time)
}

// finish diagnoses what was learnt about a VIP and tells the handler.
func (o *Observer) finish(s *subject, partial bool) {
	now := o.now()
	o.noteVantage()
	s.done = true
	o.subjects--
	o.agenda.drop(s.entry)
	o.listened(s, now)
	o.noteDrops(now)
	if s.file.Answered.IsZero() && o.mayHaveMissed(s) {
		s.file.Log.Add(evidence.Lost{Interface: o.cfg.Interface, VIP: s.vip}, now, 1, nil)
	}
	items := o.docket.Items(s.file)
	s.file.Close()
	start := s.began
	if start.IsZero() {
		start = o.start
	}
	o.handler.Result(event.Result{
		VIP: s.vip, Interface: o.cfg.Interface, Items: items, Diagnosis: diagnose.VIP(s.vip, items),
		Start: start, Elapsed: now.Sub(start), Sent: s.sent, Passive: o.cfg.Passive, Partial: partial,
	})
	s.file.Forget()
	s.probe, s.heard, s.volley, s.query = nil, nil, nil, nil
}
