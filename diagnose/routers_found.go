package diagnose

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"github.com/nlbprobe/nlbprobe/evidence"
	"github.com/nlbprobe/nlbprobe/finding"
	"github.com/nlbprobe/nlbprobe/inet"
	"github.com/nlbprobe/nlbprobe/mac"
	"github.com/nlbprobe/nlbprobe/nlb"
)

// The bounds of what is known only by what it claims to be.
const (
	maxRouters = 16
	maxPeers   = 8 // of one virtual router
)

// routerFacts is the routers of the subnet, where they are, and what came of the
// tests of each.
type routerFacts struct {
	hellos      []int    // items
	moreRouters int      // that claim to be some, beyond those that are listed
	routers     []Router // at last, by IP
	known       map[netip.Addr]*Router
	routerIs    map[netip.Addr]map[mac.Addr]*claim // every MAC that a router is said to be at
	routerMACs  map[mac.Addr]netip.Addr            // of routers that are not the VIP
	pairs       []*pair
	outcomes    []*outcome // as routers
}

// pair is the routers that share a virtual address; mostly they are two.
type pair struct {
	name    string // "VRRPv3 group 5"
	silent  bool   // its standby routers send nothing (VRRP)
	vrrp    bool
	group   uint16
	virtual netip.Addr
	peers   []peer
	items   []int
}

// peer is one router that says that it belongs to a pair.
type peer struct {
	ip     netip.Addr
	active bool
	item   int
}

// findPairs gathers what routers say of the virtual addresses that they share.
func (p *picture) findPairs() {
	// A group is one of its LAN (RFC 2281 5.3, RFC 9568 5.2.3): a trunk or a mirror
	// port shows the same number in several subnets, with an address each.
	type key struct {
		vrrp        bool
		group, vlan uint16
		virtual     netip.Addr
	}
	index := make(map[key]*pair)
	for _, i := range p.hellos {
		h, ok := p.items[i].Fact.(evidence.Hello)
		from := h.From.Unmap()
		if !ok || !inet.IsHost(from) || p.own[h.EthSrc] {
			continue
		}
		if !p.live && (!p.subnetOf(from).Contains(p.vip) || !p.onSegment(h.VLAN)) {
			continue // of another subnet, whose hellos a trunk shows too
		}
		vrrp := h.Protocol.IsVRRP()
		k := key{vrrp, h.Group, h.VLAN, h.Virtual.Unmap()}
		pr := index[k]
		if pr == nil {
			if len(p.pairs) >= maxRouters/2 {
				continue
			}
			pr = &pair{name: fmt.Sprintf("%v group %d", h.Protocol, h.Group), silent: vrrp}
			index[k] = pr
			p.pairs = append(p.pairs, pr)
		}
		if v := h.Virtual.Unmap(); !pr.virtual.IsValid() && inet.IsHost(v) {
			pr.virtual = v
		}
		n := slices.IndexFunc(pr.peers, func(x peer) bool { return x.ip == from })
		if n < 0 {
			if len(pr.peers) >= maxPeers {
				continue
			}
			n = len(pr.peers)
			pr.peers = append(pr.peers, peer{ip: from, item: i})
		}
		pr.peers[n].active = pr.peers[n].active || h.Active
		pr.items = append(pr.items, i)
		pr.vrrp, pr.group = vrrp, h.Group
	}
	if p.live {
		return
	}
	// Where one number has several addresses, those are the VIP's router that are
	// next to it: the prefix of a subnet is a guess.
	p.pairs = slices.DeleteFunc(p.pairs, func(a *pair) bool {
		return !p.near(a.virtual) && slices.ContainsFunc(p.pairs, func(b *pair) bool {
			return b.vrrp == a.vrrp && b.group == a.group && p.near(b.virtual)
		})
	})
}

// near reports an address that is surely on the VIP's subnet as far as can be told:
// in the observer's own prefix, or in its narrowest usual one.
func (p *picture) near(ip netip.Addr) bool { return p.nearEach(ip, p.vip) }

func (p *picture) nearEach(a, b netip.Addr) bool {
	if !inet.IsHost(a) || !inet.IsHost(b) {
		return false
	}
	for _, i := range p.vantages {
		v, _ := p.items[i].Fact.(evidence.Vantage)
		if v.Address.IsValid() && v.Address.Contains(a) && v.Address.Contains(b) {
			return true
		}
	}
	pre, err := a.Prefix(narrowest)
	return err == nil && pre.Contains(b)
}

// findRouters lists the gateways, the routers of a pair with their virtual
// address, and whoever asks for the VIP from a MAC that only first-hop routers
// use. An ordinary asker is not called a router: that it asks does not tell.
func (p *picture) findRouters() {
	p.known = make(map[netip.Addr]*Router)
	p.routerIs = make(map[netip.Addr]map[mac.Addr]*claim)
	for _, i := range p.vantages {
		v := p.items[i].Fact.(evidence.Vantage)
		if g := v.Gateway.Unmap(); slices.Contains(p.gateways, g) {
			r := p.addRouter(g, "gateway of this host", i)
			if r != nil && v.Asked {
				r.Why = "named by the user"
			}
		}
	}
	for _, pr := range p.pairs {
		for _, i := range pr.items {
			h := p.items[i].Fact.(evidence.Hello)
			virtual := isFirstHop(nlb.Classify(h.EthSrc).Kind)
			if pr.virtual.IsValid() {
				r := p.addRouter(pr.virtual, "virtual router of "+pr.name, i)
				if virtual {
					p.isAt(r, h.EthSrc)
				}
			}
			r := p.addRouter(h.From.Unmap(), "one of the routers of "+pr.name, i)
			if !virtual {
				p.isAt(r, h.EthSrc)
			}
		}
	}
	for _, s := range p.askers {
		if ip := s.arp.SenderIP; isFirstHop(s.class.Kind) && inet.IsHost(ip) {
			p.addRouter(ip, "asks for the VIP as "+s.class.Name, s.item)
		}
	}
	for _, s := range p.others {
		r := p.known[s.arp.SenderIP]
		if r == nil || s.arp.SenderMAC.IsZero() || s.arp.SenderMAC.IsGroup() {
			continue
		}
		if r.MAC.IsZero() {
			r.Items = append(r.Items, s.item)
		}
		p.isAt(r, s.arp.SenderMAC)
		if c := p.routerIs[r.IP][s.arp.SenderMAC]; c != nil {
			c.add(s, p.items[s.item])
		}
	}
}

// addRouter notes a router. It returns nil where there are too many already, or
// the router is the VIP.
func (p *picture) addRouter(ip netip.Addr, why string, item int) *Router {
	r := p.known[ip]
	switch {
	case ip == p.vip, slices.Contains(p.addresses, ip):
		return nil // a hello can name any address, this host's too
	case r == nil && len(p.known) >= maxRouters && !slices.Contains(p.gateways, ip) && !p.answersTests(ip):
		p.moreRouters++
		return nil
	case r == nil:
		r = &Router{IP: ip, Why: why}
		p.known[ip] = r
	case !strings.Contains(r.Why, why) && len(r.Why) < maxWhy:
		r.Why += ", " + why
	}
	r.Items = append(r.Items, item)
	return r
}

// answersTests reports whether something came of a packet that was handed to a MAC
// of the host at ip: that is no invention.
func (p *picture) answersTests(ip netip.Addr) bool {
	return len(p.trials) > 0 && slices.ContainsFunc(p.others, func(s sighting) bool {
		t := p.trials[s.arp.SenderMAC]
		return s.arp.SenderIP == ip && t != nil && len(t.delivered)+len(t.refused)+len(t.misled)+len(t.barred)+len(t.redirects)+len(t.hairpins) > 0
	})
}

// maxWhy bounds how a router's ways to be known add up, in bytes.
const maxWhy = 80

// isAt notes that the router is said to be at m.
func (p *picture) isAt(r *Router, m mac.Addr) {
	if r == nil || m.IsZero() || m.IsGroup() || p.own[m] {
		return
	}
	if r.MAC.IsZero() {
		r.MAC = m
	}
	if p.routerIs[r.IP] == nil {
		p.routerIs[r.IP] = make(map[mac.Addr]*claim)
	}
	if p.routerIs[r.IP][m] == nil {
		p.routerIs[r.IP][m] = &claim{mac: m, class: nlb.Classify(m)}
	}
	if _, ok := p.routerMACs[m]; !ok {
		p.routerMACs[m] = r.IP
	}
}

// findForwarders adds those that were tried though nobody named them routers,
// and that turned out to forward.
func (p *picture) findForwarders() {
	p.findPassing()
	for _, m := range slices.SortedFunc(maps.Keys(p.trials), mac.Addr.Compare) {
		t := p.trials[m]
		signs := slices.Concat(t.delivered, t.refused, t.misled, t.redirects, t.hairpins)
		if _, known := p.routerMACs[m]; known || len(signs) == 0 {
			continue
		}
		var ip netip.Addr
		why := "forwards packets"
		for _, s := range p.others {
			if s.arp.SenderMAC == m && inet.IsHost(s.arp.SenderIP) {
				ip = s.arp.SenderIP
				break
			}
		}
		for _, s := range p.askers {
			if s.arp.SenderMAC == m && s.arp.SenderIP == ip {
				why = "asks for the VIP, and forwards"
			}
		}
		for _, s := range signs {
			if e, ok := p.items[s.item].Fact.(evidence.ICMPError); ok && !ip.IsValid() && e.EthSrc == m && inet.IsHost(e.From.Unmap()) {
				ip = e.From.Unmap()
			}
		}
		if ip.IsValid() {
			p.isAt(p.addRouter(ip, why, signs[0].item), m)
		}
	}
	for _, ip := range slices.SortedFunc(maps.Keys(p.known), netip.Addr.Compare) {
		r := *p.known[ip]
		r.Items = finding.Unique(r.Items)
		p.routers = append(p.routers, r)
	}
}
