package diagnose

import (
	"net/netip"
	"slices"

	"github.com/nlbprobe/nlbprobe/evidence"
	"github.com/nlbprobe/nlbprobe/inet"
	"github.com/nlbprobe/nlbprobe/mac"
	"github.com/nlbprobe/nlbprobe/nlb"
)

// forms is what the evidence shows of MACs that have NLB's unicast forms, gathered
// once. A VIP stands for the last four bytes of those MACs.
type forms struct {
	cluster map[netip.Addr]bool              // 02-bf of it is a sender MAC in ARP
	masked  map[netip.Addr][]mac.Addr        // sources of the form 02-pp of it, at most two
	beats   map[netip.Addr]bool              // primary VIPs of heartbeats
	named   map[mac.Addr]bool                // sender MACs in ARP
	from    map[mac.Addr][]mac.Addr          // other MACs from which they are named for the VIP, at most two
	at      map[mac.Addr]map[netip.Addr]bool // what else 02-bf is named for
}

func (p *picture) gatherForms() forms {
	f := forms{
		cluster: make(map[netip.Addr]bool), masked: make(map[netip.Addr][]mac.Addr), beats: make(map[netip.Addr]bool),
		named: make(map[mac.Addr]bool), from: make(map[mac.Addr][]mac.Addr), at: make(map[mac.Addr]map[netip.Addr]bool),
	}
	two := func(list []mac.Addr, m mac.Addr) []mac.Addr {
		if len(list) < 2 && !slices.Contains(list, m) {
			return append(list, m)
		}
		return list
	}
	source := func(m mac.Addr) {
		if of := netip.AddrFrom4([4]byte(m[2:])); nlb.ClassifyFor(m, of).Kind == nlb.KindMasked {
			f.masked[of] = two(f.masked[of], m)
		}
	}
	for _, all := range [2][]sighting{p.claims, p.others} {
		for _, s := range all {
			m := s.arp.SenderMAC
			f.named[m] = true
			source(s.arp.EthSrc)
			if c := nlb.Classify(m); c.Kind == nlb.KindUnicast {
				f.cluster[c.Primary] = true
				if f.at[m] == nil {
					f.at[m] = make(map[netip.Addr]bool)
				}
				f.at[m][s.arp.SenderIP] = true
			}
		}
	}
	for _, s := range p.claims {
		if m := s.arp.SenderMAC; s.arp.EthSrc != m {
			f.from[m] = two(f.from[m], s.arp.EthSrc)
		}
	}
	for _, s := range p.senders {
		source(s.mac)
	}
	for _, i := range p.beats {
		if h, ok := p.items[i].Fact.(evidence.Heartbeat); ok && nlb.CanBeVIP(h.Cluster) && !f.beats[h.Cluster.Unmap()] {
			f.beats[h.Cluster.Unmap()] = true
			p.beating = append(p.beating, h.Cluster.Unmap())
		}
	}
	return f
}

// clusterMAC reports whether anything but its form shows that a MAC 02-bf is a
// cluster's: a masked source of the same primary VIP, several hosts that name it,
// that primary VIP at the same MAC, or a heartbeat of that cluster.
func (f *forms) clusterMAC(m mac.Addr, primary netip.Addr) bool {
	return f.beats[primary] || len(f.masked[primary]) > 0 || len(f.from[m]) > 1 || f.at[m][primary]
}

// maskedHost reports whether a MAC 02-pp with the bytes of a VIP is the masked
// source of a cluster's host. An adapter whose MAC was made of its own IP has the
// same form: it names that MAC in its ARP, and frames are sent to it, where those
// for a host of a cluster go to the cluster's MAC.
func (f *forms) maskedHost(m mac.Addr, primary netip.Addr, sentTo map[mac.Addr]bool) bool {
	return f.beats[primary] || f.cluster[primary] || len(f.masked[primary]) > 1 || !f.named[m] && !sentTo[m]
}

// settleForms takes NLB's name from MACs that have no more of it than its form.
// A form alone can be chance, or another's scheme: one of 16,384 MACs that
// software makes up begins with 02-bf, some software makes an adapter's MAC of its
// own IP, and pairs of firewalls answer with MACs of 01-00-5e.
func (p *picture) settleForms() {
	f := p.gatherForms()
	p.maskedOf = p.vip
	p.masked = slices.DeleteFunc(f.masked[p.vip], func(m mac.Addr) bool { return !f.maskedHost(m, p.vip, p.sentTo) })
	if len(p.masked) == 0 {
		p.maskedFor(&f)
	}
	for i := range p.claims {
		s := &p.claims[i]
		if s.source.Kind == nlb.KindMasked && !f.maskedHost(s.arp.EthSrc, s.source.Primary, p.sentTo) {
			s.source = nlb.ClassifyAdapter(s.arp.EthSrc, p.vip)
		}
		switch s.class.Kind {
		case nlb.KindUnicast:
			if s.class.Primary != p.vip && !f.clusterMAC(s.arp.SenderMAC, s.class.Primary) {
				s.class = nlb.ClassifyAdapter(s.arp.SenderMAC, p.vip)
			}
		case nlb.KindMasked:
			if !f.maskedHost(s.arp.SenderMAC, s.class.Primary, p.sentTo) {
				s.class = nlb.ClassifyAdapter(s.arp.SenderMAC, p.vip)
			}
		case nlb.KindIGMP, nlb.KindIPv4Multicast:
			s.class = p.settledGroup(s.class, s.arp.SenderMAC)
		}
	}
}

// maskedFor finds masked sources with the bytes of another primary VIP from which
// packets of the VIP come. One host alone proves nothing: it may be forwarding.
func (p *picture) maskedFor(f *forms) {
	by := make(map[netip.Addr][]mac.Addr)
	for _, s := range p.senders {
		of := netip.AddrFrom4([4]byte(s.mac[2:]))
		if nlb.ClassifyFor(s.mac, of).Kind != nlb.KindMasked || p.sentTo[s.mac] || f.named[s.mac] {
			continue
		}
		if by[of] = append(by[of], s.mac); len(by[of]) > 1 {
			p.masked, p.maskedOf = by[of], of
		}
	}
}

// settledGroup is the class of a MAC of IP groups. It is IGMP mode's where it is
// 01-00-5e-7f with the last bytes of the VIP or of a primary VIP that heartbeats
// name, or where a host that answers with it reports one of its groups.
func (p *picture) settledGroup(c nlb.Class, m mac.Addr) nlb.Class {
	if c.Kind == nlb.KindIGMP && (c.EndsAs(p.vip) || slices.ContainsFunc(p.primaries, c.EndsAs)) {
		return c
	}
	group := p.reportedGroup(m)
	switch {
	case group.IsValid():
		c.Group = group
	case len(p.members) == 0 || c.Kind != nlb.KindIGMP:
		c.NLB, c.HandSet, c.Mode, c.Group = false, true, nlb.ModeUnknown, netip.Addr{}
		return c
	}
	c.NLB, c.HandSet, c.Mode = c.Kind == nlb.KindIGMP, c.Kind != nlb.KindIGMP, nlb.IGMPMulticast
	return c
}

// reportedGroup is the group of this MAC that a host of the cluster reports.
func (p *picture) reportedGroup(m mac.Addr) netip.Addr {
	for _, r := range p.joined {
		for _, g := range r.groups {
			if p.hostMACs[r.mac] && inet.GroupMAC(g) == m {
				return g
			}
		}
	}
	return netip.Addr{}
}
