package nlb

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/nlbprobe/nlbprobe/mac"
)

func mustMAC(t testing.TB, s string) mac.Addr {
	t.Helper()
	a, err := mac.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestDerive(t *testing.T) {
	tests := []struct {
		primary   string
		unicast   string
		multicast string
		igmp      string
		group     string
		legacy    string
		source    string
	}{
		{ // The form of the address is KB 4494444's; the group is by its rule. The
			// page's own example says 239.244.0.1, which its rule does not give.
			"10.0.0.1", "02-bf-0a-00-00-01", "03-bf-0a-00-00-01", "01-00-5e-7f-00-01", "239.255.0.1", "00-bf-0a-00-00-01",
			"KB 4494444, KB 283028",
		},
		{ // The unattend documentation of ClusterMacAddress shows 02-bf-01-02-03-04.
			"1.2.3.4", "02-bf-01-02-03-04", "03-bf-01-02-03-04", "01-00-5e-7f-03-04", "239.255.3.4", "00-bf-01-02-03-04",
			"unattend setting ClusterMacAddress",
		},
		{ // Cisco's unicast text has 00-bf-ac-10-00-01 for this VIP.
			"172.16.0.1", "02-bf-ac-10-00-01", "03-bf-ac-10-00-01", "01-00-5e-7f-00-01", "239.255.0.1", "00-bf-ac-10-00-01",
			"Cisco Catalyst and NLB example",
		},
		{ // What NLB would give where Cisco's Nexus 7000 example invents 0100.5e01.0101.
			"10.1.2.200", "02-bf-0a-01-02-c8", "03-bf-0a-01-02-c8", "01-00-5e-7f-02-c8", "239.255.2.200", "00-bf-0a-01-02-c8",
			"rule of KB 4494444",
		},
		{ // High last octets keep all their bits: only the first nine of the group are lost.
			"223.255.255.254", "02-bf-df-ff-ff-fe", "03-bf-df-ff-ff-fe", "01-00-5e-7f-ff-fe", "239.255.255.254", "00-bf-df-ff-ff-fe",
			"rule of KB 4494444",
		},
	}
	for _, tt := range tests {
		t.Run(tt.primary, func(t *testing.T) {
			primary := netip.MustParseAddr(tt.primary)
			for _, d := range []struct {
				mode Mode
				want string
			}{{Unicast, tt.unicast}, {Multicast, tt.multicast}, {IGMPMulticast, tt.igmp}} {
				got, err := DeriveMAC(primary, d.mode)
				if err != nil || got != mustMAC(t, d.want) {
					t.Errorf("%v: got %v, %v, want %s (%s)", d.mode, got.In(mac.Hyphen), err, d.want, tt.source)
				}
				// An IPv4 address that came out of a 16-byte field is the same VIP.
				if mapped, err := DeriveMAC(netip.AddrFrom16(primary.As16()), d.mode); err != nil || mapped != got {
					t.Errorf("%v of the IPv4-mapped form: got %v, %v", d.mode, mapped, err)
				}
			}
			if got, err := DeriveLegacyMAC(primary); err != nil || got != mustMAC(t, tt.legacy) {
				t.Errorf("legacy: got %v, %v, want %s", got.In(mac.Hyphen), err, tt.legacy)
			}
			if got, err := Group(primary); err != nil || got != netip.MustParseAddr(tt.group) {
				t.Errorf("group: got %v, %v, want %s", got, err, tt.group)
			}
		})
	}
}

// A group's MAC is its low 23 bits behind 01-00-5e (RFC 1112 6.4). The MAC of
// the IGMP mode and the group must belong together by that rule.
func TestGroupMatchesMAC(t *testing.T) {
	for _, s := range []string{"10.0.0.1", "192.0.2.200", "172.16.63.241", "198.51.100.255"} {
		primary := netip.MustParseAddr(s)
		group, err := Group(primary)
		if err != nil {
			t.Fatal(err)
		}
		g := group.As4()
		want := mac.Addr{0x01, 0x00, 0x5e, g[1] & 0x7f, g[2], g[3]}
		if got, err := DeriveMAC(primary, IGMPMulticast); err != nil || got != want {
			t.Errorf("%s: MAC %v, %v; group %v has %v", s, got, err, group, want)
		}
	}
}

func TestMaskedMAC(t *testing.T) {
	primary := netip.MustParseAddr("192.0.2.10")
	for _, tt := range []struct {
		priority int
		want     string
	}{
		{1, "02-01-c0-00-02-0a"},  // wka: 02-01 is MS-NLB-PhysServer-01
		{10, "02-0a-c0-00-02-0a"}, // wka: 02-0a is MS-NLB-PhysServer-10
		{32, "02-20-c0-00-02-0a"}, // wka: 02-20 is MS-NLB-PhysServer-32
	} {
		got, err := MaskedMAC(primary, tt.priority)
		if err != nil || got != mustMAC(t, tt.want) {
			t.Errorf("priority %d: got %v, %v, want %s", tt.priority, got, err, tt.want)
		}
	}
	for _, p := range []int{0, 33, -1, 0x42, 0xbf, 257} {
		if got, err := MaskedMAC(primary, p); err == nil || got != (mac.Addr{}) {
			t.Errorf("priority %d: got %v, %v, want an error", p, got, err)
		}
	}
}

func TestNotAVIP(t *testing.T) {
	tests := []struct {
		addr string // empty is the zero Addr
		want string // the error of CheckVIP, whole
	}{
		{"", "no address given where a VIP is needed"},
		{"2001:db8::1", "2001:db8::1 is an IPv6 address: NLB derives its MAC addresses from an IPv4 address"},
		{"0.0.0.0", "0.0.0.0 is the unspecified address: a VIP is a unicast address"},
		{"0.0.0.1", `0.0.0.1 is an address of "this network" (0.0.0.0/8): a VIP is a unicast address`},
		{"127.0.0.1", "127.0.0.1 is a loopback address: a VIP is a unicast address"},
		{"224.0.0.1", "224.0.0.1 is a multicast address: a VIP is a unicast address"},
		{"239.255.0.1", "239.255.0.1 is a multicast address: a VIP is a unicast address"},
		{"240.0.0.1", "240.0.0.1 is a reserved address (240.0.0.0/4): a VIP is a unicast address"},
		{"255.255.255.255", "255.255.255.255 is the broadcast address: a VIP is a unicast address"},
		{"::ffff:224.0.0.1", "224.0.0.1 is a multicast address: a VIP is a unicast address"},
	}
	for _, tt := range tests {
		t.Run(tt.addr, func(t *testing.T) {
			var addr netip.Addr
			if tt.addr != "" {
				addr = netip.MustParseAddr(tt.addr)
			}
			err := CheckVIP(addr)
			if err == nil || err.Error() != tt.want {
				t.Fatalf("got error %v\nwant %s", err, tt.want)
			}
			var errs []error
			var got []mac.Addr
			for _, m := range []Mode{Unicast, Multicast, IGMPMulticast} {
				a, err := DeriveMAC(addr, m)
				got, errs = append(got, a), append(errs, err)
			}
			a, err := DeriveLegacyMAC(addr)
			got, errs = append(got, a), append(errs, err)
			a, err = MaskedMAC(addr, 1)
			got, errs = append(got, a), append(errs, err)
			g, err := Group(addr)
			errs = append(errs, err)
			for i, err := range errs {
				if err == nil || err.Error() != "nlb: "+tt.want {
					t.Errorf("derivation %d: error %v", i, err)
				}
			}
			for i, a := range got {
				if !a.IsZero() {
					t.Errorf("derivation %d: an error with the address %v", i, a)
				}
			}
			if g.IsValid() {
				t.Errorf("an error with the group %v", g)
			}
		})
	}
	// Classify must reveal exactly the addresses that can be derived from.
	for w := range 256 {
		o := [4]byte{byte(w), 0, 2, 3}
		if err := CheckVIP(netip.AddrFrom4(o)); (err == nil) != canBeVIP(o) || CanBeVIP(netip.AddrFrom4(o)) != canBeVIP(o) {
			t.Errorf("%v: %v, but canBeVIP says %v", o, err, canBeVIP(o))
		}
	}
	for _, s := range []string{"1.0.0.0", "10.0.0.1", "126.255.255.255", "128.0.0.0", "223.255.255.255", "::ffff:10.0.0.1"} {
		if err := CheckVIP(netip.MustParseAddr(s)); err != nil {
			t.Errorf("CheckVIP(%s): %v", s, err)
		}
	}
}

func TestDeriveUnknownMode(t *testing.T) {
	for _, m := range []Mode{ModeUnknown, 200} {
		a, err := DeriveMAC(netip.MustParseAddr("10.0.0.1"), m)
		if err == nil || !strings.Contains(err.Error(), m.String()) || !a.IsZero() {
			t.Errorf("mode %v: got %v, %v, want an error that names the mode", m, a, err)
		}
	}
}

func TestNames(t *testing.T) {
	for mode, want := range map[Mode]string{
		ModeUnknown: "unknown", Unicast: "unicast", Multicast: "multicast", IGMPMulticast: "igmp-multicast", 9: "Mode(9)",
	} {
		if got := mode.String(); got != want {
			t.Errorf("Mode %d is %q, want %q", uint8(mode), got, want)
		}
	}
	for c, want := range map[Certainty]string{Unconfirmed: "unconfirmed", Inferred: "inferred", Documented: "documented"} {
		if got := c.String(); got != want {
			t.Errorf("Certainty %d is %q, want %q", uint8(c), got, want)
		}
	}
}
