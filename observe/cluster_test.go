package observe_test

import (
	"bytes"
	"encoding/hex"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nlbprobe/nlbprobe/evidence"
	"github.com/nlbprobe/nlbprobe/igmp"
	"github.com/nlbprobe/nlbprobe/mac"
	"github.com/nlbprobe/nlbprobe/nlb"
	"github.com/nlbprobe/nlbprobe/observe"
)

var (
	nodeMAC   = mac.Addr{0, 0, 0x5e, 0, 0x53, 0x21}
	nodeIP    = netip.MustParseAddr("172.16.63.21")
	group     = netip.MustParseAddr("239.255.63.241")
	groupMAC  = mac.Addr{0x01, 0, 0x5e, 0x7f, 0x3f, 0xf1}
	queriedBy = netip.MustParseAddr("172.16.63.1")
)

// igmpFrame is the frame of a message; sender fields that are zero are the
// node's.
func igmpFrame(t testing.TB, m igmp.Message, s igmp.Sender) []byte {
	t.Helper()
	if s.MAC.IsZero() {
		s.MAC = nodeMAC
	}
	if !s.IP.IsValid() {
		s.IP = nodeIP
	}
	b, err := m.AppendFrame(nil, s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func v3Records(t testing.TB, list ...igmp.Record) igmp.Records {
	t.Helper()
	r, err := igmp.RecordsOf(list...)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// clusterFrames are frames of each sort with their facts.
func clusterFrames(t testing.TB) []struct {
	name  string
	frame evidence.Frame
	want  []evidence.Fact
} {
	report := igmpFrame(t, igmp.Message{Type: igmp.ReportV1, Group: group}, igmp.Sender{})
	join := evidence.IGMP{Act: evidence.Join, Version: 1, EthSrc: nodeMAC, EthDst: groupMAC, From: nodeIP, To: group, Group: group}
	with := func(f func(*evidence.IGMP)) []evidence.Fact {
		i := join
		f(&i)
		return []evidence.Fact{i}
	}
	other := netip.MustParseAddr("239.1.2.3")
	router := igmp.Sender{IP: queriedBy, RouterAlert: true}
	status := nlb.Status{HostID: 1, DefaultHost: 0, State: 1, RuleCount: 2, HostCode: 7, Packets: 99}
	status.Rules[0], status.Rules[1] = nlb.RuleCodeOf(80, 80), nlb.RuleCodeOf(443, 443)
	status.Weights[0] = 50
	head := nlb.Heartbeat{
		Signature: nlb.SignatureMembership, Version: 0x0206, Priority: 2,
		Cluster: netip.MustParseAddr("172.16.63.241"), Dedicated: nodeIP,
	}
	beat := status.AppendTo(head.AppendHeader(nlb.AppendEthernet(nil, groupMAC, nodeMAC, nlb.EtherTypeHeartbeat)))
	convoy := status.AppendTo(head.AppendHeader(nlb.AppendEthernet(nil, groupMAC, nodeMAC, nlb.EtherTypeConvoy)))
	alive := evidence.Heartbeat{
		EthSrc: nodeMAC, EthDst: groupMAC, EtherType: 0x886f, Signature: 0xc0de01bf, Version: 0x0206, Priority: 2,
		Cluster: head.Cluster, Dedicated: nodeIP,
		Status: true, HostID: 1, State: 1, RuleCount: 2, HostCode: 7, RulesKept: 33, Whole: true,
	}
	alive.Rules[0], alive.Rules[1] = uint32(nlb.RuleCodeOf(80, 80)), uint32(nlb.RuleCodeOf(443, 443))
	alive.Weights[0] = 50
	beats := func(f func(*evidence.Heartbeat)) []evidence.Fact {
		h := alive
		f(&h)
		return []evidence.Fact{h}
	}
	who := head
	who.Signature = nlb.SignatureIdentity
	identity := nlb.AppendAddress(nlb.AppendName(who.AppendHeader(nlb.AppendEthernet(nil, mac.Broadcast, nodeMAC, nlb.EtherTypeHeartbeat)),
		"web2\x1b[31m\u202e.example.com"), nodeIP)
	bad := func(protocol evidence.Protocol, reason evidence.Reason) []evidence.Fact {
		return []evidence.Fact{evidence.Malformed{Protocol: protocol, EthSrc: nodeMAC, Reason: reason}}
	}
	length := func(b []byte, more int) evidence.Frame { return evidence.Frame{Data: b, Length: len(b) + more} }
	return []struct {
		name  string
		frame evidence.Frame
		want  []evidence.Fact
	}{
		{"v1 report", length(report, 0), []evidence.Fact{join}},
		{"v1 report, unpadded", length(report[:42], 0), []evidence.Fact{join}},
		{"our own, tagged by the kernel", evidence.Frame{Data: report, Length: 60, VLAN: 63, Out: true}, with(func(i *evidence.IGMP) { i.VLAN, i.Out = 63, true })},
		{"two tags", length(splice(report, 12, 12, 0x88, 0xa8, 0, 5, 0x81, 0, 0, 63), 0), with(func(i *evidence.IGMP) { i.VLAN = 63 })},
		{
			"v2 report with router alert", length(igmpFrame(t, igmp.Message{Type: igmp.ReportV2, Group: group}, igmp.Sender{RouterAlert: true}), 0),
			with(func(i *evidence.IGMP) { i.Version, i.RouterAlert = 2, true }),
		},
		{
			"leave", length(igmpFrame(t, igmp.Message{Type: igmp.Leave, Group: group}, igmp.Sender{}), 0),
			with(func(i *evidence.IGMP) {
				i.Act, i.Version, i.To, i.EthDst = evidence.Leave, 2, igmp.AllRouters, igmp.GroupMAC(igmp.AllRouters)
			}),
		},
		{
			"v3 report of three groups", length(igmpFrame(t, igmp.Message{Type: igmp.ReportV3, Records: v3Records(t,
				igmp.Record{Type: igmp.ToExclude, Group: group},
				igmp.Record{Type: igmp.IsExclude, Group: netip.MustParseAddr("224.0.0.251")}, // of the local range
				igmp.Record{Type: igmp.ToInclude, Group: other},
				igmp.Record{Type: igmp.Block, Group: other})}, igmp.Sender{RouterAlert: true}), 0),
			[]evidence.Fact{
				with(func(i *evidence.IGMP) {
					i.Version, i.RouterAlert, i.To, i.EthDst = 3, true, igmp.AllV3, igmp.GroupMAC(igmp.AllV3)
				})[0],
				with(func(i *evidence.IGMP) {
					i.Act, i.Version, i.RouterAlert, i.To, i.EthDst, i.Group = evidence.Leave, 3, true, igmp.AllV3, igmp.GroupMAC(igmp.AllV3), other
				})[0],
			},
		},
		{
			"v1 query", length(igmpFrame(t, igmp.Message{Type: igmp.Query, Version: 1}, router), 0),
			with(func(i *evidence.IGMP) {
				i.Act, i.From, i.To, i.EthDst, i.Group, i.MaxResponse, i.RouterAlert = evidence.Query, queriedBy, igmp.AllSystems, igmp.GroupMAC(igmp.AllSystems), netip.Addr{}, 10*time.Second, true
			}),
		},
		{
			"v3 query for the group", length(igmpFrame(t, igmp.Message{Type: igmp.Query, Version: 3, Group: group, MaxResponse: time.Second, Interval: 125 * time.Second}, router), 0),
			with(func(i *evidence.IGMP) {
				i.Act, i.Version, i.From, i.MaxResponse, i.Interval, i.RouterAlert = evidence.Query, 3, queriedBy, time.Second, 125*time.Second, true
			}),
		},
		{"report of the local range", length(igmpFrame(t, igmp.Message{Type: igmp.ReportV2, Group: netip.MustParseAddr("224.0.0.251")}, igmp.Sender{}), 0), nil},
		{"report that a capture cut", length(report[:38], 22), nil},
		{"wrong checksum", length(splice(report, 36, 37, 1), 0), bad(evidence.ProtocolIGMP, evidence.ReasonChecksum)},
		{"IP header broken", length(splice(report, 24, 25, 1), 0), bad(evidence.ProtocolIGMP, evidence.ReasonHeader)},
		{"TTL 64", length(sealIP(splice(report, 22, 23, 64)), 0), bad(evidence.ProtocolIGMP, evidence.ReasonTTL)},
		{"fragment", length(sealIP(splice(report, 20, 22, 0x20, 0)), 0), bad(evidence.ProtocolIGMP, evidence.ReasonFragment)},
		{"no IGMP in it", length(sealIP(splice(report[:42], 16, 18, 0, 20)), 0), bad(evidence.ProtocolIGMP, evidence.ReasonShort)},
		{"DVMRP", length(splice(splice(report, 34, 35, 0x13), 36, 38, 0xbd, 0x0e), 0), bad(evidence.ProtocolIGMP, evidence.ReasonType)},

		{"heartbeat", length(beat, 0), []evidence.Fact{alive}},
		{"heartbeat of Convoy", length(convoy, 0), beats(func(h *evidence.Heartbeat) { h.EtherType = 0xbf01 })},
		{"heartbeat, tagged", length(splice(beat, 12, 12, 0x81, 0, 0, 63), 0), beats(func(h *evidence.Heartbeat) { h.VLAN = 63 })},
		{"heartbeat, 96 bytes kept", length(beat[:96], 1414), beats(func(h *evidence.Heartbeat) {
			h.RulesKept, h.Whole, h.Weights = 9, false, [evidence.Slots]uint32{}
		})},
		{"heartbeat, only the header kept", length(beat[:34], 1476), beats(func(h *evidence.Heartbeat) {
			*h = evidence.Heartbeat{
				EthSrc: nodeMAC, EthDst: groupMAC, EtherType: 0x886f, Signature: 0xc0de01bf, Version: 0x0206, Priority: 2,
				Cluster: head.Cluster, Dedicated: nodeIP,
			}
		})},
		{"heartbeat, 20 bytes kept", length(beat[:20], 1490), bad(evidence.ProtocolHeartbeat, evidence.ReasonShort)},
		{"identity", length(identity, 0), []evidence.Fact{evidence.Heartbeat{
			EthSrc: nodeMAC, EthDst: mac.Broadcast, EtherType: 0x886f, Signature: 0xc0de01c0, Version: 0x0206, Priority: 2,
			Cluster: head.Cluster, Dedicated: nodeIP, Name: "web2\x1b[31m\u202e.example.com", Addr: nodeIP,
		}}},
		{
			"0x886f of another protocol", length(append(nlb.AppendEthernet(nil, mac.Broadcast, nodeMAC, 0x886f), 0xf7, 0x8a, 0xde, 0xc0), 0),
			bad(evidence.ProtocolHeartbeat, evidence.ReasonSignature),
		},
	}
}

func TestFactsCluster(t *testing.T) {
	for _, tt := range clusterFrames(t) {
		t.Run(tt.name, func(t *testing.T) {
			if got := observe.Facts(nil, &tt.frame); !slices.Equal(got, tt.want) {
				t.Errorf("got  %+v\nwant %+v", got, tt.want)
			}
			// An observer that has something to look for sees the same, and from
			// the second time on it costs nothing.
			var w observe.Watch
			w.AddIP(vipIP)
			facts := w.Facts(nil, &tt.frame)
			if !slices.Equal(facts, tt.want) {
				t.Errorf("watching: %+v\nwant %+v", facts, tt.want)
			}
			if n := testing.AllocsPerRun(100, func() { facts = w.Facts(facts[:0], &tt.frame) }); n > 0 && !malformed(tt.want) {
				t.Errorf("%v allocations", n)
			}
			if !slices.Equal(facts, tt.want) {
				t.Errorf("again: %+v\nwant %+v", facts, tt.want)
			}
		})
	}
}

// malformed reports facts whose making costs an error.
func malformed(facts []evidence.Fact) bool {
	return slices.ContainsFunc(facts, func(f evidence.Fact) bool { return f.Kind() == evidence.KindMalformed })
}

// What is remembered of one host is not taken for another's.
func TestFactsClusterMixed(t *testing.T) {
	frames := clusterFrames(t)
	var w observe.Watch
	w.AddIP(vipIP)
	for range 3 {
		for i := range 256 {
			for _, tt := range frames {
				data := bytes.Clone(tt.frame.Data)
				data[11] = byte(i) // the source's last octet
				f := tt.frame
				f.Data = data
				if got, want := w.Facts(nil, &f), observe.Facts(nil, &f); !slices.Equal(got, want) {
					t.Fatalf("%s, %d: %+v\nwant %+v", tt.name, i, got, want)
				}
			}
		}
	}
}

// A report of as many groups as fit costs no more than the bound.
func TestFactsManyGroups(t *testing.T) {
	var list []igmp.Record
	for i := range 180 {
		list = append(list, igmp.Record{Type: igmp.ToExclude, Group: netip.AddrFrom4([4]byte{239, 1, 0, byte(i)})})
	}
	b := igmpFrame(t, igmp.Message{Type: igmp.ReportV3, Records: v3Records(t, list...)}, igmp.Sender{})
	if got := observe.Facts(nil, &evidence.Frame{Data: b, Length: len(b)}); len(got) != 32 {
		t.Errorf("%d facts of %d groups", len(got), len(list))
	}
}

// The frames of the one public capture, in which tcpdump sees the same.
func TestFactsCapture(t *testing.T) {
	const dump = `ff ff ff ff ff ff 02 02 c0 a8 64 50 88 6f bf 01
		de c0 06 02 00 00 02 00 00 00 c0 a8 64 50 c0 a8
		64 52 01 00 00 00 01 00 09 00 35 e3 3b 4f bb ce
		c8 04 00 00 00 00 00 00 00 00 19 90 01 61 50 00
		05 61 87 70 08 61 8f f0 08 61 bb b1 1b 61 4b b2
		24 61 e1 13 3e 61 00 f4 ff 6f 00 00 00 00 00 00`
	b, err := hex.DecodeString(strings.Join(strings.Fields(dump), ""))
	if err != nil {
		t.Fatal(err)
	}
	facts := observe.Facts(nil, &evidence.Frame{Data: b, Length: 1510})
	h, ok := facts[0].(evidence.Heartbeat)
	if !ok || h.Priority != 2 || h.Cluster != netip.MustParseAddr("192.168.100.80") || h.Dedicated != netip.MustParseAddr("192.168.100.82") ||
		h.RuleCount != 9 || h.RulesKept != 9 || h.DefaultHost != 0 || h.HostID != 1 || h.State != 1 || h.Whole {
		t.Errorf("%+v", facts)
	}
}

func isCluster(f evidence.Fact) bool {
	switch f.(type) {
	case evidence.IGMP, evidence.Heartbeat, evidence.Malformed:
		return true
	}
	return false
}

// FuzzCluster holds of IGMP and heartbeats: a tag changes nothing, remembering
// changes nothing, and a fact's addresses are the frame's.
func FuzzCluster(f *testing.F) {
	n := 0
	for _, tt := range clusterFrames(f) {
		f.Add(tt.frame.Data, uint16(tt.frame.Length-len(tt.frame.Data)))
		n++
	}
	if n < 20 {
		f.Fatalf("%d seeds", n)
	}
	var w observe.Watch
	w.AddIP(vipIP)
	f.Fuzz(func(t *testing.T, data []byte, missing uint16) {
		if len(data) >= ipAt+20 && data[12] == 8 && data[13] == 0 && data[ipAt+9] == 2 &&
			data[ipAt]&0x0f >= 5 && len(data) >= ipAt+int(data[ipAt]&0x0f)*4 {
			// Few changes leave the checksums right.
			data = mend(data)
		}
		frame := evidence.Frame{Data: bytes.Clone(data), Length: len(data) + int(missing)}
		facts := observe.Facts(nil, &frame)
		if !slices.ContainsFunc(facts, isCluster) {
			return
		}
		if !bytes.Equal(frame.Data, data) {
			t.Fatal("the frame was changed")
		}
		for range 2 {
			if got := w.Facts(nil, &frame); !slices.Equal(got, facts) {
				t.Fatalf("remembering: %+v\nnot %+v", got, facts)
			}
		}
		if !tag(data[12:]) {
			tagged := frame
			tagged.Data = splice(data, 12, 12, 0x81, 0, 0, 0)
			tagged.Length = frame.Length + 4
			if got := observe.Facts(nil, &tagged); !slices.Equal(got, facts) {
				t.Fatalf("tagged: %+v\nnot %+v", got, facts)
			}
		}
		for _, fact := range facts {
			switch x := fact.(type) {
			case evidence.IGMP:
				if x.EthSrc != mac.From(data[6:]) || x.EthDst != mac.From(data) || x.Version < 1 || x.Version > 3 || !x.From.Is4() ||
					(x.Act != evidence.Query && !x.Group.IsMulticast()) {
					t.Fatalf("%+v", x)
				}
			case evidence.Heartbeat:
				if x.EthSrc != mac.From(data[6:]) || x.EthDst != mac.From(data) || !x.Cluster.Is4() || x.RulesKept > evidence.Slots ||
					len(x.Name) > 4*nlb.MaxName || x.Signature>>16 != 0xc0de {
					t.Fatalf("%+v", x)
				}
			case evidence.Malformed:
				if x.EthSrc != mac.From(data[6:]) || x.Reason == 0 {
					t.Fatalf("%+v", x)
				}
			}
		}
	})
}

func BenchmarkFactsCluster(b *testing.B) {
	for _, tt := range clusterFrames(b) {
		b.Run(strings.ReplaceAll(tt.name, " ", "-"), func(b *testing.B) {
			b.ReportAllocs()
			var w observe.Watch
			w.AddIP(vipIP)
			var facts []evidence.Fact
			for b.Loop() {
				facts = w.Facts(facts[:0], &tt.frame)
			}
		})
	}
}
