package main

import (
	"fmt"
	"net/netip"

	"github.com/nlbprobe/nlbprobe/diagnose"
	"github.com/nlbprobe/nlbprobe/mac"
	"github.com/nlbprobe/nlbprobe/templates"
)

// defaultPlatform is whose configuration is printed where none is asked for.
const defaultPlatform = "cisco-ios"

// configOptions is what a probe is told of the devices to configure.
type configOptions struct {
	device deviceOptions
	given  bool // the user gave something that can be wrong
}

// validate finds what is wrong with the options before anything is sent, by
// rendering for a stand-in MAC. Where none was given there is nothing to find,
// and no time to lose.
func (c *configOptions) validate(vips []named) error {
	if !c.given {
		return nil
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
// configuration; the reason is empty where nobody would expect one. given says
// that the user asked for some platform's, needed or not.
func groupFor(d diagnose.Diagnosis, link int, given bool) (*configGroup, string) {
	c := d.Cluster
	switch {
	case d.Verdict == diagnose.Conflict:
		return nil, "None printed: the answers contradict each other, and a static entry would make one of them permanent. Settle which one is right, then probe again."
	case !c.HasMAC || c.Mode == diagnose.None:
		return nil, ""
	case d.Verdict == diagnose.Reachable && c.MAC.IsGroup() && !given:
		return nil, "None printed: the routers that were tested reach the VIP. For one that was not, a standby router above all: --platform NAME, or nlbprobe render."
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
	v, err := c.device.values(g.vips, g.mac)
	if err != nil {
		return nil, err
	}
	targets, err := c.device.targets(defaultPlatform)
	if err != nil {
		return nil, err
	}
	return c.device.render(targets, v, []templates.Section{templates.Configure})
}

// undo is the command that prints the lines which take back what g's made.
func (c *configOptions) undo(g configGroup) []string {
	words := []string{"nlbprobe", "render"}
	platforms := c.device.platforms
	if len(platforms) == 0 && c.device.portsFrom == "" {
		platforms = []string{defaultPlatform}
	}
	for _, p := range platforms {
		words = append(words, "--platform", p)
	}
	for _, v := range g.vips {
		words = append(words, "--vip", v.String())
	}
	words = append(words, "--mac", g.mac.String())
	words = append(words, c.device.words()...)
	return append(words, "--section", "remove")
}
