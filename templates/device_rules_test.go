package templates

import (
	"slices"
	"strings"
	"testing"

	"github.com/nlbprobe/nlbprobe/mac"
	"github.com/nlbprobe/nlbprobe/templates/platform"
	"github.com/nlbprobe/nlbprobe/templates/reading"
	"github.com/nlbprobe/nlbprobe/templates/render"
	"github.com/nlbprobe/nlbprobe/templates/templatestest"
	"github.com/nlbprobe/nlbprobe/templates/vet"
)

// TestDeviceRules holds what is printed to what is known of the device: by
// section, what must be there, in this order, and what must not.
func TestDeviceRules(t *testing.T) {
	tests := []struct {
		name     string
		platform string
		mac      mac.Addr
		role     platform.Role
		ports    []string // instead of the platform's examples
		section  platform.Section
		want     []string // parts of the section, one after the other
		never    []string
	}{
		// vSphere 7 Security, MAC Address Changes: with Reject the port of a node that
		// changed its MAC is disabled.
		{"vSphere takes the changed MAC", "vmware-vsphere", templatestest.UnicastMAC, platform.L2, nil, platform.Configure,
			[]string{"--notify-switches=false", "policy security set", "--allow-forged-transmits=true --allow-mac-change=true"}, nil},
		{"vSphere shows it", "vmware-vsphere", templatestest.UnicastMAC, platform.L2, nil, platform.Verify, []string{"policy failover get", "policy security get", "Allow MAC Address Change: true"}, nil},
		{"vSphere gives the port group back", "vmware-vsphere", templatestest.UnicastMAC, platform.L2, nil, platform.Remove,
			[]string{"policy security set", "--use-vswitch", "policy failover set", "--use-vswitch"}, []string{"=true", "=false", "stays:"}},
		{"vSphere in multicast mode", "vmware-vsphere", templatestest.MulticastMAC, platform.L2, nil, platform.Configure, []string{"--notify-switches=true"}, []string{"allow-mac-change"}},
		// S4048T-ON command reference, page 984: a port of the static MAC entry, which so stands first.
		{"OS9 names a port of the MAC entry", "dell-os9", templatestest.MulticastMAC, platform.Both, []string{"TenGigabitEthernet 0/4", "TenGigabitEthernet 0/9"}, platform.Configure,
			[]string{"mac-address-table static", "TenGigabitEthernet 0/4,TenGigabitEthernet 0/9\n", "arp 192.0.2.100 03:bf:c0:00:02:64 TenGigabitEthernet 0/4\n", "arp 192.0.2.101 03:bf:c0:00:02:64 TenGigabitEthernet 0/4\n"}, []string{"64 vlan 20\n"}},
		{"OS9 that routes only needs the MAC entry too", "dell-os9", templatestest.MulticastMAC, platform.L3, []string{"TenGigabitEthernet 0/4"}, platform.Configure,
			[]string{"mac-address-table static", "arp 192.0.2.100 03:bf:c0:00:02:64 TenGigabitEthernet 0/4\n"}, nil},
		{"OS9 takes the ARP entry back first", "dell-os9", templatestest.MulticastMAC, platform.Both, nil, platform.Remove, []string{"no arp 192.0.2.100", "no mac-address-table static"}, nil},
		{"OS9 in IGMP mode has no port to name", "dell-os9", templatestest.IGMPMAC, platform.L3, nil, platform.Configure, []string{"No ARP line is given"}, []string{"\narp "}},
		{"OS9 that bridges says that snooping is global", "dell-os9", templatestest.IGMPMAC, platform.L2, nil, platform.Configure, []string{"holds for the whole device", "makes no querier", "\nip igmp snooping enable\n"}, nil},
		// A querier of the classic switches holds for every VLAN.
		{"IOS says that its querier is global", "cisco-ios", templatestest.IGMPMAC, platform.L2, nil, platform.Configure, []string{"holds for the whole device", "ip igmp snooping vlan N querier", "\nip igmp snooping querier\n"}, nil},
		// The lines stand under the SVI, which a switch that only bridges would get by them.
		{"Catalyst 6500 that bridges gets no SVI", "cisco-catalyst-6500", templatestest.IGMPMAC, platform.L2, nil, platform.Configure, []string{"would make an SVI"}, []string{"\ninterface", "\n ip igmp"}},
		{"Catalyst 6500 that routes has one", "cisco-catalyst-6500", templatestest.IGMPMAC, platform.Both, nil, platform.Configure, []string{"\ninterface Vlan20\n", "\n ip igmp snooping querier\n"}, []string{"would make an SVI"}},
		// A LAG stands behind a word of its own, and one line takes the entry back.
		{"Cisco Business with a LAG", "cisco-cbs", templatestest.MulticastMAC, platform.L2, []string{"gi1", "po3", "LAG4"}, platform.Configure,
			[]string{" add ethernet gi1\n", " add port-channel 3,4\n"}, nil},
		{"Cisco Business with a LAG alone", "cisco-cbs", templatestest.MulticastMAC, platform.L2, []string{"port-channel 1"}, platform.Configure, []string{" add port-channel 1\n"}, []string{"add ethernet"}},
		{"Cisco Business takes both back", "cisco-cbs", templatestest.MulticastMAC, platform.L2, []string{"gi1", "Po3"}, platform.Remove, []string{" no bridge multicast address 03:bf:c0:00:02:64\n"}, nil},
		// Extreme Switch Engine 32.2: routed packets go to the first port of the list.
		{"EXOS that routes gets no entry", "extreme-exos", templatestest.UnicastMAC, platform.Both, nil, platform.Configure, []string{"first port of the", "only"}, []string{"\ncreate fdb"}},
		{"EXOS that routes alone neither", "extreme-exos", templatestest.UnicastMAC, platform.L3, nil, platform.Configure, []string{"first port of the"}, []string{"\ncreate fdb"}},
		{"EXOS that bridges does, with the limit", "extreme-exos", templatestest.UnicastMAC, platform.L2, nil, platform.Configure, []string{"does not route", "\ncreate fdb 02:bf:c0:00:02:64 "}, nil},
		{"EXOS in multicast mode", "extreme-exos", templatestest.MulticastMAC, platform.Both, nil, platform.Configure, []string{"\ncreate fdb 03:bf:c0:00:02:64 "}, nil},
		// Huawei command reference: VLAN view, by IP by default, only while snooping is off there.
		{"Huawei sets the forwarding mode before snooping", "huawei-vrp", templatestest.IGMPMAC, platform.L2, nil, platform.Configure,
			[]string{"is by IP unless it is set", "\nvlan 20\n", "unverified", "l2-multicast forwarding-mode mac\n", " igmp-snooping enable\n"}, nil},
		{"Huawei in multicast mode", "huawei-vrp", templatestest.MulticastMAC, platform.L2, nil, platform.Configure, []string{"mac-address multiport"}, []string{"forwarding-mode"}},
		{"Huawei with an Eth-Trunk", "huawei-vrp", templatestest.MulticastMAC, platform.L2, []string{"Eth-Trunk2"}, platform.Configure,
			[]string{"holds for the whole device", "# unverified", "\nunknown-unicast load-balance enhanced\n"}, nil},
		{"Huawei without one", "huawei-vrp", templatestest.MulticastMAC, platform.L2, []string{"GigabitEthernet0/0/7"}, platform.Configure, []string{"mac-address multiport"}, []string{"load-balance"}},
		{"Huawei leaves the load balance", "huawei-vrp", templatestest.MulticastMAC, platform.L2, []string{"Eth-Trunk2"}, platform.Remove, []string{"stays: unknown-unicast"}, []string{"\nundo unknown-unicast"}},
		// The prefix is committed with the path.
		{"Junos says what the prefix does", "juniper-junos", templatestest.MulticastMAC, platform.L3, nil, platform.Configure, []string{"is added to it by the commit"}, nil},
		{"EX says it", "juniper-ex", templatestest.MulticastMAC, platform.L3, nil, platform.Configure, []string{"is added to it by the commit"}, nil},
		{"SRX says it", "juniper-srx", templatestest.MulticastMAC, platform.L3, nil, platform.Configure, []string{"is added to it by the commit"}, nil},
		// Found in the vendors' own words.
		{"D-Link's ARP entry", "dlink", templatestest.MulticastMAC, platform.L3, nil, platform.Configure, []string{"\ncreate arpentry 192.0.2.100 03-bf-c0-00-02-64\n"}, []string{"unverified"}},
		{"Hyper-V's spoofing", "microsoft-hyperv", templatestest.UnicastMAC, platform.L2, nil, platform.Configure, []string{"-MacAddressSpoofing On\n"}, []string{"unverified"}},
		{"Lenovo has one entry, on the router", "lenovo-enos", templatestest.MulticastMAC, platform.Both, nil, platform.Configure, []string{"at most 20 entries", "mac-address-table multicast 03:bf:c0:00:02:64 20 ", "ip arp 192.0.2.100 03:bf:c0:00:02:64 vlan 20\n"}, nil},
		{"Lenovo that bridges has none", "lenovo-enos", templatestest.MulticastMAC, platform.L2, nil, platform.Configure, []string{"says not to make the entry there"}, []string{"\nip arp", "\nmac-address-table"}},
		{"Nexus 1000V does not bind the MAC", "nexus-1000v", templatestest.UnicastMAC, platform.L2, nil, platform.Configure, []string{"private VLAN", "sticky", "end-host mode", "\nport-profile type vethernet ", "\n  no mac auto-static-learn\n"}, nil},
		{"pfSense believes the reply", "pfsense", templatestest.MulticastMAC, platform.L3, nil, platform.Configure, []string{"whole", "\nsysctl net.link.ether.inet.allow_multicast=1\n"}, []string{"unverified"}},
		{"OPNsense by inference", "opnsense", templatestest.IGMPMAC, platform.L3, nil, platform.Configure, []string{"unverified", "inferred", "\nsysctl net.link.ether.inet.allow_multicast=1\n"}, nil},
		{"VPP in unicast mode", "vpp", templatestest.UnicastMAC, platform.L3, nil, platform.Configure, []string{"36808", "\nvppctl set ip neighbor static GigabitEthernet2/0/0.20 192.0.2.100 02:bf:c0:00:02:64\n"}, nil},
		{"3Com in unicast mode", "3com", templatestest.UnicastMAC, platform.L2, nil, platform.Configure, []string{"every other switch", "mac-address static"}, []string{"\nmac-address"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := lookup(t, tt.platform)
			v := templatestest.Sample(p, tt.mac)
			if tt.ports != nil {
				v.Ports = tt.ports
			}
			c, err := render.Sections(p, v, tt.role, []platform.Section{tt.section}, render.Options{Strict: true})
			if err != nil {
				t.Fatal(err)
			}
			rest := "\n" + c[0].Text
			for _, part := range tt.want {
				i := strings.Index(rest, part)
				if i < 0 {
					// A comment is broken where its line is full.
					joined := strings.ReplaceAll(rest, "\n"+strings.TrimSpace(c[0].Comment)+" ", " ")
					if i = strings.Index(joined, part); i < 0 {
						t.Fatalf("no %q, or not behind what stands before it in the list, in\n%s", part, c[0].Text)
					}
					continue
				}
				rest = rest[i+len(strings.TrimSuffix(part, "\n")):]
			}
			for _, part := range tt.never {
				if strings.Contains("\n"+c[0].Text, part) {
					t.Errorf("%q in\n%s", part, c[0].Text)
				}
			}
		})
	}
}

// TestNamesOfPlatforms: the names by which people ask for what was added.
func TestNamesOfPlatforms(t *testing.T) {
	for want, names := range map[string][]string{
		"lenovo-enos":       {"lenovo", "rackswitch", "g8264", "ne2552e", "cn4093"},
		"cisco-nexus-1000v": {"nexus-1000v"},
		"cisco-nxos":        {"cisco-nexus-9000", "cisco-nexus-7000"},
		"hpe-comware-5":     {"3com", "3com-5500"},
		"pfsense":           {"netgate-pfsense"},
		"opnsense":          {"opn-sense"},
		"frr":               {"frrouting", "vtysh"},
		"vpp":               {"fdio"},
	} {
		for _, name := range append(names, want) {
			if p := lookup(t, name); p.Name != want {
				t.Errorf("%s is %s, want %s", name, p.Name, want)
			}
		}
	}
	notes := ""
	for _, n := range lookup(t, "cisco-nexus-9000").Notes {
		notes += n.Text + "\n"
	}
	for _, part := range []string{"hardware profile multicast nlb", "chapter of its own on NLB", "UCS fabric interconnects in end-host mode"} {
		if !strings.Contains(notes, part) {
			t.Errorf("the notes on Nexus 9000 do not say %q", part)
		}
	}
}

// TestPortKinds: a line for aggregates names them alone, by what its pattern
// says, and one for physical ports the others; where both make one entry it is
// taken back once, and a difference reads both.
func TestPortKinds(t *testing.T) {
	const text = `name: lag-os
title: LAG OS
accepts:
  static-arp: {does: "no", confidence: unverified, source: [s]}
  multi-port-mac: {does: "yes", confidence: unverified, source: [s]}
  igmp-mode: {does: "no", confidence: unverified, source: [s]}
  accept-reply: {does: "no", confidence: unverified, source: [s]}
  ipv6: {does: "no", confidence: unverified, source: [s]}
spelling: {mac: colon, comment: "! ", ports: {join: ",", lag: "(?i:po|port-channel )([0-9]+)"}}
values:
  - {name: port, pattern: "gi[0-9]+|Po[0-9]+", examples: [gi1, Po2], find: look}
configure:
  - {line: "group {{.MAC}} add ethernet {{.Ports}}", undo: "no group {{.MAC}}", ports: physical, confidence: vendor, source: [s]}
  - {line: "group {{.MAC}} add port-channel {{.Ports}}", undo: "no group {{.MAC}}", ports: lag, confidence: vendor, source: [s]}
verify:
  - {line: show group, expect: all, confidence: vendor, source: [s]}
sources: {s: a source}
`
	p, err := vet.Parse("lag-os.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	const m = "group 03:bf:c0:00:02:64"
	for _, tt := range []struct {
		ports        []string
		lines        []string
		more, differ []string // with further ports, what the difference enters: what takes one line back takes the other too
	}{
		{[]string{"gi1", "Po2", "gi3", "Po4"}, []string{m + " add ethernet gi1,gi3", m + " add port-channel 2,4"}, []string{"Po5"}, []string{"no " + m, m + " add ethernet gi1,gi3", m + " add port-channel 2,4,5"}},
		{[]string{"Po2"}, []string{m + " add port-channel 2"}, []string{"gi1"}, []string{m + " add ethernet gi1"}},
		{[]string{"gi1"}, []string{m + " add ethernet gi1"}, []string{"gi2", "Po1"}, []string{"no " + m, m + " add ethernet gi1,gi2", m + " add port-channel 1"}},
		{nil, []string{m + " add ethernet <MEMBER-PORTS>"}, nil, nil},
	} {
		v := render.Values{VIPs: templatestest.VIPs("192.0.2.100"), MAC: templatestest.MulticastMAC, Ports: tt.ports}
		c, err := render.Sections(p, v, platform.L2, []platform.Section{platform.Configure, platform.Remove}, render.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if got := templatestest.Devices(c[0]); !slices.Equal(got, tt.lines) {
			t.Errorf("%v: %q, want %q", tt.ports, got, tt.lines)
		}
		if got := templatestest.Devices(c[1]); !slices.Equal(got, []string{"no " + m}) {
			t.Errorf("%v: removed by %q", tt.ports, got)
		}
		if tt.more == nil {
			continue
		}
		old := reading.Old{Name: "old", Text: []byte(c[0].Text)}
		if d, err := reading.Diff(p, v, platform.L2, old); err != nil || len(templatestest.Devices(d)) > 0 {
			t.Errorf("%v: the difference with itself: %q, %v", tt.ports, templatestest.Devices(d), err)
		}
		v.Ports = append(slices.Clone(tt.ports), tt.more...)
		d, err := reading.Diff(p, v, platform.L2, old)
		if err != nil {
			t.Fatal(err)
		}
		if got := templatestest.Devices(d); !slices.Equal(got, tt.differ) {
			t.Errorf("%v and %v: the difference is %q, want %q", tt.ports, tt.more, got, tt.differ)
		}
	}
}
