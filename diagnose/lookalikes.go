package diagnose

import (
	"fmt"

	"github.com/nlbprobe/nlbprobe/finding"
	"github.com/nlbprobe/nlbprobe/nlb"
)

// judgeLookAlikes finds what is not NLB, and what cannot be told from it.
func (p *picture) judgeLookAlikes() {
	p.reportKnownAs(idUnproven, func(s sighting) bool { return s.class.HandSet && len(p.members) == 0 }, func(m string) string {
		return fmt.Sprintf("%v is at %s: hand-set NLB, ClusterXL, FireCluster and others look alike from outside.", p.vip, m)
	})
	p.reportKnownAs(idCARP, func(s sighting) bool { return s.class.Kind == nlb.KindCARPBalancing }, func(m string) string {
		return fmt.Sprintf("%v is at %s, the form of OpenBSD CARP with IP balancing, not of NLB.", p.vip, m)
	})
	p.reportKnownAs(idFirstHop, func(s sighting) bool { return isFirstHop(s.class.Kind) && !p.isProxy(s) && !isHandSetUnicast(s) }, func(m string) string {
		return fmt.Sprintf("%v is at %s, a virtual router's MAC: its own virtual address, or proxy ARP.", p.vip, m)
	})
	p.reportKnownAs(idOtherGroup, func(s sighting) bool { return s.class.Kind.Reserved() }, func(m string) string {
		return fmt.Sprintf("%v is at the group MAC %s, which is known for another purpose than NLB.", p.vip, m)
	})
	p.judgeCarriedKinds()
}

// reportKnownAs notes a finding as report does, with what the address is known as for
// evidence.
func (p *picture) reportKnownAs(id string, fits func(sighting) bool, summary func(macs string) string) {
	p.report(id, fits, summary)
	f := p.findings[id]
	if f == nil {
		return
	}
	var l finding.Lines
	for _, g := range grouped(where(p.claims, fits), senderOf) {
		l.Add("%v: %s (%v), named by %s", g.mac, g.of[0].class.Name, g.of[0].class.Certainty, finding.Many(len(sources(g.of)), "host"))
	}
	f.Evidence = l.List()
}

// judgeCarriedKinds says of a VIP that shows by its traffic alone what its MAC can
// be: known for another purpose, a virtual router's, or nobody knows whose.
func (p *picture) judgeCarriedKinds() {
	if !p.byTraffic() {
		return
	}
	for _, c := range p.carried {
		id, summary := "", ""
		switch {
		case c.class.Kind.Reserved():
			id, summary = idOtherGroup, fmt.Sprintf("Packets for %v go to the group MAC %v, which is known for another purpose than NLB.", p.vip, c.mac)
		case c.class.Kind == nlb.KindCARPBalancing:
			id, summary = idCARP, fmt.Sprintf("Packets for %v go to %v, the form of OpenBSD CARP with IP balancing, not of NLB.", p.vip, c.mac)
		case p.beatsAt(c.mac):
			continue
		case !p.derives(c.class) && c.mac.IsGroup():
			id, summary = idUnproven, fmt.Sprintf("Packets for %v go to the group MAC %v: nothing says whose it is, and no answer names it.", p.vip, c.mac)
		default:
			continue
		}
		if p.findings[id] == nil { // the first of several is enough
			p.find(id, summary, []string{fmt.Sprintf("%v: %s (%v), in frames from %s", c.mac, c.class.Name, c.class.Certainty, name(c.from))}, c.items)
		}
	}
	if m := p.virtualMAC(); !m.IsZero() && len(p.carried) == 0 {
		var l finding.Lines
		var items []int
		for _, s := range p.senders {
			if s.mac == m {
				l.Add("%v: %s, %s that names %v", m, nlb.Classify(m).Name, finding.Many(s.frames, s.what), p.vip)
				items = append(items, s.items...)
			}
		}
		if len(items) > 0 {
			p.find(idFirstHop, fmt.Sprintf("%v is the virtual address of routers, at %v, as they say themselves.", p.vip, m), l.List(), items)
		}
	}
}
