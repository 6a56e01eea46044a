package render

import (
	"fmt"
	"slices"

	"github.com/nlbprobe/nlbprobe/templates/platform"
)

// unicastAdvice returns what to do about a unicast-mode cluster where the
// platform has no line for it.
func (r *Rendering) unicastAdvice() []string {
	var out []string
	if r.Role != platform.L2 && !r.Values.Refused {
		out = append(out, fmt.Sprintf("No static ARP: routers accept the unicast MAC %s from an ARP reply as any host's (RFC 1812 3.3.2).", r.MAC))
	}
	if r.Role != platform.L3 {
		out = append(out,
			"The hosts never send from that MAC, so that no switch learns it and each floods the VLAN with what is sent to it: that is how unicast mode reaches every host (Microsoft KB 4494444). Give the cluster a VLAN of its own, and let no port of it block unknown unicast.",
			"A static MAC entry on one port would cut off the hosts behind other ports. It keeps the flood off the rest of the VLAN only where one port leads to every host: to a hub or a switch of their own. Behind a hub MaskSourceMAC = 0 in the hosts' registry does the same without an entry (Microsoft Q193602).")
	}
	return out
}

// refusedAdvice says what to do about a router that is proven not to take the
// answers of a cluster in unicast mode.
func (r *Rendering) refusedAdvice() string {
	enters := func(l platform.Line) bool { return l.Each == "vip" && r.Wants(platform.Configure, l.Scope()) }
	if slices.ContainsFunc(r.Platform.Configure, enters) {
		return "A router did not take the cluster's ARP answer: the static entry stands in its place. Look at the route and at filters too."
	}
	return fmt.Sprintf("A router did not take the cluster's ARP answer. What cures it is a static ARP entry for each VIP with the MAC %s; how this platform spells one for a unicast MAC is not in its file.", r.MAC)
}
