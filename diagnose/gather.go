package diagnose

import (
	"cmp"
	"net/netip"
	"slices"
	"time"

	"github.com/nlbprobe/nlbprobe/evidence"
	"github.com/nlbprobe/nlbprobe/mac"
	"github.com/nlbprobe/nlbprobe/nlb"
)

// picture is the evidence sorted by what it says of one VIP.
type picture struct {
	vip   netip.Addr
	items []evidence.Item
	start time.Time // the first instant of any item
	live  bool      // there are facts that only an observer at the place can give

	own       map[mac.Addr]bool // the observer's own MACs
	gateways  []netip.Addr      // in order, without the VIP
	isGateway bool              // the VIP itself is a gateway of this host

	asked     int        // how often we asked for the VIP
	questions []int      // items: our questions
	claims    []sighting // others who say that they are the VIP
	answered  int        // how many claims, counted, answer a question
	askers    []sighting // others who ask for the VIP
	others    []sighting // ARP of others about other addresses

	groupSource []sighting // ARP for the VIP in frames from a group address
	ownVIP      []int      // items in which this host itself is the VIP

	bad, vantages, listened, lost, unkept []int

	routers    []Router
	routerMACs map[mac.Addr]netip.Addr // of routers that are not the VIP
	findings   map[string]*Finding
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
	p := &picture{
		vip: vip, items: items, own: make(map[mac.Addr]bool),
		routerMACs: make(map[mac.Addr]netip.Addr), findings: make(map[string]*Finding),
	}
	order := make([]int, len(items))
	for i := range items {
		order[i] = i
		if t := items[i].First; !t.IsZero() && (p.start.IsZero() || t.Before(p.start)) {
			p.start = t
		}
	}
	slices.SortFunc(order, func(i, j int) int { return compareItems(items[i], items[j]) })

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
		if v.Address.IsValid() && v.Address.Addr().Unmap() == vip {
			p.ownVIP = append(p.ownVIP, i)
		}
		p.isGateway = p.isGateway || v.Gateway.IsValid() && v.Gateway.Unmap() == vip
		if g := v.Gateway.Unmap(); isHostIP(g) && g != vip && !slices.Contains(p.gateways, g) {
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
			p.lost = append(p.lost, i)
		case evidence.Unkept:
			p.unkept = append(p.unkept, i)
		case evidence.Vantage: // above
		}
	}
	p.live = len(p.vantages)+len(p.listened) > 0
	p.findRouters()
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
			p.asked += sightings(p.items[i])
		}
		return
	}

	s := sighting{item: i, arp: a, count: sightings(p.items[i]), first: p.items[i].First, last: p.items[i].Last}
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

// maxRouters bounds the routers that are known only by what they claim to be.
const maxRouters = 16

// findRouters lists the gateways, and whoever asks for the VIP from a MAC that
// only first-hop routers use. An ordinary asker is not called a router: that
// it asks does not tell.
func (p *picture) findRouters() {
	byIP := make(map[netip.Addr]*Router)
	var ips []netip.Addr
	add := func(ip netip.Addr, why string, item int) *Router {
		r := byIP[ip]
		if r == nil {
			r = &Router{IP: ip, Why: why}
			byIP[ip] = r
			ips = append(ips, ip)
		}
		if !slices.Contains(r.Items, item) {
			r.Items = append(r.Items, item)
		}
		return r
	}
	for _, i := range p.vantages {
		v := p.items[i].Fact.(evidence.Vantage)
		if g := v.Gateway.Unmap(); slices.Contains(p.gateways, g) {
			r := add(g, "gateway of this host", i)
			if v.Asked {
				r.Why = "named by the user"
			}
		}
	}
	for _, s := range p.askers {
		ip := s.arp.SenderIP
		if isFirstHop(s.class.Kind) && isHostIP(ip) && (byIP[ip] != nil || len(ips) < maxRouters) {
			add(ip, "asks for the VIP as "+s.class.Name, s.item)
		}
	}
	for _, s := range p.others {
		r := byIP[s.arp.SenderIP]
		if r == nil || s.arp.SenderMAC.IsZero() || s.arp.SenderMAC.IsGroup() {
			continue
		}
		if r.MAC.IsZero() {
			r.MAC = s.arp.SenderMAC
			add(r.IP, "", s.item)
		}
		if _, ok := p.routerMACs[s.arp.SenderMAC]; !ok {
			p.routerMACs[s.arp.SenderMAC] = r.IP
		}
	}
	slices.SortFunc(ips, netip.Addr.Compare)
	for _, ip := range ips {
		p.routers = append(p.routers, *byIP[ip])
	}
}

// isHostIP reports whether ip can be a single host's IPv4 address.
func isHostIP(ip netip.Addr) bool { return nlb.CheckVIP(ip) == nil }

// isFirstHop reports whether only first-hop redundancy protocols use k.
func isFirstHop(k nlb.Kind) bool {
	switch k {
	case nlb.KindVRRP, nlb.KindVRRPv6, nlb.KindHSRPv1, nlb.KindHSRPv2, nlb.KindHSRPv6, nlb.KindGLBP:
		return true
	}
	return false
}

// sightings is how often an item was seen: at least once, and bounded, so that
// sums of what a file or a peer says cannot overflow.
func sightings(it evidence.Item) int { return min(max(it.Count, 1), 1<<31-1) }

// compareItems orders items by time and, where that is equal, by content.
func compareItems(a, b evidence.Item) int {
	if c := a.First.Compare(b.First); c != 0 {
		return c
	}
	if c := compareFacts(a.Fact, b.Fact); c != 0 {
		return c
	}
	return cmp.Or(a.Last.Compare(b.Last), cmp.Compare(a.Count, b.Count), slices.CompareFunc(a.Times, b.Times, time.Time.Compare))
}

func compareFacts(a, b evidence.Fact) int {
	if a == nil || b == nil {
		return boolCompare(a != nil, b != nil)
	}
	if c := cmp.Compare(a.Kind(), b.Kind()); c != 0 {
		return c
	}
	switch x := a.(type) {
	case evidence.ARP:
		y, _ := b.(evidence.ARP)
		return cmp.Or(
			x.EthSrc.Compare(y.EthSrc), x.SenderMAC.Compare(y.SenderMAC), x.SenderIP.Compare(y.SenderIP), x.TargetIP.Compare(y.TargetIP),
			cmp.Compare(x.Op, y.Op), x.EthDst.Compare(y.EthDst), x.TargetMAC.Compare(y.TargetMAC), cmp.Compare(x.VLAN, y.VLAN), boolCompare(x.Out, y.Out))
	case evidence.BadARP:
		y, _ := b.(evidence.BadARP)
		return cmp.Or(x.EthSrc.Compare(y.EthSrc), cmp.Compare(x.Reason, y.Reason))
	case evidence.Vantage:
		y, _ := b.(evidence.Vantage)
		return cmp.Or(cmp.Compare(x.Interface, y.Interface), x.Address.Addr().Compare(y.Address.Addr()), cmp.Compare(x.Address.Bits(), y.Address.Bits()),
			x.Gateway.Compare(y.Gateway), x.MAC.Compare(y.MAC), boolCompare(x.Asked, y.Asked))
	case evidence.Listened:
		y, _ := b.(evidence.Listened)
		return cmp.Or(cmp.Compare(x.Interface, y.Interface), boolCompare(x.Promiscuous, y.Promiscuous), boolCompare(x.Passive, y.Passive))
	case evidence.Lost:
		y, _ := b.(evidence.Lost)
		return cmp.Compare(x.Interface, y.Interface)
	case evidence.Unkept:
		y, _ := b.(evidence.Unkept)
		return cmp.Compare(x.Of, y.Of)
	}
	return 0
}

func boolCompare(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}
