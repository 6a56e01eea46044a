package diagnose

import (
	"strings"
	"testing"

	"github.com/nlbprobe/nlbprobe/evidence"
)

// pathStories are about several routers, and about what routers show without
// being tested.
func pathStories() []story {
	return []story{
		{
			name: "two routers, one of them fixed",
			steps: tested(step{fact: evidence.Vantage{Interface: "eth0", MAC: ourMAC, Gateway: standby, Asked: true}, n: 1}, has(standby, standbyMAC),
				echoVia(routerMAC, 7), echoReplied(node1, 7), echoVia(standbyMAC, 8), unreachable(1, 8).icmp(func(e *evidence.ICMPError) {
					e.From, e.EthSrc = standby, standbyMAC
				})),
			verdict: LocalOnly, severity: Critical,
			want: []string{idRouterReaches, idIgnores, idGroupMAC, idSeveralHosts, idChecklist},
			near: []string{idRouterUntested, idPair},
			check: func(t *testing.T, d Diagnosis) {
				if len(d.Routers) != 2 || d.Routers[0].Reach != Reaches || d.Routers[1].Reach != DoesNotReach || d.Routers[1].Why != "named by the user" {
					t.Errorf("routers %+v", d.Routers)
				}
				if f := findingOf(t, d, idIgnores); !strings.HasPrefix(f.Summary, "Router "+standby.String()+" does") {
					t.Errorf("which one is not said: %q", f.Summary)
				}
				if f := findingOf(t, d, idGroupMAC); f.Severity != Warning || !strings.Contains(f.Summary, "1 proven to reach it and 1 not to") {
					t.Errorf("%+v", f)
				}
			},
		},
		{
			// One is proven, of the other nothing is learnt: that is no failure,
			// and not fine either.
			name: "two routers, one of them tested",
			steps: tested(step{fact: evidence.Vantage{Interface: "eth0", MAC: ourMAC, Gateway: standby}, n: 1}, has(standby, standbyMAC),
				echoVia(routerMAC, 7), echoReplied(node1, 7)),
			verdict: Reachable, severity: Warning,
			want: []string{idRouterReaches, idRouterUntested, idGroupMAC, idSeveralHosts},
			check: func(t *testing.T, d Diagnosis) {
				if f := findingOf(t, d, idRouterUntested); f.Summary != "Whether router 172.16.63.3 reaches 172.16.63.241 was not tested; others were." {
					t.Errorf("%q", f.Summary)
				}
			},
		},
		{
			// The control answers by the way on which nothing came of the VIP.
			name:    "nothing came, and the control answers",
			steps:   tested(echoVia(routerMAC, 7), control(routerMAC, 8), replied(stranger, client, 8)),
			verdict: Answers, severity: Warning,
			want: []string{idGroupMAC, idSeveralHosts, idInconclusive},
			near: []string{idRouterReaches, idIgnores, idDoesNotReach},
			check: func(t *testing.T, d Diagnosis) {
				if text := evidenceOf(d, idInconclusive); !strings.Contains(text, "forwards to the control host and nothing came of the VIP") {
					t.Errorf("evidence %q", text)
				}
			},
		},
		{
			name:    "no hairpin",
			steps:   tested(echoVia(routerMAC, 7), control(routerMAC, 8)),
			verdict: Answers, severity: Warning,
			want: []string{idGroupMAC, idSeveralHosts, idInconclusive},
			check: func(t *testing.T, d Diagnosis) {
				text := evidenceOf(d, idInconclusive)
				if !strings.Contains(text, "control "+client.String()) || !strings.Contains(text, "the control was silent too") {
					t.Errorf("evidence %q", text)
				}
				if d.Routers[0].Reach != NotLearnt {
					t.Errorf("router %+v", d.Routers[0])
				}
			},
		},
		{
			// What goes to the router itself is no control, nor is an answer of
			// its own.
			name:    "only the router itself answers",
			steps:   tested(append(asksOn(routerMAC, gateway, 3), echoVia(routerMAC, 7), echo(routerMAC, gateway, 8), replied(routerMAC, gateway, 8))...),
			verdict: Answers, severity: Warning,
			want: []string{idGroupMAC, idSeveralHosts, idInconclusive, idKeepsAsking, idOthersAsk},
			near: []string{idIgnores},
		},
		{
			name:    "a router that filters ICMP",
			steps:   tested(append(asksOn(routerMAC, gateway, 5), echoVia(routerMAC, 7), control(routerMAC, 8))...),
			verdict: Answers, severity: Warning,
			want: []string{idGroupMAC, idSeveralHosts, idInconclusive, idKeepsAsking, idOthersAsk},
			near: []string{idIgnores, idDoesNotReach},
			check: func(t *testing.T, d Diagnosis) {
				if text := evidenceOf(d, idKeepsAsking); !strings.Contains(text, "router "+gateway.String()+", gateway of this host") || !strings.Contains(text, "5 ARP requests") {
					t.Errorf("evidence %q", text)
				}
			},
		},
		{
			// Passive: what the router asks is all there is.
			name: "passive, a router keeps asking",
			steps: append([]step{here(), announce(node1, multicast), fact(evidence.Listened{Interface: "eth0", Passive: true})},
				asksOn(routerMAC, gateway, 4)...),
			verdict: Answers, severity: Warning,
			want: []string{idPassive, idAnnounced, idGroupMAC, idKeepsAsking, idOthersAsk, idRouterUntested},
			near: []string{idIgnores, idInconclusive},
		},
		{
			// An entry that is renewed, or three clients at once.
			name:    "asks in a burst",
			steps:   tested(asksFor(routerMAC, routerMAC, gateway, vip).times(9)),
			verdict: Answers, severity: Warning,
			want: []string{idGroupMAC, idSeveralHosts, idOthersAsk, idRouterUntested},
			near: []string{idKeepsAsking},
		},
		{
			// To the cluster's MAC: the router knows it and checks it.
			name: "a router that renews its entry",
			steps: tested(func() []step {
				all := asksOn(routerMAC, gateway, 5)
				for i := range all {
					all[i] = all[i].change(func(a *evidence.ARP) { a.EthDst = multicast })
				}
				return all
			}()...),
			verdict: Answers, severity: Warning,
			want: []string{idGroupMAC, idSeveralHosts, idOthersAsk, idRouterUntested},
			near: []string{idKeepsAsking},
		},
		{
			// A client's traffic shows what no test of ours did.
			name:    "a router hands packets to the cluster",
			steps:   tested(passes(routerMAC, remote)),
			verdict: Reachable, severity: Warning,
			want: []string{idRouterReaches, idGroupMAC, idSeveralHosts, idFloods},
			near: []string{idRouterUntested},
		},
		{
			// A host of the subnet sends for itself.
			name:    "a client's packet",
			steps:   tested(passes(stranger, client)),
			verdict: Answers, severity: Warning,
			want: []string{idGroupMAC, idSeveralHosts, idFloods, idRouterUntested},
			near: []string{idRouterReaches},
		},
		{
			// Nobody called it a router; that it sends our packet on does.
			name: "an asker turns out to forward",
			steps: tested(asksFor(standbyMAC, standbyMAC, standby, vip), echoVia(standbyMAC, 7), unreachable(1, 7).icmp(func(e *evidence.ICMPError) {
				e.From, e.EthSrc = standby, standbyMAC
			})),
			verdict: LocalOnly, severity: Critical,
			want: []string{idIgnores, idGroupMAC, idSeveralHosts, idRouterUntested, idChecklist},
			check: func(t *testing.T, d Diagnosis) {
				if len(d.Routers) != 2 || d.Routers[1].IP != standby || d.Routers[1].MAC != standbyMAC || d.Routers[1].Why != "asks for the VIP, and forwards" {
					t.Errorf("routers %+v", d.Routers)
				}
			},
		},
		{
			name:    "an asker that does not forward",
			steps:   tested(asksFor(stranger, stranger, client, vip), echoVia(stranger, 7)),
			verdict: Answers, severity: Warning,
			want: []string{idGroupMAC, idSeveralHosts, idOthersAsk, idRouterUntested},
			near: []string{idInconclusive},
		},
		{
			name: "VRRP: the active router is fixed, the other is not",
			steps: live(answer(node1, multicast), answer(node2, multicast), has(gateway, virtualMAC), has(activeIP, activeMAC), has(standby, standbyMAC),
				hello(activeIP, true), hello(standby, false),
				echoVia(virtualMAC, 7), echoReplied(node1, 7), echoVia(activeMAC, 8), echoReplied(node1, 8),
				echoVia(standbyMAC, 9), unreachable(1, 9).icmp(func(e *evidence.ICMPError) { e.From, e.EthSrc = standby, standbyMAC })),
			verdict: LocalOnly, severity: Critical,
			want: []string{idPair, idRouterReaches, idIgnores, idGroupMAC, idSeveralHosts, idChecklist},
			near: []string{idProxyARP, idFirstHop},
			check: func(t *testing.T, d Diagnosis) {
				if len(d.Routers) != 3 || d.Routers[0].MAC != virtualMAC || d.Routers[1].MAC != activeMAC || d.Routers[2].Reach != DoesNotReach {
					t.Errorf("routers %+v", d.Routers)
				}
				f := findingOf(t, d, idPair)
				if !strings.Contains(f.Summary, "Routers 172.16.63.2 and 172.16.63.3 share 172.16.63.1 (VRRPv3 group 5)") {
					t.Errorf("summary %q", f.Summary)
				}
			},
		},
		{
			// In VRRP the router that stands by is silent: it is not invented.
			name:    "VRRP: one router is heard",
			steps:   tested(hello(activeIP, true)),
			verdict: Answers, severity: Warning,
			want: []string{idPair, idGroupMAC, idSeveralHosts, idRouterUntested},
			check: func(t *testing.T, d Diagnosis) {
				if text := evidenceOf(d, idPair); !strings.Contains(text, "in VRRP those that stand by send nothing") {
					t.Errorf("evidence %q", text)
				}
			},
		},
		{
			// That is no proof for the one that was not heard.
			name: "VRRP: one router is heard, and proven to reach the VIP",
			steps: live(answer(node1, multicast), answer(node2, multicast), has(gateway, virtualMAC), has(activeIP, activeMAC), hello(activeIP, true),
				echoVia(virtualMAC, 7), echoReplied(node1, 7), echoVia(activeMAC, 8), echoReplied(node1, 8)),
			verdict: Reachable, severity: Warning,
			want: []string{idPair, idRouterReaches, idGroupMAC, idSeveralHosts},
			near: []string{idRouterUntested},
			check: func(t *testing.T, d Diagnosis) {
				if f := findingOf(t, d, idGroupMAC); f.Severity != Warning || !strings.Contains(f.Summary, "one that stands by was not heard") {
					t.Errorf("%+v", f)
				}
			},
		},
		{
			name:    "HSRP: both are heard",
			steps:   tested(hsrp(hw("00:00:0c:07:ac:05"), activeIP, true), hsrp(standbyMAC, standby, false)),
			verdict: Answers, severity: Warning,
			want: []string{idPair, idGroupMAC, idSeveralHosts, idRouterUntested},
			check: func(t *testing.T, d Diagnosis) {
				// The standby's own MAC is the source of its hellos.
				if len(d.Routers) != 3 || !d.Routers[1].MAC.IsZero() || d.Routers[2].MAC != standbyMAC {
					t.Errorf("routers %+v", d.Routers)
				}
			},
		},
		{
			name: "a hello of a hostile name, from no host",
			steps: tested(hello(activeIP, true).hello(func(h *evidence.Hello) { h.Protocol = 200 }),
				hello(vip, true).hello(func(h *evidence.Hello) { h.Group, h.Virtual, h.EthSrc = 6, vip, stranger }),
				hello(mustAddr("224.0.0.18"), true)),
			verdict: Answers, severity: Warning,
			want: []string{idPair, idGroupMAC, idSeveralHosts, idRouterUntested},
			near: []string{idProxyARP},
		},
		{
			name:    "a hundred routers that nobody knows",
			steps:   tested(manyHellos(100)...),
			verdict: Answers, severity: Warning,
			want: []string{idPair, idGroupMAC, idSeveralHosts, idRouterUntested},
			check: func(t *testing.T, d Diagnosis) {
				if len(d.Routers) > maxRouters {
					t.Errorf("%d routers", len(d.Routers))
				}
			},
		},
	}
}
