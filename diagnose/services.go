package diagnose

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/nlbprobe/nlbprobe/evidence"
	"github.com/nlbprobe/nlbprobe/finding"
	"github.com/nlbprobe/nlbprobe/mac"
	"github.com/nlbprobe/nlbprobe/mss"
	"github.com/nlbprobe/nlbprobe/nlb"
)

// service is what is known of one TCP port of the VIP.
type service struct {
	port     uint16
	direct   int // connections tried without a router
	items    []int
	opened   []reply
	refused  []reply
	answered int // connections, each counted once, that were accepted
	spread   map[mac.Addr]int
}

// judgeServices says of each TCP port that was tried whether it is served, and
// by whom.
func (p *picture) judgeServices() {
	all := p.services()
	p.judgePorts(all)
	p.judgeAffinity(all)
}

// services puts together what came of the connections that we opened. Only a
// connection that needed no router tells by its silence.
func (p *picture) services() []*service {
	byPort := make(map[uint16]*service)
	for _, pr := range p.sent {
		if pr.Protocol != protocolTCP || pr.Dst != p.vip {
			continue
		}
		s := byPort[pr.Port]
		if s == nil {
			s = &service{port: pr.Port, spread: make(map[mac.Addr]int)}
			byPort[pr.Port] = s
		}
		if p.claimed[pr.to] {
			s.direct++
			s.items = append(s.items, pr.items...)
		}
	}
	seen := make(map[*probe]bool)
	for _, a := range p.replies {
		s := byPort[a.probe.Port]
		if a.kind == echoReply || s == nil {
			continue
		}
		s.items = append(s.items, a.item)
		switch a.kind {
		case refuses:
			s.refused = append(s.refused, a)
		default:
			s.opened = append(s.opened, a)
			if !seen[a.probe] {
				seen[a.probe] = true
				s.answered++
				s.spread[a.from]++
			}
		}
	}
	return slices.SortedFunc(maps.Values(byPort), func(a, b *service) int { return cmp.Compare(a.port, b.port) })
}

func (p *picture) judgePorts(all []*service) {
	var open, closed, silent finding.Lines
	var openItems, closedItems, silentItems []int
	var openPorts, closedPorts, silentPorts []uint16
	mixed := true
	for _, s := range all {
		if n := len(s.opened); n > 0 {
			a := s.opened[0]
			open.Add("port %d: %v accepts %s after our SYN, %s; %d of %d accepted", s.port, a.from, finding.Span(p.items[a.item].First.Sub(a.probe.first)),
				p.at(p.items[a.item].First), s.answered, max(s.direct, s.answered))
			openPorts, openItems = append(openPorts, s.port), append(openItems, s.items...)
		}
		if n := len(s.refused); n > 0 {
			a := s.refused[0]
			text := ""
			if len(s.opened) > 0 {
				text = "; others accept"
			}
			mixed = mixed && len(s.opened) > 0
			closed.Add("port %d: %v refuses (RST) %s after our SYN, %s%s", s.port, a.from, finding.Span(p.items[a.item].First.Sub(a.probe.first)), p.at(p.items[a.item].First), text)
			closedPorts, closedItems = append(closedPorts, s.port), append(closedItems, s.items...)
		}
		if len(s.opened)+len(s.refused) == 0 && s.direct > 0 {
			silent.Add("port %d: %s without an answer", s.port, finding.Many(s.direct, "SYN"))
			silentPorts, silentItems = append(silentPorts, s.port), append(silentItems, s.items...)
		}
	}
	if len(openPorts) > 0 {
		p.find(idPortOpen, fmt.Sprintf("%v accepts connections to %s.", p.vip, ports(openPorts)), open.List(), openItems)
	}
	if len(closedPorts) > 0 {
		p.find(idPortClosed, fmt.Sprintf("%v refuses connections to %s.", p.vip, ports(closedPorts)), closed.List(), closedItems)
		if mixed {
			p.lower(idPortClosed, Warning)
		}
	}
	if len(silentPorts) > 0 {
		p.find(idPortSilent, fmt.Sprintf("%v does not answer on %s, sent straight to its MAC.", p.vip, ports(silentPorts)), silent.List(), silentItems)
	}
}

// ports writes TCP ports: "TCP port 443", "TCP ports 80 and 443", or the first
// two and how many more there are.
func ports(all []uint16) string {
	switch len(all) {
	case 1:
		return fmt.Sprintf("TCP port %d", all[0])
	case 2:
		return fmt.Sprintf("TCP ports %d and %d", all[0], all[1])
	}
	return fmt.Sprintf("TCP ports %d, %d and %d more", all[0], all[1], len(all)-2)
}

// enoughToSpread is how many accepted connections tell how they are shared.
// With two nodes and affinity None, all of so many meet one node in 1 of 128
// cases.
const enoughToSpread = 8

// judgeAffinity compares which node takes each of many connections from one
// address. Only where nodes send with MACs of their own can they be told apart.
func (p *picture) judgeAffinity(all []*service) {
	var none, single finding.Lines
	var noneItems, singleItems []int
	var nonePort, singlePort *service
	for _, s := range all {
		if s.answered < enoughToSpread || s.sharesMAC(p) {
			continue
		}
		nodes := slices.SortedFunc(maps.Keys(s.spread), mac.Addr.Compare)
		l := &single
		if len(nodes) > 1 {
			l, nonePort, noneItems = &none, cmp.Or(nonePort, s), append(noneItems, s.items...)
		} else {
			singlePort, singleItems = cmp.Or(singlePort, s), append(singleItems, s.items...)
		}
		for _, m := range nodes {
			who := m.String()
			if c := nlb.ClassifyFor(m, p.vip); c.Kind == nlb.KindMasked {
				who += fmt.Sprintf(", priority %d", c.Priority)
			}
			l.Add("port %d: node %s took %d of %d", s.port, who, s.spread[m], s.answered)
		}
		if len(nodes) > 1 {
			continue
		}
		if n := len(p.answering()); n < 2 {
			l.Add("port %d: only one host answers ARP for the VIP, so there may be nothing to share", s.port)
		} else {
			l.Add("port %d: %s answer ARP; shared evenly, all connections would meet one of them in about 1 of %s cases", s.port, finding.Many(n, "host"), odds(n, s.answered))
		}
	}
	if nonePort != nil {
		p.find(idAffinityNone, fmt.Sprintf("%d connections to TCP port %d from one address met %d nodes: affinity None.",
			nonePort.answered, nonePort.port, len(nonePort.spread)), none.List(), noneItems)
	}
	if singlePort != nil {
		p.find(idAffinitySingle, fmt.Sprintf("All %d connections to TCP port %d from one address met one node: affinity Single or Network, or one node only.",
			singlePort.answered, singlePort.port), single.List(), singleItems)
	}
}

// sharesMAC reports that nodes send with the cluster's MAC, so that they look
// like one.
func (s *service) sharesMAC(p *picture) bool {
	for m := range s.spread {
		if p.claimed[m] {
			return true
		}
	}
	return false
}

// answering returns who answers questions for the VIP, in order.
func (p *picture) answering() []mac.Addr {
	return sources(where(p.claims, func(s sighting) bool { return s.act == answers }))
}

// odds is how many times rarer than always it is that n evenly shared
// connections all meet one of the hosts.
func odds(hosts, n int) string {
	if x := math.Pow(float64(hosts), float64(n-1)); x < 1e6 {
		return fmt.Sprintf("%.0f", x)
	}
	return "a million or more"
}

// judgeOffers notes, of the VIP itself, that it offers less than Windows ever
// sends, in its answer to a connection of ours.
func (p *picture) judgeOffers() {
	var l finding.Lines
	var items []int
	least := 0
	for _, a := range p.replies {
		f, ok := p.items[a.item].Fact.(evidence.TCP)
		if !ok || a.kind != accepts || f.MSS == 0 || f.MSS >= mss.Floor {
			continue
		}
		if least == 0 || int(f.MSS) < least {
			least = int(f.MSS)
		}
		l.Add("%s %v, port %d, takes segments (MSS) of %d bytes", p.at(p.items[a.item].First), a.from, f.Src.Port(), f.MSS)
		items = append(items, a.item)
	}
	if least > 0 {
		p.find(mss.BelowFloor, fmt.Sprintf("%v takes segments of %d bytes, %d less than Windows sends at least.", p.vip, least, mss.Floor-least), l.List(), items)
	}
}
