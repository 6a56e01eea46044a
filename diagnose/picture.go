package diagnose

import (
	"net/netip"
	"slices"
	"time"

	"github.com/nlbprobe/nlbprobe/evidence"
	"github.com/nlbprobe/nlbprobe/finding"
	"github.com/nlbprobe/nlbprobe/inet"
	"github.com/nlbprobe/nlbprobe/mac"
	"github.com/nlbprobe/nlbprobe/nlb"
)

// picture is the evidence sorted by what it says of one VIP. Each theme declares
// what it gathers beside its judgement; all of it is gathered before anything is
// judged, so that no finding depends on the order of the judges.
type picture struct {
	vip   netip.Addr
	items []evidence.Item
	start time.Time // the first instant of any item
	end   time.Time // the last instant of any item
	live  bool      // there are facts that only an observer at the place can give

	observerFacts
	answerFacts
	trafficFacts
	memberFacts
	groupFacts
	packetFacts
	routerFacts
	switchFacts

	shape    *Cluster // what cluster returns, once it was asked
	findings finding.Set
}

// act is what an ARP packet with the VIP as sender does.
type act uint8

const (
	answers   act = iota // a reply to somebody's question
	announces            // gratuitous: sender and target are the VIP
	asks                 // a request for another address
)

// sighting is an ARP fact of another host.
type sighting struct {
	item   int
	arp    evidence.ARP
	act    act
	count  int
	first  time.Time
	last   time.Time
	class  nlb.Class // of the sender MAC, as an answer for the VIP
	source nlb.Class // of the Ethernet source, likewise
}

// gather sorts items out. From here on everything is in the order of time, and
// of content where the time is the same, whatever the order of items was.
func gather(vip netip.Addr, items []evidence.Item) *picture {
	p := &picture{vip: vip, items: items, findings: make(finding.Set)}
	p.own, p.routerMACs = make(map[mac.Addr]bool), make(map[mac.Addr]netip.Addr)
	order := make([]int, len(items))
	for i := range items {
		order[i] = i
		if _, ok := items[i].Fact.(evidence.Captured); ok {
			continue // it says when a capture was, not when something was seen of the VIP
		}
		if t := items[i].First; !t.IsZero() && (p.start.IsZero() || t.Before(p.start)) {
			p.start = t
		}
		if t := items[i].Last; t.After(p.end) {
			p.end = t
		}
	}
	slices.SortFunc(order, func(i, j int) int { return evidence.Compare(items[i], items[j]) })

	// ARP is judged by who we are, so that comes first.
	for _, i := range order {
		v, ok := items[i].Fact.(evidence.Vantage)
		if !ok {
			continue
		}
		p.vantages = append(p.vantages, i)
		if !v.MAC.IsZero() && !v.MAC.IsGroup() {
			p.own[v.MAC] = true
		}
		if v.Address.IsValid() && !slices.Contains(p.addresses, v.Address.Addr().Unmap()) {
			p.addresses = append(p.addresses, v.Address.Addr().Unmap())
		}
		if v.Address.IsValid() && v.Address.Addr().Unmap() == vip {
			p.ownVIP = append(p.ownVIP, i)
		}
		p.isGateway = p.isGateway || v.Gateway.IsValid() && v.Gateway.Unmap() == vip
		if g := v.Gateway.Unmap(); inet.IsHost(g) && g != vip && !slices.Contains(p.gateways, g) {
			p.gateways = append(p.gateways, g)
		}
	}
	for _, i := range order {
		switch f := items[i].Fact.(type) {
		case evidence.ARP:
			p.addARP(i, f)
		case evidence.BadARP:
			p.bad = append(p.bad, i)
		case evidence.Listened:
			p.listened = append(p.listened, i)
		case evidence.Lost:
			switch {
			case !f.VIP.IsValid():
				p.lost = append(p.lost, i)
			case f.VIP.Unmap() == vip:
				p.missed = append(p.missed, i)
			}
		case evidence.Unkept:
			p.unkept = append(p.unkept, i)
		case evidence.Echo, evidence.ICMPError, evidence.TCP, evidence.Traffic:
			p.ip = append(p.ip, i)
		case evidence.Hello:
			p.hellos = append(p.hellos, i)
		case evidence.IGMP:
			p.igmp = append(p.igmp, i)
		case evidence.Heartbeat:
			p.beats = append(p.beats, i)
		case evidence.Malformed:
			p.malformed = append(p.malformed, i)
		case evidence.Captured:
			p.captured = append(p.captured, i)
		case evidence.Vantage: // above
		}
	}
	p.live = len(p.vantages)+len(p.listened) > 0
	p.findPairs()
	p.findRouters()
	p.gatherProbes()
	p.gatherSenders()
	p.findForwarders()
	p.gatherMembers()
	p.gatherIGMP()
	p.settleForms()
	p.gatherCarried()
	p.gatherFlooding()
	p.weighRouters()
	return p
}

func (p *picture) addARP(i int, a evidence.ARP) {
	if a.Op != evidence.Request && a.Op != evidence.Reply {
		return // RARP and others: nobody learns an address from them
	}
	a.SenderIP, a.TargetIP = a.SenderIP.Unmap(), a.TargetIP.Unmap()
	isVIP := p.vip.IsValid() && a.SenderIP == p.vip
	forVIP := p.vip.IsValid() && a.TargetIP == p.vip
	if !isVIP && !forVIP && (a.Out || p.own[a.EthSrc]) {
		return
	}
	// A frame of ours that comes without its direction, as from a capture, is
	// still ours, and never somebody's answer.
	if a.Out || p.own[a.EthSrc] {
		switch {
		case isVIP:
			p.ownVIP = append(p.ownVIP, i)
		case a.Op == evidence.Request:
			p.questions = append(p.questions, i)
			p.asked += p.items[i].Sightings()
		}
		return
	}

	s := sighting{item: i, arp: a, count: p.items[i].Sightings(), first: p.items[i].First, last: p.items[i].Last}
	s.class = nlb.ClassifyFor(a.SenderMAC, p.vip)
	switch {
	case isVIP && a.EthSrc.IsGroup():
		p.groupSource = append(p.groupSource, s)
	case isVIP:
		primary := p.vip
		if s.class.NLB && s.class.Primary.IsValid() {
			primary = s.class.Primary
		}
		s.source = nlb.ClassifyFor(a.EthSrc, primary)
		switch {
		case forVIP:
			s.act = announces
		case a.Op == evidence.Reply:
			s.act = answers
			p.answered += s.count
		default:
			s.act = asks
		}
		if p.own[a.SenderMAC] {
			p.ownVIP = append(p.ownVIP, i)
		}
		p.claims = append(p.claims, s)
	case a.EthSrc.IsGroup(): // no host's own frame; what it says of others is not used
	case forVIP && a.Op == evidence.Request:
		p.askers = append(p.askers, s)
		p.others = append(p.others, s)
	default:
		p.others = append(p.others, s)
	}
}

// isFirstHop reports whether only first-hop redundancy protocols use k.
func isFirstHop(k nlb.Kind) bool {
	switch k {
	case nlb.KindVRRP, nlb.KindVRRPv6, nlb.KindHSRPv1, nlb.KindHSRPv2, nlb.KindHSRPv6, nlb.KindGLBP:
		return true
	}
	return false
}
