package diagnose

import "fmt"

// The three things that can be said of a point of the checklist.
const (
	observed     = "observed"
	notObserved  = "not observed"
	unobservable = "cannot be observed from here"
)

// judgeChecklist sums up what the themes found: it says of each cause on the Windows
// side what was seen of it, if a cluster in a mode of NLB fails for somebody.
func (p *picture) judgeChecklist() {
	mode := p.cluster().Mode
	switch mode {
	case Unicast, Multicast, IGMPMulticast:
	default:
		return
	}
	if !p.anyRouter(DoesNotReach) && !p.found(idPortSilent) && !p.found(idPortClosed) && !p.found(idLearnt) {
		return
	}
	var points []string
	var items []int
	add := func(point, state, why string) { points = append(points, fmt.Sprintf("%s: %s; %s", point, state, why)) }
	// seen adds a point that some finding shows.
	seen := func(point, yes, no string, ids ...string) {
		for _, id := range ids {
			if f := p.findings[id]; f != nil {
				items = append(items, f.Items...)
				add(point, observed, fmt.Sprintf("%s (%s)", yes, id))
				return
			}
		}
		add(point, notObserved, no)
	}

	seen("KB 960916 and later NLB hotfixes", "a node asks with the group MAC", "no node asked with the group MAC meanwhile", idGroupRequest)
	seen("TCP/IP: order of addresses, dedicated IP first", "a node asks as the VIP", "no node sent an ARP request with the VIP as sender", idGroupRequest, idRequestDiffers)
	switch {
	case p.found(idAffinityNone):
		seen("affinity", "connections of one client meet several nodes", "", idAffinityNone)
	case p.found(idAffinitySingle):
		add("affinity", notObserved, "connections of one client met one node ("+idAffinitySingle+")")
	default:
		add("affinity", notObserved, "too few connections were opened to tell; use --affinity with --tcp")
	}
	seen("NIC and teaming drivers", "answers name another MAC than their frame", "drivers and offloads themselves cannot be seen", idSourceDiffers, idMaskedAnswer)
	add("NDIS filter drivers (firewall, antivirus, capture)", unobservable, "they act inside the node; unbind them from the cluster adapter one by one")
	if mode == Unicast {
		seen("VMware Notify Switches (No in unicast mode) and forged transmits", "a switch seems to know the cluster MAC on one port", "no frame came from the cluster MAC", idUnmasked, idSourced, idLearnt)
		add("Hyper-V MAC address spoofing (on in unicast mode)", hiddenIf(len(p.answering()) > 1), "a node without it is not heard at all: count those that answer")
	} else {
		add("VMware Notify Switches (Yes in multicast mode)", unobservable, "look at the virtual switch's settings")
		add("Hyper-V MAC address spoofing", unobservable, "it is needed in unicast mode only")
	}
	if p.answered > 0 {
		add("dynamic ARP inspection", notObserved, "answers get to this port; on the router's port they may still be dropped")
	} else {
		add("dynamic ARP inspection", unobservable, "no answer got here, and inspection is one of several causes")
	}
	add("port security, storm control, blocking of unknown multicast", unobservable, "look at the counters of the members' switch ports")
	p.find(idChecklist, fmt.Sprintf("What to check on the nodes of %v and at their switch ports, with what was seen of it.", p.vip), points, items)
}

// hiddenIf is what can be said of a fault that would hide a node.
func hiddenIf(heard bool) string {
	if heard {
		return notObserved
	}
	return unobservable
}

// found reports whether a finding was made.
func (p *picture) found(id string) bool { return p.findings[id] != nil }
