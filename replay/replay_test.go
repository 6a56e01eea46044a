package replay_test

import (
	"encoding/binary"
	"encoding/hex"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nlbprobe/nlbprobe/event"
	"github.com/nlbprobe/nlbprobe/evidence"
	igmpmsg "github.com/nlbprobe/nlbprobe/igmp"
	"github.com/nlbprobe/nlbprobe/mac"
	"github.com/nlbprobe/nlbprobe/replay"
)

var (
	t0  = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	vip = netip.MustParseAddr("172.16.63.241")
)

// The MACs of the stories, as they stand in frames.
const (
	host    = "00155d000001"
	host2   = "00155d000002"
	router  = "00005e005301"
	all     = "ffffffffffff"
	cluster = "03bfac103ff1"
	igmp    = "01005e7f3ff1"
	unicast = "02bfac103ff1"
	masked  = "0201ac103ff1"
	ipVIP   = "ac103ff1"
	ipHost  = "ac103f15"
	ipFar   = "0a090807"
)

func unhex(t testing.TB, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(text, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// arp is an ARP packet for IPv4 over Ethernet: op 0001 asks, 0002 answers.
func arp(t testing.TB, dst, src, op, sha, spa, tpa string) []byte {
	t.Helper()
	return unhex(t, dst+src+"0806 0001 0800 06 04"+op+sha+spa+"000000000000"+tpa)
}

// ip is a packet of a protocol with a right header checksum. ports is what
// follows the header: 20 bytes.
func ip(t testing.TB, dst, src, protocol, from, to, rest string) []byte {
	t.Helper()
	b := unhex(t, dst+src+"0800 4500 0028 0001 4000 40"+protocol+"0000"+from+to+rest)
	sum := uint32(0)
	for i := 14; i < 34; i += 2 {
		sum += uint32(binary.BigEndian.Uint16(b[i:]))
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	binary.BigEndian.PutUint16(b[24:], ^uint16(sum))
	return b
}

const (
	tcpACK = "c350 01bb 00000001 00000002 5010 2000 0000 0000"
	tcpSYN = "c350 01bb 00000001 00000000 5002 2000 0000 0000"
	echo   = "0800 f7fe 0001 0000 000000000000000000000000"
)

// heartbeat is the beginning of a membership heartbeat in unicast mode, version 2.6,
// of the host with priority 1.
func heartbeat(t testing.TB, primary string) []byte {
	t.Helper()
	return unhex(t, all+masked+"886f bf01dec0 06020000 01000000"+primary+ipHost+strings.Repeat("00", 76))
}

// feed gives a Replay frames, a second apart.
func feed(r *replay.Replay, frames ...[]byte) {
	for i, b := range frames {
		r.Frame(&evidence.Frame{Time: t0.Add(time.Duration(i) * time.Second), Data: b, Length: len(b), Place: "x"})
	}
}

// Who is a VIP shows in one frame, or does not.
func TestDiscover(t *testing.T) {
	tests := []struct {
		name  string
		frame []byte
		want  string
	}{
		{"a group MAC in an answer", arp(t, host, host2, "0002", cluster, ipVIP, ipHost), "172.16.63.241"},
		{"the MAC of IGMP mode", arp(t, host, host2, "0002", igmp, ipVIP, ipHost), "172.16.63.241"},
		{"a hand-set group MAC", arp(t, host, host2, "0002", "03005e111111", ipVIP, ipHost), "172.16.63.241"},
		{"the broadcast MAC in an answer", arp(t, host, host2, "0002", all, ipVIP, ipHost), "172.16.63.241"},
		{"a node that asks with the group MAC", arp(t, all, host2, "0001", cluster, ipVIP, ipHost), "172.16.63.241"},
		{"the MAC of unicast mode", arp(t, host, masked, "0002", unicast, ipVIP, ipHost), "172.16.63.241"},
		{"a hand-set MAC from a masked source", arp(t, host, masked, "0002", host2, ipVIP, ipHost), "172.16.63.241"},
		{"a secondary VIP", arp(t, host, host2, "0002", cluster, "ac103ff5", ipHost), "172.16.63.245"},
		{"a client's packet to the group MAC", ip(t, cluster, router, "06", ipFar, ipVIP, tcpACK), "172.16.63.241"},
		{"a ping to the MAC of IGMP mode", ip(t, igmp, router, "01", ipFar, ipVIP, echo), "172.16.63.241"},
		{"UDP to the group MAC", ip(t, cluster, router, "11", ipFar, ipVIP, tcpACK), "172.16.63.241"},
		{"a client's packet to the unicast MAC", ip(t, unicast, router, "06", ipFar, ipVIP, tcpACK), "172.16.63.241"},
		{"a heartbeat", heartbeat(t, ipVIP), "172.16.63.241"},
		{"a node's packet from its masked MAC", ip(t, router, masked, "06", ipVIP, ipFar, tcpACK), "172.16.63.241"},
		{"a node's SYN, ACK from its masked MAC", ip(t, router, masked, "06", ipVIP, ipFar, tcpSYN), "172.16.63.241"},

		{"an ordinary answer", arp(t, host, host2, "0002", host2, ipVIP, ipHost), ""},
		{"a question", arp(t, all, host2, "0001", host2, ipHost, ipVIP), ""},
		{"an answer of a VRRP router", arp(t, host, "00005e000105", "0002", "00005e000105", ipVIP, ipHost), ""},
		{"an answer for no host's address", arp(t, host, host2, "0002", cluster, "e0000001", ipHost), ""},
		{"a heartbeat in a group's frame", append(unhex(t, all+cluster), heartbeat(t, ipVIP)[12:]...), ""},
		{"an answer in a group's frame", arp(t, host, cluster, "0002", cluster, ipVIP, ipHost), ""},
		{"multicast", ip(t, igmp, router, "11", ipFar, "efff3ff1", tcpACK), ""},
		{"a wake-on-LAN packet", ip(t, all, router, "11", ipFar, ipVIP, tcpACK), ""},
		{"a masked source's other address", ip(t, router, masked, "06", ipHost, ipFar, tcpACK), ""},
		{"an ordinary connection", ip(t, router, host, "06", ipVIP, ipFar, tcpSYN), ""},
		{"a ping between hosts", ip(t, router, host, "01", ipVIP, ipFar, echo), ""},
	}
	for _, tt := range tests {
		r := replay.New()
		feed(r, tt.frame)
		got := ""
		for _, v := range r.VIPs() {
			got += v.String()
		}
		if got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
		// Who asks for an address gets it in any case, and no other.
		other := netip.MustParseAddr("192.0.2.1")
		r = replay.New(other)
		feed(r, tt.frame)
		if got := r.VIPs(); !slices.Equal(got, []netip.Addr{other}) {
			t.Errorf("%s: asked for %v: %v", tt.name, other, got)
		}
	}
}

// facts counts the sightings of a VIP's evidence that fit.
func facts(items []evidence.Item, fits func(evidence.Fact) bool) int {
	n := 0
	for _, it := range items {
		if fits(it.Fact) {
			n += it.Count
		}
	}
	return n
}

func asks(f evidence.Fact) bool {
	a, ok := f.(evidence.ARP)
	return ok && a.Op == evidence.Request && a.TargetIP == vip
}

// What was asked and answered before a VIP shows as one is not lost, and a
// node's own address is found with it.
func TestBefore(t *testing.T) {
	r := replay.New()
	ask := arp(t, all, router, "0001", router, "ac103f01", ipVIP)
	plain := arp(t, router, host2, "0002", host2, ipVIP, "ac103f01")
	feed(r, ask, ask, plain)
	if len(r.VIPs()) > 0 {
		t.Fatal("a VIP was found too early")
	}
	feed(r, arp(t, router, host, "0002", cluster, ipVIP, "ac103f01"), arp(t, all, host, "0001", host, ipHost, "ac103f01"), ask)
	items := r.Items(vip, nil)
	if n := facts(items, asks); n != 3 {
		t.Errorf("%d questions, want 3", n)
	}
	claims := facts(items, func(f evidence.Fact) bool { a, ok := f.(evidence.ARP); return ok && a.SenderIP == vip })
	if claims != 2 {
		t.Errorf("%d claims, want 2", claims)
	}
	own := facts(items, func(f evidence.Fact) bool {
		a, ok := f.(evidence.ARP)
		return ok && a.SenderIP == netip.MustParseAddr("172.16.63.21")
	})
	if own != 1 {
		t.Errorf("%d sightings of the node's own address", own)
	}
	if s := r.Seen(); s.Frames != 6 || !s.First.Equal(t0) || !s.Last.Equal(t0.Add(2*time.Second)) {
		t.Errorf("%+v", s)
	}
	if r.Items(netip.MustParseAddr("192.0.2.1"), nil) != nil {
		t.Error("evidence of nobody")
	}
}

// What a capture says of its place opens the cases that were judged there, and
// belongs to each only as far as it concerns it.
func TestPlace(t *testing.T) {
	second := netip.MustParseAddr("172.16.63.242")
	place := []evidence.Item{
		{Fact: evidence.Vantage{Interface: "eth0", VIP: vip}},
		{Fact: evidence.Vantage{Interface: "eth0", VIP: second}},
		{Fact: evidence.Vantage{Interface: "eth0", VIP: netip.MustParseAddr("224.0.0.1")}},
		{Fact: evidence.Vantage{Interface: "eth0", Address: netip.MustParsePrefix("172.16.63.10/24")}},
		{Fact: evidence.Vantage{Interface: "eth0", Gateway: netip.MustParseAddr("172.16.63.1")}},
	}
	r := replay.New()
	r.Place(0, place)
	r.Place(0, place)
	if got := r.VIPs(); !slices.Equal(got, []netip.Addr{vip, second}) {
		t.Fatalf("%v", got)
	}
	feed(r,
		arp(t, host, router, "0002", router, "ac103f01", "ac103f0a"), // the gateway answers us
		ip(t, router, host, "01", "ac103f0a", ipHost, echo),          // our echo to a control
		ip(t, router, host2, "01", ipFar, ipHost, echo),              // somebody else's
		arp(t, host, host2, "0002", host2, "ac103f77", "ac103f0a"))   // a stranger
	items := r.Items(vip, place)
	vips := facts(items, func(f evidence.Fact) bool { v, ok := f.(evidence.Vantage); return ok && v.VIP.IsValid() })
	items = slices.DeleteFunc(items, func(it evidence.Item) bool { return it.Fact.Kind() == evidence.KindCaptured })
	if len(items) != 5 || vips != 0 && vips != 1 {
		t.Errorf("%d items: %+v", len(items), items)
	}
	for _, it := range items {
		if v, ok := it.Fact.(evidence.Vantage); ok && v.VIP == second {
			t.Error("another VIP's place")
		}
	}
	// The primary VIP that a heartbeat names was not judged there; from elsewhere
	// it is found.
	beat := heartbeat(t, "ac103ff0")
	for _, tt := range []struct {
		at   string
		want int
	}{{"eth0", 2}, {"eth1", 3}} {
		r.Frame(&evidence.Frame{Time: t0, Data: beat, Length: len(beat), Place: tt.at})
		if got := r.VIPs(); len(got) != tt.want {
			t.Errorf("a heartbeat heard at %s: VIPs %v", tt.at, got)
		}
	}
	// So it is with an interface of that name in somebody else's capture.
	r = replay.New()
	r.Place(1, place)
	for _, source := range []int{1, 2} {
		r.Frame(&evidence.Frame{Time: t0, Data: beat, Length: len(beat), Place: "eth0", Source: source})
		if got := r.VIPs(); len(got) != 1+source {
			t.Errorf("a heartbeat in capture %d: VIPs %v", source, got)
		}
	}
	// With VIPs of the user's own, those of the note are not judged.
	r = replay.New(second)
	r.Place(0, place)
	if got := r.VIPs(); !slices.Equal(got, []netip.Addr{second}) {
		t.Errorf("%v", got)
	}
}

// Each different answer is told once, and a diagnosis is worth a look only when
// something was heard.
func TestToldOnce(t *testing.T) {
	r := replay.New()
	var told []event.Answer
	r.Heard = func(a event.Answer) { told = append(told, a) }
	one := arp(t, router, host, "0002", cluster, ipVIP, "ac103f01")
	two := arp(t, router, host2, "0002", cluster, ipVIP, "ac103f01")
	feed(r, one, one, two, arp(t, all, host, "0001", cluster, ipVIP, ipVIP), one)
	if len(told) != 2 || told[0].VIP != vip || told[1].ARP.EthSrc != (mac.Addr{0, 0x15, 0x5d, 0, 0, 2}) {
		t.Errorf("told %+v", told)
	}
	if !r.Changed(vip) || r.Changed(vip) {
		t.Error("changed, and no more")
	}
	feed(r, arp(t, host, host2, "0002", host2, ipHost, "ac103f01"))
	if r.Changed(vip) {
		t.Error("a stranger's ARP changes nothing")
	}
	r.Frame(&evidence.Frame{Time: t0.Add(time.Minute), Data: one, Length: len(one), Place: "x"})
	if !r.Changed(vip) {
		t.Error("another answer changes something")
	}
}

// Whoever invents VIPs, hosts and questions cannot make it keep more than its
// bounds, nor hide the VIP that is there.
func TestBounds(t *testing.T) {
	r := replay.New()
	answer := arp(t, router, host, "0002", cluster, ipVIP, "ac103f01")
	feed(r, answer)
	ask := arp(t, all, router, "0001", router, "ac103f01", ipVIP)
	invented := arp(t, all, host2, "0001", host2, ipHost, ipFar)
	claim := arp(t, router, host2, "0002", cluster, ipHost, "ac103f01")
	const flood = 50_000
	for n := range flood {
		binary.BigEndian.PutUint32(invented[28:], 0x0b000000+uint32(n))
		binary.BigEndian.PutUint32(invented[38:], 0x0c000000+uint32(n))
		feed(r, invented)
		if n%20 == 0 {
			binary.BigEndian.PutUint32(claim[28:], 0x0d000000+uint32(n))
			feed(r, claim)
		}
	}
	feed(r, ask, answer)
	if n := len(r.VIPs()); n != replay.MaxVIPs || r.Seen().More == 0 {
		t.Errorf("%d VIPs, %d signs of more", n, r.Seen().More)
	}
	items := r.Items(vip, nil)
	if n := facts(items, asks); n != 1 {
		t.Errorf("the question was heard %d times", n)
	}
	kept := 0
	for _, v := range r.VIPs() {
		kept += len(r.Items(v, nil))
	}
	if kept > 10*replay.MaxVIPs {
		t.Errorf("%d items kept", kept)
	}
}

// Of too many VIPs those stay, or get in, that most speaks against.
func TestTheWorstVIPsStay(t *testing.T) {
	claim := func(n uint32, at string) []byte {
		b := arp(t, router, host2, "0002", at, ipHost, "ac103f01")
		binary.BigEndian.PutUint32(b[28:], n)
		return b
	}
	const mine, first = 0x0d000001, 0x0e000001
	for name, tt := range map[string]struct {
		frames [][]byte
		kept   bool
	}{
		"two MACs":      {[][]byte{claim(mine, cluster), claim(mine, "03bf0d000001")}, true},
		"one MAC":       {[][]byte{claim(mine, cluster), claim(mine, cluster)}, false},
		"ten asks":      {append(slices.Repeat([][]byte{arp(t, all, router, "0001", router, "ac103f01", "0d000001")}, 10), claim(mine, cluster), claim(mine, cluster)), true},
		"packets to it": {[][]byte{ip(t, cluster, router, "11", ipFar, "0d000001", tcpACK)}, false},
	} {
		for _, before := range []bool{false, true} {
			r := replay.New()
			if before {
				feed(r, tt.frames...)
			}
			for n := range uint32(replay.MaxVIPs + 500) {
				feed(r, claim(first+n, cluster))
			}
			if !before {
				feed(r, tt.frames...)
			}
			vips := r.VIPs()
			got := slices.Contains(vips, netip.MustParseAddr("13.0.0.1"))
			want := tt.kept || before && name != "packets to it"
			if got != want || len(vips) != replay.MaxVIPs || r.Seen().More < 500 {
				t.Errorf("%s, before the others %v: it is there %v, of %d; %d signs of more", name, before, got, len(vips), r.Seen().More)
			}
			if got && tt.kept && facts(r.Items(netip.MustParseAddr("13.0.0.1"), nil), func(evidence.Fact) bool { return true }) < len(tt.frames)-1 {
				t.Errorf("%s: %d items", name, len(r.Items(netip.MustParseAddr("13.0.0.1"), nil)))
			}
		}
	}
}

// A frame that is no evidence costs no allocation.
func TestNoAllocation(t *testing.T) {
	r := replay.New()
	feed(r, arp(t, router, host, "0002", cluster, ipVIP, "ac103f01"))
	for name, b := range map[string][]byte{
		"TCP":       ip(t, router, host, "06", ipHost, ipFar, tcpACK),
		"SYN":       ip(t, router, host, "06", ipHost, ipFar, tcpSYN),
		"UDP":       ip(t, router, host, "11", ipHost, ipFar, tcpACK),
		"ping":      ip(t, router, host, "01", ipHost, ipFar, echo),
		"multicast": ip(t, "01005e000001", host, "11", ipHost, "e0000001", tcpACK),
		"IPv6":      unhex(t, router+host+"86dd"+strings.Repeat("60", 40)),
	} {
		f := &evidence.Frame{Time: t0, Data: b, Length: len(b)}
		if n := testing.AllocsPerRun(100, func() { r.Frame(f) }); n > 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

// A copy of a frame, as a capture of all interfaces of a bridge holds it, is not
// counted; the same frame a little later is another one, and so is one with other
// bytes.
func TestCopies(t *testing.T) {
	one, two := arp(t, router, host, "0002", cluster, ipVIP, "ac103f01"), arp(t, router, host2, "0002", cluster, ipVIP, "ac103f01")
	for _, tt := range []struct {
		name  string
		after []time.Duration // of copies of one
		want  int
	}{
		{"alone", nil, 1},
		{"at each port of a bridge", []time.Duration{10 * time.Microsecond, 60 * time.Microsecond}, 1},
		{"asked again", []time.Duration{time.Millisecond}, 2},
		{"time runs backwards", []time.Duration{-10 * time.Microsecond}, 2},
	} {
		r := replay.New(vip)
		put := func(b []byte, at time.Duration, place string) {
			r.Frame(&evidence.Frame{Time: t0.Add(at), Data: b, Length: len(b), Place: place})
		}
		put(one, 0, "a")
		put(two, 5*time.Microsecond, "a")
		for _, at := range tt.after {
			put(one, at, "b")
		}
		n := 0
		for _, it := range r.Items(vip, nil) {
			if a, ok := it.Fact.(evidence.ARP); ok && a.EthSrc == mac.From([]byte{0, 0x15, 0x5d, 0, 0, 1}) {
				n += it.Count
			}
		}
		if n != tt.want {
			t.Errorf("%s: %d, want %d", tt.name, n, tt.want)
		}
	}
}

// Hosts in IGMP mode report the group of their primary VIP by IGMPv1: that shows a
// VIP. Other groups, and other versions, do not.
func TestReports(t *testing.T) {
	for _, tt := range []struct {
		name        string
		kind        igmpmsg.Type
		from, group string
		want        bool
	}{
		{"as NLB does", igmpmsg.ReportV1, "172.16.63.241", "239.255.63.241", true},
		{"IGMPv2", igmpmsg.ReportV2, "172.16.63.241", "239.255.63.241", false},
		{"another host's group", igmpmsg.ReportV1, "172.16.63.241", "239.255.63.242", false},
		{"SSDP", igmpmsg.ReportV1, "172.16.255.250", "239.255.255.250", false},
		{"from nobody", igmpmsg.ReportV1, "0.0.0.0", "239.255.0.0", false},
	} {
		r := replay.New()
		b, err := igmpmsg.Message{Type: tt.kind, Group: netip.MustParseAddr(tt.group)}.AppendFrame(nil, igmpmsg.Sender{MAC: mac.Addr{0, 0x15, 0x5d, 0, 0, 1}, IP: netip.MustParseAddr(tt.from)})
		if err != nil {
			t.Fatal(err)
		}
		feed(r, b)
		if got := len(r.VIPs()) == 1; got != tt.want {
			t.Errorf("%s: VIPs %v", tt.name, r.VIPs())
		}
	}
}

// A VIP that asks for another one is no router: what it claims for itself stands with
// it alone. A host that asks may be one.
func TestWhoAsksMayBeARouter(t *testing.T) {
	const ip2, ipRouter = "ac103ff2", "ac103f01"
	second := netip.MustParseAddr("172.16.63.242")
	for _, tt := range []struct {
		name, asker, to string
		want            int // claims of the asker's beside the other VIP
	}{
		{"a VIP of the cluster", ip2, all, 0},
		{"a host", ipFar, all, 1},
		{"a host that renews its entry", ipFar, host, 0},
	} {
		r := replay.New()
		feed(r,
			arp(t, router, host, "0002", cluster, ipVIP, ipRouter),
			arp(t, router, host2, "0002", cluster, ip2, ipRouter),
			arp(t, tt.to, router, "0001", router, tt.asker, ipVIP),
			arp(t, host, router, "0002", router, tt.asker, ipRouter))
		claims := facts(r.Items(vip, nil), func(f evidence.Fact) bool {
			a, ok := f.(evidence.ARP)
			return ok && a.Op == evidence.Reply && a.SenderIP == netip.AddrFrom4([4]byte(unhex(t, tt.asker)))
		})
		if claims != tt.want {
			t.Errorf("%s: %d claims of the asker's are told of the VIP, want %d", tt.name, claims, tt.want)
		}
		if r.Items(second, nil) == nil {
			t.Errorf("%s: the second VIP was not found", tt.name)
		}
	}
}

// What was heard of addresses that are no VIPs counts for as long as it is kept: an
// address of which more is heard again and again does not keep all of it for nothing.
func TestMaybeIsBounded(t *testing.T) {
	const hosts, each = 200, 300
	r := replay.New()
	claim := func(mac string, ip, to uint32) []byte {
		b := arp(t, router, host, "0002", mac, ipHost, ipFar)
		binary.BigEndian.PutUint32(b[28:], ip)
		binary.BigEndian.PutUint32(b[38:], to)
		return b
	}
	for n := range uint32(each) {
		for h := range uint32(hosts) {
			feed(r, claim(host, 0x0d000000+h, 0x0e000000+n))
			if h%4 == 0 { // others come, and nothing more is heard of them
				feed(r, claim(host, 0x0f000000+n*hosts+h, 0x0e000000))
			}
		}
	}
	for h := range uint32(hosts) {
		feed(r, claim(cluster, 0x0d000000+h, 0x0e000000))
	}
	kept := 0
	for _, v := range r.VIPs() {
		kept += facts(r.Items(v, nil), func(f evidence.Fact) bool { a, ok := f.(evidence.ARP); return ok && a.SenderIP == v })
	}
	if n := len(r.VIPs()); n != hosts || kept < hosts || kept > 20_000 {
		t.Errorf("%d VIPs, %d sightings kept of %d", n, kept, hosts*each)
	}
}

// A copy is known among the 64 frames of evidence before it, whatever their bytes.
func TestCopiesOfLate(t *testing.T) {
	const source, recent = 0x0d000001, 64
	for _, between := range []int{0, 1, recent - 1, recent} {
		r := replay.New(vip)
		at := t0
		put := func(from uint32) {
			b := arp(t, all, router, "0001", router, ipHost, ipVIP)
			binary.BigEndian.PutUint32(b[28:], from)
			r.Frame(&evidence.Frame{Time: at, Data: b, Length: len(b), Place: "x"})
			at = at.Add(time.Microsecond)
		}
		for n := range uint32(1000) { // whatever was before
			put(0x0c000000 + n)
		}
		put(source)
		for n := range between {
			put(source + 1 + uint32(n))
		}
		put(source)
		n := facts(r.Items(vip, nil), func(f evidence.Fact) bool {
			a, ok := f.(evidence.ARP)
			return ok && a.SenderIP == netip.AddrFrom4([4]byte{13, 0, 0, 1})
		})
		want := 1
		if between == recent {
			want = 2
		}
		if n != want {
			t.Errorf("%d between: counted %d times, want %d", between, n, want)
		}
	}
}

// Of VIPs that the caller names there is no bound: each has its evidence.
func TestNamedVIPsAreNotBounded(t *testing.T) {
	const more = 3000
	var vips []netip.Addr
	for n := range uint32(replay.MaxVIPs + more) {
		vips = append(vips, netip.AddrFrom4([4]byte(binary.BigEndian.AppendUint32(nil, 0x0d000000+n))))
	}
	r := replay.New(vips...)
	for _, v := range vips {
		for _, node := range []string{host, host2} {
			b := arp(t, router, node, "0002", cluster, ipVIP, ipFar)
			copy(b[28:], v.AsSlice())
			feed(r, b, b, b)
		}
	}
	if n := len(r.VIPs()); n != len(vips) || r.Seen().More > 0 {
		t.Fatalf("%d VIPs of %d, %d signs of more", n, len(vips), r.Seen().More)
	}
	for _, v := range vips {
		if n := facts(r.Items(v, nil), func(f evidence.Fact) bool { return f.Kind() == evidence.KindARPReply }); n != 6 {
			t.Fatalf("%v: %d answers", v, n)
		}
	}
}

// An announcement is what the VIP says of itself, and no answer to it.
func TestAnnouncementIsKeptOnce(t *testing.T) {
	r := replay.New(vip)
	feed(r, arp(t, all, host, "0002", cluster, ipVIP, ipVIP))
	if n := facts(r.Items(vip, nil), func(f evidence.Fact) bool { _, ok := f.(evidence.ARP); return ok }); n != 1 {
		t.Errorf("it is kept %d times", n)
	}
}
