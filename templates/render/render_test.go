package render_test

import (
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/nlbprobe/nlbprobe/mac"
	"github.com/nlbprobe/nlbprobe/templates"
	"github.com/nlbprobe/nlbprobe/templates/platform"
	"github.com/nlbprobe/nlbprobe/templates/render"
	"github.com/nlbprobe/nlbprobe/templates/templatestest"
	"github.com/nlbprobe/nlbprobe/templates/vet"
)

// acme returns the test platform, or one with a text replaced in its file.
func acme(t testing.TB, replace ...string) *platform.Platform {
	t.Helper()
	p, err := vet.Parse("acme.yaml", []byte(templatestest.AcmeFile(t, replace...)))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// text renders one section.
func text(t *testing.T, p *platform.Platform, v render.Values, role platform.Role, s platform.Section) string {
	t.Helper()
	c, err := render.Sections(p, v, role, []platform.Section{s}, render.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return c[0].Text
}

func TestRenderForms(t *testing.T) {
	full := render.Values{
		VIPs: templatestest.VIPs("192.0.2.100", "192.0.2.101"), MAC: templatestest.MulticastMAC, VLAN: 20,
		Ports:  []string{"ethernet 1/1", "ethernet 1/2", "ethernet 1/3", "ethernet 1/4", "ethernet 1/5"},
		Prefix: netip.MustParsePrefix("192.0.2.1/24"), Set: map[string]string{"vlan-name": "web"},
	}
	tests := []struct {
		why     string
		role    platform.Role
		section platform.Section
		want    string
	}{
		{"the knob comes first, then a block of two lines for each VIP in one context", platform.L3, platform.Configure, `# configure
undo arp check
edit 20
  set address 192.0.2.1/24 arp 192.0.2.100
  set mac 03bf-c000-0264
  set address 192.0.2.1/24 arp 192.0.2.101
  set mac 03bf-c000-0264
end
`},
		{"taken back in reverse order, the knob last and behind its note", platform.L3, platform.Remove, `# remove
edit 20
  delete address 192.0.2.1/24 arp 192.0.2.100
  delete address 192.0.2.1/24 arp 192.0.2.101
end
# only if no other cluster is left:
arp check
`},
		{"a device that routes gets the ARP lines and not the MAC lines", platform.Both, platform.Remove, `# remove
edit 20
  delete address 192.0.2.1/24 arp 192.0.2.100
  delete address 192.0.2.1/24 arp 192.0.2.101
end
# only if no other cluster is left:
arp check
`},
		{"five ports at four to a command make two, each behind the comment", platform.L2, platform.Configure, `# configure
undo arp check
# unverified: guessed
mac 03bf-c000-0264 ethernet 1/1 ethernet 1/2 ethernet 1/3 ethernet 1/4 vlan 20 web
# unverified: as above
mac 03bf-c000-0264 ethernet 1/5 vlan 20 web
`},
		{"nothing to save", platform.L2, platform.Save, "# save: no line for acme-os in this role and mode\n"},
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
	v := render.Values{VIPs: templatestest.VIPs("192.0.2.100"), MAC: templatestest.MulticastMAC}
	tests := []struct {
		platform string
		role     platform.Role
		want     []string
	}{
		{"cisco-ios", platform.Both, []string{"vlan", "port"}},
		{"cisco-ios", platform.L3, nil},
		{"cisco-nxos", platform.L3, []string{"vlan"}},
		{"cisco-asa", platform.Both, []string{"svi"}},
		{"cisco-aci", platform.L2, []string{"tenant", "app", "epg"}},
	}
	for _, tt := range tests {
		_, err := render.Sections(templatestest.Lookup(t, tt.platform), v, tt.role, []platform.Section{platform.Configure}, render.Options{Strict: true})
		e, ok := errors.AsType[*render.MissingError](err)
		if ok != (tt.want != nil) || ok && !slices.Equal(e.Names, tt.want) {
			t.Errorf("%s:%s: %v, want %v", tt.platform, tt.role, err, tt.want)
		}
		if want := tt.platform + " needs what was not given: " + strings.Join(tt.want, ", "); ok && err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
		c, err := render.Sections(templatestest.Lookup(t, tt.platform), v, tt.role, []platform.Section{platform.Configure}, render.Options{})
		if err != nil || !slices.Equal(c[0].Missing, tt.want) {
			t.Errorf("%s:%s without strict: missing %v, %v", tt.platform, tt.role, c, err)
		}
	}
}

// TestLongLine renders more and more ports: the names get short when they must,
// and what still does not fit is an error and not a second line that could
// replace the first.
func TestLongLine(t *testing.T) {
	p := templatestest.Lookup(t, "cisco-ios")
	v := render.Values{VIPs: templatestest.VIPs("192.0.2.100"), MAC: templatestest.MulticastMAC, VLAN: 20}
	state := "long"
	for n := 1; n <= 48; n++ {
		v.Ports = append(v.Ports, fmt.Sprintf("GigabitEthernet1/0/%d", n))
		c, err := render.Sections(p, v, platform.L2, []platform.Section{platform.Configure}, render.Options{})
		if state == "error" {
			if err == nil {
				t.Fatalf("%d ports fit, one fewer did not", n)
			}
			continue
		}
		if err != nil {
			e, ok := errors.AsType[*render.LongLineError](err)
			if !ok || e.Most != 254 || e.Length <= 254 || state != "short" {
				t.Fatalf("%d ports, names %s so far: %v", n, state, err)
			}
			if want := fmt.Sprintf("cisco-ios takes lines of at most 254 characters and one would have %d, even with short port names; a second line could replace the first, so name port-channels instead of their members, or fewer ports", e.Length); err.Error() != want {
				t.Errorf("got %v", err)
			}
			state = "error"
			continue
		}
		lines := templatestest.Devices(c[0])
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
	v := render.Values{VIPs: templatestest.VIPs("192.0.2.100", "192.0.2.100", "::ffff:192.0.2.100"), MAC: templatestest.MulticastMAC, VLAN: 20}
	v.Ports = []string{"Gi1/0/1", "GigabitEthernet1/0/1", "gi1/0/1", "Te1/0/1", "Po1", "port-channel1", "Gi1/0/11"}
	c, err := render.Sections(templatestest.Lookup(t, "cisco-ios"), v, platform.Both, []platform.Section{platform.Configure}, render.Options{})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"arp 192.0.2.100 03bf.c000.0264 arpa",
		"mac address-table static 03bf.c000.0264 vlan 20 interface GigabitEthernet1/0/1 TenGigabitEthernet1/0/1 Port-channel1 GigabitEthernet1/0/11",
	}
	if got := templatestest.Devices(c[0]); !slices.Equal(got, want) {
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
		v := render.Values{VIPs: templatestest.VIPs("192.0.2.100"), MAC: m, VLAN: 20, Ports: []string{"Gi2/1"}, Mode: platform.IGMP}
		if tt.given != "" {
			v.Set = map[string]string{"group": tt.given}
		}
		c, err := render.Sections(templatestest.Lookup(t, "cisco-catalyst-6500"), v, platform.Both, []platform.Section{platform.Configure}, render.Options{})
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
	good := func() render.Values {
		return render.Values{VIPs: templatestest.VIPs("192.0.2.100"), MAC: templatestest.MulticastMAC, VLAN: 20, Ports: []string{"Gi1/0/1"}}
	}
	tests := []struct {
		change func(*render.Values)
		want   string
	}{
		{func(v *render.Values) { v.VIPs = nil }, "no VIP to render"},
		{func(v *render.Values) { v.VIPs = []netip.Addr{{}} }, "VIP is empty"},
		{func(v *render.Values) { v.VIPs = templatestest.VIPs("2001:db8::1") }, "VIP 2001:db8::1 is not IPv4; IPv6 is not rendered yet"},
		{func(v *render.Values) { v.VIPs = templatestest.VIPs("239.255.2.100") }, "VIP 239.255.2.100 is not an IPv4 unicast address"},
		{func(v *render.Values) { v.VIPs = templatestest.VIPs("255.255.255.255") }, "VIP 255.255.255.255 is not an IPv4 unicast address"},
		{func(v *render.Values) { v.VIPs = templatestest.VIPs("127.0.0.1") }, "VIP 127.0.0.1 is not an IPv4 unicast address"},
		{func(v *render.Values) { v.VIPs = templatestest.VIPs("0.0.0.0") }, "VIP 0.0.0.0 is not an IPv4 unicast address"},
		{func(v *render.Values) { v.VIPs = manyVIPs(render.MaxVIPs + 1) }, "4097 VIPs; at most 4096 are rendered at once"},
		{func(v *render.Values) { v.MAC = mac.Addr{} }, "the MAC address is all zeros: that is what ARP writes for an unknown address; give the MAC that answers for the VIP"},
		{func(v *render.Values) { v.MAC = mac.Broadcast }, "the MAC address is the broadcast address ff:ff:ff:ff:ff:ff: no cluster answers with it, and a static entry for it would flood every VLAN"},
		{func(v *render.Values) { v.MAC = mac.Addr{0x00, 0x50, 0x56, 0, 2, 100} }, "00:50:56:00:02:64 is a unicast MAC: no configuration is needed, since routers accept it from an ARP reply as any host's (RFC 1812 3.3.2 bars only group MACs)"},
		{func(v *render.Values) { v.VLAN = -1 }, "VLAN -1 does not exist; VLANs are 1 to 4094"},
		{func(v *render.Values) { v.VLAN = 4095 }, "VLAN 4095 does not exist; VLANs are 1 to 4094"},
		{func(v *render.Values) { v.Prefix = netip.MustParsePrefix("192.0.2.0/24") }, "prefix 192.0.2.0/24 begins with the address of the subnet itself, which no interface has; give the address of the interface that routes the cluster's VLAN, as 192.0.2.1/24"},
		{func(v *render.Values) { v.Prefix = netip.MustParsePrefix("192.0.2.255/24") }, "prefix 192.0.2.255/24 begins with the broadcast address of its subnet, which no interface has; give the address of the interface that routes the cluster's VLAN, as 192.0.2.1/24"},
		{func(v *render.Values) { v.Prefix = netip.MustParsePrefix("192.0.2.103/29") }, "prefix 192.0.2.103/29 begins with the broadcast address of its subnet, which no interface has; give the address of the interface that routes the cluster's VLAN, as 192.0.2.97/29"},
		{func(v *render.Values) { v.Prefix = netip.MustParsePrefix("192.0.2.101/30") }, "VIP 192.0.2.100 is the address of the subnet itself in the prefix 192.0.2.101/30"},
		{func(v *render.Values) { v.Prefix = netip.MustParsePrefix("192.0.2.100/25") }, "prefix 192.0.2.100/25 begins with the VIP; give the address of the interface that routes the cluster's VLAN, which is the router's own"},
		{func(v *render.Values) { v.Prefix = netip.MustParsePrefix("224.0.0.1/0") }, "prefix 224.0.0.1 is not an IPv4 unicast address"},
		{func(v *render.Values) { v.Prefix = netip.MustParsePrefix("198.51.100.1/24") }, "VIP 192.0.2.100 is not in the prefix 198.51.100.1/24: the interface that routes the cluster's VLAN must hold it"},
		{func(v *render.Values) { v.Device = "acc1\nreload" }, `device "acc1\nreload" is no name: letters, digits, dots, hyphens and underscores, at most 64`},
		{func(v *render.Values) { v.Device = "acc1?" }, `device "acc1?" is no name: letters, digits, dots, hyphens and underscores, at most 64`},
		{func(v *render.Values) { v.Ports = []string{""} }, "port is empty"},
		{func(v *render.Values) { v.Ports = []string{"Gi1/0/1\nreload"} }, `port "Gi1/0/1\nreload" holds a line break, a control character or one outside ASCII; no name does`},
		{func(v *render.Values) { v.Ports = []string{"Gi1/0/1 reload"} }, `"reload" is no port name on cisco-ios; write it like GigabitEthernet1/0/11 or Port-channel5`},
		{func(v *render.Values) { v.Ports = []string{"Gi1/0/1,Eth2"} }, `"Eth2" is no port name on cisco-ios; write it like GigabitEthernet1/0/11 or Port-channel5`},
		{func(v *render.Values) { v.Ports = []string{"Gi1/0/1,,"} }, ""},
		{func(v *render.Values) { v.Ports = []string{" , "} }, `port "," names none`},
		{func(v *render.Values) { v.Ports = []string{"Gi1/0/1-1000000"} }, `"Gi1/0/1-1000000" names 1000000 ports; at most 512 are rendered at once`},
		{func(v *render.Values) { v.Ports = []string{"Gi1/0/1-99999999999999999999"} }, `"Gi1/0/1-99999999999999999999" is no row of ports: it does not end with the number of a port`},
		{func(v *render.Values) { v.Ports = []string{"Gi1/0/1-300", "Gi2/0/1-300"} }, "600 ports; at most 512 are rendered at once"},
		{func(v *render.Values) { v.Ports = []string{"Gi1/0/1-300,Gi2/0/1-300"} }, "600 ports; at most 512 are rendered at once"},
		{func(v *render.Values) { v.Ports = []string{"Gi1/0/4-1"} }, `"Gi1/0/4-1" is no row of ports: it ends before it begins`},
		{func(v *render.Values) { v.Ports = []string{"Gi1/0/1 to Gi2/0/4"} }, `"Gi1/0/1 to Gi2/0/4" is no row of ports: only the last number may count on`},
		{func(v *render.Values) { v.Ports = []string{"Gi11/0/1-1/0/4"} }, `"Gi11/0/1-1/0/4" is no row of ports: only the last number may count on`},
		{func(v *render.Values) { v.Ports = []string{"Gi1/0/1-Te1/0/4"} }, `"Gi1/0/1-Te1/0/4" is no row of ports: only the last number may count on`},
		{func(v *render.Values) { v.Ports = []string{"Gi1/0/1-4-7"} }, `"Gi1/0/1-4" is no port name on cisco-ios; write it like GigabitEthernet1/0/11 or Port-channel5`},
		{func(v *render.Values) { v.Ports = []string{strings.Repeat("Gi1/0/1,", 1025)} }, `port "Gi1/0/1,Gi1/0/1,Gi1/0/1,Gi1/0/1,Gi1/0/1,..." has 8200 characters; at most 8192 are taken`},
		{func(v *render.Values) { v.Ports = []string{"Gi1/0/\u0661"} }, `port "Gi1/0/\u0661" holds a line break, a control character or one outside ASCII; no name does`},
		{func(v *render.Values) { v.Ports = []string{strings.Repeat("x", 65)} }, `port "` + strings.Repeat("x", 40) + `..." has 65 characters; at most 64 are taken`},
		{func(v *render.Values) { v.Ports = make([]string, platform.MaxPorts+1) }, "513 ports; at most 512 are rendered at once"},
		{func(v *render.Values) { v.VRF = "blue\rarp" }, `VRF "blue\rarp" holds a line break, a control character or one outside ASCII; no name does`},
		{func(v *render.Values) { v.VRF = "blue red" }, `"blue red" is no vrf name on cisco-ios; write it like blue`},
		{func(v *render.Values) { v.VRF = "a?" }, `"a?" is no vrf name on cisco-ios; write it like blue`},
		{func(v *render.Values) { v.SVI = "Vlan20\x00" }, `SVI "Vlan20\x00" holds a line break, a control character or one outside ASCII; no name does`},
		{func(v *render.Values) { v.Set = map[string]string{"vlan": "20"} }, `value "vlan" has a field of its own`},
		{func(v *render.Values) { v.Set = map[string]string{"tenant": "a\x1b[2J"} }, `"tenant" "a\x1b[2J" holds a line break, a control character or one outside ASCII; no name does`},
	}
	for _, tt := range tests {
		v := good()
		tt.change(&v)
		c, err := render.Sections(templatestest.Lookup(t, "cisco-ios"), v, platform.Both, platform.Sections(), render.Options{})
		if tt.want == "" && err == nil {
			continue // the near miss
		}
		if err == nil || err.Error() != tt.want || c != nil {
			t.Errorf("got %v, %d configs\nwant %s", err, len(c), tt.want)
		}
	}
	v := good()
	v.Set = map[string]string{"querier": "239.0.0.1"}
	v.MAC, v.Ports = templatestest.IGMPMAC, nil
	if _, err := render.Sections(templatestest.Lookup(t, "cisco-nxos"), v, platform.L2, []platform.Section{platform.Configure}, render.Options{}); err == nil || err.Error() != "querier 239.0.0.1 is not an IPv4 unicast address" {
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
	v := render.Values{VIPs: templatestest.VIPs("192.0.2.100"), MAC: templatestest.MulticastMAC, VLAN: 20, Ports: []string{"Gi1/0/1"}}
	if got := text(t, templatestest.Lookup(t, "cisco-nxos"), v, platform.L3, platform.Configure); !strings.Contains(got, "ip arp 192.0.2.100 03bf.c000.0264\n") {
		t.Errorf("no ARP line in\n%s", got)
	}
	if _, err := render.Sections(templatestest.Lookup(t, "cisco-nxos"), v, platform.L2, []platform.Section{platform.Configure}, render.Options{}); err == nil {
		t.Error("NX-OS took Gi1/0/1 for a port")
	}
}

func TestModeOf(t *testing.T) {
	for _, tt := range []struct {
		mac  string
		vips []netip.Addr
		want platform.Mode
	}{
		{"03:bf:c0:00:02:64", nil, platform.Multicast},
		{"03:00:5e:11:11:11", nil, platform.Multicast},
		{"01:00:5e:7f:02:64", nil, platform.IGMP},
		{"01:00:5e:7f:02:64", templatestest.VIPs("192.0.2.100"), platform.IGMP},
		{"01:00:5e:7f:02:64", templatestest.VIPs("192.0.2.99", "192.0.2.100"), platform.IGMP}, // a secondary VIP and the primary one
		{"01:00:5e:7f:02:64", templatestest.VIPs("192.0.2.99"), platform.Multicast},
		{"01:00:5e:7f:02:64", templatestest.VIPs("192.0.3.100"), platform.Multicast},
		{"01:00:5e:00:02:64", templatestest.VIPs("192.0.2.100"), platform.Multicast}, // a pair of firewalls
		{"01:00:5e:00:01:05", nil, platform.Multicast},                               // CARP
		{"01:00:5f:7f:02:64", nil, platform.Multicast},
		{"02:bf:c0:00:02:64", nil, platform.Unicast},
		{"00:bf:c0:00:02:64", nil, platform.Unicast},
	} {
		m, err := mac.Parse(tt.mac)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := render.ModeOf(m, tt.vips...); got != tt.want || err != nil {
			t.Errorf("%s for %v: %s, %v", tt.mac, tt.vips, got, err)
		}
	}
	if _, err := render.ModeOf(mac.Addr{0x02, 0x01, 192, 0, 2, 100}); err == nil {
		t.Error("a unicast MAC has a mode")
	} else if _, ok := errors.AsType[*render.NotNeededError](err); !ok {
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
			_, err := render.Sections(templatestest.Lookup(t, p), render.Values{VIPs: templatestest.VIPs("192.0.2.100"), MAC: m}, platform.Both, platform.Sections(), render.Options{})
			if _, ok := errors.AsType[*render.ReservedError](err); !ok || !strings.Contains(err.Error(), says) || !strings.Contains(err.Error(), m.String()) || strings.Contains(err.Error(), "\n") {
				t.Errorf("%s on %s: %v", s, p, err)
			}
		}
	}
}

// TestIPMACs: a MAC of 01-00-5e that is not IGMP mode's gets no line or word for
// IGMP mode on any platform, and what the platform has for others.
func TestIPMACs(t *testing.T) {
	all := templatestest.All(t)
	igmp := regexp.MustCompile(`(?i)igmp|querier|239\.|<GROUP>|multicast active|mdb add|ip multicast`)
	own := 0 // platforms with lines of their own for IGMP mode
	for _, p := range all {
		if !slices.ContainsFunc(p.Configure, func(l platform.Line) bool { return l.Mode == platform.IGMP }) {
			continue
		}
		own++
		v := templatestest.Sample(p, templatestest.FirewallMAC)
		delete(v.Set, "group")
		for _, role := range []platform.Role{platform.Both, platform.L3, platform.L2} {
			render := func() []string {
				c, err := render.Sections(p, v, role, []platform.Section{platform.Configure}, render.Options{})
				if err != nil {
					t.Fatalf("%s: %v", p.Name, err)
				}
				if strings.Contains(c[0].Text, "IGMPv1") || strings.Contains(c[0].Text, "<GROUP>") {
					t.Errorf("%s:%s speaks of a group:\n%s", p.Name, role, c[0].Text)
				}
				return templatestest.Devices(c[0])
			}
			got := render()
			for _, line := range got {
				if igmp.MatchString(line) {
					t.Errorf("%s:%s: %q", p.Name, role, line)
				}
			}
			if role == platform.Both && len(got) == 0 && p.Name != "cisco-catos" {
				t.Errorf("%s: no line at all", p.Name)
			}
		}
		// The signs of IGMP mode: known to the caller, or a group of the MAC given.
		signs := map[string]func(*render.Values){"mode": func(v *render.Values) { v.Mode = platform.IGMP }, "reported": func(v *render.Values) { v.Mode, v.Group = platform.IGMP, netip.MustParseAddr("224.0.2.100") }}
		if _, ok := p.Value("group"); ok {
			signs["given"] = func(v *render.Values) { v.Set["group"] = "224.0.2.100" }
		}
		for sign, change := range signs {
			v := templatestest.Sample(p, templatestest.FirewallMAC)
			delete(v.Set, "group")
			change(&v)
			r, err := render.New(p, v, platform.Both)
			if err != nil || r.Mode() != platform.IGMP {
				t.Errorf("%s, %s: mode %v, %v", p.Name, sign, r.Mode(), err)
			}
			c, err := r.Section(platform.Configure)
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
	all := templatestest.All(t)
	entered := 0
	for _, p := range all {
		v := templatestest.Sample(p, templatestest.UnicastMAC)
		plain, err := render.Sections(p, v, platform.L3, platform.Sections(), render.Options{})
		if err != nil {
			t.Fatal(err)
		}
		v.Refused = true
		c, err := render.Sections(p, v, platform.L3, platform.Sections(), render.Options{})
		if err != nil {
			t.Fatal(err)
		}
		before, after := templatestest.Devices(plain[0]), templatestest.Devices(c[0])
		if strings.Contains(strings.Join(after, "\n"), "multicast-mac") || len(after) < len(before) {
			t.Errorf("%s: %q", p.Name, after)
		}
		names := strings.Contains(strings.Join(after, "\n"), v.VIPs[1].String())
		switch {
		case names:
			entered++
			if len(templatestest.Devices(c[2])) == 0 {
				t.Errorf("%s: nothing takes back\n%s", p.Name, c[0].Text)
			}
		case len(after) == 0 && !strings.Contains(c[0].Text+strings.Join(c[0].Notes, " "), "What cures it is a static"):
			t.Errorf("%s: neither a line nor advice:\n%s", p.Name, c[0].Text)
		}
		if l2, err := render.Sections(p, v, platform.L2, []platform.Section{platform.Configure}, render.Options{}); err != nil {
			t.Errorf("%s: %v", p.Name, err)
		} else if v.Refused = false; true {
			plain, err := render.Sections(p, v, platform.L2, []platform.Section{platform.Configure}, render.Options{})
			if err != nil || !slices.Equal(templatestest.Devices(l2[0]), templatestest.Devices(plain[0])) {
				t.Errorf("%s: a device that bridges gets %q", p.Name, templatestest.Devices(l2[0]))
			}
		}
	}
	if entered < 35 {
		t.Errorf("%d platforms enter the VIP", entered)
	}
	got := templatestest.Devices(func() render.Config {
		v := render.Values{VIPs: templatestest.VIPs("192.0.2.100"), MAC: templatestest.UnicastMAC, Refused: true}
		c, err := render.Sections(templatestest.Lookup(t, "cisco-ios"), v, platform.Both, []platform.Section{platform.Configure}, render.Options{Strict: true})
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
	v := render.Values{VIPs: templatestest.VIPs("192.0.2.100"), MAC: templatestest.UnicastMAC, VLAN: 20, Ports: []string{"port-channel3"}}
	want := []string{
		"interface Vlan20", "ip arp 192.0.2.100 02bf.c000.0264", "exit",
		"mac address-table static 02bf.c000.0264 vlan 20 interface port-channel3",
	}
	nxos := templatestest.Lookup(t, "cisco-nxos")
	configure := func(p *platform.Platform, v render.Values, role platform.Role) render.Config {
		c, err := render.Sections(p, v, role, []platform.Section{platform.Configure}, render.Options{Strict: true})
		if err != nil {
			t.Fatal(err)
		}
		return c[0]
	}
	if got := templatestest.Devices(configure(nxos, v, platform.Both)); !slices.Equal(got, want) {
		t.Errorf("one port: %q, want %q", got, want)
	}
	v.Ports = append(v.Ports, "port-channel4") // a unicast entry names one port
	if got := templatestest.Devices(configure(nxos, v, platform.Both)); !slices.Equal(got, want[:3]) {
		t.Errorf("two ports: %q, want %q", got, want[:3])
	}
	v.MAC = mac.Addr{0x02, 0x11, 0x22, 0x33, 0x44, 0x55}
	if _, err := render.Sections(nxos, v, platform.Both, platform.Sections(), render.Options{}); err == nil {
		t.Error("an ordinary unicast MAC was taken for a cluster's")
	}
	v.Mode = platform.Unicast
	if got := templatestest.Devices(configure(nxos, v, platform.L3)); len(got) != 3 || got[1] != "ip arp 192.0.2.100 0211.2233.4455" {
		t.Errorf("a cluster's own unicast MAC: %q", got)
	}
	v.MAC = mac.Broadcast
	if _, err := render.Sections(nxos, v, platform.Both, platform.Sections(), render.Options{}); err == nil {
		t.Error("the broadcast address was taken for a cluster's")
	}

	v = render.Values{VIPs: templatestest.VIPs("192.0.2.100"), MAC: templatestest.UnicastMAC}
	for role, words := range map[platform.Role]string{platform.L3: "No static ARP", platform.L2: "VLAN of its own"} {
		c := configure(templatestest.Lookup(t, "cisco-ios"), v, role)
		if got := templatestest.Devices(c); len(got) != 0 || !strings.Contains(c.Text, words) || c.Confidence != platform.Vendor {
			t.Errorf("%s: %q, confidence %s in\n%s", role, got, c.Confidence, c.Text)
		}
	}
}

func BenchmarkLoadLookupRender(b *testing.B) {
	v := render.Values{VIPs: templatestest.VIPs("192.0.2.100"), MAC: templatestest.MulticastMAC, VLAN: 20, Ports: []string{"Gi1/0/1", "Gi1/0/2"}}
	for b.Loop() {
		s := templates.Load()
		p, err := s.Lookup("cisco-ios")
		if err != nil {
			b.Fatal(err)
		}
		if _, err := render.Sections(p, v, platform.Both, []platform.Section{platform.Configure}, render.Options{}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkRender(b *testing.B) {
	p := templatestest.Lookup(b, "cisco-ios")
	v := render.Values{VIPs: templatestest.VIPs("192.0.2.100"), MAC: templatestest.MulticastMAC, VLAN: 20, Ports: []string{"Gi1/0/1", "Gi1/0/2"}}
	for b.Loop() {
		if _, err := render.Sections(p, v, platform.Both, platform.Sections(), render.Options{}); err != nil {
			b.Fatal(err)
		}
	}
}

// TestFewerPorts: where a further command would replace the first, too many
// ports are an error; where one port alone does not fit, too.
func TestFewerPorts(t *testing.T) {
	v := render.Values{VIPs: templatestest.VIPs("192.0.2.100"), MAC: templatestest.MulticastMAC, VLAN: 20, Set: map[string]string{"vlan-name": "web"}}
	for i := range 5 {
		v.Ports = append(v.Ports, fmt.Sprintf("ethernet 1/%d", i+1))
	}
	_, err := render.Sections(acme(t, "split: true", "split: false"), v, platform.L2, []platform.Section{platform.Configure}, render.Options{})
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
	if got := text(t, narrow, v, platform.L2, platform.Configure); got != want {
		t.Errorf("lines of 70 characters: got\n%s\nwant\n%s", got, want)
	}
	v.Set["vlan-name"] = strings.Repeat("w", 40)
	_, err = render.Sections(narrow, v, platform.L2, []platform.Section{platform.Configure}, render.Options{})
	if err == nil || err.Error() != "acme-os takes lines of at most 70 characters and one would have 80" {
		t.Errorf("one port in a long line: %v", err)
	}
}

// TestSpaces: a file whose pattern happens to take a space admits none by that.
// What stands behind one could be another word of the command.
func TestSpaces(t *testing.T) {
	v := render.Values{VIPs: templatestest.VIPs("192.0.2.100"), MAC: templatestest.MulticastMAC, VLAN: 20, Ports: []string{"ethernet 1/1"}, Set: map[string]string{"vlan-name": "web farm"}}
	const pattern, wide = `pattern: "[a-z]+"`, `pattern: "[a-z ]+"`
	_, err := render.Sections(acme(t, pattern, wide), v, platform.L2, []platform.Section{platform.Configure}, render.Options{})
	if err == nil || err.Error() != `"web farm" is no vlan-name name on acme-os; write it like web` {
		t.Errorf("%v", err)
	}
	if _, err := render.Sections(acme(t, pattern, wide+"\n    spaces: true"), v, platform.L2, []platform.Section{platform.Configure}, render.Options{}); err != nil {
		t.Errorf("a value that may have spaces: %v", err)
	}
}

// TestConfidence: a platform is as sure as the weakest line that it renders
// for a multicast-mode cluster, or as its notes where it renders none.
func TestConfidence(t *testing.T) {
	for name, want := range map[string]platform.Confidence{
		"cisco-ios": platform.Vendor, "cisco-catos": platform.Field, "cisco-nxos": platform.Unverified, "cisco-iosxr": platform.Unverified, "cisco-aci": platform.Vendor,
	} {
		if got := templatestest.Lookup(t, name).Confidence(); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
	advice := &platform.Platform{Notes: []platform.Note{{Confidence: platform.Refused}, {Confidence: platform.Field}, {Confidence: platform.Vendor}}}
	if got := advice.Confidence(); got != platform.Field {
		t.Errorf("a platform of notes: %s", got)
	}
}
