package diagnose

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/nlbprobe/nlbprobe/evidence"
	"github.com/nlbprobe/nlbprobe/mac"
)

// answerTo is the VIP's answer to somebody else's question.
func answerTo(source, sender mac.Addr, ip netip.Addr, m mac.Addr) step {
	return step{at: 5 * ms, fact: evidence.ARP{Op: evidence.Reply, EthSrc: source, EthDst: m, SenderMAC: sender, SenderIP: vip, TargetMAC: m, TargetIP: ip}, n: 1}
}

// repeated repeats a step n times, from its instant on.
func repeated(gap time.Duration, n int, s step) []step {
	out := make([]step, n)
	for i := range out {
		out[i] = s
		out[i].at += time.Duration(i) * gap
	}
	return out
}

// captureStories are captures whose place nobody noted.
func captureStories() []story {
	asks := asksFor(routerMAC, routerMAC, gateway, vip)
	answered := answerTo(node1, multicast, gateway, routerMAC).from(6 * ms)
	join := func(all ...[]step) []step {
		var out []step
		for _, steps := range all {
			out = append(out, steps...)
		}
		return out
	}
	captured := func(c evidence.Captured, from, to time.Duration) []step {
		return []step{fact(c).from(from), fact(c).from(to)}
	}
	hour := time.Hour
	inIGMP := func(at time.Duration) step { return answerTo(node1, igmp, client, stranger).from(at) }
	masked := []step{answerTo(masked1, unicast, client, stranger), answerTo(masked2, unicast, client, stranger)}
	sourced := func(m mac.Addr, etherType uint16) step {
		return fact(evidence.Traffic{EthSrc: m, EthDst: mac.Broadcast, EtherType: etherType})
	}
	plain := hw("00:1b:21:00:00:09")
	return []story{
		{
			// As every node's own capture looks: the frames come by right.
			name:    "a capture at a node, clients' packets by way of the gateway",
			steps:   join([]step{asks, answered}, repeated(time.Second, 3, passes(routerMAC, remote).from(time.Second)), []step{passes(routerMAC, netip.MustParseAddr("198.51.100.10")).from(2 * time.Second)}),
			verdict: Reachable, severity: Info,
			want: []string{idGroupMAC, idRouterReaches, idFloods},
			near: []string{idKeepsAsking, idOthersAsk, idRouterUntested},
			check: func(t *testing.T, d Diagnosis) {
				if len(d.Routers) != 1 || d.Routers[0].IP != gateway || d.Routers[0].Why != "forwards packets of 2 remote IPs" {
					t.Errorf("routers %+v", d.Routers)
				}
				f := findingOf(t, d, idFloods)
				if text := strings.Join(f.Evidence, "\n"); f.Severity != Info || strings.Contains(text, "set to receive") || !strings.Contains(text, "is not noted in the capture") {
					t.Errorf("%v, %q", f.Severity, text)
				}
			},
		},
		{
			name:    "one packet of a remote client is no proof that its sender routes",
			steps:   []step{asks, answered, passes(routerMAC, remote)},
			verdict: Seen, severity: Warning,
			want: []string{idGroupMAC, idFloods, idOthersAsk, idRouterUntested},
			near: []string{idRouterReaches},
		},
		{
			name:    "packets without a source's address show no router",
			steps:   join([]step{asks, answered}, repeated(time.Second, 3, passes(routerMAC, nobody).from(time.Second))),
			verdict: Seen, severity: Warning,
			want: []string{idGroupMAC, idFloods, idOthersAsk, idRouterUntested},
			near: []string{idRouterReaches},
		},
		{
			// Whose address is at that MAC is somebody else's word.
			name:    "a stranger's ARP names the MAC that packets come from",
			steps:   join([]step{asksFor(stranger, routerMAC, gateway, vip), answered}, repeated(time.Second, 3, passes(routerMAC, remote).from(time.Second))),
			verdict: Seen, severity: Warning,
			want: []string{idGroupMAC, idFloods, idOthersAsk, idRouterUntested},
			near: []string{idRouterReaches},
		},
		{
			// Nothing is asked, so what others send is all that there is.
			name:    "a run that only listens, and clients' packets by way of the gateway",
			steps:   join([]step{here()}, listening(), []step{asks, answered}, repeated(time.Second, 3, passes(routerMAC, remote).from(time.Second))),
			verdict: Reachable, severity: Warning,
			want: []string{idGroupMAC, idRouterReaches, idFloods},
		},
		{
			name:    "packets of a neighbour's second address are not forwarded",
			steps:   join([]step{asksFor(stranger, stranger, client, vip), answerTo(node1, multicast, client, stranger)}, repeated(time.Second, 5, passes(stranger, netip.MustParseAddr("172.16.63.78")))),
			verdict: Seen, severity: Warning,
			want: []string{idGroupMAC, idFloods, idOthersAsk, idRouterUntested},
			near: []string{idRouterReaches},
		},
		{
			name:    "frames to an ordinary host's MAC",
			steps:   []step{answerTo(plain, plain, client, stranger), passes(stranger, client).traffic(func(f *evidence.Traffic) { f.EthDst = plain })},
			verdict: Seen, severity: OK,
			want: []string{idOrdinary, idRouterUntested},
			near: []string{idFloods},
		},
		{
			name:    "a router that renews its entry every ten minutes",
			steps:   join(repeated(10*time.Minute, 4, asks), repeated(10*time.Minute, 4, answered)),
			verdict: Seen, severity: Warning,
			want: []string{idGroupMAC, idOthersAsk, idRouterUntested},
			near: []string{idKeepsAsking},
		},
		{
			name:    "a host that renews its entry every 30 s, as Linux does",
			steps:   join(repeated(30*time.Second, 20, asksFor(stranger, stranger, client, vip)), repeated(30*time.Second, 20, answerTo(node1, multicast, client, stranger))),
			verdict: Seen, severity: Warning,
			want: []string{idGroupMAC, idOthersAsk, idRouterUntested},
			near: []string{idKeepsAsking},
		},
		{
			name:    "a program that looks for the VIP every five seconds",
			steps:   join(repeated(5*time.Second, 30, asksFor(stranger, stranger, client, vip)), repeated(5*time.Second, 30, answerTo(node1, multicast, client, stranger))),
			verdict: Seen, severity: Warning,
			want: []string{idGroupMAC, idOthersAsk, idRouterUntested},
			near: []string{idKeepsAsking},
		},
		{
			name:    "a router that asks once a second although it is answered",
			steps:   join(repeated(time.Second, 8, asks), repeated(time.Second, 8, answered)),
			verdict: Seen, severity: Warning,
			want: []string{idGroupMAC, idKeepsAsking, idOthersAsk, idRouterUntested},
			check: func(t *testing.T, d Diagnosis) {
				if text := evidenceOf(d, idKeepsAsking); !strings.Contains(text, "(1.0 per second)") {
					t.Errorf("evidence %q", text)
				}
			},
		},
		{
			name:    "the same, and in the end it sends packets to the cluster's MAC",
			steps:   join(repeated(time.Second, 8, asks), repeated(time.Second, 8, answered), []step{passes(routerMAC, remote).from(8 * time.Second), passes(routerMAC, remote).from(9 * time.Second)}),
			verdict: Reachable, severity: Info,
			want: []string{idGroupMAC, idRouterReaches, idFloods},
			near: []string{idKeepsAsking},
		},
		{
			name:    "a hypervisor tells switches by RARP where the cluster MAC is",
			steps:   join(masked, []step{sourced(unicast, 0x8035)}),
			verdict: Seen, severity: Warning,
			want: []string{idMasked, idSeveralHosts, idRouterUntested, idSourced},
			near: []string{idUnmasked},
			check: func(t *testing.T, d Diagnosis) {
				f := findingOf(t, d, idSourced)
				if text := f.Summary + strings.Join(f.Evidence, "\n"); !strings.Contains(text, "RARP comes from the cluster MAC") || !strings.Contains(text, "Notify Switches") {
					t.Errorf("%q", text)
				}
			},
		},
		{
			name:    "a node's adapter sends LLDP from the cluster MAC",
			steps:   join(masked, []step{sourced(unicast, 0x88cc)}),
			verdict: Seen, severity: Warning,
			want: []string{idMasked, idSeveralHosts, idRouterUntested, idSourced},
		},
		{
			name:    "frames to the cluster MAC, and from a masked one",
			steps:   join(masked, []step{sourced(masked1, 0x88cc), passes(stranger, client).traffic(func(f *evidence.Traffic) { f.EthDst = unicast })}),
			verdict: Seen, severity: Info,
			want: []string{idMasked, idSeveralHosts, idRouterUntested, idFloods},
			near: []string{idSourced},
		},
		{
			name:    "RARP from an ordinary host's own MAC",
			steps:   []step{answerTo(plain, plain, client, stranger), sourced(plain, 0x8035)},
			verdict: Seen, severity: OK,
			want: []string{idOrdinary, idRouterUntested},
			near: []string{idSourced},
		},
		{
			name:    "an address that moved to another host",
			steps:   []step{answerTo(plain, plain, client, stranger), announce(stranger, stranger).from(time.Minute)},
			verdict: Seen, severity: Warning,
			want: []string{idOrdinary, idAnnounced, idConflict, idRouterUntested},
			check: func(t *testing.T, d Diagnosis) {
				if f := findingOf(t, d, idConflict); f.Severity != Warning || !strings.Contains(strings.Join(f.Evidence, "\n"), "the address moved") {
					t.Errorf("%+v", f)
				}
			},
		},
		{
			// Whoever has it by mistake beside its owner comes back.
			name:    "an address that moved and moved back",
			steps:   []step{answerTo(plain, plain, client, stranger), announce(stranger, stranger).from(time.Minute), answerTo(plain, plain, client, stranger).from(2 * time.Minute)},
			verdict: Conflict, severity: Critical,
			want: []string{idOrdinary, idAnnounced, idConflict, idRouterUntested},
		},
		{
			name: "a failover, and back when the first host is up again: each announces the address, and answers alone",
			steps: join(repeated(20*time.Second, 3, answerTo(plain, plain, client, stranger)),
				[]step{announce(node1, node1).from(time.Minute)}, repeated(20*time.Second, 3, answerTo(node1, node1, client, stranger).from(70*time.Second)),
				[]step{announce(plain, plain).from(150 * time.Second)}, repeated(20*time.Second, 3, answerTo(plain, plain, client, stranger).from(160*time.Second))),
			verdict: Seen, severity: Warning,
			want: []string{idOrdinary, idAnnounced, idConflict, idRouterUntested},
			check: func(t *testing.T, d Diagnosis) {
				if text := evidenceOf(d, idConflict); !strings.Contains(text, "moved there and back") {
					t.Errorf("%q", text)
				}
			},
		},
		{
			name: "the same, but the second host announces it and never answers for it",
			steps: join(repeated(20*time.Second, 3, answerTo(plain, plain, client, stranger)),
				[]step{announce(node1, node1).from(time.Minute)},
				[]step{announce(plain, plain).from(150 * time.Second)}, repeated(20*time.Second, 3, answerTo(plain, plain, client, stranger).from(160*time.Second))),
			verdict: Conflict, severity: Critical,
			want: []string{idOrdinary, idAnnounced, idConflict, idRouterUntested},
		},
		{
			name: "the same, but the first host answers a question in between",
			steps: join(repeated(20*time.Second, 3, answerTo(plain, plain, client, stranger)),
				[]step{announce(node1, node1).from(time.Minute)}, repeated(20*time.Second, 3, answerTo(node1, node1, client, stranger).from(70*time.Second)),
				[]step{answerTo(plain, plain, client, stranger).from(95 * time.Second)},
				[]step{announce(plain, plain).from(150 * time.Second)}, repeated(20*time.Second, 3, answerTo(plain, plain, client, stranger).from(160*time.Second))),
			verdict: Conflict, severity: Critical,
			want: []string{idOrdinary, idAnnounced, idConflict, idRouterUntested},
		},
		{
			name: "hosts that take an address from each other all the time",
			steps: func() (all []step) {
				for i := range time.Duration(3) {
					for j, m := range []mac.Addr{plain, node1} {
						at := 20*i*time.Second + 10*time.Duration(j)*time.Second
						all = append(all, announce(m, m).from(at), answerTo(m, m, client, stranger).from(at+3*time.Second))
					}
				}
				return all
			}(),
			verdict: Conflict, severity: Critical,
			want: []string{idOrdinary, idAnnounced, idConflict, idRouterUntested},
		},
		{
			// arping and its like broadcast each question. That is no router's doubt.
			name:    "a program that watches an ordinary host by ARP, once a second",
			steps:   join(repeated(time.Second, 30, asksFor(stranger, stranger, client, vip)), repeated(time.Second, 30, answerTo(plain, plain, client, stranger))),
			verdict: Seen, severity: OK,
			want: []string{idOrdinary, idOthersAsk, idKeepsAsking, idRouterUntested},
		},
		{
			name:    "the same with a cluster in unicast mode, whose masked answers a router can refuse",
			steps:   join(repeated(time.Second, 30, asks), repeated(time.Second, 30, answerTo(masked1, unicast, gateway, routerMAC))),
			verdict: Seen, severity: Warning,
			want: []string{idMasked, idOthersAsk, idKeepsAsking, idRouterUntested},
		},
		{
			// keepalived has its routers' own MACs unless it is told otherwise.
			name: "an address that two routers share, answered from the MAC of one",
			steps: []step{hsrp(stranger, client, true).hello(func(h *evidence.Hello) { h.Protocol, h.Virtual = evidence.VRRPv2, vip }), has(client, stranger),
				answerTo(stranger, stranger, gateway, routerMAC)},
			verdict: Seen, severity: OK,
			want: []string{idOrdinary, idPair, idRouterUntested},
			near: []string{idProxyARP},
		},
		{
			name: "another address than the one that the routers share, answered from the MAC of one",
			steps: []step{hsrp(stranger, client, true).hello(func(h *evidence.Hello) { h.Protocol = evidence.VRRPv2 }), has(client, stranger),
				answerTo(stranger, stranger, gateway, routerMAC)},
			verdict: Seen, severity: Warning,
			want: []string{idProxyARP, idPair, idRouterUntested},
		},
		{
			name:    "an address that moved within three seconds, as with VRRP",
			steps:   []step{answerTo(plain, plain, client, stranger), announce(stranger, stranger).from(3 * time.Second)},
			verdict: Seen, severity: Warning,
			want: []string{idOrdinary, idAnnounced, idConflict, idRouterUntested},
		},
		{
			name:    "an address at two hosts at one moment",
			steps:   []step{answerTo(plain, plain, client, stranger), announce(stranger, stranger).from(900 * ms)},
			verdict: Conflict, severity: Critical,
			want: []string{idOrdinary, idAnnounced, idConflict, idRouterUntested},
		},
		{
			name:    "the cluster was silent while a router asked once a second, and answered then",
			steps:   join([]step{answerTo(node1, multicast, client, stranger)}, repeated(time.Second, 8, asks.from(time.Second)), []step{answerTo(node1, multicast, gateway, routerMAC).from(8*time.Second + 5*ms)}),
			verdict: Seen, severity: Warning,
			want: []string{idGroupMAC, idOthersAsk, idRouterUntested},
			near: []string{idKeepsAsking},
		},
		{
			name:    "a program that looks for the VIP every two seconds",
			steps:   join(repeated(2*time.Second, 30, asksFor(stranger, stranger, client, vip)), repeated(2*time.Second, 30, answerTo(node1, multicast, client, stranger))),
			verdict: Seen, severity: Warning,
			want: []string{idGroupMAC, idOthersAsk, idRouterUntested},
			near: []string{idKeepsAsking},
		},
		{
			name:    "STP of a node's bridge, from the cluster MAC",
			steps:   join(masked, []step{sourced(unicast, 0)}),
			verdict: Seen, severity: Warning,
			want: []string{idMasked, idSeveralHosts, idRouterUntested, idSourced},
			check: func(t *testing.T, d Diagnosis) {
				if text := evidenceOf(d, idSourced); !strings.Contains(text, "such as STP") {
					t.Errorf("%q", text)
				}
			},
		},
		{
			name:    "a node's own address is asked from the cluster MAC",
			steps:   join(masked, []step{asksFor(unicast, masked1, node1IP, gateway)}),
			verdict: Seen, severity: Warning,
			want: []string{idMasked, idSeveralHosts, idRouterUntested, idSourced},
		},
		{
			name:    "a node reports a group from the cluster MAC",
			steps:   join(masked, []step{reports(unicast, node1IP)}),
			verdict: Seen, severity: Warning,
			want: []string{idMasked, idSeveralHosts, idRouterUntested, idSourced},
		},
		{
			name:    "a node reports a group from its masked source",
			steps:   join(masked, []step{reports(masked1, node1IP)}),
			verdict: Seen, severity: Info,
			want: []string{idMasked, idSeveralHosts, idRouterUntested},
			near: []string{idSourced},
		},
		{
			// HSRP group 5 here and in another subnet, on one trunk.
			name: "routers of one number in two subnets",
			steps: []step{answerTo(node1, multicast, client, stranger), hsrp(routerMAC, us4(2), true), hsrp(stranger, us4(3), false),
				hsrp(plain, mustAddr("203.0.113.2"), true).hello(func(h *evidence.Hello) { h.Virtual = mustAddr("203.0.113.1") })},
			verdict: Seen, severity: Warning,
			want: []string{idGroupMAC, idPair, idRouterUntested},
			check: func(t *testing.T, d Diagnosis) {
				if text := findingOf(t, d, idPair).Summary + evidenceOf(d, idPair); strings.Contains(text, "203.0.113") || !strings.Contains(text, "172.16.63.2 and 172.16.63.3") {
					t.Errorf("%q", text)
				}
			},
		},
		{
			// The prefix is a guess: 172.16.62.0/24 could be part of the VIP's subnet.
			name: "routers of one number in neighbouring subnets",
			steps: []step{answerTo(node1, multicast, client, stranger), hsrp(routerMAC, us4(2), true), hsrp(stranger, us4(3), false),
				hsrp(plain, mustAddr("172.16.62.2"), true).hello(func(h *evidence.Hello) { h.Virtual = mustAddr("172.16.62.1") })},
			verdict: Seen, severity: Warning,
			want: []string{idGroupMAC, idPair, idRouterUntested},
			check: func(t *testing.T, d Diagnosis) {
				if text := findingOf(t, d, idPair).Summary + evidenceOf(d, idPair); strings.Contains(text, "172.16.62") {
					t.Errorf("%q", text)
				}
			},
		},
		{
			name:    "a router of the VIP's own subnet, in a wider one",
			steps:   []step{answerTo(node1, multicast, client, stranger), hsrp(routerMAC, mustAddr("172.16.62.2"), true).hello(func(h *evidence.Hello) { h.Virtual = mustAddr("172.16.62.1") })},
			verdict: Seen, severity: Warning,
			want: []string{idGroupMAC, idPair, idRouterUntested},
		},
		{
			name: "a virtual router of the VIP's number in a neighbouring subnet",
			steps: []step{answerTo(hw("00:00:0c:07:ac:05"), hw("00:00:0c:07:ac:05"), client, stranger),
				hsrp(hw("00:00:0c:07:ac:05"), mustAddr("172.16.62.2"), true).hello(func(h *evidence.Hello) { h.Virtual = mustAddr("172.16.62.1") })},
			verdict: Seen, severity: OK,
			want: []string{idFirstHop, idPair, idRouterUntested},
			near: []string{idProxyARP},
		},
		{
			name:    "a virtual router answers for an address of its own subnet",
			steps:   []step{answerTo(hw("00:00:0c:07:ac:05"), hw("00:00:0c:07:ac:05"), client, stranger), hsrp(hw("00:00:0c:07:ac:05"), us4(2), true)},
			verdict: Seen, severity: Warning,
			want: []string{idProxyARP, idPair, idRouterUntested},
			near: []string{idFirstHop},
		},
		{
			name:    "two groups of one number, with an address each, in one subnet",
			steps:   []step{answerTo(node1, multicast, client, stranger), hsrp(routerMAC, us4(2), true), hsrp(stranger, us4(3), true).hello(func(h *evidence.Hello) { h.Virtual = us4(4) })},
			verdict: Seen, severity: Warning,
			want: []string{idGroupMAC, idPair, idRouterUntested},
			check: func(t *testing.T, d Diagnosis) {
				if text := evidenceOf(d, idPair); strings.Count(text, "only one router is heard") != 2 {
					t.Errorf("%q", text)
				}
			},
		},
		{
			name:    "a membership report by IGMPv1 from the VIP, for the group that NLB derives from it",
			steps:   []step{reports(node1, vip).igmp(func(f *evidence.IGMP) { f.Version = 1 })},
			verdict: Seen, severity: Info,
			want: []string{idCarried},
			check: func(t *testing.T, d Diagnosis) {
				if d.Cluster.Mode != IGMPMulticast || d.Cluster.HasMAC || !strings.Contains(evidenceOf(d, idCarried), "by IGMPv1") {
					t.Errorf("%+v", d.Cluster)
				}
			},
		},
		{
			name:    "the same by IGMPv2",
			steps:   []step{reports(node1, vip).igmp(func(f *evidence.IGMP) { f.Version = 2 })},
			verdict: Seen, severity: Info,
			want: []string{idCarried},
			check: func(t *testing.T, d Diagnosis) {
				if d.Cluster.Mode != ModeUnknown {
					t.Errorf("%+v", d.Cluster)
				}
			},
		},
		{
			// What nobody captured was not silent.
			name: "two short captures an hour apart, of a cluster in IGMP mode",
			steps: join([]step{inIGMP(0), inIGMP(hour)}, captured(evidence.Captured{Source: 1, Group: true}, 0, 10*time.Second),
				captured(evidence.Captured{Source: 2, Group: true}, hour, hour+10*time.Second)),
			verdict: Seen, severity: Warning,
			want: []string{idGroupMAC, idNotProven, idRouterUntested},
			near: []string{idNoQuerier, idNoReport},
		},
		{
			name:    "one capture of five minutes, with packets to IP groups",
			steps:   join([]step{inIGMP(0)}, captured(evidence.Captured{Group: true}, 0, 5*time.Minute)),
			verdict: Seen, severity: Warning,
			want: []string{idGroupMAC, idNoQuerier, idNoReport, idRouterUntested},
			near: []string{idNotProven},
		},
		{
			name: "two captures that overlap, five minutes together",
			steps: join([]step{inIGMP(0)}, captured(evidence.Captured{Source: 1, Group: true}, 0, 3*time.Minute),
				captured(evidence.Captured{Source: 2, Group: true}, 2*time.Minute, 5*time.Minute)),
			verdict: Seen, severity: Warning,
			want: []string{idGroupMAC, idNoQuerier, idNoReport, idRouterUntested},
			near: []string{idNotProven},
		},
		{
			name: "a short capture within one of five minutes",
			steps: join([]step{inIGMP(0)}, captured(evidence.Captured{Source: 1, Group: true}, 0, 5*time.Minute),
				captured(evidence.Captured{Source: 2, Group: true}, time.Minute, 2*time.Minute)),
			verdict: Seen, severity: Warning,
			want: []string{idGroupMAC, idNoQuerier, idNoReport, idRouterUntested},
			near: []string{idNotProven},
		},
		{
			// A switch that snoops hides what others report from a node's port.
			name: "one capture of five minutes, in which one host reports and a querier asks",
			steps: join([]step{inIGMP(0), answerTo(node2, igmp, client, stranger)}, captured(evidence.Captured{Group: true}, 0, 5*time.Minute),
				steady(time.Minute, 10*time.Second, 5*time.Minute, reports(node1, vip)), steady(time.Minute, 0, 5*time.Minute, query(client, 2))),
			verdict: Seen, severity: Warning,
			want:  []string{idGroupMAC, idJoined, idNotJoined, idSeveralHosts, idRouterUntested},
			check: func(t *testing.T, d Diagnosis) { severityOf(t, d, idNotJoined, Info) },
		},
		{
			name: "the same, and another host reports too, so nothing is hidden",
			steps: join([]step{inIGMP(0), answerTo(node2, igmp, client, stranger)}, captured(evidence.Captured{Group: true}, 0, 5*time.Minute),
				steady(time.Minute, 10*time.Second, 5*time.Minute, reports(node1, vip)), steady(time.Minute, 0, 5*time.Minute, query(client, 2)),
				[]step{reports(stranger, client).igmp(func(f *evidence.IGMP) { f.Version, f.Group = 2, mustAddr("239.1.2.3") })}),
			verdict: Seen, severity: Warning,
			want:  []string{idGroupMAC, idJoined, idNotJoined, idSeveralHosts, idRouterUntested},
			check: func(t *testing.T, d Diagnosis) { severityOf(t, d, idNotJoined, Warning) },
		},
		{
			// Customers on one trunk have the same private addresses.
			name:    "an ordinary host's address on two VLANs of a capture",
			steps:   []step{answerTo(plain, plain, client, stranger).vlan(10), answerTo(stranger, stranger, gateway, routerMAC).vlan(20)},
			verdict: Seen, severity: OK,
			want:  []string{idVLANs, idOrdinary, idRouterUntested},
			check: func(t *testing.T, d Diagnosis) { severityOf(t, d, idVLANs, Info) },
		},
		{
			name:    "a cluster on one VLAN of a capture, and a host at its address on another",
			steps:   []step{answerTo(node1, multicast, client, stranger).vlan(10), answerTo(stranger, stranger, gateway, routerMAC).vlan(20)},
			verdict: Seen, severity: Warning,
			want:  []string{idVLANs, idGroupMAC, idOrdinary, idRouterUntested},
			check: func(t *testing.T, d Diagnosis) { severityOf(t, d, idVLANs, Warning) },
		},
		{
			// A filter on ARP or on the VIP leaves queries and reports out.
			name:    "one capture of five minutes, and nothing to an IP group in it",
			steps:   join([]step{inIGMP(0)}, captured(evidence.Captured{}, 0, 5*time.Minute)),
			verdict: Seen, severity: Warning,
			want: []string{idGroupMAC, idNotProven, idRouterUntested},
			near: []string{idNoQuerier, idNoReport},
			check: func(t *testing.T, d Diagnosis) {
				if text := findingOf(t, d, idNotProven).Summary; !strings.Contains(text, "could not be seen") {
					t.Errorf("%q", text)
				}
			},
		},
		{
			name: "a host beats in the first capture, both in the second one",
			steps: join(repeated(time.Second, 20, beat(node1, 1)), repeated(time.Second, 3, beat(node2, 2)), repeated(time.Second, 3, beat(node2, 2).from(hour)), repeated(time.Second, 3, beat(node1, 1).from(hour)),
				captured(evidence.Captured{Source: 1, Beats: true}, 0, 3*time.Second), captured(evidence.Captured{Source: 2, Beats: true}, hour, hour+3*time.Second)),
			verdict: Seen, severity: OK,
			near: []string{idHostStopped},
		},
		{
			// A filter on one host, or another place, shows the one only.
			name: "both hosts beat in the first capture, and one in the second",
			steps: join(repeated(time.Second, 40, beat(node1, 1)), repeated(time.Second, 10, beat(node2, 2)),
				captured(evidence.Captured{Beats: true}, 0, 9*time.Second), captured(evidence.Captured{Source: 2, Beats: true}, 9*time.Second, 40*time.Second)),
			verdict: Seen, severity: OK,
			near: []string{idHostStopped},
		},
		{
			name: "a host's heartbeats end, and the capture with the other's goes on",
			steps: join(repeated(time.Second, 20, beat(node1, 1)), repeated(time.Second, 3, beat(node2, 2)),
				captured(evidence.Captured{Beats: true}, 0, 20*time.Second)),
			verdict: Seen, severity: Warning,
			want: []string{idHostStopped},
		},
		{
			name: "the same in the second part of a capture",
			steps: join(repeated(time.Second, 20, beat(node1, 1).from(hour)), repeated(time.Second, 3, beat(node2, 2).from(hour)),
				captured(evidence.Captured{Beats: true}, 0, time.Minute), captured(evidence.Captured{Part: 1, Beats: true}, hour, hour+20*time.Second)),
			verdict: Seen, severity: Warning,
			want: []string{idHostStopped},
		},
		{
			// At a port of the segment that is no asker's: the answers go elsewhere.
			name:    "heartbeats, and others' questions without an answer",
			steps:   join(repeated(time.Second, 8, beat(node1, 1)), repeated(time.Second, 8, beat(node2, 2)), repeated(2*time.Second, 4, asks)),
			verdict: Seen, severity: Info,
			want: []string{idNoARP, idOthersAsk},
			near: []string{idHostStopped},
			check: func(t *testing.T, d Diagnosis) {
				if f := findingOf(t, d, idNoARP); f.Severity != Info || !strings.Contains(strings.Join(f.Evidence, "\n"), "go to their ports") {
					t.Errorf("%+v", f)
				}
			},
		},
		{
			name: "a host answers in a capture of ARP alone, and another one reports its group in a later capture",
			steps: join([]step{answerTo(node2, igmp, client, stranger), inIGMP(hour)}, repeated(time.Minute, 5, reports(node1, node1IP).igmp(func(f *evidence.IGMP) { f.Version = 1 }).from(hour)),
				captured(evidence.Captured{Source: 1}, 0, time.Minute), captured(evidence.Captured{Source: 2, Group: true}, hour, hour+5*time.Minute)),
			verdict: Seen, severity: Warning,
			want: []string{idGroupMAC, idSeveralHosts, idJoined, idNoQuerier, idRouterUntested},
			near: []string{idNotJoined},
		},
		{
			name:    "a router forwards, and asks for groups, from another MAC than it answers with",
			steps:   join([]step{answerTo(node1, multicast, gateway, routerMAC), asks, query(gateway, 2).igmp(func(f *evidence.IGMP) { f.EthSrc = plain })}, repeated(time.Second, 3, passes(plain, remote).from(time.Second))),
			verdict: Reachable, severity: Info,
			want: []string{idGroupMAC, idRouterReaches, idFloods, idNotSnoopable, idOtherSource},
			check: func(t *testing.T, d Diagnosis) {
				if text := evidenceOf(d, idOtherSource); !strings.Contains(text, plain.String()) || !strings.Contains(text, routerMAC.String()) {
					t.Errorf("%q", text)
				}
			},
		},
		{
			name:    "a router asks for groups from the MAC that it answers with",
			steps:   []step{answerTo(node1, multicast, gateway, routerMAC), asks, query(gateway, 2).igmp(func(f *evidence.IGMP) { f.EthSrc = routerMAC })},
			verdict: Seen, severity: Warning,
			want: []string{idGroupMAC, idOthersAsk, idNotSnoopable, idRouterUntested},
			near: []string{idOtherSource},
		},
		{
			// Its entry is from before the cluster's change of mode.
			name:    "a router sends remote clients' packets to the MAC of another mode",
			steps:   join([]step{asksFor(stranger, stranger, client, vip), answerTo(node1, multicast, client, stranger)}, repeated(time.Second, 3, passes(routerMAC, remote).from(time.Second).traffic(func(f *evidence.Traffic) { f.EthDst = unicast }))),
			verdict: Seen, severity: Warning,
			want: []string{idGroupMAC, idOthersAsk, idRouterUntested, idStale},
			near: []string{idFloods},
			check: func(t *testing.T, d Diagnosis) {
				f := findingOf(t, d, idStale)
				if text := f.Summary + strings.Join(f.Evidence, "\n"); !strings.Contains(text, unicast.String()) || !strings.Contains(text, multicast.String()) || !strings.Contains(text, "3 packets") {
					t.Errorf("%q", text)
				}
			},
		},
		{
			// A load balancer may hand them to a host of its own: no MAC of this cluster's.
			name:    "a router sends remote clients' packets to a host's own MAC",
			steps:   join([]step{asksFor(stranger, stranger, client, vip), answerTo(node1, multicast, client, stranger)}, repeated(time.Second, 3, passes(routerMAC, remote).from(time.Second).traffic(func(f *evidence.Traffic) { f.EthDst = plain }))),
			verdict: Seen, severity: Warning,
			want: []string{idGroupMAC, idOthersAsk, idRouterUntested},
			near: []string{idStale},
		},
		{
			// A node may have the old MAC in its own table: no router is wrong.
			name:    "a node sends packets for its VIP to the MAC of another mode",
			steps:   join([]step{asksFor(stranger, stranger, client, vip), answerTo(node1, multicast, client, stranger)}, repeated(time.Second, 3, passes(node1, remote).from(time.Second).traffic(func(f *evidence.Traffic) { f.EthDst = unicast }))),
			verdict: Seen, severity: Warning,
			want: []string{idGroupMAC, idOthersAsk, idRouterUntested},
			near: []string{idStale},
		},
		{
			name: "a router sends to the MAC of another mode, and later to the one that the answers name",
			steps: join([]step{asksFor(stranger, stranger, client, vip), answerTo(node1, multicast, client, stranger)}, repeated(time.Second, 3, passes(routerMAC, remote).from(time.Second).traffic(func(f *evidence.Traffic) { f.EthDst = unicast })),
				[]step{passes(routerMAC, remote).from(10 * time.Second)}),
			verdict: Seen, severity: Warning,
			want: []string{idGroupMAC, idOthersAsk, idRouterUntested, idFloods},
			near: []string{idStale},
		},
		{
			name: "the same until the cluster answers with its new MAC, and one packet on its way",
			steps: join(repeated(100*ms, 3, passes(routerMAC, remote).from(0).traffic(func(f *evidence.Traffic) { f.EthDst = unicast })),
				[]step{answerTo(node1, multicast, client, stranger).from(time.Second), passes(routerMAC, mustAddr("198.51.100.77")).from(time.Second + ms).traffic(func(f *evidence.Traffic) { f.EthDst = unicast })}),
			verdict: Seen, severity: Warning,
			want: []string{idGroupMAC, idRouterUntested},
			near: []string{idStale},
		},
		{
			// It may have fallen silent, or its answers were not captured.
			name:    "a router that asks once a second, and no answer to it in the capture",
			steps:   join([]step{answerTo(node1, multicast, client, stranger)}, repeated(time.Second, 8, asks.from(time.Second))),
			verdict: Seen, severity: Warning,
			want: []string{idGroupMAC, idOthersAsk, idRouterUntested},
			near: []string{idKeepsAsking},
		},
	}
}
