package wire_test

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"

	"golang.org/x/net/bpf"

	"github.com/nlbprobe/nlbprobe/mac"
	"github.com/nlbprobe/nlbprobe/wire"
)

var (
	vip     = netip.MustParseAddr("172.16.63.241")
	router  = netip.MustParseAddr("172.16.63.1")
	self    = mac.Addr{0x02, 0, 0, 0, 0, 0x0a}
	node    = mac.Addr{0x02, 0x01, 0xac, 0x10, 0x3f, 0xf1}
	cluster = mac.Addr{0x03, 0xbf, 0xac, 0x10, 0x3f, 0xf1}
	other   = mac.Addr{0x00, 0x15, 0x5d, 0x01, 0x02, 0x03}
)

// ether returns a frame; tags stand before the ethertype, each as its four bytes.
func ether(dst, src mac.Addr, tags []uint32, ethertype uint16, payload []byte) []byte {
	b := append(append([]byte{}, dst[:]...), src[:]...)
	for _, t := range tags {
		b = binary.BigEndian.AppendUint32(b, t)
	}
	b = binary.BigEndian.AppendUint16(b, ethertype)
	return append(b, payload...)
}

// snapped returns a frame of IEEE 802.3 with a SNAP header.
func snapped(dst, src mac.Addr, tags []uint32, ethertype uint16, payload []byte) []byte {
	body := binary.BigEndian.AppendUint16([]byte(snapHeader), ethertype)
	body = append(body, payload...)
	return ether(dst, src, tags, uint16(len(body)), body)
}

// arp returns the body of an ARP reply.
func arp(sha mac.Addr, sender netip.Addr, tha mac.Addr, target netip.Addr) []byte {
	b := []byte{
		0, 1, // hardware type: Ethernet
		0x08, 0, // protocol type: IPv4
		6, 4, // address lengths
		0, 2, // reply
	}
	b = append(append(b, sha[:]...), sender.AsSlice()...)
	return append(append(b, tha[:]...), target.AsSlice()...)
}

// ipv4 returns an IPv4 header without options and eight bytes behind it.
func ipv4(proto byte, src, dst netip.Addr) []byte {
	b := make([]byte, 28)
	b[0], b[3], b[8], b[9] = 0x45, 28, 64, proto
	copy(b[12:], src.AsSlice())
	copy(b[16:], dst.AsSlice())
	return b
}

// edit returns b with one byte changed.
func edit(b []byte, at int, v byte) []byte {
	b = slices.Clone(b)
	b[at] = v
	return b
}

func vm(t testing.TB, f wire.Filter) *bpf.VM {
	t.Helper()
	prog, err := f.Program()
	if err != nil {
		t.Fatal(err)
	}
	if len(prog) > 4096 {
		t.Fatalf("%d instructions, Linux takes 4096", len(prog))
	}
	v, err := bpf.NewVM(prog)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func hears(t testing.TB, v *bpf.VM, frame []byte) bool {
	t.Helper()
	n, err := v.Run(frame)
	if err != nil {
		t.Fatal(err)
	}
	if n != 0 && n < len(frame) {
		t.Fatalf("a frame of %d bytes was cut to %d", len(frame), n)
	}
	return n > 0
}

func TestProgram(t *testing.T) {
	var (
		a, b   = netip.MustParseAddr("172.16.63.20"), netip.MustParseAddr("172.16.63.21")
		group  = netip.MustParseAddr("239.255.63.241")
		answer = ether(self, node, nil, 0x0806, arp(cluster, vip, self, a))
		dot1q  = []uint32{0x8100_0064}              // VLAN 100
		qinq   = []uint32{0x88a8_00c8, 0x8100_0064} // VLAN 100 in service VLAN 200
		three  = append([]uint32{0x88a8_012c}, qinq...)
		f      = wire.Filter{Addrs: []netip.Addr{router, vip}, MACs: []mac.Addr{cluster}, Self: self}
	)
	tests := []struct {
		name   string
		filter wire.Filter
		frame  []byte
		want   bool
	}{
		{"the VIP answers", f, answer, true},
		{"the router asks for the VIP", f, ether(mac.Broadcast, other, nil, 0x0806, arp(other, router, mac.Addr{}, vip)), true},
		{"a host asks for the VIP", f, ether(mac.Broadcast, other, nil, 0x0806, arp(other, a, mac.Addr{}, vip)), true},
		{"ARP between others, even to this host", f, ether(self, other, nil, 0x0806, arp(other, a, self, b)), false},
		{"neighbours of the addresses", f, ether(self, other, nil, 0x0806, arp(other, vip.Next(), self, vip.Prev())), false},
		{"the zero filter wants no ARP", wire.Filter{}, answer, false},
		{"tagged", f, ether(self, node, dot1q, 0x0806, arp(cluster, vip, self, a)), true},
		{"tagged twice", f, ether(self, node, qinq, 0x0806, arp(cluster, vip, self, a)), true},
		{"tagged three times: beyond what is promised", f, ether(self, node, three, 0x0806, arp(cluster, vip, self, a)), false},
		{"tagged twice, the outer one of the older type", f, ether(self, node, []uint32{0x9100_00c8, 0x8100_0064}, 0x0806, arp(cluster, vip, self, a)), true},
		{"tagged with the two older types", f, ether(self, node, []uint32{0x9200_00c8, 0x9100_0064}, 0x0806, arp(cluster, vip, self, a)), true},
		{"in SNAP", f, snapped(self, node, nil, 0x0806, arp(cluster, vip, self, a)), true},
		{"in SNAP, tagged", f, snapped(self, node, qinq, 0x0806, arp(cluster, vip, self, a)), true},
		{"IGMP in SNAP", f, snapped(other, other, nil, 0x0800, ipv4(2, a, group)), true},
		{"in SNAP between others", f, snapped(self, other, nil, 0x0806, arp(other, a, self, b)), false},
		{"SNAP of another organisation", f, edit(snapped(self, node, nil, 0x0806, arp(cluster, vip, self, a)), 19, 0x0c), false},
		{"spanning tree", f, ether(mac.Addr{1, 0x80, 0xc2}, node, nil, 38, append([]byte{0x42, 0x42, 3}, make([]byte, 43)...)), false},
		{"SNAP that is cut", f, snapped(self, node, nil, 0x0806, nil)[:20], false},
		{"tagged ARP between others", f, ether(self, other, qinq, 0x0806, arp(other, a, self, b)), false},
		{"padded ARP between others", f, ether(self, other, nil, 0x0806, append(arp(other, a, self, b), make([]byte, 18)...)), false},

		{"ARP of hardware type 6 (IEEE 802)", f, edit(ether(self, other, nil, 0x0806, arp(other, a, self, b)), 15, 6), true},
		{"ARP for protocol 0x86dd", f, edit(ether(self, other, nil, 0x0806, arp(other, a, self, b)), 16, 0x86), true},
		{"ARP with hardware length 0", f, edit(ether(self, other, nil, 0x0806, arp(other, a, self, b)), 18, 0), true},
		{"ARP with protocol length 16", f, edit(ether(self, other, nil, 0x0806, arp(other, a, self, b)), 19, 16), true},
		{"ARP one byte short", f, ether(self, other, nil, 0x0806, arp(other, a, self, b)[:27]), true},
		{"ARP without a byte", f, ether(self, other, nil, 0x0806, nil), true},
		{"tagged ARP one byte short", f, ether(self, other, dot1q, 0x0806, arp(other, a, self, b)[:27]), true},
		{"a tag and nothing behind it", f, ether(self, other, nil, 0x8100, []byte{0, 100}), false},
		{"no ethertype", f, ether(self, other, nil, 0x0806, nil)[:13], false},
		{"nothing", f, nil, false},

		{"IPv4 from the VIP", f, ether(self, node, nil, 0x0800, ipv4(6, vip, a)), true},
		{"IPv4 to the VIP", f, ether(mac.Broadcast, other, nil, 0x0800, ipv4(17, a, vip)), true},
		{"IPv4 to the VIP, ARP only", wire.Filter{Addrs: f.Addrs, ARPOnly: true}, ether(other, other, nil, 0x0800, ipv4(17, a, vip)), false},
		{"IPv4 between others", f, ether(self, other, nil, 0x0800, ipv4(6, a, b)), false},
		{"IPv4 cut before its addresses end", f, ether(self, node, nil, 0x0800, ipv4(6, vip, a)[:19]), false},
		{"IGMP between others", f, ether(other, other, nil, 0x0800, ipv4(2, a, group)), true},
		{"IGMP, ARP only", wire.Filter{ARPOnly: true}, ether(other, other, nil, 0x0800, ipv4(2, a, group)), true},
		{"tagged IGMP", f, ether(other, other, qinq, 0x0800, ipv4(2, a, group)), true},
		{"ICMP to this host", f, ether(self, other, nil, 0x0800, ipv4(1, a, b)), true},
		{"ICMP to this host, ARP only", wire.Filter{Self: self, ARPOnly: true}, ether(self, other, nil, 0x0800, ipv4(1, a, b)), true},
		{"ICMP to another host", f, ether(other, other, nil, 0x0800, ipv4(1, a, b)), false},
		{"ICMP to an address that differs in the last byte", f, ether(edit6(self, 5), other, nil, 0x0800, ipv4(1, a, b)), false},
		{"ICMP from the VIP to another host", f, ether(other, other, nil, 0x0800, ipv4(1, vip, b)), true},

		{"heartbeat", f, ether(mac.Broadcast, other, nil, 0x886f, make([]byte, 46)), true},
		{"heartbeat of Convoy WLBS, tagged", f, ether(mac.Broadcast, other, dot1q, 0xbf01, nil), true},
		{"IPv6", f, ether(self, other, nil, 0x86dd, make([]byte, 40)), false},
		{"anything to the cluster MAC", f, ether(cluster, other, nil, 0x86dd, nil), true},
		{"anything from the cluster MAC", f, ether(other, cluster, nil, 0x1234, nil), true},
		{"ARP between others to the cluster MAC", f, ether(cluster, other, nil, 0x0806, arp(other, a, self, b)), true},
		{"an address that differs in the first byte", f, ether(edit6(cluster, 0), other, nil, 0x86dd, nil), false},
		{"an address that differs in the last byte", f, ether(edit6(cluster, 5), other, nil, 0x86dd, nil), false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := hears(t, vm(t, tt.filter), tt.frame); got != tt.want {
				t.Errorf("heard: %v, want %v\n% x", got, tt.want, tt.frame)
			}
		})
	}
}

func edit6(m mac.Addr, at int) mac.Addr { return mac.From(edit(m[:], at, m[at]^1)) }

func TestProgramRefusesIPv6(t *testing.T) {
	f := wire.Filter{Addrs: []netip.Addr{vip, netip.MustParseAddr("2001:db8::1")}}
	const want = "wire: filter: 2001:db8::1 is not an IPv4 address"
	if prog, err := f.Program(); err == nil || err.Error() != want || prog != nil {
		t.Errorf("got %d instructions, error %v; want %q", len(prog), err, want)
	}
	f = wire.Filter{Addrs: []netip.Addr{{}}}
	if _, err := f.Program(); err == nil {
		t.Error("the zero address was taken")
	}
	f = wire.Filter{Addrs: []netip.Addr{netip.MustParseAddr("::ffff:172.16.63.241")}}
	if !hears(t, vm(t, f), ether(self, node, nil, 0x0806, arp(cluster, vip, self, router))) {
		t.Error("the IPv4 address in an IPv6 one was not taken")
	}
}

// tagTypes are the ethertypes of VLAN tags; snapHeader is what SNAP begins with.
var tagTypes = []uint16{0x8100, 0x88a8, 0x9100, 0x9200}

const snapHeader = "\xaa\xaa\x03\x00\x00\x00"

// slow says what Filter's documentation says, in the plainest way.
func slow(f wire.Filter, b []byte) bool {
	if len(b) < 14 {
		return false
	}
	dst, src := mac.From(b), mac.From(b[6:])
	if slices.Contains(f.MACs, dst) || slices.Contains(f.MACs, src) {
		return true
	}
	ethertype, body := binary.BigEndian.Uint16(b[12:]), b[14:]
	for tags := 0; tags < 2 && slices.Contains(tagTypes, ethertype); tags++ {
		if len(body) < 4 {
			return false
		}
		ethertype, body = binary.BigEndian.Uint16(body[2:]), body[4:]
	}
	if ethertype < 0x600 {
		if len(body) < 8 || string(body[:6]) != snapHeader {
			return false
		}
		ethertype, body = binary.BigEndian.Uint16(body[6:]), body[8:]
	}
	var one, two netip.Addr
	switch ethertype {
	case 0x886f, 0xbf01:
		return true
	case 0x0806:
		if len(body) < 28 || string(body[:6]) != "\x00\x01\x08\x00\x06\x04" {
			return true
		}
		one, _ = netip.AddrFromSlice(body[14:18])
		two, _ = netip.AddrFromSlice(body[24:28])
	case 0x0800:
		if len(body) < 10 {
			return false
		}
		if body[9] == 2 || body[9] == 1 && dst == f.Self && !f.Self.IsZero() {
			return true
		}
		if len(body) < 20 || f.ARPOnly {
			return false
		}
		one, _ = netip.AddrFromSlice(body[12:16])
		two, _ = netip.AddrFromSlice(body[16:20])
	default:
		return false
	}
	return slices.Contains(f.Addrs, one) || slices.Contains(f.Addrs, two)
}

// randomFilter returns a filter of about n addresses and m MACs: some alone,
// some in runs, some at the ends of their ranges.
func randomFilter(r *rand.Rand, n, m int) wire.Filter {
	f := wire.Filter{Self: self, ARPOnly: r.IntN(4) == 0}
	for len(f.Addrs) < n {
		a := randomAddr(r)
		for range 1 + r.IntN(3) {
			if a.IsValid() && len(f.Addrs) < n {
				f.Addrs = append(f.Addrs, a)
				a = a.Next()
			}
		}
	}
	for len(f.MACs) < m {
		a := randomMAC(r)
		for range 1 + r.IntN(3) {
			if len(f.MACs) < m {
				f.MACs = append(f.MACs, a)
			}
			a[5]++
		}
	}
	return f
}

func randomAddr(r *rand.Rand) netip.Addr {
	switch r.IntN(16) {
	case 0:
		return netip.IPv4Unspecified()
	case 1:
		return netip.AddrFrom4([4]byte{255, 255, 255, 255})
	case 2:
		return netip.AddrFrom4([4]byte{byte(r.IntN(256)), 255, 255, 255})
	}
	return netip.AddrFrom4([4]byte{172, 16, byte(r.IntN(256)), byte(r.IntN(256))})
}

func randomMAC(r *rand.Rand) mac.Addr {
	switch r.IntN(16) {
	case 0:
		return mac.Addr{}
	case 1:
		return mac.Broadcast
	case 2:
		return mac.Addr{byte(r.IntN(256)), 0xbf, 0xac, 0x10, 0xff, 0xff}
	}
	return mac.Addr{0x03, 0xbf, 0xac, byte(16 + r.IntN(4)), byte(r.IntN(256)), byte(r.IntN(256))}
}

// near returns one of all, or one beside it.
func near[T any](r *rand.Rand, all []T, random func(*rand.Rand) T, beside func(T, int) T) T {
	if len(all) == 0 || r.IntN(4) == 0 {
		return random(r)
	}
	return beside(all[r.IntN(len(all))], r.IntN(3)-1)
}

func nearMAC(r *rand.Rand, f wire.Filter) mac.Addr {
	if r.IntN(4) == 0 {
		return f.Self
	}
	return near(r, f.MACs, randomMAC, func(m mac.Addr, d int) mac.Addr { m[5] += byte(d); return m })
}

func nearAddr(r *rand.Rand, f wire.Filter) netip.Addr {
	return near(r, f.Addrs, randomAddr, func(a netip.Addr, d int) netip.Addr {
		b := a.As4()
		binary.BigEndian.PutUint32(b[:], binary.BigEndian.Uint32(b[:])+uint32(d))
		return netip.AddrFrom4(b)
	})
}

// randomFrame returns a frame that f nearly, or just, hears.
func randomFrame(r *rand.Rand, f wire.Filter) []byte {
	dst, src := randomMAC(r), randomMAC(r)
	if r.IntN(4) == 0 {
		dst, src = nearMAC(r, f), nearMAC(r, f)
	}
	var tags []uint32
	for range r.IntN(4) {
		tags = append(tags, uint32(tagTypes[r.IntN(len(tagTypes))])<<16|uint32(r.IntN(4096)))
	}
	ether := ether
	if r.IntN(4) == 0 {
		ether = snapped
	}
	var b []byte
	switch r.IntN(5) {
	case 0, 1:
		b = ether(dst, src, tags, 0x0806, arp(src, nearAddr(r, f), dst, nearAddr(r, f)))
	case 2, 3:
		b = ether(dst, src, tags, 0x0800, ipv4([]byte{1, 2, 6, 17}[r.IntN(4)], nearAddr(r, f), nearAddr(r, f)))
	default:
		b = ether(dst, src, tags, []uint16{0x886f, 0xbf01, 0x86dd, 0x0805}[r.IntN(4)], make([]byte, r.IntN(50)))
	}
	if r.IntN(4) == 0 {
		b[r.IntN(len(b))] ^= 1 << r.IntN(8)
	}
	if r.IntN(4) == 0 {
		b = b[:r.IntN(len(b)+1)]
	}
	return b
}

// Up to its limits a program is exact.
func TestProgramAgainstReference(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, size := range []struct{ addrs, macs int }{{0, 0}, {1, 0}, {1, 1}, {2, 2}, {3, 5}, {64, 64}, {256, 64}} {
		heard, not := 0, 0
		for range 20 {
			f := randomFilter(r, size.addrs, size.macs)
			v := vm(t, f)
			for range 500 {
				frame := randomFrame(r, f)
				want := slow(f, frame)
				if got := hears(t, v, frame); got != want {
					t.Fatalf("%+v: heard: %v, want %v\n% x", f, got, want, frame)
				}
				if want {
					heard++
				} else {
					not++
				}
			}
		}
		if heard < 1000 || not < 1000 {
			t.Errorf("%+v: %d frames heard, %d not: the test's frames prove nothing", size, heard, not)
		}
	}
}

// Beyond its limits a program hears more than it was asked to, never less, and
// stays within what the kernel takes.
func TestProgramWidens(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for _, size := range []struct{ addrs, macs int }{{257, 65}, {1000, 1000}, {10000, 10000}} {
		f := wire.Filter{Self: self}
		for len(f.Addrs) < size.addrs {
			f.Addrs = append(f.Addrs, netip.AddrFrom4([4]byte{10, byte(r.IntN(256)), byte(r.IntN(256)), byte(r.IntN(256))}))
		}
		for len(f.MACs) < size.macs {
			f.MACs = append(f.MACs, mac.Addr{0x03, 0xbf, byte(r.IntN(8)), byte(r.IntN(8)), byte(r.IntN(256)), byte(r.IntN(256))})
		}
		v := vm(t, f)
		for _, a := range f.Addrs {
			if !hears(t, v, ether(other, other, nil, 0x0806, arp(other, a, other, router))) {
				t.Fatalf("%d addresses: %s was lost as sender", size.addrs, a)
			}
			if !hears(t, v, ether(other, other, nil, 0x0806, arp(other, router, other, a))) {
				t.Fatalf("%d addresses: %s was lost as target", size.addrs, a)
			}
		}
		for _, m := range f.MACs {
			if !hears(t, v, ether(m, other, nil, 0x9000, nil)) || !hears(t, v, ether(other, m, nil, 0x9000, nil)) {
				t.Fatalf("%d MACs: %s was lost", size.macs, m)
			}
		}
		for range 100 { // far from all of them
			frame := ether(other, other, nil, 0x0806, arp(other, randomAddr17216(r), other, router))
			if hears(t, v, frame) {
				t.Fatalf("%+v: foreign ARP is heard:\n% x", size, frame)
			}
		}
	}
}

func randomAddr17216(r *rand.Rand) netip.Addr {
	return netip.AddrFrom4([4]byte{172, 16, byte(r.IntN(256)), byte(r.IntN(256))})
}

// What is joined is what lies near each other: a filter for two subnets does not
// hear what lies between them.
func TestProgramJoinsTheNearest(t *testing.T) {
	var f wire.Filter
	for _, p := range []string{"10.1.0.0", "10.200.0.0"} {
		a := netip.MustParseAddr(p)
		for range 400 { // every other address
			f.Addrs = append(f.Addrs, a)
			a = a.Next().Next()
		}
	}
	for i := range 400 {
		f.MACs = append(f.MACs, mac.Addr{0x03, 0xbf, byte(10 + i%2*190), 1, byte(i >> 7), byte(i << 1)})
	}
	v := vm(t, f)
	between := netip.MustParseAddr("10.100.0.1")
	if hears(t, v, ether(other, other, nil, 0x0806, arp(other, between, other, between))) {
		t.Errorf("%s is heard", between)
	}
	if m := (mac.Addr{0x03, 0xbf, 100, 1, 0, 0}); hears(t, v, ether(m, m, nil, 0x9000, nil)) {
		t.Errorf("%s is heard", m)
	}
}

// A whole subnet is one run: it stays exact whatever its size.
func TestProgramOfASubnet(t *testing.T) {
	var f wire.Filter
	p := netip.MustParsePrefix("10.20.0.0/16")
	for a := p.Addr(); p.Contains(a); a = a.Next() {
		f.Addrs = append(f.Addrs, a)
	}
	prog, err := f.Program()
	if err != nil {
		t.Fatal(err)
	}
	if len(prog) > 80 { // the headers before the addresses take 65
		t.Errorf("%d instructions for one run of addresses", len(prog))
	}
	v := vm(t, f)
	for _, tt := range []struct {
		addr string
		want bool
	}{{"10.19.255.255", false}, {"10.20.0.0", true}, {"10.20.255.255", true}, {"10.21.0.0", false}} {
		if got := hears(t, v, ether(other, other, nil, 0x0806, arp(other, netip.MustParseAddr(tt.addr), other, router))); got != tt.want {
			t.Errorf("%s heard: %v, want %v", tt.addr, got, tt.want)
		}
	}
}

// FuzzProgram compares the program with the reference on frames of the fuzzer.
func FuzzProgram(f *testing.F) {
	filter := wire.Filter{Addrs: []netip.Addr{router, vip}, MACs: []mac.Addr{cluster}, Self: self}
	v := vm(f, filter)
	a := netip.MustParseAddr("172.16.63.20")
	seeds := [][]byte{
		ether(self, node, nil, 0x0806, arp(cluster, vip, self, a)),
		ether(self, other, []uint32{0x81000064}, 0x0806, arp(other, a, self, a)),
		ether(self, node, []uint32{0x88a800c8, 0x81000064}, 0x0800, ipv4(6, vip, a)),
		ether(self, other, nil, 0x0800, ipv4(1, a, a)),
		ether(other, other, nil, 0x0800, ipv4(2, a, a)),
		ether(mac.Broadcast, other, nil, 0x886f, []byte{1}),
		ether(cluster, other, nil, 0x86dd, nil),
		{},
	}
	heard := 0
	for _, s := range seeds {
		if slow(filter, s) {
			heard++
		}
		f.Add(s)
	}
	if heard == 0 || heard == len(seeds) {
		f.Fatalf("%d of %d seeds are heard: they are not what they were", heard, len(seeds))
	}
	f.Fuzz(func(t *testing.T, frame []byte) {
		if got, want := hears(t, v, frame), slow(filter, frame); got != want {
			t.Errorf("heard: %v, want %v", got, want)
		}
	})
}

func BenchmarkProgram(b *testing.B) {
	for _, n := range []int{1, 10000} {
		b.Run(fmt.Sprintf("addrs=%d", n), func(b *testing.B) {
			r := rand.New(rand.NewPCG(5, 6))
			f := wire.Filter{Self: self}
			for range n {
				f.Addrs = append(f.Addrs, netip.AddrFrom4([4]byte{10, byte(r.IntN(256)), byte(r.IntN(256)), byte(r.IntN(256))}))
			}
			for b.Loop() {
				if _, err := f.Program(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
