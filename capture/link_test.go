package capture_test

import (
	"strings"
	"testing"

	"github.com/nlbprobe/nlbprobe/capture"
)

// Cooked packets become Ethernet frames as far as they record one: each row is
// the packet, in the layouts at tcpdump.org/linktypes/LINKTYPE_LINUX_SLL.html
// and ..._SLL2.html, and the frame.
func TestCooked(t *testing.T) {
	const (
		sll  = `d4c3b2a1 02000400 00000000 00000000 ffff0000 71000000` // link type 113
		sll2 = `d4c3b2a1 02000400 00000000 00000000 ffff0000 14010000` // link type 276
		at   = `00f15365 40e20100`
	)
	tests := []struct {
		name    string
		head    string
		packet  string
		wire    string // length on the wire, as in the file; "" is that of the packet
		frame   string
		length  int
		out     bool
		skipped int
	}{
		{name: "to us: the destination is not recorded", head: sll,
			packet: `0000 0001 0006 020000000009 ffff 0806 aabbcc`,
			frame:  `000000000000 020000000009 0806 aabbcc`, length: 17},
		{name: "a broadcast", head: sll,
			packet: `0001 0001 0006 020000000009 0000 0806 aabbcc`,
			frame:  `ffffffffffff 020000000009 0806 aabbcc`, length: 17},
		{name: "a multicast: to which group is not recorded", head: sll,
			packet: `0002 0001 0006 020000000009 0000 0800 aabbcc`,
			frame:  `000000000000 020000000009 0800 aabbcc`, length: 17},
		{name: "sent by us", head: sll,
			packet: `0004 0001 0006 020000000009 0000 0806 aabbcc`,
			frame:  `000000000000 020000000009 0806 aabbcc`, length: 17, out: true},
		{name: "with a VLAN tag", head: sll,
			packet: `0000 0001 0006 020000000009 0000 8100 003f 0806 aa`,
			frame:  `000000000000 020000000009 8100 003f 0806 aa`, length: 19},
		{name: "cut by the snap length", head: sll,
			packet: `0000 0001 0006 020000000009 0000 0800 aabbcc`, wire: `3e000000`, // 62
			frame: `000000000000 020000000009 0800 aabbcc`, length: 60},
		{name: "IEEE 802.2: the type is the length again", head: sll,
			packet: `0002 0001 0006 020000000009 0000 0004 424203`,
			frame:  `000000000000 020000000009 0003 424203`, length: 17},
		{name: "loopback", head: sll,
			packet: `0000 0304 0006 000000000000 0000 0800 aabbcc`,
			frame:  `000000000000 000000000000 0800 aabbcc`, length: 17},
		{name: "an address of another length is none", head: sll,
			packet: `0000 0001 0008 0200000000090000 0800 aabbcc`,
			frame:  `000000000000 000000000000 0800 aabbcc`, length: 17},
		{name: "a packet type whose lower byte is a broadcast's", head: sll,
			packet: `0101 0001 0006 020000000009 0000 0806 aabbcc`,
			frame:  `000000000000 020000000009 0806 aabbcc`, length: 17},
		{name: "a tunnel's IP", head: sll,
			packet: `0004 fffe 0000 0000000000000000 0800 45bbcc`,
			frame:  `000000000000 000000000000 0800 45bbcc`, length: 17, out: true},
		{name: "PPP's IP, cut by the snap length", head: sll,
			packet: `0000 0200 0000 0000000000000000 0800 45bbcc`, wire: `3e000000`, // 62
			frame: `000000000000 000000000000 0800 45bbcc`, length: 60},
		{name: "GRE's IPv6; its address is an IP's", head: sll,
			packet: `0000 030a 0004 c000020100000000 86dd 60bbcc`,
			frame:  `000000000000 000000000000 86dd 60bbcc`, length: 17},
		{name: "a tunnel's frame that is no IP", head: sll,
			packet: `0000 fffe 0000 0000000000000000 0806 45bbcc`, skipped: 1},
		{name: "what a tunnel says is IPv4, and is not", head: sll,
			packet: `0000 fffe 0000 0000000000000000 0800 65bbcc`, skipped: 1},
		{name: "wireless LAN", head: sll,
			packet: `0000 0321 0006 020000000009 0000 0800 45bbcc`, skipped: 1},
		{name: "cut in the header", head: sll, packet: `0000 0001 0006 020000000009 0000 08`, skipped: 1},

		{name: "version 2: a broadcast on interface 3", head: sll2,
			packet: `0806 0000 00000003 0001 01 06 020000000009 0000 aabbcc`,
			frame:  `ffffffffffff 020000000009 0806 aabbcc`, length: 17},
		{name: "version 2: sent by us", head: sll2,
			packet: `0800 0000 00000003 0001 04 06 020000000009 ffff aabbcc`,
			frame:  `000000000000 020000000009 0800 aabbcc`, length: 17, out: true},
		{name: "version 2: a tunnel", head: sll2,
			packet: `0800 0000 00000003 fffe 00 00 000000000000 0000 45bbcc`,
			frame:  `000000000000 000000000000 0800 45bbcc`, length: 17},
		{name: "version 2: a tunnel's frame that is cut", head: sll2,
			packet: `0800 0000 00000003 fffe 00 00 000000000000 0000`, skipped: 1},
		{name: "version 2: cut in the header", head: sll2,
			packet: `0806 0000 00000003 0001 01 06 020000000009 00`, skipped: 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			packet := unhex(tt.packet)
			captured := []byte{byte(len(packet)), 0, 0, 0}
			wire := captured
			if tt.wire != "" {
				wire = unhex(tt.wire)
			}
			file := append(unhex(tt.head+at), append(append(captured, wire...), packet...)...)
			frames, r, err := read(file, capture.Options{Name: "x"})
			if err != nil {
				t.Fatal(err)
			}
			if r.Skipped() != tt.skipped {
				t.Errorf("%d skipped", r.Skipped())
			}
			var want []kept
			if tt.skipped == 0 {
				want = []kept{{
					at: "2023-11-14T22:13:20.123456Z", data: strings.ReplaceAll(tt.frame, " ", ""),
					length: tt.length, place: "x", out: tt.out,
				}}
			}
			sameFrames(t, frames, want)
		})
	}
}

// Packets of links without Ethernet frames are read for their IP: each row is the
// link type, the packet, and the ethertype and packet that are in it.
func TestLinksOfIP(t *testing.T) {
	const ip4, ip6 = "45000014", "60000000"
	tests := []struct {
		name         string
		link         uint16
		packet, want string
		out          bool
	}{
		{"raw", 101, ip4, "0800" + ip4, false},
		{"raw, IPv6", 101, ip6, "86dd" + ip6, false},
		{"raw, neither", 101, "50000000", "", false},
		{"raw as BSD numbers it", 12, ip4, "0800" + ip4, false},
		{"IPv4", 228, ip4, "0800" + ip4, false},
		{"IPv6", 229, ip6, "86dd" + ip6, false},
		{"loopback, little-endian", 0, "02000000" + ip4, "0800" + ip4, false},
		{"loopback, big-endian", 0, "00000002" + ip4, "0800" + ip4, false},
		{"loopback, IPv6 of macOS", 0, "1e000000" + ip6, "86dd" + ip6, false},
		{"loopback, IPv6 of FreeBSD", 0, "1c000000" + ip6, "86dd" + ip6, false},
		{"loopback, AppleTalk", 0, "10000000" + ip4, "", false},
		{"loopback, cut", 0, "02000000", "", false},
		{"OpenBSD's loopback", 108, "00000018" + ip6, "86dd" + ip6, false},
		{"PPP", 9, "ff030021" + ip4, "0800" + ip4, false},
		{"PPP without address and control", 9, "0021" + ip4, "0800" + ip4, false},
		{"PPP with a short protocol", 9, "ff0321" + ip4, "0800" + ip4, false},
		{"PPP, the shortest", 9, "57" + ip6, "86dd" + ip6, false},
		{"PPP's own", 9, "ff03c021" + ip4, "", false},
		{"PPP, empty", 9, "", "", false},
		{"PPP in HDLC", 50, "ff030021" + ip4, "0800" + ip4, false},
		{"PPP, sent", 204, "01ff030021" + ip4, "0800" + ip4, true},
		{"PPP, received", 204, "00ff030057" + ip6, "86dd" + ip6, false},
		{"PPPoE", 51, "1100000100060021" + ip4, "0800" + ip4, false},
		{"PPPoE's discovery", 51, "1109000100060021" + ip4, "", false},
		{"Cisco HDLC", 104, "0f000800" + ip4, "0800" + ip4, false},
		{"Cisco HDLC, keepalive", 104, "8f008035" + ip4, "", false},
		{"Cisco HDLC, cut", 104, "0f0008", "", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			packet := unhex(tt.packet)
			file := append(unhex(`d4c3b2a1 02000400 00000000 00000000 ffff0000`), byte(tt.link), byte(tt.link>>8), 0, 0)
			file = append(file, unhex(`00f15365 40e20100`)...)
			file = append(file, byte(len(packet)), 0, 0, 0, byte(len(packet)+40), 0, 0, 0)
			frames, r, err := read(append(file, packet...), capture.Options{Name: "x"})
			if err != nil {
				t.Fatal(err)
			}
			var want []kept
			if tt.want != "" {
				want = []kept{{at: "2023-11-14T22:13:20.123456Z", data: strings.Repeat("0", 24) + tt.want, length: 14 + 4 + 40, place: "x", out: tt.out}}
			}
			if r.Skipped() != 1-len(want) {
				t.Errorf("%d skipped", r.Skipped())
			}
			sameFrames(t, frames, want)
		})
	}
}
