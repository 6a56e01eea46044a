package check

import (
	"iter"
	"net/netip"
	"slices"
	"time"

	"github.com/nlbprobe/nlbprobe/evidence"
	"github.com/nlbprobe/nlbprobe/mac"
	"github.com/nlbprobe/nlbprobe/routerprobe"
)

// gather is how long after a first answer the routers are asked: VIPs that are
// probed together answer together, and one packet a second is all that a router
// gets.
const gather = 15 * time.Millisecond

// path is one router under test by way of one of its MACs, for all VIPs.
type path struct {
	probe      *routerprobe.Probe
	entry      *entry
	router     *forwarder
	at         *place
	controlled bool // it has a control
}

// begin notes the first answer for a VIP, and what it opens the way to: hearing
// the cluster's MAC, the routers' hellos, and the routers' test.
func (o *Observer) begin(s *subject) {
	a, at := s.file.First, s.file.Answered
	o.answered = append(o.answered, s)
	o.watch.AddMAC(a.SenderMAC)
	o.hearBeatsOf(s, beatKey{from: a.EthSrc})
	if a.SenderMAC.IsGroup() {
		o.hearBeatsOf(s, beatKey{to: a.SenderMAC})
	}
	if !a.SenderMAC.IsGroup() && a.EthSrc != a.SenderMAC {
		_ = o.link.HearMAC(a.SenderMAC) // else frames from it, by which a switch learns it, are missing
	}
	if o.cfg.Passive {
		return
	}
	if masked := !a.SenderMAC.IsGroup() && a.EthSrc != a.SenderMAC; masked {
		numbers := o.ids.Echo()
		s.echo = &numbers
	}
	if o.source(s.vip).IP.IsValid() && !a.SenderMAC.IsZero() && len(o.cfg.Ports) > 0 && o.cfg.Connections > 0 {
		s.volley = newVolley(o.cfg.Ports, o.cfg.Connections, at)
	}
	o.findLive(at)
	o.duePaths(at)
}

// duePaths has paths begun shortly after now.
func (o *Observer) duePaths(now time.Time) {
	if o.pathsDue.IsZero() && o.tests() {
		o.pathsDue = now.Add(gather)
		o.agenda.set(o.begins, o.pathsDue)
	}
}

// helloWait is how long routers with a virtual MAC are listened for, so that
// the peers can be named: a little more than the default time between two
// hellos, 1 s of VRRP (RFC 5798 5.2.7) and 3 s of HSRP (RFC 2281 5.1.4). Any
// other MAC is not waited for.
func helloWait(m mac.Addr) time.Duration {
	switch {
	case m[0] == 0 && m[1] == 0 && m[2] == 0x5e && m[3] == 0 && m[4] == 1:
		return 1200 * time.Millisecond
	case m[0] == 0 && m[1] == 0 && m[2] == 0x0c && (m[3] == 0x07 && m[4] == 0xac || m[3] == 0x9f && m[4]>>4 == 0xf):
		return 3200 * time.Millisecond
	}
	return 0
}

// tellPaths hands a fact to the routers' tests and to the volleys.
func (o *Observer) tellPaths(f evidence.Fact, frame *evidence.Frame) {
	for _, p := range o.paths {
		if p.probe.Heard(f, frame.Time) {
			o.agenda.hasten(p.entry, frame.Time)
		}
	}
	if t, ok := f.(evidence.TCP); ok && !t.Out {
		if s := o.byIP[t.Src.Addr()]; s != nil && s.volley != nil {
			s.volley.heard(t)
			o.touch(s, frame.Time)
		}
	}
}

// stepPath sends what a router's test wants sent, has those VIPs looked at whose
// part of it has ended, and returns when something is due again.
func (o *Observer) stepPath(p *path, now time.Time) time.Time {
	var next time.Time
	for {
		at, ok := p.probe.Next()
		if !ok {
			break
		}
		if at.After(now) {
			next = at
			break
		}
		if b := p.probe.Step(now); b != nil {
			o.send(b, now, nil)
		} else if again, ok := p.probe.Next(); ok && !again.After(now) {
			break // it wants nothing sent, and will not say so again
		}
	}
	for _, ip := range p.probe.Ended() {
		if s := o.byIP[ip]; s != nil {
			o.touch(s, now)
		}
	}
	if p.probe.Done() {
		o.agenda.hasten(o.admits, now) // there is room for another one
		for _, s := range o.answered {
			if !s.done && p.probe.Has(s.vip) {
				o.touch(s, now)
			}
		}
	}
	return next
}

// signWait is how long somebody who asks for a VIP, or says hello as a router does,
// is given to show that they are one: most who ask are hosts, and hellos can be
// invented.
const signWait = 1200 * time.Millisecond

// beginPaths tests every router whose MAC is known for the VIPs that answer and
// were not tested by way of it yet.
func (o *Observer) beginPaths(now time.Time) time.Time {
	o.pathsDue = time.Time{}
	for _, f := range o.forwarder.all {
		for n := range f.at {
			o.beginPath(f, n, now)
		}
	}
	return o.pathsDue
}

// beginPath tests a router by way of the n-th of its MACs, if it is one to test by:
// the first one, or one that was named more than once, which invented ones are not.
func (o *Observer) beginPath(f *forwarder, n int, now time.Time) {
	at := f.at[n]
	if n > 0 && at.heard < 2 {
		return
	}
	for _, s := range o.answered[at.seen:] {
		at.seen++
		if s.done || !f.mayTest(s.vip) || s.file.First.SenderMAC == at.mac || !o.source(s.vip).IP.IsValid() {
			continue
		}
		if s.file.Claimed(at.mac) {
			continue // a host of the cluster
		}
		at.tested[s.vip] = true
		if m := s.file.First.SenderMAC; m.IsGroup() && !m.IsBroadcast() {
			o.join(m, s, now)
		}
		o.test(f, at, routerprobe.Target{IP: s.vip, MAC: s.file.First.SenderMAC, Ports: o.cfg.Ports, Answered: s.file.Answered}, now)
	}
	if at.path != nil {
		o.agenda.hasten(at.path.entry, now)
	}
}

// test has a router asked for a VIP by way of one of its MACs.
func (o *Observer) test(f *forwarder, at *place, target routerprobe.Target, now time.Time) {
	if p := at.path; p != nil {
		if err := p.probe.Add(target, o.ids); err != nil {
			o.sendErr = err
		}
		return
	}
	targets := []routerprobe.Target{target}
	controls := o.controls(f.ip)
	for _, c := range controls {
		control := routerprobe.Target{IP: c, Control: true}
		if len(o.cfg.Controls) == 0 {
			control.After = laterControl
		}
		targets = append(targets, control)
	}
	timing := o.cfg.RouterTest
	timing.Wait = min(timing.Wait, o.cfg.Timing.Wait)
	if f.by != byName {
		timing.Sign = signWait
	}
	src := o.source(target.IP)
	router := routerprobe.Router{IP: f.ip, MAC: at.mac, Turns: o.cfg.Turns}
	probe, err := routerprobe.New(routerprobe.Source{MAC: src.MAC, IP: src.IP}, router, targets, o.ids, now, timing)
	if err != nil {
		o.sendErr = err // it cannot be asked; the rest goes on
		return
	}
	p := &path{probe: probe, router: f, at: at, controlled: len(controls) > 0}
	p.entry = o.agenda.entry(func(now time.Time) time.Time { return o.stepPath(p, now) })
	at.path = p
	o.paths = append(o.paths, p)
}

// sendEcho sends an echo request straight to the MAC of a cluster in unicast mode
// whose hosts mask their own: all of them should answer it, and if one only does,
// the switch may have learnt the MAC on its port.
func (o *Observer) sendEcho(s *subject, now time.Time) {
	src := o.source(s.vip)
	if s.echo == nil || !src.IP.IsValid() {
		return
	}
	b, err := routerprobe.Echo(routerprobe.Source{MAC: src.MAC, IP: src.IP}, s.file.First.SenderMAC, s.vip, *s.echo)
	if err != nil {
		o.sendErr = err
		return
	}
	o.send(b, now, nil)
}

// searches reports whether routers to test may still be found.
func (o *Observer) searches(now time.Time) bool {
	return !o.pathsDue.IsZero() || now.Before(o.hellosBy) || o.asksOn()
}

// awaitsRouters reports whether routers may still be found to test a VIP by.
func (o *Observer) awaitsRouters(s *subject, now time.Time) bool {
	return !s.file.Answered.IsZero() && o.searches(now)
}

// inTest yields the router of each path whose test for the VIP goes on.
func (o *Observer) inTest(s *subject) iter.Seq[netip.Addr] {
	return func(yield func(netip.Addr) bool) {
		for _, p := range o.paths {
			if p.probe.Has(s.vip) && p.probe.Outcome(s.vip) == routerprobe.Open && !p.probe.Done() && !o.settled(p, s.vip) && !yield(p.router.ip) {
				return
			}
		}
	}
}

// settled reports whether a test need not be waited for: of a MAC that was named
// once, since by way of another of the router's MACs a packet came to an end that
// tells something. MACs that are named again and again are each waited for:
// somebody may be in the router's place.
func (o *Observer) settled(p *path, vip netip.Addr) bool {
	return p.at.heard < 2 && slices.ContainsFunc(o.paths, func(other *path) bool {
		switch other.probe.Outcome(vip) {
		case routerprobe.Delivered, routerprobe.Unreachable, routerprobe.Asking:
			return other.router == p.router
		}
		return false
	})
}
