package evidence_test

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/nlbprobe/nlbprobe/evidence"
	"github.com/nlbprobe/nlbprobe/mac"
)

// everyFact has a value of each type of fact, with each field set, and a zero one.
func everyFact() []evidence.Fact {
	ip := netip.MustParseAddr
	a, b := mac.Addr{2, 0, 0, 0, 0, 1}, mac.Addr{3, 0xbf, 172, 16, 63, 241}
	client, server := netip.MustParseAddrPort("172.16.63.9:50000"), netip.MustParseAddrPort("[2001:db8::25]:25")
	ask := evidence.Ask{Target: ip("10.0.0.5"), By: evidence.ByTCP, Port: 443, TTL: 3, Seq: 7}
	rules := [evidence.Slots]uint32{1, 2, 32: 3}
	return []evidence.Fact{
		evidence.ARP{Op: evidence.Reply, EthSrc: a, EthDst: b, SenderMAC: b, SenderIP: ip("172.16.63.241"), TargetMAC: a, TargetIP: ip("::ffff:172.16.63.9"), VLAN: 5, Out: true},
		evidence.ARP{Op: 9},
		evidence.BadARP{EthSrc: a, Reason: evidence.ReasonLengths},
		evidence.Echo{Reply: true, EthSrc: a, EthDst: b, Src: ip("10.0.0.1"), Dst: ip("10.0.0.2"), TTL: 63, ID: 1, Seq: 2, Token: 1<<64 - 1, VLAN: 5, Out: true},
		evidence.ICMPError{Type: 3, Code: 1, EthSrc: a, From: ip("10.0.0.1"), To: ip("10.0.0.2"), Gateway: ip("10.0.0.3"), Src: ip("10.0.0.2"), Dst: ip("10.0.0.4"), Protocol: 6, ID: 1, Port: 2, Seq: 3, Token: 4, Payload: true, VLAN: 5},
		evidence.TCP{EthSrc: a, EthDst: b, Src: client, Dst: server, TTL: 64, SYN: true, ACK: true, RST: true, Number: 1<<32 - 1, MSS: 512, VLAN: 5, Out: true},
		evidence.Traffic{EthSrc: a, EthDst: b, Src: ip("10.0.0.1"), Dst: ip("10.0.0.2"), EtherType: 0x0800, VLAN: 5, Out: true},
		evidence.Hello{Protocol: evidence.HSRPv2, EthSrc: a, From: ip("10.0.0.1"), Group: 300, Virtual: ip("10.0.0.2"), Priority: 100, Active: true, VLAN: 5},
		evidence.IGMP{Act: evidence.Leave, Version: 2, EthSrc: a, EthDst: b, From: ip("0.0.0.0"), To: ip("224.0.0.2"), Group: ip("239.255.63.241"), MaxResponse: time.Second, Interval: time.Minute, RouterAlert: true, VLAN: 5, Out: true},
		evidence.IGMP{Act: evidence.Query},
		evidence.Heartbeat{EthSrc: a, EthDst: b, EtherType: 0x886f, Signature: 0xc0de01bf, Version: 0x0206, Priority: 1, Cluster: ip("172.16.63.241"), Dedicated: ip("172.16.63.11"), Status: true, HostID: 1, DefaultHost: 2, State: 3, RuleCount: 4, HostCode: 5, Rules: rules, Weights: rules, RulesKept: 33, Whole: true, Name: "web1\x1b[31m\"", Addr: ip("10.0.0.1"), VLAN: 5, Out: true},
		evidence.Malformed{Protocol: evidence.ProtocolIGMP, EthSrc: a, Reason: evidence.ReasonTTL, VLAN: 5},
		evidence.Segment{EthSrc: a, EthDst: b, Src: client, Dst: server, Payload: 536, Options: 12, Again: true, VLAN: 5, Out: true},
		evidence.Ack{EthSrc: a, Src: client, Dst: server, Inside: true, Into: 500, Options: 12, VLAN: 5},
		evidence.Offer{Src: client, Dst: server, MSS: 512, AtLeast: true, Interface: "eth0", MTU: 1500, PathMTU: 552},
		ask,
		evidence.Told{Of: ask, Word: evidence.SaidICMP, From: ip("10.0.0.1"), Type: 3, Code: 1},
		evidence.Vantage{Interface: "eth0", MAC: a, Address: netip.MustParsePrefix("172.16.63.9/24"), Gateway: ip("172.16.63.1"), Asked: true, VIP: ip("172.16.63.241")},
		evidence.Listened{Interface: "eth0", Promiscuous: true, Joined: b, Passive: true},
		evidence.Lost{Interface: "eth0", VIP: ip("172.16.63.241")},
		evidence.Unkept{Of: evidence.KindTraffic, Unasked: true, Others: true},
		evidence.Captured{Source: 1, Place: "eth0", Part: 2, Group: true, Beats: true},
		evidence.BadARP{}, evidence.Echo{}, evidence.ICMPError{}, evidence.TCP{}, evidence.Traffic{}, evidence.Hello{}, evidence.Heartbeat{}, evidence.Malformed{}, evidence.Segment{},
		evidence.Ack{}, evidence.Offer{}, evidence.Ask{}, evidence.Told{}, evidence.Vantage{}, evidence.Listened{}, evidence.Lost{}, evidence.Unkept{}, evidence.Captured{},
	}
}

// Every kind of fact comes back equal, with its instants and frames; and so does one
// that no frame gave, but that is known from some place.
func TestItemJSON(t *testing.T) {
	at := time.Date(2026, 12, 1, 14, 30, 0, 123456789, time.UTC)
	frame := evidence.Frame{Time: at, Data: []byte{1, 2, 0xff}, Length: 60, VLAN: 5, Place: "eth0", Source: 2, Out: true, Unsummed: true}
	seen := make(map[evidence.Kind]bool)
	for _, fact := range everyFact() {
		seen[fact.Kind()] = true
		for _, want := range []evidence.Item{
			{Fact: fact, First: at, Last: at.Add(time.Minute), Count: 3, Bytes: 180, Times: []time.Time{at, at.Add(time.Second)}, Frame: frame, Again: []evidence.Frame{frame, {Time: at}}},
			{Fact: fact, First: at, Last: at, Count: 1},
			{Fact: fact, First: at, Last: at, Count: 1, Frame: evidence.Frame{Place: "router core1"}},
		} {
			b, err := json.Marshal(want)
			if err != nil {
				t.Fatalf("%+v: %v", want, err)
			}
			var got evidence.Item
			if err := json.Unmarshal(b, &got); err != nil || !reflect.DeepEqual(got, want) {
				t.Errorf("%s\nis read as %+v, %v\nnot        %+v", b, got, err, want)
			}
		}
	}
	for _, k := range evidence.Kinds() {
		if !seen[k] {
			t.Errorf("no fact of kind %v was tried", k)
		}
	}
}

// What nobody wrote is refused with what is wrong about it.
func TestItemJSONRefused(t *testing.T) {
	item := func(fact, of, more string) string {
		return fmt.Sprintf(`{"fact":%q,"of":%s,"first":"2026-12-01T14:30:00Z","last":"2026-12-01T14:30:00Z","count":1%s}`, fact, of, more)
	}
	long := strings.Repeat("x", 300)
	for _, row := range []struct{ text, want string }{
		{item("nonsense", "{}", ""), "no kind of fact"},
		{item("lost", `{"Interface":"eth0","Much":1}`, ""), "unknown field"},
		{item("lost", `{}`, `,"more":1`), "unknown field"},
		{item("lost", fmt.Sprintf(`{"Interface":%q}`, long), ""), "a name of 300 bytes"},
		{item("bad-arp", `{"Reason":"because"}`, ""), "is no evidence.Reason"},
		{item("hello", `{"Protocol":"\u001b[31m"}`, ""), "is no evidence.Protocol"},
		{item("heartbeat", `{"RulesKept":34}`, ""), "34 port rules"},
		{item("echo", `{"Src":"fe80::1%eth0"}`, ""), "zone"},
		{item("echo", `{"TTL":256}`, ""), "cannot unmarshal"},
		{item("lost", `{}`, `,"bytes":-1`), "below zero"},
		{strings.Replace(item("lost", "{}", ""), `"last":"2026`, `"last":"2025`, 1), "ends before it begins"},
		{item("lost", `{}`, `,"frames":[{"length":-1}]`), "longer than frames are"},
		{item("lost", `null`, ""), ""},
		{`{"fact":"lost"}`, "EOF"},
		{`[]`, "cannot unmarshal"},
	} {
		before := evidence.Item{Count: 7}
		it := before
		err := json.Unmarshal([]byte(row.text), &it)
		if row.want == "" {
			if err != nil {
				t.Errorf("%s: %v", row.text, err)
			}
			continue
		}
		if err == nil || !strings.Contains(err.Error(), row.want) || !reflect.DeepEqual(it, before) {
			t.Errorf("%.200s\n%v, %+v; want %q", row.text, err, it, row.want)
		}
	}
	if _, err := json.Marshal(evidence.Item{}); err == nil {
		t.Error("an item without a fact was written")
	}
	if _, err := json.Marshal(evidence.Item{Fact: evidence.BadARP{Reason: 99}}); err == nil {
		t.Error("a reason that is none was written")
	}
}

// FuzzItemJSON holds that what is read is written again and read as the same.
func FuzzItemJSON(f *testing.F) {
	at := time.Date(2026, 12, 1, 14, 30, 0, 0, time.UTC)
	for _, fact := range everyFact() {
		b, err := json.Marshal(evidence.Item{Fact: fact, First: at, Last: at, Count: 1, Times: []time.Time{at}, Frame: evidence.Frame{Time: at, Data: []byte{1}}})
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var it, again evidence.Item
		if json.Unmarshal(b, &it) != nil {
			return
		}
		written, err := json.Marshal(it)
		if err != nil {
			t.Fatalf("%+v was read and cannot be written: %v", it, err)
		}
		if err := json.Unmarshal(written, &again); err != nil {
			t.Fatalf("%s was written and cannot be read: %v", written, err)
		}
		twice, err := json.Marshal(again)
		if err != nil || string(twice) != string(written) {
			t.Fatalf("%s\nthen %s, %v", written, twice, err)
		}
	})
}

// Every fact with an address or a MAC is about somebody, and each that is none of the
// observer's circumstances was seen.
func TestParties(t *testing.T) {
	nobody := func(mac.Addr) bool { return false }
	for _, fact := range everyFact() {
		named := 0
		evidence.Parties(fact, nobody, func(ip netip.Addr) {
			if ip.IsValid() {
				named++
			}
		}, func(m mac.Addr) {
			if !m.IsZero() {
				named++
			}
		})
		if (named > 0) != namesSomebody(reflect.ValueOf(fact)) {
			t.Errorf("%T%+v names %d", fact, fact, named)
		}
	}
	for _, k := range evidence.Kinds() {
		want := true
		switch k.String() {
		case "offer", "vantage", "listened", "lost", "unkept", "captured":
			want = false
		}
		if k.IsSeen() != want {
			t.Errorf("%v is seen: %v", k, k.IsSeen())
		}
	}
}

// namesSomebody reports a field with an address or a MAC.
func namesSomebody(v reflect.Value) bool {
	switch v.Interface().(type) {
	case netip.Addr, netip.AddrPort, netip.Prefix, mac.Addr:
		return !v.IsZero()
	}
	if v.Kind() != reflect.Struct {
		return false
	}
	for _, field := range v.Fields() {
		if namesSomebody(field) {
			return true
		}
	}
	return false
}
