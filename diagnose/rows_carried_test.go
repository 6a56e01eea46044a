package diagnose

import (
	"strings"
	"testing"

	"github.com/nlbprobe/nlbprobe/evidence"
	"github.com/nlbprobe/nlbprobe/mac"
)

// carriedStories are captures that hold no ARP for the VIP.
func carriedStories() []story {
	to := func(m mac.Addr) step {
		return passes(stranger, client).traffic(func(f *evidence.Traffic) { f.EthDst = m })
	}
	sends := func(from mac.Addr) step {
		return passes(from, vip).traffic(func(f *evidence.Traffic) { f.EthDst, f.Dst = stranger, client })
	}
	isAt := func(m mac.Addr, mode Mode) func(*testing.T, Diagnosis) {
		return func(t *testing.T, d Diagnosis) {
			if d.Cluster.MAC != m || !d.Cluster.HasMAC || d.Cluster.Mode != mode {
				t.Errorf("cluster %+v", d.Cluster)
			}
		}
	}
	return []story{
		{
			name:    "clients' packets to a cluster MAC",
			steps:   []step{passes(stranger, client), passes(routerMAC, remote)},
			verdict: Seen, severity: Info,
			want:  []string{idCarried},
			near:  []string{idSilent, idFloods, idRouterUntested},
			check: isAt(multicast, Multicast),
		},
		{
			name:    "clients' packets to a cluster in IGMP mode",
			steps:   []step{to(igmp)},
			verdict: Seen, severity: Info,
			want: []string{idCarried, idNotProven},
			check: func(t *testing.T, d Diagnosis) {
				isAt(igmp, IGMPMulticast)(t, d)
				if d.Cluster.Group.String() != "239.255.63.241" {
					t.Errorf("group %v", d.Cluster.Group)
				}
			},
		},
		{
			name:    "clients' packets to a hand-set group MAC",
			steps:   []step{to(example)},
			verdict: Seen, severity: Info,
			want:  []string{idCarried, idUnproven},
			near:  []string{idHandSet},
			check: isAt(example, ModeUnknown),
		},
		{
			name:    "packets to a group MAC that somebody made up",
			steps:   []step{to(hw("01:02:03:04:05:06"))},
			verdict: Seen, severity: Info,
			want:  []string{idCarried, idUnproven},
			check: isAt(hw("01:02:03:04:05:06"), ModeUnknown),
		},
		{
			name:    "packets to a cluster MAC of another primary VIP",
			steps:   []step{to(hw("03:bf:ac:10:3f:f2"))},
			verdict: Seen, severity: Info,
			want:  []string{idCarried, idUnproven},
			near:  []string{idOtherVIP},
			check: isAt(hw("03:bf:ac:10:3f:f2"), ModeUnknown),
		},
		{
			name: "packets to a cluster MAC of another primary VIP, which heartbeats name",
			steps: []step{to(hw("03:bf:ac:10:3f:f2")), passes(node1, client).traffic(func(f *evidence.Traffic) { f.EthDst, f.Src, f.Dst = routerMAC, vip, client }),
				beat(node1, 1).beat(func(h *evidence.Heartbeat) { h.Cluster, h.EthDst, h.Dedicated = second, hw("03:bf:ac:10:3f:f2"), vip })},
			verdict: Seen, severity: Info,
			want:  []string{idCarried},
			near:  []string{idUnproven},
			check: isAt(hw("03:bf:ac:10:3f:f2"), Multicast),
		},
		{
			// BFD on the links of an aggregate.
			name:    "packets to the MAC of another protocol",
			steps:   []step{to(hw("01:00:5e:90:00:01"))},
			verdict: Seen, severity: Info,
			want:  []string{idCarried, idOtherGroup},
			near:  []string{idUnproven},
			check: isAt(hw("01:00:5e:90:00:01"), OtherMulticast),
		},
		{
			name:    "packets to a MAC that begins with 02-bf by chance",
			steps:   []step{to(hw("02:bf:9c:11:22:33"))},
			verdict: Silent, severity: Unknown,
			want: []string{idSilent},
			near: []string{idCarried, idMasked},
		},
		{
			name:    "replies of two hosts in unicast mode",
			steps:   []step{sends(masked1), sends(masked2)},
			verdict: Seen, severity: Info,
			want: []string{idCarried},
			near: []string{idSilent},
			check: func(t *testing.T, d Diagnosis) {
				c := d.Cluster
				if c.Mode != Unicast || c.HasMAC || c.DerivedFrom != vip || len(c.Hosts) != 2 || c.Hosts[0].Priority != 1 || c.Hosts[1].Priority != 2 {
					t.Errorf("cluster %+v", c)
				}
			},
		},
		{
			name:    "replies of one host in unicast mode",
			steps:   []step{sends(masked2)},
			verdict: Seen, severity: Info,
			want: []string{idCarried},
			check: func(t *testing.T, d Diagnosis) {
				if text := evidenceOf(d, idCarried); d.Cluster.Mode != Unicast || len(d.Cluster.Hosts) != 1 || !strings.Contains(text, "would look the same") {
					t.Errorf("cluster %+v, evidence %q", d.Cluster, text)
				}
			},
		},
		{
			name:    "replies of a secondary VIP, of two hosts in unicast mode",
			steps:   []step{sends(hw("02:01:ac:10:3f:f2")), sends(hw("02:03:ac:10:3f:f2"))},
			verdict: Seen, severity: Info,
			want: []string{idCarried},
			check: func(t *testing.T, d Diagnosis) {
				if c := d.Cluster; c.Mode != Unicast || c.DerivedFrom != second || len(c.Hosts) != 2 || c.Hosts[1].Priority != 3 {
					t.Errorf("cluster %+v", c)
				}
			},
		},
		{
			// It may forward, or have its MAC by chance.
			name:    "packets of an address from a MAC of a masked source's form with other bytes",
			steps:   []step{sends(hw("02:01:ac:10:3f:f2"))},
			verdict: Seen, severity: Info,
			want: []string{idCarried},
			check: func(t *testing.T, d Diagnosis) {
				if c := d.Cluster; c.Mode != ModeUnknown || len(c.Hosts) != 0 {
					t.Errorf("cluster %+v", c)
				}
			},
		},
		{
			// Frames are addressed to it: it is an adapter with a MAC of its own IP.
			name:    "both directions of an adapter whose MAC was made of its own IP",
			steps:   []step{sends(masked2), to(masked2)},
			verdict: Seen, severity: Info,
			want: []string{idCarried},
			check: func(t *testing.T, d Diagnosis) {
				if c := d.Cluster; c.Mode != ModeUnknown || len(c.Hosts) != 0 {
					t.Errorf("cluster %+v", c)
				}
			},
		},
		{
			name:    "both directions of a cluster in unicast mode",
			steps:   []step{sends(masked2), to(unicast)},
			verdict: Seen, severity: Info,
			want: []string{idCarried},
			check: func(t *testing.T, d Diagnosis) {
				isAt(unicast, Unicast)(t, d)
				if len(d.Cluster.Hosts) != 1 || d.Cluster.Hosts[0].Priority != 2 {
					t.Errorf("hosts %+v", d.Cluster.Hosts)
				}
			},
		},
		{
			name:    "packets of an ordinary host",
			steps:   []step{sends(stranger)},
			verdict: Seen, severity: Info,
			want: []string{idCarried},
			near: []string{idSilent},
			check: func(t *testing.T, d Diagnosis) {
				if d.Cluster.Mode != ModeUnknown || d.Cluster.HasMAC {
					t.Errorf("cluster %+v", d.Cluster)
				}
			},
		},
		{
			name:    "somebody's answer to the VIP",
			steps:   []step{has(gateway, routerMAC).change(func(a *evidence.ARP) { a.TargetIP = vip })},
			verdict: Silent, severity: Unknown,
			want: []string{idSilent},
			check: func(t *testing.T, d Diagnosis) {
				if f := findingOf(t, d, idSilent); strings.Contains(f.Summary, "Nothing was seen") || !strings.Contains(strings.Join(f.Evidence, "\n"), "1 frame for it") {
					t.Errorf("%+v", f)
				}
			},
		},
		{
			name:    "packets to a hand-set group MAC, to which the cluster's heartbeats go",
			steps:   []step{to(example), beat(node1, 1).beat(func(h *evidence.Heartbeat) { h.EthDst = example })},
			verdict: Seen, severity: Info,
			want: []string{idCarried},
			near: []string{idUnproven},
			check: func(t *testing.T, d Diagnosis) {
				isAt(example, Multicast)(t, d)
				if !d.Cluster.Answered {
					t.Errorf("cluster %+v", d.Cluster)
				}
			},
		},
		{
			name:    "frames of the VIP from a group address",
			steps:   []step{sends(multicast)},
			verdict: Silent, severity: Unknown,
			want: []string{idSilent},
			near: []string{idCarried},
		},
		{
			name:    "a virtual router that only says hello",
			steps:   []step{hello(client, true).hello(func(h *evidence.Hello) { h.Virtual = vip })},
			verdict: Seen, severity: OK,
			want:  []string{idCarried, idFirstHop, idPair, idRouterUntested},
			near:  []string{idSilent},
			check: isAt(virtualMAC, None),
		},
		{
			name:    "a router of a pair that only says hello",
			steps:   []step{hello(vip, false).hello(func(h *evidence.Hello) { h.EthSrc = stranger })},
			verdict: Seen, severity: Info,
			want: []string{idCarried, idPair, idRouterUntested},
			near: []string{idFirstHop},
		},
		{
			// It was asked and did not answer: that others hear it is no answer.
			name:    "packets of the VIP, and our question",
			steps:   live(sends(stranger)),
			verdict: Silent, severity: Unknown,
			want: []string{idSilent, idRouterUntested},
			near: []string{idCarried},
		},
		{
			// Which of the two is right nobody says.
			name:    "clients' packets to two cluster MACs",
			steps:   []step{to(unicast), to(multicast)},
			verdict: Seen, severity: Info,
			want: []string{idCarried},
			check: func(t *testing.T, d Diagnosis) {
				if d.Cluster.HasMAC || d.Cluster.Mode != ModeUnknown {
					t.Errorf("cluster %+v", d.Cluster)
				}
			},
		},
		{
			name:    "packets for the VIP in others' frames",
			steps:   []step{to(stranger), to(mac.Broadcast), to(masked1)},
			verdict: Silent, severity: Unknown,
			want: []string{idSilent},
			near: []string{idCarried},
		},
		{
			// ARP says where it is, and that counts.
			name:    "an answer, and packets to another cluster MAC",
			steps:   []step{answer(node1, multicast), to(unicast)},
			verdict: Seen, severity: Warning,
			want:  []string{idGroupMAC, idRouterUntested},
			near:  []string{idCarried},
			check: isAt(multicast, Multicast),
		},
		{
			// Somebody reaches it, but it does not answer us.
			name:    "packets to a cluster MAC, and our question",
			steps:   live(passes(stranger, client)),
			verdict: Silent, severity: Unknown,
			want: []string{idSilent, idRouterUntested},
			near: []string{idCarried},
		},
	}
}
