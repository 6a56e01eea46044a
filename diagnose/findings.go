package diagnose

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/nlbprobe/nlbprobe/finding"
	"github.com/nlbprobe/nlbprobe/mac"
)

// find notes a finding. What does not depend on the case comes from the catalogue.
func (p *picture) find(id, summary string, evidence []string, items []int) {
	e, _ := Explain(id)
	p.findings.Add(e, summary, evidence, items)
}

// lower sets a finding's severity if the situation makes it less than usual.
func (p *picture) lower(id string, to Severity) { p.findings.Lower(id, to) }

// sorted returns the findings with whom they concern, the worst first, then by id. If this host is not
// on the VIP's subnet and heard nothing of it, that leads those of its severity:
// the rest is of no use until it is mended.
func (p *picture) sorted() []Finding {
	p.findings.Tell(p.items, func(m mac.Addr) bool { return p.own[m] }, func(ip netip.Addr) bool {
		return ip == p.vip || slices.Contains(p.addresses, ip)
	})
	return p.findings.Sorted(func(f Finding) bool { return f.ID == idOffLink && len(p.claims) == 0 })
}

// where returns the sightings that fit.
func where(all []sighting, fits func(sighting) bool) []sighting {
	var some []sighting
	for _, s := range all {
		if fits(s) {
			some = append(some, s)
		}
	}
	return some
}

func itemsOf(all []sighting) []int {
	out := make([]int, len(all))
	for i, s := range all {
		out[i] = s.item
	}
	return out
}

// senders returns the different sender MACs, in the order of all.
func senders(all []sighting) []mac.Addr {
	return distinct(all, senderOf)
}

// sources returns the different Ethernet sources, in the order of all.
func sources(all []sighting) []mac.Addr {
	return distinct(all, sourceOf)
}

func distinct[T comparable](all []sighting, key func(sighting) T) []T {
	seen := make(map[T]bool, len(all))
	var out []T
	for _, s := range all {
		if k := key(s); !seen[k] {
			seen[k] = true
			out = append(out, k)
		}
	}
	return out
}

// group is the sightings that name one sender MAC, or come from one source.
type group struct {
	mac mac.Addr
	of  []sighting
}

// grouped returns the sightings by MAC, in the order of all.
func grouped(all []sighting, key func(sighting) mac.Addr) []group {
	index := make(map[mac.Addr]int)
	var out []group
	for _, s := range all {
		m := key(s)
		i, ok := index[m]
		if !ok {
			i = len(out)
			index[m] = i
			out = append(out, group{mac: m})
		}
		out[i].of = append(out[i].of, s)
	}
	return out
}

func senderOf(s sighting) mac.Addr { return s.arp.SenderMAC }
func sourceOf(s sighting) mac.Addr { return s.arp.EthSrc }

// name writes one MAC, or the first of several and how many more there are.
func name(macs []mac.Addr) string {
	if len(macs) == 1 {
		return macs[0].String()
	}
	return fmt.Sprintf("%v and %d more", macs[0], len(macs)-1)
}

// report notes a finding about the claims that fit, if there are any, with a
// line for each. The summary is made from the sender MACs.
func (p *picture) report(id string, fits func(sighting) bool, summary func(macs string) string) {
	some := where(p.claims, fits)
	if len(some) == 0 {
		return
	}
	var l finding.Lines
	for _, s := range some {
		l.Add("%s", p.says(s))
	}
	p.find(id, summary(name(senders(some))), l.List(), itemsOf(some))
}
