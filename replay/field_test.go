package replay_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nlbprobe/nlbprobe/evidence"
	"github.com/nlbprobe/nlbprobe/mac"
	"github.com/nlbprobe/nlbprobe/replay"
)

// What a capture can show of silence: a filter on one host or one protocol leaves
// out what it holds none of.
func TestCapturedSorts(t *testing.T) {
	const (
		mdns   = "01005e0000fb"
		ipMDNS = "e00000fb"
		group  = "efff3ff1"
		every  = "e0000001"
	)
	answer := arp(t, host2, host, "0002", igmp, ipVIP, ipHost)
	report := func(from string) []byte { return ip(t, igmp, host, "02", from, group, tcpACK) }
	query := ip(t, "01005e000001", router, "02", "ac103f01", every, tcpACK)
	discovery := func(src, from string) []byte { return ip(t, mdns, src, "11", from, ipMDNS, tcpACK) }
	beat2 := unhex(t, all+"0202ac103ff1"+"886f")
	cooked := func(b []byte) []byte { return append(make([]byte, 6), b[6:]...) }
	for _, tt := range []struct {
		name         string
		frames       [][]byte
		group, beats bool
	}{
		{"ARP alone", [][]byte{answer, arp(t, all, host2, "0001", host2, "ac103f16", ipHost)}, false, false},
		{"reports and a query", [][]byte{answer, report(ipVIP), query}, true, false},
		{"a query behind a tag", [][]byte{answer, report(ipHost), append(unhex(t, "01005e000001"+router+"81000014"), query[12:]...)}, true, false},
		{"a filter on the VIP: its reports, its answers", [][]byte{answer, report(ipVIP), report(ipVIP)}, false, false},
		{"a filter on a node's adapter", [][]byte{answer, report(ipHost), ip(t, router, host, "06", "ac103f16", ipFar, tcpACK)}, false, false},
		{"a filter on ARP and UDP", [][]byte{answer, discovery(host, ipHost), discovery(host2, "ac103f16"), discovery(router, "ac103f01")}, false, false},
		{"UDP to groups, and TCP", [][]byte{discovery(host, ipHost), discovery(host2, "ac103f16"), ip(t, router, host, "06", "ac103f17", ipFar, tcpACK)}, true, false},
		{"a query behind an older tag", [][]byte{answer, report(ipHost), append(unhex(t, "01005e000001"+router+"91000014"), query[12:]...)}, true, false},
		{"a filter on the VIP, at a port that several hosts share", [][]byte{arp(t, router, host2, "0002", igmp, ipVIP, "ac103f01"), report(ipVIP)}, false, false},
		{"a filter on the VIP and other protocols", [][]byte{unhex(t, router+host2+"88cc"), unhex(t, cluster+host+"88cc"), arp(t, host, host2, "0002", igmp, ipVIP, ipHost), report(ipVIP), ip(t, router, host, "06", ipVIP, ipFar, tcpACK)}, false, false},
		{"frames without a destination in a cooked capture", [][]byte{cooked(answer), cooked(report(ipHost)), cooked(query)}, true, false},
		{"broadcasts are no groups", [][]byte{ip(t, all, host, "11", ipHost, "ffffffff", tcpACK), ip(t, router, host2, "06", "ac103f17", ipFar, tcpACK)}, false, false},
		{"heartbeats of two hosts", [][]byte{heartbeat(t, ipVIP), beat2}, false, true},
		{"a filter on one host's adapter, and its heartbeats", [][]byte{heartbeat(t, ipVIP), ip(t, router, masked, "06", ipVIP, ipFar, tcpACK), heartbeat(t, ipVIP)}, false, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := replay.New(vip)
			feed(r, tt.frames...)
			r.Frame(&evidence.Frame{Time: t0.Add(time.Hour), Data: arp(t, host2, host, "0002", cluster, ipVIP, ipHost), Place: "another"})
			found := false
			for _, it := range r.Items(vip, nil) {
				c, ok := it.Fact.(evidence.Captured)
				if !ok || c.Place != "x" {
					continue
				}
				found = true
				if c.Group != tt.group || c.Beats != tt.beats {
					t.Errorf("packets to groups could be seen: %v, heartbeats: %v; want %v, %v", c.Group, c.Beats, tt.group, tt.beats)
				}
			}
			if !found {
				t.Error("nothing says when the capture was")
			}
		})
	}
}

// A capture without frames for longer than a querier waits has two parts. A clock
// that steps back a little interrupts nothing.
func TestCapturedParts(t *testing.T) {
	answer := arp(t, host2, host, "0002", cluster, ipVIP, ipHost)
	for _, tt := range []struct {
		name  string
		at    []time.Duration
		parts []time.Duration // how long each lasts
	}{
		{"a querier's pause", []time.Duration{0, 129*time.Second + 900*time.Millisecond}, []time.Duration{129*time.Second + 900*time.Millisecond}},
		{"exactly as long", []time.Duration{0, 130 * time.Second}, []time.Duration{130 * time.Second}},
		{"longer", []time.Duration{0, 130*time.Second + 1}, []time.Duration{0, 0}},
		{"three parts", []time.Duration{0, time.Second, time.Hour, time.Hour + time.Second, 2 * time.Hour}, []time.Duration{time.Second, time.Second, 0}},
		{"out of order within a second", []time.Duration{0, 900 * time.Millisecond, 100 * time.Millisecond}, []time.Duration{900 * time.Millisecond}},
		{"before the first one", []time.Duration{time.Second, 0}, []time.Duration{time.Second}},
		{"long before the first one", []time.Duration{time.Hour, 0, time.Hour + time.Second}, []time.Duration{time.Hour + time.Second}},
	} {
		r := replay.New(vip)
		for _, at := range tt.at {
			r.Frame(&evidence.Frame{Time: t0.Add(at), Data: answer, Length: len(answer), Place: "x"})
		}
		var got []time.Duration
		parts := map[int]bool{}
		for _, it := range r.Items(vip, nil) {
			if c, ok := it.Fact.(evidence.Captured); ok {
				got = append(got, it.Last.Sub(it.First))
				parts[c.Part] = true
			}
		}
		if !slices.Equal(got, tt.parts) || len(parts) != len(got) {
			t.Errorf("%s: parts of %v (%d numbers), want %v", tt.name, got, len(parts), tt.parts)
		}
	}
}

// A frame from the cluster's MAC counts whether it comes before the first answer or
// after it, and once.
func TestFromClusterMAC(t *testing.T) {
	rarp := unhex(t, all+unicast+"8035 0001 0800 06 04 0003"+unicast+"00000000"+unicast+"00000000"+strings.Repeat("00", 18))
	answer := arp(t, host, masked, "0002", unicast, ipVIP, ipHost)
	for _, tt := range []struct {
		name   string
		frames [][]byte
		want   int
	}{
		{"before", [][]byte{rarp, answer}, 1},
		{"after", [][]byte{answer, rarp}, 1},
		{"both, and more answers", [][]byte{rarp, answer, rarp, answer}, 2},
		{"another cluster's", [][]byte{rarp, arp(t, host, "020163646566", "0002", "02bf63646566", "63646566", ipHost)}, 0},
		{"ARP of another address", [][]byte{answer, arp(t, all, unicast, "0001", unicast, "ac103f0b", "ac103f01")}, 1},
		{"ARP of another address, of who masks", [][]byte{answer, arp(t, all, masked, "0001", unicast, "ac103f0b", "ac103f01")}, 0},
	} {
		for _, r := range []*replay.Replay{replay.New(), replay.New(vip)} {
			feed(r, tt.frames...)
			n := 0
			for _, it := range r.Items(vip, nil) {
				switch f := it.Fact.(type) {
				case evidence.Traffic:
					if f.EthSrc == mac.From(unhex(t, unicast)) {
						n += it.Count
					}
				case evidence.ARP:
					if f.EthSrc == mac.From(unhex(t, unicast)) {
						n += it.Count
					}
				}
			}
			if n != tt.want {
				t.Errorf("%s: %d frames from the cluster's MAC, want %d", tt.name, n, tt.want)
			}
		}
	}
}

// A bridge that is captured at all of its ports sends others' frames on; what it
// sends of its own was never heard before.
func TestBridge(t *testing.T) {
	answer := arp(t, router, host, "0002", cluster, ipVIP, "ac103f01")
	tagged := append(append(unhex(t, router+host), 0x81, 0, 0, 20), answer[12:]...)
	cooked := append(unhex(t, "000000000000"), answer[6:]...)
	for _, tt := range []struct {
		name string
		sent [][]byte // after the answer came in
		own  bool     // it is this host's answer: it was sent first
		want int
	}{
		{"forwarded", [][]byte{answer}, false, 1},
		{"forwarded, with a tag", [][]byte{tagged}, false, 1},
		{"forwarded, without a destination in a cooked capture", [][]byte{cooked}, false, 1},
		{"this host's own", [][]byte{answer}, true, 0},
	} {
		r := replay.New(vip)
		put := func(b []byte, at time.Duration, out bool) {
			r.Frame(&evidence.Frame{Time: t0.Add(at), Data: b, Length: len(b), Place: "any", Out: out})
		}
		put(answer, 0, tt.own)
		for _, b := range tt.sent {
			put(b, 20*time.Microsecond, true)
			put(b, time.Second, true) // later again, and what came in was lost
		}
		heard, own := 0, 0
		for _, it := range r.Items(vip, nil) {
			if a, ok := it.Fact.(evidence.ARP); ok {
				if a.Out {
					own += it.Count
				} else {
					heard += it.Count
				}
			}
		}
		if want := tt.want * 2; heard != want || own > 0 != tt.own {
			t.Errorf("%s: %d of others, %d of this host; want %d of others, own %v", tt.name, heard, own, want, tt.own)
		}
	}
}

// A run's own capture says which frames its host sent, and is believed.
func TestRunOnABridge(t *testing.T) {
	r := replay.New(vip)
	r.Place(0, []evidence.Item{{Fact: evidence.Vantage{Interface: "br0", VIP: vip}}})
	answer := arp(t, router, host, "0002", cluster, ipVIP, "ac103f01")
	for n := range 3 {
		r.Frame(&evidence.Frame{Time: t0.Add(time.Duration(n) * time.Second), Data: answer, Length: len(answer), Place: "br0", Out: n > 0})
	}
	heard := facts(r.Items(vip, nil), func(f evidence.Fact) bool { a, ok := f.(evidence.ARP); return ok && !a.Out })
	if heard != 1 {
		t.Errorf("%d answers were heard, want the one that came in", heard)
	}
}
