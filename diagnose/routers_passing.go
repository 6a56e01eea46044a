package diagnose

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"

	"github.com/nlbprobe/nlbprobe/evidence"
	"github.com/nlbprobe/nlbprobe/finding"
	"github.com/nlbprobe/nlbprobe/inet"
	"github.com/nlbprobe/nlbprobe/mac"
)

// enoughPassed is how many packets of other subnets have to come from a MAC before
// its owner is taken for a router: a single one may be a mistake, or forged.
const enoughPassed = 2

// findPassing adds the routers that show by what they forward: packets for the VIP
// whose source is on another subnet, from the MAC of a host whose own address is
// shown. A router that is known already needs no such proof.
func (p *picture) findPassing() {
	if p.live && p.asked > 0 {
		return // the run tests the routers itself; others' packets are for those that it knows
	}
	for _, m := range slices.SortedFunc(maps.Keys(p.passing), mac.Addr.Compare) {
		if _, known := p.routerMACs[m]; known {
			continue
		}
		own := p.addressesAt(m)
		if len(own) != 1 {
			continue // nobody's, or of a host with several addresses, of which one may be the source
		}
		subnet := p.subnetOf(own[0])
		sources := make(map[netip.Addr]bool)
		passed := 0
		for _, s := range p.passing[m] {
			if src := sourceIP(p.items[s.item].Fact); inet.IsHost(src) && !subnet.Contains(src) {
				sources[src] = true
				passed += p.items[s.item].Sightings()
			}
		}
		if passed < enoughPassed {
			continue
		}
		why := fmt.Sprintf("forwards packets of %s", finding.Many(len(sources), "remote IP"))
		p.isAt(p.addRouter(own[0], why, p.passing[m][0].item), m)
	}
}

// addressesAt are the IPv4 addresses that ARP shows at m, other than the VIP, or else
// those whose routers ask for groups, or greet, from there.
func (p *picture) addressesAt(m mac.Addr) []netip.Addr {
	var ips []netip.Addr
	for _, s := range p.others {
		if s.arp.SenderMAC == m && s.arp.EthSrc == m && inet.IsHost(s.arp.SenderIP) && !slices.Contains(ips, s.arp.SenderIP) {
			ips = append(ips, s.arp.SenderIP)
		}
	}
	if len(ips) > 0 {
		return ips
	}
	for _, o := range p.ownFrames() {
		if o.mac == m && !slices.Contains(ips, o.ip) {
			ips = append(ips, o.ip)
		}
	}
	return ips
}

// widest and narrowest bound the subnet that is guessed where its prefix is not
// known: a packet from beyond the widest is no neighbour's.
const (
	widest    = 16
	narrowest = 24
)

// subnetOf is the subnet of the VIP and of ip: the observer's own prefix that holds
// both if there is one, and else the prefix that they have in common, /24 at most.
func (p *picture) subnetOf(ip netip.Addr) netip.Prefix {
	for _, i := range p.vantages {
		v, _ := p.items[i].Fact.(evidence.Vantage)
		if v.Address.IsValid() && v.Address.Contains(ip) && v.Address.Contains(p.vip) {
			return v.Address.Masked()
		}
	}
	for bits := narrowest; bits > widest; bits-- {
		if pre, err := ip.Prefix(bits); err == nil && pre.Contains(p.vip) {
			return pre
		}
	}
	pre, _ := ip.Prefix(widest)
	return pre
}

// sourceIP is the source of the packet that a fact is about, or invalid.
func sourceIP(f evidence.Fact) netip.Addr {
	switch f := f.(type) {
	case evidence.Echo:
		return f.Src.Unmap()
	case evidence.TCP:
		return f.Src.Addr().Unmap()
	case evidence.Traffic:
		return f.Src.Unmap()
	}
	return netip.Addr{}
}
