package diagnose

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nlbprobe/nlbprobe/evidence"
)

// igmpNodes is a cluster in IGMP mode, listened to for so long, and more.
func igmpNodes(long time.Duration, more ...step) []step {
	return live(joinSteps([]step{answer(node1, igmp), answer(node2, igmp)}, until(long, igmp), more)...)
}

// quietly adds what every untested cluster in IGMP mode gives.
func igmpIDs(more ...string) []string {
	return append([]string{idGroupMAC, idSeveralHosts, idRouterUntested}, more...)
}

func igmpStories() []story {
	const long = 260 * time.Second
	bothReport := joinSteps(steady(60*time.Second, 10*time.Second, long, reports(node1, node1IP)), steady(60*time.Second, 20*time.Second, long, reports(node2, node2IP)))
	asked := steady(125*time.Second, 5*time.Second, long, query(client, 2))
	has := func(t *testing.T, d Diagnosis, id string, parts ...string) {
		t.Helper()
		f := findingOf(t, d, id)
		text := f.Summary + "\n" + strings.Join(f.Evidence, "\n")
		for _, part := range parts {
			if !strings.Contains(text, part) {
				t.Errorf("%s: no %q in %q", id, part, text)
			}
		}
	}
	return []story{
		{
			name:    "IGMP mode, joined and queried",
			steps:   igmpNodes(long, joinSteps(bothReport, asked)...),
			verdict: Answers, severity: Warning,
			want: igmpIDs(idJoined),
			near: []string{idNoReport, idNoQuerier, idNotProven, idNotJoined, idV3Only, idOtherGroupIGMP, idNotLimited, idProxyQuerier, idQueriers, idL3Querier, idSharedGroup, idUnanswered},
			check: func(t *testing.T, d Diagnosis) {
				has(t, d, idJoined, "2 hosts reported", "reports 239.255.63.241 by IGMPv1, 5 times, every 1m0s")
				c := d.Cluster
				if len(c.Queriers) != 1 || c.Queriers[0].IP != client || !slices.Equal(c.Queriers[0].Versions, []uint8{2}) ||
					c.Queriers[0].Interval != 125*time.Second || c.Queriers[0].Queries != 3 || !c.Hosts[0].Joined || !c.Hosts[1].Joined {
					t.Errorf("cluster %+v", c)
				}
			},
		},
		{
			name:    "nobody reports, nobody asks, for long",
			steps:   igmpNodes(long),
			verdict: Answers, severity: Warning,
			want: igmpIDs(idNoReport, idNoQuerier),
			near: []string{idNotProven, idJoined},
			check: func(t *testing.T, d Diagnosis) {
				has(t, d, idNoReport, "no membership report for the group in 4m20s", `"eth0" was set to receive frames to 01:00:5e:7f:3f:f1`)
				has(t, d, idNoQuerier, "No IGMP querier in 4m20s")
			},
		},
		{
			// Groups live 2 x 25 s + 10 s, as long as a report is away.
			name:    "a querier that asks often, and reports just often enough",
			steps:   igmpNodes(long, joinSteps(bothReport, steady(25*time.Second, 5*time.Second, long, query(client, 2)))...),
			verdict: Answers, severity: Warning,
			want: igmpIDs(idJoined),
			near: []string{idTooRare},
		},
		{
			name:    "an IGMPv3 query says that the next one comes in 20 s",
			steps:   igmpNodes(long, joinSteps(bothReport, []step{query(client, 3).igmp(func(f *evidence.IGMP) { f.Interval = 20 * time.Second })})...),
			verdict: Answers, severity: Warning,
			want: igmpIDs(idJoined, idV3Only, idTooRare),
		},
		{
			name:    "two queries soon after each other tell no interval",
			steps:   igmpNodes(long, joinSteps(bothReport, steady(5*time.Second, 5*time.Second, 11*time.Second, query(client, 2)))...),
			verdict: Answers, severity: Warning,
			want: igmpIDs(idJoined),
			near: []string{idTooRare},
		},
		{
			// A second less proves nothing.
			name:    "nobody reports, nobody asks, not for long",
			steps:   igmpNodes(long - time.Second),
			verdict: Answers, severity: Warning,
			want: igmpIDs(idNotProven),
			near: []string{idNoReport, idNoQuerier},
			check: func(t *testing.T, d Diagnosis) {
				has(t, d, idNotProven, "--listen 4m25s", "that it is joined is not proven, nor that it is not", "that there is no querier is not proven")
			},
		},
		{
			name:    "nobody reports, but frames were lost",
			steps:   igmpNodes(long, fact(evidence.Lost{Interface: "eth0"})),
			verdict: Answers, severity: Warning,
			want: igmpIDs(idNotProven, idLost),
			near: []string{idNoReport, idNoQuerier},
		},
		{
			name:    "a querier asks and nobody reports: they may be hidden",
			steps:   igmpNodes(long, asked...),
			verdict: Answers, severity: Warning,
			want: igmpIDs(idNoReport),
			near: []string{idNoQuerier},
			check: func(t *testing.T, d Diagnosis) {
				has(t, d, idNoReport, "they may be hidden from this port")
				severityOf(t, d, idNoReport, Info)
			},
		},
		{
			name: "the same, but reports of another group are not hidden",
			steps: igmpNodes(long, append(slices.Clone(asked), reports(stranger, client).igmp(func(f *evidence.IGMP) {
				f.Version, f.Group, f.To = 2, mustAddr("239.1.2.3"), mustAddr("239.1.2.3")
			}))...),
			verdict: Answers, severity: Warning,
			want:  igmpIDs(idNoReport),
			check: func(t *testing.T, d Diagnosis) { severityOf(t, d, idNoReport, Warning) },
		},
		{
			name: "the same, but they are of mDNS, which switches need not snoop on",
			steps: igmpNodes(long, append(slices.Clone(asked), reports(stranger, client).igmp(func(f *evidence.IGMP) {
				f.Version, f.Group, f.To = 2, mustAddr("224.0.0.251"), mustAddr("224.0.0.251")
			}))...),
			verdict: Answers, severity: Warning,
			want:  igmpIDs(idNoReport),
			check: func(t *testing.T, d Diagnosis) { severityOf(t, d, idNoReport, Info) },
		},
		{
			name: "so many other reports that some were left out",
			steps: igmpNodes(long, fact(evidence.Unkept{Of: evidence.KindIGMPReport}),
				fact(evidence.Unkept{Of: evidence.KindIGMPQuery})),
			verdict: Answers, severity: Warning,
			want: igmpIDs(idNotProven, idFactsCut),
			near: []string{idNoReport, idNoQuerier},
		},
		{
			// Reports every 2 s: after five and a half, one is missing.
			name:    "one host does not join",
			steps:   igmpNodes(6*time.Second, joinSteps(steady(2*time.Second, time.Second, 6*time.Second, reports(node1, node1IP)), []step{query(client, 2)})...),
			verdict: Answers, severity: Warning,
			want: igmpIDs(idJoined, idNotJoined),
			near: []string{idNotProven},
			check: func(t *testing.T, d Diagnosis) {
				severityOf(t, d, idNotJoined, Warning)
				has(t, d, idNotJoined, "1 host of 172.16.63.241 did not report the group, while 1 other did", node2.String()+" answers ARP for the VIP and reported nothing in 6.0 s")
			},
		},
		{
			name:    "one host does not join, so far",
			steps:   igmpNodes(4*time.Second, joinSteps(steady(2*time.Second, time.Second, 4*time.Second, reports(node1, node1IP)), []step{query(client, 2)})...),
			verdict: Answers, severity: Warning,
			want: igmpIDs(idJoined),
			near: []string{idNotJoined},
		},
		{
			name: "a host that is known by its heartbeats only does not join",
			steps: live(joinSteps([]step{answer(node1, igmp), query(client, 2)}, until(6*time.Second, igmp), steady(2*time.Second, time.Second, 6*time.Second, reports(node1, node1IP)),
				steady(time.Second, 0, 6*time.Second, beat(node2, 2).beat(toIGMP)), steady(time.Second, 0, 6*time.Second, beat(node1, 1).beat(toIGMP)))...),
			verdict: Answers, severity: Warning,
			want: []string{idGroupMAC, idRouterUntested, idJoined, idNotJoined, idFloods},
			check: func(t *testing.T, d Diagnosis) {
				has(t, d, idNotJoined, node2.String()+", priority 2, 172.16.63.12 sends heartbeats and reported nothing")
			},
		},
		{
			name:    "they report another group",
			steps:   igmpNodes(long, joinSteps(asked, []step{reports(node1, node1IP).igmp(toOther), reports(node2, node2IP).igmp(toOther)})...),
			verdict: Answers, severity: Warning,
			want: igmpIDs(idOtherGroupIGMP),
			near: []string{idNoReport, idJoined},
			check: func(t *testing.T, d Diagnosis) {
				has(t, d, idOtherGroupIGMP, "report the group 239.255.0.1", "whose MAC is 01:00:5e:7f:00:01", "the cluster answers with 01:00:5e:7f:3f:f1")
			},
		},
		{
			// Another host's group, SSDP, and the group beside the right one.
			name: "reports of other groups that mean nothing",
			steps: igmpNodes(long, joinSteps(asked, bothReport, []step{
				reports(stranger, client).igmp(toOther), reports(node1, node1IP).igmp(toOther),
				reports(node2, node2IP).igmp(func(i *evidence.IGMP) { i.Group = ssdp }),
			})...),
			verdict: Answers, severity: Warning,
			want: igmpIDs(idJoined),
			near: []string{idOtherGroupIGMP},
		},
		{
			name:    "a v3 querier and v1 reports",
			steps:   igmpNodes(long, joinSteps(bothReport, []step{query(client, 3)})...),
			verdict: Answers, severity: Warning,
			want:  igmpIDs(idJoined, idV3Only),
			check: func(t *testing.T, d Diagnosis) { has(t, d, idV3Only, "asks, IGMPv3", "by IGMPv1") },
		},
		{
			name: "a v3 querier and v2 reports",
			steps: igmpNodes(long, query(client, 3), reports(node1, node1IP).igmp(func(i *evidence.IGMP) { i.Version = 2 }),
				reports(node2, node2IP).igmp(func(i *evidence.IGMP) { i.Version = 2 })),
			verdict: Answers, severity: Warning,
			want: igmpIDs(idJoined),
			near: []string{idV3Only},
		},
		{
			name:    "a querier without an address",
			steps:   igmpNodes(long, joinSteps(bothReport, []step{query(nobody, 2)})...),
			verdict: Answers, severity: Warning,
			want: igmpIDs(idJoined, idProxyQuerier),
			near: []string{idNoQuerier},
			check: func(t *testing.T, d Diagnosis) {
				has(t, d, idProxyQuerier, "0.0.0.0 at "+stranger.String()+" asks, IGMPv2")
			},
		},
		{
			name:    "a querier without an address beside one with",
			steps:   igmpNodes(long, joinSteps(bothReport, []step{query(nobody, 2), query(client, 2)})...),
			verdict: Answers, severity: Warning,
			want: igmpIDs(idJoined),
			near: []string{idProxyQuerier, idQueriers},
		},
		{
			name:    "an election is lost",
			steps:   igmpNodes(long, joinSteps(bothReport, []step{query(us4(99), 2).from(time.Second), query(client, 2).from(2 * time.Second), query(client, 2).from(127 * time.Second)})...),
			verdict: Answers, severity: Warning,
			want: igmpIDs(idJoined, idQueriers),
			check: func(t *testing.T, d Diagnosis) {
				if f := findingOf(t, d, idQueriers); f.Severity != Info {
					t.Errorf("severity %v", f.Severity)
				}
				has(t, d, idQueriers, "172.16.63.77 has won the election", "it has stopped since the lower one asks", "every 2m5s; the lowest address wins")
			},
		},
		{
			// Two questions can cross on their way.
			name:    "the loser's last question crosses the winner's first",
			steps:   igmpNodes(long, joinSteps(bothReport, []step{query(client, 2).from(time.Second), query(us4(99), 2).from(2*time.Second - 1)})...),
			verdict: Answers, severity: Warning,
			want: igmpIDs(idJoined, idQueriers),
			check: func(t *testing.T, d Diagnosis) {
				if f := findingOf(t, d, idQueriers); f.Severity != Info {
					t.Errorf("severity %v", f.Severity)
				}
			},
		},
		{
			name:    "a querier asks a second after a lower one",
			steps:   igmpNodes(long, joinSteps(bothReport, []step{query(client, 2).from(time.Second), query(us4(99), 2).from(2 * time.Second)})...),
			verdict: Answers, severity: Warning,
			want: igmpIDs(idJoined, idQueriers),
			check: func(t *testing.T, d Diagnosis) {
				if f := findingOf(t, d, idQueriers); f.Severity != Warning {
					t.Errorf("severity %v", f.Severity)
				}
			},
		},
		{
			name:    "two queriers go on",
			steps:   igmpNodes(long, joinSteps(bothReport, steady(10*time.Second, time.Second, long, query(us4(99), 2)), steady(10*time.Second, 2*time.Second, long, query(client, 2)))...),
			verdict: Answers, severity: Warning,
			want: igmpIDs(idJoined, idQueriers, idTooRare),
			check: func(t *testing.T, d Diagnosis) {
				has(t, d, idTooRare, "every 1m0s", "asks, IGMPv2", "a group lives 30.0 s then")
				if f := findingOf(t, d, idQueriers); f.Severity != Warning {
					t.Errorf("severity %v", f.Severity)
				}
				has(t, d, idQueriers, "2 queriers ask at one time", "it still asks 4m")
			},
		},
		{
			// A trunk was captured: each VLAN has its own.
			name: "queriers and reports of another VLAN",
			steps: igmpNodes(long, joinSteps(bothReport, steady(10*time.Second, time.Second, long, query(us4(99), 2).igmp(onVLAN7)), asked,
				[]step{query(nobody, 3).igmp(onVLAN7), reports(stranger, client).igmp(onVLAN7)})...),
			verdict: Answers, severity: Warning,
			want: igmpIDs(idJoined),
			near: []string{idQueriers},
			check: func(t *testing.T, d Diagnosis) {
				has(t, d, idJoined, "2 hosts reported")
			},
		},
		{
			name:    "the gateway is the querier",
			steps:   igmpNodes(long, joinSteps(bothReport, []step{has4(gateway), query(gateway, 2)})...),
			verdict: Answers, severity: Warning,
			want:  igmpIDs(idJoined, idL3Querier),
			check: func(t *testing.T, d Diagnosis) { has(t, d, idL3Querier, "it is router 172.16.63.1") },
		},
		{
			name:    "multicast mode where a querier asks",
			steps:   tested(query(client, 2)),
			verdict: Answers, severity: Warning,
			want: []string{idGroupMAC, idSeveralHosts, idRouterUntested, idNotSnoopable},
			near: []string{idNotProven, idNoReport, idL3Querier},
			check: func(t *testing.T, d Diagnosis) {
				has(t, d, idNotSnoopable, "03:bf:ac:10:3f:f1 is the MAC of no IP group")
			},
		},
		{
			// A report alone says nothing of a querier.
			name:    "multicast mode and somebody's report",
			steps:   tested(reports(stranger, client)),
			verdict: Answers, severity: Warning,
			want: []string{idGroupMAC, idSeveralHosts, idRouterUntested},
			near: []string{idNotSnoopable, idJoined},
		},
		{
			name: "another cluster with the same last octets",
			steps: igmpNodes(long, joinSteps(bothReport, asked, []step{beat(stranger, 1).beat(toIGMP).beat(func(h *evidence.Heartbeat) {
				h.Cluster, h.Dedicated = mustAddr("10.20.63.241"), mustAddr("10.20.63.5")
			})})...),
			verdict: Answers, severity: Warning,
			want: igmpIDs(idJoined, idSharedGroup, idFloods),
			check: func(t *testing.T, d Diagnosis) {
				has(t, d, idSharedGroup, "sends heartbeats of the cluster 10.20.63.241 to 01:00:5e:7f:3f:f1")
				if len(d.Cluster.Hosts) != 2 {
					t.Errorf("the other cluster's host is counted: %+v", d.Cluster.Hosts)
				}
			},
		},
		{
			name: "ARP of another cluster with the same last octets",
			steps: igmpNodes(long, joinSteps(bothReport, asked, []step{
				{at: ms, n: 1, fact: evidence.ARP{Op: evidence.Reply, EthSrc: stranger, SenderMAC: igmp, SenderIP: mustAddr("10.20.63.241"), TargetIP: us}},
			})...),
			verdict: Answers, severity: Warning,
			want: igmpIDs(idJoined, idSharedGroup),
		},
		{
			// A secondary VIP, the same host, and other last octets.
			name: "other addresses at the same MAC that are no other cluster",
			steps: igmpNodes(long, joinSteps(bothReport, asked, []step{
				{at: ms, n: 1, fact: evidence.ARP{Op: evidence.Reply, EthSrc: stranger, SenderMAC: igmp, SenderIP: second, TargetIP: us}},
				{at: ms, n: 1, fact: evidence.ARP{Op: evidence.Reply, EthSrc: node1, SenderMAC: igmp, SenderIP: mustAddr("10.20.63.241"), TargetIP: us}},
			})...),
			verdict: Answers, severity: Warning,
			want: igmpIDs(idJoined),
			near: []string{idSharedGroup},
		},
		{
			name:    "joined and queried, and flooded all the same",
			steps:   igmpNodes(long, joinSteps(bothReport, asked, []step{flooded()})...),
			verdict: Answers, severity: Warning,
			want: igmpIDs(idJoined, idFloods, idNotLimited),
			check: func(t *testing.T, d Diagnosis) {
				has(t, d, idNotLimited, "this port is one, or the switch does not snoop")
				if f := findingOf(t, d, idNotLimited); f.Severity != Info {
					t.Errorf("severity %v", f.Severity)
				}
			},
		},
		{
			name:    "queried and flooded, and no report to be heard",
			steps:   igmpNodes(2*time.Second, query(client, 2), flooded()),
			verdict: Answers, severity: Warning,
			want: igmpIDs(idNotProven, idFloods, idNotLimited),
			check: func(t *testing.T, d Diagnosis) {
				has(t, d, idNotLimited, "nobody joined it, or the switch hides reports and looks groups up by IP")
				if f := findingOf(t, d, idNotLimited); f.Severity != Warning {
					t.Errorf("severity %v", f.Severity)
				}
			},
		},
		{
			name:    "joined, not queried, and flooded",
			steps:   igmpNodes(long, joinSteps(bothReport, []step{flooded()})...),
			verdict: Answers, severity: Warning,
			want: igmpIDs(idJoined, idFloods, idNoQuerier),
			near: []string{idNotLimited},
		},
		{
			// Heartbeats are no IP: what snooping does to them says nothing.
			name:    "queried, and heartbeats are flooded",
			steps:   igmpNodes(2*time.Second, query(client, 2), beat(node1, 1).beat(toIGMP)),
			verdict: Answers, severity: Warning,
			want: igmpIDs(idNotProven, idFloods),
			near: []string{idNotLimited},
		},
		{
			name:    "we ask, and nobody answers",
			steps:   igmpNodes(2*time.Second, weQuery(node1), weQuery(node2)),
			verdict: Answers, severity: Warning,
			want: igmpIDs(idNotProven, idUnanswered),
			check: func(t *testing.T, d Diagnosis) {
				has(t, d, idUnanswered, "That proves nothing", "2 queries for the group")
			},
		},
		{
			name:    "we ask, and are answered",
			steps:   igmpNodes(2*time.Second, weQuery(node1), weQuery(node2), reports(node1, node1IP).from(500*ms)),
			verdict: Answers, severity: Warning,
			want: igmpIDs(idNotProven, idJoined),
			near: []string{idUnanswered},
		},
		{
			name:    "IGMP that is none",
			steps:   igmpNodes(2*time.Second, fact(evidence.Malformed{Protocol: evidence.ProtocolIGMP, EthSrc: node1, Reason: evidence.ReasonChecksum}).times(3)),
			verdict: Answers, severity: Warning,
			want: igmpIDs(idNotProven, idBadIGMP),
			near: []string{idNotABeat},
			check: func(t *testing.T, d Diagnosis) {
				has(t, d, idBadIGMP, "3 frames of IGMP", node1.String()+`, 3 times: "wrong checksum"`)
			},
		},
		{
			// It is of no interest to an ordinary host.
			name:    "IGMP that is none, beside an ordinary host",
			steps:   live(answer(stranger, stranger), fact(evidence.Malformed{Protocol: evidence.ProtocolIGMP, EthSrc: node1, Reason: evidence.ReasonChecksum}), query(client, 3)),
			verdict: Answers, severity: OK,
			want: []string{idOrdinary, idRouterUntested},
			near: []string{idBadIGMP, idNotSnoopable},
		},
	}
}

// flooded is a client's frame to the cluster's MAC of IGMP mode.
func flooded() step {
	return passes(stranger, client).traffic(func(f *evidence.Traffic) { f.EthDst = igmp })
}

func onVLAN7(i *evidence.IGMP) { i.VLAN = 7 }

func us4(last byte) netip.Addr { return netip.AddrFrom4([4]byte{172, 16, 63, last}) }

func has4(ip netip.Addr) step { return has(ip, routerMAC) }

func toIGMP(h *evidence.Heartbeat) { h.EthDst = igmp }

func toOther(i *evidence.IGMP) {
	i.Group, i.To, i.EthDst = otherGroup, otherGroup, hw("01:00:5e:7f:00:01")
}
