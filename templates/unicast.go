package templates

import "fmt"

// unicastAdvice returns what to do about a unicast-mode cluster where the
// platform has no line for it.
func (r *render) unicastAdvice() []string {
	var out []string
	if r.role != L2 {
		out = append(out, fmt.Sprintf("No static ARP: routers accept the unicast MAC %s from an ARP reply as any host's (RFC 1812 3.3.2).", r.mac))
	}
	if r.role != L3 {
		out = append(out,
			"The hosts never send from that MAC, so that no switch learns it and each floods the VLAN with what is sent to it: that is how unicast mode reaches every host (Microsoft KB 4494444). Give the cluster a VLAN of its own, and let no port of it block unknown unicast.",
			"A static MAC entry on one port would cut off the hosts behind other ports. It keeps the flood off the rest of the VLAN only where one port leads to every host: to a hub or a switch of their own. Behind a hub MaskSourceMAC = 0 in the hosts' registry does the same without an entry (Microsoft Q193602).")
	}
	return out
}
