package diagnose

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/nlbprobe/nlbprobe/evidence"
	"github.com/nlbprobe/nlbprobe/finding"
	"github.com/nlbprobe/nlbprobe/inet"
	"github.com/nlbprobe/nlbprobe/mac"
	"github.com/nlbprobe/nlbprobe/nlb"
)

// ownFrame is a frame that a router sends in its own name: an IGMP query, or a hello.
type ownFrame struct {
	ip   netip.Addr
	mac  mac.Addr
	what string
	item int
}

// ownFrames are those of routers, in order.
func (p *picture) ownFrames() []ownFrame {
	var all []ownFrame
	for _, i := range p.igmp {
		if f, ok := p.items[i].Fact.(evidence.IGMP); ok && f.Act == evidence.Query && !p.isOurs(f.EthSrc, f.Out) {
			all = append(all, ownFrame{f.From.Unmap(), f.EthSrc, "IGMP query", i})
		}
	}
	for _, i := range p.hellos {
		if f, ok := p.items[i].Fact.(evidence.Hello); ok && !p.own[f.EthSrc] {
			all = append(all, ownFrame{f.From.Unmap(), f.EthSrc, f.Protocol.String() + " hello", i})
		}
	}
	return slices.DeleteFunc(all, func(o ownFrame) bool {
		return !inet.IsHost(o.ip) || o.ip == p.vip || o.mac.IsGroup() || o.mac.IsZero() || isFirstHop(nlb.Classify(o.mac).Kind)
	})
}

// judgeOtherSource notes routers whose own frames come from another MAC than their
// ARP names. Virtual MACs are meant to be so.
func (p *picture) judgeOtherSource() {
	named := make(map[netip.Addr][]sighting)
	for _, s := range p.others {
		if m := s.arp.SenderMAC; inet.IsHost(s.arp.SenderIP) && !m.IsZero() && !m.IsGroup() {
			named[s.arp.SenderIP] = append(named[s.arp.SenderIP], s)
		}
	}
	var l finding.Lines
	var items []int
	var who []netip.Addr
	for _, o := range p.ownFrames() {
		arp := named[o.ip]
		if len(arp) == 0 || slices.ContainsFunc(arp, func(s sighting) bool {
			return s.arp.SenderMAC == o.mac || s.arp.EthSrc == o.mac || isFirstHop(s.class.Kind)
		}) {
			continue
		}
		l.Add("%s %s of %v from %v, %s; its ARP names %s", p.at(p.items[o.item].First), o.what, o.ip, o.mac, finding.Times(p.items[o.item].Sightings()), name(senders(arp)))
		items = append(items, o.item)
		items = append(items, itemsOf(arp)...)
		if !slices.Contains(who, o.ip) {
			who = append(who, o.ip)
		}
	}
	if len(who) > 0 {
		p.find(idOtherSource, fmt.Sprintf("Frames of %s come from another MAC than ARP for %s names.", addresses(who), verb(len(who), "it", "them")), l.List(), items)
	}
}
