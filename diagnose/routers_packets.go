package diagnose

import (
	"fmt"
	"slices"
	"time"

	"github.com/nlbprobe/nlbprobe/evidence"
	"github.com/nlbprobe/nlbprobe/finding"
	"github.com/nlbprobe/nlbprobe/mac"
)

// The IP protocols of probes.
const (
	protocolICMP = 1
	protocolTCP  = 6
)

// packetFacts is our packets for the VIP and others', with what came of them.
type packetFacts struct {
	ip      []int                    // items: echoes, TCP segments, ICMP errors, traffic
	probes  evidence.Packets[*probe] // our packets, by their numbers
	sent    []*probe                 // the same in order
	trials  map[mac.Addr]*trial      // by the MAC that was to forward
	passing map[mac.Addr][]sign      // others' packets for the VIP, by who hands them to the cluster
	replies []reply
}

// probe is a packet of ours and whom its frames went to.
type probe struct {
	evidence.Packet
	to     mac.Addr
	ttl    uint8
	items  []int
	count  int
	first  time.Time
	shared bool // sent to several MACs: its answers cannot be told apart
}

// sign is one observation that tells what became of a packet.
type sign struct {
	item int
	last time.Time
	text string
}

// trial is what came of the packets that were handed to one MAC, to be
// forwarded to the VIP or to a control host.
type trial struct {
	probes   []*probe // for the VIP
	controls []*probe // for other hosts

	delivered []sign // one came to the cluster, or a packet of somebody else did
	refused   []sign // it said unreachable
	noARP     bool   // and that the host does not answer ARP (code 1)
	misled    []sign // it sent one to a MAC that is not the VIP's
	barred    []sign // it said that it may not, or answered in the VIP's name
	redirects []sign
	hairpins  []sign // one came to a control host
}

// reply is what the VIP sent back to a probe.
type reply struct {
	probe *probe
	from  mac.Addr
	item  int
	kind  replyKind
}

type replyKind uint8

const (
	echoReply replyKind = iota
	accepts             // SYN and ACK
	refuses             // RST
)

// gatherProbes finds our packets and what came of each. Only what repeats a
// packet's own numbers counts as its consequence.
func (p *picture) gatherProbes() {
	p.probes = evidence.Packets[*probe]{}
	p.trials = make(map[mac.Addr]*trial)
	p.claimed = make(map[mac.Addr]bool)
	p.hostMACs = make(map[mac.Addr]bool)
	for _, s := range p.claims {
		if m := s.arp.SenderMAC; !m.IsZero() && !m.IsBroadcast() && !p.own[m] {
			p.claimed[m] = true
		}
		p.hostMACs[s.arp.EthSrc] = true
	}
	for _, i := range p.ip {
		p.addProbe(i)
	}
	for _, pr := range p.sent {
		if pr.shared || pr.Dst != p.vip || p.claimed[pr.to] || pr.to.IsGroup() {
			continue
		}
		if p.trials[pr.to] == nil {
			p.trials[pr.to] = &trial{}
		}
		t := p.trials[pr.to]
		t.probes = append(t.probes, pr)
	}
	for _, pr := range p.sent {
		// A control belongs to the test of the same router.
		if t := p.trials[pr.to]; t != nil && !pr.shared && pr.Dst != p.vip {
			t.controls = append(t.controls, pr)
		}
	}
	for _, i := range p.ip {
		p.addConsequence(i)
	}
}

// isOurs reports a frame that this host sent.
func (p *picture) isOurs(source mac.Addr, out bool) bool { return out || p.own[source] }

func (p *picture) addProbe(i int) {
	k, ok := evidence.Asked(p.items[i].Fact)
	var to mac.Addr
	var ttl uint8
	switch f := p.items[i].Fact.(type) {
	case evidence.Echo:
		// A capture by another tool shows a test of ours by the form of its echoes.
		ok = ok && (p.isOurs(f.EthSrc, f.Out) || !p.live && f.IsProbe())
		to, ttl = f.EthDst, f.TTL
	case evidence.TCP:
		ok = ok && p.isOurs(f.EthSrc, f.Out)
		to, ttl = f.EthDst, f.TTL
	}
	if !ok || !k.Src.IsValid() || !k.Dst.IsValid() {
		return
	}
	pr, known := p.probes.Get(k)
	if !known {
		pr = &probe{Packet: k, to: to, ttl: ttl, first: p.items[i].First}
		p.probes.Put(k, pr)
		p.sent = append(p.sent, pr)
	}
	pr.shared = pr.shared || pr.to != to
	pr.ttl = max(pr.ttl, ttl)
	pr.items = append(pr.items, i)
	pr.count += p.items[i].Sightings()
}

// addConsequence takes what can be a consequence of one of our packets, or
// somebody else's packet for the VIP.
func (p *picture) addConsequence(i int) {
	fact := p.items[i].Fact
	asked, asks := evidence.Asked(fact)
	answered, whole, answer := evidence.Answered(fact)
	switch f := fact.(type) {
	case evidence.Echo:
		switch {
		case p.isOurs(f.EthSrc, f.Out):
		case answer:
			p.addReply(i, answered, whole, f.EthSrc, echoReply)
		case asks:
			p.addCopy(i, asked, f.EthSrc, f.EthDst, f.TTL)
		}
	case evidence.TCP:
		switch {
		case p.isOurs(f.EthSrc, f.Out):
		case answer && f.RST:
			p.addReply(i, answered, whole, f.EthSrc, refuses)
		case answer:
			p.addReply(i, answered, whole, f.EthSrc, accepts)
		case asks:
			p.addCopy(i, asked, f.EthSrc, f.EthDst, f.TTL)
		}
	case evidence.Traffic:
		if !p.isOurs(f.EthSrc, f.Out) {
			p.addCopy(i, evidence.Packet{Src: f.Src.Unmap(), Dst: f.Dst.Unmap()}, f.EthSrc, f.EthDst, 0)
		}
	case evidence.ICMPError:
		if !p.own[f.EthSrc] {
			p.addError(i, f, answered, whole)
		}
	}
}

// trialOf returns the trial that a packet was part of, or nil.
func (p *picture) trialOf(k evidence.Packet, whole bool) (*probe, *trial) {
	pr, known := p.probes.Find(k, whole)
	if !known || pr.shared {
		return pr, nil
	}
	return pr, p.trials[pr.to]
}

// isRouterMAC reports a MAC by which a router was tried or is known, and which
// no host of the cluster uses.
func (p *picture) isRouterMAC(m mac.Addr) bool {
	_, known := p.routerMACs[m]
	return (known || p.trials[m] != nil) && !p.hostMACs[m]
}

var replyWords = [...]string{echoReply: "echo reply", accepts: "SYN, ACK", refuses: "RST"}

// addReply notes what the destination of a packet sent back. A firewall on a
// router can answer in another's name: then the frame is the router's.
func (p *picture) addReply(i int, k evidence.Packet, whole bool, from mac.Addr, kind replyKind) {
	pr, t := p.trialOf(k, whole)
	if pr == nil {
		return
	}
	proxied := p.isRouterMAC(from)
	if k.Dst == p.vip && !proxied && !from.IsGroup() {
		p.replies = append(p.replies, reply{pr, from, i, kind})
	}
	if t == nil {
		return
	}
	it := p.items[i]
	s := sign{i, it.Last, fmt.Sprintf("%s %s from %v, in a frame of %v, %s after our packet", p.at(it.First), replyWords[kind], k.Dst, from, finding.Span(it.First.Sub(pr.first)))}
	switch {
	case k.Dst == p.vip && proxied:
		s.text += ": the router itself answers"
		t.barred = append(t.barred, s)
	case k.Dst == p.vip:
		t.delivered = append(t.delivered, s)
	case !proxied:
		t.hairpins = append(t.hairpins, s)
	}
}

// addCopy notes a packet on its way from a router to where it belongs.
func (p *picture) addCopy(i int, k evidence.Packet, from, to mac.Addr, ttl uint8) {
	it := p.items[i]
	pr, t := p.trialOf(k, true)
	switch {
	case pr != nil && ttl >= pr.ttl:
		return // our own frame, brought back by the switch
	case t == nil && pr == nil && k.Dst == p.vip && p.claimed[to] && !p.hostMACs[from] && !slices.Contains(p.addresses, k.Src):
		if p.passing == nil {
			p.passing = make(map[mac.Addr][]sign)
		}
		p.passing[from] = append(p.passing[from], sign{i, it.Last, fmt.Sprintf("%s it hands a packet of %v for %v to %v, %s", p.at(it.First), k.Src, k.Dst, to, finding.Times(it.Sightings()))})
		return
	case t == nil:
		return
	}
	s := sign{i, it.Last, fmt.Sprintf("%s our packet for %v comes back, from %v to %v, time to live %d", p.at(it.First), k.Dst, from, to, ttl)}
	switch {
	case k.Dst != p.vip:
		t.hairpins = append(t.hairpins, s)
	case p.claimed[to]:
		t.delivered = append(t.delivered, s)
	case !to.IsZero():
		t.misled = append(t.misled, s)
	}
}

// The codes of destination unreachable that a router gives for want of a way to
// the host, and not because it is told to refuse (RFC 1812 5.2.7.1).
func isNoWay(code uint8) bool {
	switch code {
	case 0, 1, 5, 6, 7, 8, 11, 12:
		return true
	}
	return false
}

func (p *picture) addError(i int, f evidence.ICMPError, k evidence.Packet, whole bool) {
	pr, t := p.trialOf(k, whole)
	if t == nil {
		return
	}
	it := p.items[i]
	s := sign{i, it.Last, fmt.Sprintf("%s ICMP %d/%d from %v for %v, %s after our packet", p.at(it.First), f.Type, f.Code, f.From, k.Dst, finding.Span(it.First.Sub(pr.first)))}
	if n := it.Sightings(); n > 1 {
		s.text += ", " + finding.Times(n)
	}
	if f.EthSrc != pr.to {
		s.text += fmt.Sprintf(", in a frame of %v", f.EthSrc)
		if _, known := p.routerMACs[f.EthSrc]; !known && f.From.Unmap() != k.Dst {
			s.text += ", which is no known router's: another router, or a forgery"
		}
	}
	switch {
	case f.Type == evidence.Redirect:
		s.text += ": redirect, it would send it back out of the same interface"
		t.redirects = append(t.redirects, s)
	case f.From.Unmap() == k.Dst && !p.isRouterMAC(f.EthSrc):
		if k.Dst == p.vip {
			t.delivered = append(t.delivered, s)
		} else {
			t.hairpins = append(t.hairpins, s)
		}
	case k.Dst != p.vip: // the control host is not there, or is barred: no control
	case f.Type == evidence.Unreachable && isNoWay(f.Code):
		word := ": unreachable"
		if f.Code == 1 {
			word = ": host unreachable"
		}
		s.text += word
		t.refused = append(t.refused, s)
		t.noARP = t.noARP || f.Code == 1
	case f.Type == evidence.Unreachable:
		s.text += ": refused by a rule"
		t.barred = append(t.barred, s)
	case f.Type == evidence.TimeExceeded:
		s.text += ": time exceeded"
		t.refused = append(t.refused, s)
	}
}
