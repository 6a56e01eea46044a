package capture_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/nlbprobe/nlbprobe/capture"
	"github.com/nlbprobe/nlbprobe/evidence"
	"github.com/nlbprobe/nlbprobe/mac"
)

var writeTime = time.Unix(1700000000, 123456789)

// The bytes of a file with a note, an untagged and a tagged frame.
func TestWriterBytes(t *testing.T) {
	facts := []evidence.Item{
		{Fact: evidence.ARP{}}, // a frame's: left out
		item(evidence.Lost{Interface: "e0"}, time.Unix(0, 0), time.Unix(0, 0), 3),
	}
	var b bytes.Buffer
	w, err := capture.NewWriter(&b, "nlbprobe 1.0", facts)
	if err != nil {
		t.Fatal(err)
	}
	data := unhex(packet18)[:14]
	if err := w.Write(&evidence.Frame{Time: writeTime, Data: data, Length: 60, VLAN: 63, Place: "e0", Out: true}, "first", "Zweitens \u2192"); err != nil {
		t.Fatal(err)
	}
	if err := w.Write(&evidence.Frame{Data: []byte{1, 2, 3}, Length: 3, Place: "e1"}); err != nil {
		t.Fatal(err)
	}
	if b.Len() > 0 {
		t.Errorf("%d bytes before Flush", b.Len())
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	note := "nlbprobe vantage note 1\ninterface \"e0\"\nlost 1970-01-01T00:00:00Z 1970-01-01T00:00:00Z 3"
	want := unhex(`
		0a0d0d0a 30000000 4d3c2b1a  # section, little-endian
		0100 0000                   # version 1.0
		ffffffffffffffff            # length: not said
		0400 0c00 6e6c6270726f626520312e30  # shb_userappl "nlbprobe 1.0"
		0000 0000
		30000000

		01000000 84000000  # interface
		0100 0000          # Ethernet
		00000000           # no snap length
		0200 0200 6530 0000      # if_name "e0"
		0900 0100 09000000       # if_tsresol 10^-9
		0100 5700` + hex.EncodeToString([]byte(note)) + `00  # opt_comment: the note, 87 bytes
		0000 0000
		84000000

		06000000 5c000000  # packet
		00000000           # interface 0
		fe9c9717 15cd853d  # 0x17979cfe3d85cd15 ns
		12000000 40000000  # 18 bytes of 64: 4 more than were in the frame, of both
		ffffffffffff 020000000009
		8100 003f          # the tag, put back
		8100 0000          # padding
		0100 0500 6669727374 000000  # opt_comment "first"
		0100 0c00 5a7765697465 6e7320 e28692  # opt_comment
		0200 0400 02000000 # epb_flags: outbound
		0000 0000
		5c000000

		01000000 28000000 0100 0000 00000000  # the interface of the next frame
		0200 0200 6531 0000 0900 0100 09000000 0000 0000
		28000000

		06000000 30000000
		01000000           # interface 1
		00000000 00000000  # no time
		03000000 03000000
		010203 00
		0200 0400 01000000 # epb_flags: inbound
		0000 0000
		30000000`)
	if got := b.Bytes(); !bytes.Equal(got, want) {
		t.Errorf("file:\n%s\nwant:\n%s", hex.Dump(got), hex.Dump(want))
	}
}

// What is written is read again as it was, but for the tag, which is in the
// frame then.
func TestWriteRead(t *testing.T) {
	facts := append(noteItems("eth0"), noteItems("wlan \"0\"\n")...)
	var b bytes.Buffer
	w, err := capture.NewWriter(&b, "nlbprobe test", facts)
	if err != nil {
		t.Fatal(err)
	}
	long := strings.Repeat("x", 65535)
	frames := []struct {
		frame    evidence.Frame
		comments []string
		want     kept
	}{
		{evidence.Frame{Time: writeTime, Data: unhex(packet18), Length: 60, Place: "eth0"}, []string{"a", "b"},
			kept{at: "2023-11-14T22:13:20.123456789Z", data: packet18Hex, length: 60, place: "eth0", comments: "a|b"}},
		{evidence.Frame{Time: writeTime, Data: unhex(packet18), Length: 18, Place: "new", Out: true}, []string{long},
			kept{at: "2023-11-14T22:13:20.123456789Z", data: packet18Hex, length: 18, place: "new", out: true, comments: long}},
		{evidence.Frame{Time: writeTime, Data: unhex("ffffffffffff 020000000009 0806 aa"), Length: 60, VLAN: 4094, Place: "eth0"}, nil,
			kept{at: "2023-11-14T22:13:20.123456789Z", data: "ffffffffffff02000000000981000ffe0806aa", length: 64, place: "eth0"}},
		{evidence.Frame{Time: writeTime, Data: unhex("ffffffffffff 0200"), Length: 60, VLAN: 63, Place: "eth0"}, nil, // cut before the tag
			kept{at: "2023-11-14T22:13:20.123456789Z", data: "ffffffffffff0200", length: 64, place: "eth0"}},
		{evidence.Frame{Length: 60}, []string{"\xff", ""},
			kept{length: 60, place: "x", comments: "?|"}},
		{evidence.Frame{Time: time.Unix(-5, 0), Data: make([]byte, capture.MaxFrame-4), VLAN: 1, Place: "eth0"}, nil,
			kept{data: strings.Repeat("00", 12) + "81000001" + strings.Repeat("00", capture.MaxFrame-16), length: capture.MaxFrame, place: "eth0"}},
	}
	var want []kept
	for _, f := range frames {
		if err := w.Write(&f.frame, f.comments...); err != nil {
			t.Fatal(err)
		}
		want = append(want, f.want)
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	got, r, err := read(b.Bytes(), capture.Options{Name: "x"})
	if err != nil {
		t.Fatal(err)
	}
	sameFrames(t, got, want)
	items := r.Facts()
	for i := range items {
		items[i].Times = nil // the instants between are not in a note
	}
	if !reflect.DeepEqual(items, facts) {
		t.Errorf("facts %+v\nwant %+v", items, facts)
	}
}

func TestWriterRefuses(t *testing.T) {
	if _, err := capture.NewWriter(nil, strings.Repeat("x", 256), nil); err == nil {
		t.Error("a long tool's name")
	}
	if _, err := capture.NewWriter(nil, "", []evidence.Item{{Fact: evidence.Lost{}}}); err == nil {
		t.Error("a fact without a time")
	}
	var b bytes.Buffer
	w, err := capture.NewWriter(&b, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name     string
		frame    evidence.Frame
		comments []string
		says     string
	}{
		{"a long frame", evidence.Frame{Data: make([]byte, capture.MaxFrame)}, nil, "a frame of 262144 bytes; the most is 262140"},
		{"a long frame on the wire", evidence.Frame{Length: 1 << 24}, nil, "on the wire"},
		{"a long comment", evidence.Frame{}, []string{"", strings.Repeat("x", 65536)}, "comment 2, of 65536 bytes"},
		{"comments beyond a block", evidence.Frame{}, slicesRepeat(strings.Repeat("x", 65535), 12), "comment 12"},
		{"too many comments", evidence.Frame{}, make([]string, 65), "65 comments on one frame"},
		{"a long name", evidence.Frame{Place: strings.Repeat("x", 256)}, nil, "an interface name of 256 bytes"},
	}
	for _, tt := range tests {
		if err := w.Write(&tt.frame, tt.comments...); err == nil || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s: %v; want %q", tt.name, err, tt.says)
		}
	}
	// What was refused left nothing behind, and the most that is not refused
	// can be read.
	most := evidence.Frame{Data: make([]byte, capture.MaxFrame-4), VLAN: 1}
	if err := w.Write(&most, slicesRepeat(strings.Repeat("x", 65535), 11)...); err != nil {
		t.Fatal(err)
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	got, _, err := read(b.Bytes(), capture.Options{})
	if err != nil || len(got) != 1 || len(got[0].comments) != 11*65536-1 {
		t.Errorf("%d frames, %v", len(got), err)
	}
}

func slicesRepeat(s string, n int) []string {
	all := make([]string, n)
	for i := range all {
		all[i] = s
	}
	return all
}

// An error of the file ends the writing and is told each time.
func TestWriterError(t *testing.T) {
	full := errors.New("no space left on device")
	w, err := capture.NewWriter(failing{full}, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	f := evidence.Frame{Data: make([]byte, 60<<10)}
	var got error
	for range 3 {
		if got = w.Write(&f); got != nil {
			break
		}
	}
	if !errors.Is(got, full) || !errors.Is(w.Flush(), full) || !errors.Is(w.Write(&f), full) {
		t.Errorf("%v", got)
	}
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }

// What other tools' statistics say is lost is a fact; the last word of a
// section holds, and a note of ours is believed instead of them.
func TestFacts(t *testing.T) {
	const stats = `
		05000000 30000000 00000000 240a0600 40222018  # statistics of interface 0
			0500 0800 %s00000000000000  # isb_ifdrop
			0700 0800 0200000000000000  # isb_osdrop
			30000000`
	stat := func(n string) string { return strings.Replace(stats, "%s", n, 1) }
	one := ngHead + ngEther + stat("01") + ngPacket + stat("05")
	at := time.Unix(1700000000, 123456000).UTC()
	tests := []struct {
		name string
		file string
		want []evidence.Item
		err  error
	}{
		{"none", ngHead + ngEther + ngPacket, nil, nil},
		{"losses", one, []evidence.Item{item(evidence.Lost{Interface: "x"}, at, at, 7)}, nil},
		{"losses of two sections", one + one, []evidence.Item{item(evidence.Lost{Interface: "x"}, at, at, 14)}, nil},
		{"also where the end is cut", one + `00`, []evidence.Item{item(evidence.Lost{Interface: "x"}, at, at, 7)}, capture.ErrTruncated},
		{"of an interface with a note", ngHead + noteInterface(`nlbprobe vantage note 1`+"\n"+`interface "x"`) + stat("05"), nil, nil},
	}
	for _, tt := range tests {
		_, r, err := read(unhex(tt.file), capture.Options{Name: "x"})
		if err != nil && !errors.Is(err, tt.err) {
			t.Errorf("%s: %v", tt.name, err)
		}
		items := r.Facts()
		for i := range items {
			items[i].Times = nil
		}
		if len(items)+len(tt.want) > 0 && !reflect.DeepEqual(items, tt.want) {
			t.Errorf("%s: %+v, want %+v", tt.name, items, tt.want)
		}
	}

	// A note that cannot be read is a fault, told when all else was read.
	frames, r, err := read(unhex(ngHead+noteInterface("nlbprobe vantage note 9\n")+ngPacket), capture.Options{Name: "x"})
	if !errors.Is(err, capture.ErrNote) || !strings.Contains(err.Error(), `at byte 28: vantage note: version "9"`) {
		t.Errorf("error %v", err)
	}
	if len(frames) != 1 || len(r.Facts()) != 0 {
		t.Errorf("%d frames, facts %+v", len(frames), r.Facts())
	}
	// Other people's comments are not.
	if _, _, err := read(unhex(ngHead+noteInterface("captured on the roof")+ngPacket), capture.Options{}); err != nil {
		t.Error(err)
	}
}

// noteInterface is an interface block, in hexadecimal, with a comment.
func noteInterface(comment string) string {
	padded := comment + strings.Repeat("\x00", -len(comment)&3)
	total := hex.EncodeToString([]byte{byte(24 + len(padded)), 0, 0, 0})
	return "01000000" + total + "0100 0000 00000000 0100" + hex.EncodeToString([]byte{byte(len(comment)), 0}) +
		hex.EncodeToString([]byte(padded)) + total
}

// Thousands of facts about one interface take several notes, and several descriptions
// of it; frames are of the interface all the same.
func TestManyFacts(t *testing.T) {
	at := time.Date(2026, 11, 24, 12, 0, 0, 123456789, time.UTC)
	name := strings.Repeat("\x01", 255) // as long in a note as a name can be
	var facts []evidence.Item
	for n := range capture.MaxFacts {
		ip := [16]byte{0xfd, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, byte(n >> 8), byte(n)}
		v := evidence.Vantage{
			Interface: name, MAC: mac.Addr{2, 0, 0, 0, byte(n >> 8), byte(n)}, VIP: netip.AddrFrom16(ip), Gateway: netip.AddrFrom16(ip), Asked: true,
			Address: netip.PrefixFrom(netip.AddrFrom16(ip), 128),
		}
		facts = append(facts, evidence.Item{Fact: v, First: at, Last: at.Add(1), Count: 1 << 40})
	}
	other := evidence.Item{Fact: evidence.Vantage{Interface: "eth1"}, First: at, Last: at, Count: 1}
	var b bytes.Buffer
	w, err := capture.NewWriter(&b, "test", append(facts, other))
	if err != nil {
		t.Fatal(err)
	}
	for _, place := range []string{"eth1", name, "eth2"} {
		if err := w.Write(&evidence.Frame{Time: at, Data: make([]byte, 60), Length: 60, Place: place}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	r, err := capture.NewReader(&b, capture.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, place := range []string{"eth1", name, "eth2"} {
		var f evidence.Frame
		if err := r.Next(&f); err != nil || f.Place != place {
			t.Errorf("%v, at %q, want %q", err, f.Place, place)
		}
	}
	got := r.Facts()
	if len(got) != len(facts)+1 { // the one beyond the bound is counted
		t.Fatalf("%d facts of %d", len(got), len(facts)+1)
	}
	for i := range facts {
		if got[i].Fact != facts[i].Fact || !got[i].Last.Equal(facts[i].Last) {
			t.Fatalf("fact %d: %+v, want %+v", i, got[i], facts[i])
		}
	}
}
