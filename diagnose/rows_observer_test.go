package diagnose

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/nlbprobe/nlbprobe/evidence"
	"github.com/nlbprobe/nlbprobe/finding"
	"github.com/nlbprobe/nlbprobe/mac"
)

func observerStories() []story {
	passive := []step{fact(evidence.Listened{Interface: "eth0", Passive: true}).from(0), fact(evidence.Listened{Interface: "eth0", Passive: true}).from(3 * time.Second)}
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
				if text := evidenceOf(d, idSilent); !strings.Contains(text, "no proof of silence") || strings.Contains(text, "short") {
					t.Errorf("evidence %q", text)
				}
			},
		},
		{
			name:    "nothing heard, and frames lost after each question",
			steps:   live(fact(evidence.Lost{Interface: "eth0"}).times(12), fact(evidence.Lost{Interface: "eth0", VIP: vip})),
			verdict: NotTold, severity: Unknown,
			want: []string{idMissed, idLost, idRouterUntested},
			near: []string{idSilent},
			check: func(t *testing.T, d Diagnosis) {
				if text := evidenceOf(d, idLost); !strings.Contains(text, "12 frames on") {
					t.Errorf("evidence %q", text)
				}
			},
		},
		{
			name:    "the same of another VIP",
			steps:   live(fact(evidence.Lost{Interface: "eth0"}).times(12), fact(evidence.Lost{Interface: "eth0", VIP: second})),
			verdict: Silent, severity: Unknown,
			want: []string{idSilent, idLost, idRouterUntested},
			near: []string{idMissed},
		},
		{
			name:    "an answer, heard although frames were lost",
			steps:   live(answer(node1, node1), fact(evidence.Lost{Interface: "eth0"}).times(12), fact(evidence.Lost{Interface: "eth0", VIP: vip})),
			verdict: Answers, severity: OK,
			want: []string{idOrdinary, idLost, idRouterUntested},
			near: []string{idMissed, idSilent},
		},
		{
			name:    "silent for a moment, on an interface with a hostile name",
			steps:   []step{here(), weAsk(), fact(evidence.Listened{Interface: "eth0"}).from(0), fact(evidence.Listened{Interface: "eth0"}).from(300 * ms), fact(evidence.Lost{Interface: "e\x1b[31m\n"})},
			verdict: Silent, severity: Unknown,
			want: []string{idSilent, idLost, idRouterUntested},
			check: func(t *testing.T, d Diagnosis) {
				if text := evidenceOf(d, idSilent); !strings.Contains(text, "that is short") {
					t.Errorf("evidence %q", text)
				}
				if text := evidenceOf(d, idLost); !strings.Contains(text, `"e\x1b[31m\n"`) {
					t.Errorf("evidence %q", text)
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
			// The routers that are seen are those of this host's segment, not the
			// VIP's; testing them, or going to another subnet, is no cure.
			name: "off link, silent",
			steps: append([]step{place4(netip.MustParseAddr("192.0.2.10"), netip.MustParseAddr("192.0.2.1")), weAsk(),
				fact(evidence.Lost{Interface: "eth0"}), fact(evidence.BadARP{EthSrc: stranger, Reason: evidence.ReasonShort})}, listening()...),
			verdict: Silent, severity: Unknown,
			want: []string{idOffLink, idSilent, idLost, idMalformed},
			near: []string{idRouterUntested},
			check: func(t *testing.T, d Diagnosis) {
				if d.Findings[0].ID != idOffLink || !strings.Contains(d.Findings[0].Remedy, "no cluster node") {
					t.Errorf("findings %+v", d.Findings)
				}
			},
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
			steps:   live(answer(stranger, stranger), fact(evidence.BadARP{EthSrc: node1, Reason: evidence.ReasonShort}).times(7)),
			verdict: Answers, severity: OK,
			want: []string{idOrdinary, idMalformed, idRouterUntested},
		},
		{
			// RARP and other unusual operations are well formed, and nobody
			// learns the VIP's MAC from them.
			name:    "an unusual operation",
			steps:   live(answer(stranger, stranger), asksFor(node1, multicast, vip, gateway).change(func(a *evidence.ARP) { a.Op = 8 })),
			verdict: Answers, severity: OK,
			want: []string{idOrdinary, idRouterUntested},
			near: []string{idMalformed, idGroupRequest},
		},
		{
			name:    "too many different answers",
			steps:   flood(),
			verdict: Conflict, severity: Critical,
			want: []string{idConflict, idOrdinary, idAnswersCut, idRouterUntested},
			near: []string{idFactsCut},
			check: func(t *testing.T, d Diagnosis) {
				for _, f := range d.Findings {
					if len(f.Evidence) > finding.MaxLines+len(d.Routers)+1 {
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
