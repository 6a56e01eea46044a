package docket_test

import (
	"fmt"
	"net/netip"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/nlbprobe/nlbprobe/docket"
	"github.com/nlbprobe/nlbprobe/evidence"
	"github.com/nlbprobe/nlbprobe/mac"
	"github.com/nlbprobe/nlbprobe/nlb"
)

// vips are so many addresses, from 10.0.0.1 on.
func vips(n int) []netip.Addr {
	out := make([]netip.Addr, n)
	for i := range out {
		out[i] = netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}).Next()
	}
	return out
}

func has(items []evidence.Item, f evidence.Fact) bool {
	return slices.ContainsFunc(items, func(it evidence.Item) bool { return it.Fact == f })
}

// What the hosts of a cluster say of themselves is kept once, whatever the number of
// its VIPs: 300 of them heard for five minutes take no more than 32 MiB.
func TestClusterOfManyVIPsIsKeptOnce(t *testing.T) {
	const hosts = 2
	var d docket.Docket
	all := vips(300)
	source := func(n int) mac.Addr { return mac.Addr{0, 0x15, 0x5d, 0, 0, byte(n)} }
	for _, v := range all {
		d.Open(v)
	}
	for _, v := range all {
		for n := range hosts {
			a := reply(v)
			a.EthSrc = source(n)
			d.File(a, frame(0))
		}
	}
	beat := func(n int) evidence.Heartbeat {
		return evidence.Heartbeat{EthSrc: source(n), EthDst: cluster, Cluster: vip, Priority: uint32(n + 1)}
	}
	foreign := evidence.Traffic{EthSrc: stranger, EthDst: cluster, EtherType: 0x0806}
	before := heap()
	const seconds = 300
	for s := range seconds {
		at := time.Duration(s) * time.Second
		for n := range hosts {
			f := frame(at)
			f.Data, f.Length = make([]byte, 1510), 1510
			d.File(beat(n), f)
			d.File(evidence.IGMP{Act: evidence.Join, EthSrc: source(n), Group: group}, frame(at))
		}
		d.File(foreign, frame(at))
	}
	if grew := heap() - before; grew > 32<<20 {
		t.Errorf("%d MiB", grew>>20)
	}
	for _, v := range all {
		items := d.Items(d.Case(v))
		counts := make(map[evidence.Fact]int)
		for _, it := range items {
			counts[it.Fact] += it.Count
		}
		for n := range hosts {
			if counts[beat(n)] != seconds {
				t.Fatalf("%v: %d heartbeats of host %d", v, counts[beat(n)], n)
			}
		}
		if counts[foreign] != seconds {
			t.Fatalf("%v: %d frames to the cluster's MAC", v, counts[foreign])
		}
	}
	// Frames that were seen again are there for a capture, the same ones for all.
	var first []*byte
	for _, v := range all[:2] {
		for _, it := range d.Items(d.Case(v)) {
			if it.Fact == beat(0) {
				if len(it.Again) != seconds-1 {
					t.Errorf("%d frames kept", len(it.Again))
				}
				first = append(first, &it.Again[0].Data[0])
			}
		}
	}
	if len(first) != 2 || first[0] != first[1] {
		t.Error("each VIP has its own copy of a frame")
	}
}

func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// What one host says stands with those whom it concerns, by whichever name, and
// with no others.
func TestWhomAHostConcerns(t *testing.T) {
	other := mac.Addr{3, 0xbf, 10, 0, 0, 9}
	second2 := netip.MustParseAddr("172.16.63.243")
	setup := func() *docket.Docket {
		d := new(docket.Docket)
		d.Open(vip)
		d.Open(second)
		d.Open(second2) // silent
		a := reply(vip)
		d.File(a, frame(0))
		b := reply(second)
		b.EthSrc, b.SenderMAC = mac.Addr{2, 0, 0, 0, 0, 2}, other
		d.File(b, frame(0))
		return d
	}
	tests := []struct {
		name string
		fact evidence.Fact
		want []netip.Addr
	}{
		{"by the primary VIP, of a silent one", evidence.Heartbeat{EthSrc: stranger, Cluster: second2}, []netip.Addr{second2}},
		{"by the host", evidence.Heartbeat{EthSrc: node, Cluster: host}, []netip.Addr{vip}},
		{"by the MAC", evidence.Heartbeat{EthSrc: stranger, EthDst: other, Cluster: host}, []netip.Addr{second}},
		{"by the host and another's MAC", evidence.Heartbeat{EthSrc: node, EthDst: other, Cluster: host}, []netip.Addr{vip, second}},
		{"by all three", evidence.Heartbeat{EthSrc: node, EthDst: other, Cluster: second2}, []netip.Addr{vip, second, second2}},
		{"a report by the group", evidence.IGMP{Act: evidence.Join, EthSrc: stranger, Group: netip.MustParseAddr("239.255.63.243")}, []netip.Addr{second2}},
		{"a broken frame by the host", evidence.Malformed{EthSrc: node, Protocol: evidence.ProtocolIGMP}, []netip.Addr{vip}},
	}
	for _, tt := range tests {
		d := setup()
		d.File(tt.fact, frame(time.Second))
		var got []netip.Addr
		for _, c := range d.Cases() {
			if has(d.Items(c), tt.fact) {
				got = append(got, c.VIP)
			}
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
		if d.Segment.Len() > 0 {
			t.Errorf("%s: it stands with what concerns nobody too", tt.name)
		}
	}
}

// This host's own frames make nobody a host of the cluster: neither its own claim of
// a VIP nor what it says afterwards.
func TestOwnFramesAreNoHosts(t *testing.T) {
	var d docket.Docket
	c := d.Open(vip)
	own := reply(vip)
	own.Out, own.EthSrc = true, stranger
	d.File(own, frame(0))
	beat := evidence.Heartbeat{EthSrc: stranger, Cluster: host}
	report := evidence.IGMP{Act: evidence.Join, EthSrc: stranger, Group: group}
	d.File(beat, frame(1))
	d.File(report, frame(1))
	if d.Segment.Len() != 2 {
		t.Errorf("%d facts stand with what concerns nobody", d.Segment.Len())
	}
	d.File(reply(vip), frame(2))
	beat.EthSrc = node
	d.File(beat, frame(3))
	if d.Segment.Len() != 2 || !has(d.Items(c), beat) {
		t.Error("a host that answers is none of the cluster")
	}
}

// A fact that no frame gave, as a router's table has it or the kernel, stands where
// one from a frame would. A claim of that sort is no answer, and makes nobody a host
// of the cluster.
func TestFactsWithoutAFrame(t *testing.T) {
	port := func(ip netip.Addr) netip.AddrPort { return netip.AddrPortFrom(ip, 80) }
	facts := []evidence.Fact{
		reply(vip), request(host, vip), reply(router), evidence.BadARP{}, evidence.Echo{Src: host, Dst: vip},
		evidence.ICMPError{Src: us, Dst: vip, Protocol: 1}, evidence.TCP{Src: port(host), Dst: port(vip)},
		evidence.Traffic{Dst: vip}, evidence.Traffic{EthDst: cluster}, evidence.Hello{From: host},
		evidence.IGMP{Act: evidence.Join, EthSrc: node, Group: netip.MustParseAddr("239.255.63.241")},
		evidence.IGMP{Act: evidence.Query, EthSrc: node}, evidence.Heartbeat{EthSrc: stranger, Cluster: vip},
		evidence.Malformed{EthSrc: stranger}, evidence.Vantage{Interface: "eth0"}, evidence.Listened{Interface: "eth0"},
		evidence.Lost{Interface: "eth0"},
	}
	for _, answered := range []bool{false, true} {
		var d docket.Docket
		c := d.Open(vip)
		d.AddRouter(router)
		d.AddOwn(us)
		if answered {
			d.File(evidence.ARP{Op: evidence.Reply, EthSrc: node, SenderMAC: cluster, SenderIP: vip}, frame(0))
		}
		for _, f := range facts {
			d.Add(f, t0, 3, nil)
		}
		if !answered && !c.Answered.IsZero() {
			t.Error("a claim that no frame gave counts as an answer")
		}
		items := d.Items(c)
		for _, f := range facts {
			at := slices.IndexFunc(items, func(it evidence.Item) bool { return it.Fact == f })
			switch toMAC := f == evidence.Fact(evidence.Traffic{EthDst: cluster}); {
			case toMAC && !answered, f == evidence.Fact(evidence.ICMPError{Src: us, Dst: vip, Protocol: 1}): // not asked
			case at < 0:
				t.Errorf("answered %v: %+v is not kept", answered, f)
			case items[at].Count != 3 || items[at].Frame.Data != nil:
				t.Errorf("answered %v: %+v", answered, items[at])
			}
		}
		// Too many of them are counted as others are.
		for n := range 2 * evidence.PerKind {
			a := reply(vip)
			a.SenderMAC = mac.Addr{2, 1, 0, 0, byte(n >> 8), byte(n)}
			d.Add(a, t0, 1, nil)
		}
		if !has(d.Items(c), evidence.Unkept{Of: evidence.KindARPReply}) {
			t.Error("what was left out is not counted")
		}
	}
}

// How long a cluster's MAC was listened to is told of those whose it is, or would be.
func TestListened(t *testing.T) {
	var d docket.Docket
	answered, silent, other := d.Open(vip), d.Open(second), d.Open(netip.MustParseAddr("10.9.8.7"))
	d.File(reply(vip), frame(0))
	derived, err := nlb.DeriveMAC(second, nlb.IGMPMulticast)
	if err != nil {
		t.Fatal(err)
	}
	listened := func(m mac.Addr) evidence.Listened { return evidence.Listened{Interface: "eth0", Joined: m} }
	everybody := mac.Addr{1, 0, 0x5e, 0, 0, 1}
	for _, m := range []mac.Addr{cluster, derived, everybody, {}} {
		d.Add(listened(m), t0, 1, nil)
		d.Add(listened(m), t0.Add(time.Second), 1, nil)
	}
	for _, tt := range []struct {
		c    *docket.Case
		want []mac.Addr
	}{
		{answered, []mac.Addr{cluster, everybody, {}}},
		{silent, []mac.Addr{derived, everybody, {}}},
		{other, []mac.Addr{everybody, {}}},
	} {
		items := d.Items(tt.c)
		for _, m := range []mac.Addr{cluster, derived, everybody, {}} {
			at := slices.IndexFunc(items, func(it evidence.Item) bool { return it.Fact == listened(m) })
			if got := at >= 0; got != slices.Contains(tt.want, m) {
				t.Errorf("%v: it was listened to %v: %v", tt.c.VIP, m, got)
			} else if got && !items[at].Last.Equal(t0.Add(time.Second)) {
				t.Errorf("%v: %v until %v", tt.c.VIP, m, items[at].Last)
			}
		}
	}
	// Thousands of groups leave nothing out.
	for n, v := range vips(2 * evidence.PerKind) {
		d.Open(v)
		d.Add(listened(mac.Addr{3, 0xbf, 10, 0, byte(n >> 8), byte(n) + 1}), t0, 1, nil)
	}
	if has(d.Items(answered), evidence.Unkept{Of: evidence.KindListened}) {
		t.Error("what was joined for other VIPs crowds out")
	}
}

// A case that is dropped gives back what it took, its cluster's hosts with it if no
// other VIP has to do with them.
func TestDropGivesBack(t *testing.T) {
	const whole = 1 << 20
	budget := evidence.Budget{Facts: 1000, Bytes: whole, Again: whole}
	var d docket.Docket
	d.Share(&budget)
	a, b := d.Open(vip), d.Open(second)
	beat := evidence.Heartbeat{EthSrc: stranger, EthDst: cluster, Cluster: vip}
	fill := func() {
		for range 3 {
			d.File(reply(vip), frame(0))
			d.File(reply(second), frame(0))
			d.File(beat, frame(1))
			d.File(evidence.Traffic{EthDst: cluster}, frame(1))
			d.File(evidence.IGMP{Act: evidence.Join, EthSrc: node, Group: group}, frame(1))
		}
	}
	fill()
	d.Drop(a)
	if items := d.Items(b); !has(items, beat) || budget.Bytes == whole {
		t.Error("what the other VIP rests on is gone")
	}
	d.Drop(b)
	if budget != (evidence.Budget{Facts: 1000, Bytes: whole, Again: whole}) {
		t.Errorf("not given back: %+v", budget)
	}
	if a = d.Open(vip); has(d.Items(a), beat) {
		t.Error("what was dropped is there again")
	}
	fill()
	if !has(d.Items(a), beat) {
		t.Error("a case that is opened again hears nothing")
	}
}

// Cases stand in the order in which they were opened, whichever are dropped between.
func TestCasesAfterDrops(t *testing.T) {
	var d docket.Docket
	all := vips(100)
	for _, v := range all {
		d.Open(v)
	}
	want := slices.Clone(all)
	for n, at := range []int{0, 98, 50, 3, 3, 3, 90} {
		d.Drop(d.Case(want[at]))
		want = slices.Delete(want, at, at+1)
		if n == 5 {
			d.Open(all[0])
			want = append(want, all[0])
		}
		if d.Len() != len(want) {
			t.Errorf("%d cases, want %d", d.Len(), len(want))
		}
	}
	check := func() {
		t.Helper()
		var got []netip.Addr
		for _, c := range d.Cases() {
			got = append(got, c.VIP)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%v, want %v", got, want)
		}
	}
	check()
	for len(want) > 3 {
		d.Drop(d.Case(want[1]))
		want = slices.Delete(want, 1, 2)
	}
	check()
}

// What concerns everybody is put in order once, and again when something comes or
// turns out to be older: each case has it as it is now.
func TestItemsAreInOrder(t *testing.T) {
	var d docket.Docket
	a, b := d.Open(vip), d.Open(second)
	d.AddRouter(second) // a VIP that is a router too
	at := func(s int) time.Time { return t0.Add(time.Duration(s) * time.Second) }
	step := func(f evidence.Fact, s int) {
		t.Helper()
		d.Add(f, at(s), 1, frame(time.Duration(s)*time.Second))
		for _, c := range []*docket.Case{a, b} {
			items := d.Items(c)
			if !slices.IsSortedFunc(items, func(x, y evidence.Item) int { return x.First.Compare(y.First) }) {
				t.Errorf("%v: out of order after %+v", c.VIP, f)
			}
			seen := make(map[evidence.Fact]bool)
			for _, it := range items {
				if seen[it.Fact] {
					t.Errorf("%v: %+v stands there twice", c.VIP, it.Fact)
				}
				seen[it.Fact] = true
			}
			if i := slices.IndexFunc(items, func(it evidence.Item) bool { return it.Fact == f }); i < 0 || items[i].First.After(at(s)) || items[i].Last.Before(at(s)) {
				t.Errorf("%v: %+v at %d s is not there", c.VIP, f, s)
			}
		}
	}
	query := evidence.IGMP{Act: evidence.Query, EthSrc: stranger, From: router}
	step(evidence.BadARP{EthSrc: node}, 5)
	step(query, 7)
	step(evidence.BadARP{EthSrc: stranger}, 9)
	step(query, 1) // older than was known
	step(query, 12)
	step(evidence.ARP{Op: evidence.Reply, EthSrc: node, SenderMAC: node, SenderIP: second, TargetIP: vip}, 8)
	step(evidence.Hello{From: router}, 3)
	step(evidence.ARP{Op: evidence.Reply, EthSrc: node, SenderMAC: node, SenderIP: router, TargetIP: vip}, 2)
	step(evidence.Lost{Interface: "eth0"}, 2)
}

// Revision grows with what concerns the case, and with nothing else.
func TestRevision(t *testing.T) {
	var d docket.Docket
	c := d.Open(vip)
	d.Open(second)
	was := c.Revision()
	for _, tt := range []struct {
		fact evidence.Fact
		grow bool
	}{
		{reply(vip), true},
		{reply(second), false},
		{request(host, vip), true},
		{request(host, second), false},
		{evidence.Heartbeat{EthSrc: node, Cluster: host}, true},
		{evidence.Heartbeat{EthSrc: node, Cluster: host}, true},
		{evidence.Heartbeat{EthSrc: stranger, Cluster: second}, false},
		{evidence.Heartbeat{EthSrc: stranger, Cluster: vip}, true},
		{evidence.Traffic{EthDst: cluster}, true},
		{evidence.Traffic{EthDst: stranger}, false},
		{evidence.Echo{Src: host, Dst: vip}, true},
		{evidence.Echo{Src: vip, Dst: host}, true},
		{evidence.Hello{From: host}, false},
	} {
		d.File(tt.fact, frame(time.Second))
		if grew := c.Revision() != was; grew != tt.grow {
			t.Errorf("%+v: %v", tt.fact, grew)
		}
		was = c.Revision()
	}
}

// BenchmarkFile files what concerns a cluster, or nobody, among so many cases: what
// that costs does not depend on their number. In "one" all VIPs are of one cluster,
// in "each" each has its own, and the same hosts answer for all of them.
func BenchmarkFile(b *testing.B) {
	facts := []struct {
		name string
		fact evidence.Fact
	}{
		{"beat", evidence.Heartbeat{EthSrc: node, EthDst: cluster, Cluster: vip}},
		{"strangers-beat", evidence.Heartbeat{EthSrc: stranger, EthDst: mac.Broadcast, Cluster: host}},
		{"report", evidence.IGMP{Act: evidence.Join, EthSrc: node, Group: group}},
		{"query", evidence.IGMP{Act: evidence.Query, EthSrc: stranger}},
		{"malformed", evidence.Malformed{EthSrc: node}},
		{"foreign", evidence.Traffic{EthSrc: stranger, EthDst: cluster, EtherType: 0x88cc}},
		{"unknown", evidence.Traffic{EthSrc: stranger, EthDst: stranger, EtherType: 0x88cc}},
		{"source", evidence.ARP{Op: evidence.Request, EthSrc: mac.Addr{2, 0xbf, 0, 0, 0, 1}, SenderIP: host, TargetIP: us}},
	}
	for _, each := range []bool{false, true} {
		for _, n := range []int{1, 100, 10_000} {
			var d docket.Docket
			for i, v := range vips(n) {
				d.Open(v)
				a := reply(v)
				if each && i > 0 {
					a.SenderMAC = mac.Addr{3, 0xbf, 10, byte(i >> 16), byte(i >> 8), byte(i)}
				}
				d.File(a, frame(0))
			}
			f := frame(time.Second)
			for _, tt := range facts {
				b.Run(fmt.Sprintf("%s/each=%v/%d", tt.name, each, n), func(b *testing.B) {
					b.ReportAllocs()
					for b.Loop() {
						d.File(tt.fact, f)
					}
				})
			}
		}
	}
}

// BenchmarkDrop opens so many cases, and drops and opens one in turn.
func BenchmarkDrop(b *testing.B) {
	for _, n := range []int{1, 100, 10_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			var d docket.Docket
			all := vips(n)
			for _, v := range all {
				d.Open(v)
				d.File(reply(v), frame(0))
			}
			i := 0
			for b.Loop() {
				d.Drop(d.Case(all[i%n]))
				d.Open(all[i%n])
				i++
			}
		})
	}
}

// BenchmarkItems gathers what is known of one of many VIPs of one cluster.
func BenchmarkItems(b *testing.B) {
	for _, common := range []int{0, 1000} {
		for _, n := range []int{1, 10_000} {
			b.Run(fmt.Sprintf("common=%d/%d", common, n), func(b *testing.B) {
				var d docket.Docket
				for _, v := range vips(n) {
					d.Open(v)
					d.File(reply(v), frame(0))
				}
				for i := range common {
					d.Common.Add(evidence.Listened{Joined: mac.Addr{1, 0, 0x5e, 1, byte(i >> 8), byte(i)}}, t0.Add(time.Duration(i)), 1, nil)
				}
				d.File(evidence.Heartbeat{EthSrc: node, EthDst: cluster, Cluster: vip}, frame(1))
				c := d.Cases()[0]
				b.ReportAllocs()
				for b.Loop() {
					if len(d.Items(c)) < 2+common {
						b.Fatal("too few")
					}
				}
			})
		}
	}
}
