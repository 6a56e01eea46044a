package igmp_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nlbprobe/nlbprobe/igmp"
	"github.com/nlbprobe/nlbprobe/mac"
)

func ip(s string) netip.Addr { return netip.MustParseAddr(s) }

func addrs(t testing.TB, list ...string) igmp.Addrs {
	t.Helper()
	var all []netip.Addr
	for _, s := range list {
		all = append(all, ip(s))
	}
	a, err := igmp.AddrsOf(all...)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func records(t testing.TB, list ...igmp.Record) igmp.Records {
	t.Helper()
	r, err := igmp.RecordsOf(list...)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// messages are the messages of all types with their bytes, which TestWire and
// the fuzz target share.
func messages(t testing.TB) []struct {
	name string
	m    igmp.Message
	wire []byte
} {
	return []struct {
		name string
		m    igmp.Message
		wire []byte
	}{
		{
			"v1 report of the cluster 10.0.0.1", igmp.Message{Type: igmp.ReportV1, Version: 1, Group: ip("239.255.0.1")},
			[]byte{0x12, 0x00, 0xfd, 0xfe, 0xef, 0xff, 0x00, 0x01},
		},
		{
			"v1 report of the cluster 192.168.100.80", igmp.Message{Type: igmp.ReportV1, Version: 1, Group: ip("239.255.100.80")},
			[]byte{0x12, 0x00, 0x99, 0xaf, 0xef, 0xff, 0x64, 0x50},
		},
		{
			"v1 report of the cluster 10.0.200.200", igmp.Message{Type: igmp.ReportV1, Version: 1, Group: ip("239.255.200.200")},
			[]byte{0x12, 0x00, 0x35, 0x37, 0xef, 0xff, 0xc8, 0xc8},
		},
		{
			"v1 query", igmp.Message{Type: igmp.Query, Version: 1, Group: ip("0.0.0.0"), MaxResponse: 10 * time.Second},
			[]byte{0x11, 0x00, 0xee, 0xff, 0, 0, 0, 0},
		},
		{ // RFC 2236 8.3: 100 tenths by default
			"v2 general query", igmp.Message{Type: igmp.Query, Version: 2, Group: ip("0.0.0.0"), MaxResponse: 10 * time.Second},
			[]byte{0x11, 0x64, 0xee, 0x9b, 0, 0, 0, 0},
		},
		{ // RFC 2236 8.8: 10 tenths after a leave
			"v2 query for a group", igmp.Message{Type: igmp.Query, Version: 2, Group: ip("239.255.0.1"), MaxResponse: time.Second},
			[]byte{0x11, 0x0a, 0xfe, 0xf4, 0xef, 0xff, 0x00, 0x01},
		},
		{
			"v2 report", igmp.Message{Type: igmp.ReportV2, Version: 2, Group: ip("239.255.0.1")},
			[]byte{0x16, 0x00, 0xf9, 0xfe, 0xef, 0xff, 0x00, 0x01},
		},
		{
			"leave", igmp.Message{Type: igmp.Leave, Version: 2, Group: ip("239.255.0.1")},
			[]byte{0x17, 0x00, 0xf8, 0xfe, 0xef, 0xff, 0x00, 0x01},
		},
		{
			"v3 general query", igmp.Message{
				Type: igmp.Query, Version: 3, Group: ip("0.0.0.0"), MaxResponse: 10 * time.Second,
				Robustness: 2, Interval: 125 * time.Second,
			},
			[]byte{0x11, 0x64, 0xec, 0x1e, 0, 0, 0, 0, 0x02, 0x7d, 0, 0},
		},
		{
			"v3 query for a group and sources, long times", igmp.Message{
				Type: igmp.Query, Version: 3, Group: ip("232.1.2.3"),
				MaxResponse: 3174400 * time.Millisecond,                       // 0xff: (15|16) << (7+3) tenths
				Suppress:    true, Robustness: 7, Interval: 128 * time.Second, // 0x80: (0|16) << (0+3)
				Sources: addrs(t, "192.0.2.1", "198.51.100.2"),
			},
			[]byte{
				0x11, 0xff, 0x08, 0x42, 232, 1, 2, 3, 0x0f, 0x80, 0, 2,
				192, 0, 2, 1, 198, 51, 100, 2,
			},
		},
		{
			"v3 report", igmp.Message{Type: igmp.ReportV3, Version: 3, Records: records(t,
				igmp.Record{Type: igmp.ToExclude, Group: ip("239.255.0.1")},
				igmp.Record{Type: igmp.Allow, Group: ip("232.1.2.3"), Sources: addrs(t, "192.0.2.1"), Aux: []byte{1, 2, 3, 4}},
				igmp.Record{Type: 9, Group: ip("232.1.2.3")}, // unknown: kept
			)},
			[]byte{
				0x22, 0, 0x41, 0xe8, 0, 0, 0, 3,
				4, 0, 0, 0, 0xef, 0xff, 0, 1,
				5, 1, 0, 1, 232, 1, 2, 3, 192, 0, 2, 1, 1, 2, 3, 4,
				9, 0, 0, 0, 232, 1, 2, 3,
			},
		},
		{
			"v3 report of nothing", igmp.Message{Type: igmp.ReportV3, Version: 3},
			[]byte{0x22, 0, 0xdd, 0xff, 0, 0, 0, 0},
		},
	}
}

// same reports whether two messages say the same, whoever's bytes they share.
func same(a, b igmp.Message) bool {
	record := func(x, y igmp.Record) bool {
		return x.Type == y.Type && x.Group == y.Group && bytes.Equal(x.Aux, y.Aux) &&
			slices.Equal(slices.Collect(x.Sources.All()), slices.Collect(y.Sources.All()))
	}
	return a.Type == b.Type && a.Version == b.Version && a.Group == b.Group && a.MaxResponse == b.MaxResponse &&
		a.Suppress == b.Suppress && a.Robustness == b.Robustness && a.Interval == b.Interval &&
		slices.Equal(slices.Collect(a.Sources.All()), slices.Collect(b.Sources.All())) &&
		a.Records.Len() == b.Records.Len() &&
		slices.EqualFunc(slices.Collect(a.Records.All()), slices.Collect(b.Records.All()), record)
}

func TestWire(t *testing.T) {
	for _, tt := range messages(t) {
		t.Run(tt.name, func(t *testing.T) {
			got, err := igmp.Parse(tt.wire)
			if err != nil || !same(got, tt.m) {
				t.Errorf("Parse: %+v, %v\nwant %+v", got, err, tt.m)
			}
			b, err := tt.m.AppendTo([]byte("before"))
			if err != nil || !bytes.Equal(b, append([]byte("before"), tt.wire...)) {
				t.Errorf("AppendTo: % x, %v\nwant % x", b, err, tt.wire)
			}
		})
	}
}

// sealed is b with its checksum put right.
func sealed(b ...byte) []byte {
	b[2], b[3] = 0, 0
	binary.BigEndian.PutUint16(b[2:], igmp.Checksum(b))
	return b
}

func TestParseIgnores(t *testing.T) {
	// Reserved fields, and what lies behind the fields (RFC 3376 4.1.10, 4.2.11).
	tests := []struct {
		name string
		wire []byte
		want igmp.Message
	}{
		{
			"v2 report of 12 bytes", sealed(0x16, 0x55, 0, 0, 0xef, 0xff, 0, 1, 9, 9, 9, 9),
			igmp.Message{Type: igmp.ReportV2, Version: 2, Group: ip("239.255.0.1")},
		},
		{
			"v3 query with reserved bits and more behind", sealed(0x11, 1, 0, 0, 0, 0, 0, 0, 0xf2, 1, 0, 0, 1, 2, 3),
			igmp.Message{Type: igmp.Query, Version: 3, Group: ip("0.0.0.0"), MaxResponse: 100 * time.Millisecond, Robustness: 2, Interval: time.Second},
		},
		{
			"v3 report with reserved fields and more behind", sealed(0x22, 7, 0, 0, 7, 7, 0, 1, 4, 0, 0, 0, 0xef, 0xff, 0, 1, 9),
			igmp.Message{Type: igmp.ReportV3, Version: 3, Records: records(t, igmp.Record{Type: igmp.ToExclude, Group: ip("239.255.0.1")})},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got, err := igmp.Parse(tt.wire); err != nil || !same(got, tt.want) {
				t.Errorf("%+v, %v\nwant %+v", got, err, tt.want)
			}
		})
	}
}

func TestParseErrors(t *testing.T) {
	tests := []struct {
		name string
		wire []byte
		is   error
		want string
	}{
		{"nothing", nil, igmp.ErrShort, "igmp: type 0x00: the message is cut short: 8 bytes needed, 0 left (at byte 0)"},
		{"seven bytes", []byte{0x12, 0, 0, 0, 0, 0, 0}, igmp.ErrShort, "igmp: v1 report: the message is cut short: 8 bytes needed, 7 left (at byte 7)"},
		{"checksum", []byte{0x12, 0, 0xfd, 0xff, 0xef, 0xff, 0, 1}, igmp.ErrChecksum, "igmp: v1 report: wrong checksum (at byte 2)"},
		{"DVMRP", sealed(0x13, 1, 0, 0, 0, 0, 0, 0), igmp.ErrType, "igmp: type 0x13: unknown message type (at byte 0)"},
		{"a report of a host", sealed(0x12, 0, 0, 0, 10, 0, 0, 1), igmp.ErrGroup, "igmp: v1 report: the group is not a multicast address (at byte 4)"},
		{"a query for a host", sealed(0x11, 1, 0, 0, 10, 0, 0, 1), igmp.ErrGroup, "igmp: query: the group is not a multicast address (at byte 4)"},
		{"query of 9 bytes", sealed(0x11, 1, 0, 0, 0, 0, 0, 0, 0), igmp.ErrLength, "igmp: query: a query of 9 to 11 bytes is of no version (at byte 9)"},
		{
			"65,535 sources", sealed(0x11, 1, 0, 0, 0, 0, 0, 0, 2, 125, 0xff, 0xff, 1, 2, 3, 4), igmp.ErrShort,
			"igmp: query: the message is cut short: 262140 bytes needed, 4 left (at byte 12)",
		},
		{
			"65,535 records", sealed(0x22, 0, 0, 0, 0, 0, 0xff, 0xff, 4, 0, 0, 0, 0xef, 0xff, 0, 1), igmp.ErrShort,
			"igmp: v3 report: record 2 of 65535: the message is cut short: 8 bytes needed, 0 left (at byte 16)",
		},
		{
			"a record's sources", sealed(0x22, 0, 0, 0, 0, 0, 0, 2, 4, 0, 0, 0, 0xef, 0xff, 0, 1, 3, 0, 0, 4, 0xef, 0xff, 0, 1, 1, 2, 3, 4), igmp.ErrShort,
			"igmp: v3 report: record 2 of 2: the message is cut short: 24 bytes needed, 12 left (at byte 16)",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m, err := igmp.Parse(tt.wire)
			var parse *igmp.ParseError
			if !errors.Is(err, tt.is) || !errors.As(err, &parse) || err.Error() != tt.want {
				t.Errorf("error %v\nwant  %s", err, tt.want)
			}
			if !same(m, igmp.Message{}) {
				t.Errorf("an error with %+v", m)
			}
		})
	}
}

func TestAppendErrors(t *testing.T) {
	group := ip("239.255.0.1")
	tests := []struct {
		m    igmp.Message
		want string
	}{
		{igmp.Message{}, "igmp: write type 0x00: unknown message type"},
		{igmp.Message{Type: igmp.ReportV1}, "igmp: write v1 report: group invalid IP: the group is not a multicast address"},
		{igmp.Message{Type: igmp.Leave, Group: ip("10.0.0.1")}, "igmp: write leave: group 10.0.0.1: the group is not a multicast address"},
		{igmp.Message{Type: igmp.Leave, Group: ip("ff02::1")}, "igmp: write leave: group ff02::1: the group is not a multicast address"},
		{igmp.Message{Type: igmp.Query, Version: 2, Group: ip("10.0.0.1")}, "igmp: write query: group 10.0.0.1: the group is not a multicast address"},
		{igmp.Message{Type: igmp.Query, Version: 2, Group: group}, "igmp: write query: a response time of 0s; version 2 has 100ms to 25.5s"},
		{igmp.Message{Type: igmp.Query, Version: 2, MaxResponse: time.Minute}, "igmp: write query: a response time of 1m0s; version 2 has 100ms to 25.5s"},
		{igmp.Message{Type: igmp.Query, Version: 3, MaxResponse: time.Hour}, "igmp: write query: a response time of 1h0m0s, an interval of 0s; version 3 has up to 52m54.4s and 8h49m4s"},
		{igmp.Message{Type: igmp.Query, Version: 3, Robustness: 8}, "igmp: write query: robustness 8; version 3 has 0 to 7"},
		{igmp.Message{Type: igmp.Query, Version: 4}, "igmp: write query: no version 4"},
		{igmp.Message{Type: igmp.Query, Version: 3, Interval: -1}, "igmp: write query: a negative time"},
	}
	for _, tt := range tests {
		b, err := tt.m.AppendTo([]byte{7})
		if err == nil || err.Error() != tt.want || !bytes.Equal(b, []byte{7}) {
			t.Errorf("%+v: % x, error %v\nwant %s", tt.m, b, err, tt.want)
		}
		if b, err := tt.m.AppendFrame([]byte{7}, igmp.Sender{IP: ip("192.0.2.1")}); err == nil || !bytes.Equal(b, []byte{7}) {
			t.Errorf("%+v: frame % x, error %v", tt.m, b, err)
		}
	}
	if _, err := igmp.AddrsOf(ip("::1")); err == nil {
		t.Error("an IPv6 source is taken")
	}
	if _, err := igmp.AddrsOf(make([]netip.Addr, 1<<16)...); err == nil {
		t.Error("65,536 sources are taken")
	}
	most, err := igmp.AddrsOf(slices.Repeat([]netip.Addr{group}, 1<<16-1)...)
	if n := len(slices.Collect(most.All())); err != nil || n != 1<<16-1 {
		t.Errorf("of 65,535 sources %d come back, %v", n, err)
	}
	if _, err := igmp.RecordsOf(slices.Repeat([]igmp.Record{{Group: group}}, 1<<16)...); err == nil {
		t.Error("65,536 records are taken")
	}
	if r, err := igmp.RecordsOf(slices.Repeat([]igmp.Record{{Group: group}}, 1<<16-1)...); err != nil || len(slices.Collect(r.All())) != 1<<16-1 {
		t.Errorf("65,535 records: %v", err)
	}
	if _, err := igmp.RecordsOf(igmp.Record{Group: group}, igmp.Record{}); err == nil || !strings.Contains(err.Error(), "record 2 of 2") {
		t.Errorf("the second record is at fault: %v", err)
	}
	if _, err := igmp.RecordsOf(igmp.Record{Group: group, Aux: []byte{1}}); err == nil {
		t.Error("one byte of auxiliary data is taken")
	}
	if _, err := igmp.RecordsOf(igmp.Record{}); err == nil {
		t.Error("a record without a group is taken")
	}
	if _, err := (igmp.Message{Type: igmp.ReportV1, Group: group}).AppendFrame(nil, igmp.Sender{IP: ip("::1")}); err == nil {
		t.Error("an IPv6 sender is taken")
	}
	big := make([]igmp.Record, 8190)
	for i := range big {
		big[i] = igmp.Record{Type: igmp.ToExclude, Group: group}
	}
	if _, err := (igmp.Message{Type: igmp.ReportV3, Records: records(t, big...)}).AppendFrame(nil, igmp.Sender{IP: ip("192.0.2.1")}); err == nil {
		t.Error("a datagram of more than 65,535 bytes is made")
	}
}

// Times that the wire cannot say exactly are rounded down, never up.
func TestTimesRoundDown(t *testing.T) {
	for _, d := range []time.Duration{
		0, 99 * time.Millisecond, 100 * time.Millisecond, 12799 * time.Millisecond, 12800 * time.Millisecond, 12900 * time.Millisecond,
		13600 * time.Millisecond, 25599 * time.Millisecond, 60 * time.Second, 125 * time.Second, 1000 * time.Second, 3174400 * time.Millisecond,
	} {
		b, err := igmp.Message{Type: igmp.Query, Version: 3, MaxResponse: d, Interval: 10 * d}.AppendTo(nil)
		if err != nil {
			t.Fatal(err)
		}
		m, err := igmp.Parse(b)
		if err != nil {
			t.Fatal(err)
		}
		// A code's step is at most a sixteenth of its value.
		for _, x := range []struct{ got, want, least time.Duration }{
			{m.MaxResponse, d, 100 * time.Millisecond}, {m.Interval, 10 * d, time.Second},
		} {
			if x.got > x.want || x.want-x.got > max(x.least, x.want/16) {
				t.Errorf("%v is written as %v", x.want, x.got)
			}
		}
	}
}

func TestRecords(t *testing.T) {
	group := ip("239.255.0.1")
	src := addrs(t, "192.0.2.1")
	tests := []struct {
		r             igmp.Record
		name          string
		joins, leaves bool
	}{
		{igmp.Record{Type: igmp.IsInclude, Sources: src}, "is_in", true, false},
		{igmp.Record{Type: igmp.IsInclude}, "is_in", false, false},
		{igmp.Record{Type: igmp.IsExclude}, "is_ex", true, false},
		{igmp.Record{Type: igmp.ToInclude}, "to_in", false, true},
		{igmp.Record{Type: igmp.ToInclude, Sources: src}, "to_in", true, false},
		{igmp.Record{Type: igmp.ToExclude}, "to_ex", true, false},
		{igmp.Record{Type: igmp.Allow, Sources: src}, "allow", true, false},
		{igmp.Record{Type: igmp.Block, Sources: src}, "block", false, false},
		{igmp.Record{Type: 7}, "record type 7", false, false},
	}
	for _, tt := range tests {
		tt.r.Group = group
		if tt.r.Type.String() != tt.name || tt.r.Joins() != tt.joins || tt.r.Leaves() != tt.leaves {
			t.Errorf("%v: joins %v, leaves %v", tt.r.Type, tt.r.Joins(), tt.r.Leaves())
		}
	}
	list := records(t, igmp.Record{Type: igmp.IsInclude, Group: group, Sources: src}, igmp.Record{Type: igmp.IsExclude, Group: group})
	for r := range list.All() { // a loop may be left early
		if r.Type != igmp.IsInclude {
			t.Errorf("the first record is %v", r.Type)
		}
		for a := range r.Sources.All() {
			if a != ip("192.0.2.1") {
				t.Errorf("source %v", a)
			}
			break
		}
		break
	}
}

func TestGroupMAC(t *testing.T) {
	for _, tt := range []struct{ group, want string }{
		{"239.255.0.1", "01:00:5e:7f:00:01"},
		{"224.0.0.1", "01:00:5e:00:00:01"},
		{"239.127.255.255", "01:00:5e:7f:ff:ff"},
		{"10.0.0.1", "00:00:00:00:00:00"},
		{"ff02::1", "00:00:00:00:00:00"},
	} {
		if got := igmp.GroupMAC(ip(tt.group)).String(); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.group, got, tt.want)
		}
	}
}

func TestAppendFrame(t *testing.T) {
	from := igmp.Sender{MAC: mac.Addr{0, 0, 0x5e, 0, 0x53, 0x11}, IP: ip("192.0.2.11")}
	alert := from
	alert.RouterAlert = true
	group := ip("239.255.2.241")
	ether := func(dst string, b ...byte) []byte {
		m, err := mac.Parse(dst)
		if err != nil {
			t.Fatal(err)
		}
		out := slices.Concat(m[:], from.MAC[:], []byte{0x08, 0x00}, b)
		return append(out, make([]byte, max(0, 60-len(out)))...)
	}
	tests := []struct {
		name string
		m    igmp.Message
		s    igmp.Sender
		want []byte
	}{
		{
			"v1 report", igmp.Message{Type: igmp.ReportV1, Group: group}, from,
			ether("01:00:5e:7f:02:f1",
				0x45, 0, 0, 28, 0, 0, 0x40, 0, // 20 bytes of header, 28 in all, not to be fragmented
				1, 2, 0xc4, 0xe4, // TTL, IGMP, checksum
				192, 0, 2, 11, 239, 255, 2, 241,
				0x12, 0, 0xfb, 0x0e, 239, 255, 2, 241),
		},
		{
			"v2 report with router alert", igmp.Message{Type: igmp.ReportV2, Group: group}, alert,
			ether("01:00:5e:7f:02:f1",
				0x46, 0, 0, 32, 0, 0, 0x40, 0, 1, 2, 0x2f, 0xdc,
				192, 0, 2, 11, 239, 255, 2, 241, 0x94, 0x04, 0, 0,
				0x16, 0, 0xf7, 0x0e, 239, 255, 2, 241),
		},
		{
			"leave", igmp.Message{Type: igmp.Leave, Group: group}, from,
			ether("01:00:5e:00:00:02",
				0x45, 0, 0, 28, 0, 0, 0x40, 0, 1, 2, 0xd7, 0xd2,
				192, 0, 2, 11, 224, 0, 0, 2,
				0x17, 0, 0xf6, 0x0e, 239, 255, 2, 241),
		},
		{
			"v3 report", igmp.Message{Type: igmp.ReportV3, Records: records(t, igmp.Record{Type: igmp.IsExclude, Group: group})}, alert,
			ether("01:00:5e:00:00:16",
				0x46, 0xc0, 0, 40, 0, 0, 0x40, 0, 1, 2, 0x41, 0xee,
				192, 0, 2, 11, 224, 0, 0, 22, 0x94, 0x04, 0, 0,
				0x22, 0, 0xe9, 0x0d, 0, 0, 0, 1, 2, 0, 0, 0, 239, 255, 2, 241),
		},
	}
	// The question for members goes to one host; routers and groups do not get it.
	host := igmp.Sender{MAC: from.MAC, IP: ip("0.0.0.0"), RouterAlert: true, To: mac.Addr{0, 0, 0x5e, 0, 0x53, 0x21}}
	tests = append(tests, struct {
		name string
		m    igmp.Message
		s    igmp.Sender
		want []byte
	}{
		"member query", igmp.MemberQuery(group), host,
		ether("00:00:5e:00:53:21",
			0x46, 0xc0, 0, 36, 0, 0, 0x40, 0, 1, 2, 0xf1, 0x23,
			0, 0, 0, 0, 239, 255, 2, 241, 0x94, 0x04, 0, 0,
			0x11, 0x0a, 0xf4, 0x04, 239, 255, 2, 241, 0x08, 0, 0, 0), // suppress, robustness and interval 0
	})
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := tt.m.AppendFrame([]byte{1}, tt.s)
			if err != nil || !bytes.Equal(got, append([]byte{1}, tt.want...)) {
				t.Errorf("% x, %v\nwant % x", got, err, tt.want)
			}
		})
	}
	for _, m := range []igmp.Message{{Type: igmp.Query, Version: 2, MaxResponse: time.Second}, {Type: igmp.Query, Version: 1, Group: ip("0.0.0.0")}} {
		if got := m.Destination(); got != igmp.AllSystems {
			t.Errorf("a general query goes to %v", got)
		}
	}
	if got := (igmp.Message{Type: igmp.Query, Group: group}).Destination(); got != group {
		t.Errorf("a query for a group goes to %v", got)
	}
}

func TestNames(t *testing.T) {
	for typ, want := range map[igmp.Type]string{
		igmp.Query: "query", igmp.ReportV1: "v1 report", igmp.ReportV2: "v2 report", igmp.Leave: "leave", igmp.ReportV3: "v3 report", 0x13: "type 0x13",
	} {
		if typ.String() != want {
			t.Errorf("%v, want %s", typ, want)
		}
	}
	if igmp.MembershipInterval != 260*time.Second || igmp.QuerierPresent != 255*time.Second {
		t.Error("the timers are not those of RFC 3376 8")
	}
}

func TestNoAllocation(t *testing.T) {
	buf := make([]byte, 0, 256)
	for _, tt := range messages(t) {
		var sources, groups int
		n := testing.AllocsPerRun(100, func() {
			m, err := igmp.Parse(tt.wire)
			if err != nil {
				t.Fatal(err)
			}
			for r := range m.Records.All() {
				groups++
				for range r.Sources.All() {
					sources++
				}
			}
			if _, err := m.AppendFrame(buf, igmp.Sender{IP: netip.AddrFrom4([4]byte{192, 0, 2, 1}), RouterAlert: true}); err != nil {
				t.Fatal(err)
			}
		})
		if n != 0 {
			t.Errorf("%s: %v allocations", tt.name, n)
		}
		if strings.HasPrefix(tt.name, "v3 report") && groups != 101*tt.m.Records.Len() {
			t.Errorf("%s: %d records read", tt.name, groups)
		}
	}
}

// FuzzParse: what is read and written again reads as the same, and what is not
// read leaves nothing behind.
func FuzzParse(f *testing.F) {
	seeds := 0
	for _, tt := range messages(f) {
		f.Add(tt.wire)
		seeds++
	}
	if seeds == 0 {
		f.Fatal("no seeds")
	}
	f.Add([]byte{0x22, 0, 0, 0, 0, 0, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, b := range [][]byte{b, repaired(b)} {
			m, err := igmp.Parse(b)
			if err != nil {
				var parse *igmp.ParseError
				if !errors.As(err, &parse) || parse.Offset > len(b) || err.Error() == "" || !same(m, igmp.Message{}) {
					t.Fatalf("% x: %+v with %v", b, m, err)
				}
				continue
			}
			out, err := m.AppendTo(nil)
			if err != nil {
				t.Fatalf("% x: what was read is not written: %v", b, err)
			}
			again, err := igmp.Parse(out)
			if err != nil || !same(m, again) || len(out) > len(b) {
				t.Fatalf("% x: %+v\n% x: %+v, %v", b, m, out, again, err)
			}
		}
	})
}

// repaired is b with a right checksum, which no fuzzer finds by chance.
func repaired(b []byte) []byte {
	if len(b) < 8 {
		return b
	}
	return sealed(bytes.Clone(b)...)
}

func BenchmarkParse(b *testing.B) {
	for _, tt := range messages(b) {
		b.Run(strings.ReplaceAll(tt.name, " ", "-"), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				m, err := igmp.Parse(tt.wire)
				if err != nil {
					b.Fatal(err)
				}
				for r := range m.Records.All() {
					if !r.Group.IsValid() {
						b.Fatal("no group")
					}
				}
			}
		})
	}
}
