package docket_test

import (
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"

	"github.com/nlbprobe/nlbprobe/docket"
	"github.com/nlbprobe/nlbprobe/evidence"
	"github.com/nlbprobe/nlbprobe/inet"
	"github.com/nlbprobe/nlbprobe/mac"
	"github.com/nlbprobe/nlbprobe/nlb"
)

// model is a docket that looks at every case for every fact, and keeps in each what
// concerns it: what Docket finds through its rooms and hosts must be the same.
type model struct {
	cases   []*modelCase
	segment map[evidence.Fact]int
}

type modelCase struct {
	vip     netip.Addr
	first   evidence.ARP
	heard   bool // that is, first was
	sources map[mac.Addr]bool
	kept    map[evidence.Fact]int
}

func (c *modelCase) concerns(f evidence.Fact) bool {
	at := c.first.SenderMAC
	group, _ := nlb.Group(c.vip)
	switch f := f.(type) {
	case evidence.Heartbeat:
		return f.Cluster == c.vip || c.sources[f.EthSrc] || at.IsGroup() && f.EthDst == at
	case evidence.IGMP:
		if f.Act == evidence.Query {
			return f.Out && at.IsGroup() && inet.GroupMAC(f.Group) == at
		}
		return c.sources[f.EthSrc] || f.Group == group || at.IsGroup() && inet.GroupMAC(f.Group) == at
	case evidence.Malformed:
		return c.sources[f.EthSrc]
	case evidence.Traffic:
		return c.heard && (f.EthDst == at || f.EthSrc == at)
	}
	return false
}

func (m *model) file(f evidence.Fact) {
	if a, ok := f.(evidence.ARP); ok {
		for _, c := range m.cases {
			if c.vip == a.SenderIP && !a.Out {
				c.sources[a.EthSrc] = true
				if a.Op == evidence.Reply && !c.heard {
					c.first, c.heard = a, true
				}
			}
		}
		return
	}
	filed := false
	for _, c := range m.cases {
		if c.concerns(f) {
			filed = true
			c.kept[f]++
		}
	}
	if _, traffic := f.(evidence.Traffic); !filed && !traffic {
		m.segment[f]++
	}
}

// Whatever comes, in whatever order: each case has what concerns it, as often as it
// came since then, and of what concerns others alone it has nothing.
func TestDocketIsLikeItsModel(t *testing.T) {
	for seed := range uint64(1000) {
		r := rand.New(rand.NewPCG(seed, 1))
		all := []netip.Addr{vip, second, netip.MustParseAddr("172.17.63.241"), netip.MustParseAddr("10.1.2.3")}
		ips := append([]netip.Addr{host, router}, all...)
		macs := []mac.Addr{
			{2, 0, 0, 0, 0, 1}, {2, 0, 0, 0, 0, 2}, {2, 0, 0, 0, 0, 3},
			{3, 0xbf, 172, 16, 63, 241}, {1, 0, 0x5e, 0x7f, 63, 241}, {2, 0xbf, 172, 16, 63, 241}, mac.Broadcast,
		}
		groups := []netip.Addr{netip.MustParseAddr("239.255.63.241"), netip.MustParseAddr("239.127.63.241"), netip.MustParseAddr("239.255.2.3"), group}
		pickIP := func(of []netip.Addr) netip.Addr { return of[r.IntN(len(of))] }
		pickMAC := func() mac.Addr { return macs[r.IntN(len(macs))] }
		node := func() mac.Addr { return macs[r.IntN(3)] }

		d, m := new(docket.Docket), &model{segment: make(map[evidence.Fact]int)}
		open := func(v netip.Addr) {
			d.Open(v)
			m.cases = append(m.cases, &modelCase{vip: v, sources: make(map[mac.Addr]bool), kept: make(map[evidence.Fact]int)})
		}
		for _, v := range all[:1+r.IntN(len(all))] {
			open(v)
		}
		for n := range 120 {
			var f evidence.Fact
			switch r.IntN(6) {
			case 0:
				f = evidence.ARP{Op: evidence.Op(1 + r.IntN(2)), EthSrc: node(), SenderMAC: pickMAC(), SenderIP: pickIP(ips), TargetIP: pickIP(ips), Out: r.IntN(8) == 0}
			case 1, 2:
				// Of a host so many different ones are kept.
				f = evidence.Heartbeat{EthSrc: node(), EthDst: macs[3+r.IntN(4)], Cluster: all[r.IntN(len(all))]}
			case 3:
				act := evidence.IGMPAct(r.IntN(3))
				f = evidence.IGMP{Act: act, EthSrc: node(), Group: pickIP(groups), Out: act == evidence.Query && r.IntN(2) == 0}
			case 4:
				f = evidence.Malformed{EthSrc: node(), Protocol: evidence.ProtocolIGMP}
			case 5:
				f = evidence.Traffic{EthSrc: pickMAC(), EthDst: pickMAC(), EtherType: 0x88cc}
			}
			d.File(f, frame(time.Duration(n)*time.Second))
			m.file(f)
		}
		for _, c := range m.cases {
			got := make(map[evidence.Fact]int)
			for _, it := range d.Items(d.Case(c.vip)) {
				got[it.Fact] += it.Count
			}
			for f, n := range c.kept {
				if got[f] < n {
					t.Fatalf("seed %d: %v has %+v %d times, want %d", seed, c.vip, f, got[f], n)
				}
			}
			for f := range got {
				switch f.(type) {
				case evidence.Heartbeat, evidence.IGMP, evidence.Malformed, evidence.Traffic:
				default:
					continue
				}
				if c.kept[f]+m.segment[f] == 0 && !c.concerns(f) {
					t.Fatalf("seed %d: %v has %+v, which does not concern it", seed, c.vip, f)
				}
			}
		}
	}
}
