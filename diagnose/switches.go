package diagnose

import (
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/nlbprobe/nlbprobe/evidence"
	"github.com/nlbprobe/nlbprobe/finding"
	"github.com/nlbprobe/nlbprobe/mac"
)

// switchFacts is what the switches do with the cluster's MAC.
type switchFacts struct {
	flooded *flooding // nil if no frame to that MAC came to this port
}

// flooding is frames to the cluster's MAC that come to this port.
type flooding struct {
	summary  string
	evidence []string
	items    []int
	packets  bool // not of heartbeats alone, and at a known place
	remark   bool // of no client, or at a place that nobody knows
}

// judgeSwitches finds what the switches do with the cluster's MAC.
func (p *picture) judgeSwitches() {
	p.judgeFlooding()
	p.judgeStale()
	p.judgeSourced()
	p.judgeLearnt()
}

// flow is frames to the cluster's MAC of one sort.
type flow struct {
	frames, bytes int
	items         []int
	from          map[netip.Addr]bool
}

func (f *flow) add(p *picture, i int, from netip.Addr) {
	f.frames += p.items[i].Sightings()
	f.bytes += max(0, min(p.items[i].Bytes, 1<<50))
	f.items = append(f.items, i)
	if from.IsValid() {
		if f.from == nil {
			f.from = make(map[netip.Addr]bool)
		}
		f.from[from] = true
	}
}

func (f *flow) says(over time.Duration) string {
	text := finding.Many(f.frames, "frame")
	if s := over.Seconds(); s >= 0.1 {
		text += fmt.Sprintf(" in %s: %s frames/s, %s bytes/s", finding.Span(over), rate(float64(f.frames)/s), rate(float64(f.bytes)/s))
	}
	return text
}

// isClusterMAC reports a MAC that the VIP is at and that no host's own adapter
// has: a group's, or one that the hosts of a unicast cluster share. Frames to an
// ordinary host's MAC come to that host's port by right.
func (p *picture) isClusterMAC(m mac.Addr) bool {
	if !p.claimed[m] {
		return false
	}
	return m.IsGroup() || slices.ContainsFunc(p.claims, func(s sighting) bool { return s.arp.SenderMAC == m && isClusterUnicast(s) })
}

// judgeFlooding notes that frames to the cluster's MAC come to this port.
func (p *picture) judgeFlooding() {
	if f := p.flooded; f != nil {
		p.find(idFloods, f.summary, f.evidence, f.items)
		if f.remark {
			p.lower(idFloods, Info)
		}
	}
}

// gatherFlooding finds frames to the cluster's MAC that come to this port. They are
// a warning only at a place that is known to be no member's. Of a capture whose
// place nobody noted that is not known: at a member or at a mirror port such
// frames are a matter of course, so there it is a remark that says so.
func (p *picture) gatherFlooding() {
	if len(p.ownVIP) > 0 {
		return
	}
	var clients, heartbeats, stimulus flow
	for _, i := range slices.Concat(p.ip, p.beats) {
		var source, to mac.Addr
		var src netip.Addr
		var out bool
		heartbeat := false
		switch f := p.items[i].Fact.(type) {
		case evidence.Echo:
			source, to, src, out = f.EthSrc, f.EthDst, f.Src.Unmap(), f.Out
		case evidence.TCP:
			source, to, src, out = f.EthSrc, f.EthDst, f.Src.Addr().Unmap(), f.Out
		case evidence.Traffic:
			source, to, src, out = f.EthSrc, f.EthDst, f.Src.Unmap(), f.Out
			if f.Dst.IsMulticast() {
				continue // for an IP group that shares the MAC
			}
		case evidence.Heartbeat:
			source, to, out, heartbeat = f.EthSrc, f.EthDst, f.Out, true
		}
		switch {
		case !p.isClusterMAC(to) || p.isOurs(source, out):
		case heartbeat:
			heartbeats.add(p, i, netip.Addr{})
		case slices.Contains(p.addresses, src):
			stimulus.add(p, i, src)
		default:
			clients.add(p, i, src)
		}
	}
	items := slices.Concat(clients.items, heartbeats.items, stimulus.items)
	if len(items) == 0 {
		return
	}
	over, how := p.hearing()
	if !p.live {
		over = p.end.Sub(p.start)
	}
	var l finding.Lines
	if clients.frames > 0 {
		l.Add("of clients: %s, from %s", clients.says(over), finding.Many(len(clients.from), "IP"))
	}
	if heartbeats.frames > 0 {
		l.Add("heartbeats of nodes: %s", heartbeats.says(over))
	}
	if stimulus.frames > 0 {
		l.Add("what we sent ourselves by way of a router: %s", finding.Many(stimulus.frames, "frame"))
	}
	l.Add("%s", how)
	for _, i := range p.unkept {
		if u, ok := p.items[i].Fact.(evidence.Unkept); ok && u.Of == evidence.KindTraffic && !u.Unasked {
			l.Add("at least so many: %s of traffic left out", finding.Many(p.items[i].Sightings(), "sighting"))
		}
	}
	summary := fmt.Sprintf("The switch floods the cluster of %v to this port too: %s of clients.", p.vip, clients.says(over))
	switch {
	case !p.live:
		summary = fmt.Sprintf("Frames to the cluster's MAC of %v are in the capture. At a port of no member, the switch floods them.", p.vip)
	case clients.frames == 0:
		summary = fmt.Sprintf("The switch floods what is sent to the cluster of %v to this port. No client's traffic was among it.", p.vip)
	}
	p.flooded = &flooding{
		summary: summary, evidence: l.List(), items: finding.Unique(items),
		packets: p.live && clients.frames+stimulus.frames > 0, remark: clients.frames == 0 || !p.live,
	}
}

// hearing is for how long this port could hear frames to the cluster's MAC, and
// why it could.
func (p *picture) hearing() (time.Duration, string) {
	for _, i := range p.listened {
		f, ok := p.items[i].Fact.(evidence.Listened)
		over := p.items[i].Last.Sub(p.items[i].First)
		switch {
		case !ok || over < 0:
		case p.claimed[f.Joined]:
			return over, fmt.Sprintf("%s was set to receive frames to %v for %s", finding.Quoted(f.Interface), f.Joined, finding.Span(over))
		case f.Promiscuous:
			return over, fmt.Sprintf("%s was in promiscuous mode for %s", finding.Quoted(f.Interface), finding.Span(over))
		}
	}
	if !p.live {
		return 0, "where it was taken is not noted in the capture: a member, a mirror port and a client that sends them see such frames without any flooding"
	}
	over, _ := p.listenedFor()
	return over, "the interface was not set to receive them: its adapter lets them through, and may drop others"
}

// judgeSourced notes frames whose source is the MAC of a cluster in unicast mode, of
// hosts that mask theirs: a switch learns it by such a frame. Where ARP itself comes
// from that MAC, nothing is masked, which is a finding of its own.
func (p *picture) judgeSourced() {
	if p.cluster().Mode != Unicast || slices.ContainsFunc(p.claims, isUnmasked) {
		return
	}
	var l finding.Lines
	var items []int
	rarp := false
	add := func(i int, source mac.Addr, out bool, what string) {
		if source.IsGroup() || !p.isClusterMAC(source) || p.isOurs(source, out) {
			return
		}
		items = append(items, i)
		l.Add("%s %s from %v, %s", p.at(p.items[i].First), what, source, finding.Times(p.items[i].Sightings()))
	}
	for _, i := range p.ip {
		f := packetOf(p.items[i].Fact)
		what := etherTypeName(f.EtherType)
		if !f.EthDst.IsZero() {
			what += " to " + f.EthDst.String()
		}
		n := len(items)
		add(i, f.EthSrc, f.Out, what)
		rarp = rarp || len(items) > n && f.EtherType == etherTypeRARP
	}
	for _, s := range p.others {
		add(s.item, s.arp.EthSrc, s.arp.Out, "ARP of "+s.arp.SenderIP.String())
	}
	for _, i := range p.igmp {
		if f, ok := p.items[i].Fact.(evidence.IGMP); ok {
			add(i, f.EthSrc, f.Out, "IGMP of "+f.From.String())
		}
	}
	for _, i := range p.beats {
		if f, ok := p.items[i].Fact.(evidence.Heartbeat); ok {
			add(i, f.EthSrc, f.Out, "a heartbeat")
		}
	}
	if len(items) == 0 {
		return
	}
	what := "Frames come"
	if rarp {
		what = "RARP comes"
		l.Add("hypervisors send RARP so that switches learn where a moved virtual machine is: VMware's Notify Switches")
	}
	p.find(idSourced, fmt.Sprintf("%s from the cluster MAC of %v: a switch learns it on that port, and one node gets all.", what, p.vip), l.List(), items)
}

// The ethertypes of IPv4 and of RARP (RFC 903).
const (
	etherTypeIPv4 = 0x0800
	etherTypeRARP = 0x8035
)

// etherTypeName names what a frame carries.
func etherTypeName(t uint16) string {
	switch t {
	case etherTypeRARP:
		return "RARP"
	case 0:
		return "a frame by its length, such as STP or CDP"
	case etherTypeIPv4:
		return "IPv4"
	case 0x86dd:
		return "IPv6"
	case 0x88cc:
		return "LLDP"
	}
	return fmt.Sprintf("a frame of ethertype 0x%04x", t)
}

// enoughToLearn is how many echo requests of ours have to be answered by one
// host only before it is said that the switch may have learnt its port.
const enoughToLearn = 3

// judgeLearnt notes that in unicast mode several hosts answer ARP, which goes to
// everybody, but only one answers what is sent to the cluster's MAC. All nodes
// pass ICMP up, so each should.
func (p *picture) judgeLearnt() {
	hosts := p.answering()
	if p.cluster().Mode != Unicast || len(hosts) < 2 {
		return
	}
	answered := make(map[*probe]bool)
	var from []mac.Addr
	var items []int
	count := 0
	for _, a := range p.replies {
		if a.kind != echoReply {
			continue
		}
		if !slices.Contains(from, a.from) {
			from = append(from, a.from)
		}
		if !answered[a.probe] {
			items = append(items, a.probe.items...)
		}
		answered[a.probe] = true
		items = append(items, a.item)
		count += p.items[a.item].Sightings()
	}
	if len(from) != 1 || p.claimed[from[0]] || !slices.Contains(hosts, from[0]) || count < enoughToLearn {
		return
	}
	var l finding.Lines
	for _, m := range hosts {
		if m == from[0] {
			l.Add("%v answers ARP, and %s to %v", m, finding.Many(count, "echo request"), p.cluster().MAC)
		} else {
			l.Add("%v answers ARP, and no echo request", m)
		}
	}
	l.Add("inferred: nodes that drop echo requests look the same")
	p.find(idLearnt, fmt.Sprintf("%d nodes answer ARP for %v, but only %v answers what is sent to the cluster MAC.", len(hosts), p.vip, from[0]), l.List(), items)
}

// rate writes a number per second, in few digits where it is beyond any wire.
func rate(perSecond float64) string {
	switch {
	case perSecond < 100:
		return fmt.Sprintf("%.1f", perSecond)
	case perSecond < 1e8:
		return fmt.Sprintf("%.0f", perSecond)
	}
	return fmt.Sprintf("%.1g", perSecond)
}
