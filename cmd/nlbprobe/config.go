package main

import (
	"cmp"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strings"

	"github.com/nlbprobe/nlbprobe/diagnose"
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
	g := configGroup{mac: mac.Addr{0x03, 0xbf}}
	for _, v := range vips {
		g.vips = append(g.vips, v.vip)
	}
	if _, err := c.render(g); err != nil {
		return err
	}
	unused := c.device.unused
	for _, m := range []mac.Addr{{0x01, 0x00, 0x5e, 0x7f}, {0x02, 0xbf}} {
		if len(unused) == 0 {
			return nil
		}
		g.mac, c.device.unused = m, nil
		if _, err := c.render(g); err == nil { // what is wrong in this mode alone counts if it is the cluster's
			unused = slices.DeleteFunc(unused, func(line string) bool { return !slices.Contains(c.device.unused, line) })
		}
	}
	c.device.unused = unused
	c.device.tellUnused(tell)
	return nil
}

// configGroup is VIPs that one configuration serves.
type configGroup struct {
	vips  []netip.Addr
	mac   mac.Addr
	place string // the interface that they were probed from

	// What is known of the cluster beside its MAC, as in templates.Values.
	mode    templates.Mode
	group   netip.Addr
	refused bool
	remarks []string
}

// unicast reports a cluster in unicast mode: most platforms have no line for it.
func (g *configGroup) unicast() bool { return !g.mac.IsGroup() }

// groupFor returns the group of one VIP, or nil and why no configuration is
// printed; the reason is empty where nobody would expect one. given says that the
// user asked for some platform's, needed or not.
func groupFor(d diagnose.Diagnosis, place string, given bool) (*configGroup, string) {
	c := d.Cluster
	fails := d.Verdict == diagnose.LocalOnly
	derived := derivedFrom(c, d.VIP)
	g := &configGroup{vips: []netip.Addr{d.VIP}, mac: c.MAC, place: place}
	switch {
	case d.Remote && (given || d.Verdict == diagnose.NoMAC):
		return nil, "None printed: no MAC is known from another subnet."
	case d.Verdict == diagnose.Conflict:
		return nil, "None printed: the answers contradict each other, and a static entry would make one of them permanent. Settle which one is right, then probe again."
	case !c.HasMAC && c.Mode == diagnose.Unicast && given:
		return nil, "None printed: no answer names the cluster's MAC. Its hosts' sources speak for 02-bf and the bytes of the primary VIP: nlbprobe mac IP, then nlbprobe render."
	case !c.HasMAC:
		return nil, ""
	case c.Mode == diagnose.None && (given || fails):
		return nil, fmt.Sprintf("None printed: %s is an ordinary unicast MAC, which routers accept without configuration. If a router does not reach %s, the cause is another one.", c.MAC, d.VIP)
	case c.Mode == diagnose.None:
		return nil, ""
	case c.MAC.IsBroadcast() || c.MAC.IsZero():
		return nil, fmt.Sprintf("None printed: %s is no address that a cluster can be reached at, so no static entry can help.", c.MAC)
	case nlb.Classify(c.MAC).Kind.Reserved():
		_, err := templates.ModeOf(c.MAC)
		return nil, fmt.Sprintf("None printed: %v.", err)
	case c.MAC.IsGroup() && !c.Answered && !derived:
		by := fmt.Sprintf("packets for %s do", d.VIP)
		if len(c.Hosts) > 0 {
			by = "a host's own question does"
		}
		return nil, fmt.Sprintf("None printed: no answer and no announcement names %s, only %s. Probe it, or capture while somebody asks for it.", c.MAC, by)
	case d.Verdict == diagnose.Reachable && c.MAC.IsGroup() && !given:
		return nil, "None printed: the routers that were tested reach the VIP. For a router that was not tested, such as a standby one, use --platform NAME or nlbprobe render."
	case c.MAC.IsGroup():
		if c.Mode == diagnose.IGMPMulticast {
			g.mode, g.group = templates.IGMP, c.Group
		}
		switch {
		case len(c.Primaries) > 0:
		case !derived:
			g.remarks = []string{doubt(c, d.VIP)}
		case isLone(c):
			g.remarks = []string{loneWitness}
		}
		return g, ""
	case fails:
		// The answer is not the cause that a router accepts it: an entry takes its place.
		g.mode, g.refused = templates.Unicast, true
		return g, ""
	case c.Mode != diagnose.Unicast && given:
		return nil, fmt.Sprintf("None printed: whether %s is a cluster's is not known, and routers accept a unicast MAC as any host's. Lines for unicast mode: nlbprobe render --mode unicast.", c.MAC)
	case given:
		g.mode = templates.Unicast
		return g, ""
	case d.Verdict == diagnose.Reachable:
		return nil, fmt.Sprintf("None needed: the routers that were tested reach the VIP at its unicast MAC %s. For another one: --platform NAME, or nlbprobe render.", c.MAC)
	}
	return nil, fmt.Sprintf("None as a rule: most routers accept the unicast MAC %s as any host's. Some platforms need lines of their own: --platform NAME, or nlbprobe platforms.", c.MAC)
}

// derivedFrom reports whether NLB derives the cluster's MAC from the VIP, or from a
// primary VIP that its heartbeats name.
func derivedFrom(c diagnose.Cluster, vip netip.Addr) bool {
	class := nlb.Classify(c.MAC)
	of := func(ip netip.Addr) bool { return class.NLB && (class.Primary == ip || class.EndsAs(ip)) }
	return of(vip) || slices.ContainsFunc(c.Primaries, of)
}

// loneWitness says inside the lines to paste that one host's word is all that
// speaks for them: whoever answers ARP can give the MAC that NLB derives, and
// heartbeats would be a second witness.
const loneWitness = "One host alone answers with this MAC, and no heartbeat was heard: an answer can be forged. Make sure that it is a host of the cluster before you enter this."

// isLone reports that one host alone answers for the VIP.
func isLone(c diagnose.Cluster) bool {
	n := 0
	for _, h := range c.Hosts {
		if h.Answers > 0 {
			n++
		}
	}
	return n == 1
}

// doubt says inside the lines to paste that nothing but an answer speaks for them.
func doubt(c diagnose.Cluster, vip netip.Addr) string {
	if c.DerivedFrom.IsValid() {
		return fmt.Sprintf("The MAC is derived from %s, and no heartbeat says that %s is a VIP of the same NLB cluster: make sure of it first.", c.DerivedFrom, vip)
	}
	return fmt.Sprintf("Nothing proves that this is an NLB cluster: the MAC is not derived from %s, and no heartbeat names it. Make sure what answers there before you enter this.", vip)
}

// noLines says that no platform of these has a line for a cluster in unicast mode.
func noLines(configs []templates.Config, m mac.Addr) string {
	var names []string
	for _, c := range configs {
		if name := c.Title(); !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return fmt.Sprintf("No line for %s: none is known for unicast mode there, as most routers accept the unicast MAC %s as any host's. Switches must keep flooding it.",
		strings.Join(names, ", "), m)
}

// addGroup puts g to the group of the same cluster: many VIPs, one MAC.
func addGroup(groups []configGroup, g configGroup) []configGroup {
	for i := range groups {
		h := &groups[i]
		if h.mac != g.mac || h.place != g.place {
			continue
		}
		h.vips = append(h.vips, g.vips...)
		h.mode, h.refused = cmp.Or(h.mode, g.mode), h.refused || g.refused
		if !h.group.IsValid() {
			h.group = g.group
		}
		for _, remark := range g.remarks {
			if !slices.Contains(h.remarks, remark) && len(h.remarks) < maxRemarks {
				h.remarks = append(h.remarks, remark)
			}
		}
		return groups
	}
	return append(groups, g)
}

// maxRemarks bounds what is said above the lines for many VIPs.
const maxRemarks = 4

// render returns the configure section for each platform asked for.
func (c *configOptions) render(g configGroup) ([]templates.Config, error) {
	v, err := c.device.values(g.vips, g.mac)
	if err != nil {
		return nil, err
	}
	v.Mode, v.Group, v.Refused, v.Remarks = g.mode, g.group, g.refused, g.remarks
	targets, err := c.device.targets(defaultPlatform)
	if err != nil {
		return nil, err
	}
	return c.device.render(targets, v, []templates.Section{templates.Configure})
}

// renderLines is render without the configurations that hold advice alone, where
// the cluster is in unicast mode; they are returned apart.
func (c *configOptions) renderLines(g configGroup) (lines, advice []templates.Config, err error) {
	all, err := c.render(g)
	if err != nil || !g.unicast() {
		return all, nil, err
	}
	for _, config := range all {
		if config.Advice {
			advice = append(advice, config)
		} else {
			lines = append(lines, config)
		}
	}
	return lines, advice, nil
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
	if g.refused {
		words = append(words, "--static-arp")
	}
	if g.mode != "" {
		if is, err := templates.ModeOf(g.mac, g.vips...); err != nil || is != g.mode {
			words = append(words, "--mode", string(g.mode))
		}
	}
	if g.group.IsValid() && !nlb.Classify(g.mac).HasLastOctets {
		words = append(words, "--group", g.group.String())
	}
	return append(words, "--section", "remove")
}
