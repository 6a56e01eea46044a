package nlb

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nlbprobe/nlbprobe/mac"
)

// The frames of tcpdump's tests/msnlb.pcap (added in its commit 850e4799):
// unicast mode, two hosts, 2012-12-04, 96 of 1510 bytes kept.
const (
	captureHost2 = `ff ff ff ff ff ff 02 02 c0 a8 64 50 88 6f bf 01
		de c0 06 02 00 00 02 00 00 00 c0 a8 64 50 c0 a8
		64 52 01 00 00 00 01 00 09 00 35 e3 3b 4f bb ce
		c8 04 00 00 00 00 00 00 00 00 19 90 01 61 50 00
		05 61 87 70 08 61 8f f0 08 61 bb b1 1b 61 4b b2
		24 61 e1 13 3e 61 00 f4 ff 6f 00 00 00 00 00 00`
	captureHost1 = `ff ff ff ff ff ff 02 01 c0 a8 64 50 88 6f bf 01
		de c0 06 02 00 00 01 00 00 00 c0 a8 64 50 c0 a8
		64 51 00 00 00 00 01 00 09 00 df e2 3b 4f a7 14
		65 02 00 00 00 00 00 00 00 00 19 90 01 61 50 00
		05 61 87 70 08 61 8f f0 08 61 bb b1 1b 61 4b b2
		24 61 e1 13 3e 61 00 f4 ff 6f 00 00 00 00 00 00`
)

func frame(t testing.TB, dump string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.Join(strings.Fields(dump), ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// captureRules are the port rules of the capture, by its ports: that the codes
// say so is inferred.
var captureRules = [][2]uint16{
	{25, 25}, {80, 80}, {135, 135}, {143, 143}, {443, 443}, {587, 587}, {993, 993}, {1024, 65535},
}

func TestCapture(t *testing.T) {
	for _, tt := range []struct {
		dump            string
		priority        int
		dedicated       string
		hostID          uint16
		packets         uint32
		started         string
		ethernetPrimary string
	}{
		{captureHost2, 2, "192.168.100.82", 1, 0x04c8cebb, "2012-02-15T16:54:13Z", "192.168.100.80"},
		{captureHost1, 1, "192.168.100.81", 0, 0x026514a7, "2012-02-15T16:52:47Z", "192.168.100.80"},
	} {
		b := frame(t, tt.dump)
		h, err := ParseHeartbeat(b[14:])
		if err != nil {
			t.Fatal(err)
		}
		if h.Signature != SignatureMembership || h.Major() != 2 || h.Minor() != 6 || int(h.Priority) != tt.priority ||
			h.Cluster != netip.MustParseAddr("192.168.100.80") || h.Dedicated != netip.MustParseAddr(tt.dedicated) {
			t.Errorf("header: %+v", h)
		}
		// The masked source says the same priority and cluster.
		if c := ClassifyFor(mac.From(b[6:]), h.Cluster); c.Priority != tt.priority || c.Kind != KindMasked {
			t.Errorf("source: %+v", c)
		}
		s, ok := h.Status()
		if !ok || !s.Head || s.Whole || s.RulesCut != Slots-9 {
			t.Fatalf("status: %v, head %v, whole %v, %d rules cut", ok, s.Head, s.Whole, s.RulesCut)
		}
		if s.HostID != tt.hostID || s.DefaultHost != 0 || s.State != 1 || s.RuleCount != 9 || s.Packets != tt.packets || s.Teaming != 0 {
			t.Errorf("status: %+v", s)
		}
		if got := time.Unix(int64(s.HostCode), 0).UTC().Format(time.RFC3339); got != tt.started {
			t.Errorf("host code as an instant: %s, want %s", got, tt.started)
		}
		for i, ports := range captureRules {
			if s.Rules[i] != RuleCodeOf(ports[0], ports[1]) {
				t.Errorf("rule %d: %v, want the code of %v", i, s.Rules[i], ports)
			}
		}
		if s.Rules[8] != 0 {
			t.Errorf("the ninth slot is %v", s.Rules[8])
		}
	}
}

func TestRuleCode(t *testing.T) {
	tests := []struct {
		code RuleCode
		want string
		ok   bool // the code means one pair of ports only
	}{
		{RuleCodeOf(80, 80), "80 (or from 4096 up with the same code 0x61050050)", false},     // or 80-4176
		{RuleCodeOf(25, 25), "25 (or from 4096 up with the same code 0x61019019)", false},     // or 4121, and more
		{RuleCodeOf(4121, 4121), "25 (or from 4096 up with the same code 0x61019019)", false}, // the same code
		{RuleCodeOf(20, 21), "20-21 (or from 4096 up with the same code 0x61015014)", false},
		{RuleCodeOf(1024, 65535), "0x6ffff400", false}, // many pairs
		{RuleCodeOf(0, 65535), "0x6ffff000", false},
		{RuleCodeOf(256, 4096), "256-4096", true}, // read without bit 24 it is 256-0, which is no pair
		{RuleCodeOf(4095, 4095), "4095 (or from 4096 up with the same code 0x61ffffff)", false},
		{RuleCodeOf(4095, 4106), "4095-4106", true},
		{0, "0x00000000", false}, {0x62050050, "0x62050050", false}, {0xffffffff, "0xffffffff", false}, // not of this form
	}
	for _, tt := range tests {
		if _, _, ok := tt.code.Ports(); ok != tt.ok || tt.code.String() != tt.want {
			t.Errorf("%08x: %v, %v, want %s", uint32(tt.code), tt.code, ok, tt.want)
		}
	}
	// Whatever Ports says is right, and no other pair has the code. The pairs of
	// the slow way are all those that share the twelve lower bits of each port
	// which no field overlaps.
	for _, p := range [][2]uint16{{1, 1}, {80, 4176}, {4095, 4096}, {8080, 8080}, {300, 4100}, {3000, 4097}, {60000, 65535}} {
		code := RuleCodeOf(p[0], p[1])
		var pairs [][2]uint16
		for first := range 1 << 4 {
			for last := range 1 << 8 {
				f := uint16(first)<<12 | p[0]&0xfff
				l := uint16(last>>4)<<12 | p[1]&0xff0 | uint16(last&0xf)
				if f <= l && RuleCodeOf(f, l) == code {
					pairs = append(pairs, [2]uint16{f, l})
				}
			}
		}
		first, last, ok := code.Ports()
		if ok != (len(pairs) == 1) || ok && pairs[0] != [2]uint16{first, last} {
			t.Errorf("%v: %d-%d, %v; the pairs are %v", p, first, last, ok, pairs)
		}
		if !slices.Contains(pairs, p) {
			t.Errorf("%v is not among its own readings", p)
		}
	}
}

// status is a body in which every field is set apart from every other.
func status() *Status {
	s := &Status{
		HostID: 3, DefaultHost: 1, State: 2, RuleCount: 5, HostCode: 0x4f3be335, Packets: 77,
		Teaming: 0x00abcd17, Head: true, Whole: true,
	}
	for i := range Slots {
		s.Rules[i] = RuleCode(i + 1)
		s.Current[i], s.New[i] = uint64(i)<<32|1, uint64(i)<<32|2
		s.Idle[i], s.Ready[i] = uint64(i)<<32|3, uint64(i)<<32|4
		s.Weights[i] = uint32(i) << 8
	}
	return s
}

func header(s Signature) Heartbeat {
	return Heartbeat{
		Signature: s, Version: 0x0206, Priority: 4,
		Cluster: netip.MustParseAddr("192.0.2.10"), Dedicated: netip.MustParseAddr("192.0.2.14"),
	}
}

func membership() []byte {
	return status().AppendTo(header(SignatureMembership).AppendHeader(nil))
}

func identity() []byte {
	b := header(SignatureIdentity).AppendHeader(nil)
	return AppendAddress(AppendName(b, "web4.example.com"), netip.MustParseAddr("192.0.2.14"))
}

// The captured frame is what the encoder makes of its fields, as far as it goes.
func TestEncodeCapture(t *testing.T) {
	want := frame(t, captureHost1)
	s := Status{State: 1, RuleCount: 9, HostCode: 0x4f3be2df, Packets: 0x026514a7}
	for i, ports := range captureRules {
		s.Rules[i] = RuleCodeOf(ports[0], ports[1])
	}
	b := AppendEthernet(nil, mac.Broadcast, mac.Addr{2, 1, 0xc0, 0xa8, 0x64, 0x50}, EtherTypeHeartbeat)
	b = Heartbeat{
		Signature: SignatureMembership, Version: 0x0206, Priority: 1,
		Cluster: netip.MustParseAddr("192.168.100.80"), Dedicated: netip.MustParseAddr("192.168.100.81"),
	}.AppendHeader(b)
	b = s.AppendTo(b)
	if len(b) != 1510 || !bytes.Equal(b[:len(want)], want) {
		t.Errorf("%d bytes\n% x\nwant\n% x", len(b), b[:len(want)], want)
	}
}

// Cut anywhere, a heartbeat is read as far as it goes: what is read is what
// was written, and the rest is zero.
func TestCut(t *testing.T) {
	whole, want := membership(), status()
	for n := range len(whole) + 1 {
		h, err := ParseHeartbeat(whole[:n])
		if n < headerLen {
			if !errors.Is(err, ErrCut) || h.Signature != 0 {
				t.Fatalf("%d bytes: %+v, %v", n, h, err)
			}
			continue
		}
		if err != nil || h.Priority != 4 {
			t.Fatalf("%d bytes: %+v, %v", n, h, err)
		}
		s, ok := h.Status()
		if ok != (n >= 28) || s.Head != (n >= 44) || s.Whole != (n == MembershipLen) {
			t.Fatalf("%d bytes: %v, head %v, whole %v", n, ok, s.Head, s.Whole)
		}
		if !ok {
			continue
		}
		if s.RuleCount != 5 || s.Head && s.Packets != 77 {
			t.Errorf("%d bytes: %+v", n, s)
		}
		for i := range Slots {
			for _, f := range []struct {
				name      string
				got, want uint64
				end       int
			}{
				{"rule", uint64(s.Rules[i]), uint64(want.Rules[i]), 44 + 4*(i+1)},
				{"current", s.Current[i], want.Current[i], 176 + 8*(i+1)},
				{"new", s.New[i], want.New[i], 440 + 8*(i+1)},
				{"idle", s.Idle[i], want.Idle[i], 704 + 8*(i+1)},
				{"ready", s.Ready[i], want.Ready[i], 968 + 8*(i+1)},
				{"weight", uint64(s.Weights[i]), uint64(want.Weights[i]), 1232 + 4*(i+1)},
			} {
				if f.end > n {
					f.want = 0
				}
				if f.got != f.want {
					t.Fatalf("%d bytes: %s %d is %x, want %x", n, f.name, i, f.got, f.want)
				}
			}
			if (i < Slots-s.RulesCut) != (44+4*(i+1) <= n) {
				t.Fatalf("%d bytes: %d rules cut", n, s.RulesCut)
			}
		}
	}
	if w := *want; w.Teaming.Active() != true || w.Teaming.Master() != true || w.Teaming.Reverse() != true ||
		w.Teaming.Participants() != 2 || w.Teaming.XOR() != 0xabcd {
		t.Errorf("teaming %x: %d participants", w.Teaming, w.Teaming.Participants())
	}
}

func TestIdentity(t *testing.T) {
	h, err := ParseHeartbeat(identity())
	if err != nil {
		t.Fatal(err)
	}
	records := slices.Collect(h.Records())
	if len(records) != 2 || records[0].Name() != "web4.example.com" || !records[0].Whole() ||
		records[1].Addr != netip.MustParseAddr("192.0.2.14") {
		t.Errorf("%+v", records)
	}
	if _, ok := h.Status(); ok {
		t.Error("an identity heartbeat has a status")
	}
	if h, _ := ParseHeartbeat(membership()); len(slices.Collect(h.Records())) != 0 {
		t.Error("a membership heartbeat has records")
	}
	for _, a := range []string{"192.0.2.14", "2001:db8::14"} {
		if n := len(AppendAddress(nil, netip.MustParseAddr(a))); n%8 != 0 {
			t.Errorf("the record with %s has %d bytes, no multiple of eight", a, n)
		}
	}
	v6 := AppendAddress(header(SignatureIdentity).AppendHeader(nil), netip.MustParseAddr("2001:db8::14"))
	if h, err = ParseHeartbeat(v6); err != nil {
		t.Fatal(err)
	}
	if records = slices.Collect(h.Records()); len(records) != 1 || records[0].Addr != netip.MustParseAddr("2001:db8::14") {
		t.Errorf("%+v", records)
	}
	for range h.Records() {
		break // a loop may be left early
	}
}

func TestHostileNames(t *testing.T) {
	units := func(u ...uint16) []byte {
		b := append(header(SignatureIdentity).AppendHeader(nil), 1, 0, 0, 0, 0, 0, 0, 0)
		for _, v := range u {
			b = binary.LittleEndian.AppendUint16(b, v)
		}
		return b
	}
	long := slices.Repeat([]uint16{'x'}, 700)
	tests := []struct {
		name  string
		frame []byte
		want  string
		whole bool
	}{
		{"empty", units(0), "", true},
		{"nothing", units(), "", false},
		{"no end", units('a', 'b'), "ab", false},
		{"half a unit", append(units('a'), 'b'), "a", false},
		{"pair", units(0xd83d, 0xde00, 0), "\U0001f600", true},
		{"half a pair", units('a', 0xd83d, 'b', 0), "a\ufffdb", true},
		{"half a pair at the end", units('a', 0xd83d), "a\ufffd", false},
		{"pair the wrong way round", units(0xde00, 0xd83d, 0), "\ufffd\ufffd", true},
		{"controls come as they are", units(0x1b, '[', '2', 'J', '\n', 0x202e, 0), "\x1b[2J\n\u202e", true},
		{"endless", units(long...), strings.Repeat("x", MaxName), false},
	}
	for _, tt := range tests {
		h, err := ParseHeartbeat(tt.frame)
		if err != nil {
			t.Fatal(err)
		}
		var got []Record
		for r := range h.Records() {
			got = append(got, r)
		}
		if tt.name == "nothing" {
			// A record's head, and nothing of a name.
			if len(got) != 1 || got[0].Name() != "" || got[0].Whole() {
				t.Errorf("%s: %+v", tt.name, got)
			}
			continue
		}
		if len(got) == 0 || got[0].Name() != tt.want || got[0].Whole() != tt.whole {
			t.Errorf("%s: %+v", tt.name, got)
		}
	}
	// A name of the greatest length is written and read whole.
	most := strings.Repeat("x", MaxName)
	h, err := ParseHeartbeat(AppendName(header(SignatureIdentity).AppendHeader(nil), most))
	if err != nil {
		t.Fatal(err)
	}
	for r := range h.Records() {
		if r.Name() != most {
			t.Errorf("a name of %d characters is read as one of %d", MaxName, len(r.Name()))
		}
	}
	// What the encoder writes is bounded too, and never half a pair.
	for _, name := range []string{strings.Repeat("x", 400), strings.Repeat("x", MaxName-1) + "\U0001f600", "a\x00b"} {
		h, err := ParseHeartbeat(AppendName(header(SignatureIdentity).AppendHeader(nil), name))
		if err != nil {
			t.Fatal(err)
		}
		for r := range h.Records() {
			if !strings.HasPrefix(name, r.Name()) || len(r.Name()) > MaxName {
				t.Errorf("%.20q is read as %q", name, r.Name())
			}
		}
	}
}

func TestNotAHeartbeat(t *testing.T) {
	tests := []struct {
		name string
		b    []byte
		is   error
		want string
	}{
		{"nothing", nil, ErrCut, "nlb: heartbeat: cut short in the header: 0 of 20 bytes"},
		{"tcpdump's msnlb2.pcapng, 20 of 1510 bytes", frame(t, captureHost1)[14:20], ErrCut, "nlb: heartbeat: cut short in the header: 6 of 20 bytes"},
		{"LQSR", []byte{0xf7, 0x8a, 0xde, 0xc0, 0, 0, 0, 0}, ErrSignature, "nlb: heartbeat: 0xc0de8af7 is not an NLB signature"},
		{"the signature the wrong way round", []byte{0xc0, 0xde, 0x01, 0xbf, 0, 0}, ErrSignature, "nlb: heartbeat: 0xbf01dec0 is not an NLB signature"},
	}
	for _, tt := range tests {
		h, err := ParseHeartbeat(tt.b)
		var he *HeartbeatError
		if !errors.Is(err, tt.is) || !errors.As(err, &he) || err.Error() != tt.want || h.Signature != 0 {
			t.Errorf("%s: %+v, error %v", tt.name, h, err)
		}
	}
	for s, want := range map[Signature]string{
		SignatureMembership: "membership heartbeat", SignatureIdentity: "identity heartbeat",
		SignatureReliable: "reliable protocol", 7: "signature 0x00000007",
	} {
		if s.String() != want {
			t.Errorf("%v, want %s", s, want)
		}
	}
}

// FuzzHeartbeat: what is read and written again reads as the same.
func FuzzHeartbeat(f *testing.F) {
	seeds := [][]byte{membership(), identity(), frame(f, captureHost1)[14:], frame(f, captureHost2)[14:]}
	for _, b := range seeds {
		if h, err := ParseHeartbeat(b); err != nil || h.Signature == 0 {
			f.Fatal("a seed is not read")
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		h, err := ParseHeartbeat(b)
		if err != nil {
			if h.Signature != 0 || h.Cluster.IsValid() || err.Error() == "" {
				t.Fatalf("%+v with %v", h, err)
			}
			return
		}
		out := h.AppendHeader(nil)
		if !bytes.Equal(out, b[:headerLen]) {
			t.Fatalf("header % x is written as % x", b[:headerLen], out)
		}
		if s, ok := h.Status(); ok {
			again, err := ParseHeartbeat(s.AppendTo(out))
			if err != nil {
				t.Fatal(err)
			}
			s2, ok := again.Status()
			s2.Head, s2.RulesCut, s2.Whole = s.Head, s.RulesCut, s.Whole
			if !ok || s2 != s {
				t.Fatalf("%+v\n%+v", s, s2)
			}
			for _, c := range s.Rules {
				if first, last, ok := c.Ports(); ok && (RuleCodeOf(first, last) != c || first > last) {
					t.Fatalf("%08x is read as %d-%d", uint32(c), first, last)
				}
			}
		}
		n := 0
		for r := range h.Records() {
			n++
			if len(r.name) > 2*MaxName || n > len(b)/recordHead {
				t.Fatalf("%d records, a name of %d bytes", n, len(r.name))
			}
			if r.Type != RecordName || !r.Whole() {
				continue
			}
			name := r.Name()
			h2, err := ParseHeartbeat(AppendName(h.AppendHeader(nil), name))
			if err != nil {
				t.Fatal(err)
			}
			for r2 := range h2.Records() {
				if r2.Name() != name {
					t.Fatalf("%q is written as %q", name, r2.Name())
				}
				break
			}
		}
	})
}

func TestHeartbeatNoAllocation(t *testing.T) {
	for _, b := range [][]byte{membership(), identity(), frame(t, captureHost1)[14:]} {
		out := make([]byte, 0, 2048)
		n := testing.AllocsPerRun(100, func() {
			h, err := ParseHeartbeat(b)
			if err != nil {
				t.Fatal(err)
			}
			if s, ok := h.Status(); ok {
				out = s.AppendTo(h.AppendHeader(out[:0]))
			}
			for r := range h.Records() {
				out = r.AppendName(out[:0])
			}
		})
		if n != 0 {
			t.Errorf("%d bytes: %v allocations", len(b), n)
		}
	}
}

func BenchmarkHeartbeat(b *testing.B) {
	for _, bb := range []struct {
		name string
		b    []byte
	}{{"membership", membership()}, {"captured", frame(b, captureHost1)[14:]}, {"identity", identity()}} {
		b.Run(bb.name, func(b *testing.B) {
			b.ReportAllocs()
			var name [4 * MaxName]byte
			for b.Loop() {
				h, err := ParseHeartbeat(bb.b)
				if err != nil {
					b.Fatal(err)
				}
				if s, ok := h.Status(); ok && s.RuleCount == 0 {
					b.Fatal("no rules")
				}
				for r := range h.Records() {
					r.AppendName(name[:0])
				}
			}
		})
	}
}
