package lab

import (
	"net/netip"

	"github.com/nlbprobe/nlbprobe/mac"
)

// hostPlan is what a host becomes: decided first, carried out on its thread.
type hostPlan struct {
	Host
	links   []linkPlan
	sysctls []setting
	rules   func() *ruleSet // nil: none
	static  []Neighbour
	virtual *VRRP        // a virtual router that it is or may become the master of
	away    []netip.Addr // LAN addresses routed out of the second interface
	timing  neighbourTiming
}

// linkPlan is one cable from a host to a bridge.
type linkPlan struct {
	name      string // in the host
	port      string // in the switch
	bridge    string
	mac       mac.Addr
	addresses []netip.Prefix
}

// setting is one file under /proc/sys/net. A user namespace knows a single
// group, and takes only the second value where it needs one.
type setting struct {
	key, value, instead string
}

// sysctlsFor returns the settings that matter to ARP and forwarding, all of
// them, since a new namespace starts with those of the machine it is on.
func sysctlsFor(forward, announceOwn, redirects bool) []setting {
	settings := []setting{
		{"ipv6/conf/all/disable_ipv6", "1", ""},
		{"ipv6/conf/default/disable_ipv6", "1", ""},
		{"ipv4/ping_group_range", "0 2147483647", "0 0"},
		{"ipv4/ip_forward", digit(forward), ""}, // first: it resets others
	}
	for _, c := range []string{"ipv4/conf/all/", "ipv4/conf/default/"} {
		settings = append(settings,
			setting{c + "rp_filter", "0", ""},
			setting{c + "arp_ignore", "0", ""},
			setting{c + "arp_filter", "0", ""},
			setting{c + "arp_accept", "0", ""},
			setting{c + "arp_notify", "0", ""},
			setting{c + "proxy_arp", "0", ""},
			setting{c + "accept_local", "0", ""},
			setting{c + "accept_redirects", "1", ""},
			setting{c + "log_martians", "0", ""},
			setting{c + "send_redirects", digit(redirects), ""},
		)
		announce := "0"
		if announceOwn {
			announce = "2" // the address of the asked subnet, never a VIP
		}
		settings = append(settings, setting{c + "arp_announce", announce, ""})
	}
	return settings
}

func digit(b bool) string {
	if b {
		return "1"
	}
	return "0"
}

// plan decides on every host of a scenario, in the order of a listing.
func plan(s *Scenario) []hostPlan {
	plans := []hostPlan{stationPlan(s.prober(), lanBridge)}
	for i := range s.Nodes {
		plans = append(plans, nodePlan(s, &s.Nodes[i]))
	}
	for i := range s.Routers {
		plans = append(plans, routerPlan(s, &s.Routers[i]))
	}
	return append(plans,
		stationPlan(s.client(), remoteBridge),
		hostPlan{Host: theSwitch(), sysctls: sysctlsFor(false, false, false)})
}

// stationPlan is a host that is nothing but one.
func stationPlan(h Host, bridge string) hostPlan {
	return hostPlan{
		Host:    h,
		links:   []linkPlan{{name: "eth0", port: h.Name, bridge: bridge, mac: h.MAC, addresses: []netip.Prefix{h.Prefix}}},
		sysctls: sysctlsFor(false, false, false),
	}
}

func nodePlan(s *Scenario, n *Node) hostPlan {
	h := stationPlan(s.node(n), lanBridge)
	for _, v := range n.VIPs {
		h.links[0].addresses = append(h.links[0].addresses, netip.PrefixFrom(v, 32))
	}
	h.sysctls = sysctlsFor(false, true, false)
	h.rules = func() *ruleSet { return nodeRules(s, n) }
	if n.AnswersQueries {
		// NLB reports by IGMPv1 on every Windows that has the mode.
		h.sysctls = append(h.sysctls, setting{"ipv4/conf/default/force_igmp_version", "1", ""})
	}
	if n.AsksAsVIP {
		// A question by the router teaches the node its MAC: it must not keep it.
		h.timing.impatient = true
	}
	return h
}

func routerPlan(s *Scenario, r *Router) hostPlan {
	h := stationPlan(s.router(r), lanBridge)
	h.links = append(h.links, linkPlan{
		name: "eth1", port: r.Name + ".r", bridge: remoteBridge, mac: documentationMAC(r.Remote, remoteMAC),
		addresses: []netip.Prefix{netip.PrefixFrom(r.Remote, s.Remote.Bits())},
	})
	h.sysctls = sysctlsFor(true, false, !r.NoRedirects)
	h.rules = func() *ruleSet { return routerRules(s, r) }
	h.static = r.Static
	h.away = r.ProxyARP
	// A hardware router answers for others at once; Linux waits up to 0.8 s.
	h.timing.answerAtOnce = true
	if s.Master(r) || r.VRRP != nil && r.VRRP.Elected {
		h.virtual = r.VRRP
		// Only the interface that has an address answers for it.
		h.sysctls = append(h.sysctls, setting{"ipv4/conf/all/arp_ignore", "1", ""})
	}
	if len(r.ProxyARP) > 0 {
		h.sysctls = append(h.sysctls, setting{"ipv4/conf/default/proxy_arp", "1", ""})
	}
	return h
}
