package check

import (
	"net/netip"
	"slices"
	"time"

	"github.com/nlbprobe/nlbprobe/arpprobe"
	"github.com/nlbprobe/nlbprobe/docket"
	"github.com/nlbprobe/nlbprobe/evidence"
	"github.com/nlbprobe/nlbprobe/mac"
)

// The bounds of what anybody on the segment can invent. Routers that the user or
// this host's routes name have no bound, and come first.
const (
	maxAskers    = 4  // those known only by asking for a VIP that are in test at one time
	allAskers    = 16 // of them in one run
	maxWaiting   = 64 // of them that wait for their turn
	maxHellos    = 4  // routers known only by hellos
	maxPeers     = 6  // the same with those that share an address of a router that is named
	maxTested    = 4  // MACs of one router by way of which a VIP is tested
	maxQuestions = 6  // for the MAC of a router or control, once somebody answered
)

// knownBy is how a router is known: what only frames say may be invented.
type knownBy uint8

const (
	byName   knownBy = iota // the user's, or this host's routes
	byHello                 // it says hello
	byAsking                // it asks for a VIP: most such are hosts
	knownByCount
)

// forwarder is a router under way, or who may be one.
type forwarder struct {
	ip    netip.Addr
	by    knownBy
	since time.Time
	probe *arpprobe.Probe // asks for its MAC; nil where that needs no asking
	at    []*place        // in the order in which they were heard
	macs  docket.Regulars
}

// place is a MAC at which a router is said to be. A router that shares its
// address has several, and so has one whose address somebody else claims.
type place struct {
	mac    mac.Addr
	heard  int // how often it was named in ARP
	tested map[netip.Addr]bool
	seen   int   // how many of the VIPs that have answered were looked at
	path   *path // nil while it is not tested
}

// mayTest reports whether the router may be tested for a VIP by way of one more of
// its MACs.
func (f *forwarder) mayTest(vip netip.Addr) bool {
	tested := 0
	for _, p := range f.at {
		if p.tested[vip] {
			tested++
		}
	}
	return tested < maxTested
}

// findForwarder returns the router at ip, or nil.
func (o *Observer) findForwarder(ip netip.Addr) *forwarder { return o.forwarder.byIP[ip] }

// addForwarder adds a router unless it is known, is a VIP or this host. With ask
// its MAC is asked for.
func (o *Observer) addForwarder(ip netip.Addr, by knownBy, ask bool, now time.Time) (*forwarder, error) {
	if f := o.findForwarder(ip); f != nil {
		return f, nil
	}
	if !ip.Is4() || o.byIP[ip] != nil || o.isOwn(ip) {
		return nil, nil
	}
	f := &forwarder{ip: ip, by: by, since: now}
	if ask && !o.cfg.Passive {
		wait := o.cfg.Timing.Wait
		if by != byName {
			wait = min(wait, signWait)
		}
		p, err := o.askOnce(ip, now, wait)
		if err != nil {
			return nil, err
		}
		f.probe = p
		o.asking(p)
	}
	o.forwarder.all = append(o.forwarder.all, f)
	o.forwarder.byIP[ip] = f
	o.forwarder.by[by]++
	o.docket.AddRouter(ip)
	return f, nil
}

// askOnce returns a probe for one host's MAC: one answer tells it, and where
// answers differ, those that come again are believed.
func (o *Observer) askOnce(ip netip.Addr, now time.Time, wait time.Duration) (*arpprobe.Probe, error) {
	timing := o.cfg.Timing
	timing.Rounds, timing.Most, timing.Wait = 1, maxQuestions, wait
	return arpprobe.New(ip, o.source(ip), now, timing)
}

// tests reports whether routers are tested at all in this run.
func (o *Observer) tests() bool { return !o.cfg.Passive && o.cfg.RouterTest.Wait > 0 }

func (o *Observer) isOwn(ip netip.Addr) bool {
	return slices.ContainsFunc(o.cfg.Addresses, func(p netip.Prefix) bool { return p.Addr() == ip })
}

// onLink reports whether ip is in one of the interface's subnets.
func (o *Observer) onLink(ip netip.Addr) bool {
	return slices.ContainsFunc(o.cfg.Addresses, func(p netip.Prefix) bool { return p.Contains(ip) })
}

// foundAt notes a MAC of a router.
func (o *Observer) foundAt(f *forwarder, m mac.Addr, at time.Time) {
	if m.IsZero() || m.IsGroup() || m == o.cfg.MAC {
		return
	}
	n := slices.IndexFunc(f.at, func(p *place) bool { return p.mac == m })
	if n < 0 {
		if !f.macs.Admit(m) {
			return
		}
		n = len(f.at)
		f.at = append(f.at, &place{mac: m, tested: make(map[netip.Addr]bool)})
		o.forwarder.ats[m]++
		// One that says hello is known by that: its MAC is no reason to wait for more.
		if wait := helloWait(m); wait > 0 && f.by != byHello && o.tests() && o.hellosBy.IsZero() {
			for _, group := range helloMACs() {
				o.join(group, nil, at)
			}
			o.hellosBy = at.Add(wait)
			o.agenda.set(o.hellosOver, o.hellosBy)
		}
	}
	f.at[n].heard++
	if n == 0 && f.at[n].heard == 1 || n > 0 && f.at[n].heard == 2 {
		o.duePaths(at)
	}
}

// hearRouter takes an ARP packet with a router's address, or one that asks for
// a VIP.
func (o *Observer) hearRouter(a evidence.ARP, frame *evidence.Frame) {
	f := o.findForwarder(a.SenderIP)
	switch {
	case a.Out:
	case f == nil:
		o.hearAsker(a, frame)
	case a.Op == evidence.Reply, a.Op == evidence.Request:
		if f.probe != nil && a.Op == evidence.Reply {
			f.probe.Heard(arpprobe.Answer{EthSrc: a.EthSrc, SenderMAC: a.SenderMAC})
		}
		o.foundAt(f, a.SenderMAC, frame.Time)
	}
}

// hearAsker adds who asks everybody for a VIP: it may be a router with a packet
// for it. A cluster's own host is none.
func (o *Observer) hearAsker(a evidence.ARP, frame *evidence.Frame) {
	s := o.byIP[a.TargetIP]
	if s == nil || s.done || !o.tests() || a.Op != evidence.Request || !a.EthDst.IsBroadcast() ||
		a.SenderMAC.IsGroup() || a.SenderMAC.IsZero() || a.SenderIP.IsUnspecified() || !o.onLink(a.SenderIP) {
		return
	}
	if o.forwarder.ats[a.SenderMAC] > 0 {
		return // a router that speaks from another address of its own
	}
	n := slices.IndexFunc(o.waiting, func(w waiting) bool { return w.ip == a.SenderIP })
	if n < 0 {
		if len(o.waiting) >= maxWaiting {
			// One that asked once is most likely a host that got its answer.
			if n = slices.IndexFunc(o.waiting, func(w waiting) bool { return w.asked == 1 }); n < 0 {
				return
			}
			o.waiting = slices.Delete(o.waiting, n, n+1)
		}
		n = len(o.waiting)
		o.waiting = append(o.waiting, waiting{ip: a.SenderIP, mac: a.SenderMAC})
	}
	o.waiting[n].asked++
	o.agenda.hasten(o.admits, frame.Time)
}

// waiting is somebody who asks for a VIP and is not tested yet.
type waiting struct {
	ip    netip.Addr
	mac   mac.Addr
	asked int
}

// admit gives a turn to those who wait, those first that ask on: a host that got
// its answer does not.
func (o *Observer) admit(now time.Time) time.Time {
	for len(o.waiting) > 0 && o.forwarder.by[byAsking] < allAskers && o.askersInTest(now) < maxAskers {
		next := 0
		for n, w := range o.waiting {
			if w.asked > o.waiting[next].asked {
				next = n
			}
		}
		w := o.waiting[next]
		if w.asked < 2 && o.forwarder.by[byAsking] >= maxAskers && now.After(o.start.Add(o.cfg.Listen)) {
			return time.Time{} // a run is not prolonged for hosts that asked once
		}
		o.waiting = slices.Delete(o.waiting, next, next+1)
		if f, err := o.addForwarder(w.ip, byAsking, false, now); err == nil && f != nil {
			o.foundAt(f, w.mac, now)
		}
	}
	if len(o.waiting) > 0 && o.forwarder.by[byAsking] < allAskers {
		return o.placeFree(now)
	}
	return time.Time{}
}

// placeFree is when the first place of an asker is free again whose test has not
// begun; zero is never.
func (o *Observer) placeFree(now time.Time) time.Time {
	var free soonest
	for _, f := range o.forwarder.all {
		if over := f.since.Add(signWait); f.by == byAsking && now.Before(over) {
			free.is(over)
		}
	}
	return free.at
}

// askersInTest is how many places of askers are taken: each has its own until its
// test is over.
func (o *Observer) askersInTest(now time.Time) int {
	n := 0
	for _, f := range o.forwarder.all {
		if f.by != byAsking {
			continue
		}
		open := now.Before(f.since.Add(signWait)) // its test may not have begun
		for _, p := range o.paths {
			if p.router == f {
				if open = !p.probe.Done(); open {
					break
				}
			}
		}
		if open {
			n++
		}
	}
	return n
}

// asksOn reports whether somebody waits for a turn who asks again and again.
func (o *Observer) asksOn() bool {
	return o.forwarder.by[byAsking] < allAskers && slices.ContainsFunc(o.waiting, func(w waiting) bool { return w.asked > 1 })
}

// peerWait is how long a router that said hello is given to tell its own MAC.
const peerWait = 200 * time.Millisecond

// hearHello notes that routers share an address. Each is tested by an address of
// its own, the virtual one by the MAC that goes with it. The first hello of VRRP
// ends the wait for it; with HSRP the standby router says hello too.
func (o *Observer) hearHello(h evidence.Hello, frame *evidence.Frame) {
	if !o.tests() {
		return
	}
	now := o.now()
	if h.Protocol.IsVRRP() {
		o.hellosBy = now // the step that follows looks
	}
	virtual := helloWait(h.EthSrc) > 0
	most := maxHellos
	if f := o.findForwarder(h.Virtual); f != nil && f.by == byName {
		most = maxPeers
	}
	for _, ip := range []netip.Addr{h.From, h.Virtual} {
		if !ip.Is4() || !o.onLink(ip) || o.findForwarder(ip) != nil {
			continue
		}
		if o.forwarder.by[byHello] >= most {
			continue
		}
		own := ip == h.From
		f, err := o.addForwarder(ip, byHello, own == virtual, now)
		if err != nil || f == nil {
			continue
		}
		o.hearing(ip)
		if own != virtual {
			o.foundAt(f, h.EthSrc, frame.Time)
		} else if by := now.Add(peerWait); by.After(o.hellosBy) {
			o.hellosBy = by
			o.agenda.set(o.hellosOver, by)
		}
	}
}

// hearing has the link hear what concerns ip. Where that fails there is less
// evidence, which the findings say by what they do not show.
func (o *Observer) hearing(ip netip.Addr) { _ = o.link.Hear(ip) }

// The hosts that may serve as a router's control, where none was named.
const (
	maxControls = 1 // that a router is asked for
	maxLive     = 3 // that are asked whether they live
)

// laterControl is how long the VIP is given before a control that nobody named
// is asked for: mostly none is needed.
const laterControl = 300 * time.Millisecond

// live is a host that may serve as control.
type live struct {
	ip    netip.Addr
	probe *arpprobe.Probe
	alive bool // it answered
}

// findLive asks a few hosts that this one talks to whether they live, so that a
// router can be asked for one of them.
func (o *Observer) findLive(now time.Time) {
	if o.soughtLive || !o.tests() || len(o.cfg.Controls) > 0 || o.cfg.Neighbours == nil || len(o.forwarder.all) == 0 {
		return
	}
	o.soughtLive = true
	for _, ip := range o.cfg.Neighbours() {
		if len(o.live) >= maxLive {
			return
		}
		if !ip.Is4() || !o.onLink(ip) || o.isOwn(ip) || o.byIP[ip] != nil || o.findForwarder(ip) != nil {
			continue
		}
		p, err := o.askOnce(ip, now, o.cfg.Timing.Wait)
		if err != nil {
			continue
		}
		o.hearing(ip)
		o.live = append(o.live, &live{ip: ip, probe: p})
		o.asking(p)
	}
}

// hearLive takes an ARP packet of a host that may serve as control.
func (o *Observer) hearLive(a evidence.ARP) {
	if a.Out || a.Op != evidence.Reply {
		return
	}
	for _, l := range o.live {
		if l.ip == a.SenderIP {
			l.probe.Heard(arpprobe.Answer{EthSrc: a.EthSrc, SenderMAC: a.SenderMAC})
			if !l.alive && !a.SenderMAC.IsGroup() && !a.SenderMAC.IsZero() {
				l.alive = true
				o.lateControl(l.ip)
			}
		}
	}
}

// lateControl gives the routers under test a control that lives, where they have
// none.
func (o *Observer) lateControl(ip netip.Addr) {
	for _, p := range o.paths {
		if p.controlled {
			continue
		}
		if err := p.probe.AddControl(ip, laterControl, o.ids); err != nil {
			o.sendErr = err
			continue
		}
		p.controlled = true
		o.agenda.hasten(p.entry, o.now())
	}
}

// controls returns live hosts of the subnet for a router's control: those that
// were named; else one that answered, or was heard asking for something.
func (o *Observer) controls(router netip.Addr) []netip.Addr {
	if len(o.cfg.Controls) > 0 {
		return slices.DeleteFunc(slices.Clone(o.cfg.Controls), func(ip netip.Addr) bool {
			return ip == router || o.byIP[ip] != nil || o.isOwn(ip)
		})
	}
	var found []netip.Addr
	for _, l := range o.live {
		// One that turned out to be the router under test is no control of it.
		if l.alive && l.ip != router && len(found) < maxControls {
			found = append(found, l.ip)
		}
	}
	for _, s := range o.answered {
		for it := range s.file.Asks.All() {
			if len(found) == maxControls {
				return found
			}
			a, ok := it.Fact.(evidence.ARP)
			if !ok || a.Out || a.SenderIP == router || o.isOwn(a.SenderIP) || o.byIP[a.SenderIP] != nil ||
				a.SenderMAC.IsGroup() || a.SenderIP.IsUnspecified() || !o.onLink(a.SenderIP) {
				continue
			}
			if f := o.findForwarder(a.SenderIP); f == nil || f.by == byAsking {
				found = append(found, a.SenderIP)
			}
		}
	}
	return found
}
