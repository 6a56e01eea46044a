package diagnose

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/nlbprobe/nlbprobe/evidence"
	"github.com/nlbprobe/nlbprobe/mac"
)

func clusterStories() []story {
	ofSecond := hw("03:bf:ac:10:3f:f2")
	return []story{
		{
			name:    "a secondary VIP",
			steps:   live(answer(node1, ofSecond)),
			verdict: Answers, severity: Warning,
			want: []string{idGroupMAC, idOtherVIP, idRouterUntested},
			near: []string{idHandSet, idIGMPOtherVIP, idUnproven},
			check: func(t *testing.T, d Diagnosis) {
				if d.Cluster.DerivedFrom != second {
					t.Errorf("derived from %v", d.Cluster.DerivedFrom)
				}
			},
		},
		{
			name:    "Cisco's example",
			steps:   live(answer(node1, example), answer(node2, example)),
			verdict: Answers, severity: Warning,
			want: []string{idGroupMAC, idHandSet, idUnproven, idSeveralHosts, idRouterUntested},
			near: []string{idOtherVIP, idCARP, idOtherGroup},
			check: func(t *testing.T, d Diagnosis) {
				if d.Cluster.Mode != Multicast || d.Cluster.DerivedFrom.IsValid() {
					t.Errorf("cluster %+v", d.Cluster)
				}
			},
		},
		{
			name:    "IGMP mode",
			steps:   live(answer(node1, igmp)),
			verdict: Answers, severity: Warning,
			want: []string{idGroupMAC, idRouterUntested, idNotProven},
			near: []string{idIGMPOtherVIP, idCARP, idHandSet, idNoReport, idNoQuerier},
			check: func(t *testing.T, d Diagnosis) {
				// Two bytes agree; that reveals no address.
				if d.Cluster.Mode != IGMPMulticast || d.Cluster.DerivedFrom.IsValid() || d.Cluster.Group != netip.MustParseAddr("239.255.63.241") {
					t.Errorf("cluster %+v", d.Cluster)
				}
			},
		},
		{
			// A secondary VIP, a group set by hand, or a pair of firewalls.
			name:    "IGMP mode's form with another VIP's bytes",
			steps:   live(answer(node1, hw("01:00:5e:7f:00:01")), answer(node2, hw("01:00:5e:7f:00:01"))),
			verdict: Answers, severity: Warning,
			want: []string{idGroupMAC, idIGMPOtherVIP, idUnproven, idSeveralHosts, idRouterUntested},
			near: []string{idOtherVIP, idHandSet, idNotProven},
			check: func(t *testing.T, d Diagnosis) {
				if c := d.Cluster; c.Mode != ModeUnknown || c.Group.IsValid() || !c.Answered {
					t.Errorf("cluster %+v", c)
				}
			},
		},
		{
			name: "IGMP mode, a secondary VIP of the primary that heartbeats name",
			steps: live(answer(node1, hw("01:00:5e:7f:3f:f2")), beat(node1, 1).beat(func(h *evidence.Heartbeat) {
				h.Cluster, h.EthDst = second, hw("01:00:5e:7f:3f:f2")
			})),
			verdict: Answers, severity: Warning,
			want: []string{idGroupMAC, idIGMPOtherVIP, idRouterUntested, idNotProven, idFloods},
			near: []string{idUnproven},
			check: func(t *testing.T, d Diagnosis) {
				if c := d.Cluster; c.Mode != IGMPMulticast || c.Group != netip.MustParseAddr("239.255.63.242") {
					t.Errorf("cluster %+v", c)
				}
			},
		},
		{
			name:    "a group MAC of another IP group, and a host of the cluster reports that group",
			steps:   live(answer(node1, hw("01:00:5e:01:01:01")), reports(node1, node1IP).igmp(func(m *evidence.IGMP) { m.Group, m.To = mustAddr("224.1.1.1"), mustAddr("224.1.1.1") })),
			verdict: Answers, severity: Warning,
			want: []string{idGroupMAC, idHandSet, idUnproven, idRouterUntested, idNotProven, idJoined},
			check: func(t *testing.T, d Diagnosis) {
				if c := d.Cluster; c.Mode != IGMPMulticast || c.Group != netip.MustParseAddr("224.1.1.1") {
					t.Errorf("cluster %+v", c)
				}
			},
		},
		{
			// That somebody watches a group of that MAC says nothing of the cluster.
			name:    "a group MAC of another IP group, and another host reports that group",
			steps:   live(answer(node1, hw("01:00:5e:01:01:01")), reports(stranger, client).igmp(func(m *evidence.IGMP) { m.Group, m.To = mustAddr("239.1.1.1"), mustAddr("239.1.1.1") })),
			verdict: Answers, severity: Warning,
			want: []string{idGroupMAC, idHandSet, idUnproven, idRouterUntested},
			check: func(t *testing.T, d Diagnosis) {
				if c := d.Cluster; c.Mode != ModeUnknown || c.Group.IsValid() {
					t.Errorf("cluster %+v", c)
				}
			},
		},
		{
			// Cisco's Nexus example: an IP group's MAC that NLB does not derive.
			name:    "a group MAC of another IP group",
			steps:   live(answer(node1, hw("01:00:5e:01:01:01"))),
			verdict: Answers, severity: Warning,
			want: []string{idGroupMAC, idHandSet, idUnproven, idRouterUntested},
			near: []string{idIGMPOtherVIP, idCARP},
			check: func(t *testing.T, d Diagnosis) {
				if d.Cluster.Mode != ModeUnknown { // of either multicast mode
					t.Errorf("mode %v", d.Cluster.Mode)
				}
			},
		},
		{
			name:    "unicast mode",
			steps:   live(answer(masked1, unicast), answer(masked2, unicast).times(2)),
			verdict: Answers, severity: Info,
			want: []string{idMasked, idSeveralHosts, idRouterUntested},
			near: []string{idUnmasked, idGroupMAC, idSourceDiffers, idConflict, idMaskedAnswer, idOrdinary},
			check: func(t *testing.T, d Diagnosis) {
				c := d.Cluster
				if c.Mode != Unicast || c.DerivedFrom != vip || len(c.Hosts) != 2 || c.Hosts[0].Priority != 1 || c.Hosts[1].Priority != 2 || c.Hosts[1].Answers != 2 {
					t.Errorf("cluster %+v", c)
				}
			},
		},
		{
			// 02-04-96 is an Extreme Networks address, unless the rest is the VIP.
			name:    "unicast mode, priority 4 of a secondary VIP",
			steps:   live(answer(hw("02:04:96:10:3f:f2"), hw("02:bf:96:10:3f:f2"))),
			verdict: Answers, severity: Info,
			want: []string{idMasked, idOtherVIP, idRouterUntested},
			check: func(t *testing.T, d Diagnosis) {
				if d.Cluster.Hosts[0].Priority != 4 {
					t.Errorf("priority %d", d.Cluster.Hosts[0].Priority)
				}
			},
		},
		{
			name:    "unicast mode, not masked",
			steps:   live(answer(unicast, unicast)),
			verdict: Answers, severity: Warning,
			want: []string{idUnmasked, idRouterUntested},
			near: []string{idMasked, idOrdinary},
		},
		{
			name:    "unicast mode, MAC set by hand",
			steps:   live(answer(masked1, hw("02:aa:bb:cc:dd:ee"))),
			verdict: Answers, severity: Info,
			want: []string{idMasked, idHandSet, idRouterUntested},
			near: []string{idUnproven, idSourceDiffers}, // the masked source is NLB's
		},
		{
			name:    "old WLBS",
			steps:   live(answer(masked1, legacy)),
			verdict: Answers, severity: Info,
			want: []string{idLegacy, idMasked, idRouterUntested},
			near: []string{idOrdinary},
		},
		{
			// 00-bf with other bytes is a vendor's prefix like any other.
			name:    "an adapter that begins with 00-bf",
			steps:   live(answer(hw("00:bf:ac:10:3f:f2"), hw("00:bf:ac:10:3f:f2"))),
			verdict: Answers, severity: OK,
			want: []string{idOrdinary, idRouterUntested},
			near: []string{idLegacy, idOtherVIP},
		},
		{
			name:    "the masked MAC inside ARP, of a host whose heartbeats are heard",
			steps:   live(answer(masked1, masked1), beat(masked1, 1).beat(func(h *evidence.Heartbeat) { h.EthDst = mac.Broadcast })),
			verdict: Answers, severity: Warning,
			want: []string{idMaskedAnswer, idRouterUntested},
			near: []string{idUnmasked, idOrdinary},
		},
		{
			name:    "the masked MACs of two hosts inside ARP",
			steps:   live(answer(masked1, masked1), answer(masked2, masked2)),
			verdict: Conflict, severity: Critical,
			want: []string{idConflict, idMaskedAnswer, idRouterUntested},
		},
		{
			// Some clouds and scripts make an adapter's MAC of its own IP.
			name:    "an adapter whose MAC was made of its own IP, with NLB's form",
			steps:   live(answer(hw("02:05:ac:10:3f:f1"), hw("02:05:ac:10:3f:f1"))),
			verdict: Answers, severity: OK,
			want: []string{idOrdinary, idRouterUntested},
			near: []string{idMaskedAnswer, idMasked, idUnmasked},
			check: func(t *testing.T, d Diagnosis) {
				if c := d.Cluster; c.Mode != None || c.DerivedFrom.IsValid() || c.Hosts[0].Priority != 0 {
					t.Errorf("cluster %+v", c)
				}
			},
		},
		{
			name:    "an adapter whose MAC was made of its own IP, without",
			steps:   live(answer(hw("42:01:ac:10:3f:f1"), hw("42:01:ac:10:3f:f1"))),
			verdict: Answers, severity: OK,
			want: []string{idOrdinary, idRouterUntested},
			near: []string{idUnmasked},
		},
		{
			// A phone, a virtual machine, a container.
			name:    "a MAC that begins with 02-bf by chance",
			steps:   live(answer(hw("02:bf:9c:11:22:33"), hw("02:bf:9c:11:22:33"))),
			verdict: Answers, severity: OK,
			want: []string{idOrdinary, idRouterUntested},
			near: []string{idUnmasked, idOtherVIP},
			check: func(t *testing.T, d Diagnosis) {
				if c := d.Cluster; c.Mode != None || c.DerivedFrom.IsValid() {
					t.Errorf("cluster %+v", c)
				}
			},
		},
		{
			// An access point answers for a phone that sleeps.
			name:    "a MAC that begins with 02-bf by chance, and an access point answers",
			steps:   live(answer(hw("02:bf:9c:11:22:33"), hw("02:bf:9c:11:22:33")), answer(stranger, hw("02:bf:9c:11:22:33"))),
			verdict: Answers, severity: Info,
			want: []string{idOrdinary, idSourceDiffers, idSeveralHosts, idRouterUntested},
			near: []string{idMasked, idUnmasked, idOtherVIP},
		},
		{
			name:    "unicast mode, a secondary VIP, from two hosts that do not mask as NLB does",
			steps:   live(answer(node1, hw("02:bf:ac:10:3f:f2")), answer(node2, hw("02:bf:ac:10:3f:f2"))),
			verdict: Answers, severity: Info,
			want: []string{idMasked, idOtherVIP, idSeveralHosts, idRouterUntested},
		},
		{
			name: "unicast mode, not masked, a secondary VIP with heartbeats",
			steps: live(answer(hw("02:bf:ac:10:3f:f2"), hw("02:bf:ac:10:3f:f2")), beat(hw("02:bf:ac:10:3f:f2"), 1).beat(func(h *evidence.Heartbeat) {
				h.Cluster, h.EthDst = second, mac.Broadcast
			})),
			verdict: Answers, severity: Warning,
			want: []string{idUnmasked, idOtherVIP, idRouterUntested},
		},
		{
			name:    "unicast mode, not masked, a secondary VIP beside the primary",
			steps:   live(answer(hw("02:bf:ac:10:3f:f2"), hw("02:bf:ac:10:3f:f2")), has(second, hw("02:bf:ac:10:3f:f2"))),
			verdict: Answers, severity: Warning,
			want: []string{idUnmasked, idOtherVIP, idRouterUntested},
		},
		{
			name:    "unicast mode, and a router that drops the masked answers",
			steps:   live(answer(masked1, unicast), answer(masked2, unicast), has(gateway, routerMAC), echoVia(routerMAC, 7), unreachable(1, 7)),
			verdict: LocalOnly, severity: Critical,
			want: []string{idMasked, idSeveralHosts, idDoesNotReach, idChecklist},
			check: func(t *testing.T, d Diagnosis) {
				f := findingOf(t, d, idDoesNotReach)
				text := strings.Join(f.Evidence, "\n")
				if !strings.Contains(text, "a router that compares the two drops them") || !strings.Contains(text, masked1.String()) || !strings.Contains(f.Remedy, "static ARP entry") ||
					!strings.Contains(strings.Join(f.References, "; "), "36808") {
					t.Errorf("%+v", f)
				}
			},
		},
		{
			// Where source and MAC are one there is nothing to compare.
			name:    "unicast mode, not masked, and a router that does not reach it",
			steps:   live(answer(unicast, unicast), has(gateway, routerMAC), echoVia(routerMAC, 7), unreachable(1, 7)),
			verdict: LocalOnly, severity: Critical,
			want: []string{idUnmasked, idDoesNotReach, idChecklist},
			check: func(t *testing.T, d Diagnosis) {
				if text := evidenceOf(d, idDoesNotReach); strings.Contains(text, "compares") {
					t.Errorf("evidence %q", text)
				}
			},
		},
		{
			name:    "mixed modes",
			steps:   live(answer(masked1, unicast), answer(node2, multicast)),
			verdict: Conflict, severity: Critical,
			want: []string{idConflict, idMixedModes, idMasked, idGroupMAC, idRouterUntested},
			check: func(t *testing.T, d Diagnosis) {
				if d.Cluster.Mode != ModeUnknown {
					t.Errorf("mode %v out of two", d.Cluster.Mode)
				}
			},
		},
		{
			// Two clusters, or one half configured anew: one mode, two MACs.
			name:    "one mode, two primary VIPs",
			steps:   live(answer(node1, multicast), answer(node2, ofSecond)),
			verdict: Conflict, severity: Critical,
			want: []string{idConflict, idGroupMAC, idOtherVIP, idRouterUntested},
			near: []string{idMixedModes},
		},
		{
			name:    "Windows Server 2008 without KB 960916",
			steps:   live(answer(node1, multicast), asksFor(node1, multicast, vip, gateway).times(5)),
			verdict: Answers, severity: Critical,
			want: []string{idGroupMAC, idGroupRequest, idRouterUntested},
			near: []string{idRequestDiffers},
		},
	}
}

// hostStories are about what is known of each host.
func hostStories() []story {
	return []story{
		{
			name: "a node with two addresses, one with its own, one that shares",
			steps: live(answer(node1, multicast), answer(node2, multicast), answer(stranger, multicast),
				has(node1IP, node1), has(client, node1), // either may be its own
				has(node2IP, node2), has(second, node2).change(func(a *evidence.ARP) { a.SenderMAC = multicast }), // the second is another VIP
				has(us, stranger), has(us, routerMAC)), // used by two: no host's own
			verdict: Answers, severity: Warning,
			want: []string{idGroupMAC, idSeveralHosts, idRouterUntested},
			check: func(t *testing.T, d Diagnosis) {
				for _, h := range d.Cluster.Hosts {
					want := netip.Addr{}
					if h.MAC == node2 {
						want = node2IP
					}
					if h.IP != want {
						t.Errorf("%v has %v, want %v", h.MAC, h.IP, want)
					}
				}
			},
		},
		{
			// No answer was heard, but the request tells the cluster's MAC.
			name:    "passive, only a request of a node",
			steps:   []step{here(), fact(evidence.Listened{Interface: "eth0"}).from(0), asksFor(node1, multicast, vip, gateway)},
			verdict: Answers, severity: Critical,
			want: []string{idGroupRequest, idRouterUntested},
			near: []string{idGroupMAC},
			check: func(t *testing.T, d Diagnosis) {
				if !d.Cluster.HasMAC || d.Cluster.MAC != multicast || d.Cluster.Mode != Multicast || d.Cluster.Hosts[0].Answers != 0 {
					t.Errorf("cluster %+v", d.Cluster)
				}
			},
		},
	}
}

// evidenceOf returns the evidence of one finding as one text.
func evidenceOf(d Diagnosis, id string) string {
	for _, f := range d.Findings {
		if f.ID == id {
			return strings.Join(f.Evidence, "\n")
		}
	}
	return ""
}

func lookAlikeStories() []story {
	return []story{
		{
			name:    "CARP balancing",
			steps:   live(answer(node1, hw("01:00:5e:00:01:07"))),
			verdict: Answers, severity: Warning,
			want: []string{idGroupMAC, idCARP, idRouterUntested},
			near: []string{idIGMPOtherVIP, idHandSet, idUnproven, idOtherGroup},
			check: func(t *testing.T, d Diagnosis) {
				if d.Cluster.Mode != OtherMulticast {
					t.Errorf("mode %v", d.Cluster.Mode)
				}
			},
		},
		{
			name:    "a MAC kept for bridges",
			steps:   live(answer(node1, hw("01:80:c2:00:00:00"))),
			verdict: Answers, severity: Warning,
			want: []string{idGroupMAC, idOtherGroup, idRouterUntested},
			near: []string{idCARP, idUnproven},
		},
		{
			name:    "the MAC of Cisco's discovery protocol",
			steps:   live(answer(node1, hw("01:00:0c:cc:cc:cc"))),
			verdict: Answers, severity: Warning,
			want: []string{idGroupMAC, idOtherGroup, idRouterUntested},
			near: []string{idHandSet, idUnproven},
			check: func(t *testing.T, d Diagnosis) {
				if text := evidenceOf(d, idOtherGroup); d.Cluster.Mode != OtherMulticast || !strings.Contains(text, "CDP") {
					t.Errorf("mode %v, evidence %q", d.Cluster.Mode, text)
				}
			},
		},
		{
			name:    "the MAC of all IPv6 nodes",
			steps:   live(answer(node1, hw("33:33:00:00:00:01"))),
			verdict: Answers, severity: Warning,
			want: []string{idGroupMAC, idOtherGroup, idRouterUntested},
			near: []string{idHandSet, idUnproven},
		},
		{
			name:    "the MAC of 224.0.0.1",
			steps:   live(answer(node1, hw("01:00:5e:00:00:01"))),
			verdict: Answers, severity: Warning,
			want: []string{idGroupMAC, idOtherGroup, idRouterUntested},
			near: []string{idCARP, idUnproven},
		},
		{
			name:    "a virtual address of VRRP",
			steps:   live(answer(hw("00:00:5e:00:01:0a"), hw("00:00:5e:00:01:0a"))),
			verdict: Answers, severity: OK,
			want: []string{idFirstHop, idRouterUntested},
			near: []string{idProxyARP, idOrdinary, idCARP},
		},
		{
			// The gateway has the same virtual MAC: proxy ARP, or a second
			// virtual address of the group.
			name:    "the gateway's VRRP group answers",
			steps:   live(answer(hw("00:00:5e:00:01:0a"), hw("00:00:5e:00:01:0a")), has(gateway, hw("00:00:5e:00:01:0a"))),
			verdict: Answers, severity: Warning,
			want: []string{idProxyARP, idRouterUntested},
			near: []string{idFirstHop},
		},
		{
			// GLBP gives each client one of the group's MACs: no contradiction.
			name:    "GLBP",
			steps:   live(answer(hw("00:07:b4:00:05:01"), hw("00:07:b4:00:05:01")), answer(hw("00:07:b4:00:05:02"), hw("00:07:b4:00:05:02"))),
			verdict: Answers, severity: OK,
			want: []string{idFirstHop, idRouterUntested},
			near: []string{idConflict},
		},
		{
			name:    "a router of HSRP asks",
			steps:   live(answer(node1, multicast), asksFor(stranger, hw("00:00:0c:07:ac:05"), client, vip).times(4)),
			verdict: Answers, severity: Warning,
			want: []string{idGroupMAC, idOthersAsk, idRouterUntested},
			check: func(t *testing.T, d Diagnosis) {
				if len(d.Routers) != 2 || d.Routers[1].IP != client || d.Routers[1].MAC != hw("00:00:0c:07:ac:05") {
					t.Errorf("routers %+v", d.Routers)
				}
			},
		},
		{
			// Whether an ordinary asker routes cannot be told, so it is not
			// listed as a router.
			name: "a client asks",
			steps: live(answer(node1, multicast), asksFor(stranger, stranger, client, vip).from(ms),
				asksFor(stranger, stranger, client, vip).from(4*ms), asksFor(stranger, stranger, client, vip).from(time.Second)),
			verdict: Answers, severity: Warning,
			want: []string{idGroupMAC, idOthersAsk, idRouterUntested},
			check: func(t *testing.T, d Diagnosis) {
				if len(d.Routers) != 1 {
					t.Errorf("routers %+v", d.Routers)
				}
				if text := evidenceOf(d, idOthersAsk); !strings.Contains(text, "asks 3 times, at least 2 of them after") {
					t.Errorf("evidence %q", text)
				}
			},
		},
		{
			name:    "somebody is about to take the VIP",
			steps:   live(answer(node1, multicast), asksFor(stranger, stranger, netip.IPv4Unspecified(), vip)),
			verdict: Answers, severity: Warning,
			want: []string{idGroupMAC, idOthersAsk, idRouterUntested},
			near: []string{idConflict, idAnnounced},
		},
	}
}
