package templates

import (
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/nlbprobe/nlbprobe/templates/platform"
	"github.com/nlbprobe/nlbprobe/templates/reading"
	"github.com/nlbprobe/nlbprobe/templates/render"
	"github.com/nlbprobe/nlbprobe/templates/templatestest"
)

// TestGuide: the example of the guide is a platform file that the loader takes,
// renders what it shows, and can be compared.
func TestGuide(t *testing.T) {
	guide, err := os.ReadFile("platforms/README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, after, found := strings.Cut(string(guide), "```yaml\n")
	text, _, ended := strings.Cut(after, "```\n")
	if !found || !ended {
		t.Fatal("the guide has no example")
	}
	dir := folder(map[string]string{"example-os.yaml": text})
	p, err := load(t, dir).Lookup("example")
	if err != nil {
		t.Fatal(err)
	}
	v := render.Values{VIPs: []netip.Addr{templatestest.MulticastVIP}, MAC: templatestest.MulticastMAC, VLAN: 20, Ports: []string{"Ethernet1", "Eth2"}}
	configs, err := render.Sections(p, v, platform.Both, platform.Sections(), render.Options{Strict: true})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"interface vlan 20", "arp 192.0.2.100 03bf.c000.0264", "exit", "mac-address-table static 03bf.c000.0264 vlan 20 interface Ethernet1 Eth2"}
	if got := templatestest.Devices(configs[0]); !slices.Equal(got, want) {
		t.Errorf("the example renders %q", got)
	}
	c, err := reading.Diff(p, v, platform.Both, reading.Old{Text: []byte("interface vlan 20\n arp 192.0.2.100 03BF.C000.0264\n!\nmac-address-table static 03bf.c000.0264 vlan 20 interface Ethernet2\n")})
	if got := templatestest.Devices(c); err != nil || !slices.Equal(got, []string{"no mac-address-table static 03bf.c000.0264 vlan 20", want[3]}) {
		t.Errorf("the diff: %v, %q", err, got)
	}
	if n := strings.Count(string(guide), "\n"); n > 150 {
		t.Errorf("the guide has %d lines; it is one page", n)
	}
	for line := range strings.Lines(string(guide)) {
		if len(line) > 111 {
			t.Errorf("%d columns: %q", len(line), line)
		}
	}
}
