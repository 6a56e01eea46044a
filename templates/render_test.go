package templates

import (
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/nlbprobe/nlbprobe/mac"
)

// acme returns the test platform, or one with a text replaced in its file.
func acme(t testing.TB, replace ...string) *Platform {
	t.Helper()
	p, err := Parse("acme.yaml", []byte(acmeFile(t, replace...)))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func vip(s ...string) []netip.Addr {
	var all []netip.Addr
	for _, a := range s {
		all = append(all, netip.MustParseAddr(a))
	}
	return all
}

// text renders one section.
func text(t *testing.T, p *Platform, v Values, role Role, s Section) string {
	t.Helper()
	c, err := p.Render(v, role, []Section{s}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	return c[0].Text
}

func TestRenderForms(t *testing.T) {
	full := Values{
		VIPs: vip("192.0.2.100", "192.0.2.101"), MAC: multicastMAC, VLAN: 20,
		Ports:  []string{"ethernet 1/1", "ethernet 1/2", "ethernet 1/3", "ethernet 1/4", "ethernet 1/5"},
		Prefix: netip.MustParsePrefix("192.0.2.1/24"), Set: map[string]string{"vlan-name": "web"},
	}
	tests := []struct {
		why     string
		role    Role
		section Section
		want    string
	}{
		{"the knob comes first, then a block of two lines for each VIP in one context", L3, Configure, `# configure
undo arp check
edit 20
  set address 192.0.2.1/24 arp 192.0.2.100
  set mac 03bf-c000-0264
  set address 192.0.2.1/24 arp 192.0.2.101
  set mac 03bf-c000-0264
end
`},
		{"taken back in reverse order, the knob last and behind its note", L3, Remove, `# remove
edit 20
  delete address 192.0.2.1/24 arp 192.0.2.100
  delete address 192.0.2.1/24 arp 192.0.2.101
end
# only if no other cluster is left:
arp check
`},
		{"a device that routes gets the ARP lines and not the MAC lines", Both, Remove, `# remove
edit 20
  delete address 192.0.2.1/24 arp 192.0.2.100
  delete address 192.0.2.1/24 arp 192.0.2.101
end
# only if no other cluster is left:
arp check
`},
		{"five ports at four to a command make two, each behind the comment", L2, Configure, `# configure
undo arp check
# unverified: guessed
mac 03bf-c000-0264 ethernet 1/1 ethernet 1/2 ethernet 1/3 ethernet 1/4 vlan 20 web
# unverified: as above
mac 03bf-c000-0264 ethernet 1/5 vlan 20 web
`},
		{"nothing to save", L2, Save, "# save: no line for acme-os in this role and mode\n"},
	}
	for _, tt := range tests {
		t.Run(tt.why, func(t *testing.T) {
			if got := text(t, acme(t), full, tt.role, tt.section); got != tt.want {
				t.Errorf("got\n%s\nwant\n%s", got, tt.want)
			}
		})
	}
}

// TestStrict checks that what is missing is named at once, and only what the
// wanted role and sections need.
func TestStrict(t *testing.T) {
	v := Values{VIPs: vip("192.0.2.100"), MAC: multicastMAC}
	tests := []struct {
		platform string
		role     Role
		want     []string
	}{
		{"cisco-ios", Both, []string{"vlan", "port"}},
		{"cisco-ios", L3, nil},
		{"cisco-nxos", L3, []string{"vlan"}},
		{"cisco-asa", Both, []string{"svi"}},
		{"cisco-aci", L2, []string{"tenant", "app", "epg"}},
	}
	for _, tt := range tests {
		_, err := lookup(t, tt.platform).Render(v, tt.role, []Section{Configure}, Options{Strict: true})
		e, ok := errors.AsType[*MissingError](err)
		if ok != (tt.want != nil) || ok && !slices.Equal(e.Names, tt.want) {
			t.Errorf("%s:%s: %v, want %v", tt.platform, tt.role, err, tt.want)
		}
		if want := tt.platform + " needs what was not given: " + strings.Join(tt.want, ", "); ok && err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
		c, err := lookup(t, tt.platform).Render(v, tt.role, []Section{Configure}, Options{})
		if err != nil || !slices.Equal(c[0].Missing, tt.want) {
			t.Errorf("%s:%s without strict: missing %v, %v", tt.platform, tt.role, c, err)
		}
	}
}

// TestLongLine renders more and more ports: the names get short when they must,
// and what still does not fit is an error and not a second line that could
// replace the first.
func TestLongLine(t *testing.T) {
	p := lookup(t, "cisco-ios")
	v := Values{VIPs: vip("192.0.2.100"), MAC: multicastMAC, VLAN: 20}
	state := "long"
	for n := 1; n <= 48; n++ {
		v.Ports = append(v.Ports, fmt.Sprintf("GigabitEthernet1/0/%d", n))
		c, err := p.Render(v, L2, []Section{Configure}, Options{})
		if state == "error" {
			if err == nil {
				t.Fatalf("%d ports fit, one fewer did not", n)
			}
			continue
		}
		if err != nil {
			e, ok := errors.AsType[*LongLineError](err)
			if !ok || e.Most != 254 || e.Length <= 254 || state != "short" {
				t.Fatalf("%d ports, names %s so far: %v", n, state, err)
			}
			if want := fmt.Sprintf("cisco-ios takes lines of at most 254 characters and one would have %d, even with short port names; a second line could replace the first, so name port-channels instead of their members, or fewer ports", e.Length); err.Error() != want {
				t.Errorf("got %v", err)
			}
			state = "error"
			continue
		}
		lines := devices(c[0])
		if len(lines) != 1 || len(lines[0]) > 254 {
			t.Fatalf("%d ports: %q", n, lines)
		}
		if short := strings.Contains(lines[0], " Gi1/0/1 "); short != strings.Contains(c[0].Text, "port names are shortened") || !short && state == "short" {
			t.Fatalf("%d ports: the names are short without a word, or long again: %s", n, c[0].Text)
		} else if short {
			state = "short"
		}
	}
	if state != "error" {
		t.Error("48 ports fit into a line of 254 characters")
	}
}

// TestPortsOnce checks that a port counts once however it is spelled.
func TestPortsOnce(t *testing.T) {
	v := Values{VIPs: vip("192.0.2.100", "192.0.2.100", "::ffff:192.0.2.100"), MAC: multicastMAC, VLAN: 20}
	v.Ports = []string{"Gi1/0/1", "GigabitEthernet1/0/1", "gi1/0/1", "Te1/0/1", "Po1", "port-channel1", "Gi1/0/11"}
	c, err := lookup(t, "cisco-ios").Render(v, Both, []Section{Configure}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"arp 192.0.2.100 03bf.c000.0264 arpa",
		"mac address-table static 03bf.c000.0264 vlan 20 interface GigabitEthernet1/0/1 TenGigabitEthernet1/0/1 Port-channel1 GigabitEthernet1/0/11",
	}
	if got := devices(c[0]); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestGroup: from 01-00-5e-7f-y-z the group is NLB's; else it must be given.
func TestGroup(t *testing.T) {
	tests := []struct {
		mac   string
		given string
		want  string // the group in the lines, or the error
	}{
		{"01:00:5e:7f:02:64", "", "239.255.2.100"},
		{"01:00:5e:01:02:64", "", "<GROUP>"},
		{"01:00:5e:01:02:64", "239.1.2.100", "239.1.2.100"},
		{"01:00:5e:01:02:64", "239.129.2.100", "239.129.2.100"}, // the bit above 23 is lost in the MAC
		{"01:00:5e:01:02:64", "239.2.2.100", "group 239.2.2.100 does not have the MAC address 01:00:5e:01:02:64 (RFC 1112 6.4)"},
		{"01:00:5e:01:02:64", "192.0.2.1", `group "192.0.2.1" is not an IPv4 multicast address`},
	}
	for _, tt := range tests {
		m, err := mac.Parse(tt.mac)
		if err != nil {
			t.Fatal(err)
		}
		v := Values{VIPs: vip("192.0.2.100"), MAC: m, VLAN: 20, Ports: []string{"Gi2/1"}, Mode: IGMP}
		if tt.given != "" {
			v.Set = map[string]string{"group": tt.given}
		}
		c, err := lookup(t, "cisco-catalyst-6500").Render(v, Both, []Section{Configure}, Options{})
		if err != nil {
			if err.Error() != tt.want {
				t.Errorf("%s %s: %v, want %s", tt.mac, tt.given, err, tt.want)
			}
			continue
		}
		if line := " ip igmp snooping static " + tt.want + " interface GigabitEthernet2/1\n"; !strings.Contains(c[0].Text, line) {
			t.Errorf("%s %s: no line %q in\n%s", tt.mac, tt.given, line, c[0].Text)
		}
	}
}

// TestBadValues has the exact line for every kind of bad value; nothing is
// rendered.
func TestBadValues(t *testing.T) {
	good := func() Values {
		return Values{VIPs: vip("192.0.2.100"), MAC: multicastMAC, VLAN: 20, Ports: []string{"Gi1/0/1"}}
	}
	tests := []struct {
		change func(*Values)
		want   string
	}{
		{func(v *Values) { v.VIPs = nil }, "no VIP to render"},
		{func(v *Values) { v.VIPs = []netip.Addr{{}} }, "VIP is empty"},
		{func(v *Values) { v.VIPs = vip("2001:db8::1") }, "VIP 2001:db8::1 is not IPv4; IPv6 is not rendered yet"},
		{func(v *Values) { v.VIPs = vip("239.255.2.100") }, "VIP 239.255.2.100 is not an IPv4 unicast address"},
		{func(v *Values) { v.VIPs = vip("255.255.255.255") }, "VIP 255.255.255.255 is not an IPv4 unicast address"},
		{func(v *Values) { v.VIPs = vip("127.0.0.1") }, "VIP 127.0.0.1 is not an IPv4 unicast address"},
		{func(v *Values) { v.VIPs = vip("0.0.0.0") }, "VIP 0.0.0.0 is not an IPv4 unicast address"},
		{func(v *Values) { v.VIPs = manyVIPs(maxVIPs + 1) }, "4097 VIPs; at most 4096 are rendered at once"},
		{func(v *Values) { v.MAC = mac.Addr{} }, "the MAC address is all zeros: that is what ARP writes for an unknown address; give the MAC that answers for the VIP"},
		{func(v *Values) { v.MAC = mac.Broadcast }, "the MAC address is the broadcast address ff:ff:ff:ff:ff:ff: no cluster answers with it, and a static entry for it would flood every VLAN"},
		{func(v *Values) { v.MAC = mac.Addr{0x00, 0x50, 0x56, 0, 2, 100} }, "00:50:56:00:02:64 is a unicast MAC: no configuration is needed, since routers accept it from an ARP reply as any host's (RFC 1812 3.3.2 bars only group MACs)"},
		{func(v *Values) { v.VLAN = -1 }, "VLAN -1 does not exist; VLANs are 1 to 4094"},
		{func(v *Values) { v.VLAN = 4095 }, "VLAN 4095 does not exist; VLANs are 1 to 4094"},
		{func(v *Values) { v.Prefix = netip.MustParsePrefix("192.0.2.0/24") }, "prefix 192.0.2.0/24 begins with the address of the subnet itself, which no interface has; give the address of the interface that routes the cluster's VLAN, as 192.0.2.1/24"},
		{func(v *Values) { v.Prefix = netip.MustParsePrefix("192.0.2.255/24") }, "prefix 192.0.2.255/24 begins with the broadcast address of its subnet, which no interface has; give the address of the interface that routes the cluster's VLAN, as 192.0.2.1/24"},
		{func(v *Values) { v.Prefix = netip.MustParsePrefix("192.0.2.103/29") }, "prefix 192.0.2.103/29 begins with the broadcast address of its subnet, which no interface has; give the address of the interface that routes the cluster's VLAN, as 192.0.2.97/29"},
		{func(v *Values) { v.Prefix = netip.MustParsePrefix("192.0.2.101/30") }, "VIP 192.0.2.100 is the address of the subnet itself in the prefix 192.0.2.101/30"},
		{func(v *Values) { v.Prefix = netip.MustParsePrefix("192.0.2.100/25") }, "prefix 192.0.2.100/25 begins with the VIP; give the address of the interface that routes the cluster's VLAN, which is the router's own"},
		{func(v *Values) { v.Prefix = netip.MustParsePrefix("224.0.0.1/0") }, "prefix 224.0.0.1 is not an IPv4 unicast address"},
		{func(v *Values) { v.Prefix = netip.MustParsePrefix("198.51.100.1/24") }, "VIP 192.0.2.100 is not in the prefix 198.51.100.1/24: the interface that routes the cluster's VLAN must hold it"},
		{func(v *Values) { v.Device = "acc1\nreload" }, `device "acc1\nreload" is no name: letters, digits, dots, hyphens and underscores, at most 64`},
		{func(v *Values) { v.Device = "acc1?" }, `device "acc1?" is no name: letters, digits, dots, hyphens and underscores, at most 64`},
		{func(v *Values) { v.Ports = []string{""} }, "port is empty"},
		{func(v *Values) { v.Ports = []string{"Gi1/0/1\nreload"} }, `port "Gi1/0/1\nreload" holds a line break, a control character or one outside ASCII; no name does`},
		{func(v *Values) { v.Ports = []string{"Gi1/0/1 reload"} }, `"reload" is no port name on cisco-ios; write it like GigabitEthernet1/0/11 or Port-channel5`},
		{func(v *Values) { v.Ports = []string{"Gi1/0/1,Eth2"} }, `"Eth2" is no port name on cisco-ios; write it like GigabitEthernet1/0/11 or Port-channel5`},
		{func(v *Values) { v.Ports = []string{"Gi1/0/1,,"} }, ""},
		{func(v *Values) { v.Ports = []string{" , "} }, `port "," names none`},
		{func(v *Values) { v.Ports = []string{"Gi1/0/1-1000000"} }, `"Gi1/0/1-1000000" names 1000000 ports; at most 512 are rendered at once`},
		{func(v *Values) { v.Ports = []string{"Gi1/0/1-99999999999999999999"} }, `"Gi1/0/1-99999999999999999999" is no row of ports: it does not end with the number of a port`},
		{func(v *Values) { v.Ports = []string{"Gi1/0/1-300", "Gi2/0/1-300"} }, "600 ports; at most 512 are rendered at once"},
		{func(v *Values) { v.Ports = []string{"Gi1/0/1-300,Gi2/0/1-300"} }, "600 ports; at most 512 are rendered at once"},
		{func(v *Values) { v.Ports = []string{"Gi1/0/4-1"} }, `"Gi1/0/4-1" is no row of ports: it ends before it begins`},
		{func(v *Values) { v.Ports = []string{"Gi1/0/1 to Gi2/0/4"} }, `"Gi1/0/1 to Gi2/0/4" is no row of ports: only the last number may count on`},
		{func(v *Values) { v.Ports = []string{"Gi11/0/1-1/0/4"} }, `"Gi11/0/1-1/0/4" is no row of ports: only the last number may count on`},
		{func(v *Values) { v.Ports = []string{"Gi1/0/1-Te1/0/4"} }, `"Gi1/0/1-Te1/0/4" is no row of ports: only the last number may count on`},
		{func(v *Values) { v.Ports = []string{"Gi1/0/1-4-7"} }, `"Gi1/0/1-4" is no port name on cisco-ios; write it like GigabitEthernet1/0/11 or Port-channel5`},
		{func(v *Values) { v.Ports = []string{strings.Repeat("Gi1/0/1,", 1025)} }, `port "Gi1/0/1,Gi1/0/1,Gi1/0/1,Gi1/0/1,Gi1/0/1,..." has 8200 characters; at most 8192 are taken`},
		{func(v *Values) { v.Ports = []string{"Gi1/0/\u0661"} }, `port "Gi1/0/\u0661" holds a line break, a control character or one outside ASCII; no name does`},
		{func(v *Values) { v.Ports = []string{strings.Repeat("x", 65)} }, `port "` + strings.Repeat("x", 40) + `..." has 65 characters; at most 64 are taken`},
		{func(v *Values) { v.Ports = make([]string, maxPorts+1) }, "513 ports; at most 512 are rendered at once"},
		{func(v *Values) { v.VRF = "blue\rarp" }, `VRF "blue\rarp" holds a line break, a control character or one outside ASCII; no name does`},
		{func(v *Values) { v.VRF = "blue red" }, `"blue red" is no vrf name on cisco-ios; write it like blue`},
		{func(v *Values) { v.VRF = "a?" }, `"a?" is no vrf name on cisco-ios; write it like blue`},
		{func(v *Values) { v.SVI = "Vlan20\x00" }, `SVI "Vlan20\x00" holds a line break, a control character or one outside ASCII; no name does`},
		{func(v *Values) { v.Set = map[string]string{"vlan": "20"} }, `value "vlan" has a field of its own`},
		{func(v *Values) { v.Set = map[string]string{"tenant": "a\x1b[2J"} }, `"tenant" "a\x1b[2J" holds a line break, a control character or one outside ASCII; no name does`},
	}
	for _, tt := range tests {
		v := good()
		tt.change(&v)
		c, err := lookup(t, "cisco-ios").Render(v, Both, Sections(), Options{})
		if tt.want == "" && err == nil {
			continue // the near miss
		}
		if err == nil || err.Error() != tt.want || c != nil {
			t.Errorf("got %v, %d configs\nwant %s", err, len(c), tt.want)
		}
	}
	v := good()
	v.Set = map[string]string{"querier": "239.0.0.1"}
	v.MAC, v.Ports = igmpMAC, nil
	if _, err := lookup(t, "cisco-nxos").Render(v, L2, []Section{Configure}, Options{}); err == nil || err.Error() != "querier 239.0.0.1 is not an IPv4 unicast address" {
		t.Errorf("a group as querier: %v", err)
	}
}

func manyVIPs(n int) []netip.Addr {
	all := make([]netip.Addr, n)
	ip := netip.MustParseAddr("10.0.0.1")
	for i := range all {
		all[i] = ip
		ip = ip.Next()
	}
	return all
}

// TestPortOfAnotherPlatform: a name that a role does not use is not judged by
// the platform, so that one set of flags serves a core and an access switch.
func TestPortOfAnotherPlatform(t *testing.T) {
	v := Values{VIPs: vip("192.0.2.100"), MAC: multicastMAC, VLAN: 20, Ports: []string{"Gi1/0/1"}}
	if got := text(t, lookup(t, "cisco-nxos"), v, L3, Configure); !strings.Contains(got, "ip arp 192.0.2.100 03bf.c000.0264\n") {
		t.Errorf("no ARP line in\n%s", got)
	}
	if _, err := lookup(t, "cisco-nxos").Render(v, L2, []Section{Configure}, Options{}); err == nil {
		t.Error("NX-OS took Gi1/0/1 for a port")
	}
}

func TestModeOf(t *testing.T) {
	for _, tt := range []struct {
		mac  string
		vips []netip.Addr
		want Mode
	}{
		{"03:bf:c0:00:02:64", nil, Multicast},
		{"03:00:5e:11:11:11", nil, Multicast},
		{"01:00:5e:7f:02:64", nil, IGMP},
		{"01:00:5e:7f:02:64", vip("192.0.2.100"), IGMP},
		{"01:00:5e:7f:02:64", vip("192.0.2.99", "192.0.2.100"), IGMP}, // a secondary VIP and the primary one
		{"01:00:5e:7f:02:64", vip("192.0.2.99"), Multicast},
		{"01:00:5e:7f:02:64", vip("192.0.3.100"), Multicast},
		{"01:00:5e:00:02:64", vip("192.0.2.100"), Multicast}, // a pair of firewalls
		{"01:00:5e:00:01:05", nil, Multicast},                // CARP
		{"01:00:5f:7f:02:64", nil, Multicast},
		{"02:bf:c0:00:02:64", nil, Unicast},
		{"00:bf:c0:00:02:64", nil, Unicast},
	} {
		m, err := mac.Parse(tt.mac)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := ModeOf(m, tt.vips...); got != tt.want || err != nil {
			t.Errorf("%s for %v: %s, %v", tt.mac, tt.vips, got, err)
		}
	}
	if _, err := ModeOf(mac.Addr{0x02, 0x01, 192, 0, 2, 100}); err == nil {
		t.Error("a unicast MAC has a mode")
	} else if _, ok := errors.AsType[*NotNeededError](err); !ok {
		t.Errorf("%T", err)
	}
}

// TestReserved: no platform renders a line for another protocol's MAC, and the
// error says whose it is.
func TestReserved(t *testing.T) {
	for s, says := range map[string]string{
		"01:80:c2:00:00:00": "between bridges", "01:80:c2:00:00:21": "GVRP", "01:80:c2:00:00:0e": "between bridges",
		"0100.0ccc.cccc": "CDP", "0100.0ccc.cccd": "spanning tree", "01:1b:19:00:00:00": "PTP",
		"01:00:5e:00:00:01": "224.0.0.x", "01:00:5e:00:00:fb": "224.0.0.x", "01:00:5e:80:00:00": "MPLS", "01:00:5e:90:00:01": "micro-BFD",
		"33:33:00:00:00:01": "IPv6", "33:33:ff:00:00:64": "IPv6", "03:00:00:00:00:01": "Token Ring", "03:00:c7:00:00:ee": "HP ProLiant",
		"01:0c:cd:01:00:00": "GOOSE", "09:00:2b:01:00:00": "DEC", "ab:00:00:04:00:00": "DECnet",
	} {
		m, err := mac.Parse(s)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range []string{"cisco-ios", "linux", "cisco-aci"} {
			_, err := lookup(t, p).Render(Values{VIPs: vip("192.0.2.100"), MAC: m}, Both, Sections(), Options{})
			if _, ok := errors.AsType[*ReservedError](err); !ok || !strings.Contains(err.Error(), says) || !strings.Contains(err.Error(), m.String()) || strings.Contains(err.Error(), "\n") {
				t.Errorf("%s on %s: %v", s, p, err)
			}
		}
	}
}

// TestIPMACs: a MAC of 01-00-5e that is not IGMP mode's gets no line or word for
// IGMP mode on any platform, and what the platform has for others.
func TestIPMACs(t *testing.T) {
	all, err := load(t).All()
	if err != nil {
		t.Fatal(err)
	}
	igmp := regexp.MustCompile(`(?i)igmp|querier|239\.|<GROUP>|multicast active|mdb add|ip multicast`)
	own := 0 // platforms with lines of their own for IGMP mode
	for _, p := range all {
		if !slices.ContainsFunc(p.Configure, func(l Line) bool { return l.Mode == IGMP }) {
			continue
		}
		own++
		v := sample(p, firewallMAC)
		delete(v.Set, "group")
		for _, role := range []Role{Both, L3, L2} {
			render := func() []string {
				c, err := p.Render(v, role, []Section{Configure}, Options{})
				if err != nil {
					t.Fatalf("%s: %v", p.Name, err)
				}
				if strings.Contains(c[0].Text, "IGMPv1") || strings.Contains(c[0].Text, "<GROUP>") {
					t.Errorf("%s:%s speaks of a group:\n%s", p.Name, role, c[0].Text)
				}
				return devices(c[0])
			}
			got := render()
			for _, line := range got {
				if igmp.MatchString(line) {
					t.Errorf("%s:%s: %q", p.Name, role, line)
				}
			}
			if role == Both && len(got) == 0 && p.Name != "cisco-catos" {
				t.Errorf("%s: no line at all", p.Name)
			}
		}
		// The signs of IGMP mode: known to the caller, or a group of the MAC given.
		signs := map[string]func(*Values){"mode": func(v *Values) { v.Mode = IGMP }, "reported": func(v *Values) { v.Mode, v.Group = IGMP, netip.MustParseAddr("224.0.2.100") }}
		if _, ok := p.value("group"); ok {
			signs["given"] = func(v *Values) { v.Set["group"] = "224.0.2.100" }
		}
		for sign, change := range signs {
			v := sample(p, firewallMAC)
			delete(v.Set, "group")
			change(&v)
			r, err := newRender(p, v, Both)
			if err != nil || r.mode != IGMP {
				t.Errorf("%s, %s: mode %v, %v", p.Name, sign, r.mode, err)
			}
			c, err := r.section(Configure)
			if err != nil || sign != "mode" && strings.Contains(c.Text, "<GROUP>") {
				t.Errorf("%s, %s: %v\n%s", p.Name, sign, err, c.Text)
			}
		}
	}
	if own < 20 {
		t.Errorf("%d platforms with lines for IGMP mode", own)
	}
}

// TestMaskedRefused: where a router is proven not to take the answers of a cluster in
// unicast mode, every platform that can enters each VIP with the cluster's MAC;
// else it says what to do. Without that proof nothing changes.
func TestMaskedRefused(t *testing.T) {
	all, err := load(t).All()
	if err != nil {
		t.Fatal(err)
	}
	entered := 0
	for _, p := range all {
		v := sample(p, unicastMAC)
		plain, err := p.Render(v, L3, Sections(), Options{})
		if err != nil {
			t.Fatal(err)
		}
		v.Refused = true
		c, err := p.Render(v, L3, Sections(), Options{})
		if err != nil {
			t.Fatal(err)
		}
		before, after := devices(plain[0]), devices(c[0])
		if strings.Contains(strings.Join(after, "\n"), "multicast-mac") || len(after) < len(before) {
			t.Errorf("%s: %q", p.Name, after)
		}
		names := strings.Contains(strings.Join(after, "\n"), v.VIPs[1].String())
		switch {
		case names:
			entered++
			if len(devices(c[2])) == 0 {
				t.Errorf("%s: nothing takes back\n%s", p.Name, c[0].Text)
			}
		case len(after) == 0 && !strings.Contains(c[0].Text+strings.Join(c[0].Notes, " "), "What cures it is a static"):
			t.Errorf("%s: neither a line nor advice:\n%s", p.Name, c[0].Text)
		}
		if l2, err := p.Render(v, L2, []Section{Configure}, Options{}); err != nil {
			t.Errorf("%s: %v", p.Name, err)
		} else if v.Refused = false; true {
			plain, err := p.Render(v, L2, []Section{Configure}, Options{})
			if err != nil || !slices.Equal(devices(l2[0]), devices(plain[0])) {
				t.Errorf("%s: a device that bridges gets %q", p.Name, devices(l2[0]))
			}
		}
	}
	if entered < 35 {
		t.Errorf("%d platforms enter the VIP", entered)
	}
	got := devices(func() Config {
		v := Values{VIPs: vip("192.0.2.100"), MAC: unicastMAC, Refused: true}
		c, err := lookup(t, "cisco-ios").Render(v, Both, []Section{Configure}, Options{Strict: true})
		if err != nil {
			t.Fatal(err)
		}
		return c[0]
	}())
	if !slices.Equal(got, []string{"arp 192.0.2.100 02bf.c000.0264 arpa"}) {
		t.Errorf("cisco-ios: %q", got)
	}
}

// TestUnicastMode: a unicast MAC of NLB's form gets what the platform has for
// it, or advice and no line; another only where the caller vouches for it.
func TestUnicastMode(t *testing.T) {
	v := Values{VIPs: vip("192.0.2.100"), MAC: unicastMAC, VLAN: 20, Ports: []string{"port-channel3"}}
	want := []string{
		"interface Vlan20", "ip arp 192.0.2.100 02bf.c000.0264", "exit",
		"mac address-table static 02bf.c000.0264 vlan 20 interface port-channel3",
	}
	nxos := lookup(t, "cisco-nxos")
	configure := func(p *Platform, v Values, role Role) Config {
		c, err := p.Render(v, role, []Section{Configure}, Options{Strict: true})
		if err != nil {
			t.Fatal(err)
		}
		return c[0]
	}
	if got := devices(configure(nxos, v, Both)); !slices.Equal(got, want) {
		t.Errorf("one port: %q, want %q", got, want)
	}
	v.Ports = append(v.Ports, "port-channel4") // a unicast entry names one port
	if got := devices(configure(nxos, v, Both)); !slices.Equal(got, want[:3]) {
		t.Errorf("two ports: %q, want %q", got, want[:3])
	}
	v.MAC = mac.Addr{0x02, 0x11, 0x22, 0x33, 0x44, 0x55}
	if _, err := nxos.Render(v, Both, Sections(), Options{}); err == nil {
		t.Error("an ordinary unicast MAC was taken for a cluster's")
	}
	v.Mode = Unicast
	if got := devices(configure(nxos, v, L3)); len(got) != 3 || got[1] != "ip arp 192.0.2.100 0211.2233.4455" {
		t.Errorf("a cluster's own unicast MAC: %q", got)
	}
	v.MAC = mac.Broadcast
	if _, err := nxos.Render(v, Both, Sections(), Options{}); err == nil {
		t.Error("the broadcast address was taken for a cluster's")
	}

	v = Values{VIPs: vip("192.0.2.100"), MAC: unicastMAC}
	for role, words := range map[Role]string{L3: "No static ARP", L2: "VLAN of its own"} {
		c := configure(lookup(t, "cisco-ios"), v, role)
		if got := devices(c); len(got) != 0 || !strings.Contains(c.Text, words) || c.Confidence != Vendor {
			t.Errorf("%s: %q, confidence %s in\n%s", role, got, c.Confidence, c.Text)
		}
	}
}

func TestParseTarget(t *testing.T) {
	tests := []struct {
		in, name string
		role     Role
		err      string
	}{
		{"cisco-ios", "cisco-ios", Both, ""},
		{"cisco-ios:l3", "cisco-ios", L3, ""},
		{"cisco-ios:l2", "cisco-ios", L2, ""},
		{"", "", Both, `"" names no platform; write it like cisco-ios or cisco-ios:l3`},
		{":l3", "", Both, `":l3" names no platform; write it like cisco-ios or cisco-ios:l3`},
		{"cisco-ios:", "", Both, `no role is called "" in "cisco-ios:"; there are l3 (routes the VLAN) and l2 (bridges it), without one both`},
		{"cisco-ios:L3", "", Both, `no role is called "L3" in "cisco-ios:L3"; there are l3 (routes the VLAN) and l2 (bridges it), without one both`},
	}
	for _, tt := range tests {
		name, role, err := ParseTarget(tt.in)
		if name != tt.name || role != tt.role || (err == nil) != (tt.err == "") || err != nil && err.Error() != tt.err {
			t.Errorf("%q: %q %s %v", tt.in, name, role, err)
		}
	}
}

func TestParseSections(t *testing.T) {
	all, err := ParseSections("all")
	if err != nil || !slices.Equal(all, []Section{Configure, Verify, Remove, Save}) {
		t.Errorf("all: %v, %v", all, err)
	}
	for _, s := range Sections() {
		if got, err := ParseSections(string(s)); err != nil || !slices.Equal(got, []Section{s}) {
			t.Errorf("%s: %v, %v", s, got, err)
		}
	}
	if _, err := ParseSections("undo"); err == nil || err.Error() != `no section is called "undo"; there are configure, verify, remove, save and all` {
		t.Errorf("undo: %v", err)
	}
}

func BenchmarkLoadLookupRender(b *testing.B) {
	v := Values{VIPs: vip("192.0.2.100"), MAC: multicastMAC, VLAN: 20, Ports: []string{"Gi1/0/1", "Gi1/0/2"}}
	for b.Loop() {
		s := Load()
		p, err := s.Lookup("cisco-ios")
		if err != nil {
			b.Fatal(err)
		}
		if _, err := p.Render(v, Both, []Section{Configure}, Options{}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkRender(b *testing.B) {
	p := lookup(b, "cisco-ios")
	v := Values{VIPs: vip("192.0.2.100"), MAC: multicastMAC, VLAN: 20, Ports: []string{"Gi1/0/1", "Gi1/0/2"}}
	for b.Loop() {
		if _, err := p.Render(v, Both, Sections(), Options{}); err != nil {
			b.Fatal(err)
		}
	}
}

// TestFewerPorts: where a further command would replace the first, too many
// ports are an error; where one port alone does not fit, too.
func TestFewerPorts(t *testing.T) {
	v := Values{VIPs: vip("192.0.2.100"), MAC: multicastMAC, VLAN: 20, Set: map[string]string{"vlan-name": "web"}}
	for i := range 5 {
		v.Ports = append(v.Ports, fmt.Sprintf("ethernet 1/%d", i+1))
	}
	_, err := acme(t, "split: true", "split: false").Render(v, L2, []Section{Configure}, Options{})
	if err == nil || err.Error() != "acme-os takes 4 ports in a command and 5 are given; a second command could replace the first" {
		t.Errorf("five ports: %v", err)
	}
	narrow := acme(t, "  line: 100", "  line: 70")
	want := `# configure
undo arp check
# unverified: guessed
mac 03bf-c000-0264 ethernet 1/1 ethernet 1/2 vlan 20 web
# unverified: as above
mac 03bf-c000-0264 ethernet 1/3 ethernet 1/4 vlan 20 web
# unverified: as above
mac 03bf-c000-0264 ethernet 1/5 vlan 20 web
`
	if got := text(t, narrow, v, L2, Configure); got != want {
		t.Errorf("lines of 70 characters: got\n%s\nwant\n%s", got, want)
	}
	v.Set["vlan-name"] = strings.Repeat("w", 40)
	_, err = narrow.Render(v, L2, []Section{Configure}, Options{})
	if err == nil || err.Error() != "acme-os takes lines of at most 70 characters and one would have 80" {
		t.Errorf("one port in a long line: %v", err)
	}
}

// TestSpaces: a file whose pattern happens to take a space admits none by that.
// What stands behind one could be another word of the command.
func TestSpaces(t *testing.T) {
	v := Values{VIPs: vip("192.0.2.100"), MAC: multicastMAC, VLAN: 20, Ports: []string{"ethernet 1/1"}, Set: map[string]string{"vlan-name": "web farm"}}
	const pattern, wide = `pattern: "[a-z]+"`, `pattern: "[a-z ]+"`
	_, err := acme(t, pattern, wide).Render(v, L2, []Section{Configure}, Options{})
	if err == nil || err.Error() != `"web farm" is no vlan-name name on acme-os; write it like web` {
		t.Errorf("%v", err)
	}
	if _, err := acme(t, pattern, wide+"\n    spaces: true").Render(v, L2, []Section{Configure}, Options{}); err != nil {
		t.Errorf("a value that may have spaces: %v", err)
	}
}

// TestConfidence: a platform is as sure as the weakest line that it renders
// for a multicast-mode cluster, or as its notes where it renders none.
func TestConfidence(t *testing.T) {
	for name, want := range map[string]Confidence{
		"cisco-ios": Vendor, "cisco-catos": Field, "cisco-nxos": Unverified, "cisco-iosxr": Unverified, "cisco-aci": Vendor,
	} {
		if got := lookup(t, name).Confidence(); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
	advice := &Platform{Notes: []Note{{Confidence: Refused}, {Confidence: Field}, {Confidence: Vendor}}}
	if got := advice.Confidence(); got != Field {
		t.Errorf("a platform of notes: %s", got)
	}
}
