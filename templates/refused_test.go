package templates

import (
	"strings"
	"testing"

	"github.com/nlbprobe/nlbprobe/mac"
	"github.com/nlbprobe/nlbprobe/templates/platform"
	"github.com/nlbprobe/nlbprobe/templates/render"
	"github.com/nlbprobe/nlbprobe/templates/templatestest"
)

// TestRefused holds what a platform is known to refuse, or to need first, to
// the lines that are rendered for it.
func TestRefused(t *testing.T) {
	tests := []struct {
		platform string
		mac      mac.Addr
		role     platform.Role
		never    []string // no line of the configure section holds these
		first    string   // how the first line begins; "none" for advice without lines
	}{
		// Junos takes a group MAC in an ARP entry by multicast-mac only, and in no MAC-table entry.
		{"juniper-ex", templatestest.MulticastMAC, platform.Both, []string{" mac 0", "ethernet-switching-options", "publish"}, "set interfaces vlan unit 20 family inet address 192.0.2.1/24 arp 192.0.2.100 multicast-mac "},
		{"juniper-junos", templatestest.MulticastMAC, platform.Both, []string{" mac 0", "static-mac", "publish"}, "set interfaces irb unit 20 family inet address 192.0.2.1/24 arp 192.0.2.100 multicast-mac "},
		{"juniper-srx", templatestest.MulticastMAC, platform.Both, []string{" mac 0", "static-mac", "publish"}, "set interfaces irb unit 20 family inet address 192.0.2.1/24 arp 192.0.2.100 multicast-mac "},
		{"juniper-ex", templatestest.MulticastMAC, platform.L2, nil, "none"},
		{"juniper-junos", templatestest.MulticastMAC, platform.L2, nil, "none"},
		// Comware takes no ARP entry with a group MAC while the check is on, and no static MAC entry for 0100-5E.
		{"hpe-comware", templatestest.MulticastMAC, platform.L3, []string{"mac-address multiport"}, "undo arp check enable"},
		{"hpe-comware-5", templatestest.MulticastMAC, platform.L3, []string{"arp multiport", "mac-address multiport"}, "undo arp check enable"},
		{"hpe-comware", templatestest.IGMPMAC, platform.Both, []string{"mac-address", "arp multiport"}, "undo arp check enable"},
		{"hpe-comware-5", templatestest.IGMPMAC, platform.Both, []string{"mac-address", "arp static"}, "undo arp check enable"},
		// The knob of AOS-S is for 01-00-5E, and AOS-CX has IGMP mode only.
		{"hpe-procurve", templatestest.MulticastMAC, platform.Both, nil, "none"},
		{"hpe-procurve", templatestest.IGMPMAC, platform.L3, []string{"static"}, "ip arp-mcast-replies"},
		{"aruba-cx", templatestest.MulticastMAC, platform.Both, nil, "none"},
		{"aruba-cx", templatestest.IGMPMAC, platform.Both, []string{"static-mac", "static-group"}, "interface vlan 20"},
		// mac-address static of Huawei refuses a group MAC.
		{"huawei-vrp", templatestest.MulticastMAC, platform.L2, []string{"mac-address static", "mac-address multicast"}, "interface GigabitEthernet0/0/7"},
		// Snooping goes before a static entry for 01-00-5E on EXOS.
		{"extreme-exos", templatestest.IGMPMAC, platform.L2, nil, "none"},
		// VOSS needs no static ARP, and its NLB modes are unicast and multicast.
		{"extreme-voss", templatestest.MulticastMAC, platform.Both, []string{"arp"}, "interface vlan 20"},
		{"extreme-voss", templatestest.IGMPMAC, platform.Both, nil, "none"},
		// The flooding of OS9 is for unicast mode and holds for every VLAN.
		{"dell-os9", templatestest.MulticastMAC, platform.Both, []string{"vlan-flooding", " vlan 20 arp"}, "mac-address-table static "},
		{"dell-os9", templatestest.IGMPMAC, platform.Both, nil, "none"},
		{"dell-os9", templatestest.IGMPMAC, platform.L2, []string{"arp ", "mac-address-table"}, "ip igmp snooping enable"},
		{"dell-os9", templatestest.UnicastMAC, platform.Both, []string{"arp "}, "ip vlan-flooding"},
		{"dell-os9", templatestest.UnicastMAC, platform.L2, nil, "none"},
		// Several ports of a unicast MAC: a command of its own on Comware, the same one on Huawei, one slot on EXOS.
		{"hpe-comware", templatestest.UnicastMAC, platform.Both, []string{"mac-address multicast", "arp check"}, "mac-address multiport "},
		{"hpe-comware", templatestest.UnicastMAC, platform.L2, []string{"arp multiport"}, "mac-address multiport "},
		{"hpe-comware-5", templatestest.UnicastMAC, platform.Both, nil, "none"},
		{"huawei-vrp", templatestest.UnicastMAC, platform.L2, []string{"mac-address static", "arp static"}, "interface GigabitEthernet0/0/7"},
		{"huawei-vrp", templatestest.UnicastMAC, platform.L3, []string{"mac-address"}, "arp static 192.0.2.100 "},
		// EXOS sends what it routes to the first of several ports alone.
		{"extreme-exos", templatestest.UnicastMAC, platform.Both, nil, "none"},
		{"extreme-exos", templatestest.UnicastMAC, platform.L3, nil, "none"},
		{"extreme-exos", templatestest.UnicastMAC, platform.L2, []string{"iparp"}, "create fdb "},
		{"extreme-voss", templatestest.UnicastMAC, platform.Both, []string{"arp"}, "interface vlan 20"},
	}
	for _, tt := range tests {
		p := templatestest.Lookup(t, tt.platform)
		c, err := render.Sections(p, templatestest.Sample(p, tt.mac), tt.role, []platform.Section{platform.Configure}, render.Options{})
		if err != nil {
			t.Errorf("%s:%s: %v", tt.platform, tt.role, err)
			continue
		}
		lines := templatestest.Devices(c[0])
		switch {
		case tt.first == "none" && len(lines) > 0:
			t.Errorf("%s:%s %s: lines where there is advice only: %q", tt.platform, tt.role, tt.mac, lines)
		case tt.first == "none":
			if strings.Count(c[0].Text, "\n") < 2 {
				t.Errorf("%s:%s %s: neither lines nor advice:\n%s", tt.platform, tt.role, tt.mac, c[0].Text)
			}
		case len(lines) == 0 || !strings.HasPrefix(lines[0], tt.first):
			t.Errorf("%s:%s %s: the lines %q do not begin with %q", tt.platform, tt.role, tt.mac, lines, tt.first)
		}
		for _, line := range lines {
			for _, bad := range tt.never {
				if strings.Contains(line, bad) {
					t.Errorf("%s:%s %s: %q has %q, which the device refuses", tt.platform, tt.role, tt.mac, line, bad)
				}
			}
		}
	}
}
