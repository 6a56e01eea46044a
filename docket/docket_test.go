package docket_test

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/nlbprobe/nlbprobe/docket"
	"github.com/nlbprobe/nlbprobe/evidence"
	"github.com/nlbprobe/nlbprobe/mac"
)

var (
	t0     = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	vip    = netip.MustParseAddr("172.16.63.241")
	second = netip.MustParseAddr("172.16.63.242")
	router = netip.MustParseAddr("172.16.63.1")
	host   = netip.MustParseAddr("172.16.63.77")
	us     = netip.MustParseAddr("172.16.63.10")

	group    = netip.MustParseAddr("239.1.2.3")
	stranger = mac.Addr{2, 0, 0, 0, 0, 9}

	cluster = mac.Addr{3, 0xbf, 172, 16, 63, 241}
	node    = mac.Addr{2, 0, 0, 0, 0, 1}
)

func frame(after time.Duration) *evidence.Frame {
	return &evidence.Frame{Time: t0.Add(after), Data: make([]byte, 60), Length: 60}
}

func request(from, to netip.Addr) evidence.ARP {
	return evidence.ARP{Op: evidence.Request, EthSrc: node, SenderMAC: node, SenderIP: from, TargetIP: to}
}

func reply(from netip.Addr) evidence.ARP {
	return evidence.ARP{Op: evidence.Reply, EthSrc: node, SenderMAC: cluster, SenderIP: from, TargetIP: host}
}

// Each fact stands where it belongs: c in the common log, 1 and 2 with the VIPs,
// nothing where it concerns nobody.
func TestFile(t *testing.T) {
	port := func(ip netip.Addr) netip.AddrPort { return netip.AddrPortFrom(ip, 80) }
	tests := []struct {
		name string
		fact evidence.Fact
		want string
	}{
		{"an answer", reply(vip), "1"},
		{"a host's question", request(host, vip), "1"},
		{"a router's question for a VIP", request(router, vip), "1"},
		{"a router's question for another", request(router, host), "12"},
		{"a router's answer to a VIP", evidence.ARP{Op: evidence.Reply, EthSrc: node, SenderMAC: node, SenderIP: router, TargetIP: vip}, "12"},
		{"our own as a router", evidence.ARP{Op: evidence.Request, SenderIP: router, TargetIP: host, Out: true}, ""},
		{"one VIP asks for the other", request(vip, second), "12"},
		{"an announcement", request(vip, vip), "1"},
		{"a reply to a VIP", evidence.ARP{Op: evidence.Reply, SenderIP: host, TargetIP: vip}, ""},
		{"strangers' ARP", request(host, us), ""},
		{"an echo to a VIP", evidence.Echo{Src: host, Dst: second}, "2"},
		{"an echo between VIPs", evidence.Echo{Src: second, Dst: vip}, "12"},
		{"a control", evidence.Echo{Src: us, Dst: host}, "c"},
		{"strangers' echo", evidence.Echo{Src: router, Dst: host}, ""},
		{"a connection", evidence.TCP{Src: port(host), Dst: port(vip)}, "1"},
		{"an error about ours", evidence.ICMPError{From: router, Src: us, Dst: vip, Protocol: 1}, "1"},
		{"an error about none of ours", evidence.ICMPError{From: router, Src: us, Dst: vip, Protocol: 1, ID: 7}, ""},
		{"a reply to us", evidence.Echo{Reply: true, Src: vip, Dst: us}, "1"},
		{"a reply to none of ours", evidence.Echo{Reply: true, Src: vip, Dst: us, ID: 7}, ""},
		{"our echo on its way", evidence.Echo{EthSrc: stranger, Src: us, Dst: vip, TTL: 63}, "1"},
		{"traffic to a VIP", evidence.Traffic{EthDst: cluster, Dst: vip}, "1"},
		{"a heartbeat to both", evidence.Traffic{EthDst: cluster, EtherType: 0x886f}, "12"},
		{"traffic to another MAC", evidence.Traffic{EthDst: node}, ""},
		{"a hello", evidence.Hello{From: router}, "c"},
		{"broken ARP", evidence.BadARP{}, "c"},
		{"a query", evidence.IGMP{Act: evidence.Query, From: router}, "12"},
		{"our query for the group of both", evidence.IGMP{Act: evidence.Query, Group: group, Out: true}, "12"},
		{"a report of the group of one", evidence.IGMP{Act: evidence.Join, EthSrc: stranger, Group: netip.MustParseAddr("239.255.63.242")}, "2"},
		{"a report of a host of both", evidence.IGMP{Act: evidence.Join, EthSrc: node, Group: group}, "12"},
		{"a report of others", evidence.IGMP{Act: evidence.Join, EthSrc: stranger, Group: group}, "12"},
		{"a heartbeat of one cluster", evidence.Heartbeat{EthSrc: stranger, Cluster: vip}, "1"},
		{"a heartbeat of a host of both", evidence.Heartbeat{EthSrc: node, Cluster: host}, "12"},
		{"a heartbeat to both", evidence.Heartbeat{EthSrc: stranger, EthDst: cluster, Cluster: host}, "12"},
		{"a heartbeat of others", evidence.Heartbeat{EthSrc: stranger, Cluster: host}, "12"},
		{"broken IGMP", evidence.Malformed{EthSrc: stranger, Protocol: evidence.ProtocolIGMP}, "12"},
	}
	for _, tt := range tests {
		var d docket.Docket
		first, other := d.Open(vip), d.Open(second)
		d.AddRouter(router)
		d.AddOwn(us)
		d.File(reply(vip), frame(0))
		d.File(reply(second), frame(0))
		d.File(evidence.Echo{Src: us, Dst: vip, Out: true}, frame(0))
		before := [...]int{len(d.Common.Items()), len(d.Items(first)), len(d.Items(other))}
		d.File(tt.fact, frame(time.Second))
		d.File(tt.fact, frame(2*time.Second))
		grew := func(n int, items []evidence.Item) bool {
			at := slices.IndexFunc(items, func(it evidence.Item) bool { return it.Fact == tt.fact && it.Count >= 2 })
			return at >= 0 && len(items) >= before[n]
		}
		got := ""
		if grew(0, d.Common.Items()) {
			got = "c"
			if !grew(1, d.Items(first)) || !grew(2, d.Items(other)) {
				t.Errorf("%s: what is common is not told to each", tt.name)
			}
		} else {
			if grew(1, d.Items(first)) {
				got += "1"
			}
			if grew(2, d.Items(other)) {
				got += "2"
			}
		}
		if got != tt.want {
			t.Errorf("%s: filed with %q, want %q", tt.name, got, tt.want)
		}
	}
}

// Whoever says hello is a router from then on: what is claimed for its address,
// and for the shared one, tells a MAC.
func TestHelloNamesRouters(t *testing.T) {
	var d docket.Docket
	c := d.Open(vip)
	d.File(reply(host), frame(0))
	d.File(evidence.Hello{From: host, Virtual: router}, frame(time.Second))
	for _, ip := range []netip.Addr{host, router} {
		d.File(reply(ip), frame(2*time.Second))
	}
	if n := len(d.Items(c)); n != 3 {
		t.Errorf("%d items, want the hello and two claims after it", n)
	}
	for i := range 200 {
		d.File(evidence.Hello{From: netip.AddrFrom4([4]byte{10, 0, 0, byte(i)})}, frame(3*time.Second))
	}
	before := len(d.Routers.Items())
	d.File(reply(netip.AddrFrom4([4]byte{10, 0, 0, 199})), frame(4*time.Second))
	if n := len(d.Routers.Items()); n != before {
		t.Error("the routers are without bound")
	}
}

// The first answer of another host is kept, and a closed case takes nothing.
func TestCase(t *testing.T) {
	var d docket.Docket
	c := d.Open(vip)
	if d.Open(vip) != c || d.Case(vip) != c || d.Case(second) != nil || len(d.Cases()) != 1 {
		t.Error("a case was opened twice, or is not found")
	}
	own := reply(vip)
	own.Out = true
	d.File(own, frame(0))
	d.File(request(vip, vip), frame(time.Second))
	if !c.Answered.IsZero() {
		t.Error("an announcement, or an answer of our own, counts as an answer")
	}
	late := reply(vip)
	late.EthSrc = mac.Addr{2, 0, 0, 0, 0, 2}
	d.File(reply(vip), frame(2*time.Second))
	d.File(late, frame(3*time.Second))
	if c.First != reply(vip) || !c.Answered.Equal(t0.Add(2*time.Second)) {
		t.Errorf("the first answer: %+v at %v", c.First, c.Answered)
	}
	items := d.Items(c)
	if !slices.IsSortedFunc(items, func(a, b evidence.Item) int { return a.First.Compare(b.First) }) || len(items) != 4 {
		t.Errorf("%d items, in order of time?", len(items))
	}
	c.Close()
	d.File(request(host, vip), frame(4*time.Second))
	d.File(evidence.Echo{Src: host, Dst: vip}, frame(4*time.Second))
	d.File(evidence.Traffic{EthDst: cluster}, frame(4*time.Second))
	if n := len(d.Items(c)); n != 4 {
		t.Errorf("%d items after the case was closed", n)
	}
}

// A flood of foreign heartbeats, reports and queries crowds out nothing of the
// case's own.
func TestForeignClustersCrowdNothingOut(t *testing.T) {
	var d docket.Docket
	c := d.Open(vip)
	d.File(reply(vip), frame(0))
	flood := func(n int) mac.Addr { return mac.Addr{4, 0, 0, byte(n >> 16), byte(n >> 8), byte(n)} }
	for n := range 2 * evidence.PerKind {
		d.File(evidence.Heartbeat{EthSrc: flood(n), Cluster: host}, frame(time.Second))
		d.File(evidence.IGMP{Act: evidence.Join, EthSrc: flood(n), Group: group}, frame(time.Second))
		d.File(evidence.Malformed{EthSrc: flood(n)}, frame(time.Second))
	}
	own := []evidence.Fact{
		evidence.Heartbeat{EthSrc: node, Cluster: vip}, evidence.IGMP{Act: evidence.Join, EthSrc: node, Group: netip.MustParseAddr("239.255.63.241")},
		evidence.IGMP{Act: evidence.Query, From: router}, evidence.Malformed{EthSrc: node},
	}
	for _, f := range own {
		d.File(f, frame(2*time.Second))
	}
	items := d.Items(c)
	for _, f := range own {
		if !slices.ContainsFunc(items, func(it evidence.Item) bool { return it.Fact == f }) {
			t.Errorf("%+v was crowded out", f)
		}
	}
	if len(items) > 3*evidence.PerKind+20 {
		t.Errorf("%d items", len(items))
	}
}

// What says that it answers the observer and repeats none of its numbers is counted
// and crowds nothing out, however much comes; others' packets stand apart.
func TestUnaskedIsCounted(t *testing.T) {
	var d docket.Docket
	c := d.Open(vip)
	d.AddOwn(us)
	d.AddOwnMAC(node)
	ours := evidence.Echo{EthSrc: node, Src: us, Dst: vip, ID: 7, Seq: 8, Token: 9, TTL: 64, Out: true}
	d.File(ours, frame(0))
	const forged = 3000
	for n := range forged {
		d.File(evidence.Echo{EthSrc: stranger, Reply: true, Src: vip, Dst: us, ID: 7, Seq: uint16(n), Token: 10}, frame(1))
		d.File(evidence.ICMPError{EthSrc: stranger, Type: 3, Src: us, Dst: vip, Protocol: 1, ID: uint16(n), Seq: 9}, frame(1))
		d.File(evidence.TCP{EthSrc: stranger, SYN: true, ACK: true, Src: netip.AddrPortFrom(vip, 80), Dst: netip.AddrPortFrom(us, uint16(n)), Number: 1}, frame(1))
		d.File(evidence.TCP{EthSrc: stranger, SYN: true, Src: netip.AddrPortFrom(host, uint16(n)), Dst: netip.AddrPortFrom(vip, 80), Number: uint32(n)}, frame(1))
	}
	reply := evidence.Echo{EthSrc: stranger, Reply: true, Src: vip, Dst: us, ID: 7, Seq: 8, Token: 9}
	short := evidence.ICMPError{EthSrc: stranger, Type: 3, Src: us, Dst: vip, Protocol: 1, ID: 7, Seq: 8}
	long := short
	long.Token, long.Payload = 9, true
	for _, f := range []evidence.Fact{reply, short, long} {
		d.File(f, frame(2))
	}
	kept := make(map[evidence.Fact]int)
	for _, it := range c.IP.Items() {
		kept[it.Fact] = it.Count
	}
	for _, f := range []evidence.Fact{ours, reply, short, long} {
		if kept[f] != 1 {
			t.Errorf("%+v is kept %d times", f, kept[f])
		}
	}
	for _, k := range []evidence.Kind{evidence.KindEcho, evidence.KindICMPError, evidence.KindTCP} {
		if n := kept[evidence.Unkept{Of: k, Unasked: true}]; n != forged {
			t.Errorf("%d of kind %v are counted", n, k)
		}
	}
	if len(kept) != 4+3 || c.Others.Len() != evidence.PerKind+1 {
		t.Errorf("%d facts, and %d of others' packets", len(kept), c.Others.Len())
	}
}

// A cluster has 32 hosts at most. Of more, and of a host that says something else
// each time, what is kept is bounded; those that answer for the VIP are kept
// whenever they are heard.
func TestHeartbeatsAreBounded(t *testing.T) {
	var d docket.Docket
	c := d.Open(vip)
	d.File(reply(vip), frame(0))
	node := reply(vip).EthSrc
	beat := func(n int) evidence.Heartbeat {
		return evidence.Heartbeat{EthSrc: mac.Addr{2, 9, 9, 9, byte(n >> 8), byte(n)}, EthDst: cluster, Cluster: vip, Priority: uint32(n)}
	}
	for n := range 1500 {
		d.File(beat(n), frame(1))
	}
	for n := range 200 {
		h := beat(7)
		h.HostCode = uint32(n)
		d.File(h, frame(1))
	}
	true1 := evidence.Heartbeat{EthSrc: node, EthDst: cluster, Cluster: vip, Priority: 1}
	d.File(true1, frame(2))
	hosts, of7, left, kept := make(map[mac.Addr]bool), 0, 0, false
	for _, it := range d.Items(c) {
		switch f := it.Fact.(type) {
		case evidence.Heartbeat:
			hosts[f.EthSrc] = true
			kept = kept || f == true1
			if f.EthSrc == beat(7).EthSrc {
				of7++
			}
		case evidence.Unkept:
			left = it.Count
			if len(it.Again) > evidence.TimesKept {
				t.Errorf("%d frames of what was left out are kept", len(it.Again))
			}
		}
	}
	if len(hosts) != 64+1 || !kept || of7 > 16 {
		t.Errorf("%d hosts kept, %d heartbeats of one, the true host among them: %v", len(hosts), of7, kept)
	}
	if want := 1500 - 64 + 200 - (of7 - 1) - 1; left != want && left != want+1 {
		t.Errorf("%d counted as left out, want %d", left, want)
	}
}
