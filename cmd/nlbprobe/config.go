package main

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"

	"github.com/spf13/pflag"

	"github.com/nlbprobe/nlbprobe/diagnose"
	"github.com/nlbprobe/nlbprobe/mac"
	"github.com/nlbprobe/nlbprobe/templates"
)

// defaultPlatform is whose configuration is printed where none is asked for.
const defaultPlatform = "cisco-ios"

// configOptions is what a probe is told of the devices to configure.
type configOptions struct {
	platforms []string
	dir       string
	vlan      int
	ports     []string
	svi, vrf  string
	prefix    string
	strict    bool
	given     bool // at least one of them was
	vlanGiven bool // 0 was not left out but asked for
}

func (c *configOptions) bind(f *pflag.FlagSet) {
	f.StringArrayVar(&c.platforms, "platform", nil, "print the configuration for `NAME[:l3|:l2]`, repeatable (default "+defaultPlatform+")")
	f.StringVar(&c.dir, "platform-dir", "", "`DIR` with platform files of your own, which add to or replace the built-in ones")
	f.IntVar(&c.vlan, "vlan", 0, "VLAN `N` of the cluster, 1 to 4094")
	f.StringArrayVar(&c.ports, "port", nil, "member port `IF` in the device's own spelling, repeatable")
	f.StringVar(&c.svi, "svi", "", "`IF` that routes the VLAN, as Vlan20")
	f.StringVar(&c.vrf, "vrf", "", "VRF `NAME` of that interface")
	f.StringVar(&c.prefix, "prefix", "", "`CIDR`: the router's own address there with its prefix length, as 172.16.63.1/24")
	f.BoolVar(&c.strict, "strict", false, "a value that the configuration needs and that was not given is an error")
}

// noteGiven remembers which flags of this group were set.
func (c *configOptions) noteGiven(f *pflag.FlagSet) {
	c.vlanGiven = f.Changed("vlan")
	c.given = slices.ContainsFunc([]string{"platform", "platform-dir", "vlan", "port", "svi", "vrf", "prefix", "strict"}, f.Changed)
}

// validate finds what is wrong with the options before anything is sent, by
// rendering for a stand-in MAC. Where none was given there is nothing to find,
// and no time to lose.
func (c *configOptions) validate(vips []named) error {
	if !c.given {
		return nil
	}
	if c.vlanGiven && c.vlan == 0 {
		return errors.New("VLAN 0 is not between 1 and 4094")
	}
	g := configGroup{mac: mac.Addr{0x03, 0xbf}}
	for _, v := range vips {
		g.vips = append(g.vips, v.vip)
	}
	_, err := c.render(g)
	return err
}

// configGroup is VIPs that one configuration serves.
type configGroup struct {
	vips []netip.Addr
	mac  mac.Addr
	link int // index of the interface that they were probed from
}

// groupFor returns the group of one VIP, or nil and why it needs no
// configuration; the reason is empty where nobody would expect one.
func groupFor(d diagnose.Diagnosis, link int) (*configGroup, string) {
	c := d.Cluster
	switch {
	case d.Verdict == diagnose.Conflict:
		return nil, "None printed: the answers contradict each other, and a static entry would make one of them permanent. Settle which one is right, then probe again."
	case !c.HasMAC || c.Mode == diagnose.None:
		return nil, ""
	case c.MAC.IsBroadcast() || c.MAC.IsZero() || d.Has("group-mac-not-nlb"):
		return nil, fmt.Sprintf("None printed: %s is no address that a cluster can be reached at, so no static entry can help.", c.MAC)
	case !c.MAC.IsGroup():
		return nil, fmt.Sprintf("None needed on routers: they accept the unicast MAC %s as any host's.", c.MAC)
	}
	return &configGroup{vips: []netip.Addr{d.VIP}, mac: c.MAC, link: link}, ""
}

// addGroup puts g to the group of the same cluster: many VIPs, one MAC.
func addGroup(groups []configGroup, g configGroup) []configGroup {
	for i := range groups {
		if groups[i].mac == g.mac && groups[i].link == g.link {
			groups[i].vips = append(groups[i].vips, g.vips...)
			return groups
		}
	}
	return append(groups, g)
}

// render returns the configure section for each platform asked for.
func (c *configOptions) render(g configGroup) ([]templates.Config, error) {
	var dirs []string
	if c.dir != "" {
		dirs = append(dirs, c.dir)
	}
	set, err := templates.Load(dirs...)
	if err != nil {
		return nil, err
	}
	v := templates.Values{VIPs: g.vips, MAC: g.mac, VLAN: c.vlan, Ports: c.ports, SVI: c.svi, VRF: c.vrf}
	if c.prefix != "" {
		if v.Prefix, err = netip.ParsePrefix(c.prefix); err != nil {
			return nil, fmt.Errorf("--prefix %q is not an address with a prefix length, as 172.16.63.1/24", clip(c.prefix))
		}
	}
	targets := c.platforms
	if len(targets) == 0 {
		targets = []string{defaultPlatform}
	}
	var all []templates.Config
	for _, target := range targets {
		name, role, err := templates.ParseTarget(target)
		if err != nil {
			return nil, err
		}
		p, err := set.Lookup(name)
		if err != nil {
			return nil, err
		}
		configs, err := p.Render(v, role, []templates.Section{templates.Configure}, templates.Options{Strict: c.strict})
		if err != nil {
			return nil, err
		}
		all = append(all, configs...)
	}
	return all, nil
}
