package templates

import (
	"strings"
	"testing"

	"github.com/nlbprobe/nlbprobe/templates/platform"
	"github.com/nlbprobe/nlbprobe/templates/render"
	"github.com/nlbprobe/nlbprobe/templates/templatestest"
)

// What serves IGMP snooping - static groups, a querier, lookup by MAC - is
// rendered on Cisco's platforms in IGMP mode, and nothing of it that names a
// group or a querier in the other modes. NX-OS looks up by MAC in multicast mode
// too: its static entries for an 03-bf MAC need that (Cisco 116150, option 2A).
func TestIGMPSectionsOfCisco(t *testing.T) {
	tests := []struct {
		platform string
		role     platform.Role
		in       []string // in IGMP mode; nothing where snooping does not help
	}{
		{"cisco-ios", platform.L2, []string{"ip igmp snooping querier", "ip igmp snooping vlan 20 static 239.255.2.100 interface"}},
		{"cisco-catalyst-4500", platform.L2, []string{"ip igmp snooping vlan 20 static 239.255.2.100 interface"}},
		// There both lines stand under the SVI, which a switch that only bridges has not.
		{"cisco-catalyst-6500", platform.Both, []string{"ip igmp snooping querier", "ip igmp snooping static 239.255.2.100 interface"}},
		{"cisco-catalyst-6500", platform.L2, nil},
		{"cisco-nxos", platform.L2, []string{"layer-2 multicast lookup mac", "ip igmp snooping querier", "ip igmp snooping static-group 239.255.2.100 interface"}},
		{"cisco-catalyst-9000", platform.L2, nil},
	}
	for _, tt := range tests {
		t.Run(tt.platform+":"+tt.role.String(), func(t *testing.T) {
			p := templatestest.Lookup(t, tt.platform)
			for _, mode := range []struct {
				name string
				v    render.Values
				igmp bool
			}{{"IGMP", templatestest.Sample(p, templatestest.IGMPMAC), true}, {"multicast", templatestest.Sample(p, templatestest.MulticastMAC), false}, {"unicast", templatestest.Sample(p, templatestest.UnicastMAC), false}} {
				configs, err := render.Sections(p, mode.v, tt.role, []platform.Section{platform.Configure}, render.Options{})
				if err != nil {
					t.Fatal(err)
				}
				commands := strings.Join(templatestest.Devices(configs[0]), "\n")
				for _, line := range tt.in {
					got := strings.Contains(commands, line)
					want := mode.igmp || line == "layer-2 multicast lookup mac" && mode.name == "multicast"
					if got != want {
						t.Errorf("%s mode: %q is there: %v\n%s", mode.name, line, got, commands)
					}
				}
				if (!mode.igmp || tt.in == nil) && (strings.Contains(commands, "igmp") || strings.Contains(commands, "239.255")) {
					t.Errorf("%s mode:\n%s", mode.name, commands)
				}
			}
		})
	}
}
