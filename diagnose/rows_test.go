package diagnose

import (
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
	out = append(out, hostStories()...)
	out = append(out, lookAlikeStories()...)
	out = append(out, routerStories()...)
	out = append(out, pathStories()...)
	out = append(out, trafficStories()...)
	out = append(out, carriedStories()...)
	out = append(out, captureStories()...)
	out = append(out, igmpStories()...)
	out = append(out, memberStories()...)
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
			check: func(t *testing.T, d Diagnosis) {
				if text := evidenceOf(d, idVLANs); !strings.Contains(text, "VLAN 10") || !strings.Contains(text, "VLAN 20") {
					t.Errorf("the VLANs are not named in %q", text)
				}
			},
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
			// As before, and the same router is known by another address too.
			name: "the VIP is one address of a gateway",
			steps: append(append([]step{place4(us, vip), place4(us, gateway), weAsk()}, listening()...),
				answer(routerMAC, routerMAC), has(gateway, routerMAC)),
			verdict: Answers, severity: OK,
			want: []string{idOrdinary, idRouterUntested},
			near: []string{idProxyARP},
		},
		{
			// Somebody says that the gateway is at a group MAC, or at none: that
			// is not taken for its MAC.
			name: "a router with a forged MAC beside its own",
			steps: live(answer(node1, multicast), has(gateway, mac.Addr{}).from(ms/4).change(func(a *evidence.ARP) { a.EthSrc = stranger }),
				has(gateway, example).from(ms/2).change(func(a *evidence.ARP) { a.EthSrc = stranger }), has(gateway, routerMAC)),
			verdict: Answers, severity: Warning,
			want: []string{idGroupMAC, idRouterUntested},
			check: func(t *testing.T, d Diagnosis) {
				if d.Routers[0].MAC != routerMAC {
					t.Errorf("router %+v", d.Routers[0])
				}
			},
		},
		{
			// A firewall that is an NLB cluster itself: its VIPs share one MAC.
			name:    "the gateway is a VIP of the same cluster",
			steps:   live(answer(masked1, unicast), has(gateway, unicast).change(func(a *evidence.ARP) { a.EthSrc = masked1 })),
			verdict: Answers, severity: Info,
			want: []string{idMasked, idRouterUntested},
			near: []string{idProxyARP, idSourced},
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
