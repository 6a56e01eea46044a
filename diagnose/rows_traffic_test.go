package diagnose

import (
	"strings"
	"testing"
	"time"

	"github.com/nlbprobe/nlbprobe/evidence"
	"github.com/nlbprobe/nlbprobe/mac"
	"github.com/nlbprobe/nlbprobe/mss"
)

// spread is n connections to port, straight to the cluster's MAC; each of the
// nodes takes one in turn.
func spread(to mac.Addr, n int, port uint16, nodes ...mac.Addr) []step {
	var out []step
	for i := range n {
		out = append(out, syn(to, 40000+uint16(i), port))
		if len(nodes) > 0 {
			out = append(out, synAck(nodes[i%len(nodes)], 40000+uint16(i), port))
		}
	}
	return out
}

// unicastNodes is a cluster in unicast mode with a router that is not tested.
func unicastNodes(more ...step) []step {
	return live(append([]step{answer(masked1, unicast), answer(masked2, unicast)}, more...)...)
}

// joined is that the interface was set to receive the cluster's frames, for two
// seconds out of three.
func joined() []step {
	f := fact(evidence.Listened{Interface: "eth0", Joined: multicast})
	return []step{f.from(time.Second), f.from(3 * time.Second)}
}

func trafficStories() []story {
	wasMember := append([]step{place4(vip, gateway)}, tested(passes(stranger, client))...)
	return []story{
		{
			name: "a switch that floods",
			steps: tested(append(joined(),
				passes(stranger, client), passes(stranger, client).from(2*time.Second), passes(stranger, node1IP), passes(stranger, client).from(2500*ms),
				beat(node1, 1).sized(442),
				echoVia(routerMAC, 7), copied(routerMAC, multicast, vip, 7))...),
			verdict: Reachable, severity: Warning,
			want: []string{idFloods, idRouterReaches, idGroupMAC, idSeveralHosts},
			check: func(t *testing.T, d Diagnosis) {
				f := findingOf(t, d, idFloods)
				text := strings.Join(f.Evidence, "\n")
				for _, part := range []string{
					"of clients: 4 frames in 2.0 s: 2.0 frames/s, 884 bytes/s, from 2 IPs",
					"heartbeats of nodes: 1 frame in 2.0 s: 0.5 frames/s, 221 bytes/s",
					"what we sent ourselves by way of a router: 1 frame",
					`"eth0" was set to receive frames to 03:bf:ac:10:3f:f1 for 2.0 s`,
				} {
					if !strings.Contains(text, part) {
						t.Errorf("no %q in %q", part, text)
					}
				}
				if f.Severity != Warning || !strings.Contains(f.Summary, "4 frames in 2.0 s") {
					t.Errorf("%+v", f)
				}
			},
		},
		{
			name: "heartbeats are flooded",
			steps: tested(beat(node1, 1).sized(442),
				fact(evidence.Listened{Interface: "eth0", Promiscuous: true}).from(0), fact(evidence.Listened{Interface: "eth0", Promiscuous: true}).from(4*time.Second),
				fact(evidence.Unkept{Of: evidence.KindTraffic}).times(9)),
			verdict: Answers, severity: Warning,
			want: []string{idFloods, idGroupMAC, idSeveralHosts, idRouterUntested, idFactsCut},
			check: func(t *testing.T, d Diagnosis) {
				f := findingOf(t, d, idFloods)
				text := strings.Join(f.Evidence, "\n")
				if f.Severity != Info || !strings.Contains(text, `"eth0" was in promiscuous mode for 4.0 s`) || !strings.Contains(text, "9 sightings of traffic left out") {
					t.Errorf("%v, evidence %q", f.Severity, text)
				}
			},
		},
		{
			name: "traffic of ours, for others and to others",
			steps: tested(passes(ourMAC, us), passes(stranger, client).traffic(func(f *evidence.Traffic) { f.EthDst = unicast }),
				passes(stranger, client).traffic(func(f *evidence.Traffic) { f.EthDst = mac.Broadcast })),
			verdict: Answers, severity: Warning,
			want: []string{idGroupMAC, idSeveralHosts, idRouterUntested},
			near: []string{idFloods},
		},
		{
			// A member gets the traffic by right.
			name:    "traffic at a node",
			steps:   wasMember,
			verdict: Answers, severity: Warning,
			want: []string{idGroupMAC, idSeveralHosts, idRouterUntested, idOwnHost},
			near: []string{idFloods},
		},
		{
			name:    "a switch that has learnt the cluster MAC",
			steps:   unicastNodes(echo(unicast, vip, 7).times(4), echoReplied(masked1, 7).times(4)),
			verdict: Answers, severity: Warning,
			want: []string{idLearnt, idMasked, idSeveralHosts, idRouterUntested, idChecklist},
			check: func(t *testing.T, d Diagnosis) {
				f := findingOf(t, d, idLearnt)
				if text := strings.Join(f.Evidence, "\n"); !strings.Contains(text, masked2.String()+" answers ARP, and no echo request") || !strings.Contains(text, "inferred") {
					t.Errorf("evidence %q", text)
				}
				if f.Certainty.String() != "inferred" {
					t.Errorf("certainty %v", f.Certainty)
				}
				if text := evidenceOf(d, idChecklist); !strings.Contains(text, "VMware Notify Switches (No in unicast mode) and forged transmits: observed") {
					t.Errorf("evidence %q", text)
				}
			},
		},
		{
			name:    "both nodes answer echo requests",
			steps:   unicastNodes(echo(unicast, vip, 7).times(4), echoReplied(masked1, 7).times(4), echoReplied(masked2, 7)),
			verdict: Answers, severity: Info,
			want: []string{idMasked, idSeveralHosts, idRouterUntested},
			near: []string{idLearnt, idChecklist},
		},
		{
			// The other reply may have been lost.
			name:    "one node answered, twice",
			steps:   unicastNodes(echo(unicast, vip, 7).times(2), echoReplied(masked1, 7).times(2)),
			verdict: Answers, severity: Info,
			want: []string{idMasked, idSeveralHosts, idRouterUntested},
			near: []string{idLearnt},
		},
		{
			// Whoever answers for the nodes, it is none of them.
			name:    "a stranger answers echo requests",
			steps:   unicastNodes(echo(unicast, vip, 7).times(4), echoReplied(stranger, 7).times(4)),
			verdict: Answers, severity: Info,
			want: []string{idMasked, idSeveralHosts, idRouterUntested},
			near: []string{idLearnt},
		},
		{
			// In multicast mode no switch learns the MAC, and some clusters
			// share ICMP.
			name:    "one node answers, in multicast mode",
			steps:   tested(echo(multicast, vip, 7).times(5), echoReplied(node1, 7).times(5)),
			verdict: Answers, severity: Warning,
			want: []string{idGroupMAC, idSeveralHosts, idRouterUntested},
			near: []string{idLearnt, idRouterReaches}, // no router was asked
		},
		{
			name:    "the service is open",
			steps:   tested(spread(multicast, 2, 443, node1)...),
			verdict: Answers, severity: Warning,
			want: []string{idPortOpen, idGroupMAC, idSeveralHosts, idRouterUntested},
			near: []string{idPortClosed, idPortSilent, idAffinitySingle},
		},
		{
			name:    "one node serves, one does not",
			steps:   tested(syn(multicast, 40001, 443), synAck(node1, 40001, 443), syn(multicast, 40002, 443), reset(node2, 40002, 443)),
			verdict: Answers, severity: Warning,
			want: []string{idPortOpen, idPortClosed, idGroupMAC, idSeveralHosts, idRouterUntested, idChecklist},
			check: func(t *testing.T, d Diagnosis) {
				if f := findingOf(t, d, idPortClosed); f.Severity != Warning || !strings.Contains(strings.Join(f.Evidence, "\n"), node2.String()+" refuses (RST)") {
					t.Errorf("%+v", f)
				}
			},
		},
		{
			name:    "one port open, one closed, one silent",
			steps:   tested(syn(multicast, 40001, 80), synAck(node1, 40001, 80), syn(multicast, 40002, 443), reset(node2, 40002, 443), syn(multicast, 40003, 25)),
			verdict: Answers, severity: Critical,
			want: []string{idPortOpen, idPortClosed, idPortSilent, idGroupMAC, idSeveralHosts, idRouterUntested, idChecklist},
			check: func(t *testing.T, d Diagnosis) {
				for id, port := range map[string]string{idPortOpen: "TCP port 80.", idPortClosed: "TCP port 443.", idPortSilent: "TCP port 25, "} {
					if f := findingOf(t, d, id); !strings.Contains(f.Summary, port) {
						t.Errorf("%s: %q", id, f.Summary)
					}
				}
				if f := findingOf(t, d, idPortClosed); f.Severity != Critical { // another port's success is no excuse
					t.Errorf("%+v", f)
				}
			},
		},
		{
			// Nobody asked on this port; somebody else's connection is no
			// answer to us.
			name:    "a foreign connection",
			steps:   tested(syn(multicast, 40001, 80), synAck(node1, 40001, 80), synAck(node1, 50000, 443), reset(node2, 50001, 22)),
			verdict: Answers, severity: Warning,
			want: []string{idPortOpen, idGroupMAC, idSeveralHosts, idRouterUntested},
			near: []string{idPortClosed, idPortSilent},
		},
		{
			name:    "affinity None",
			steps:   tested(spread(multicast, 20, 443, node1, node2)...),
			verdict: Answers, severity: Warning,
			want: []string{idAffinityNone, idPortOpen, idGroupMAC, idSeveralHosts, idRouterUntested},
			near: []string{idAffinitySingle},
			check: func(t *testing.T, d Diagnosis) {
				f := findingOf(t, d, idAffinityNone)
				if text := strings.Join(f.Evidence, "\n"); !strings.Contains(text, "node "+node1.String()+" took 10 of 20") || !strings.Contains(text, "node "+node2.String()+" took 10 of 20") {
					t.Errorf("evidence %q", text)
				}
				if f.Severity != Warning {
					t.Errorf("%v", f.Severity)
				}
			},
		},
		{
			name:    "affinity Single",
			steps:   tested(spread(multicast, 20, 443, node2)...),
			verdict: Answers, severity: Warning,
			want: []string{idAffinitySingle, idPortOpen, idGroupMAC, idSeveralHosts, idRouterUntested},
			near: []string{idAffinityNone},
			check: func(t *testing.T, d Diagnosis) {
				f := findingOf(t, d, idAffinitySingle)
				if text := strings.Join(f.Evidence, "\n"); !strings.Contains(f.Summary, "Single or Network") || !strings.Contains(text, "about 1 of 524288 cases") {
					t.Errorf("%q, evidence %q", f.Summary, text)
				}
			},
		},
		{
			name:    "only one host answers ARP",
			steps:   live(append(spread(multicast, 8, 443, node1), answer(node1, multicast))...),
			verdict: Answers, severity: Warning,
			want: []string{idAffinitySingle, idPortOpen, idGroupMAC, idRouterUntested},
			check: func(t *testing.T, d Diagnosis) {
				if text := evidenceOf(d, idAffinitySingle); !strings.Contains(text, "there may be nothing to share") {
					t.Errorf("evidence %q", text)
				}
			},
		},
		{
			// Seven are too few to call it either.
			name:    "too few connections",
			steps:   tested(spread(multicast, 7, 443, node1, node2)...),
			verdict: Answers, severity: Warning,
			want: []string{idPortOpen, idGroupMAC, idSeveralHosts, idRouterUntested},
			near: []string{idAffinityNone, idAffinitySingle},
		},
		{
			// All nodes send with one MAC: they cannot be told apart.
			name:    "affinity behind an unmasked MAC",
			steps:   live(append(spread(unicast, 20, 443, unicast), answer(unicast, unicast))...),
			verdict: Answers, severity: Warning,
			want: []string{idUnmasked, idPortOpen, idRouterUntested},
			near: []string{idAffinitySingle, idAffinityNone},
		},
		{
			// One SYN sent again, and its answer twice, is one connection.
			name:    "one connection, often",
			steps:   tested(syn(multicast, 40001, 443).times(20), synAck(node1, 40001, 443).times(20), synAck(node2, 40001, 443).times(3)),
			verdict: Answers, severity: Warning,
			want: []string{idPortOpen, idGroupMAC, idSeveralHosts, idRouterUntested},
			near: []string{idAffinityNone},
		},
		{
			name:    "the checklist of a host that is no cluster",
			steps:   live(answer(stranger, stranger), syn(stranger, 40001, 443)),
			verdict: Answers, severity: Critical,
			want: []string{idOrdinary, idPortSilent, idRouterUntested},
			near: []string{idChecklist},
		},
		{
			// Every point says what was seen of it.
			name:    "the checklist, with much to tell",
			steps:   tested(append(spread(multicast, 10, 443, node1, node2), syn(multicast, 41000, 25), asksFor(node1, multicast, vip, gateway))...),
			verdict: Answers, severity: Critical,
			want: []string{idAffinityNone, idPortOpen, idPortSilent, idGroupRequest, idGroupMAC, idSeveralHosts, idRouterUntested, idChecklist},
			check: func(t *testing.T, d Diagnosis) {
				f := findingOf(t, d, idChecklist)
				for _, line := range f.Evidence {
					if !strings.Contains(line, ": "+observed+"; ") && !strings.Contains(line, ": "+notObserved+"; ") && !strings.Contains(line, ": "+unobservable+"; ") {
						t.Errorf("it does not say what was seen: %q", line)
					}
				}
				text := strings.Join(f.Evidence, "\n")
				for _, part := range []string{
					"KB 960916 and later NLB hotfixes: observed", "affinity: observed", "NIC and teaming drivers: not observed", "NDIS filter drivers",
					"TCP/IP", "Hyper-V MAC address spoofing", "VMware Notify Switches", "dynamic ARP inspection", "port security, storm control",
				} {
					if !strings.Contains(text, part) {
						t.Errorf("no %q in %q", part, text)
					}
				}
				if !strings.Contains(f.Remedy, "static ARP entry") || !strings.Contains(f.Remedy, "unicast mode on all nodes") {
					t.Errorf("the two cures: %q", f.Remedy)
				}
			},
		},
	}
}

func (s step) traffic(f func(*evidence.Traffic)) step {
	t := s.fact.(evidence.Traffic)
	f(&t)
	s.fact = t
	return s
}

// A VIP that offers less than Windows sends says so in its answer to --tcp.
func TestOfferOfVIP(t *testing.T) {
	small := synAck(node1, 40000, 25)
	f := small.fact.(evidence.TCP)
	f.MSS = 512
	small.fact = f
	usual := synAck(node1, 40000, 25)
	f.MSS = 1460
	usual.fact = f
	with := func(s step) Diagnosis {
		return VIP(vip, items(live(answer(node1, multicast), syn(multicast, 40000, 25), s)))
	}
	d := with(small)
	if !d.Has(mss.BelowFloor) || !d.Has(idPortOpen) {
		t.Errorf("findings %q", ids(d))
	}
	if text := evidenceOf(d, mss.BelowFloor); !strings.Contains(text, "port 25, takes segments (MSS) of 512 bytes") {
		t.Errorf("evidence %q", text)
	}
	if d := with(usual); d.Has(mss.BelowFloor) {
		t.Errorf("findings %q", ids(d))
	}
}
