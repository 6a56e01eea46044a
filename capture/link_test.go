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
		{name: "a tunnel has no Ethernet", head: sll,
			packet: `0000 fffe 0000 0000000000000000 0800 aabbcc`, skipped: 1},
		{name: "PPP has no Ethernet", head: sll,
			packet: `0000 0200 0000 0000000000000000 0800 aabbcc`, skipped: 1},
		{name: "cut in the header", head: sll, packet: `0000 0001 0006 020000000009 0000 08`, skipped: 1},

		{name: "version 2: a broadcast on interface 3", head: sll2,
			packet: `0806 0000 00000003 0001 01 06 020000000009 0000 aabbcc`,
			frame:  `ffffffffffff 020000000009 0806 aabbcc`, length: 17},
		{name: "version 2: sent by us", head: sll2,
			packet: `0800 0000 00000003 0001 04 06 020000000009 ffff aabbcc`,
			frame:  `000000000000 020000000009 0800 aabbcc`, length: 17, out: true},
		{name: "version 2: a tunnel", head: sll2,
			packet: `0800 0000 00000003 fffe 00 00 000000000000 0000 aabbcc`, skipped: 1},
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
