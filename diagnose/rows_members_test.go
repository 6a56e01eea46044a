package diagnose

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/nlbprobe/nlbprobe/evidence"
	"github.com/nlbprobe/nlbprobe/mac"
)

// beating is a cluster of two in multicast mode that beats each second from the
// start to end.
func beating(end time.Duration, more ...step) []step {
	return live(joinSteps([]step{answer(node1, multicast), answer(node2, multicast)}, until(end, multicast),
		steady(time.Second, 100*ms, end, beat(node1, 1)), steady(time.Second, 600*ms, end, beat(node2, 2)), more)...)
}

func beatIDs(more ...string) []string {
	return append([]string{idGroupMAC, idSeveralHosts, idRouterUntested, idFloods}, more...)
}

func memberStories() []story {
	identity := beat(node1, 1).beat(func(h *evidence.Heartbeat) {
		*h = evidence.Heartbeat{EthSrc: h.EthSrc, EthDst: h.EthDst, EtherType: 0x886f, Signature: 0xc0de01c0, Version: 0x0206, Priority: 1,
			Cluster: vip, Dedicated: node1IP, Name: "web1\x1b[31m\n\u202e.example.com"}
	})
	says := func(t *testing.T, d Diagnosis, id string, severity Severity, parts ...string) {
		t.Helper()
		f := findingOf(t, d, id)
		text := f.Summary + "\n" + strings.Join(f.Evidence, "\n")
		for _, part := range parts {
			if !strings.Contains(text, part) {
				t.Errorf("%s: no %q in %q", id, part, text)
			}
		}
		if f.Severity != severity {
			t.Errorf("%s is %v", id, f.Severity)
		}
	}
	return []story{
		{
			name:    "a cluster that beats",
			steps:   beating(10*time.Second, identity),
			verdict: Answers, severity: Warning,
			want: beatIDs(),
			near: []string{idHostStopped, idSplit, idRulesDiffer, idBeatModes, idSamePriority, idNoBeat, idNoARP, idNotABeat},
			check: func(t *testing.T, d Diagnosis) {
				c := d.Cluster
				if len(c.Primaries) != 1 || c.Primaries[0] != vip || len(c.Hosts) != 2 {
					t.Fatalf("cluster %+v", c)
				}
				h := c.Hosts[0]
				if h.MAC != node1 || h.SenderMAC != multicast || h.Priority != 1 || h.IP != node1IP || h.Beats != 10 || h.Answers != 1 || h.Stopped ||
					!h.LastBeat.Equal(dawn.Add(9100*ms)) || h.Quiet != 900*ms || h.Heartbeat == nil || h.Heartbeat.RuleCount != 1 || !strings.HasPrefix(h.Name, "web1\x1b") {
					t.Errorf("host %+v", h)
				}
			},
		},
		{
			name: "a host dies",
			steps: live(joinSteps([]step{answer(node1, multicast), answer(node2, multicast), identity}, until(10*time.Second, multicast),
				steady(time.Second, 100*ms, 10*time.Second, beat(node2, 2)), steady(time.Second, 0, 4*time.Second, beat(node1, 1)))...),
			verdict: Answers, severity: Warning,
			want: beatIDs(idHostStopped),
			near: []string{idNoBeat},
			check: func(t *testing.T, d Diagnosis) {
				// Its name is as hostile as can be; it is quoted, and short.
				says(t, d, idHostStopped, Warning, node1.String()+`, priority 1, 172.16.63.11, "web1\x1b[31m\n\u202e.example.com": 5 heartbeats, the last at +4.0 s, 6.0 s before the end`)
				if !d.Cluster.Hosts[0].Stopped || d.Cluster.Hosts[1].Stopped {
					t.Errorf("hosts %+v", d.Cluster.Hosts)
				}
			},
		},
		{
			// Five missed ones are not six seconds.
			name: "a host misses four beats",
			steps: live(joinSteps([]step{answer(node1, multicast), answer(node2, multicast)}, until(9*time.Second, multicast),
				steady(time.Second, 100*ms, 9*time.Second, beat(node2, 2)), steady(time.Second, 0, 4*time.Second, beat(node1, 1)))...),
			verdict: Answers, severity: Warning,
			want: beatIDs(),
			near: []string{idHostStopped},
		},
		{
			name: "heartbeats every five seconds, and some were left out",
			steps: live(joinSteps([]step{answer(node1, multicast), answer(node2, multicast), fact(evidence.Unkept{Of: evidence.KindHeartbeat})}, until(60*time.Second, multicast),
				steady(5*time.Second, 0, 60*time.Second, beat(node2, 2)), steady(5*time.Second, 0, 20*time.Second, beat(node1, 1)))...),
			verdict: Answers, severity: Warning,
			want: beatIDs(idFactsCut),
			near: []string{idHostStopped},
		},
		{
			name: "heartbeats every five seconds",
			steps: live(joinSteps([]step{answer(node1, multicast), answer(node2, multicast)}, until(40*time.Second, multicast),
				steady(5*time.Second, 0, 40*time.Second, beat(node2, 2)), steady(5*time.Second, 0, 20*time.Second, beat(node1, 1)))...),
			verdict: Answers, severity: Warning,
			want: beatIDs(),
			near: []string{idHostStopped},
		},
		{
			name: "split for long",
			steps: live(joinSteps([]step{answer(node1, multicast), answer(node2, multicast)}, until(6*time.Second, multicast),
				steady(time.Second, 0, 6*time.Second, beat(node1, 1)), steady(time.Second, 500*ms, 6*time.Second, beat(node2, 2).beat(defaults(1))))...),
			verdict: Answers, severity: Critical,
			want: beatIDs(idSplit),
			check: func(t *testing.T, d Diagnosis) {
				says(t, d, idSplit, Critical, "172.16.63.11 names priority 1 as default host (inferred: its number 0 counts from 0)", "172.16.63.12 names priority 2 as default host (inferred: its number 1 counts from 0)", "inferred")
			},
		},
		{
			name: "split, seen once",
			steps: live(answer(node1, multicast), answer(node2, multicast), beat(node1, 1), beat(node2, 2).beat(defaults(1)).from(500*ms),
				fact(evidence.Listened{Interface: "eth0", Joined: multicast})),
			verdict: Answers, severity: Warning,
			want:  beatIDs(idSplit),
			check: func(t *testing.T, d Diagnosis) { says(t, d, idSplit, Warning, "converges, which takes about 3 s") },
		},
		{
			name: "another VLAN's heartbeats of the same cluster IP",
			steps: beating(6*time.Second, steady(time.Second, 0, 6*time.Second, beat(stranger, 2).beat(defaults(1)).beat(func(h *evidence.Heartbeat) {
				h.VLAN, h.RuleCount = 7, 9
			}))...),
			verdict: Answers, severity: Warning,
			want: beatIDs(),
			near: []string{idSplit, idSamePriority, idRulesDiffer},
		},
		{
			// One after the other is how a cluster changes its mind.
			name: "the default host changes",
			steps: live(joinSteps([]step{answer(node1, multicast), answer(node2, multicast)}, until(12*time.Second, multicast),
				steady(time.Second, 0, 5*time.Second, beat(node1, 1)), steady(time.Second, 500*ms, 5*time.Second, beat(node2, 2)),
				steady(time.Second, 6*time.Second, 12*time.Second, beat(node1, 1).beat(defaults(1))), steady(time.Second, 6500*ms, 12*time.Second, beat(node2, 2).beat(defaults(1))))...),
			verdict: Answers, severity: Warning,
			want: beatIDs(),
			near: []string{idSplit},
		},
		{
			name: "different numbers of rules",
			steps: beating(3*time.Second, beat(node2, 2).from(2900*ms).beat(func(h *evidence.Heartbeat) {
				h.RuleCount, h.Rules[1] = 2, 0x611bb1bb
			})),
			verdict: Answers, severity: Critical,
			want: beatIDs(idRulesDiffer),
			check: func(t *testing.T, d Diagnosis) {
				says(t, d, idRulesDiffer, Critical, "172.16.63.11: 1 port rule: 80 (or from 4096 up with the same code 0x61050050)", "172.16.63.12: 2 port rules")
			},
		},
		{
			name:    "as many rules, but others",
			steps:   beating(3*time.Second, beat(node2, 2).from(2900*ms).beat(func(h *evidence.Heartbeat) { h.Rules[0] = 0x611bb1bb })),
			verdict: Answers, severity: Warning,
			want:  beatIDs(idRulesDiffer),
			check: func(t *testing.T, d Diagnosis) { says(t, d, idRulesDiffer, Warning, "not the same ones", "inferred") },
		},
		{
			// What was not kept of a cut heartbeat does not differ.
			name: "rules that a capture cut",
			steps: beating(3*time.Second, beat(node2, 2).from(2900*ms).beat(func(h *evidence.Heartbeat) {
				h.Rules, h.RulesKept, h.Whole = [evidence.Slots]uint32{}, 0, false
			})),
			verdict: Answers, severity: Warning,
			want: beatIDs(),
			near: []string{idRulesDiffer},
		},
		{
			name:    "heartbeats of different modes",
			steps:   beating(3*time.Second, beat(node2, 2).from(2900*ms).beat(func(h *evidence.Heartbeat) { h.EthDst = mac.Broadcast })),
			verdict: Answers, severity: Critical,
			want: beatIDs(idBeatModes),
			check: func(t *testing.T, d Diagnosis) {
				says(t, d, idBeatModes, Critical, "to ff:ff:ff:ff:ff:ff, as in mode unicast")
			},
		},
		{
			name: "one priority twice",
			steps: beating(3*time.Second, append(steady(time.Second, 0, 3*time.Second, beat(stranger, 2).beat(func(h *evidence.Heartbeat) { h.Dedicated = client })),
				has(client, stranger))...),
			verdict: Answers, severity: Critical,
			want: beatIDs(idSamePriority),
			near: []string{idNoARP}, // asked once only
			check: func(t *testing.T, d Diagnosis) {
				says(t, d, idSamePriority, Critical, "2 hosts of 172.16.63.241 use the host priority 2")
			},
		},
		{
			// Nothing but heartbeats is heard of it: anybody can send those.
			name:    "one priority twice, of a host that shows nowhere else",
			steps:   beating(3*time.Second, steady(time.Second, 0, 3*time.Second, beat(stranger, 2).beat(func(h *evidence.Heartbeat) { h.Dedicated = client }))...),
			verdict: Answers, severity: Warning,
			want: beatIDs(idSamePriority),
			near: []string{idContradictsItself},
			check: func(t *testing.T, d Diagnosis) {
				says(t, d, idSamePriority, Warning, stranger.String()+", priority 2, 172.16.63.77 is heard by heartbeats alone", "may be forged")
			},
		},
		{
			name:    "split from a host that shows nowhere else",
			steps:   beating(6*time.Second, steady(time.Second, 0, 6*time.Second, beat(stranger, 3).beat(defaults(2)))...),
			verdict: Answers, severity: Warning,
			want: beatIDs(idSplit),
			check: func(t *testing.T, d Diagnosis) {
				says(t, d, idSplit, Warning, "is heard by heartbeats alone")
				if f := findingOf(t, d, idSplit); !strings.Contains(f.Disproof, "forged") {
					t.Errorf("disproof %q", f.Disproof)
				}
			},
		},
		{
			// The two that answer are split by themselves.
			name: "split, and one more that shows nowhere else",
			steps: live(joinSteps([]step{answer(node1, multicast), answer(node2, multicast)}, until(6*time.Second, multicast),
				steady(time.Second, 0, 6*time.Second, beat(node1, 1)), steady(time.Second, 500*ms, 6*time.Second, beat(node2, 2).beat(defaults(1))),
				steady(time.Second, 0, 6*time.Second, beat(stranger, 3).beat(defaults(2))))...),
			verdict: Answers, severity: Critical,
			want:  beatIDs(idSplit),
			check: func(t *testing.T, d Diagnosis) { says(t, d, idSplit, Critical) },
		},
		{
			name: "a host whose heartbeats say two priorities in turn",
			steps: beating(6*time.Second, steady(time.Second, 300*ms, 6*time.Second, beat(node1, 1).beat(func(h *evidence.Heartbeat) {
				h.Priority, h.HostID, h.Dedicated = 7, 6, client
			}))...),
			verdict: Answers, severity: Warning,
			want: beatIDs(idContradictsItself),
			near: []string{idTooManyMembers},
			check: func(t *testing.T, d Diagnosis) {
				says(t, d, idContradictsItself, Warning, node1.String()+" says priority 1, and 7, in turn", node1.String()+" says address 172.16.63.11, and 172.16.63.77")
			},
		},
		{
			// The settings of a host are changed once.
			name: "a host is given another priority",
			steps: live(joinSteps([]step{answer(node1, multicast), answer(node2, multicast)}, until(9*time.Second, multicast),
				steady(time.Second, 0, 4*time.Second, beat(node1, 1)), steady(time.Second, 5*time.Second, 9*time.Second, beat(node1, 3).beat(func(h *evidence.Heartbeat) { h.Dedicated = node1IP })),
				steady(time.Second, 0, 9*time.Second, beat(node2, 2)))...),
			verdict: Answers, severity: Warning,
			want: beatIDs(),
			near: []string{idContradictsItself},
		},
		{
			// Somebody sends in its name what splits it from the others.
			name:    "a host that names two default hosts in turn",
			steps:   beating(6*time.Second, steady(time.Second, 300*ms, 6*time.Second, beat(node1, 1).beat(defaults(6)))...),
			verdict: Answers, severity: Warning,
			want: beatIDs(idContradictsItself, idSplit),
			check: func(t *testing.T, d Diagnosis) {
				says(t, d, idContradictsItself, Warning, "default host 0, and 6, in turn")
				says(t, d, idSplit, Warning, node1.String()+" contradicts itself")
			},
		},
		{
			name:    "as many hosts as a cluster has",
			steps:   beating(3*time.Second, strangers(30)...),
			verdict: Answers, severity: Warning,
			want: beatIDs(),
			near: []string{idTooManyMembers},
		},
		{
			name:    "more hosts than a cluster has",
			steps:   beating(3*time.Second, strangers(900)...),
			verdict: Answers, severity: Warning,
			want: beatIDs(idTooManyMembers, idSamePriority),
			check: func(t *testing.T, d Diagnosis) {
				says(t, d, idTooManyMembers, Warning, "902 hosts by heartbeats in the cluster of 172.16.63.241, which can have 32")
				if n := len(d.Cluster.Hosts); n != maxMembers {
					t.Errorf("%d hosts", n)
				}
			},
		},
		{
			// In unicast mode the masked source is made of the priority.
			name: "one priority twice, in unicast mode",
			steps: live(joinSteps([]step{answer(masked1, unicast)}, steady(time.Second, 0, 3*time.Second, beat(masked1, 1).beat(inUnicast)),
				steady(time.Second, 0, 3*time.Second, beat(masked1, 1).beat(inUnicast).beat(func(h *evidence.Heartbeat) { h.Dedicated = client })))...),
			verdict: Answers, severity: Critical,
			want: []string{idMasked, idRouterUntested, idSamePriority},
			check: func(t *testing.T, d Diagnosis) {
				if h := d.Cluster.Hosts; len(h) != 2 || h[0].IP != node1IP || h[1].IP != client || h[1].Answers != 0 {
					t.Errorf("hosts %+v", h)
				}
			},
		},
		{
			name: "a host answers, and does not beat",
			steps: live(joinSteps([]step{answer(node1, multicast), answer(node2, multicast)}, until(7*time.Second, multicast),
				steady(time.Second, 0, 7*time.Second, beat(node1, 1)))...),
			verdict: Answers, severity: Warning,
			want: beatIDs(idNoBeat),
			check: func(t *testing.T, d Diagnosis) {
				says(t, d, idNoBeat, Warning, node2.String()+" answers for the VIP, once, and sent no heartbeat in 7.0 s")
			},
		},
		{
			name: "a host answers, and did not beat yet",
			steps: live(joinSteps([]step{answer(node1, multicast), answer(node2, multicast)}, until(4*time.Second, multicast),
				steady(time.Second, 0, 4*time.Second, beat(node1, 1)))...),
			verdict: Answers, severity: Warning,
			want: beatIDs(),
			near: []string{idNoBeat},
		},
		{
			name:    "a host beats, and does not answer",
			steps:   live(weAsk().times(2), answer(node1, multicast), beat(node1, 1), beat(node2, 2), fact(evidence.Listened{Interface: "eth0", Joined: multicast})),
			verdict: Answers, severity: Warning,
			want: []string{idGroupMAC, idRouterUntested, idFloods, idNoARP},
			check: func(t *testing.T, d Diagnosis) {
				says(t, d, idNoARP, Info, "1 heartbeat, no answer to 3 questions", "others answer")
			},
		},
		{
			name:    "the hosts beat, and none answers",
			steps:   live(weAsk().times(2), beat(node1, 1), beat(node2, 2)),
			verdict: Silent, severity: Critical,
			want: []string{idSilent, idNoARP, idRouterUntested},
			check: func(t *testing.T, d Diagnosis) {
				says(t, d, idNoARP, Critical, "2 hosts of the cluster of 172.16.63.241: heartbeats, but no answer to ARP of anyone")
				if d.Cluster.Mode != Multicast || d.Cluster.HasMAC {
					t.Errorf("cluster %+v", d.Cluster)
				}
			},
		},
		{
			name:    "the hosts beat, and nobody asked often enough",
			steps:   live(weAsk(), beat(node1, 1)),
			verdict: Silent, severity: Unknown,
			want: []string{idSilent, idRouterUntested},
			near: []string{idNoARP},
		},
		{
			name:    "heartbeats in a capture",
			steps:   []step{beat(node1, 1), beat(node2, 2)},
			verdict: Seen, severity: OK,
			near: []string{idSilent},
		},
		{
			name:    "heartbeats, and nothing was asked",
			steps:   joinSteps([]step{here(), beat(node1, 1)}, listening()),
			verdict: Silent, severity: Unknown,
			want: []string{idSilent, idRouterUntested},
			check: func(t *testing.T, d Diagnosis) {
				says(t, d, idSilent, Info, "No ARP of 172.16.63.241 was seen", "heartbeats of 1 host")
			},
		},
		{
			// With heartbeats, a MAC that was set by hand is proven to be NLB's.
			name:    "Cisco's example, with heartbeats",
			steps:   live(answer(node1, example), beat(node1, 1).beat(func(h *evidence.Heartbeat) { h.EthDst = example })),
			verdict: Answers, severity: Warning,
			want:  []string{idGroupMAC, idHandSet, idRouterUntested, idFloods},
			near:  []string{idUnproven},
			check: func(t *testing.T, d Diagnosis) { says(t, d, idHandSet, Info, "no IP: set by hand.") },
		},
		{
			// A cluster of its own: nothing of it is this VIP's.
			name: "another cluster's heartbeats",
			steps: live(answer(node1, multicast), beat(stranger, 7).beat(func(h *evidence.Heartbeat) {
				h.Cluster, h.EthDst = mustAddr("172.16.63.250"), hw("03:bf:ac:10:3f:fa")
			})),
			verdict: Answers, severity: Warning,
			want: []string{idGroupMAC, idRouterUntested},
			check: func(t *testing.T, d Diagnosis) {
				if len(d.Cluster.Hosts) != 1 || d.Cluster.Hosts[0].Beats != 0 {
					t.Errorf("hosts %+v", d.Cluster.Hosts)
				}
			},
		},
		{
			name: "a secondary VIP: its hosts beat for the primary",
			steps: live(answer(node1, hw("03:bf:ac:10:3f:f2")), beat(node1, 1).beat(func(h *evidence.Heartbeat) {
				h.Cluster, h.EthDst = second, hw("03:bf:ac:10:3f:f2")
			})),
			verdict: Answers, severity: Warning,
			want: []string{idGroupMAC, idOtherVIP, idRouterUntested, idFloods},
			check: func(t *testing.T, d Diagnosis) {
				if len(d.Cluster.Primaries) != 1 || d.Cluster.Primaries[0] != second || d.Cluster.Hosts[0].Priority != 1 {
					t.Errorf("cluster %+v", d.Cluster)
				}
			},
		},
		{
			name:    "frames of another protocol with the ethertype",
			steps:   live(answer(node1, multicast), fact(evidence.Malformed{Protocol: evidence.ProtocolHeartbeat, EthSrc: stranger, Reason: evidence.ReasonSignature})),
			verdict: Answers, severity: Warning,
			want: []string{idGroupMAC, idRouterUntested, idNotABeat},
			near: []string{idBadIGMP},
			check: func(t *testing.T, d Diagnosis) {
				says(t, d, idNotABeat, Info, "none of NLB's", "another protocol's signature")
			},
		},
	}
}

// strangers are n hosts of the cluster that send a heartbeat each and show
// nowhere else.
func strangers(n int) []step {
	out := make([]step, n)
	for i := range out {
		m := stranger
		m[4], m[5] = byte(i>>8), byte(i)
		out[i] = beat(m, 3+i%30).beat(func(h *evidence.Heartbeat) { h.Dedicated = netip.AddrFrom4([4]byte{172, 17, byte(i >> 8), byte(i)}) })
	}
	return out
}

func defaults(id uint16) func(*evidence.Heartbeat) {
	return func(h *evidence.Heartbeat) { h.DefaultHost = id }
}

func inUnicast(h *evidence.Heartbeat) {
	h.EthDst, h.Dedicated = mac.Broadcast, netip.AddrFrom4([4]byte{172, 16, 63, 11})
}
