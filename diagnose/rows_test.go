package diagnose

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/nlbprobe/nlbprobe/evidence"
	"github.com/nlbprobe/nlbprobe/mac"
)

// story is what happened, and what is to be made of it.
type story struct {
	name     string
	steps    []step
	verdict  Verdict
	severity Severity
	want     []string // the ids of all findings, in any order
	near     []string // ids that the story comes close to and must not give
	check    func(*testing.T, Diagnosis)
}

func stories() []story {
	out := make([]story, 0, 64)
	out = append(out, answerStories()...)
	out = append(out, clusterStories()...)
	out = append(out, lookAlikeStories()...)
	return append(out, observerStories()...)
}

func answerStories() []story {
	return []story{
		{
			name:    "multicast mode, two nodes",
			steps:   live(answer(node1, multicast), answer(node2, multicast), has(gateway, routerMAC), has(node1IP, node1)),
			verdict: Answers, severity: Warning,
			want: []string{idGroupMAC, idSeveralHosts, idRouterUntested},
			// Different Ethernet sources with one sender MAC are a cluster, not
			// a duplicate address; and the derived MAC was not set by hand.
			near: []string{idConflict, idHandSet, idUnproven, idSourceDiffers, idOtherVIP, idOffLink, idOtherGroup},
			check: func(t *testing.T, d Diagnosis) {
				c := d.Cluster
				if !c.HasMAC || c.MAC != multicast || c.Mode != Multicast || c.DerivedFrom != vip || c.Group.IsValid() {
					t.Errorf("cluster %+v", c)
				}
				if len(c.Hosts) != 2 || c.Hosts[0] != (Host{MAC: node1, SenderMAC: multicast, IP: node1IP, Answers: 1, First: dawn.Add(2 * ms)}) {
					t.Errorf("hosts %+v", c.Hosts)
				}
				if len(d.Routers) != 1 || d.Routers[0].IP != gateway || d.Routers[0].MAC != routerMAC || d.Routers[0].Reach != NotLearnt {
					t.Errorf("routers %+v", d.Routers)
				}
			},
		},
		{
			name:    "an ordinary host",
			steps:   live(answer(stranger, stranger)),
			verdict: Answers, severity: OK,
			want: []string{idOrdinary, idRouterUntested},
			near: []string{idGroupMAC, idProxyARP, idSilent, idFirstHop, idUnmasked, idSeveralHosts},
			check: func(t *testing.T, d Diagnosis) {
				if d.Cluster.Mode != None || d.Cluster.MAC != stranger || d.Cluster.DerivedFrom.IsValid() {
					t.Errorf("cluster %+v", d.Cluster)
				}
			},
		},
		{
			name:    "a duplicate address",
			steps:   live(answer(stranger, stranger), answer(node1, node1)),
			verdict: Conflict, severity: Critical,
			want: []string{idConflict, idOrdinary, idRouterUntested},
			near: []string{idMixedModes, idSeveralHosts, idVLANs}, // two adapters are no two NLB modes
			check: func(t *testing.T, d Diagnosis) {
				if d.Cluster.HasMAC {
					t.Errorf("one MAC %v out of two", d.Cluster.MAC)
				}
				for _, m := range []mac.Addr{stranger, node1} {
					if !strings.Contains(strings.Join(d.Findings[0].Evidence, "\n"), m.String()) {
						t.Errorf("%v is not named in %q", m, d.Findings[0].Evidence)
					}
				}
			},
		},
		{
			// The same pair, but the second begins long after the first ended:
			// still a contradiction for whoever kept the first, and the evidence
			// says that it may have been a change.
			name:    "a change while we listen",
			steps:   live(answer(stranger, stranger), answer(node1, node1).from(8*time.Second)),
			verdict: Conflict, severity: Critical,
			want: []string{idConflict, idOrdinary, idRouterUntested},
			check: func(t *testing.T, d Diagnosis) {
				if !strings.Contains(strings.Join(d.Findings[0].Evidence, "\n"), "do not overlap") {
					t.Errorf("the change is not mentioned in %q", d.Findings[0].Evidence)
				}
			},
		},
		{
			name:    "one MAC per VLAN",
			steps:   live(answer(stranger, stranger).vlan(10), answer(node1, node1).vlan(20)),
			verdict: Answers, severity: Warning,
			want: []string{idVLANs, idOrdinary, idRouterUntested},
			near: []string{idConflict}, // VLANs are separate segments
		},
		{
			// A mirror port shows one frame in both VLANs that it passes.
			name:    "one MAC on two VLANs",
			steps:   live(answer(node1, multicast).vlan(10), answer(node1, multicast).vlan(20)),
			verdict: Answers, severity: Warning,
			want: []string{idGroupMAC, idRouterUntested},
			near: []string{idVLANs, idSeveralHosts},
		},
		{
			name:    "broadcast MAC",
			steps:   live(answer(stranger, mac.Broadcast)),
			verdict: Answers, severity: Critical,
			want: []string{idBroadcastMAC, idRouterUntested},
			near: []string{idGroupMAC, idHandSet, idZeroMAC, idOrdinary}, // a group MAC too, but one that no cluster uses
		},
		{
			name:    "zero MAC",
			steps:   live(answer(stranger, mac.Addr{})),
			verdict: Answers, severity: Critical,
			want: []string{idZeroMAC, idRouterUntested},
			near: []string{idBroadcastMAC, idOrdinary, idSourceDiffers},
		},
		{
			name:    "frames from a group address",
			steps:   live(answer(multicast, multicast)),
			verdict: Silent, severity: Warning,
			// Not a frame that a host may send, so nothing has answered.
			want: []string{idGroupSource, idSilent, idRouterUntested},
			near: []string{idGroupMAC, idUnmasked},
		},
		{
			name:    "group source about another address",
			steps:   live(answer(node1, multicast), answer(multicast, multicast).change(func(a *evidence.ARP) { a.SenderIP = second })),
			verdict: Answers, severity: Warning,
			want: []string{idGroupMAC, idRouterUntested},
			near: []string{idGroupSource},
		},
		{
			name:    "a node starts",
			steps:   live(answer(node1, multicast), announce(node1, multicast)),
			verdict: Answers, severity: Warning,
			want: []string{idGroupMAC, idAnnounced, idRouterUntested},
			// Sender and target are the VIP: it asks nobody, so no router has
			// to reply to the group MAC.
			near: []string{idGroupRequest, idNotAnswered},
		},
		{
			name:    "a gratuitous reply",
			steps:   live(answer(node1, multicast), announce(node1, multicast).change(func(a *evidence.ARP) { a.Op = evidence.Reply })),
			verdict: Answers, severity: Warning,
			want: []string{idGroupMAC, idAnnounced, idRouterUntested},
		},
		{
			name:    "announced, not answered",
			steps:   live(announce(node1, multicast), weAsk().from(time.Second)),
			verdict: Silent, severity: Warning,
			want: []string{idNotAnswered, idAnnounced, idGroupMAC, idRouterUntested},
			near: []string{idSilent},
		},
		{
			name:    "a node asks with its own MAC",
			steps:   live(answer(node1, multicast), asksFor(node2, node2, vip, gateway)),
			verdict: Answers, severity: Warning,
			want: []string{idGroupMAC, idRequestDiffers, idRouterUntested},
			near: []string{idGroupRequest, idAnnounced, idConflict}, // a request is the weaker claim
		},
		{
			name:    "an ordinary host asks others",
			steps:   live(answer(node1, node1), asksFor(node1, node1, vip, gateway)),
			verdict: Answers, severity: OK,
			want: []string{idOrdinary, idRouterUntested},
			near: []string{idRequestDiffers, idGroupRequest, idOthersAsk},
		},
		{
			name:    "proxy ARP",
			steps:   live(answer(routerMAC, routerMAC), has(gateway, routerMAC)),
			verdict: Answers, severity: Warning,
			want: []string{idProxyARP, idRouterUntested},
			near: []string{idOrdinary},
		},
		{
			// The router answers for a VIP that is alive: both are heard.
			name:    "proxy ARP beside the cluster",
			steps:   live(answer(routerMAC, routerMAC), answer(node1, multicast), has(gateway, routerMAC)),
			verdict: Conflict, severity: Critical,
			want: []string{idConflict, idProxyARP, idGroupMAC, idRouterUntested},
			near: []string{idMixedModes},
		},
		{
			// The VIP is the gateway: the router answers for its own address.
			name:    "the VIP is the gateway",
			steps:   append(append([]step{place4(us, vip), weAsk()}, listening()...), answer(routerMAC, routerMAC)),
			verdict: Answers, severity: OK,
			want: []string{idOrdinary, idRouterUntested},
			near: []string{idProxyARP},
		},
		{
			// A firewall that is an NLB cluster itself: its VIPs share one MAC.
			name:    "the gateway is a VIP of the same cluster",
			steps:   live(answer(masked1, unicast), has(gateway, unicast)),
			verdict: Answers, severity: Info,
			want: []string{idMasked, idRouterUntested},
			near: []string{idProxyARP},
		},
		{
			name:    "a source of its own",
			steps:   live(answer(node1, stranger)),
			verdict: Answers, severity: Info,
			want: []string{idSourceDiffers, idRouterUntested},
			near: []string{idOrdinary, idMasked, idHandSet},
			check: func(t *testing.T, d Diagnosis) {
				if d.Cluster.Mode != ModeUnknown {
					t.Errorf("mode %v, though several causes look alike", d.Cluster.Mode)
				}
			},
		},
	}
}

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
			want: []string{idGroupMAC, idRouterUntested},
			near: []string{idIGMPOtherVIP, idCARP, idHandSet},
			check: func(t *testing.T, d Diagnosis) {
				// Two bytes agree; that reveals no address.
				if d.Cluster.Mode != IGMPMulticast || d.Cluster.DerivedFrom.IsValid() || d.Cluster.Group != netip.MustParseAddr("239.255.63.241") {
					t.Errorf("cluster %+v", d.Cluster)
				}
			},
		},
		{
			name:    "IGMP mode, secondary VIP or group set by hand",
			steps:   live(answer(node1, hw("01:00:5e:7f:00:01"))),
			verdict: Answers, severity: Warning,
			want: []string{idGroupMAC, idIGMPOtherVIP, idRouterUntested},
			near: []string{idOtherVIP},
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
			name:    "the masked MAC inside ARP",
			steps:   live(answer(masked1, masked1)),
			verdict: Answers, severity: Warning,
			want: []string{idMaskedAnswer, idRouterUntested},
			near: []string{idUnmasked, idOrdinary},
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
			name:    "a client asks",
			steps:   live(answer(node1, multicast), asksFor(stranger, stranger, client, vip)),
			verdict: Answers, severity: Warning,
			want: []string{idGroupMAC, idOthersAsk, idRouterUntested},
			check: func(t *testing.T, d Diagnosis) {
				if len(d.Routers) != 1 {
					t.Errorf("routers %+v", d.Routers)
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

func observerStories() []story {
	passive := []step{{0, evidence.Listened{Interface: "eth0", Passive: true}, 1}, {3 * time.Second, evidence.Listened{Interface: "eth0", Passive: true}, 1}}
	return []story{
		{
			name:    "silent",
			steps:   live(weAsk().from(300*ms), has(gateway, routerMAC)),
			verdict: Silent, severity: Unknown,
			want: []string{idSilent, idRouterUntested},
			near: []string{idNotAnswered, idPassive, idLost, idOffLink},
		},
		{
			name:    "silent, with loss",
			steps:   live(fact(evidence.Lost{Interface: "eth0"}).times(12)),
			verdict: Silent, severity: Unknown,
			want: []string{idSilent, idLost, idRouterUntested},
			check: func(t *testing.T, d Diagnosis) {
				for _, f := range d.Findings {
					if f.ID == idSilent && !strings.Contains(strings.Join(f.Evidence, "\n"), "no proof of silence") {
						t.Errorf("the loss is not mentioned in %q", f.Evidence)
					}
				}
			},
		},
		{
			name:    "nothing at all",
			steps:   nil,
			verdict: Silent, severity: Unknown,
			want: []string{idSilent},
			near: []string{idRouterUntested, idOffLink, idPassive},
		},
		{
			name:    "answers only of ours and about others",
			steps:   live(has(second, node1), answer(node1, multicast).change(func(a *evidence.ARP) { a.SenderIP = second })),
			verdict: Silent, severity: Unknown,
			want: []string{idSilent, idRouterUntested},
			near: []string{idGroupMAC, idOwnHost},
		},
		{
			name:    "passive, nothing heard",
			steps:   append([]step{here()}, passive...),
			verdict: Silent, severity: Unknown,
			want: []string{idSilent, idPassive, idRouterUntested},
		},
		{
			name:    "passive, a node is heard",
			steps:   append([]step{here(), announce(node1, multicast)}, passive...),
			verdict: Answers, severity: Warning,
			want: []string{idPassive, idAnnounced, idGroupMAC, idRouterUntested},
			near: []string{idNotAnswered, idSilent}, // nobody asked
		},
		{
			name:    "a capture",
			steps:   []step{answer(node1, multicast)},
			verdict: Seen, severity: Warning,
			want: []string{idGroupMAC, idRouterUntested},
			near: []string{idPassive},
		},
		{
			// A capture without directions: our frames are known by our MAC.
			name:    "our own question comes back",
			steps:   live(weAsk().change(func(a *evidence.ARP) { a.Out = false })),
			verdict: Silent, severity: Unknown,
			want: []string{idSilent, idRouterUntested},
			near: []string{idOthersAsk, idOwnHost},
		},
		{
			name:    "an answer that we sent",
			steps:   live(answer(ourMAC, ourMAC).change(func(a *evidence.ARP) { a.Out = true })),
			verdict: Silent, severity: Warning,
			want: []string{idSilent, idOwnHost, idRouterUntested},
			near: []string{idOrdinary},
		},
		{
			name:    "an answer with our MAC as source",
			steps:   live(answer(ourMAC, multicast)),
			verdict: Silent, severity: Warning,
			want: []string{idSilent, idOwnHost, idRouterUntested},
			near: []string{idGroupMAC},
		},
		{
			name:    "an answer that names our MAC",
			steps:   live(answer(node1, ourMAC)),
			verdict: Answers, severity: Warning,
			want: []string{idOwnHost, idRouterUntested},
			near: []string{idSourceDiffers, idOrdinary},
		},
		{
			name:    "probed from a node",
			steps:   append([]step{place4(vip, gateway), weAsk()}, listening()...),
			verdict: Silent, severity: Warning,
			want: []string{idSilent, idOwnHost, idRouterUntested},
			near: []string{idOffLink},
		},
		{
			name:    "another subnet",
			steps:   append(append([]step{place4(netip.MustParseAddr("10.0.0.9"), netip.MustParseAddr("10.0.0.1")), weAsk()}, listening()...), answer(node1, multicast)),
			verdict: Answers, severity: Warning,
			want: []string{idGroupMAC, idOffLink, idRouterUntested},
		},
		{
			name:    "malformed ARP",
			steps:   live(answer(stranger, stranger), fact(evidence.BadARP{EthSrc: node1, Reason: "cut short"}).times(7)),
			verdict: Answers, severity: OK,
			want: []string{idOrdinary, idMalformed, idRouterUntested},
		},
		{
			// RARP and other unusual operations are well formed.
			name:    "an unusual operation",
			steps:   live(answer(stranger, stranger), has(client, node1).change(func(a *evidence.ARP) { a.Op = 8 })),
			verdict: Answers, severity: OK,
			want: []string{idOrdinary, idRouterUntested},
			near: []string{idMalformed},
		},
		{
			name:    "too many different answers",
			steps:   flood(),
			verdict: Conflict, severity: Critical,
			want: []string{idConflict, idOrdinary, idAnswersCut, idRouterUntested},
			near: []string{idFactsCut},
			check: func(t *testing.T, d Diagnosis) {
				for _, f := range d.Findings {
					if len(f.Evidence) > maxLines+len(d.Routers)+1 {
						t.Errorf("%s has %d lines of evidence", f.ID, len(f.Evidence))
					}
				}
			},
		},
		{
			// A scan of a large subnet: who asks is cut, who answers is not.
			name:    "too many askers",
			steps:   live(answer(stranger, stranger), fact(evidence.Unkept{Of: evidence.KindARPRequest}).times(9)),
			verdict: Answers, severity: OK,
			want: []string{idOrdinary, idFactsCut, idRouterUntested},
			near: []string{idAnswersCut},
		},
		{
			// As many as a cluster has hosts, and each heard often.
			name:    "32 hosts, a thousand answers each",
			steps:   fullCluster(),
			verdict: Answers, severity: Info,
			want: []string{idMasked, idSeveralHosts, idRouterUntested},
			near: []string{idAnswersCut},
			check: func(t *testing.T, d Diagnosis) {
				if n := len(d.Cluster.Hosts); n != 32 || d.Cluster.Hosts[31].Priority != 32 {
					t.Errorf("%d hosts, the last %+v", n, d.Cluster.Hosts[n-1])
				}
			},
		},
	}
}

func flood() []step {
	steps := live()
	for i := range evidence.PerKind + 100 {
		m := mac.Addr{0x00, 0x1b, 0x21, 0x00, byte(i >> 8), byte(i)}
		steps = append(steps, answer(m, m))
	}
	return steps
}

func fullCluster() []step {
	steps := live()
	for i := range 32 {
		steps = append(steps, answer(mac.Addr{0x02, byte(i + 1), 172, 16, 63, 241}, unicast).times(1000))
	}
	return steps
}
