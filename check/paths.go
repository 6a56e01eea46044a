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

// path is one router under test by way of one of its MACs, for some of the VIPs.
type path struct {
	probe      *routerprobe.Probe
	router     *forwarder
	at         *place
	vips       []netip.Addr
	controlled bool // it has a control
}

// begin notes the first answer for a VIP, and what it opens the way to: hearing
// the cluster's MAC, the routers' hellos, and the routers' test.
func (r *runner) begin(s *subject) {
	a, at := s.file.First, s.file.Answered
	r.watch.AddMAC(a.SenderMAC)
	if !a.SenderMAC.IsGroup() && a.EthSrc != a.SenderMAC {
		_ = r.link.HearMAC(a.SenderMAC) // else frames from it, by which a switch learns it, are missing
	}
	if r.cfg.Passive {
		return
	}
	if masked := !a.SenderMAC.IsGroup() && a.EthSrc != a.SenderMAC; masked {
		if numbers, err := r.ids.Echo(); err == nil {
			s.echo = &numbers
		}
	}
	if r.source(s.vip).IP.IsValid() && !a.SenderMAC.IsZero() && len(r.cfg.Ports) > 0 && r.cfg.Connections > 0 {
		s.volley = newVolley(r.cfg.Ports, r.cfg.Connections, at)
	}
	r.findLive(at)
	r.duePaths(at)
}

// duePaths has paths begun shortly after now.
func (r *runner) duePaths(now time.Time) {
	if r.pathsDue.IsZero() && !r.cfg.Passive && r.cfg.RouterTest.Wait > 0 {
		r.pathsDue = now.Add(gather)
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
func (r *runner) tellPaths(f evidence.Fact, frame *evidence.Frame) {
	for _, p := range r.paths {
		p.probe.Heard(f, frame.Time)
	}
	if t, ok := f.(evidence.TCP); ok && !t.Out {
		if s := r.byIP[t.Src.Addr()]; s != nil && s.volley != nil {
			s.volley.heard(t)
		}
	}
}

// stepPaths begins the tests that are due, sends what they want sent, and
// returns when something is due again.
func (r *runner) stepPaths(now time.Time) time.Time {
	next := r.start.Add(r.cfg.Timing.Wait)
	if now.Before(r.hellosBy) {
		next = earlier(next, r.hellosBy)
	}
	if !r.pathsDue.IsZero() {
		if now.Before(r.pathsDue) {
			next = earlier(next, r.pathsDue)
		} else {
			r.pathsDue = time.Time{}
			r.beginPaths(now)
		}
	}
	for _, p := range r.paths {
		for {
			at, ok := p.probe.Next()
			if !ok {
				break
			}
			if at.After(now) {
				next = earlier(next, at)
				break
			}
			if b := p.probe.Step(now); b != nil {
				r.send(b, now, nil)
			} else if again, ok := p.probe.Next(); ok && !again.After(now) {
				break // it wants nothing sent, and will not say so again
			}
		}
	}
	// A test that ended has made room.
	r.admit(now)
	if !r.pathsDue.IsZero() {
		next = earlier(next, r.pathsDue)
	}
	return next
}

// signWait is how long somebody who asks for a VIP, or says hello as a router does,
// is given to show that they are one: most who ask are hosts, and hellos can be
// invented.
const signWait = 1200 * time.Millisecond

// beginPaths tests every router whose MAC is known for the VIPs that answer and
// were not tested by way of it yet.
func (r *runner) beginPaths(now time.Time) {
	for _, f := range r.forwarders {
		for n := range f.at {
			r.beginPath(f, n, now)
		}
	}
}

// beginPath tests a router by way of the n-th of its MACs.
func (r *runner) beginPath(f *forwarder, n int, now time.Time) {
	at := f.at[n]
	var targets []routerprobe.Target
	var vips []netip.Addr
	for _, s := range r.subjects {
		if s.done || s.file.Answered.IsZero() || !f.mayTest(n, s.vip) || s.file.First.SenderMAC == at.mac || !r.source(s.vip).IP.IsValid() {
			continue
		}
		if s.speaksFor(at.mac) {
			continue // a host of the cluster
		}
		at.tested[s.vip] = true
		if s.file.First.SenderMAC.IsGroup() && !s.file.First.SenderMAC.IsBroadcast() {
			r.join(s.file.First.SenderMAC)
		}
		targets = append(targets, routerprobe.Target{IP: s.vip, MAC: s.file.First.SenderMAC, Ports: r.cfg.Ports, Answered: s.file.Answered})
		vips = append(vips, s.vip)
	}
	if len(targets) == 0 {
		return
	}
	src := r.source(targets[0].IP)
	controls := r.controls(f.ip)
	for _, c := range controls {
		target := routerprobe.Target{IP: c, Control: true}
		if len(r.cfg.Controls) == 0 {
			target.After = laterControl
		}
		targets = append(targets, target)
	}
	timing := r.cfg.RouterTest
	timing.Wait = min(timing.Wait, r.start.Add(r.cfg.Timing.Wait).Sub(now))
	if timing.Wait <= 0 {
		return
	}
	if f.by != byName {
		timing.Sign = signWait
	}
	p, err := routerprobe.New(routerprobe.Source{MAC: src.MAC, IP: src.IP}, routerprobe.Router{IP: f.ip, MAC: at.mac}, targets, r.ids, now, timing)
	if err != nil {
		r.sendErr = err // without identifiers nothing can be asked; the rest goes on
		return
	}
	r.paths = append(r.paths, &path{probe: p, router: f, at: at, vips: vips, controlled: len(controls) > 0})
}

// speaksFor reports that frames from m answered for the VIP.
func (s *subject) speaksFor(m mac.Addr) bool {
	return slices.ContainsFunc(s.file.Log.Items(), func(it evidence.Item) bool {
		a, ok := it.Fact.(evidence.ARP)
		return ok && !a.Out && a.SenderIP == s.vip && a.EthSrc == m
	})
}

// join has the interface hear a group address. Where that fails there is less
// evidence, which the findings say by what they do not show.
func (r *runner) join(m mac.Addr) {
	if _, tried := r.joined[m]; tried {
		return
	}
	r.joined[m] = r.link.Join(m) == nil
	r.listened(time.Now())
}

// echo sends an echo request straight to the MAC of a cluster in unicast mode
// whose hosts mask their own: all of them should answer it, and if one only does,
// the switch may have learnt the MAC on its port.
func (r *runner) echo(s *subject, now time.Time) {
	src := r.source(s.vip)
	if s.echo == nil || !src.IP.IsValid() {
		return
	}
	b, err := routerprobe.Echo(routerprobe.Source{MAC: src.MAC, IP: src.IP}, s.file.First.SenderMAC, s.vip, *s.echo)
	if err != nil {
		r.sendErr = err
		return
	}
	r.send(b, now, nil)
}

// pathsSettled reports whether every router's test for the VIP has ended.
func (r *runner) pathsSettled(s *subject) bool {
	for range r.inTest(s) {
		return false
	}
	return !r.awaitsRouters(s)
}

// awaitsRouters reports whether routers to test may still be found.
func (r *runner) awaitsRouters(s *subject) bool {
	return !s.file.Answered.IsZero() && (!r.pathsDue.IsZero() || time.Now().Before(r.hellosBy) || r.asksOn())
}

// inTest yields the router of each path whose test for the VIP goes on.
func (r *runner) inTest(s *subject) iter.Seq[netip.Addr] {
	return func(yield func(netip.Addr) bool) {
		for _, p := range r.paths {
			if slices.Contains(p.vips, s.vip) && p.probe.Outcome(s.vip) == routerprobe.Open && !p.probe.Done() && !r.settled(p, s.vip) && !yield(p.router.ip) {
				return
			}
		}
	}
}

// settled reports whether a test need not be waited for: of a MAC that was named
// once, since by way of another of the router's MACs a packet came to an end that
// tells something. MACs that are named again and again are each waited for:
// somebody may be in the router's place.
func (r *runner) settled(p *path, vip netip.Addr) bool {
	return p.at.heard < 2 && slices.ContainsFunc(r.paths, func(other *path) bool {
		switch other.probe.Outcome(vip) {
		case routerprobe.Delivered, routerprobe.Unreachable, routerprobe.Asking:
			return other.router == p.router
		}
		return false
	})
}
