package check_test

import (
	"context"
	"net/netip"
	"runtime"
	"testing"
	"time"

	"github.com/nlbprobe/nlbprobe/arpprobe"
	"github.com/nlbprobe/nlbprobe/check"
	"github.com/nlbprobe/nlbprobe/event"
	"github.com/nlbprobe/nlbprobe/evidence"
	"github.com/nlbprobe/nlbprobe/mac"
	"github.com/nlbprobe/nlbprobe/nlb"
	"github.com/nlbprobe/nlbprobe/routerprobe"
)

// beating is a network on paper in which two hosts of one cluster beat every second
// and somebody's frame is flooded to its MAC.
type beating struct {
	paper
	until time.Time
	base  int64
	most  int64 // bytes of the heap beyond base, every 30 s
}

func (p *beating) beat() {
	at := mac.Addr{3, 0xbf, 172, 16, 0, 1}
	for n := range byte(2) {
		source := mac.Addr{0, 0x15, 0x5d, 0xff, 0, n + 1}
		h := nlb.Heartbeat{Signature: nlb.SignatureMembership, Version: 0x0206, Priority: uint32(n + 1), Cluster: netip.MustParseAddr("172.16.0.1"), Dedicated: netip.AddrFrom4([4]byte{172, 16, 1, n + 1})}
		s := nlb.Status{HostID: uint16(n), State: 2, DefaultHost: 1}
		beat := s.AppendTo(h.AppendHeader(nlb.AppendEthernet(nil, at, source, nlb.EtherTypeHeartbeat)))
		flooded := append(nlb.AppendEthernet(nil, at, rtrMAC, 0x88cc), make([]byte, 46)...)
		for second := 1; second <= int(p.until.Sub(p.clock)/time.Second); second++ {
			p.put(time.Duration(second)*time.Second, beat)
			p.put(time.Duration(second)*time.Second, flooded)
		}
	}
}

func (p *beating) Receive(deadline time.Time) (evidence.Frame, error) {
	before := p.clock.Unix() / 30
	f, err := p.paper.Receive(deadline)
	if p.clock.Unix()/30 != before {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		p.most = max(p.most, int64(m.HeapAlloc)-p.base)
	}
	return f, err
}

// kept counts the heartbeats that results rest on.
type kept struct {
	verdicts
	beats map[int]int // results by the number of sightings
}

func (k kept) Result(r event.Result) {
	n := 0
	for _, it := range r.Items {
		if it.Fact.Kind() == evidence.KindHeartbeat {
			n += it.Count
		}
	}
	k.beats[n]++
	k.verdicts.Result(r)
}

// One cluster of 300 VIPs that is listened to for five minutes takes no more than 32
// MiB, and each VIP has every heartbeat.
func TestListenToAClusterOfManyVIPs(t *testing.T) {
	const vips, listen = 300, 5 * time.Minute
	link := &beating{paper: paper{clock: time.Unix(1_000_000, 0), kind: "one"}}
	link.until = link.clock.Add(listen)
	link.beat()
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	link.base = int64(m.HeapAlloc)
	cfg := check.Config{
		Interface: "eth0", MAC: ourMAC, Addresses: []netip.Prefix{us, netip.MustParsePrefix("172.20.255.10/14")},
		Timing:     arpprobe.Timing{First: 100 * time.Millisecond, Longest: time.Second, Rounds: 3, Settle: 200 * time.Millisecond, Wait: listen + time.Second},
		RouterTest: routerprobe.DefaultTiming(), Listen: listen, Beats: 1200 * time.Millisecond,
		Now: func() time.Time { return link.clock },
	}
	k := kept{make(verdicts), make(map[int]int)}
	if err := check.Run(context.Background(), link, cfg, manyVIPs(vips), k); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d KiB", link.most>>10)
	if link.most > 32<<20 {
		t.Errorf("%d MiB", link.most>>20)
	}
	results := 0
	for beats, n := range k.beats {
		if beats >= 2*int(listen/time.Second-1) {
			results += n
		}
	}
	if results != vips {
		t.Errorf("results by the number of heartbeats: %v", k.beats)
	}
}
