package diagnose

import (
	"fmt"
	"slices"
	"time"

	"github.com/nlbprobe/nlbprobe/evidence"
	"github.com/nlbprobe/nlbprobe/finding"
	"github.com/nlbprobe/nlbprobe/mac"
	"github.com/nlbprobe/nlbprobe/nlb"
)

// Heartbeats carry no proof of who sent them. What is known against a host that
// is heard by them is gathered here, so that a finding which rests on it says so.

// judgeMemberDoubts notes more hosts than a cluster can have, and hosts that
// contradict themselves.
func (p *picture) judgeMemberDoubts() {
	if n := len(p.members) + p.moreMembers; n > nlb.MaxPriority {
		var l finding.Lines
		for _, m := range p.members {
			l.Add("%v", m.who())
		}
		some := finding.Many(n, "host")
		if p.beatsCut {
			some = "At least " + some
			l.Add("further heartbeats were counted and left out")
		}
		p.find(idTooManyMembers, fmt.Sprintf("%s by heartbeats in the cluster of %v, which can have %d: some are forged.", some, p.vip, nlb.MaxPriority),
			l.List(), slices.Concat(itemsOfMembers(p.members), p.surplus))
	}

	var l finding.Lines
	var items []int
	var who []mac.Addr
	for _, m := range distinctMACs(p.members) {
		text, rests := p.contradicts(m)
		if len(text) == 0 {
			continue
		}
		p.twofold[m] = true
		who = append(who, m)
		for _, t := range text {
			l.Add("%v says %s", m, t)
		}
		items = append(items, rests...)
	}
	if len(who) > 0 {
		p.find(idContradictsItself, fmt.Sprintf("%s contradicts itself in the heartbeats of the cluster of %v: two hosts at one MAC, or a forgery.", name(who), p.vip), l.List(), items)
	}
}

func distinctMACs(all []*member) []mac.Addr {
	var out []mac.Addr
	for _, m := range all {
		if !slices.Contains(out, m.mac) {
			out = append(out, m.mac)
		}
	}
	return out
}

// saying is one value of something that a host says, at one instant.
type saying struct {
	at    time.Time
	value string
}

// contradicts says in what a host contradicts itself: where it goes back to what
// it said before. Who is given another address or priority does not go back. A
// MAC that NLB makes is no one host's: two that share a priority share it.
func (p *picture) contradicts(m mac.Addr) (text []string, items []int) {
	if p.claimed[m] || nlb.ClassifyFor(m, p.vip).NLB {
		return nil, nil
	}
	by := make(map[string][]saying) // what is said of what
	note := func(of, value string, it evidence.Item) {
		for _, at := range it.Times {
			by[of] = append(by[of], saying{at, value})
		}
	}
	for _, member := range p.members {
		if member.mac != m {
			continue
		}
		for _, i := range member.items {
			h, _ := p.items[i].Fact.(evidence.Heartbeat)
			it := p.items[i]
			note("priority", fmt.Sprint(h.Priority), it)
			note("address", h.Dedicated.Unmap().String(), it)
			if h.Name != "" {
				note("name", quotedASCII(h.Name), it)
			}
			if h.Status {
				note("default host", fmt.Sprint(h.DefaultHost), it)
			}
			items = append(items, i)
		}
	}
	for _, of := range []string{"priority", "address", "name", "default host"} {
		all := by[of]
		slices.SortStableFunc(all, func(a, b saying) int { return a.at.Compare(b.at) })
		least := 2
		if of == "default host" {
			least = 3 // a cluster that converges changes its mind, and may do so twice
		}
		changes := 0
		for n := 1; n < len(all); n++ {
			if all[n].value != all[n-1].value {
				changes++
			}
		}
		values := distinctValues(all)
		// As many values as changes and one more: it went back to none.
		if changes < least || changes < len(values) || len(values) < 2 {
			continue
		}
		text = append(text, fmt.Sprintf("%s %s, and %s, in turn: %s", of, values[0], values[1], finding.Many(changes, "change")))
	}
	if len(text) == 0 {
		return nil, nil
	}
	return text, items
}

func distinctValues(all []saying) []string {
	var out []string
	for _, s := range all {
		if !slices.Contains(out, s.value) {
			out = append(out, s.value)
		}
	}
	return out
}

// gatherWitnesses finds of which Ethernet sources more is heard than heartbeats.
func (p *picture) gatherWitnesses() {
	p.twofold = make(map[mac.Addr]bool)
	p.witnessed = make(map[mac.Addr]bool)
	for _, s := range slices.Concat(p.claims, p.others) {
		p.witnessed[s.arp.EthSrc] = true
	}
	for _, i := range p.ip {
		switch f := p.items[i].Fact.(type) {
		case evidence.Echo:
			p.witnessed[f.EthSrc] = true
		case evidence.TCP:
			p.witnessed[f.EthSrc] = true
		case evidence.Traffic:
			p.witnessed[f.EthSrc] = true
		case evidence.ICMPError:
			p.witnessed[f.EthSrc] = true
		}
	}
	for _, i := range p.igmp {
		if f, ok := p.items[i].Fact.(evidence.IGMP); ok {
			p.witnessed[f.EthSrc] = true
		}
	}
}

// isDoubtful reports a member of which nothing but heartbeats is heard, though
// others of the cluster answer, or whose heartbeats contradict each other.
func (p *picture) isDoubtful(m *member) bool {
	return p.twofold[m.mac] || !p.witnessed[m.mac] && p.answered > 0
}

// doubt says of a finding that it rests on members that are in doubt, and makes
// it a warning. still judges whether the others alone give it too.
func (p *picture) doubt(id string, of []*member, still func([]*member) bool) {
	f := p.findings[id]
	if f == nil {
		return
	}
	var firm []*member
	var l finding.Lines
	for _, m := range of {
		switch {
		case !p.isDoubtful(m):
			firm = append(firm, m)
		case p.twofold[m.mac]:
			l.Add("%v contradicts itself: what it says may be another's", m.mac)
		default:
			l.Add("%v is heard by heartbeats alone, no ARP and no IP of it: they may be forged", m.who())
		}
	}
	if len(firm) == len(of) || still(firm) {
		return
	}
	f.Evidence = append(f.Evidence, l.List()...)
	f.Certainty = nlb.Inferred
	p.lower(id, Warning)
}
