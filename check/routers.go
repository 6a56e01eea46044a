package check

import (
	"net/netip"
	"slices"
	"strings"
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
}

// mayTest reports whether the router's n-th place is one to test by: the first
// one, and those that were named more than once, which invented ones are not.
func (f *forwarder) mayTest(n int, vip netip.Addr) bool {
	if f.at[n].tested[vip] || n > 0 && f.at[n].heard < 2 {
		return false
	}
	tested := 0
	for _, p := range f.at {
		if p.tested[vip] {
			tested++
		}
	}
	return tested < maxTested
}

// findForwarder returns the router at ip, or nil.
func (r *runner) findForwarder(ip netip.Addr) *forwarder {
	for _, f := range r.forwarders {
		if f.ip == ip {
			return f
		}
	}
	return nil
}

// addForwarder adds a router unless it is known, is a VIP or this host. With ask
// its MAC is asked for.
func (r *runner) addForwarder(ip netip.Addr, by knownBy, ask bool, now time.Time) (*forwarder, error) {
	if f := r.findForwarder(ip); f != nil {
		return f, nil
	}
	if !ip.Is4() || r.byIP[ip] != nil || r.isOwn(ip) {
		return nil, nil
	}
	f := &forwarder{ip: ip, by: by, since: now}
	if ask && !r.cfg.Passive {
		wait := r.cfg.Timing.Wait
		if by != byName {
			wait = min(wait, signWait)
		}
		p, err := r.askOnce(ip, now, wait)
		if err != nil {
			return nil, err
		}
		f.probe = p
	}
	r.forwarders = append(r.forwarders, f)
	r.docket.AddRouter(ip)
	return f, nil
}

// count returns how many routers are known in a way.
func (r *runner) count(by knownBy) int {
	n := 0
	for _, f := range r.forwarders {
		if f.by == by {
			n++
		}
	}
	return n
}

// askOnce returns a probe for one host's MAC: one answer tells it, and where
// answers differ, those that come again are believed.
func (r *runner) askOnce(ip netip.Addr, now time.Time, wait time.Duration) (*arpprobe.Probe, error) {
	timing := r.cfg.Timing
	timing.Rounds, timing.Most, timing.Wait = 1, maxQuestions, wait
	return arpprobe.New(ip, r.source(ip), now, timing)
}

// tests reports whether routers are tested at all in this run.
func (r *runner) tests() bool { return !r.cfg.Passive && r.cfg.RouterTest.Wait > 0 }

func (r *runner) isOwn(ip netip.Addr) bool {
	return slices.ContainsFunc(r.cfg.Addresses, func(p netip.Prefix) bool { return p.Addr() == ip })
}

// onLink reports whether ip is in one of the interface's subnets.
func (r *runner) onLink(ip netip.Addr) bool {
	return slices.ContainsFunc(r.cfg.Addresses, func(p netip.Prefix) bool { return p.Contains(ip) })
}

// foundAt notes a MAC of a router.
func (r *runner) foundAt(f *forwarder, m mac.Addr, at time.Time) {
	if m.IsZero() || m.IsGroup() || m == r.cfg.MAC {
		return
	}
	n := slices.IndexFunc(f.at, func(p *place) bool { return p.mac == m })
	if n < 0 {
		if !f.macs.Admit(m) {
			return
		}
		n = len(f.at)
		f.at = append(f.at, &place{mac: m, tested: make(map[netip.Addr]bool)})
		// One that says hello is known by that: its MAC is no reason to wait for more.
		if wait := helloWait(m); wait > 0 && f.by != byHello && r.tests() && r.hellosBy.IsZero() {
			for _, group := range helloMACs() {
				r.join(group)
			}
			r.hellosBy = at.Add(wait)
		}
	}
	f.at[n].heard++
	if n == 0 && f.at[n].heard == 1 || n > 0 && f.at[n].heard == 2 {
		r.duePaths(at)
	}
}

// hearRouter takes an ARP packet with a router's address, or one that asks for
// a VIP.
func (r *runner) hearRouter(a evidence.ARP, frame *evidence.Frame) {
	f := r.findForwarder(a.SenderIP)
	switch {
	case a.Out:
	case f == nil:
		r.hearAsker(a, frame)
	case a.Op == evidence.Reply, a.Op == evidence.Request:
		if f.probe != nil && a.Op == evidence.Reply {
			f.probe.Heard(arpprobe.Answer{EthSrc: a.EthSrc, SenderMAC: a.SenderMAC})
		}
		r.foundAt(f, a.SenderMAC, frame.Time)
	}
}

// hearAsker adds who asks everybody for a VIP: it may be a router with a packet
// for it. A cluster's own host is none.
func (r *runner) hearAsker(a evidence.ARP, frame *evidence.Frame) {
	s := r.byIP[a.TargetIP]
	if s == nil || s.done || !r.tests() || a.Op != evidence.Request || !a.EthDst.IsBroadcast() ||
		a.SenderMAC.IsGroup() || a.SenderMAC.IsZero() || a.SenderIP.IsUnspecified() || !r.onLink(a.SenderIP) {
		return
	}
	for _, f := range r.forwarders {
		if slices.ContainsFunc(f.at, func(p *place) bool { return p.mac == a.SenderMAC }) {
			return // a router that speaks from another address of its own
		}
	}
	n := slices.IndexFunc(r.waiting, func(w waiting) bool { return w.ip == a.SenderIP })
	if n < 0 {
		if len(r.waiting) >= maxWaiting {
			// One that asked once is most likely a host that got its answer.
			if n = slices.IndexFunc(r.waiting, func(w waiting) bool { return w.asked == 1 }); n < 0 {
				return
			}
			r.waiting = slices.Delete(r.waiting, n, n+1)
		}
		n = len(r.waiting)
		r.waiting = append(r.waiting, waiting{ip: a.SenderIP, mac: a.SenderMAC})
	}
	r.waiting[n].asked++
	r.admit(frame.Time)
}

// waiting is somebody who asks for a VIP and is not tested yet.
type waiting struct {
	ip    netip.Addr
	mac   mac.Addr
	asked int
}

// admit gives a turn to those who wait, those first that ask on: a host that got
// its answer does not.
func (r *runner) admit(now time.Time) {
	for len(r.waiting) > 0 && r.count(byAsking) < allAskers && r.askersInTest(now) < maxAskers {
		next := 0
		for n, w := range r.waiting {
			if w.asked > r.waiting[next].asked {
				next = n
			}
		}
		w := r.waiting[next]
		if w.asked < 2 && r.count(byAsking) >= maxAskers && now.After(r.start.Add(r.cfg.Listen)) {
			return // a run is not prolonged for hosts that asked once
		}
		r.waiting = slices.Delete(r.waiting, next, next+1)
		if f, err := r.addForwarder(w.ip, byAsking, false, now); err == nil && f != nil {
			r.foundAt(f, w.mac, now)
		}
	}
}

// askersInTest is how many places of askers are taken: each has its own until its
// test is over.
func (r *runner) askersInTest(now time.Time) int {
	n := 0
	for _, f := range r.forwarders {
		if f.by != byAsking {
			continue
		}
		open := now.Before(f.since.Add(signWait)) // its test may not have begun
		for _, p := range r.paths {
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
func (r *runner) asksOn() bool {
	return r.count(byAsking) < allAskers && slices.ContainsFunc(r.waiting, func(w waiting) bool { return w.asked > 1 })
}

// peerWait is how long a router that said hello is given to tell its own MAC.
const peerWait = 200 * time.Millisecond

// hearHello notes that routers share an address. Each is tested by an address of
// its own, the virtual one by the MAC that goes with it. The first hello of VRRP
// ends the wait for it; with HSRP the standby router says hello too.
func (r *runner) hearHello(h evidence.Hello, frame *evidence.Frame) {
	if !r.tests() {
		return
	}
	now := time.Now()
	if strings.HasPrefix(h.Protocol, "VRRP") {
		r.hellosBy = now
	}
	virtual := helloWait(h.EthSrc) > 0
	most := maxHellos
	if f := r.findForwarder(h.Virtual); f != nil && f.by == byName {
		most = maxPeers
	}
	for _, ip := range []netip.Addr{h.From, h.Virtual} {
		if !ip.Is4() || !r.onLink(ip) || r.findForwarder(ip) != nil {
			continue
		}
		if r.count(byHello) >= most {
			continue
		}
		own := ip == h.From
		f, err := r.addForwarder(ip, byHello, own == virtual, now)
		if err != nil || f == nil {
			continue
		}
		r.hearing(ip)
		if own != virtual {
			r.foundAt(f, h.EthSrc, frame.Time)
		} else if by := now.Add(peerWait); by.After(r.hellosBy) {
			r.hellosBy = by
		}
	}
}

// hearing has the link hear what concerns ip. Where that fails there is less
// evidence, which the findings say by what they do not show.
func (r *runner) hearing(ip netip.Addr) { _ = r.link.Hear(ip) }

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
func (r *runner) findLive(now time.Time) {
	if r.soughtLive || !r.tests() || len(r.cfg.Controls) > 0 || r.cfg.Neighbours == nil || len(r.forwarders) == 0 {
		return
	}
	r.soughtLive = true
	for _, ip := range r.cfg.Neighbours() {
		if len(r.live) >= maxLive {
			return
		}
		if !ip.Is4() || !r.onLink(ip) || r.isOwn(ip) || r.byIP[ip] != nil || r.findForwarder(ip) != nil {
			continue
		}
		p, err := r.askOnce(ip, now, r.cfg.Timing.Wait)
		if err != nil {
			continue
		}
		r.hearing(ip)
		r.live = append(r.live, &live{ip: ip, probe: p})
	}
}

// hearLive takes an ARP packet of a host that may serve as control.
func (r *runner) hearLive(a evidence.ARP) {
	if a.Out || a.Op != evidence.Reply {
		return
	}
	for _, l := range r.live {
		if l.ip == a.SenderIP {
			l.probe.Heard(arpprobe.Answer{EthSrc: a.EthSrc, SenderMAC: a.SenderMAC})
			if !l.alive && !a.SenderMAC.IsGroup() && !a.SenderMAC.IsZero() {
				l.alive = true
				r.lateControl(l.ip)
			}
		}
	}
}

// lateControl gives the routers under test a control that lives, where they have
// none.
func (r *runner) lateControl(ip netip.Addr) {
	for _, p := range r.paths {
		if p.controlled {
			continue
		}
		if err := p.probe.AddControl(ip, laterControl, r.ids); err != nil {
			r.sendErr = err
			continue
		}
		p.controlled = true
	}
}

// controls returns live hosts of the subnet for a router's control: those that
// were named; else one that answered, or was heard asking for something.
func (r *runner) controls(router netip.Addr) []netip.Addr {
	if len(r.cfg.Controls) > 0 {
		return slices.DeleteFunc(slices.Clone(r.cfg.Controls), func(ip netip.Addr) bool {
			return ip == router || r.byIP[ip] != nil || r.isOwn(ip)
		})
	}
	var found []netip.Addr
	for _, l := range r.live {
		// One that turned out to be the router under test is no control of it.
		if l.alive && l.ip != router && len(found) < maxControls {
			found = append(found, l.ip)
		}
	}
	for _, s := range r.subjects {
		for _, it := range s.file.Asks.Items() {
			if len(found) == maxControls {
				return found
			}
			a, ok := it.Fact.(evidence.ARP)
			if !ok || a.Out || a.SenderIP == router || r.isOwn(a.SenderIP) || r.byIP[a.SenderIP] != nil ||
				a.SenderMAC.IsGroup() || a.SenderIP.IsUnspecified() || !r.onLink(a.SenderIP) {
				continue
			}
			if f := r.findForwarder(a.SenderIP); f == nil || f.by == byAsking {
				found = append(found, a.SenderIP)
			}
		}
	}
	return found
}
