package main

import (
	"io"
	"slices"

	"github.com/nlbprobe/nlbprobe/advice"
	"github.com/nlbprobe/nlbprobe/mac"
	"github.com/nlbprobe/nlbprobe/nlb"
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
// rendering for a stand-in MAC, and tells which of them no mode's lines use. Where
// none was given there is nothing to find, and no time to lose.
func (c *configOptions) validate(vips []named, tell io.Writer) error {
	if !c.given {
		return nil
	}
	n := advice.Need{MAC: mac.Addr{0x03, 0xbf}}
	for _, v := range vips {
		n.VIPs = append(n.VIPs, v.vip)
	}
	if _, err := c.render(n); err != nil {
		return err
	}
	unused := c.device.unused
	for _, m := range []mac.Addr{{0x01, 0x00, 0x5e, 0x7f}, {0x02, 0xbf}} {
		if len(unused) == 0 {
			return nil
		}
		n.MAC, c.device.unused = m, nil
		if _, err := c.render(n); err == nil { // what is wrong in this mode alone counts if it is the cluster's
			unused = slices.DeleteFunc(unused, func(line string) bool { return !slices.Contains(c.device.unused, line) })
		}
	}
	c.device.unused = unused
	c.device.tellUnused(tell)
	return nil
}

// render returns the configure section for each platform asked for.
func (c *configOptions) render(n advice.Need) ([]templates.Config, error) {
	v, err := c.device.values(n.VIPs, n.MAC)
	if err != nil {
		return nil, err
	}
	n.Fill(&v)
	targets, err := c.device.targets(defaultPlatform)
	if err != nil {
		return nil, err
	}
	return c.device.render(targets, v, []templates.Section{templates.Configure})
}

// renderLines is render without the configurations that hold advice alone, where
// the cluster is in unicast mode; they are returned apart.
func (c *configOptions) renderLines(n advice.Need) (lines, without []templates.Config, err error) {
	all, err := c.render(n)
	if err != nil || !n.Unicast() {
		return all, nil, err
	}
	for _, config := range all {
		if config.Advice {
			without = append(without, config)
		} else {
			lines = append(lines, config)
		}
	}
	return lines, without, nil
}

// undo is the command that prints the lines which take back what n's made.
func (c *configOptions) undo(n advice.Need) []string {
	words := []string{"nlbprobe", "render"}
	platforms := c.device.platforms
	if len(platforms) == 0 && c.device.portsFrom == "" {
		platforms = []string{defaultPlatform}
	}
	for _, p := range platforms {
		words = append(words, "--platform", p)
	}
	for _, v := range n.VIPs {
		words = append(words, "--vip", v.String())
	}
	words = append(words, "--mac", n.MAC.String())
	words = append(words, c.device.words()...)
	return append(append(words, renderFlags(n)...), "--section", "remove")
}

// renderFlags are the flags of nlbprobe render that say of a cluster what its MAC
// does not.
func renderFlags(n advice.Need) []string {
	var words []string
	if n.Refused {
		words = append(words, "--static-arp")
	}
	if n.Mode != "" {
		if is, err := templates.ModeOf(n.MAC, n.VIPs...); err != nil || is != n.Mode {
			words = append(words, "--mode", string(n.Mode))
		}
	}
	if n.Group.IsValid() && !nlb.Classify(n.MAC).HasLastOctets {
		words = append(words, "--group", n.Group.String())
	}
	return words
}
