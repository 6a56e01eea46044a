// Package advice chooses the configuration that a diagnosis calls for, or says why
// there is none to paste.
package advice

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/nlbprobe/nlbprobe/diagnose"
	"github.com/nlbprobe/nlbprobe/mac"
	"github.com/nlbprobe/nlbprobe/nlb"
	"github.com/nlbprobe/nlbprobe/templates"
)

// Need is what routers and switches must be told of one cluster: a configuration
// serves all its VIPs.
type Need struct {
	VIPs  []netip.Addr
	MAC   mac.Addr
	Place string // the interface that the VIPs were probed from

	// What is known of the cluster beside its MAC, as in templates.Values.
	Mode    templates.Mode
	Group   netip.Addr
	Refused bool
	Remarks []string
}

// Fill sets what lines for the cluster need to know of it.
func (n *Need) Fill(v *templates.Values) {
	v.VIPs, v.MAC = n.VIPs, n.MAC
	v.Mode, v.Group, v.Refused, v.Remarks = n.Mode, n.Group, n.Refused, n.Remarks
}

// Unicast reports a cluster in unicast mode: most platforms have no line for it.
func (n *Need) Unicast() bool { return !n.MAC.IsGroup() }

// For returns what one VIP needs, or nil and why no configuration is printed; the
// reason is empty if nobody would expect one. place is the interface that the VIP
// was probed from; given says that the user asked for some platform's
// configuration, needed or not.
func For(d diagnose.Diagnosis, place string, given bool) (need *Need, why string) {
	c := d.Cluster
	fails := d.Verdict == diagnose.LocalOnly
	derived := derivedFrom(c, d.VIP)
	n := &Need{VIPs: []netip.Addr{d.VIP}, MAC: c.MAC, Place: place}
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
			n.Mode, n.Group = templates.IGMP, c.Group
		}
		switch {
		case len(c.Primaries) > 0:
		case !derived:
			n.Remarks = []string{doubt(c, d.VIP)}
		case isLone(c):
			n.Remarks = []string{LoneWitness}
		}
		return n, ""
	case fails:
		// The answer is not the cause that a router accepts it: an entry takes its place.
		n.Mode, n.Refused = templates.Unicast, true
		return n, ""
	case c.Mode != diagnose.Unicast && given:
		return nil, fmt.Sprintf("None printed: whether %s is a cluster's is not known, and routers accept a unicast MAC as any host's. Lines for unicast mode: nlbprobe render --mode unicast.", c.MAC)
	case given:
		n.Mode = templates.Unicast
		return n, ""
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

// LoneWitness says inside the lines to paste that one host's word is all that
// speaks for them: whoever answers ARP can give the MAC that NLB derives, and
// heartbeats would be a second witness.
const LoneWitness = "One host alone answers with this MAC, and no heartbeat was heard: an answer can be forged. Make sure that it is a host of the cluster before you enter this."

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

// NoLines says that no platform of these has a line for a cluster in unicast mode.
func NoLines(configs []templates.Config, m mac.Addr) string {
	var names []string
	for _, c := range configs {
		if name := c.Title(); !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return fmt.Sprintf("No line for %s: none is known for unicast mode there, as most routers accept the unicast MAC %s as any host's. Switches must keep flooding it.",
		strings.Join(names, ", "), m)
}

// Add adds n to the need of the same cluster, which many VIPs share, or to all as
// one more.
func Add(all []Need, n Need) []Need {
	for i := range all {
		same := &all[i]
		if same.MAC != n.MAC || same.Place != n.Place {
			continue
		}
		same.VIPs = append(same.VIPs, n.VIPs...)
		same.Mode, same.Refused = cmp.Or(same.Mode, n.Mode), same.Refused || n.Refused
		if !same.Group.IsValid() {
			same.Group = n.Group
		}
		for _, remark := range n.Remarks {
			if !slices.Contains(same.Remarks, remark) && len(same.Remarks) < maxRemarks {
				same.Remarks = append(same.Remarks, remark)
			}
		}
		return all
	}
	return append(all, n)
}

// maxRemarks bounds what is said above the lines for many VIPs.
const maxRemarks = 4
