package advice_test

import (
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/nlbprobe/nlbprobe/advice"
	"github.com/nlbprobe/nlbprobe/diagnose"
	"github.com/nlbprobe/nlbprobe/mac"
	"github.com/nlbprobe/nlbprobe/templates"
)

var (
	vip     = netip.MustParseAddr("192.0.2.90")
	primary = netip.MustParseAddr("192.0.2.91")
	own     = mac.Addr{0x03, 0xbf, 192, 0, 2, 90} // derived from vip
	byHand  = mac.Addr{0x03, 0x00, 0x5e, 0x11, 0x11, 0x11}
	plain   = mac.Addr{0x00, 0x15, 0x5d, 0, 0, 1}
	unicast = mac.Addr{0x02, 0xbf, 192, 0, 2, 90}
	igmpMAC = mac.Addr{0x01, 0x00, 0x5e, 0x7f, 2, 90}
)

// cluster is a VIP that two hosts answer for, with this MAC in this mode.
func cluster(verdict diagnose.Verdict, m mac.Addr, mode diagnose.Mode, change ...func(*diagnose.Diagnosis)) diagnose.Diagnosis {
	d := diagnose.Diagnosis{VIP: vip, Verdict: verdict, Cluster: diagnose.Cluster{
		MAC: m, HasMAC: true, Answered: true, Mode: mode, Hosts: []diagnose.Host{{Answers: 2}, {Answers: 1}},
	}}
	for _, f := range change {
		f(&d)
	}
	return d
}

func oneHost(d *diagnose.Diagnosis)    { d.Cluster.Hosts = d.Cluster.Hosts[:1] }
func oneSilent(d *diagnose.Diagnosis)  { d.Cluster.Hosts[1].Answers = 0 }
func noMAC(d *diagnose.Diagnosis)      { d.Cluster.HasMAC = false }
func unanswered(d *diagnose.Diagnosis) { d.Cluster.Answered = false }
func noHosts(d *diagnose.Diagnosis)    { d.Cluster.Hosts = nil }
func remote(d *diagnose.Diagnosis)     { d.Remote = true }
func beats(d *diagnose.Diagnosis)      { d.Cluster.Primaries = []netip.Addr{primary} }
func derived(d *diagnose.Diagnosis)    { d.Cluster.DerivedFrom = primary }
func group(d *diagnose.Diagnosis)      { d.Cluster.Group = netip.MustParseAddr("239.255.2.90") }

// What a diagnosis calls for: lines, or a reason, or neither. Each row's neighbours
// differ from it in one thing.
func TestFor(t *testing.T) {
	const answers, fails, reaches = diagnose.Answers, diagnose.LocalOnly, diagnose.Reachable
	for _, tt := range []struct {
		name   string
		d      diagnose.Diagnosis
		given  bool
		lines  bool
		why    string // a part of it; "" means none
		mode   templates.Mode
		refuse bool
		remark string // a part of the only one
	}{
		{name: "a cluster that answers", d: cluster(answers, own, diagnose.Multicast), lines: true},
		{name: "a cluster that a router refuses", d: cluster(fails, own, diagnose.Multicast), lines: true},
		{name: "a cluster that routers reach", d: cluster(reaches, own, diagnose.Multicast), why: "the routers that were tested reach the VIP"},
		{name: "the same, and a platform was named", d: cluster(reaches, own, diagnose.Multicast), given: true, lines: true},
		{name: "one host alone", d: cluster(answers, own, diagnose.Multicast, oneHost), lines: true, remark: "One host alone answers"},
		{name: "one of two hosts answers", d: cluster(answers, own, diagnose.Multicast, oneSilent), lines: true, remark: "One host alone answers"},
		{name: "one host alone, and heartbeats", d: cluster(answers, own, diagnose.Multicast, oneHost, beats), lines: true},

		{name: "a MAC set by hand", d: cluster(answers, byHand, diagnose.Multicast), lines: true, remark: "Nothing proves that this is an NLB cluster"},
		{name: "the same, and heartbeats", d: cluster(answers, byHand, diagnose.Multicast, beats), lines: true},
		{name: "another VIP's MAC", d: cluster(answers, mac.Addr{3, 0xbf, 192, 0, 2, 91}, diagnose.Multicast, derived), lines: true, remark: "derived from 192.0.2.91"},
		{name: "another VIP's MAC, which heartbeats name", d: cluster(answers, mac.Addr{3, 0xbf, 192, 0, 2, 91}, diagnose.Multicast, derived, beats), lines: true},

		{name: "IGMP mode", d: cluster(fails, igmpMAC, diagnose.IGMPMulticast, group), lines: true, mode: templates.IGMP},
		{name: "the same MAC in a mode that is not known", d: cluster(fails, igmpMAC, diagnose.Multicast), lines: true},

		{name: "no answer names the MAC", d: cluster(answers, byHand, diagnose.Multicast, unanswered), why: "only a host's own question does"},
		{name: "packets alone name it", d: cluster(diagnose.Seen, byHand, diagnose.Multicast, unanswered, noHosts), why: "only packets for 192.0.2.90 do"},
		{name: "no answer, and it is derived from the VIP", d: cluster(answers, own, diagnose.Multicast, unanswered), lines: true},
		{name: "no answer, and it is derived from what heartbeats name", d: cluster(answers, mac.Addr{3, 0xbf, 192, 0, 2, 91}, diagnose.Multicast, unanswered, beats), lines: true},

		{name: "a conflict", d: cluster(diagnose.Conflict, own, diagnose.Multicast), why: "the answers contradict each other"},
		{name: "a conflict, and a platform was named", d: cluster(diagnose.Conflict, own, diagnose.Multicast), given: true, why: "the answers contradict each other"},
		{name: "nothing answered", d: cluster(diagnose.Silent, own, diagnose.ModeUnknown, noMAC)},
		{name: "nothing answered, and a platform was named", d: cluster(diagnose.Silent, own, diagnose.ModeUnknown, noMAC), given: true},
		{name: "unicast by heartbeats alone", d: cluster(diagnose.Silent, own, diagnose.Unicast, noMAC)},
		{name: "the same, and a platform was named", d: cluster(diagnose.Silent, own, diagnose.Unicast, noMAC), given: true, why: "no answer names the cluster's MAC"},

		{name: "broadcast", d: cluster(fails, mac.Broadcast, diagnose.OtherMulticast), why: "is no address that a cluster can be reached at"},
		{name: "zero", d: cluster(fails, mac.Addr{}, diagnose.ModeUnknown), why: "is no address that a cluster can be reached at"},
		{name: "a MAC that no switch forwards", d: cluster(fails, mac.Addr{0x01, 0x80, 0xc2, 0, 0, 0}, diagnose.OtherMulticast), why: "None printed: 01:80:c2:00:00:00"},
		{name: "the same, and a platform was named", d: cluster(fails, mac.Addr{0x01, 0x80, 0xc2, 0, 0, 0}, diagnose.OtherMulticast), given: true, why: "None printed: 01:80:c2:00:00:00"},
		{name: "its neighbour, which switches forward", d: cluster(fails, mac.Addr{0x01, 0x80, 0xc3, 0, 0, 0}, diagnose.OtherMulticast), lines: true, remark: "Nothing proves"},

		{name: "unicast", d: cluster(answers, unicast, diagnose.Unicast), why: "None as a rule"},
		{name: "unicast, reached", d: cluster(reaches, unicast, diagnose.Unicast), why: "None needed"},
		{name: "unicast, refused", d: cluster(fails, unicast, diagnose.Unicast), lines: true, mode: templates.Unicast, refuse: true},
		{name: "unicast, and a platform was named", d: cluster(answers, unicast, diagnose.Unicast), given: true, lines: true, mode: templates.Unicast},
		{name: "of a unicast MAC it is not known", d: cluster(answers, unicast, diagnose.ModeUnknown), given: true, why: "whether 02:bf:c0:00:02:5a is a cluster's is not known"},

		{name: "an ordinary host", d: cluster(answers, plain, diagnose.None)},
		{name: "an ordinary host, and a platform was named", d: cluster(answers, plain, diagnose.None), given: true, why: "is an ordinary unicast MAC"},
		{name: "an ordinary host that a router does not reach", d: cluster(fails, plain, diagnose.None), why: "is an ordinary unicast MAC"},

		{name: "from another subnet", d: cluster(diagnose.NoMAC, own, diagnose.ModeUnknown, noMAC, remote), why: "no MAC is known from another subnet"},
		{name: "from another subnet, reached", d: cluster(reaches, own, diagnose.ModeUnknown, noMAC, remote)},
		{name: "the same, and a platform was named", d: cluster(reaches, own, diagnose.ModeUnknown, noMAC, remote), given: true, why: "no MAC is known from another subnet"},
	} {
		need, why := advice.For(tt.d, "eth0", tt.given)
		if (why == "") != (tt.why == "") || !strings.Contains(why, tt.why) {
			t.Errorf("%s: %q, want %q", tt.name, why, tt.why)
		}
		if (need != nil) != tt.lines {
			t.Errorf("%s: lines: %v, want %v (%s)", tt.name, need != nil, tt.lines, why)
			continue
		}
		if need == nil {
			continue
		}
		if need.MAC != tt.d.Cluster.MAC || need.Place != "eth0" || !slices.Equal(need.VIPs, []netip.Addr{vip}) ||
			need.Mode != tt.mode || need.Refused != tt.refuse || need.Group != tt.d.Cluster.Group {
			t.Errorf("%s: %+v", tt.name, need)
		}
		if remarks := strings.Join(need.Remarks, "\n"); (remarks == "") != (tt.remark == "") || !strings.Contains(remarks, tt.remark) || len(need.Remarks) > 1 {
			t.Errorf("%s: remarks %q, want %q", tt.name, remarks, tt.remark)
		}
	}
}

// One configuration serves all VIPs of a cluster; the same MAC elsewhere is another
// cluster's.
func TestAdd(t *testing.T) {
	ip := func(n byte) netip.Addr { return netip.AddrFrom4([4]byte{192, 0, 2, n}) }
	var all []advice.Need
	for _, n := range []advice.Need{
		{VIPs: []netip.Addr{ip(1)}, MAC: own, Place: "eth0", Remarks: []string{"a"}},
		{VIPs: []netip.Addr{ip(2)}, MAC: byHand, Place: "eth0"},
		{VIPs: []netip.Addr{ip(3)}, MAC: own, Place: "eth1"},
		{VIPs: []netip.Addr{ip(4)}, MAC: own, Place: "eth0", Mode: templates.IGMP, Group: ip(200), Remarks: []string{"a", "b"}},
		{VIPs: []netip.Addr{ip(5)}, MAC: own, Place: "eth0", Refused: true, Group: ip(201), Remarks: []string{"c", "d", "e"}},
	} {
		all = advice.Add(all, n)
	}
	want := []advice.Need{
		{VIPs: []netip.Addr{ip(1), ip(4), ip(5)}, MAC: own, Place: "eth0", Mode: templates.IGMP, Group: ip(200), Refused: true, Remarks: []string{"a", "b", "c", "d"}},
		{VIPs: []netip.Addr{ip(2)}, MAC: byHand, Place: "eth0"},
		{VIPs: []netip.Addr{ip(3)}, MAC: own, Place: "eth1"},
	}
	if !reflect.DeepEqual(all, want) {
		t.Errorf("%+v", all)
	}
	var v templates.Values
	all[0].Fill(&v)
	if !slices.Equal(v.VIPs, want[0].VIPs) || v.MAC != own || v.Mode != templates.IGMP || v.Group != ip(200) || !v.Refused || len(v.Remarks) != 4 {
		t.Errorf("filled %+v", v)
	}
}

// Platforms without a line are named once each.
func TestNoLines(t *testing.T) {
	text := advice.NoLines([]templates.Config{{Platform: "cisco-ios"}, {Platform: "arista-eos"}, {Platform: "cisco-ios"}}, unicast)
	if !strings.HasPrefix(text, "No line for cisco-ios, arista-eos: ") || !strings.Contains(text, unicast.String()) {
		t.Error(text)
	}
}
