package reading

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/nlbprobe/nlbprobe/goldentest"
	"github.com/nlbprobe/nlbprobe/mac"
	"github.com/nlbprobe/nlbprobe/templates/platform"
	"github.com/nlbprobe/nlbprobe/templates/render"
	"github.com/nlbprobe/nlbprobe/templates/templatestest"
)

// canCompare reports whether a platform's lines can be compared at all.
func canCompare(p *platform.Platform) bool {
	return len(p.Configure) > 0 && !slices.Contains(p.Spelling.Bare, platform.Configure)
}

// TestDiffWithItself: of every platform, in every mode and role, nothing is to
// do where the lines are there already, whatever else was printed with them.
func TestDiffWithItself(t *testing.T) {
	all := templatestest.All(t)
	compared := 0
	for _, p := range all {
		if !canCompare(p) {
			continue
		}
		patterns, err := patterns(p)
		if err != nil {
			t.Fatal(err)
		}
		for name, tt := range templatestest.Cases(p) {
			if strings.Contains(name, "placeholders") {
				continue
			}
			if decl, ok := p.Value("svi"); ok && tt.V.SVI == "" && decl.Default == "" {
				continue
			}
			configs, err := render.Sections(p, tt.V, tt.Role, platform.Sections(), render.Options{})
			if err != nil {
				t.Fatal(err)
			}
			text := ""
			for _, c := range configs {
				text += c.Text + "\n"
			}
			olds := []string{text, strings.ReplaceAll(configs[0].Text, "\n", " \r\n")}
			named := slices.ContainsFunc(p.Values, func(v platform.Value) bool {
				return !slices.Contains(platform.BuiltinValues[:], v.Name) && v.Kind == ""
			})
			if p.Spelling.Comment == "! " && tt.V.VRF == "" && !named {
				olds = append(olds, strings.ToUpper(configs[0].Text)) // a shell and a name tell capitals apart
			}
			for _, old := range olds {
				c, err := diff(p, patterns, tt.V, tt.Role, Old{Name: "old", Text: []byte(old)})
				if err != nil {
					t.Errorf("%s/%s: %v", p.Name, name, err)
				} else if c.Text != "" || len(c.Notes) > 0 {
					t.Errorf("%s/%s: the diff with itself:\n%s%q\nof:\n%s", p.Name, name, c.Text, c.Notes, old)
				}
				compared++
			}
		}
	}
	if compared < 500 {
		t.Errorf("only %d comparisons", compared)
	}
}

// TestDiffFromNothing: where nothing is there, the lines of the configure
// section are what is missing.
func TestDiffFromNothing(t *testing.T) {
	all := templatestest.All(t)
	for _, p := range all {
		if !canCompare(p) {
			continue
		}
		patterns, err := patterns(p)
		if err != nil {
			t.Fatal(err)
		}
		for name, tt := range templatestest.Cases(p) {
			configs, err := render.Sections(p, tt.V, tt.Role, []platform.Section{platform.Configure}, render.Options{})
			if err != nil {
				t.Fatal(err)
			}
			c, err := diff(p, patterns, tt.V, tt.Role, Old{Name: "old"})
			if _, missing := errors.AsType[*render.MissingError](err); missing != (len(configs[0].Missing) > 0) {
				t.Errorf("%s/%s: %v", p.Name, name, err)
			} else if missing {
				continue
			}
			if got, want := templatestest.Devices(c), templatestest.Devices(configs[0]); err != nil || !slices.Equal(got, want) {
				t.Errorf("%s/%s: %v\n%s\nwant\n%s", p.Name, name, err, strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
			templatestest.CheckRules(t, p, render.Config{Section: platform.Configure, Text: c.Text, Comment: c.Comment})
		}
	}
}

// diffCases are configurations that differ from what is to be, as devices show
// them and as an earlier run printed them.
var diffCases = []struct {
	name     string
	platform string
	role     platform.Role
	change   func(*render.Values) // of sample's, after ports and VIPs are set to two each
	old      string
}{
	{"ios-nothing-there", "cisco-ios", platform.Both, nil, `
hostname core
!
interface Vlan20
 ip address 192.0.2.1 255.255.255.0
!
`},
	{"ios-all-there", "cisco-ios", platform.Both, nil, `
Building configuration...
!
interface Vlan20
 description arp 192.0.2.100 03bf.c000.0264 arpa
!
arp 192.0.2.101 03bf.c000.0264 ARPA
arp 192.0.2.100 03BF.C000.0264 ARPA   ` + `
mac address-table static 03bf.c000.0264 vlan 20 interface GigabitEthernet1/0/12 Gi1/0/11
!
end
`},
	{"ios-port-added", "cisco-ios", platform.Both, func(v *render.Values) { v.Ports = append(v.Ports, "GigabitEthernet2/0/1") }, `
!
arp 192.0.2.100 03bf.c000.0264 ARPA
arp 192.0.2.101 03bf.c000.0264 ARPA
mac address-table static 03bf.c000.0264 vlan 20 interface GigabitEthernet1/0/11 GigabitEthernet1/0/12
!
`},
	{"ios-secondary-vip-added", "cisco-ios", platform.L3, nil, `
arp 192.0.2.100 03bf.c000.0264 ARPA
arp 192.0.2.7 0011.2233.4455 ARPA
`},
	{"ios-vip-gone", "cisco-ios", platform.L3, nil, `
arp 192.0.2.100 03bf.c000.0264 ARPA
arp 192.0.2.101 03bf.c000.0264 ARPA
arp 192.0.2.102 03bf.c000.0264 ARPA
`},
	{"ios-mode-changed", "cisco-ios", platform.Both, func(v *render.Values) { v.MAC = templatestest.IGMPMAC }, `
arp 192.0.2.100 03bf.c000.0264 ARPA
arp 192.0.2.101 03bf.c000.0264 ARPA
arp 192.0.2.9 03bf.c000.0209 ARPA
mac address-table static 03bf.c000.0264 vlan 20 interface GigabitEthernet1/0/11 GigabitEthernet1/0/12
mac address-table static 03bf.c000.0209 vlan 20 interface GigabitEthernet1/0/1
`},
	{"ios-vip-from-another-cluster", "cisco-ios", platform.Both, func(v *render.Values) { v.VIPs = v.VIPs[1:] }, `
arp 192.0.2.101 0300.5e01.0101 ARPA
arp 192.0.2.9 0300.5e01.0101 ARPA
mac address-table static 0300.5e01.0101 vlan 20 interface GigabitEthernet1/0/1
`},
	{"ios-entry-in-two-lines", "cisco-ios", platform.L2, nil, `
mac address-table static 03bf.c000.0264 vlan 20 interface GigabitEthernet1/0/11
mac address-table static 03bf.c000.0264 vlan 20 interface GigabitEthernet1/0/12
`},
	{"os9-undo-names-no-vlan", "dell-os9", platform.L2, nil, `
mac-address-table static 03:bf:c0:00:02:64 multicast vlan 20 output-range TenGigabitEthernet 0/1,Port-channel 10
mac-address-table static 03:bf:c0:00:02:64 multicast vlan 30 output-range TenGigabitEthernet 0/1
`},
	{"ios-vlan-changed", "cisco-ios", platform.L2, nil, `
mac address-table static 03bf.c000.0264 vlan 30 interface GigabitEthernet1/0/11 GigabitEthernet1/0/12
`},
	{"ios-vrf", "cisco-ios", platform.L3, func(v *render.Values) { v.VRF = "blue" }, `
arp 192.0.2.100 0011.2233.4455 ARPA
arp vrf red 192.0.2.101 0011.2233.4455 ARPA
arp vrf blue 192.0.2.101 03bf.c000.0264 ARPA
`},
	{"ios-not-understood", "cisco-ios", platform.Both, nil, `
arp 192.0.2.100 03bf.c000.0264 ARPA alias
arp 192.0.2.101 03bf.c000.0264 ARPA
mac access-list extended nlb
 permit any host 03bf.c000.0264
mac address-table static 03bf.c000.0264 vlan 20 drop
`},
	{"ios-earlier-run", "cisco-ios", platform.Both, func(v *render.Values) { v.Ports = v.Ports[:1] }, `
! configure, in global configuration mode (configure terminal)
! The ARP line belongs on every L3 device with an interface in the cluster's
! VLAN, HSRP and VRRP peers too.
arp 192.0.2.100 03bf.c000.0264 arpa
arp 192.0.2.101 03bf.c000.0264 arpa
mac address-table static 03bf.c000.0264 vlan 20 interface Gi1/0/11 Gi1/0/12

! remove, in global configuration mode (configure terminal)
no mac address-table static 03bf.c000.0264 vlan 20
no arp 192.0.2.100 03bf.c000.0264 arpa
`},
	{"nxos-ports-and-vip", "cisco-nxos", platform.Both, nil, `
vlan configuration 20
  layer-2 multicast lookup mac
mac address-table multicast 03bf.c000.0264 vlan 20 interface Ethernet1/5
mac address-table multicast 03bf.c000.0264 vlan 20 interface Ethernet1/9

interface Vlan20
  no shutdown
  ip address 192.0.2.1/24
  ip arp 192.0.2.100 03BF.C000.0264
interface Vlan30
  ip arp 192.0.2.102 03BF.C000.0264
interface Ethernet1/5
  switchport access vlan 20
`},
	{"nxos-all-there", "cisco-nxos", platform.Both, nil, `
vlan configuration 20
  layer-2 multicast lookup mac
interface vlan 20
  ip arp 192.0.2.101 03bf.c000.0264
  ip arp 192.0.2.100 03bf.c000.0264
mac address-table multicast 03bf.c000.0264 vlan 20 interface Eth1/5
mac address-table multicast 03bf.c000.0264 vlan 20 interface port-channel 12
`},
	{"eos-port-removed", "arista-eos", platform.Both, func(v *render.Values) { v.Ports = v.Ports[:1] }, `
arp 192.0.2.100 03bf.c000.0264 arpa
!
arp 192.0.2.101 03bf.c000.0264 arpa
!
mac address-table static 03bf.c000.0264 vlan 20 interface Ethernet1 Ethernet5/1
`},
	{"xr-vrf-default", "cisco-iosxr", platform.L3, nil, `
!
arp vrf default 192.0.2.100 03bf.c000.0264 ARPA
arp vrf default 192.0.2.105 03bf.c000.0264 ARPA
arp vrf blue 192.0.2.100 0011.2233.4455 ARPA
!
`},
	{"junos-set-vip-added", "juniper-junos", platform.L3, nil, `
set interfaces irb unit 20 family inet address 192.0.2.1/24 arp 192.0.2.100 multicast-mac 03:bf:c0:00:02:64
set interfaces irb unit 21 family inet address 198.51.100.1/24 arp 198.51.100.7 mac 00:11:22:33:44:55
`},
	{"junos-braces-vip-gone", "juniper-junos", platform.L3, func(v *render.Values) { v.VIPs = v.VIPs[:1] }, `
## Last commit: 2026-01-02
interfaces {
    irb {
        unit 20 {
            family inet {
                address 192.0.2.1/24 {
                    arp 192.0.2.100 multicast-mac 03:bf:c0:00:02:64;
                    arp 192.0.2.101 multicast-mac 03:bf:c0:00:02:64;
                }
            }
        }
    }
}
`},
	{"junos-braces-inactive", "juniper-junos", platform.L3, func(v *render.Values) { v.VIPs = v.VIPs[:1] }, `
interfaces {
    irb {
        unit 20 {
            family inet {
                address 192.0.2.1/24 {
                    inactive: arp 192.0.2.100 multicast-mac 03:bf:c0:00:02:64;
                }
            }
        }
    }
}
`},
	{"vyos-quotes", "vyos", platform.L3, nil, `
set protocols static arp interface eth1.20 address '192.0.2.100' mac '03:bf:c0:00:02:64'
set protocols static arp interface eth1.20 address 192.0.2.101 mac '00:11:22:33:44:55'
`},
	{"comware-port-added", "hpe-comware", platform.Both, func(v *render.Values) {
		v.Ports = []string{"GigabitEthernet1/0/1 to GigabitEthernet1/0/4", "Bridge-Aggregation1"}
	}, `
undo arp check enable
mac-address multicast 03bf-c000-0264 interface GigabitEthernet1/0/2 to GigabitEthernet1/0/4 vlan 20
mac-address multicast 03bf-c000-0264 interface GigabitEthernet1/0/1 vlan 20
arp multiport 192.0.2.100 03bf-c000-0264 20
arp multiport 192.0.2.101 03bf-c000-0264 20
`},
	{"comware-port-removed", "hpe-comware", platform.Both, func(v *render.Values) { v.Ports = []string{"GigabitEthernet1/0/1"} }, `
# configure, in system view (system-view)
undo arp check enable
mac-address multicast 03bf-c000-0264 interface GigabitEthernet1/0/1 GigabitEthernet1/0/2 vlan 20
arp multiport 192.0.2.100 03bf-c000-0264 20
`},
	{"dlink-ports", "dlink", platform.L2, func(v *render.Values) { v.Ports = []string{"1-3", "7"} }, `
create nlb multicast_fdb vlanid 20 03-bf-c0-00-02-64
config nlb multicast_fdb vlanid 20 03-bf-c0-00-02-64 add 2-5
`},
	{"linux-port-added", "linux", platform.L2, func(v *render.Values) { v.Ports = []string{"swp1", "swp2", "swp3"} }, `
ip link set dev swp1 type bridge_slave mcast_router 2
ip link set dev swp2 type bridge_slave mcast_router 2
nft add table bridge nlb_03bfc0000264
nft flush table bridge nlb_03bfc0000264
nft 'add chain bridge nlb_03bfc0000264 members { type filter hook postrouting priority 0; }'
nft 'add rule bridge nlb_03bfc0000264 members ether daddr 03:bf:c0:00:02:64 oifname != { "swp1", "swp2" } counter drop'
`},
	{"linux-port-changed", "linux", platform.L2, func(v *render.Values) { v.Ports = []string{"swp2", "swp3"} }, `
ip link set dev swp1 type bridge_slave mcast_router 2
ip link set dev swp2 type bridge_slave mcast_router 2
nft add table bridge nlb_03bfc0000264
nft flush table bridge nlb_03bfc0000264
nft 'add chain bridge nlb_03bfc0000264 members { type filter hook postrouting priority 0; }'
nft 'add rule bridge nlb_03bfc0000264 members ether daddr 03:bf:c0:00:02:64 oifname != { "swp1", "swp2" } counter drop'
`},
	{"linux-two-clusters", "linux", platform.L2, nil, `
ip link set dev swp9 type bridge_slave mcast_router 2
nft add table bridge nlb_03bfc0000299
nft flush table bridge nlb_03bfc0000299
nft 'add chain bridge nlb_03bfc0000299 members { type filter hook postrouting priority 0; }'
nft 'add rule bridge nlb_03bfc0000299 members ether daddr 03:bf:c0:00:02:99 oifname != { "swp9" } counter drop'
`},
	{"linux-vip-moved", "linux", platform.L3, func(v *render.Values) { v.VIPs = v.VIPs[:1] }, `
ip neigh replace 192.0.2.100 lladdr 03:bf:c0:00:02:99 dev eth0 nud permanent
ip neigh replace 192.0.2.101 lladdr 03:bf:c0:00:02:64 dev eth0 nud permanent
`},
}

// diffSample is sample with two ports and two VIPs, changed.
func diffSample(p *platform.Platform, change func(*render.Values)) render.Values {
	v := templatestest.Sample(p, templatestest.MulticastMAC)
	v.Ports = slices.Clone(v.Ports[:min(2, len(v.Ports))])
	if len(v.Ports) > 0 && p.Name == "cisco-ios" {
		v.Ports = []string{"GigabitEthernet1/0/11", "GigabitEthernet1/0/12"}
	}
	if change != nil {
		change(&v)
	}
	return v
}

// TestDiffGolden: what must be added and removed, and nothing else.
func TestDiffGolden(t *testing.T) {
	wanted := map[string]bool{}
	for _, tt := range diffCases {
		path := filepath.Join("testdata", "diff", tt.name+".txt")
		wanted[path] = true
		t.Run(tt.name, func(t *testing.T) {
			p := templatestest.Lookup(t, tt.platform)
			c, err := Diff(p, diffSample(p, tt.change), tt.role, Old{Name: "old", Text: []byte(tt.old)})
			if err != nil {
				t.Fatal(err)
			}
			templatestest.CheckRules(t, p, render.Config{Section: platform.Configure, Text: c.Text, Comment: c.Comment})
			goldentest.Compare(t, path, templatestest.Dump([]render.Config{c}))
		})
	}
	files, err := filepath.Glob("testdata/diff/*.txt")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if !wanted[f] {
			t.Errorf("%s belongs to no case", f)
		}
	}
}

// device is a stand-in for a device of any platform: it takes lines one by one
// and keeps the entries that they make. What takes an entry back takes back
// every entry that is taken back by the same words.
type device struct {
	t        *testing.T
	p        *platform.Platform
	patterns []pattern
	has      map[string]*entry
}

func (d *device) enter(text string) {
	d.t.Helper()
	var kept []string
	for line := range strings.Lines(text) {
		if !templatestest.IsComment(render.Config{Comment: d.p.Spelling.Comment}, line) {
			kept = append(kept, line)
		}
	}
	lines, err := Old{Name: "entered", Text: []byte(strings.Join(kept, ""))}.lines(d.p)
	if err != nil {
		d.t.Fatal(err)
	}
	r := marked(d.p, false)
	undo := func(e *entry, ports []string) string {
		var words []string
		for _, forms := range [][]form{e.of.open, e.of.undo} {
			for i := range forms {
				line, err := write(r, &forms[i], &values{by: e.by, ports: ports})
				if err != nil {
					d.t.Fatal(err)
				}
				words = append(words, line)
			}
		}
		return strings.ToLower(strings.Join(words, "|"))
	}
	for i := range lines {
		// What stands above the line, and the line itself.
		said := lines[i].text
		for up := lines[i].up; up >= 0; up = lines[up].up {
			said = lines[up].text + "|" + said
		}
		for key, e := range d.has {
			l := d.p.Configure[e.of.line]
			if l.Undo == "" {
				continue
			}
			if d.p.Spelling.Ports.Split && e.of.undoes(slotPorts) {
				var v values
				v.by = map[string]string{}
				f := e.of.undo[0]
				if f.read(d.p, lines[i].text, &v) && f.key(d.p, &v) == f.key(d.p, &e.values) {
					if e.ports = without(d.p, e.ports, v.ports); len(e.ports) == 0 {
						delete(d.has, key)
					}
				}
				continue
			}
			// Of several lines that open a mode, those of a text stand side by side.
			words := undo(e, e.ports)
			if words == strings.ToLower(said) || strings.Contains(said, "|") && strings.HasSuffix(words, strings.ToLower(said)) {
				delete(d.has, key)
			}
		}
		for j := range d.patterns {
			t := &d.patterns[j]
			v, used := match(d.p, lines, i, t, &t.forms[0])
			if used == nil {
				continue
			}
			e := &entry{of: t, values: v, key: t.key(d.p, &v)}
			if old := d.has[e.key]; old != nil && d.p.Spelling.Ports.Split {
				e.ports = append(slices.Clone(old.ports), e.ports...)
			}
			d.has[e.key] = e
		}
	}
}

// state is what the device has of the clusters: the entries that name them.
func (d *device) state() string {
	var all []string
	for key, e := range d.has {
		if e.by[slotVIP] == "" && e.by[slotMAC] == "" && e.by["group"] == "" && e.by["port"] == "" {
			continue // others may need it, so that it stays
		}
		ports := d.p.Spelling.Distinct(e.ports)
		for i := range ports {
			ports[i] = d.p.Spelling.PortKey(ports[i])
		}
		slices.Sort(ports)
		all = append(all, fmt.Sprintf("%s %q", key, ports))
	}
	slices.Sort(all)
	return strings.Join(all, "\n")
}

// TestDiffApplied: what is there and the diff give what is to be, on every
// platform and whatever has changed: VIPs, ports, VLAN, mode or all of them.
func TestDiffApplied(t *testing.T) {
	all := templatestest.All(t)
	random := rand.New(rand.NewPCG(1, 2))
	changed := 0
	for _, p := range all {
		if !canCompare(p) {
			continue
		}
		patterns, err := patterns(p)
		if err != nil {
			t.Fatal(err)
		}
		pick := func() render.Values {
			v := templatestest.Sample(p, []mac.Addr{templatestest.MulticastMAC, templatestest.IGMPMAC, templatestest.UnicastMAC}[random.IntN(3)])
			v.VIPs = append(v.VIPs, netip.MustParseAddr("192.0.2.102"))
			random.Shuffle(3, func(i, j int) { v.VIPs[i], v.VIPs[j] = v.VIPs[j], v.VIPs[i] })
			v.VIPs = v.VIPs[:1+random.IntN(3)]
			v.VLAN += random.IntN(2)
			if n := len(v.Ports); n > 0 {
				v.Ports = slices.Clone(v.Ports)
				random.Shuffle(n, func(i, j int) { v.Ports[i], v.Ports[j] = v.Ports[j], v.Ports[i] })
				v.Ports = v.Ports[:1+random.IntN(n)]
			}
			return v
		}
		for range 15 {
			old, v := pick(), pick()
			role := []platform.Role{platform.Both, platform.Both, platform.L3, platform.L2}[random.IntN(4)]
			if old.MAC != v.MAC {
				// What binds the former MAC to the cluster is a VIP that keeps its place.
				i := slices.Index(v.VIPs, templatestest.MulticastVIP)
				if i < 0 {
					v.VIPs = append(v.VIPs, templatestest.MulticastVIP)
					i = len(v.VIPs) - 1
				}
				v.VIPs[0], v.VIPs[i] = v.VIPs[i], v.VIPs[0]
				old.VIPs, old.VLAN = v.VIPs[:1+random.IntN(len(v.VIPs))], v.VLAN
			}
			before, err := render.Sections(p, old, role, []platform.Section{platform.Configure}, render.Options{})
			if err != nil {
				t.Fatal(err)
			}
			if old.MAC == templatestest.IGMPMAC && v.MAC != templatestest.IGMPMAC && !slices.ContainsFunc(templatestest.Devices(before[0]), func(line string) bool { return strings.Contains(line, templatestest.MulticastVIP.String()) }) {
				continue // its group may be another cluster's
			}
			after, err := render.Sections(p, v, role, []platform.Section{platform.Configure}, render.Options{})
			if err != nil {
				t.Fatal(err)
			}
			c, err := diff(p, patterns, v, role, Old{Name: "old", Text: []byte(before[0].Text)})
			if err != nil {
				t.Fatalf("%s: %v", p.Name, err)
			}
			want := &device{t, p, patterns, map[string]*entry{}}
			want.enter(after[0].Text)
			got := &device{t, p, patterns, map[string]*entry{}}
			got.enter(before[0].Text)
			if got.state() != want.state() {
				changed++
			}
			got.enter(c.Text)
			if got.state() != want.state() {
				t.Fatalf("%s: there is\n%s\nthe diff\n%s%q\ngives\n%s\nwant\n%s", p.Name, before[0].Text, c.Text, c.Notes, got.state(), want.state())
			}
		}
	}
	if changed < 250 {
		t.Errorf("only %d times something was to change", changed)
	}
}
