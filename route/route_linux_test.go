package route

import (
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"reflect"
	"slices"
	"syscall"
	"testing"

	"github.com/vishvananda/netlink"

	"github.com/nlbprobe/nlbprobe/mac"
	"github.com/nlbprobe/nlbprobe/wire/wiretest"
)

func TestInterfaces(t *testing.T) {
	s := wiretest.NewSegment(t)
	var got []Interface
	s.Do(t, func() error {
		steps := []func(a, b, lo netlink.Link) error{
			func(_, _, lo netlink.Link) error { return netlink.LinkSetUp(lo) },
			addr("a", "172.16.63.20/24"), addr("a", "10.9.0.7/32"),
			addr("a", "172.16.63.21/24"), // becomes a secondary address
			addr("a", "192.0.2.1 peer 192.0.2.2/30"),
			addr("b", "198.51.100.9/25"),
			via("a", "203.0.113.0/24", 0, "172.16.63.2"),
			via("a", "0.0.0.0/0", 200, "172.16.63.3"),
			via("a", "0.0.0.0/0", 100, "172.16.63.1"),
			via("a", "203.0.114.0/24", 0, "172.16.63.1"), // known already
			via("b", "203.0.115.0/24", 0, "198.51.100.1", "198.51.100.2"),
			func(_, b, _ netlink.Link) error { return netlink.LinkSetMTU(b, 9000) },
			func(_, _, _ netlink.Link) error {
				return netlink.LinkAdd(&netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: "shut"}, PeerName: "lonely"})
			},
			func(_, _, _ netlink.Link) error {
				l, err := netlink.LinkByName("lonely")
				if err != nil {
					return err
				}
				return netlink.LinkSetUp(l)
			},
		}
		for _, step := range steps {
			var links [3]netlink.Link
			for i, name := range []string{"a", "b", "lo"} {
				var err error
				if links[i], err = netlink.LinkByName(name); err != nil {
					return err
				}
			}
			if err := step(links[0], links[1], links[2]); err != nil {
				return err
			}
		}
		var err error
		if got, err = Interfaces(); err != nil {
			return err
		}
		c, err := For(netip.MustParseAddr("172.16.63.241"))
		if err != nil || c.Interface.Name != "a" || c.Prefix.String() != "172.16.63.20/24" {
			t.Errorf("For: %+v, %v", c, err)
		}
		i, err := ByName("b")
		if err != nil || i.Index != s.B.Index {
			t.Errorf("ByName: %+v, %v", i, err)
		}
		return nil
	})

	if g, err := Find(got, "shut"); err != nil || g.Up || g.Running || !errors.Is(g.Usable(), ErrDown) {
		t.Errorf("a new interface is not down: %+v, %v", g, err)
	}
	if g, err := Find(got, "lonely"); err != nil || !g.Up || g.Running || g.Usable() != nil {
		t.Errorf("an interface whose other end is down is not up without carrier: %+v, %v", g, err)
	}
	want := []Interface{
		{Name: "lo", Index: 1, MTU: 65536, Up: true, Running: true, Loopback: true, Prefixes: prefixes("127.0.0.1/8")},
		{
			Name: "a", Index: s.A.Index, MAC: mac.From(s.A.HardwareAddr), MTU: 1500, Up: true, Running: true,
			Prefixes: prefixes("172.16.63.20/24", "10.9.0.7/32", "192.0.2.1/32", "172.16.63.21/24"),
			Gateways: addrs("172.16.63.1", "172.16.63.3", "172.16.63.2"),
		},
		{
			Name: "b", Index: s.B.Index, MAC: mac.From(s.B.HardwareAddr), MTU: 9000, Up: true, Running: true,
			Prefixes: prefixes("198.51.100.9/25"), Gateways: addrs("198.51.100.1", "198.51.100.2"),
		},
	}
	for _, w := range want {
		g, err := Find(got, w.Name)
		if err != nil || !reflect.DeepEqual(g, w) {
			t.Errorf("got  %+v\nwant %+v", g, w)
		}
	}
}

func addr(name, spec string) func(a, b, lo netlink.Link) error {
	return func(a, b, _ netlink.Link) error {
		link := map[string]netlink.Link{"a": a, "b": b}[name]
		if spec == "192.0.2.1 peer 192.0.2.2/30" {
			return netlink.AddrAdd(link, &netlink.Addr{
				IPNet: &net.IPNet{IP: net.IPv4(192, 0, 2, 1), Mask: net.CIDRMask(32, 32)},
				Peer:  &net.IPNet{IP: net.IPv4(192, 0, 2, 2), Mask: net.CIDRMask(30, 32)},
			})
		}
		a4, err := netlink.ParseAddr(spec)
		if err != nil {
			return err
		}
		return netlink.AddrAdd(link, a4)
	}
}

func via(name, to string, metric int, gateways ...string) func(a, b, lo netlink.Link) error {
	return func(a, b, _ netlink.Link) error {
		link := map[string]netlink.Link{"a": a, "b": b}[name]
		_, dst, err := net.ParseCIDR(to)
		if err != nil {
			return err
		}
		r := &netlink.Route{Dst: dst, Priority: metric}
		for _, g := range gateways {
			r.MultiPath = append(r.MultiPath, &netlink.NexthopInfo{LinkIndex: link.Attrs().Index, Gw: net.ParseIP(g)})
		}
		if len(gateways) == 1 {
			r.LinkIndex, r.Gw, r.MultiPath = link.Attrs().Index, net.ParseIP(gateways[0]), nil
		}
		return netlink.RouteAdd(r)
	}
}

func prefixes(all ...string) (p []netip.Prefix) {
	for _, s := range all {
		p = append(p, netip.MustParsePrefix(s))
	}
	return p
}

func addrs(all ...string) (a []netip.Addr) {
	for _, s := range all {
		a = append(a, netip.MustParseAddr(s))
	}
	return a
}

// message returns a netlink message: header, the kind's own struct, attributes.
func message(kind uint16, body []byte, attrs ...[]byte) []byte {
	for _, a := range attrs {
		body = append(body, a...)
	}
	b := binary.NativeEndian.AppendUint32(nil, uint32(syscall.SizeofNlMsghdr+len(body)))
	b = binary.NativeEndian.AppendUint16(b, kind)
	return append(append(b, make([]byte, 10)...), body...)
}

func attribute(kind uint16, value ...byte) []byte {
	b := binary.NativeEndian.AppendUint16(nil, uint16(4+len(value)))
	b = append(binary.NativeEndian.AppendUint16(b, kind), value...)
	return append(b, make([]byte, align(len(b))-len(b))...)
}

func number(n uint32) []byte { return binary.NativeEndian.AppendUint32(nil, n) }

// tables returns an interface with an address and two routes, one of them over
// two routers, as the kernel describes them.
func tables() (links, addrs, routes []byte) {
	ifinfo := make([]byte, syscall.SizeofIfInfomsg)
	binary.NativeEndian.PutUint16(ifinfo[2:], syscall.ARPHRD_ETHER)
	binary.NativeEndian.PutUint32(ifinfo[4:], 7) // index
	binary.NativeEndian.PutUint32(ifinfo[8:], syscall.IFF_UP|syscall.IFF_RUNNING)
	links = message(syscall.RTM_NEWLINK, ifinfo, attribute(syscall.IFLA_IFNAME, []byte("eth0\x00")...),
		attribute(syscall.IFLA_ADDRESS, 2, 0, 0, 0, 0, 7), attribute(syscall.IFLA_MTU, number(1500)...))

	ifaddr := append([]byte{syscall.AF_INET, 24, 0, 0}, number(7)...)
	addrs = message(syscall.RTM_NEWADDR, ifaddr, attribute(syscall.IFA_LOCAL, 172, 16, 63, 20), attribute(syscall.IFA_ADDRESS, 172, 16, 63, 20))

	rtmsg := func(bits byte) []byte {
		return []byte{syscall.AF_INET, bits, 0, 0, 254, 0, 0, syscall.RTN_UNICAST, 0, 0, 0, 0}
	}
	nexthop := func(last byte) []byte {
		b := append([]byte{16, 0, 0, 0}, number(7)...)
		binary.NativeEndian.PutUint16(b, 16)
		return append(b, attribute(syscall.RTA_GATEWAY, 172, 16, 63, last)...)
	}
	routes = message(syscall.RTM_NEWROUTE, rtmsg(8), attribute(syscall.RTA_MULTIPATH, append(nexthop(2), nexthop(3)...)...))
	routes = append(routes, message(syscall.RTM_NEWROUTE, rtmsg(0), attribute(syscall.RTA_OIF, number(7)...), attribute(syscall.RTA_GATEWAY, 172, 16, 63, 1))...)
	return links, addrs, routes
}

func parse(b []byte) []syscall.NetlinkMessage {
	m, err := syscall.ParseNetlinkMessage(b)
	if err != nil {
		return nil
	}
	return m
}

func TestAssemble(t *testing.T) {
	l, a, r := tables()
	want := []Interface{{
		Name: "eth0", Index: 7, MAC: mac.Addr{2, 0, 0, 0, 0, 7}, MTU: 1500, Up: true, Running: true,
		Prefixes: prefixes("172.16.63.20/24"), Gateways: addrs("172.16.63.1", "172.16.63.2", "172.16.63.3"),
	}}
	if got := assemble(parse(l), parse(a), parse(r)); !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

// The last attribute of a message need not be padded.
func TestAssembleWithoutPadding(t *testing.T) {
	l, _, _ := tables()
	name := []byte{9, 0, 0, 0, 'v', 'l', 'a', 'n', 0}
	binary.NativeEndian.PutUint16(name, 9)
	binary.NativeEndian.PutUint16(name[2:], syscall.IFLA_IFNAME)
	m := syscall.NetlinkMessage{Header: syscall.NlMsghdr{Type: syscall.RTM_NEWLINK}, Data: append(parse(l)[0].Data[:syscall.SizeofIfInfomsg:syscall.SizeofIfInfomsg], name...)}
	if got := assemble([]syscall.NetlinkMessage{m}, nil, nil); len(got) != 1 || got[0].Name != "vlan" {
		t.Errorf("got %+v", got)
	}
}

// FuzzAssemble reads what no kernel says: nothing panics, and what comes out
// keeps its promises.
func FuzzAssemble(f *testing.F) {
	l, a, r := tables()
	if all := assemble(parse(l), parse(a), parse(r)); len(all) != 1 || len(all[0].Prefixes) != 1 || len(all[0].Gateways) != 3 {
		f.Fatalf("the seed is not what it was: %+v", all)
	}
	f.Add(l, a, r)
	f.Fuzz(func(t *testing.T, links, addrs, routes []byte) {
		all := assemble(parse(links), parse(addrs), parse(routes))
		for n, i := range all {
			if i.Index <= 0 || i.Name == "" || n > 0 && all[n-1].Index > i.Index {
				t.Errorf("%+v", i)
			}
			for _, p := range i.Prefixes {
				if !p.IsValid() || !p.Addr().Is4() {
					t.Errorf("prefix %v", p)
				}
			}
			for k, g := range i.Gateways {
				if !g.Is4() || slices.Contains(i.Gateways[:k], g) {
					t.Errorf("gateways %v", i.Gateways)
				}
			}
		}
	})
}

func BenchmarkInterfaces(b *testing.B) {
	s := wiretest.NewSegment(b)
	s.Do(b, func() error {
		for b.Loop() {
			if _, err := Interfaces(); err != nil {
				return err
			}
		}
		return nil
	})
}
