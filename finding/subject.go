package finding

import (
	"net/netip"
	"slices"
	"time"

	"github.com/nlbprobe/nlbprobe/evidence"
	"github.com/nlbprobe/nlbprobe/mac"
)

// MaxNamed is the most addresses, and the most MACs, that a finding names: as many as
// an NLB cluster has hosts.
const MaxNamed = 32

// Subject is what the evidence of a finding is about, as data.
type Subject struct {
	// First and Last are when its evidence was first and last seen, or zero if that is
	// not known. If it rests on nothing that was sent or heard, they are those of what
	// the observer says of its own place.
	First, Last time.Time

	// Sightings is how often something was sent or heard that it rests on.
	Sightings int

	// Addrs and MACs are whom the evidence concerns, in its order, at most MaxNamed of
	// each; More is how many others there are. This host is not among them, nor the
	// VIP or the ends of the connection that is judged.
	Addrs []netip.Addr
	MACs  []mac.Addr
	More  int
}

// Tell fills in what the evidence of each finding is about. items are those that were
// judged; isOurs reports a MAC of this host, and isKnown an address of it, the VIP or
// an end of the connection.
func (s Set) Tell(items []evidence.Item, isOurs func(mac.Addr) bool, isKnown func(netip.Addr) bool) {
	for _, f := range s {
		f.Subject = subject(f.Items, items, isOurs, isKnown)
	}
}

func subject(rests []int, items []evidence.Item, isOurs func(mac.Addr) bool, isKnown func(netip.Addr) bool) Subject {
	var (
		s, around Subject // of what was sent or heard, and of its circumstances
		addrs     names[netip.Addr]
		macs      names[mac.Addr]
	)
	ip := func(a netip.Addr) {
		if a = a.Unmap(); a.IsValid() && !a.IsUnspecified() && !isKnown(a) {
			addrs.add(a)
		}
	}
	at := func(m mac.Addr) {
		if !m.IsZero() && !m.IsBroadcast() && !isOurs(m) {
			macs.add(m)
		}
	}
	for _, i := range rests {
		it := &items[i]
		evidence.Parties(it.Fact, isOurs, ip, at)
		if !it.Fact.Kind().IsSeen() {
			around.span(it)
			continue
		}
		s.span(it)
		s.Sightings = min(s.Sightings+it.Sightings(), 1<<31-1)
	}
	if s.First.IsZero() {
		s.First, s.Last = around.First, around.Last
	}
	s.Addrs, s.MACs, s.More = addrs.kept, macs.kept, len(addrs.others)+len(macs.others)
	return s
}

// span widens the time by an item's. A capture's clock may have gone backwards.
func (s *Subject) span(it *evidence.Item) {
	for _, t := range [...]time.Time{it.First, it.Last} {
		if t.IsZero() {
			continue
		}
		if s.First.IsZero() || t.Before(s.First) {
			s.First = t
		}
		if t.After(s.Last) {
			s.Last = t
		}
	}
}

// names is the first MaxNamed different values, in order, and which others came.
type names[T comparable] struct {
	kept   []T
	others map[T]struct{}
}

func (n *names[T]) add(v T) {
	switch {
	case slices.Contains(n.kept, v):
	case len(n.kept) < MaxNamed:
		n.kept = append(n.kept, v)
	default:
		if n.others == nil {
			n.others = make(map[T]struct{})
		}
		n.others[v] = struct{}{}
	}
}
