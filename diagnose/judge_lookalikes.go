package diagnose

import (
	"fmt"

	"github.com/nlbprobe/nlbprobe/nlb"
)

// isOtherGroup reports a group MAC that is known to serve something else.
func isOtherGroup(k nlb.Kind) bool {
	switch k {
	case nlb.KindTokenRing, nlb.KindHPTeaming, nlb.KindBridgeGroup:
		return true
	}
	return false
}

// judgeLookAlikes finds what is not NLB, and what cannot be told from it.
func (p *picture) judgeLookAlikes() {
	p.report(idUnproven, func(s sighting) bool { return s.class.HandSet && len(p.members) == 0 }, func(m string) string {
		return fmt.Sprintf("%v is at %s: hand-set NLB, ClusterXL, CLUSTERIP and Forcepoint look alike from outside.", p.vip, m)
	})
	p.report(idCARP, func(s sighting) bool { return s.class.Kind == nlb.KindCARPBalancing }, func(m string) string {
		return fmt.Sprintf("%v is at %s, the form of OpenBSD CARP with IP balancing, not of NLB.", p.vip, m)
	})
	p.report(idFirstHop, func(s sighting) bool { return isFirstHop(s.class.Kind) && !p.isProxy(s) && !isHandSetUnicast(s) }, func(m string) string {
		return fmt.Sprintf("%v is at %s, a virtual router's MAC: its own virtual address, or proxy ARP.", p.vip, m)
	})
	p.report(idOtherGroup, func(s sighting) bool { return isOtherGroup(s.class.Kind) }, func(m string) string {
		return fmt.Sprintf("%v is at the group MAC %s, which is known for another purpose than NLB.", p.vip, m)
	})
	// What the address is known as is the evidence of these.
	for _, id := range [...]string{idUnproven, idCARP, idFirstHop, idOtherGroup} {
		f := p.findings[id]
		if f == nil {
			continue
		}
		var l lines
		rests := make(map[int]bool, len(f.Items))
		for _, i := range f.Items {
			rests[i] = true
		}
		for _, g := range grouped(where(p.claims, func(s sighting) bool { return rests[s.item] }), senderOf) {
			l.add("%v: %s (%v), named by %s", g.mac, g.of[0].class.Name, g.of[0].class.Certainty, many(len(sources(g.of)), "host"))
		}
		f.Evidence = l.list()
	}
}
