package diagnose

import (
	"fmt"
	"slices"

	"github.com/nlbprobe/nlbprobe/finding"
	"github.com/nlbprobe/nlbprobe/mac"
)

// enoughStale is how many packets have to go to a MAC that no answer names: a single
// one may have been on its way when the cluster changed.
const enoughStale = 2

// judgeStale notes those who send packets for the VIP to a MAC of NLB's that no answer
// for it names, after it was answered with another one: an entry from before a change
// of mode, or a static one with a slip in it. What came of packets of our own is
// judged with the router.
func (p *picture) judgeStale() {
	answered := p.answeredAt()
	if answered.IsZero() {
		return
	}
	var l finding.Lines
	var items []int
	var who, where []mac.Addr
	for _, c := range p.carried {
		if p.claimed[c.mac] || !p.derives(c.class) {
			continue
		}
		frames := make(map[mac.Addr]int)
		var kept []int
		for _, i := range c.items {
			f, it := packetOf(p.items[i].Fact), p.items[i]
			if !it.First.After(answered) || slices.Contains(p.addresses, f.Src.Unmap()) || p.hostMACs[f.EthSrc] || latest(p.passing[f.EthSrc]).After(it.Last) {
				continue
			}
			frames[f.EthSrc] += it.Sightings()
			kept = append(kept, i)
		}
		for _, from := range c.from {
			if frames[from] < enoughStale {
				continue
			}
			name := from.String()
			if own := p.addressesAt(from); len(own) == 1 {
				name = fmt.Sprintf("%v at %v", own[0], from)
			}
			l.Add("%s sends %s for %v to %v (%s)", name, finding.Many(frames[from], "packet"), p.vip, c.mac, c.class.Name)
			if !slices.Contains(who, from) {
				who = append(who, from)
			}
			if !slices.Contains(where, c.mac) {
				where = append(where, c.mac)
			}
			items = append(items, slices.DeleteFunc(slices.Clone(kept), func(i int) bool { return packetOf(p.items[i].Fact).EthSrc != from })...)
		}
	}
	if len(who) == 0 {
		return
	}
	at := senders(p.claims)
	l.Add("the answers for %v name %s", p.vip, name(at))
	p.find(idStale, fmt.Sprintf("Packets for %v are sent to %s, but its answers name %s: an entry is wrong.", p.vip, name(where), name(at)), l.List(), items)
}
