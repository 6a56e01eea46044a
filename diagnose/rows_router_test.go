package diagnose

import (
	"strings"
	"testing"
	"time"

	"github.com/nlbprobe/nlbprobe/evidence"
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
				text := strings.Join(f.Evidence, "\n")
				for _, part := range []string{
					gateway.String(), "asks everybody for the VIP 4 times after it had answered, over 3.1 s (1.0 per second)",
					"ICMP 3/1", "3.0 s after ours, 2 times",
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
			},
		},
		{
			name: "answers with our payload",
			steps: tested(echoVia(routerMAC, 7).echo(numbers(9, 0xabcd)), echoReplied(node1, 7).echo(numbers(9, 0xabcd)),
				fact(evidence.Unkept{Of: evidence.KindARPRequest})),
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
