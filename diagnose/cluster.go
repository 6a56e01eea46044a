package diagnose

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/nlbprobe/nlbprobe/finding"
	"github.com/nlbprobe/nlbprobe/inet"
	"github.com/nlbprobe/nlbprobe/mac"
	"github.com/nlbprobe/nlbprobe/nlb"
)

// judgeCluster finds what is to be said of an NLB cluster: its mode, where its
// MAC comes from, how its hosts answer.
func (p *picture) judgeCluster() {
	p.report(idOtherVIP, p.revealsAnother, func(m string) string {
		primary := distinct(where(p.claims, p.revealsAnother), func(s sighting) netip.Addr { return s.class.Primary })
		if len(primary) == 1 {
			return fmt.Sprintf("%v is at %s, derived from the primary VIP %v. Normal for a secondary VIP.", p.vip, m, primary[0])
		}
		return fmt.Sprintf("%v is at %s, derived from %d other primary VIPs.", p.vip, m, len(primary))
	})
	p.report(idIGMPOtherVIP, func(s sighting) bool {
		return s.class.Kind == nlb.KindIGMP && !p.endsIn(s.class.LastOctets)
	}, func(m string) string {
		return fmt.Sprintf("%v is at the IGMP-mode MAC %s, whose last two bytes are another VIP's, or set by hand.", p.vip, m)
	})
	p.report(idHandSet, func(s sighting) bool { return s.class.HandSet && s.class.Kind != nlb.KindIGMP || isHandSetUnicast(s) }, func(m string) string {
		cause := "set by hand, or not NLB"
		if len(p.members) > 0 { // heartbeats prove that it is NLB
			cause = "set by hand"
		}
		return fmt.Sprintf("%v is at %s, which NLB derives from no IP: %s.", p.vip, m, cause)
	})
	p.report(idMasked, func(s sighting) bool { return isClusterUnicast(s) && s.arp.EthSrc != s.arp.SenderMAC }, func(m string) string {
		return fmt.Sprintf("%v is at %s in unicast mode with masked sources; switches flood its traffic.", p.vip, m)
	})
	p.report(idUnmasked, isUnmasked, func(m string) string {
		return fmt.Sprintf("%v is at %s in unicast mode and sends from it: a switch learns it on one node's port.", p.vip, m)
	})
	p.report(idLegacy, func(s sighting) bool { return s.class.Kind == nlb.KindLegacy }, func(m string) string {
		return fmt.Sprintf("%v is at %s, the form of old WLBS clusters or of a copied example.", p.vip, m)
	})
	p.report(idMaskedAnswer, func(s sighting) bool { return s.class.Kind == nlb.KindMasked }, func(m string) string {
		return fmt.Sprintf("%v is at %s, one node's masked source and not the cluster's MAC.", p.vip, m)
	})
	p.report(idGroupRequest, func(s sighting) bool { return s.act == asks && isGroup(s) }, func(m string) string {
		return fmt.Sprintf("A node asks others as %v at the group MAC %s. Routers may refuse to reply to it.", p.vip, m)
	})
	p.judgeHosts()
}

// judgeHosts finds the MACs that several hosts name.
func (p *picture) judgeHosts() {
	replies := where(p.claims, func(s sighting) bool { return s.act == answers })
	var together []sighting
	var macs []mac.Addr
	hosts := 0
	for _, g := range grouped(replies, senderOf) {
		if n := len(sources(g.of)); n > 1 {
			together = append(together, g.of...)
			macs = append(macs, g.mac)
			hosts += n
		}
	}
	if len(together) == 0 {
		return
	}
	var l finding.Lines
	for _, s := range together {
		l.Add("%s", p.says(s))
	}
	p.find(idSeveralHosts, fmt.Sprintf("%d hosts answer for %v with %s. Normal for a cluster.", hosts, p.vip, name(macs)), l.List(), itemsOf(together))
}

// cluster puts together what the claims say. Answers and announcements count
// before requests.
func (p *picture) cluster() Cluster {
	if p.shape == nil {
		c := p.findCluster()
		p.shape = &c
	}
	return *p.shape
}

func (p *picture) findCluster() Cluster {
	c := Cluster{Hosts: p.hosts(), Primaries: p.primaries, Queriers: p.askingIGMP()}
	told := where(p.claims, func(s sighting) bool { return s.act != asks })
	if len(told) == 0 {
		told = p.claims
	}
	if len(told) == 0 {
		return p.carriedCluster(c)
	}
	c.Mode = p.mode(told[0])
	for _, s := range told[1:] {
		if p.mode(s) != c.Mode {
			c.Mode = ModeUnknown
			break
		}
	}
	if first := told[0]; len(senders(told)) == 1 {
		c.MAC, c.HasMAC = first.arp.SenderMAC, true
		c.Answered = slices.ContainsFunc(told, func(s sighting) bool { return s.act != asks })
		if first.class.NLB {
			c.DerivedFrom = first.class.Primary
		}
		if c.Mode == IGMPMulticast {
			c.Group = first.class.Group
		}
	}
	return c
}

// mode is what one claim says of the mode.
func (p *picture) mode(s sighting) Mode {
	if m := nlbMode(s); m != ModeUnknown {
		return m
	}
	switch {
	case s.class.Kind == nlb.KindCARPBalancing, s.class.Kind.Reserved():
		return OtherMulticast
	case s.arp.SenderMAC.IsGroup(), s.arp.SenderMAC.IsZero():
		return ModeUnknown
	case p.isPlain(s) && s.arp.EthSrc != s.arp.SenderMAC:
		return ModeUnknown
	}
	return None
}

// nlbMode is the NLB mode that a claim shows, or ModeUnknown. A group MAC that
// was set by hand works as multicast mode does, whoever made the cluster. One
// in the range of IP groups could be of either multicast mode.
func nlbMode(s sighting) Mode {
	switch {
	case isHandSetUnicast(s):
		return Unicast
	case s.class.Mode == nlb.IGMPMulticast:
		return IGMPMulticast
	case s.class.HandSet && s.class.Kind != nlb.KindIPv4Multicast && s.class.Kind != nlb.KindIGMP:
		return Multicast
	case !s.class.NLB:
		return ModeUnknown
	}
	switch s.class.Mode {
	case nlb.Unicast:
		return Unicast
	case nlb.Multicast:
		return Multicast
	}
	return ModeUnknown
}

// isHandSetUnicast reports a unicast MAC of no NLB form that comes from an NLB
// host's masked source, 02-pp with the VIP's bytes.
func isHandSetUnicast(s sighting) bool {
	m := s.arp.SenderMAC
	return !m.IsGroup() && !m.IsZero() && !s.class.NLB && s.source.Kind == nlb.KindMasked
}

// isClusterUnicast reports the cluster MAC of unicast mode.
func isClusterUnicast(s sighting) bool {
	return s.class.Kind == nlb.KindUnicast || s.class.Kind == nlb.KindLegacy || isHandSetUnicast(s)
}

// isUnmasked reports a claim of a cluster in unicast mode in a frame from the
// cluster's own MAC.
func isUnmasked(s sighting) bool { return isClusterUnicast(s) && s.arp.EthSrc == s.arp.SenderMAC }

// revealsAnother reports a MAC that is derived from another IP than the VIP.
func (p *picture) revealsAnother(s sighting) bool {
	return s.class.NLB && s.class.Primary.IsValid() && s.class.Primary != p.vip
}

// endsIn reports whether the VIP's last two bytes are these.
func (p *picture) endsIn(last [2]byte) bool {
	if !p.vip.Is4() {
		return false
	}
	o := p.vip.As4()
	return last == [2]byte(o[2:])
}

// hosts lists who claims the VIP, per Ethernet source and sender MAC.
func (p *picture) hosts() []Host {
	type key struct{ source, sender mac.Addr }
	index := make(map[key]int)
	var hosts []Host
	for _, s := range p.claims {
		k := key{s.arp.EthSrc, s.arp.SenderMAC}
		i, ok := index[k]
		if !ok {
			i = len(hosts)
			index[k] = i
			hosts = append(hosts, Host{MAC: k.source, SenderMAC: k.sender, First: s.first})
			if s.source.Kind == nlb.KindMasked {
				hosts[i].Priority = s.source.Priority
			}
		}
		if s.act == answers {
			hosts[i].Answers += s.count
		}
	}
	if len(p.claims) == 0 {
		hosts = p.carriedHosts()
	}
	own := p.dedicated()
	for i := range hosts {
		hosts[i].IP = own[hosts[i].MAC]
	}
	return p.addMembers(hosts)
}

// addMembers puts what the members' heartbeats say to the hosts: to those with
// the same Ethernet source, or as hosts of their own. Where two members share a
// source, as with equal priorities in unicast mode, the first is that host.
func (p *picture) addMembers(hosts []Host) []Host {
	index := make(map[mac.Addr]int, len(hosts))
	for i := range hosts {
		if _, known := index[hosts[i].MAC]; !known {
			index[hosts[i].MAC] = i
		}
	}
	for _, m := range p.members {
		at, known := index[m.mac]
		if !known || !hosts[at].LastBeat.IsZero() {
			at = len(hosts)
			hosts = append(hosts, Host{MAC: m.mac, First: m.first})
		}
		h := &hosts[at]
		h.Name, h.Beats, h.LastBeat, h.Quiet, h.Stopped, h.Heartbeat = m.name, m.beats, m.last, p.quiet(m), p.stopped(m), m.status
		if m.priority > 0 {
			h.Priority = m.priority
		}
		if m.dedicated.IsValid() {
			h.IP = m.dedicated
		}
	}
	joined := make(map[mac.Addr]bool, len(p.joined))
	for _, r := range p.joined {
		joined[r.mac] = true
	}
	for i := range hosts {
		hosts[i].Joined = joined[hosts[i].MAC]
	}
	return hosts
}

// askingIGMP lists the queriers.
func (p *picture) askingIGMP() []Querier {
	var all []Querier
	for _, q := range p.queriers {
		all = append(all, Querier{IP: q.ip, MAC: q.mac, Versions: q.versions, Interval: q.interval, Queries: q.count, Last: q.last})
	}
	return all
}

// dedicated gives the IP of each Ethernet source whose ARP shows exactly one
// beside the VIP. An IP that several sources use is another VIP, and so is one
// with a group MAC.
func (p *picture) dedicated() map[mac.Addr]netip.Addr {
	ips := make(map[mac.Addr][]netip.Addr)
	users := make(map[netip.Addr][]mac.Addr)
	for _, s := range p.others {
		ip, src := s.arp.SenderIP, s.arp.EthSrc
		if !inet.IsHost(ip) || s.arp.SenderMAC.IsGroup() {
			continue
		}
		if len(ips[src]) < 2 && !slices.Contains(ips[src], ip) {
			ips[src] = append(ips[src], ip)
		}
		if len(users[ip]) < 2 && !slices.Contains(users[ip], src) {
			users[ip] = append(users[ip], src)
		}
	}
	own := make(map[mac.Addr]netip.Addr)
	for src, list := range ips {
		if len(list) == 1 && len(users[list[0]]) == 1 {
			own[src] = list[0]
		}
	}
	return own
}
