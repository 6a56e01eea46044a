package diagnose

import (
	"fmt"
	"strings"
	"time"

	"github.com/nlbprobe/nlbprobe/evidence"
	"github.com/nlbprobe/nlbprobe/finding"
)

// at is the instant t from the first item on, as evidence lines begin.
func (p *picture) at(t time.Time) string {
	return "at " + p.offset(t)
}

// offset writes t as the time since the first item.
func (p *picture) offset(t time.Time) string { return finding.Since(p.start, t) }

// claimLine is the evidence line of one sighting that claims the VIP. It is written only
// where it is shown: of a crowd few are.
type claimLine struct {
	p *picture
	s sighting
}

func (p *picture) says(s sighting) claimLine { return claimLine{p, s} }

func (line claimLine) String() string {
	p, s := line.p, line.s
	var b strings.Builder
	fmt.Fprintf(&b, "%s ", p.at(s.first))
	switch s.act {
	case answers:
		fmt.Fprintf(&b, "%v answers: %v is at %v", s.arp.EthSrc, p.vip, s.arp.SenderMAC)
	case announces:
		fmt.Fprintf(&b, "%v announces: %v is at %v", s.arp.EthSrc, p.vip, s.arp.SenderMAC)
	case asks:
		fmt.Fprintf(&b, "%v asks for %v as %v at %v", s.arp.EthSrc, s.arp.TargetIP, p.vip, s.arp.SenderMAC)
	}
	if s.arp.VLAN != 0 {
		fmt.Fprintf(&b, ", VLAN %d", s.arp.VLAN)
	}
	if s.count > 1 {
		fmt.Fprintf(&b, ", %s until %s", finding.Times(s.count), p.offset(s.last))
	}
	return b.String()
}

// listenedFor is the time during which somebody listened, and whether that is
// known.
func (p *picture) listenedFor() (time.Duration, bool) {
	var first, last time.Time
	for _, i := range p.listened {
		it := p.items[i]
		if first.IsZero() || it.First.Before(first) {
			first = it.First
		}
		if it.Last.After(last) {
			last = it.Last
		}
	}
	if first.IsZero() || last.Before(first) {
		return 0, false
	}
	return last.Sub(first), true
}

func count(items []evidence.Item, indexes []int) int {
	n := 0
	for _, i := range indexes {
		n += items[i].Sightings()
	}
	return n
}
