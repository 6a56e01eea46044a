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

// claim is one MAC that says that it is a router's.
type claim struct {
	mac         mac.Addr
	class       nlb.Class
	heard       int // ARP packets that name it; 0 where it is known from hellos alone
	replies     int // of them, those that are replies
	first, last time.Time
	replied     time.Time // the first reply
	times       []time.Time
	items       []int
}

func (c *claim) add(s sighting, it evidence.Item) {
	if c.heard == 0 || s.first.Before(c.first) {
		c.first = s.first
	}
	if s.last.After(c.last) {
		c.last = s.last
	}
	if s.arp.Op == evidence.Reply {
		c.replies += s.count
		if c.replied.IsZero() || s.first.Before(c.replied) {
			c.replied = s.first
		}
	}
	c.heard += s.count
	c.times = append(c.times, it.Times...)
	c.times = append(c.times, s.last)
	c.items = append(c.items, s.item)
}

// isVirtual reports a MAC that first-hop routers share.
func (c *claim) isVirtual() bool { return isFirstHop(c.class.Kind) }

// Two MACs are claimed side by side where one comes again within overlapWithin
// after the other one had come between: a router that is replaced, or fails over,
// is heard at its new MAC from then on. Or both are in answer to one question: in
// a run of our own within sameMoment, in a capture, whose questions may be
// others', within sameAnswer.
const (
	overlapWithin = time.Minute
	sameAnswer    = 200 * time.Millisecond
)

func (p *picture) besides(a, b *claim) bool {
	within := sameAnswer
	if p.live {
		within = sameMoment
	}
	if a.replies > 0 && b.replies > 0 && b.replied.Sub(a.replied).Abs() < within {
		return true
	}
	return between(a.times, b.times) || between(b.times, a.times)
}

// between reports whether one of the inner instants lies between two of the outer
// ones that are not far apart.
func between(outer, inner []time.Time) bool {
	outer = slices.SortedFunc(slices.Values(outer), time.Time.Compare)
	return slices.ContainsFunc(inner, func(t time.Time) bool {
		n, _ := slices.BinarySearchFunc(outer, t, time.Time.Compare)
		return n > 0 && n < len(outer) && outer[n].Sub(outer[n-1]) <= overlapWithin
	})
}

// contested is what is wrong with who claims a router's address.
type contested uint8

const (
	uncontested contested = iota
	perhaps               // a virtual MAC, and another one that may be the router's own
	surely                // several hosts
)

// claimants returns the MACs by which a router is claimed, the best proven first,
// and whether that is ordinary. A virtual MAC beside its router's own one is.
func (p *picture) claimants(ip netip.Addr) ([]*claim, contested) {
	var all, virtual, own []*claim
	for _, m := range p.macsOf(ip) {
		c := p.routerIs[ip][m]
		all = append(all, c)
		switch {
		case c.isVirtual():
			virtual = append(virtual, c)
		case c.heard > 0 && !p.isPeersOwn(ip, m):
			own = append(own, c)
		}
	}
	slices.SortFunc(all, func(a, b *claim) int {
		return cmp.Or(p.proven(b)-p.proven(a), cmp.Compare(min(b.heard, 2), min(a.heard, 2)), a.first.Compare(b.first), a.mac.Compare(b.mac))
	})
	if len(virtual) > 0 && len(own) == 1 && p.besides(virtual[0], own[0]) {
		return all, perhaps
	}
	for i, a := range own {
		for _, b := range own[i+1:] {
			if p.besides(a, b) {
				return all, surely
			}
		}
	}
	return all, uncontested
}

// proven says how much is known of a claim by what its MAC did with packets.
func (p *picture) proven(c *claim) int {
	t := p.trials[c.mac]
	switch {
	case t != nil && len(t.delivered) > 0:
		return 3
	case t != nil && len(t.refused)+len(t.misled)+len(t.redirects)+len(t.hairpins)+len(t.barred) > 0:
		return 2
	case len(p.passing[c.mac]) > 0:
		return 1
	}
	return 0
}

// isPeersOwn reports that m is the own MAC of a router that shares the address ip.
func (p *picture) isPeersOwn(ip netip.Addr, m mac.Addr) bool {
	return slices.ContainsFunc(p.pairs, func(pr *pair) bool {
		return pr.virtual == ip && slices.ContainsFunc(pr.peers, func(x peer) bool { return p.routerIs[x.ip][m] != nil })
	})
}

// isNobody reports a MAC that was named once and did nothing with what was handed
// to it: an invented one, or a host that is gone.
func (p *picture) isNobody(c *claim) bool { return c.heard < 2 && p.proven(c) == 0 }
