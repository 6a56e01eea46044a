package route_test

import (
	"errors"
	"net"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/nlbprobe/nlbprobe/mac"
	"github.com/nlbprobe/nlbprobe/route"
)

// eth returns an Ethernet interface that is up and has the addresses.
func eth(index int, name string, addrs ...string) route.Interface {
	i := route.Interface{Name: name, Index: index, MAC: mac.Addr{2, 0, 0, 0, 0, byte(index)}, MTU: 1500, Up: true, Running: true}
	for _, a := range addrs {
		i.Prefixes = append(i.Prefixes, netip.MustParsePrefix(a))
	}
	return i
}

func with(i route.Interface, change func(*route.Interface)) route.Interface {
	change(&i)
	return i
}

func down(i *route.Interface)      { i.Up, i.Running = false, false }
func noCarrier(i *route.Interface) { i.Running = false }

var loopback = route.Interface{Name: "lo", Index: 1, MTU: 65536, Up: true, Running: true, Loopback: true,
	Prefixes: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/8")}}

func TestChoose(t *testing.T) {
	tunnel := route.Interface{Name: "tun0", Index: 9, Up: true, Running: true, NoARP: true,
		Prefixes: []netip.Prefix{netip.MustParsePrefix("172.16.63.9/24")}}
	tests := []struct {
		name   string
		all    []route.Interface
		vip    string
		want   string // interface
		prefix string
		note   string
		err    string
	}{
		{
			name: "one", all: []route.Interface{loopback, eth(2, "eth0", "172.16.63.20/24")},
			vip: "172.16.63.241", want: "eth0", prefix: "172.16.63.20/24",
		},
		{
			name: "VIP as IPv4 in IPv6", all: []route.Interface{loopback, eth(2, "eth0", "172.16.63.20/24")},
			vip: "::ffff:172.16.63.241", want: "eth0", prefix: "172.16.63.20/24",
		},
		{
			name: "the longest prefix wins, whatever the index",
			all:  []route.Interface{eth(2, "eth0", "172.16.0.20/16"), eth(3, "eth1", "172.16.63.20/24")},
			vip:  "172.16.63.241", want: "eth1", prefix: "172.16.63.20/24",
			note: "172.16.63.241 is probed on eth1 (172.16.63.20/24); eth0 (172.16.0.20/16) holds it in a larger subnet",
		},
		{
			name: "the lowest index, whatever the order",
			all:  []route.Interface{eth(3, "eth1", "172.16.63.21/24"), eth(2, "eth0", "172.16.63.20/24")},
			vip:  "172.16.63.241", want: "eth0", prefix: "172.16.63.20/24",
			note: "172.16.63.241 is probed on eth0 (172.16.63.20/24); eth1 (172.16.63.21/24) has a higher index",
		},
		{
			name: "a cable that is plugged in goes before the index",
			all:  []route.Interface{with(eth(2, "eth0", "172.16.63.20/24"), noCarrier), eth(3, "eth1", "172.16.63.21/24")},
			vip:  "172.16.63.241", want: "eth1", prefix: "172.16.63.21/24",
			note: "172.16.63.241 is probed on eth1 (172.16.63.21/24); eth0 (172.16.63.20/24) has no carrier",
		},
		{
			name: "without a carrier rather than not at all",
			all:  []route.Interface{with(eth(2, "eth0", "172.16.63.20/24"), noCarrier)},
			vip:  "172.16.63.241", want: "eth0", prefix: "172.16.63.20/24",
		},
		{
			name: "a down interface and a tunnel are left out, and named",
			all:  []route.Interface{with(eth(2, "eth0", "172.16.63.20/25", "172.16.63.130/25"), down), eth(3, "eth1", "172.16.63.21/24"), tunnel},
			vip:  "172.16.63.241", want: "eth1", prefix: "172.16.63.21/24",
			note: "172.16.63.241 is probed on eth1 (172.16.63.21/24); eth0 (172.16.63.130/25) is down; tun0 (172.16.63.9/24) is not an Ethernet interface that carries ARP",
		},
		{
			name: "a secondary address in the same subnet: the first asks",
			all:  []route.Interface{eth(2, "eth0", "10.0.0.5/8", "172.16.63.20/24", "172.16.63.21/24")},
			vip:  "172.16.63.241", want: "eth0", prefix: "172.16.63.20/24",
		},
		{
			name: "a /31 has no network address (RFC 3021)", all: []route.Interface{eth(2, "eth0", "172.16.63.241/31")},
			vip: "172.16.63.240", want: "eth0", prefix: "172.16.63.241/31",
		},
		{
			name: "the edge of a smaller subnet elsewhere is an ordinary address of the larger one",
			all:  []route.Interface{eth(2, "eth0", "10.0.0.20/8"), with(eth(3, "eth1", "10.1.1.1/24"), down)},
			vip:  "10.1.1.255", want: "eth0", prefix: "10.0.0.20/8",
			note: "10.1.1.255 is probed on eth0 (10.0.0.20/8); eth1 (10.1.1.1/24) is down",
		},

		{
			name: "no subnet", all: []route.Interface{loopback, eth(2, "eth0", "10.0.0.5/24", "10.0.1.5/24"), eth(3, "eth1"), with(eth(4, "eth2", "10.0.2.5/24"), down)},
			vip: "172.16.63.241",
			err: "this host is not on the subnet of 172.16.63.241 (eth0 has 10.0.0.5/24 and 10.0.1.5/24; eth1 has no IPv4 address; eth2 is down), and ARP does not cross routers",
		},
		{
			name: "a /32 holds only itself", all: []route.Interface{eth(2, "eth0", "172.16.63.20/32")},
			vip: "172.16.63.241", err: "this host is not on the subnet of 172.16.63.241 (eth0 has 172.16.63.20/32), and ARP does not cross routers",
		},
		{
			name: "the only one is down", all: []route.Interface{loopback, with(eth(2, "eth0", "172.16.63.20/24"), down), eth(3, "eth1", "10.0.0.5/24")},
			vip: "172.16.63.241", err: "172.16.63.241 is on a subnet of this host, but eth0 (172.16.63.20/24) is down",
		},
		{
			name: "loopback", all: []route.Interface{loopback, eth(2, "eth0", "172.16.63.20/24")},
			vip: "127.0.0.2", err: "127.0.0.2 is on a subnet of this host, but lo (127.0.0.1/8) is the loopback interface, which carries no ARP",
		},
		{
			name: "nothing but the loopback", all: []route.Interface{loopback},
			vip: "172.16.63.241", err: "172.16.63.241 is on no subnet of this host: it has no interface but the loopback",
		},
		{
			name: "own address", all: []route.Interface{loopback, eth(2, "eth0", "172.16.63.20/24")},
			vip: "172.16.63.20", err: "172.16.63.20 is an address of this host, on eth0: probe it from another host of the subnet",
		},
		{
			name: "own address on the loopback, as nodes of some clusters have it",
			all:  []route.Interface{eth(2, "eth0", "172.16.63.20/24"), with(loopback, func(i *route.Interface) { i.Prefixes = append(i.Prefixes, netip.MustParsePrefix("172.16.63.241/32")) })},
			vip:  "172.16.63.241", err: "172.16.63.241 is an address of this host, on lo: probe it from another host of the subnet",
		},
		{
			name: "network address", all: []route.Interface{eth(2, "eth0", "172.16.63.20/26")},
			vip: "172.16.63.0", err: "172.16.63.0 is the network address of 172.16.63.0/26 on eth0, not a host's",
		},
		{
			name: "broadcast address", all: []route.Interface{eth(2, "eth0", "172.16.63.20/26")},
			vip: "172.16.63.63", err: "172.16.63.63 is the broadcast address of 172.16.63.0/26 on eth0, not a host's",
		},
		{
			name: "broadcast address of a subnet that spans bytes", all: []route.Interface{eth(2, "eth0", "172.16.63.20/12")},
			vip: "172.31.255.255", err: "172.31.255.255 is the broadcast address of 172.16.0.0/12 on eth0, not a host's",
		},
		{
			name: "IPv6", all: []route.Interface{eth(2, "eth0", "172.16.63.20/24")},
			vip: "2001:db8::1", err: "2001:db8::1 is not an IPv4 address",
		},
		{
			name: "a hostile name is escaped", all: []route.Interface{with(eth(2, "e\x1b[2J", "172.16.63.20/24"), down)},
			vip: "172.16.63.241", err: `172.16.63.241 is on a subnet of this host, but "e\x1b[2J" (172.16.63.20/24) is down`,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			before := slices.Clone(tt.all)
			c, err := route.Choose(tt.all, netip.MustParseAddr(tt.vip))
			if tt.err != "" {
				if err == nil || err.Error() != tt.err {
					t.Errorf("got error %v\nwant      %s", err, tt.err)
				}
				if !reflect.DeepEqual(c, route.Choice{}) {
					t.Errorf("got %+v beside the error", c)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if c.Interface.Name != tt.want || c.Prefix.String() != tt.prefix || c.Note != tt.note {
				t.Errorf("got %s, %s, note %q\nwant %s, %s, note %q", c.Interface.Name, c.Prefix, c.Note, tt.want, tt.prefix, tt.note)
			}
			if !reflect.DeepEqual(tt.all, before) {
				t.Error("the interfaces were changed")
			}
		})
	}
}

func TestErrorTypes(t *testing.T) {
	all := []route.Interface{loopback, eth(2, "eth0", "172.16.63.20/24"), with(eth(3, "eth1"), down)}
	choose := func(vip string) error {
		_, err := route.Choose(all, netip.MustParseAddr(vip))
		return err
	}
	on := func(name, vip string) error {
		_, err := route.On(all, name, netip.MustParseAddr(vip))
		return err
	}
	if e, ok := errors.AsType[*route.NoSubnetError](choose("10.0.0.1")); !ok || len(e.Interfaces) != 3 {
		t.Errorf("no subnet: %v", e)
	}
	for _, err := range []error{choose("172.16.63.20"), on("eth0", "172.16.63.20")} {
		if e, ok := errors.AsType[*route.OwnAddressError](err); !ok || e.Interface != "eth0" {
			t.Errorf("own address: %v", err)
		}
	}
	for _, err := range []error{choose("172.16.63.255"), on("eth0", "172.16.63.255")} {
		if e, ok := errors.AsType[*route.EdgeAddressError](err); !ok || !e.Broadcast {
			t.Errorf("broadcast address: %v", err)
		}
	}
	if err := on("lo", "172.16.63.241"); !errors.Is(err, route.ErrLoopback) || err.Error() != "lo is the loopback interface, which carries no ARP" {
		t.Errorf("loopback: %v", err)
	}
	if err := on("eth1", "172.16.63.241"); !errors.Is(err, route.ErrDown) || err.Error() != "eth1 is down" {
		t.Errorf("down: %v", err)
	}
	if e, ok := errors.AsType[*route.NotFoundError](on("eth2", "172.16.63.241")); !ok || e.Name != "eth2" {
		t.Errorf("not found: %v", e)
	}
}

func TestOn(t *testing.T) {
	all := []route.Interface{eth(2, "eth0", "172.16.63.20/24"), eth(3, "eth1", "10.0.0.5/24")}
	vip := netip.MustParseAddr("172.16.63.241")
	if c, err := route.On(all, "eth0", vip); err != nil || c.Interface.Index != 2 || c.Prefix.String() != "172.16.63.20/24" {
		t.Errorf("in its subnet: %+v, %v", c, err)
	}
	// The user knows better: a probe with the sender address 0.0.0.0.
	if c, err := route.On(all, "eth1", vip); err != nil || c.Interface.Index != 3 || c.Prefix.IsValid() {
		t.Errorf("out of its subnet: %+v, %v", c, err)
	}
}

func TestFind(t *testing.T) {
	all := []route.Interface{loopback, eth(2, "eth0"), eth(3, "enp3s0"), eth(4, "br-lan")}
	tests := []struct{ name, err string }{
		{"eth1", `no interface is called "eth1": there are lo, eth0, enp3s0, br-lan; did you mean eth0?`},
		{"ETH0", `no interface is called "ETH0": there are lo, eth0, enp3s0, br-lan; did you mean eth0?`},
		{"enp3s", `no interface is called "enp3s": there are lo, eth0, enp3s0, br-lan; did you mean enp3s0?`},
		{"brlan", `no interface is called "brlan": there are lo, eth0, enp3s0, br-lan; did you mean br-lan?`},
		{"wlan0", `no interface is called "wlan0": there are lo, eth0, enp3s0, br-lan`},
		{"xy", `no interface is called "xy": there are lo, eth0, enp3s0, br-lan`}, // as like "lo" as any two letters
		{"", `no interface is called "": there are lo, eth0, enp3s0, br-lan`},
		{"e\n", `no interface is called "e\n": there are lo, eth0, enp3s0, br-lan`},
	}
	for _, tt := range tests {
		_, err := route.Find(all, tt.name)
		e, ok := errors.AsType[*route.NotFoundError](err)
		if !ok || e.Error() != tt.err {
			t.Errorf("%q: got %v\nwant %s", tt.name, err, tt.err)
		}
	}
	if i, err := route.Find(all, "br-lan"); err != nil || i.Index != 4 {
		t.Errorf("br-lan: %+v, %v", i, err)
	}

	// An error stays readable on a host of a thousand interfaces.
	var many []route.Interface
	for n := range 1000 {
		many = append(many, eth(n+2, "veth"+strings.Repeat("x", n%9)))
	}
	if _, err := route.Find(many, strings.Repeat("y", 1<<20)); len(err.Error()) > 300 {
		t.Errorf("an error of %d bytes", len(err.Error()))
	}
	if _, err := route.Choose(many, netip.MustParseAddr("10.0.0.1")); len(err.Error()) > 500 {
		t.Errorf("an error of %d bytes", len(err.Error()))
	}
	if _, err := route.Find(nil, "eth0"); err.Error() != `no interface is called "eth0": there is none` {
		t.Error(err)
	}
}

func TestNet(t *testing.T) {
	i := eth(2, "eth0", "172.16.63.20/24")
	want := &net.Interface{Index: 2, MTU: 1500, Name: "eth0", HardwareAddr: net.HardwareAddr{2, 0, 0, 0, 0, 2}, Flags: net.FlagUp | net.FlagRunning}
	if got := i.Net(); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	want = &net.Interface{Index: 1, MTU: 65536, Name: "lo", Flags: net.FlagUp | net.FlagRunning | net.FlagLoopback}
	if got := loopback.Net(); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

// A VIP is elsewhere where this host has an address and no prefix that holds it.
func TestElsewhere(t *testing.T) {
	for _, tt := range []struct {
		name string
		all  []route.Interface
		want bool
	}{
		{"another subnet", []route.Interface{loopback, eth(2, "eth0", "10.0.0.5/24")}, true},
		{"another subnet, by a tunnel", []route.Interface{with(eth(4, "tun0", "10.8.0.2/24"), func(i *route.Interface) { i.NoARP = true })}, true},
		{"our own, and the interface is down", []route.Interface{with(eth(2, "eth0", "172.16.63.20/24"), down), eth(3, "eth1", "10.0.0.5/24")}, false},
		{"no address at all", []route.Interface{loopback, eth(2, "eth0")}, false},
		{"nothing but the loopback", []route.Interface{loopback}, false},
	} {
		_, err := route.Choose(tt.all, netip.MustParseAddr("172.16.63.241"))
		none, ok := errors.AsType[*route.NoSubnetError](err)
		if !ok || none.Elsewhere() != tt.want {
			t.Errorf("%s: %v, %v", tt.name, err, ok && none.Elsewhere())
		}
	}
}
