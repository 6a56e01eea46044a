package diagnose

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/nlbprobe/nlbprobe/evidence"
	"github.com/nlbprobe/nlbprobe/mac"
	"github.com/nlbprobe/nlbprobe/nlb"
)

// carried is packets for the VIP in frames to one cluster MAC.
type carried struct {
	mac    mac.Addr
	class  nlb.Class
	frames int
	from   []mac.Addr // Ethernet sources
	items  []int
}

// gatherCarried finds the cluster MACs by which packets for the VIP travel: a
// group MAC, or one that NLB derives. In captures that is often all there is,
// since whoever sends has the address in its ARP table already.
func (p *picture) gatherCarried() {
	for _, i := range p.ip {
		var source, to mac.Addr
		var dst netip.Addr
		var out bool
		switch f := p.items[i].Fact.(type) {
		case evidence.Echo:
			source, to, dst, out = f.EthSrc, f.EthDst, f.Dst, f.Out
		case evidence.TCP:
			source, to, dst, out = f.EthSrc, f.EthDst, f.Dst.Addr(), f.Out
		case evidence.Traffic:
			source, to, dst, out = f.EthSrc, f.EthDst, f.Dst, f.Out
		}
		if dst.Unmap() != p.vip || p.isOurs(source, out) || source.IsGroup() || to.IsBroadcast() {
			continue
		}
		class := nlb.ClassifyFor(to, p.vip)
		if !to.IsGroup() && (!class.NLB || class.Kind == nlb.KindMasked) {
			continue
		}
		n := slices.IndexFunc(p.carried, func(c carried) bool { return c.mac == to })
		if n < 0 {
			n = len(p.carried)
			p.carried = append(p.carried, carried{mac: to, class: class})
		}
		c := &p.carried[n]
		c.frames += sightings(p.items[i])
		c.items = append(c.items, i)
		if !slices.Contains(c.from, source) {
			c.from = append(c.from, source)
		}
	}
}

// onlyCarried reports that packets for the VIP go to a cluster MAC, and nothing
// else tells where it is.
func (p *picture) onlyCarried() bool { return len(p.claims) == 0 && p.asked == 0 && len(p.carried) > 0 }

// judgeCarried notes a VIP that shows by its traffic alone.
func (p *picture) judgeCarried() {
	if !p.onlyCarried() {
		return
	}
	var l lines
	var items []int
	for _, c := range p.carried {
		l.add("%s for %v to %v (%s), the first %s, from %s", many(c.frames, "frame"), p.vip, c.mac, c.class.Name,
			p.at(p.items[c.items[0]].First), name(c.from))
		items = append(items, c.items...)
	}
	macs := make([]mac.Addr, len(p.carried))
	for i, c := range p.carried {
		macs[i] = c.mac
	}
	p.find(idCarried, fmt.Sprintf("Packets for %v are sent to %s; no ARP for it is in the evidence.", p.vip, name(macs)), l.list(), items)
}

// carriedCluster puts to c the cluster as its traffic shows it, or else as its
// hosts' heartbeats do.
func (p *picture) carriedCluster(c Cluster) Cluster {
	if len(p.carried) != 1 || !p.onlyCarried() {
		c.Mode = p.memberMode()
		return c
	}
	at := p.carried[0]
	c.MAC, c.HasMAC = at.mac, true
	c.Mode = p.mode(sighting{class: at.class, arp: evidence.ARP{SenderMAC: at.mac, EthSrc: at.mac}})
	if at.class.NLB {
		c.DerivedFrom, c.Group = at.class.Primary, at.class.Group
	}
	return c
}
