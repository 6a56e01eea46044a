package diagnose

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/nlbprobe/nlbprobe/evidence"
	"github.com/nlbprobe/nlbprobe/finding"
	"github.com/nlbprobe/nlbprobe/mac"
	"github.com/nlbprobe/nlbprobe/nlb"
)

// answerFacts is who says in ARP where the VIP is, and who asks for it.
type answerFacts struct {
	claims      []sighting        // others who say that they are the VIP
	answered    int               // how many claims, counted, answer a question
	askers      []sighting        // others who ask for the VIP
	others      []sighting        // ARP of others about other addresses
	groupSource []sighting        // ARP for the VIP in frames from a group address
	claimed     map[mac.Addr]bool // what the VIP is said to be at
	hostMACs    map[mac.Addr]bool // Ethernet sources that speak for the VIP
}

// judgeAnswers finds what is in the answers as such: whether they agree, and
// whether their MAC can be used.
func (p *picture) judgeAnswers() {
	p.judgeAgreement()

	p.report(idBroadcastMAC, func(s sighting) bool { return s.arp.SenderMAC.IsBroadcast() }, func(m string) string {
		return fmt.Sprintf("%v is said to be at the broadcast MAC %s. Routers refuse it, and no cluster uses it.", p.vip, m)
	})
	p.report(idZeroMAC, func(s sighting) bool { return s.arp.SenderMAC.IsZero() }, func(m string) string {
		return fmt.Sprintf("%v is said to be at the MAC %s, which is nobody's.", p.vip, m)
	})
	p.judgeGroupMAC()
	p.report(idAnnounced, func(s sighting) bool { return s.act == announces }, func(m string) string {
		return fmt.Sprintf("%v is announced at %s without a question (gratuitous ARP).", p.vip, m)
	})
	p.report(idSourceDiffers, func(s sighting) bool { return p.isPlain(s) && s.arp.EthSrc != s.arp.SenderMAC }, func(m string) string {
		return fmt.Sprintf("%v is at %s, in frames from another MAC: a hand-set NLB MAC, teaming or a repeater look alike.", p.vip, m)
	})
	p.report(idOrdinary, func(s sighting) bool { return p.isPlain(s) && s.arp.EthSrc == s.arp.SenderMAC && s.act != asks }, func(m string) string {
		return fmt.Sprintf("%v is at %s, as with an ordinary host. Routers accept this answer.", p.vip, m)
	})
	p.judgeProxyARP()

	if len(p.groupSource) > 0 {
		var l finding.Lines
		for _, s := range p.groupSource {
			l.Add("%s a frame from %v says %s that %v is at %v", p.at(s.first), s.arp.EthSrc, finding.Times(s.count), p.vip, s.arp.SenderMAC)
		}
		p.find(idGroupSource, fmt.Sprintf("ARP for %v comes in frames whose Ethernet source is a group address. They are not counted.", p.vip),
			l.List(), itemsOf(p.groupSource))
	}
}

// judgeProxyARP notes a VIP that is answered with the MAC of a router.
func (p *picture) judgeProxyARP() {
	p.report(idProxyARP, p.isProxy, func(m string) string {
		return fmt.Sprintf("%v is answered with %s, the MAC of a router: proxy ARP, or another address of that router.", p.vip, m)
	})
	f := p.findings[idProxyARP]
	if f == nil {
		return
	}
	for _, r := range p.routers {
		if !r.MAC.IsZero() && slices.ContainsFunc(p.claims, func(s sighting) bool { return p.isProxy(s) && s.arp.SenderMAC == r.MAC }) {
			f.Evidence = append(f.Evidence, fmt.Sprintf("%v is the MAC of router %v (%s)", r.MAC, r.IP, r.Why))
			f.Items = finding.Unique(append(f.Items, r.Items...))
		}
	}
}

// judgeGroupMAC notes a VIP at a group MAC, which is no more than a remark if every
// router is proven to cope with it.
func (p *picture) judgeGroupMAC() {
	p.report(idGroupMAC, namesGroupMAC, func(m string) string {
		return fmt.Sprintf("%v is at the group MAC %s. Routers that obey RFC 1812 refuse it; none was tested by this.", p.vip, m)
	})
	f, all := p.findings[idGroupMAC], p.outcomes
	if f == nil || len(all) == 0 {
		return
	}
	reach, fail := 0, 0
	for _, o := range all {
		if p.isLone(o) {
			continue // that proves too little to make less of the group MAC
		}
		switch o.reach {
		case Reaches:
			reach++
		case DoesNotReach:
			fail++
		}
	}
	at := name(senders(where(p.claims, namesGroupMAC)))
	// Routers that share an address are two at least; one that only stands by may
	// not have been heard.
	unheard := slices.ContainsFunc(p.pairs, func(pr *pair) bool { return len(pr.peers) == 1 })
	switch {
	case reach == len(all) && unheard:
		f.Summary = fmt.Sprintf("%v is at the group MAC %s. %s proven to reach it; one that stands by was not heard.", p.vip, at, every(reach))
	case fail == 1 && len(all) == 1:
		f.Summary = fmt.Sprintf("%v is at the group MAC %s. The router is proven not to reach it.", p.vip, at)
	case reach == len(all):
		p.lower(idGroupMAC, Info)
		f.Remedy = strings.Replace(f.Remedy, "On every router of the VLAN", "None needed on the routers that were tested. On others of the VLAN", 1)
		f.Summary = fmt.Sprintf("%v is at the group MAC %s. %s proven to reach it all the same.", p.vip, at, every(reach))
	case reach+fail > 0:
		f.Summary = fmt.Sprintf("%v is at the group MAC %s. Of %s, %d proven to reach it and %d not to.", p.vip, at, finding.Many(len(all), "router"), reach, fail)
	}
}

// namesGroupMAC reports an answer or an announcement with a group MAC.
func namesGroupMAC(s sighting) bool { return isGroup(s) && s.act != asks }

func every(n int) string {
	if n == 1 {
		return "The router is"
	}
	return fmt.Sprintf("All %d routers are", n)
}

// judgeAgreement compares the answers and announcements of each VLAN, then the
// VLANs, then requests with both. A request is the weakest claim: it says where
// its sender wants to be answered.
func (p *picture) judgeAgreement() {
	strong := where(p.claims, func(s sighting) bool { return s.act != asks })
	vlans := distinct(strong, func(s sighting) uint16 { return s.arp.VLAN })
	slices.Sort(vlans)

	var conflicting []sighting
	sets := make(map[uint16][]mac.Addr)
	for _, v := range vlans {
		here := where(strong, func(s sighting) bool { return s.arp.VLAN == v })
		places := distinct(here, place)
		slices.SortFunc(places, mac.Addr.Compare)
		sets[v] = places
		if len(places) > 1 {
			conflicting = append(conflicting, here...)
		}
	}
	if len(conflicting) > 0 {
		p.findConflict(conflicting)
	}
	if i := slices.IndexFunc(vlans, func(v uint16) bool { return !slices.Equal(sets[v], sets[vlans[0]]) }); i > 0 {
		var l finding.Lines
		for _, s := range strong {
			l.Add("%s", p.says(s))
		}
		p.find(idVLANs, fmt.Sprintf("%v is at different MACs on %s; each VLAN is a segment of its own.", p.vip, finding.Many(len(vlans), "VLAN")), l.List(), itemsOf(strong))
		if !p.live && !slices.ContainsFunc(strong, p.canBeRefused) {
			p.lower(idVLANs, Info) // a trunk of several customers, who have the same private addresses
		}
	}

	if len(strong) == 0 {
		return
	}
	known := distinct(strong, place)
	p.report(idRequestDiffers, func(s sighting) bool { return s.act == asks && !slices.Contains(known, place(s)) }, func(m string) string {
		return fmt.Sprintf("A host asks others as %v at %s, a MAC that no answer for it names.", p.vip, m)
	})
}

// sameMoment is how close answers come that one question brought about: a
// cluster does not change its MAC in between.
const sameMoment = time.Second

// movedLive is how long an address has to be silent at one MAC before it is heard at
// another, so that it counts as moved, as in a failover: whoever has it by mistake
// beside its owner answers the next question too. A live run asks for a moment
// only. In a capture, what others ask and who answers is all there, so sameMoment
// will do.
const movedLive = 10 * time.Second

// findConflict notes that the claims, of VLANs with more than one MAC each,
// contradict each other: per MAC who says it, and when.
func (p *picture) findConflict(claims []sighting) {
	macs := senders(claims)
	var l finding.Lines
	var ends time.Time // of the answers with the MACs so far
	overlap, moved := false, true
	still := sameMoment
	if p.live {
		still = movedLive
	}
	for _, g := range grouped(claims, senderOf) {
		of := g.of
		first, last, n := of[0].first, of[0].last, 0
		for _, s := range of {
			n += s.count
			if s.last.After(last) {
				last = s.last
			}
		}
		overlap = overlap || first.Before(ends.Add(sameMoment))
		moved = moved && (ends.IsZero() || !first.Before(ends.Add(still)))
		if last.After(ends) {
			ends = last
		}
		who := sources(of)
		by := who[0].String()
		if len(who) > 1 {
			by += fmt.Sprintf(" and %d more", len(who)-1)
		}
		when := p.at(first)
		if !last.Equal(first) {
			when += " to " + p.offset(last)
		}
		l.Add("%v (%s), said by %s %s, %s", g.mac, of[0].class.Name, by, finding.Times(n), when)
	}
	for _, g := range grouped(claims, sourceOf) {
		if both := senders(g.of); len(both) > 1 {
			l.Add("%v itself names %d different MACs", g.mac, len(both))
		}
	}
	text := l.List()
	back := !moved && p.movedBack(claims)
	switch {
	case back:
		text = append(text, "each host announced the address before it answered for it, and the other one answered nothing until it did so again: the address moved there and back, as in a failover")
	case moved:
		text = append(text, "the answers do not overlap in time: the address moved, as in a failover, or was taken over")
	case !overlap:
		text = append(text, "the answers do not overlap in time: a change during the observation looks the same")
	}
	who := fmt.Sprintf("%d different MACs", len(macs))
	if len(macs) == 2 {
		who = fmt.Sprintf("both %v and %v", macs[0], macs[1])
	}
	if back {
		p.find(idConflict, fmt.Sprintf("%v moved between MACs and back: %s.", p.vip, who), text, itemsOf(claims))
		p.lower(idConflict, Warning)
		return
	}
	if moved {
		p.find(idConflict, fmt.Sprintf("%v was at one MAC first and at another later: %s.", p.vip, who), text, itemsOf(claims))
		p.lower(idConflict, Warning)
		return
	}
	p.find(idConflict, fmt.Sprintf("%v is said to be at %s. Clients keep one of them by chance.", p.vip, who), text, itemsOf(claims))

	modes := distinct(where(claims, func(s sighting) bool { return nlbMode(s) != ModeUnknown }), nlbMode)
	if len(modes) < 2 {
		return
	}
	some := where(claims, func(s sighting) bool { return nlbMode(s) != ModeUnknown })
	var m finding.Lines
	for _, s := range some {
		m.Add("%s (%v)", p.says(s), nlbMode(s))
	}
	slices.Sort(modes)
	words := make([]string, len(modes))
	for i, mode := range modes {
		words[i] = mode.String()
	}
	names := strings.Join(words[:len(words)-1], ", ") + " and " + words[len(words)-1]
	p.find(idMixedModes, fmt.Sprintf("Answers for %v come in different NLB modes: %s.", p.vip, names), m.List(), itemsOf(some))
}

// maxMoves is how often an address moves in a capture before hosts that take it from
// each other are the likelier cause.
const maxMoves = 4

// movedBack reports whether the claims of a capture are those of an address that
// moved and moved back, as when the host that is preferred is up again: who takes
// it announces it, and then answers alone. A second host that has the address by
// mistake answers the questions too that the other one answers.
func (p *picture) movedBack(claims []sighting) bool {
	type said struct {
		at  time.Time
		mac mac.Addr
		act act
	}
	var all []said
	for _, s := range claims {
		it := p.items[s.item]
		for _, at := range append(slices.Clone(it.Times), it.Last) {
			all = append(all, said{at, place(s), s.act})
		}
	}
	slices.SortStableFunc(all, func(a, b said) int { return a.at.Compare(b.at) })
	moves, answered := 0, false
	for i, s := range all {
		if i == 0 || s.mac == all[i-1].mac {
			answered = answered || s.act == answers
			continue
		}
		if s.act != announces || s.at.Sub(all[i-1].at) < sameMoment || !answered {
			return false
		}
		moves++
		answered = false
	}
	return !p.live && moves > 1 && moves <= maxMoves
}

// place is what has to agree between claims: the sender MAC, but for GLBP,
// whose forwarders of one group have different MACs on purpose, the group.
func place(s sighting) mac.Addr {
	m := s.arp.SenderMAC
	if s.class.Kind == nlb.KindGLBP {
		m[5] = 0
	}
	return m
}

// isGroup reports a group MAC other than broadcast in an ARP packet.
func isGroup(s sighting) bool { return s.arp.SenderMAC.IsGroup() && !s.arp.SenderMAC.IsBroadcast() }

// isPlain reports a unicast MAC that is an adapter's as far as its form says.
func (p *picture) isPlain(s sighting) bool {
	m := s.arp.SenderMAC
	return !m.IsGroup() && !m.IsZero() && !s.class.NLB && !isFirstHop(s.class.Kind) && !isHandSetUnicast(s) && !p.isProxy(s) && !p.own[m]
}

// isProxy reports that the claim names the MAC of a router with another IP. A
// router that is itself a VIP of an NLB cluster, as a firewall can be, shares
// the cluster's MAC for every VIP: no proxy.
// A virtual router's MAC is made of its group's number alone, so a router of
// another subnet can be at the same one.
func (p *picture) isProxy(s sighting) bool {
	ip, router := p.routerMACs[s.arp.SenderMAC]
	if router && isFirstHop(s.class.Kind) && (p.virtualMAC() == s.arp.SenderMAC || !p.near(ip) && !p.nearEach(ip, s.arp.TargetIP)) {
		return false
	}
	return router && s.act != asks && !s.class.NLB && !p.isGateway && !p.isShared(s.arp.SenderMAC)
}

// isShared reports a MAC from which a router says that the VIP is an address it
// shares with others: the virtual router's, or its own, as keepalived has it if
// nothing else is set.
func (p *picture) isShared(m mac.Addr) bool {
	return slices.ContainsFunc(p.hellos, func(i int) bool {
		f, ok := p.items[i].Fact.(evidence.Hello)
		return ok && f.Virtual.Unmap() == p.vip && f.EthSrc == m
	})
}
