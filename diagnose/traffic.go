package diagnose

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/nlbprobe/nlbprobe/evidence"
	"github.com/nlbprobe/nlbprobe/finding"
	"github.com/nlbprobe/nlbprobe/mac"
	"github.com/nlbprobe/nlbprobe/nlb"
)

// trafficFacts is by what MACs the VIP's packets travel.
type trafficFacts struct {
	carried  []carried         // packets for the VIP, by cluster MAC
	senders  []sender          // from whom packets of the VIP come, in order
	sentTo   map[mac.Addr]bool // to what MACs packets for the VIP go
	maskedOf netip.Addr        // the primary VIP that masked senders show
	masked   []mac.Addr        // those of its senders that are hosts in unicast mode
}

// carried is packets for the VIP in frames to one cluster MAC.
type carried struct {
	mac    mac.Addr
	class  nlb.Class
	frames int
	from   []mac.Addr // Ethernet sources
	items  []int
}

// sender is an Ethernet source from which packets of the VIP came.
type sender struct {
	mac    mac.Addr
	frames int
	what   string // what they were, in a word or two
	items  []int
}

// gatherSenders finds who sends packets of the VIP, and to what MACs frames with
// packets for it go.
func (p *picture) gatherSenders() {
	p.sentTo = make(map[mac.Addr]bool)
	if !p.vip.IsValid() {
		return // facts without addresses are nobody's
	}
	index := make(map[mac.Addr]int)
	add := func(i int, from mac.Addr, what string) {
		n, known := index[from]
		if !known {
			n = len(p.senders)
			index[from] = n
			p.senders = append(p.senders, sender{mac: from, what: what})
		}
		p.senders[n].frames += p.items[i].Sightings()
		p.senders[n].items = append(p.senders[n].items, i)
	}
	for _, i := range p.ip {
		f := packetOf(p.items[i].Fact)
		switch {
		case p.isOurs(f.EthSrc, f.Out) || f.EthSrc.IsGroup():
		case f.Src.Unmap() == p.vip:
			add(i, f.EthSrc, "packet")
		case f.Dst.Unmap() == p.vip:
			p.sentTo[f.EthDst] = true
		}
	}
	for _, i := range p.igmp {
		if f, ok := p.items[i].Fact.(evidence.IGMP); ok && f.From.Unmap() == p.vip && !p.isOurs(f.EthSrc, f.Out) && !f.EthSrc.IsGroup() {
			add(i, f.EthSrc, "IGMP message")
		}
	}
	for _, i := range p.beats {
		if f, ok := p.items[i].Fact.(evidence.Heartbeat); ok && f.Dedicated.Unmap() == p.vip && !p.isOurs(f.EthSrc, f.Out) && !f.EthSrc.IsGroup() {
			add(i, f.EthSrc, "heartbeat")
		}
	}
	for _, i := range p.hellos {
		if f, ok := p.items[i].Fact.(evidence.Hello); ok && (f.From.Unmap() == p.vip || f.Virtual.Unmap() == p.vip) &&
			!p.own[f.EthSrc] && !f.EthSrc.IsGroup() {
			add(i, f.EthSrc, f.Protocol.String()+" hello")
		}
	}
}

// addressed counts the frames of others that are for the VIP: packets and ARP.
func (p *picture) addressed() (frames int, items []int) {
	for _, i := range p.ip {
		if f := packetOf(p.items[i].Fact); f.Dst.IsValid() && f.Dst.Unmap() == p.vip && !p.isOurs(f.EthSrc, f.Out) {
			frames += p.items[i].Sightings()
			items = append(items, i)
		}
	}
	for _, s := range p.others {
		if s.arp.TargetIP == p.vip {
			frames += s.count
			items = append(items, s.item)
		}
	}
	return frames, items
}

// packetOf is what facts about IPv4 packets have in common, or nothing.
func packetOf(fact evidence.Fact) evidence.Traffic {
	switch f := fact.(type) {
	case evidence.Echo:
		return evidence.Traffic{EthSrc: f.EthSrc, EthDst: f.EthDst, Src: f.Src, Dst: f.Dst, EtherType: etherTypeIPv4, Out: f.Out}
	case evidence.TCP:
		return evidence.Traffic{EthSrc: f.EthSrc, EthDst: f.EthDst, Src: f.Src.Addr(), Dst: f.Dst.Addr(), EtherType: etherTypeIPv4, Out: f.Out}
	case evidence.ICMPError:
		return evidence.Traffic{EthSrc: f.EthSrc, Src: f.From, EtherType: etherTypeIPv4}
	case evidence.Traffic:
		return f
	}
	return evidence.Traffic{}
}

// gatherCarried finds the cluster MACs by which packets for the VIP travel: a
// group MAC, or one that NLB derives. In captures that is often all there is,
// since whoever sends has the address in its ARP table already.
func (p *picture) gatherCarried() {
	for _, i := range p.ip {
		f := packetOf(p.items[i].Fact)
		source, to := f.EthSrc, f.EthDst
		if !f.Dst.IsValid() || f.Dst.Unmap() != p.vip || p.isOurs(source, f.Out) || source.IsGroup() || to.IsBroadcast() {
			continue
		}
		class := nlb.ClassifyFor(to, p.vip)
		if !to.IsGroup() && (!class.NLB || class.Kind == nlb.KindMasked || !p.derives(class)) {
			continue
		}
		n := slices.IndexFunc(p.carried, func(c carried) bool { return c.mac == to })
		if n < 0 {
			n = len(p.carried)
			p.carried = append(p.carried, carried{mac: to, class: class})
		}
		c := &p.carried[n]
		c.frames += p.items[i].Sightings()
		c.items = append(c.items, i)
		if !slices.Contains(c.from, source) {
			c.from = append(c.from, source)
		}
	}
}

// derives reports whether NLB derives a MAC of this class from the VIP, or from a
// primary VIP that heartbeats name.
func (p *picture) derives(c nlb.Class) bool {
	of := func(ip netip.Addr) bool { return c.NLB && (c.Primary == ip && ip.IsValid() || c.EndsAs(ip)) }
	return of(p.vip) || slices.ContainsFunc(p.beating, of)
}

// byTraffic reports that nothing tells where the VIP is but packets for it and of
// it.
func (p *picture) byTraffic() bool { return len(p.claims) == 0 && p.asked == 0 }

// onlyCarried reports that packets for the VIP go to a cluster MAC, and nothing
// else tells where it is.
func (p *picture) onlyCarried() bool { return p.byTraffic() && len(p.carried) > 0 }

// onlySent reports that packets of the VIP are seen, and no ARP for it.
func (p *picture) onlySent() bool { return p.byTraffic() && len(p.senders) > 0 }

// judgeCarried notes a VIP that shows by its traffic alone.
func (p *picture) judgeCarried() {
	if !p.onlyCarried() && !p.onlySent() {
		return
	}
	var l finding.Lines
	var items []int
	for _, c := range p.carried {
		l.Add("%s for %v to %v (%s), the first %s, from %s", finding.Many(c.frames, "frame"), p.vip, c.mac, c.class.Name,
			p.at(p.items[c.items[0]].First), name(c.from))
		items = append(items, c.items...)
	}
	for _, s := range p.senders {
		as := ""
		if slices.Contains(p.masked, s.mac) {
			as = " (" + nlb.ClassifyFor(s.mac, p.maskedOf).Name + ")"
		}
		l.Add("%s of %v from %v%s, the first %s", finding.Many(s.frames, s.what), p.vip, s.mac, as, p.at(p.items[s.items[0]].First))
		items = append(items, s.items...)
	}
	if len(p.masked) == 1 && len(p.carried) == 0 {
		l.Add("one source alone: an adapter whose MAC was made of its own IP would look the same")
	}
	summary := ""
	switch {
	case len(p.carried) > 0:
		macs := make([]mac.Addr, len(p.carried))
		for i, c := range p.carried {
			macs[i] = c.mac
		}
		summary = fmt.Sprintf("Packets for %v are sent to %s; no ARP for it is in the evidence.", p.vip, name(macs))
	case len(p.masked) > 0:
		summary = fmt.Sprintf("Packets of %v come from %s, as hosts in unicast mode send them; no ARP for it is in the evidence.", p.vip, name(p.masked))
	default:
		macs := make([]mac.Addr, len(p.senders))
		for i, s := range p.senders {
			macs[i] = s.mac
		}
		summary = fmt.Sprintf("Frames of %v are seen, from %s; no ARP for it is in the evidence.", p.vip, name(macs))
	}
	if p.reportsAsNLB() {
		l.Add("it reports the group that NLB derives from it, by IGMPv1, as hosts of a cluster in IGMP mode do (inferred)")
	}
	p.find(idCarried, summary, l.List(), items)
}

// carriedCluster puts to c the cluster as its traffic shows it, or else as its
// hosts' heartbeats do. A group MAC that is not derived from the VIP is taken for
// no cluster's: no answer names it.
func (p *picture) carriedCluster(c Cluster) Cluster {
	if len(p.carried) != 1 || !p.onlyCarried() {
		switch {
		case len(p.masked) > 0 && len(p.carried) == 0 && p.byTraffic():
			c.Mode, c.DerivedFrom = Unicast, p.maskedOf
		case p.reportsAsNLB() && p.byTraffic():
			c.Mode = IGMPMulticast
			if group, err := nlb.Group(p.vip); err == nil {
				c.Group = group
			}
		case p.virtualMAC() != mac.Addr{} && p.byTraffic():
			c.MAC, c.HasMAC, c.Mode = p.virtualMAC(), true, None
		default:
			c.Mode = p.memberMode()
		}
		return c
	}
	at := p.carried[0]
	c.MAC, c.HasMAC = at.mac, true
	switch {
	case p.beatsAt(at.mac): // which proves it as well as an answer
		c.Mode, c.Answered = beatMode(at.mac), true
	case p.derives(at.class):
		c.Mode = p.mode(sighting{class: at.class, arp: evidence.ARP{SenderMAC: at.mac, EthSrc: at.mac}})
		c.DerivedFrom, c.Group = at.class.Primary, at.class.Group
	case at.class.Kind.Reserved(), at.class.Kind == nlb.KindCARPBalancing:
		c.Mode = OtherMulticast
	}
	return c
}

// reportsAsNLB reports that the VIP reports membership of the group that NLB derives
// from it, by IGMPv1, as the hosts of a cluster in IGMP mode do from their primary
// VIP (Microsoft ISA Server blog, 2009-06-22).
func (p *picture) reportsAsNLB() bool {
	group, err := nlb.Group(p.vip)
	return err == nil && group != ssdp && slices.ContainsFunc(p.igmp, func(i int) bool {
		f, ok := p.items[i].Fact.(evidence.IGMP)
		return ok && f.Act == evidence.Join && f.Version == 1 && f.From.Unmap() == p.vip && f.Group.Unmap() == group && !p.isOurs(f.EthSrc, f.Out)
	})
}

// beatsAt reports that heartbeats of the VIP's own cluster go to a group MAC.
func (p *picture) beatsAt(m mac.Addr) bool {
	return m.IsGroup() && slices.ContainsFunc(p.members, func(h *member) bool { return h.status != nil && h.status.EthDst == m })
}

// virtualMAC is the MAC of virtual routers from which a hello comes that names the
// VIP as its virtual address, or zero.
func (p *picture) virtualMAC() mac.Addr {
	for _, i := range p.hellos {
		if f, ok := p.items[i].Fact.(evidence.Hello); ok && p.vip.IsValid() && f.Virtual.Unmap() == p.vip && isFirstHop(nlb.Classify(f.EthSrc).Kind) && !p.own[f.EthSrc] {
			return f.EthSrc
		}
	}
	return mac.Addr{}
}

// carriedHosts are the hosts of a cluster in unicast mode of which only their
// packets are seen.
func (p *picture) carriedHosts() []Host {
	if !p.byTraffic() {
		return nil
	}
	var hosts []Host
	for _, m := range p.masked {
		for _, s := range p.senders {
			if s.mac == m {
				hosts = append(hosts, Host{MAC: m, Priority: nlb.ClassifyFor(m, p.maskedOf).Priority, First: p.items[s.items[0]].First})
			}
		}
	}
	return hosts
}
