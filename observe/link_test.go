package observe_test

import (
	"slices"
	"testing"

	"github.com/nlbprobe/nlbprobe/evidence"
	"github.com/nlbprobe/nlbprobe/observe"
)

// An ARP answer is found behind whatever the network puts before it.
func TestLinkHeaders(t *testing.T) {
	addresses := []byte{2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2}
	arp := []byte{0, 1, 8, 0, 6, 4, 0, 2, 3, 0xbf, 192, 0, 2, 90, 192, 0, 2, 90, 2, 0, 0, 0, 0, 1, 192, 0, 2, 1}
	for _, tt := range []struct {
		name   string
		before []byte
		vlan   uint16
		none   bool
	}{
		{"Ethernet II", []byte{8, 6}, 0, false},
		{"802.1Q", []byte{0x81, 0, 0, 7, 8, 6}, 7, false},
		{"802.1ad", []byte{0x88, 0xa8, 0, 8, 0x81, 0, 0, 7, 8, 6}, 7, false},
		{"the older outer type", []byte{0x91, 0, 0, 8, 0x81, 0, 0, 7, 8, 6}, 7, false},
		{"and the one after it", []byte{0x92, 0, 0, 8, 0x88, 0xa8, 0, 7, 8, 6}, 7, false},
		{"the older type twice", []byte{0x91, 0, 0, 8, 0x91, 0, 0, 7, 8, 6}, 7, false},
		{"one tag of the older type", []byte{0x91, 0, 0x20, 9, 8, 6}, 9, false},
		{"SNAP", []byte{0, 36, 0xaa, 0xaa, 3, 0, 0, 0, 8, 6}, 0, false},
		{"SNAP in a VLAN", []byte{0x81, 0, 0, 7, 0, 36, 0xaa, 0xaa, 3, 0, 0, 0, 8, 6}, 7, false},
		{"SNAP of another organisation", []byte{0, 36, 0xaa, 0xaa, 3, 0, 0, 0x0c, 8, 6}, 0, true},
		{"802.2 without SNAP", []byte{0, 36, 0x42, 0x42, 3, 0, 0, 0, 8, 6}, 0, true},
		{"an ethertype, and what looks like SNAP", []byte{8, 0, 0xaa, 0xaa, 3, 0, 0, 0, 8, 6}, 0, true},
		{"three tags", []byte{0x81, 0, 0, 7, 0x81, 0, 0, 7, 0x81, 0, 0, 7, 8, 6}, 0, true},
	} {
		b := slices.Concat(addresses, tt.before, arp)
		facts := observe.Facts(nil, &evidence.Frame{Data: b, Length: len(b)})
		if tt.none {
			if len(facts) > 0 {
				t.Errorf("%s: %+v", tt.name, facts)
			}
			continue
		}
		if len(facts) != 1 {
			t.Errorf("%s: %+v", tt.name, facts)
			continue
		}
		if f, ok := facts[0].(evidence.ARP); !ok || f.VLAN != tt.vlan || f.SenderIP.String() != "192.0.2.90" {
			t.Errorf("%s: %+v", tt.name, facts[0])
		}
		for n := range len(b) { // and cut anywhere it is no more than that
			observe.Facts(nil, &evidence.Frame{Data: b[:n], Length: len(b)})
		}
	}
}
