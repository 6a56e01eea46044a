package diagnose

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nlbprobe/nlbprobe/evidence"
	"github.com/nlbprobe/nlbprobe/mac"
	"github.com/nlbprobe/nlbprobe/nlb"
)

func routerStories() []story {
	return []story{
		{
			name: "a strict router",
			steps: tested(append(asksOn(routerMAC, gateway, 4),
				echoVia(routerMAC, 7), control(routerMAC, 8), replied(stranger, client, 8), redirected(7), unreachable(1, 7).times(2))...),
			verdict: LocalOnly, severity: Critical,
			want: []string{idIgnores, idGroupMAC, idSeveralHosts, idChecklist},
			near: []string{idRedirects, idOthersAsk, idRouterReaches, idDoesNotReach, idInconclusive, idKeepsAsking, idRouterUntested, idFloods},
			check: func(t *testing.T, d Diagnosis) {
				r := d.Routers[0]
				if r.Reach != DoesNotReach || r.IP != gateway || len(r.Items) < 4 {
					t.Errorf("router %+v", r)
				}
				f := findingOf(t, d, idIgnores)
				// As data: the router, since its first question, and nobody of us.
				if !slices.Contains(f.MACs, routerMAC) || !slices.Contains(f.Addrs, gateway) || slices.Contains(f.MACs, ourMAC) ||
					slices.Contains(f.Addrs, us) || slices.Contains(f.Addrs, vip) || f.Sightings < 5 || f.Last.Sub(f.First) < 3*time.Second {
					t.Errorf("%+v", f.Subject)
				}
				text := strings.Join(f.Evidence, "\n")
				for _, part := range []string{
					gateway.String(), "broadcast 4 ARP requests for the VIP after the VIP had answered, over 3.1 s (1.0 per second)",
					"ICMP 3/1", "3.0 s after our packet, 2 times",
				} {
					if !strings.Contains(text, part) {
						t.Errorf("no %q in %q", part, text)
					}
				}
				if !strings.Contains(strings.Join(f.References, "\n"), "RFC 1812 3.3.2") || !strings.Contains(f.Summary, gateway.String()) {
					t.Errorf("%+v", f)
				}
			},
		},
		{
			// It says nothing, but it forwards to others and keeps asking.
			name: "a strict router that sends no unreachables",
			steps: tested(append(asksOn(routerMAC, gateway, 3),
				echoVia(routerMAC, 7), control(routerMAC, 8), replied(stranger, client, 8))...),
			verdict: LocalOnly, severity: Critical,
			want: []string{idIgnores, idGroupMAC, idSeveralHosts, idChecklist},
			near: []string{idOthersAsk, idInconclusive, idKeepsAsking},
		},
		{
			// A redirect is no proof that a packet gets there.
			name:    "only a redirect",
			steps:   tested(echoVia(routerMAC, 7), redirected(7)),
			verdict: Answers, severity: Warning,
			want: []string{idGroupMAC, idSeveralHosts, idRedirects, idInconclusive},
			near: []string{idRouterReaches, idIgnores},
		},
		{
			name:    "a lenient router",
			steps:   tested(echoVia(routerMAC, 7), echoReplied(node1, 7), echoReplied(node2, 7)),
			verdict: Reachable, severity: Info,
			want: []string{idRouterReaches, idGroupMAC, idSeveralHosts},
			near: []string{idRouterUntested, idIgnores, idRedirects, idChecklist},
			check: func(t *testing.T, d Diagnosis) {
				if f := findingOf(t, d, idGroupMAC); f.Severity != Info || !strings.Contains(f.Summary, "The router is proven to reach it") {
					t.Errorf("%+v", f)
				}
				if text := evidenceOf(d, idRouterReaches); !strings.Contains(text, node1.String()) {
					t.Errorf("who answered is not named in %q", text)
				}
				if d.Routers[0].Reach != Reaches {
					t.Errorf("router %+v", d.Routers[0])
				}
			},
		},
		{
			// What announced itself may be gone by now.
			name:    "unreachable, of a VIP that answered nobody",
			steps:   live(announce(node1, multicast), has(gateway, routerMAC), echoVia(routerMAC, 7), unreachable(1, 7)),
			verdict: Silent, severity: Warning,
			want: []string{idGroupMAC, idInconclusive, idNotAnswered, idAnnounced},
			near: []string{idIgnores, idDoesNotReach},
		},
		{
			name:    "a firewall refuses in the VIP's name",
			steps:   tested(echoVia(routerMAC, 7), unreachable(10, 7).icmp(func(e *evidence.ICMPError) { e.From = vip })),
			verdict: Answers, severity: Warning,
			want: []string{idGroupMAC, idSeveralHosts, idInconclusive},
			near: []string{idRouterReaches},
		},
		{
			name:    "a node refuses in its own name",
			steps:   tested(echoVia(routerMAC, 7), unreachable(10, 7).icmp(func(e *evidence.ICMPError) { e.From, e.EthSrc = vip, node1 })),
			verdict: Reachable, severity: Info,
			want: []string{idGroupMAC, idSeveralHosts, idRouterReaches},
			near: []string{idInconclusive},
		},
		{
			// What arrived is proven to arrive; a refusal of the same instant is older news.
			name:    "delivered and refused at one instant",
			steps:   tested(echoVia(routerMAC, 7), unreachable(1, 7).from(12*ms), echoReplied(node1, 7)),
			verdict: Reachable, severity: Info,
			want: []string{idRouterReaches, idGroupMAC, idSeveralHosts},
			near: []string{idIgnores, idDoesNotReach},
		},
		{
			// The nodes drop echo requests, and the switch floods: our packet
			// is seen on its way.
			name:    "only our own packet comes back",
			steps:   tested(echoVia(routerMAC, 7), copied(routerMAC, multicast, vip, 7)),
			verdict: Reachable, severity: Info,
			want: []string{idRouterReaches, idGroupMAC, idSeveralHosts, idFloods},
			check: func(t *testing.T, d Diagnosis) {
				if f := findingOf(t, d, idFloods); f.Severity != Info {
					t.Errorf("our own packet is no client's traffic: %+v", f)
				}
			},
		},
		{
			// A switch that brings our frame back as it was proves nothing.
			name: "our packet, with the time to live that it had",
			steps: tested(echoVia(routerMAC, 7), step{at: 11 * ms, n: 1,
				fact: evidence.Echo{EthSrc: stranger, EthDst: multicast, Src: us, Dst: vip, TTL: 64, ID: 7}}),
			verdict: Answers, severity: Warning,
			want: []string{idGroupMAC, idSeveralHosts, idInconclusive, idFloods},
			near: []string{idRouterReaches},
		},
		{
			name:    "by TCP, a node that refuses",
			steps:   tested(syn(routerMAC, 40001, 443), reset(node2, 40001, 443)),
			verdict: Reachable, severity: Critical, // the router reaches it, the service does not serve
			want: []string{idRouterReaches, idGroupMAC, idSeveralHosts, idPortClosed, idChecklist},
			near: []string{idInconclusive, idPortOpen, idPortSilent},
		},
		{
			// A firewall refuses in the VIP's name: the frame is its own.
			name:    "by TCP, the router itself refuses",
			steps:   tested(syn(routerMAC, 40001, 443), reset(routerMAC, 40001, 443)),
			verdict: Answers, severity: Warning,
			want: []string{idGroupMAC, idSeveralHosts, idInconclusive},
			near: []string{idRouterReaches, idPortClosed},
		},
		{
			name: "by TCP, host unreachable",
			steps: tested(syn(routerMAC, 40001, 443), unreachable(1, 40001).icmp(func(e *evidence.ICMPError) {
				e.Protocol, e.Port = protocolTCP, 443
			})),
			verdict: LocalOnly, severity: Critical,
			want: []string{idIgnores, idGroupMAC, idSeveralHosts, idChecklist},
			near: []string{idPortSilent}, // nothing was sent straight to the cluster
		},
		{
			name:    "answers to numbers that are not ours",
			steps:   tested(echoVia(routerMAC, 7), echoReplied(node1, 8), unreachable(1, 9), redirected(10)),
			verdict: Answers, severity: Warning,
			want: []string{idGroupMAC, idSeveralHosts, idInconclusive},
			near: []string{idRouterReaches, idIgnores, idRedirects},
		},
		{
			// A blind forger guesses the identifier, and not the rest.
			name: "answers without our payload",
			steps: tested(echoVia(routerMAC, 7).echo(numbers(9, 0xabcd)), echoReplied(node1, 7), echoReplied(node1, 7).echo(numbers(9, 0xabce)),
				copied(routerMAC, multicast, vip, 7), unreachable(1, 7).icmp(func(e *evidence.ICMPError) { e.Seq = 8 }),
				unreachable(1, 7).icmp(func(e *evidence.ICMPError) { e.Seq, e.Payload = 9, true }),
				fact(evidence.Unkept{Of: evidence.KindEcho, Unasked: true}).times(3000)),
			verdict: Answers, severity: Warning,
			want: []string{idGroupMAC, idSeveralHosts, idInconclusive, idFloods, idUnasked},
			near: []string{idRouterReaches, idIgnores, idFactsCut},
			check: func(t *testing.T, d Diagnosis) {
				if text := evidenceOf(d, idUnasked); !strings.Contains(text, "3000 frames of kind echo") {
					t.Errorf("%q", text)
				}
				// What matched no packet of ours is no part of the test that was lost.
				if text := evidenceOf(d, idInconclusive); strings.Contains(text, "too many different packets") {
					t.Errorf("%q", text)
				}
			},
		},
		{
			name: "answers with our payload",
			steps: tested(echoVia(routerMAC, 7).echo(numbers(9, 0xabcd)), echoReplied(node1, 7).echo(numbers(9, 0xabcd)),
				fact(evidence.Unkept{Of: evidence.KindARPRequest}), fact(evidence.Unkept{Of: evidence.KindICMPError, Unasked: true}).times(3)),
			verdict: Reachable, severity: Info,
			want: []string{idRouterReaches, idGroupMAC, idSeveralHosts, idFactsCut},
			near: []string{idUnasked},
		},
		{
			// As much as a router has to quote: identifier and sequence number.
			name:    "unreachable, quoting 8 bytes",
			steps:   tested(echoVia(routerMAC, 7).echo(numbers(9, 0xabcd)), unreachable(1, 7).icmp(func(e *evidence.ICMPError) { e.Seq = 9 })),
			verdict: LocalOnly, severity: Critical,
			want: []string{idIgnores, idGroupMAC, idSeveralHosts, idChecklist},
		},
		{
			name:    "unreachable, quoting our payload",
			steps:   tested(echoVia(routerMAC, 7).echo(numbers(9, 0xabcd)), unreachable(1, 7).icmp(func(e *evidence.ICMPError) { e.Seq, e.Token, e.Payload = 9, 0xabcd, true })),
			verdict: LocalOnly, severity: Critical,
			want: []string{idIgnores, idGroupMAC, idSeveralHosts, idChecklist},
		},
		{
			name: "by TCP, what acknowledges another number",
			steps: tested(syn(routerMAC, 40001, 443), synAck(node2, 40001, 443).tcp(func(f *evidence.TCP) { f.Number = 2 }),
				reset(node2, 40001, 443).tcp(func(f *evidence.TCP) { f.Number = 3 }), reset(node2, 40001, 443).tcp(func(f *evidence.TCP) { f.ACK = false })),
			verdict: Answers, severity: Warning,
			want: []string{idGroupMAC, idSeveralHosts, idInconclusive},
			near: []string{idRouterReaches, idPortOpen, idPortClosed},
		},
		{
			name:    "too many packets to keep",
			steps:   tested(echoVia(routerMAC, 7), fact(evidence.Unkept{Of: evidence.KindICMPError}).times(900)),
			verdict: Answers, severity: Warning,
			want: []string{idGroupMAC, idSeveralHosts, idInconclusive, idFactsCut},
			check: func(t *testing.T, d Diagnosis) {
				if text := evidenceOf(d, idInconclusive); !strings.Contains(text, "(facts-cut)") || strings.Contains(text, "no control host") {
					t.Errorf("%q", text)
				}
			},
		},
		{
			// One frame in the router's name, against what it said of our own packet.
			name: "somebody's packet from the MAC of a strict router",
			steps: tested(append(asksOn(routerMAC, gateway, 4), passes(routerMAC, remote),
				echoVia(routerMAC, 7), control(routerMAC, 8), replied(stranger, client, 8), redirected(7), unreachable(1, 7))...),
			verdict: LocalOnly, severity: Critical,
			want: []string{idIgnores, idContradiction, idGroupMAC, idSeveralHosts, idChecklist, idFloods},
			near: []string{idRouterReaches, idClaimed},
			check: func(t *testing.T, d Diagnosis) {
				f := findingOf(t, d, idContradiction)
				if text := strings.Join(f.Evidence, "\n"); !strings.Contains(f.Summary, "may be forged") || !strings.Contains(text, "that is one packet, and anybody can send one in the router's name") {
					t.Errorf("%+v", f)
				}
			},
		},
		{
			// Nothing came of ours. As with a router that sends nothing back out.
			name:    "somebody's packets from the MAC of a silent router",
			steps:   tested(echoVia(routerMAC, 7), passes(routerMAC, remote).times(30)),
			verdict: Answers, severity: Warning,
			want: []string{idContradiction, idGroupMAC, idSeveralHosts, idFloods},
			near: []string{idRouterReaches, idInconclusive, idRouterUntested},
		},
		{
			name:    "somebody's packets, and ours came through too",
			steps:   tested(echoVia(routerMAC, 7), echoReplied(node1, 7), passes(routerMAC, remote)),
			verdict: Reachable, severity: Warning,
			want: []string{idRouterReaches, idGroupMAC, idSeveralHosts, idFloods},
			near: []string{idContradiction},
		},
		{
			// Nothing of ours went that way: as in a capture.
			name:    "somebody's packet is the only sign",
			steps:   tested(passes(routerMAC, remote)),
			verdict: Reachable, severity: Warning,
			want: []string{idRouterReaches, idGroupMAC, idSeveralHosts, idFloods},
			near: []string{idContradiction},
			check: func(t *testing.T, d Diagnosis) {
				if f := findingOf(t, d, idRouterReaches); f.Certainty != nlb.Unconfirmed || !strings.Contains(f.Summary, "One packet") || !strings.Contains(f.Disproof, "forged") {
					t.Errorf("%+v", f)
				}
			},
		},
		{
			name:    "somebody's packets are the only signs",
			steps:   tested(passes(routerMAC, remote).times(30)),
			verdict: Reachable, severity: Warning,
			want: []string{idRouterReaches, idGroupMAC, idSeveralHosts, idFloods},
			check: func(t *testing.T, d Diagnosis) {
				if f := findingOf(t, d, idRouterReaches); f.Certainty != nlb.Inferred || !strings.Contains(strings.Join(f.Evidence, " "), "those are 30 packets, not our own") {
					t.Errorf("%+v", f)
				}
			},
		},
		{
			name:    "somebody's packet, and the router asks on",
			steps:   tested(append(asksOn(routerMAC, gateway, 5), passes(routerMAC, remote))...),
			verdict: Answers, severity: Warning,
			want: []string{idContradiction, idGroupMAC, idSeveralHosts, idFloods, idKeepsAsking, idOthersAsk},
			near: []string{idRouterReaches},
		},
		{
			// Its asking counts from the first of those packets on.
			name:    "somebody's packets, far apart, and the router asks on after the first",
			steps:   tested(append(asksOn(routerMAC, gateway, 5), passes(routerMAC, remote), passes(routerMAC, mustAddr("198.51.100.9")).from(time.Minute))...),
			verdict: Answers, severity: Warning,
			want: []string{idContradiction, idGroupMAC, idSeveralHosts, idFloods, idOthersAsk},
			near: []string{idRouterReaches},
		},
		{
			// As after a fix: it had no entry, and has one now.
			name:    "the router asked, and somebody's packets came after that",
			steps:   tested(append(asksOn(routerMAC, gateway, 4), passes(routerMAC, remote).from(5*time.Second))...),
			verdict: Reachable, severity: Warning,
			want: []string{idRouterReaches, idGroupMAC, idSeveralHosts, idFloods},
			near: []string{idContradiction},
		},
		{
			// It answers for the router and hands packets on: the router itself refuses.
			name: "somebody in the place of a strict router",
			steps: tested(has(gateway, stranger).times(20).from(2*ms), has(gateway, stranger).from(3*time.Second), has(gateway, routerMAC).from(2*time.Second),
				echoVia(stranger, 7), copied(stranger, multicast, vip, 7), echoReplied(node1, 7), echoVia(routerMAC, 8), unreachable(1, 8)),
			verdict: LocalOnly, severity: Critical,
			want: []string{idIgnores, idClaimed, idGroupMAC, idSeveralHosts, idChecklist, idFloods},
			near: []string{idRouterReaches},
			check: func(t *testing.T, d Diagnosis) {
				r := d.Routers[0]
				if len(r.Places) != 2 || r.Places[0] != (Place{stranger, Reaches, 21}) || r.Places[1] != (Place{routerMAC, DoesNotReach, 2}) {
					t.Errorf("%+v", r)
				}
				if text := evidenceOf(d, idClaimed); !strings.Contains(text, stranger.String()+": named 21 times") || !strings.Contains(text, "reaches the VIP") {
					t.Errorf("%q", text)
				}
			},
		},
		{
			name:    "an address twice, and both forward",
			steps:   tested(has(gateway, stranger), echoVia(stranger, 7), echoReplied(node1, 7), echoVia(routerMAC, 8), echoReplied(node1, 8)),
			verdict: Reachable, severity: Warning,
			want: []string{idRouterReaches, idClaimed, idGroupMAC, idSeveralHosts},
		},
		{
			// In a run of our own both are answers to our question.
			name:    "an address twice, the second time half a second later",
			steps:   tested(has(gateway, stranger).from(500*ms), echoVia(stranger, 7), echoReplied(node1, 7), echoVia(routerMAC, 8), echoReplied(node1, 8)),
			verdict: Reachable, severity: Warning,
			want: []string{idRouterReaches, idClaimed, idGroupMAC, idSeveralHosts},
		},
		{
			name:    "an address twice, and of one nothing is known",
			steps:   tested(has(gateway, stranger).times(3), echoVia(routerMAC, 8), echoReplied(node1, 8), echoVia(stranger, 7)),
			verdict: Answers, severity: Warning,
			want: []string{idInconclusive, idClaimed, idGroupMAC, idSeveralHosts},
			near: []string{idRouterReaches},
			check: func(t *testing.T, d Diagnosis) {
				if text := evidenceOf(d, idInconclusive); !strings.Contains(text, "1 of 2 MACs that claim its address") {
					t.Errorf("%q", text)
				}
			},
		},
		{
			// Inventions are named once, and do nothing.
			name:    "a router, and a thousand inventions at its address",
			steps:   tested(append(inventions(1000), has(gateway, routerMAC), echoVia(routerMAC, 8), echoReplied(node1, 8))...),
			verdict: Reachable, severity: Warning,
			want: []string{idRouterReaches, idClaimed, idGroupMAC, idSeveralHosts},
			check: func(t *testing.T, d Diagnosis) {
				if r := d.Routers[0]; r.MAC != routerMAC || len(r.Places) != MaxPlaces || r.Places[0].MAC != routerMAC || r.More != 1001-MaxPlaces {
					t.Errorf("%+v", r)
				}
			},
		},
		{
			// The old one is not heard again.
			name: "a router is replaced",
			steps: live(answer(node1, multicast), has(gateway, routerMAC).times(3), has(gateway, activeMAC).times(3).from(20*time.Second),
				echoVia(activeMAC, 8).from(21*time.Second), echoReplied(node1, 8).from(21*time.Second)),
			verdict: Reachable, severity: Info,
			want: []string{idRouterReaches, idGroupMAC},
			near: []string{idClaimed},
		},
		{
			// Somebody captured while a test of ours ran: it shows by its form.
			name: "a capture by another tool, with a test of a strict router",
			steps: []step{answer(node1, multicast), has(gateway, routerMAC), echoVia(routerMAC, 7).echo(numbers(9, 0xabcd)).echo(func(e *evidence.Echo) { e.Out = false }),
				unreachable(1, 7).icmp(func(e *evidence.ICMPError) { e.Seq = 9 }), passes(routerMAC, remote)},
			verdict: LocalOnly, severity: Critical,
			want: []string{idIgnores, idContradiction, idGroupMAC, idChecklist, idFloods},
		},
		{
			// The same echo where this host's own packets are known: somebody's.
			name:    "an echo in our form that is not ours",
			steps:   tested(echoVia(stranger, 7).echo(numbers(9, 0xabcd)).echo(func(e *evidence.Echo) { e.Out, e.EthSrc = false, node2 }), echoReplied(node1, 7).echo(numbers(9, 0xabcd))),
			verdict: Answers, severity: Warning,
			want: []string{idGroupMAC, idSeveralHosts, idRouterUntested},
			near: []string{idRouterReaches},
		},
		{
			// The other one for an hour, as where a pair fails over and back.
			name: "a router fails over, and back",
			steps: []step{answer(node1, multicast), fact(evidence.Vantage{Gateway: gateway}), has(gateway, routerMAC), has(gateway, activeMAC).from(time.Hour), has(gateway, activeMAC).from(2 * time.Hour),
				has(gateway, routerMAC).from(3 * time.Hour)},
			verdict: Answers, severity: Warning,
			want: []string{idGroupMAC, idRouterUntested},
			near: []string{idClaimed},
		},
		{
			name:    "two answers for the gateway at one moment",
			steps:   []step{answer(node1, multicast), fact(evidence.Vantage{Gateway: gateway}), has(gateway, routerMAC), has(gateway, stranger).from(3 * ms)},
			verdict: Answers, severity: Warning,
			want: []string{idGroupMAC, idRouterUntested, idClaimed},
		},
		{
			// The one that forwards counts for more than the one that spoke first.
			name: "two answers for the gateway, and packets come from the second",
			steps: joinSteps([]step{answer(node1, multicast), fact(evidence.Vantage{Gateway: gateway}), has(gateway, stranger).from(ms), has(gateway, routerMAC).from(3 * ms)},
				[]step{passes(routerMAC, remote).times(3).from(time.Second)}),
			verdict: Reachable, severity: Warning,
			want: []string{idGroupMAC, idRouterReaches, idClaimed, idFloods},
			check: func(t *testing.T, d Diagnosis) {
				if r := d.Routers[0]; r.MAC != routerMAC {
					t.Errorf("%+v", r)
				}
			},
		},
		{
			name: "a virtual router's MAC, and its own",
			steps: live(answer(node1, multicast), has(gateway, virtualMAC), has(gateway, activeMAC), has(activeIP, activeMAC), hello(activeIP, true),
				echoVia(virtualMAC, 8), echoReplied(node1, 8)),
			verdict: Reachable, severity: Warning,
			want: []string{idRouterReaches, idGroupMAC, idPair, idRouterUntested},
			near: []string{idClaimed},
		},
		{
			name: "a virtual router's MAC, and one that nobody knows",
			steps: live(answer(node1, multicast), has(gateway, virtualMAC), has(gateway, stranger),
				echoVia(virtualMAC, 8), echoReplied(node1, 8), echoVia(stranger, 9), echoReplied(node1, 9)),
			verdict: Reachable, severity: Info,
			want: []string{idRouterReaches, idGroupMAC, idClaimed},
		},
		{
			name: "GLBP's virtual MACs",
			steps: live(answer(node1, multicast), has(gateway, hw("00:07:b4:00:05:01")), has(gateway, hw("00:07:b4:00:05:02")),
				echoVia(hw("00:07:b4:00:05:01"), 8), echoReplied(node1, 8)),
			verdict: Reachable, severity: Info,
			want: []string{idRouterReaches, idGroupMAC},
			near: []string{idClaimed},
		},
		{
			// Who has seen our packet on its way can say anything of it.
			name: "delivered, and an error from elsewhere afterwards",
			steps: tested(echoVia(routerMAC, 7), copied(routerMAC, multicast, vip, 7), echoReplied(node1, 7), unreachable(1, 7).icmp(func(e *evidence.ICMPError) {
				e.EthSrc, e.From = stranger, client
			})),
			verdict: Answers, severity: Warning,
			want: []string{idInconclusive, idGroupMAC, idSeveralHosts, idFloods},
			check: func(t *testing.T, d Diagnosis) {
				if text := evidenceOf(d, idInconclusive); !strings.Contains(text, "from "+client.String()) || !strings.Contains(text, "in a frame of "+stranger.String()+", which is no known router's") || !strings.Contains(text, "can forge such an error") {
					t.Errorf("%q", text)
				}
			},
		},
		{
			// The same number went to the cluster itself: whose way it came by
			// cannot be told.
			name:    "one number by two ways",
			steps:   tested(echoVia(routerMAC, 7), echo(multicast, vip, 7), echoReplied(node1, 7)),
			verdict: Answers, severity: Warning,
			want: []string{idGroupMAC, idSeveralHosts, idRouterUntested},
			near: []string{idRouterReaches},
		},
		{
			name: "unreachable, though the MAC is unicast",
			steps: live(answer(masked1, unicast), answer(masked2, unicast), has(gateway, routerMAC),
				echoVia(routerMAC, 7), unreachable(1, 7)),
			verdict: LocalOnly, severity: Critical,
			want: []string{idDoesNotReach, idMasked, idSeveralHosts, idChecklist},
			near: []string{idIgnores},
		},
		{
			// No route is no matter of ARP.
			name:    "network unreachable",
			steps:   tested(echoVia(routerMAC, 7), unreachable(0, 7)),
			verdict: LocalOnly, severity: Critical,
			want: []string{idDoesNotReach, idGroupMAC, idSeveralHosts, idChecklist},
			near: []string{idIgnores},
		},
		{
			name:    "a static entry with another MAC",
			steps:   tested(echoVia(routerMAC, 7), copied(routerMAC, example, vip, 7)),
			verdict: LocalOnly, severity: Critical,
			want: []string{idDoesNotReach, idGroupMAC, idSeveralHosts, idChecklist},
			near: []string{idRouterReaches, idFloods},
			check: func(t *testing.T, d Diagnosis) {
				if text := evidenceOf(d, idDoesNotReach); !strings.Contains(text, example.String()) {
					t.Errorf("the wrong MAC is not named in %q", text)
				}
			},
		},
		{
			name:    "prohibited by a rule",
			steps:   tested(echoVia(routerMAC, 7), unreachable(13, 7)),
			verdict: Answers, severity: Warning,
			want: []string{idGroupMAC, idSeveralHosts, idInconclusive},
			near: []string{idDoesNotReach},
		},
		{
			// A host that refuses the packet has got it.
			name: "the VIP itself says unreachable",
			steps: tested(echoVia(routerMAC, 7), unreachable(3, 7).from(20*ms).icmp(func(e *evidence.ICMPError) {
				e.From, e.EthSrc = vip, node1
			})),
			verdict: Reachable, severity: Info,
			want: []string{idRouterReaches, idGroupMAC, idSeveralHosts},
			near: []string{idDoesNotReach},
		},
		{
			// The router gets no answer either: that is no fault of it.
			name:    "a router before a silent VIP",
			steps:   live(append(asksOn(routerMAC, gateway, 4), has(gateway, routerMAC), echoVia(routerMAC, 7), unreachable(1, 7))...),
			verdict: Silent, severity: Unknown,
			want: []string{idSilent, idOthersAsk, idInconclusive},
			near: []string{idIgnores, idDoesNotReach, idKeepsAsking},
		},
		{
			name:    "it forwarded, and failed later",
			steps:   tested(echoVia(routerMAC, 7), echoReplied(node1, 7), unreachable(1, 7)),
			verdict: Answers, severity: Warning,
			want: []string{idGroupMAC, idSeveralHosts, idInconclusive},
			near: []string{idRouterReaches, idIgnores},
		},
		{
			// As after a fix while we test.
			name:    "it failed, and forwarded later",
			steps:   tested(echoVia(routerMAC, 7), unreachable(1, 7), echoReplied(node1, 7).from(4*time.Second)),
			verdict: Reachable, severity: Info,
			want: []string{idRouterReaches, idGroupMAC, idSeveralHosts},
			near: []string{idIgnores},
		},
	}
}

// inventions are as many MACs that claim the gateway's address, once each.
func inventions(n int) []step {
	out := make([]step, n)
	for i := range out {
		out[i] = has(gateway, mac.Addr{2, 0xee, 0, 0, byte(i >> 8), byte(i)})
	}
	return out
}

// severityOf checks the severity of one finding.
func severityOf(t *testing.T, d Diagnosis, id string, want Severity) {
	t.Helper()
	if f := findingOf(t, d, id); f.Severity != want {
		t.Errorf("%s is %v, want %v", id, f.Severity, want)
	}
}

func findingOf(t *testing.T, d Diagnosis, id string) Finding {
	t.Helper()
	for _, f := range d.Findings {
		if f.ID == id {
			return f
		}
	}
	t.Fatalf("no %s in %q", id, ids(d))
	return Finding{}
}
