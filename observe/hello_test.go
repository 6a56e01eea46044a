package observe_test

import (
	"net/netip"
	"slices"
	"testing"

	"github.com/nlbprobe/nlbprobe/evidence"
	"github.com/nlbprobe/nlbprobe/observe"
)

// These frames are put together from the drawings in RFC 3768 5.1, RFC 5798 5.1
// and RFC 2281 5.1, and for HSRP version 2 in Wireshark's packet-hsrp.c. TestTshark
// has them read by Wireshark's dissectors.
var (
	vrrp2Frame = mend([]byte{
		0x01, 0x00, 0x5e, 0x00, 0x00, 0x12, // 224.0.0.18
		0x00, 0x00, 0x5e, 0x00, 0x01, 0x07, // virtual router 7
		0x08, 0x00,
		0x45, 0xc0, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
		0xff, 0x70, 0x00, 0x00, // TTL 255, VRRP
		172, 16, 63, 2,
		224, 0, 0, 18,
		0x21, 0x07, 0x64, 0x02, // version 2, advertisement; router 7, priority 100, 2 addresses
		0x00, 0x01, 0x00, 0x00, // no authentication, every second, checksum
		172, 16, 63, 1, // virtual addresses
		172, 16, 63, 4,
		0, 0, 0, 0, 0, 0, 0, 0, // authentication
	})
	vrrp3Frame = []byte{
		0x01, 0x00, 0x5e, 0x00, 0x00, 0x12,
		0x00, 0x00, 0x5e, 0x00, 0x01, 0x2c,
		0x08, 0x00,
		0x45, 0xc0, 0x00, 0x20, 0x00, 0x00, 0x00, 0x00,
		0xff, 0x70, 0xef, 0x88,
		172, 16, 63, 2,
		224, 0, 0, 18,
		0x31, 0x2c, 0xc8, 0x01, // version 3; router 44, priority 200, 1 address
		0x00, 0x64, 0x4f, 0xba, // every 100 cs; checksum with the pseudo-header
		172, 16, 63, 1,
	}
	hsrp1Frame = mend([]byte{
		0x01, 0x00, 0x5e, 0x00, 0x00, 0x02, // 224.0.0.2
		0x00, 0x00, 0x0c, 0x07, 0xac, 0x05, // standby group 5
		0x08, 0x00,
		0x45, 0xc0, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
		0x01, 0x11, 0x00, 0x00, // TTL 1, UDP
		172, 16, 63, 2,
		224, 0, 0, 2,
		0x07, 0xc1, 0x07, 0xc1, 0x00, 0x1c, 0x00, 0x00, // port 1985, 28 bytes, no checksum
		0x00, 0x00, 0x10, 0x03, // version 0, hello, active, every 3 s
		0x0a, 0x6e, 0x05, 0x00, // held for 10 s, priority 110, group 5
		'c', 'i', 's', 'c', 'o', 0, 0, 0, // authentication
		172, 16, 63, 1, // virtual address
	})
	hsrp2Frame = mend([]byte{
		0x01, 0x00, 0x5e, 0x00, 0x00, 0x66, // 224.0.0.102
		0x00, 0x00, 0x0c, 0x9f, 0xf1, 0x2c, // group 300
		0x08, 0x00,
		0x45, 0xc0, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
		0x01, 0x11, 0x00, 0x00,
		172, 16, 63, 2,
		224, 0, 0, 102,
		0x07, 0xc1, 0x07, 0xc1, 0x00, 0x3c, 0x00, 0x00, // 60 bytes
		0x01, 0x28, // group state, 40 bytes
		0x02, 0x00, 0x06, 0x04, 0x01, 0x2c, // version 2, hello, active, IPv4, group 300
		0x00, 0x15, 0x5d, 0x00, 0x00, 0x02, // identifier
		0x00, 0x00, 0x00, 0x6e, // priority 110
		0x00, 0x00, 0x0b, 0xb8, // every 3000 ms
		0x00, 0x00, 0x27, 0x10, // held for 10000 ms
		172, 16, 63, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, // virtual address
		0x03, 0x08, 'c', 'i', 's', 'c', 'o', 0, 0, 0, // text authentication
	})
)

const (
	vrrpAt  = ipAt + 20
	hsrpAt  = ipAt + 20 + 8
	groupAt = hsrpAt + 2 // the value of version 2's group state
)

func TestFactsHello(t *testing.T) {
	second := netip.MustParseAddr("172.16.63.2")
	vrrp2 := evidence.Hello{
		Protocol: evidence.VRRPv2, EthSrc: mustMAC("00:00:5e:00:01:07"), From: second,
		Group: 7, Virtual: routerIP, Priority: 100, Active: true,
	}
	vrrp3 := evidence.Hello{
		Protocol: evidence.VRRPv3, EthSrc: mustMAC("00:00:5e:00:01:2c"), From: second,
		Group: 44, Virtual: routerIP, Priority: 200, Active: true,
	}
	hsrp1 := evidence.Hello{
		Protocol: evidence.HSRPv1, EthSrc: mustMAC("00:00:0c:07:ac:05"), From: second,
		Group: 5, Virtual: routerIP, Priority: 110, Active: true,
	}
	hsrp2 := hsrp1
	hsrp2.Protocol, hsrp2.EthSrc, hsrp2.Group = evidence.HSRPv2, mustMAC("00:00:0c:9f:f1:2c"), 300
	with := func(w evidence.Hello, change func(*evidence.Hello)) evidence.Hello {
		change(&w)
		return w
	}
	inactive := func(w *evidence.Hello) { w.Active = false }
	nameless := func(w *evidence.Hello) { w.Virtual = netip.Addr{} }
	// Interface state before the group state, as a sender may order them.
	before := splice(splice(hsrp2Frame, hsrpAt, hsrpAt, 2, 4, 0, 1, 0, 0), ipAt+24, ipAt+26, 0, 66)
	tests := []struct {
		name  string
		frame evidence.Frame
		want  evidence.Hello
	}{
		{"VRRP 2", evidence.Frame{Data: vrrp2Frame}, vrrp2},
		{"VRRP 2 tagged and padded", evidence.Frame{Data: append(splice(vrrp2Frame, 12, 12, 0x81, 0, 0, 9), 0, 0, 0)}, with(vrrp2, func(w *evidence.Hello) { w.VLAN = 9 })},
		{"VRRP 2 says that it stops", evidence.Frame{Data: mend(splice(vrrp2Frame, vrrpAt+2, vrrpAt+3, 0))}, with(vrrp2, func(w *evidence.Hello) { w.Priority, w.Active = 0, false })},
		{"VRRP 2 without an address", evidence.Frame{Data: mend(splice(vrrp2Frame, vrrpAt+3, vrrpAt+4, 0))}, with(vrrp2, nameless)},
		{"VRRP 2 cut by the capture", evidence.Frame{Data: vrrp2Frame[:vrrpAt+8], Length: len(vrrp2Frame)}, with(vrrp2, nameless)},
		{"VRRP 3", evidence.Frame{Data: vrrp3Frame}, vrrp3},
		{"VRRP 3 without the pseudo-header", evidence.Frame{Data: mend(vrrp3Frame)}, vrrp3},
		{"HSRP 1", evidence.Frame{Data: hsrp1Frame}, hsrp1},
		{"HSRP 1 padded", evidence.Frame{Data: append(slices.Clip(hsrp1Frame), 1, 2)}, hsrp1},
		{"HSRP 1 standby", evidence.Frame{Data: splice(hsrp1Frame, hsrpAt+2, hsrpAt+3, 8)}, with(hsrp1, inactive)},
		{"HSRP 1 gives up", evidence.Frame{Data: splice(hsrp1Frame, hsrpAt+1, hsrpAt+2, 2)}, with(hsrp1, inactive)},
		{"HSRP 1 has yet to learn the address", evidence.Frame{Data: splice(hsrp1Frame, hsrpAt+16, hsrpAt+20, 0, 0, 0, 0)}, with(hsrp1, nameless)},
		{"HSRP 2", evidence.Frame{Data: hsrp2Frame}, hsrp2},
		{"HSRP 2 standby", evidence.Frame{Data: splice(hsrp2Frame, groupAt+2, groupAt+3, 5)}, with(hsrp2, inactive)},
		{"HSRP 2 wants to be active", evidence.Frame{Data: splice(hsrp2Frame, groupAt+1, groupAt+2, 1)}, with(hsrp2, inactive)},
		{"HSRP 2 with more before it", evidence.Frame{Data: mend(before)}, hsrp2},
		{"HSRP 2 cut by the capture after the group state", evidence.Frame{Data: hsrp2Frame[:groupAt+40], Length: len(hsrp2Frame)}, hsrp2},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { one(t, tt.frame, tt.want) })
	}
}

// A group has several addresses: those that are watched are told too.
func TestFactsHelloOfSeveral(t *testing.T) {
	other, third := netip.MustParseAddr("172.16.63.5"), netip.MustParseAddr("172.16.63.6")
	data := splice(vrrp2Frame, vrrpAt+12, vrrpAt+12, 172, 16, 63, 5, 172, 16, 63, 6)
	data = mend(splice(sealIP(splice(data, ipAt+3, ipAt+4, data[ipAt+3]+8)), vrrpAt+3, vrrpAt+4, 3))
	told := func(watched ...netip.Addr) (virtual []netip.Addr) {
		var w observe.Watch
		for _, ip := range watched {
			w.AddIP(ip)
		}
		for _, f := range w.Facts(nil, &evidence.Frame{Data: data, Length: len(data)}) {
			virtual = append(virtual, f.(evidence.Hello).Virtual)
		}
		return virtual
	}
	for _, tt := range []struct{ watched, want []netip.Addr }{
		{nil, []netip.Addr{routerIP}},
		{[]netip.Addr{routerIP, vipIP}, []netip.Addr{routerIP}},
		{[]netip.Addr{third}, []netip.Addr{routerIP, third}},
		{[]netip.Addr{third, other}, []netip.Addr{routerIP, third, other}},
	} {
		if got := told(tt.watched...); !slices.Equal(got, tt.want) {
			t.Errorf("watching %v: %v, want %v", tt.watched, got, tt.want)
		}
	}
}

func TestFactsHelloNone(t *testing.T) {
	udp := func(length byte) []byte { return splice(hsrp1Frame, ipAt+24, ipAt+26, 0, length) }
	tests := []struct {
		name  string
		frame evidence.Frame
	}{
		{"VRRP from afar", evidence.Frame{Data: mend(splice(vrrp2Frame, ipAt+8, ipAt+9, 254))}},
		{"VRRP checksum", evidence.Frame{Data: splice(vrrp2Frame, vrrpAt+6, vrrpAt+7, 0)}},
		{"VRRP 2 with the pseudo-header of 3", evidence.Frame{Data: splice(splice(vrrp3Frame, vrrpAt, vrrpAt+1, 0x21), vrrpAt+6, vrrpAt+7, 0x5f)}},
		{"VRRP 3 checksum", evidence.Frame{Data: splice(vrrp3Frame, vrrpAt+7, vrrpAt+8, 0xbb)}},
		{"VRRP version 4", evidence.Frame{Data: mend(splice(vrrp2Frame, vrrpAt, vrrpAt+1, 0x41))}},
		{"VRRP type 2", evidence.Frame{Data: mend(splice(vrrp2Frame, vrrpAt, vrrpAt+1, 0x22))}},
		{"VRRP with fewer addresses than it says", evidence.Frame{Data: mend(splice(vrrp2Frame, vrrpAt+3, vrrpAt+4, 5))}},
		{"VRRP of 7 bytes", evidence.Frame{Data: mend(vrrp2Frame[:vrrpAt+7])}},
		{"another port", evidence.Frame{Data: splice(hsrp1Frame, ipAt+22, ipAt+24, 0x07, 0xc2)}},
		{"another destination", evidence.Frame{Data: sealIP(splice(hsrp1Frame, ipAt+16, ipAt+20, 224, 0, 0, 3))}},
		{"UDP of 7 bytes", evidence.Frame{Data: udp(7)}},
		{"UDP longer than the datagram", evidence.Frame{Data: udp(0x1d)}},
		{"HSRP 1 of 19 bytes", evidence.Frame{Data: udp(0x1b)}},
		{"HSRP 1 with a version", evidence.Frame{Data: splice(hsrp1Frame, hsrpAt, hsrpAt+1, 1)}},
		// It says something of the interface, not of a group.
		{"HSRP 1 interface state", evidence.Frame{Data: splice(hsrp1Frame, hsrpAt+1, hsrpAt+2, 3)}},
		{"HSRP 2 to version 1's group", evidence.Frame{Data: sealIP(splice(hsrp2Frame, ipAt+16, ipAt+20, 224, 0, 0, 2))}},
		{"HSRP 2 without a group state", evidence.Frame{Data: splice(hsrp2Frame, hsrpAt, hsrpAt+1, 9)}},
		{"HSRP 2 group state of 39 bytes", evidence.Frame{Data: splice(hsrp2Frame, hsrpAt+1, hsrpAt+2, 39)}},
		{"HSRP 2 group state beyond the message", evidence.Frame{Data: splice(hsrp2Frame, hsrpAt+1, hsrpAt+2, 51)}},
		{"HSRP 2 of one byte", evidence.Frame{Data: splice(hsrp2Frame, ipAt+24, ipAt+26, 0, 9)}},
		{"HSRP 2 of version 3", evidence.Frame{Data: splice(hsrp2Frame, groupAt, groupAt+1, 3)}},
		{"HSRP 2 for IPv6", evidence.Frame{Data: splice(hsrp2Frame, groupAt+3, groupAt+4, 6)}},
		{"HSRP 2 operation 3", evidence.Frame{Data: splice(hsrp2Frame, groupAt+1, groupAt+2, 3)}},
		{"HSRP 2 group 4096", evidence.Frame{Data: splice(hsrp2Frame, groupAt+4, groupAt+6, 0x10, 0)}},
		{"HSRP 2 priority 256", evidence.Frame{Data: splice(hsrp2Frame, groupAt+12, groupAt+16, 0, 0, 1, 0)}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { silent(t, tt.frame) })
	}
}
