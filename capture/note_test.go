package capture_test

import (
	"bytes"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/nlbprobe/nlbprobe/capture"
	"github.com/nlbprobe/nlbprobe/evidence"
	"github.com/nlbprobe/nlbprobe/mac"
)

var (
	noteFirst = time.Date(2026, 11, 24, 12, 0, 0, 5, time.UTC)
	noteLast  = noteFirst.Add(3 * time.Second)
	noteMAC   = mac.Addr{2, 0, 0, 0, 0, 9}
)

func item(f evidence.Fact, first, last time.Time, count int) evidence.Item {
	return evidence.Item{Fact: f, First: first, Last: last, Count: count}
}

// noteItems is what a live run knows of its place.
func noteItems(ifname string) []evidence.Item {
	v := evidence.Vantage{Interface: ifname, MAC: noteMAC}
	address, gateway, asked := v, v, v
	address.Address = netip.MustParsePrefix("172.16.63.9/24")
	gateway.Gateway = netip.MustParseAddr("172.16.63.1")
	asked.Gateway, asked.Asked = netip.MustParseAddr("172.16.63.2"), true
	judged := v
	judged.VIP = netip.MustParseAddr("172.16.63.241")
	return []evidence.Item{
		item(address, noteFirst, noteFirst, 1),
		item(gateway, noteFirst, noteFirst, 1),
		item(asked, noteFirst, noteFirst, 1),
		item(judged, noteFirst, noteFirst, 1),
		item(evidence.Listened{Interface: ifname, Promiscuous: true, Passive: true}, noteFirst, noteLast, 2),
		item(evidence.Listened{Interface: ifname, Joined: mac.Addr{3, 0xbf, 172, 16, 63, 241}}, noteFirst, noteLast, 2),
		item(evidence.Lost{Interface: ifname}, noteLast, noteLast, 17),
		item(evidence.Lost{Interface: ifname, VIP: netip.MustParseAddr("172.16.63.241")}, noteLast, noteLast, 1),
	}
}

const noteText = `nlbprobe vantage note 1
interface "eth0"
vantage 2026-11-24T12:00:00.000000005Z 2026-11-24T12:00:00.000000005Z 1 02:00:00:00:00:09 172.16.63.9/24 -
vantage 2026-11-24T12:00:00.000000005Z 2026-11-24T12:00:00.000000005Z 1 02:00:00:00:00:09 - 172.16.63.1
vantage 2026-11-24T12:00:00.000000005Z 2026-11-24T12:00:00.000000005Z 1 02:00:00:00:00:09 - 172.16.63.2 asked
vantage 2026-11-24T12:00:00.000000005Z 2026-11-24T12:00:00.000000005Z 1 02:00:00:00:00:09 - - vip 172.16.63.241
listened 2026-11-24T12:00:00.000000005Z 2026-11-24T12:00:03.000000005Z 2 promiscuous passive
listened 2026-11-24T12:00:00.000000005Z 2026-11-24T12:00:03.000000005Z 2 joined 03:bf:ac:10:3f:f1
lost 2026-11-24T12:00:03.000000005Z 2026-11-24T12:00:03.000000005Z 17
lost 2026-11-24T12:00:03.000000005Z 2026-11-24T12:00:03.000000005Z 1 vip 172.16.63.241`

func TestNote(t *testing.T) {
	items := noteItems("eth0")
	b, err := capture.AppendNote([]byte("before"), "eth0", items)
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.TrimPrefix(string(b), "before"); got != noteText {
		t.Errorf("note:\n%s\nwant:\n%s", got, noteText)
	}
	got, err := capture.ParseNote([]byte(noteText))
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, items) {
		t.Errorf("items %+v\nwant %+v", got, items)
	}
	// A clock with a zone and a monotonic reading is the same instant.
	local := items[:1]
	local[0].First = noteFirst.In(time.FixedZone("", 3600))
	b, err = capture.AppendNote(nil, "eth0", local)
	if err != nil || !strings.HasPrefix(noteText, string(b)) {
		t.Errorf("in another zone: %q, %v", b, err)
	}
}

// Names are hostile too: an interface of another system, or of a container.
func TestNoteNames(t *testing.T) {
	for _, name := range []string{"", "eth0.63", "Local Area Connection 2", "a\"b\nlost", "\u0416", "\xff\x00"} {
		b, err := capture.AppendNote(nil, name, noteItems(name))
		if err != nil {
			t.Errorf("%q: %v", name, err)
			continue
		}
		if n := bytes.Count(b, []byte("\n")); n != 9 {
			t.Errorf("%q: %d line feeds", name, n)
		}
		got, err := capture.ParseNote(b)
		if err != nil || !reflect.DeepEqual(got, noteItems(name)) {
			t.Errorf("%q: %+v, %v", name, got, err)
		}
	}
}

func TestNoteRefused(t *testing.T) {
	lost := evidence.Lost{Interface: "eth0"}
	zone := evidence.Vantage{Interface: "eth0", Gateway: netip.MustParseAddr("fe80::1%eth0")}
	tests := []struct {
		name   string
		ifname string
		items  []evidence.Item
		says   string
	}{
		{"about another interface", "eth1", noteItems("eth0"), `about "eth0" does not belong in the note of "eth1"`},
		{"a fact of a frame", "", []evidence.Item{item(evidence.ARP{}, noteFirst, noteFirst, 1)}, "arp-request"},
		{"no fact", "", []evidence.Item{{}}, "kind none"},
		{"no time", "eth0", []evidence.Item{item(lost, time.Time{}, noteLast, 1)}, "year 1"},
		{"the end before the begin", "eth0", []evidence.Item{item(lost, noteLast, noteFirst, 1)}, "ends before it begins"},
		{"less than none", "eth0", []evidence.Item{item(lost, noteFirst, noteLast, -1)}, "below zero"},
		{"an address with a zone", "eth0", []evidence.Item{item(zone, noteFirst, noteLast, 1)}, "zone"},
		{"a long name", strings.Repeat("a", 256), nil, "256 bytes; the most is 255"},
		{"too many items", "eth0", make([]evidence.Item, 513), "513 items; the most is 512"},
	}
	for _, tt := range tests {
		if b, err := capture.AppendNote(nil, tt.ifname, tt.items); b != nil || err == nil || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s: %q, %v; want %q", tt.name, b, err, tt.says)
		}
	}
}

func TestParseNoteRefuses(t *testing.T) {
	swap := func(old, text string) string { return strings.Replace(noteText, old, text, 1) }
	tests := []struct {
		name string
		text string
		says string
	}{
		{"nothing", "", "does not begin"},
		{"a version to come", swap("note 1", "note 2"), `version "2"; this program reads version 1`},
		{"no interface", "nlbprobe vantage note 1", "line 2 does not name the interface"},
		{"an interface without quotes", swap(`"eth0"`, `eth0`), "line 2"},
		{"another spelling of the interface", swap(`"eth0"`, "`eth0`"), "one way"},
		{"a line feed at the end", noteText + "\n", "line 11: 1 words"},
		{"a word too many", noteText + " more", "one way"},
		{"flags in the other order", swap("promiscuous passive", "passive promiscuous"), "one way"},
		{"another zone", swap("05Z", "05+01:00"), "one way"},
		{"zeros too many", swap("005Z", "0050Z"), "one way"},
		{"no instant", swap("2026-11-24T12:00:00.000000005Z", "yesterday"), `line 3: "yesterday" is no instant`},
		{"no last instant", swap("2026-11-24T12:00:03.000000005Z", "-"), `line 7: "-" is no instant`},
		{"no number", swap("Z 17", "Z many"), `line 9: "many" is no number`},
		{"a number with a sign", swap("Z 17", "Z +17"), "one way"},
		{"a number below zero", swap("Z 17", "Z -17"), "one way"},
		{"a kind to come", swap("lost", "gone"), `line 9: "gone" is no kind`},
		{"a VIP that is none", swap("vip 172.16.63.241", "vip 172.16.63"), "line 6: \"172.16.63\" is no address"},
		{"a VIP without address", swap("vip 172.16.63.241", "vip"), "one way"},
		{"a MAC that is none", swap("joined 03:bf", "joined 03"), "line 8"},
		{"a short vantage", swap(" 172.16.63.9/24 -", ""), "line 3: a vantage has"},
		{"another spelling of a MAC", swap("02:00:00:00:00:09", "0200.0000.0009"), "one way"},
		{"no MAC", swap("02:00:00:00:00:09", "02"), "line 3"},
		{"no prefix length", swap("/24", ""), `line 3: "172.16.63.9" is no address with prefix length`},
		{"no gateway", swap("63.1\n", "63.1111\n"), `line 4: "172.16.63.1111" is no address`},
		{"too long", noteText + strings.Repeat(" ", capture.MaxNote), "the most is 61440"},
		{"too many lines", noteText + strings.Repeat("\nlost 2026-11-24T12:00:03Z 2026-11-24T12:00:03Z 1", 505), "more than 512 items"},
	}
	for _, tt := range tests {
		items, err := capture.ParseNote([]byte(tt.text))
		if items != nil || err == nil || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s: %d items, %v; want %q", tt.name, len(items), err, tt.says)
		}
	}
}

// What is accepted is written again as it was, and its facts are comparable
// and within bounds.
func FuzzParseNote(f *testing.F) {
	seeds := []string{noteText, strings.Join(strings.Split(noteText, "\n")[:2], "\n"), "nlbprobe vantage note 2\n"}
	if _, err := capture.ParseNote([]byte(seeds[1])); err != nil {
		f.Fatal(err)
	}
	for _, s := range seeds {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		items, err := capture.ParseNote(b)
		if err != nil {
			if items != nil {
				t.Fatal("items beside an error")
			}
			if strings.ContainsAny(err.Error(), "\n\x00\x1b") {
				t.Fatalf("the error %q could harm a terminal", err)
			}
			return
		}
		if !capture.IsNote(b) || len(b) > capture.MaxNote || len(items) > 256 {
			t.Fatalf("%d items of %d bytes", len(items), len(b))
		}
		if len(items) == 0 {
			return
		}
		var name string
		switch fact := items[0].Fact.(type) {
		case evidence.Vantage:
			name = fact.Interface
		case evidence.Listened:
			name = fact.Interface
		case evidence.Lost:
			name = fact.Interface
		default:
			t.Fatalf("a fact of type %T", fact)
		}
		again, err := capture.AppendNote(nil, name, items)
		if err != nil || !bytes.Equal(again, b) {
			t.Fatalf("written again: %q, %v", again, err)
		}
	})
}
