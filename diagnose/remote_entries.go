package diagnose

import "github.com/nlbprobe/nlbprobe/nlb"

// The ids of findings of a client of another subnet.
const (
	idRemoteNoMAC        = "remote-host-unreachable"
	idRemoteReached      = "remote-answers"
	idRemoteDuplicates   = "remote-duplicates"
	idRemoteUnsteady     = "remote-unsteady"
	idRemoteNoRoute      = "remote-no-route"
	idRemoteFiltered     = "remote-filtered"
	idRemoteLoop         = "remote-loop"
	idRemoteRedirected   = "remote-redirected"
	idRemoteUnnamed      = "remote-unreachable-unnamed"
	idRemoteControlFails = "remote-control-unreachable"
	idRemotePortSilent   = "remote-port-silent"
	idRemoteNotSent      = "remote-not-sent"
	idRemoteNoEcho       = "remote-echo-not-allowed"
	idRemoteSilent       = "remote-silent"
)

var remoteEntries = [...]Entry{
	{
		ID:        idRemoteNoMAC,
		Severity:  Critical,
		Certainty: nlb.Inferred,
		Title:     "A router has no MAC for the VIP",
		Meaning: "Asked from another subnet: a router says host unreachable for the VIP. It asked for the VIP's MAC and got no answer that it takes. Either nothing answers its ARP, or the VIP answers with a group MAC and the router refuses that, as RFC 1812 3.3.2 demands. " +
			"The two are alike from here. Clients behind this router do not reach the VIP.",
		Detected: "ICMP host unreachable (type 3, code 1) for a packet of ours to the VIP, from an address that is neither the VIP's nor this host's, and no later answer in the same way of asking.",
		Disproof: "A route on that router that discards packets for the VIP on purpose says the same, and so does a firewall with that answer in a rule. Then the router's ARP table shows no incomplete entry for the VIP.",
		Cure: "Run nlbprobe with this VIP on a host of the VIP's subnet that is no cluster node: it tells the two causes apart and prints the lines to paste. " +
			"On the router that the summary names, look at the ARP entry of the VIP: incomplete fits both causes.",
		References: []Reference{
			{Source: "RFC 792 (destination unreachable)", Certainty: nlb.Documented},
			{Source: "RFC 1812 3.3.2, 5.2.7.1 (code 1, host unreachable)", Certainty: nlb.Inferred},
		},
	},
	{
		ID:        idRemoteReached,
		Severity:  Info,
		Certainty: nlb.Inferred,
		Title:     "The VIP answers from another subnet",
		Meaning:   "Asked from another subnet: the VIP answers. The router before it has a MAC for the VIP. Other routers of the VIP's subnet were not asked: each needs an entry of its own.",
		Detected:  "An echo reply of the VIP, a connection that it accepts or refuses, or an ICMP error with the VIP as its sender.",
		Disproof:  "A firewall or proxy on the way that answers in the VIP's name.",
		Cure:      "None needed for this way. Run nlbprobe on a host of the VIP's subnet to test the other routers, the standby one above all, by --router.",
		References: []Reference{
			{Source: "RFC 792 (echo reply)", Certainty: nlb.Documented},
			{Source: "RFC 1812 3.3.2", Certainty: nlb.Inferred},
		},
	},
	{
		ID:        idRemoteDuplicates,
		Severity:  Info,
		Certainty: nlb.Inferred,
		Title:     "Several hosts answer one packet",
		Meaning: "One packet to the VIP brought more than one answer; ping marks them DUP. Several hosts take the packet and answer it, as those of an NLB cluster do with an echo request. " +
			"A network that doubles packets, by a loop or a mirror port, looks the same.",
		Detected:   "More than one answer of the VIP to the same packet of ours.",
		Disproof:   "Duplicates of an ordinary host of the same subnet too: then the network doubles packets.",
		Cure:       "None needed for a cluster. Otherwise name an ordinary host of the subnet with --control and compare.",
		References: []Reference{{Source: "Microsoft NLB, all hosts receive all traffic of the VIP and a filter decides who takes it", Certainty: nlb.Inferred}, {Source: "ping(8), duplicate packets", Certainty: nlb.Documented}},
	},
	{
		ID:        idRemoteUnsteady,
		Severity:  Warning,
		Certainty: nlb.Inferred,
		Title:     "The VIP answers, and a router fails",
		Meaning: "Some packets to the VIP were answered, and of others a router says host unreachable. Routers that share the load may differ, one with a MAC for the VIP and one without; or the state changed while we asked. " +
			"The verdict follows the last word of each way of asking.",
		Detected:   "An answer of the VIP, and ICMP host unreachable for another packet to it, within one run.",
		Disproof:   "A longer run that shows one of the two alone.",
		Cure:       "Ask again with a longer --wait. Run nlbprobe on a host of the VIP's subnet and test each router by its own address with --router.",
		References: []Reference{{Source: "RFC 2992 (equal-cost multi-path)", Certainty: nlb.Inferred}},
	},
	{
		ID:        idRemoteNoRoute,
		Severity:  Info,
		Certainty: nlb.Documented,
		Title:     "A router has no route to the VIP",
		Meaning: "A router on the way says that it knows no way to the VIP's network. Whether a router of the VIP's subnet has a MAC for the VIP was not tested. " +
			"Codes for an unknown or isolated network or host count as this too.",
		Detected:   "ICMP destination unreachable, type 3, with code 0, 5, 6, 7, 8, 11 or 12, or one that no RFC knows, for a packet to the VIP.",
		Disproof:   "A route to the VIP's network on the router named: then a filter gives this answer.",
		Cure:       "On the router named: look at the route to the VIP. The link to the VIP's subnet may be down.",
		References: []Reference{{Source: "RFC 792 (destination unreachable)", Certainty: nlb.Documented}, {Source: "RFC 1812 5.2.7.1", Certainty: nlb.Documented}},
	},
	{
		ID:        idRemoteFiltered,
		Severity:  Info,
		Certainty: nlb.Documented,
		Title:     "Packets to the VIP are filtered",
		Meaning: "Somebody on the way says that packets to the VIP are not let through, or refuses them in the VIP's stead. Nothing is learnt of the VIP or of the MAC that a router has for it. " +
			"What was not let through may differ from what clients send.",
		Detected:   "ICMP destination unreachable with code 9, 10 or 13 (prohibited), 14 or 15 (precedence), or code 2 or 3 (protocol, port) from another address than the VIP's.",
		Disproof:   "An answer of the VIP to the same kind of packet.",
		Cure:       "Ask for a service that is let through: --tcp PORT. Or run nlbprobe on a host of the VIP's subnet.",
		References: []Reference{{Source: "RFC 1812 5.2.7.1 (codes 9, 10, 13)", Certainty: nlb.Documented}},
	},
	{
		ID:         idRemoteLoop,
		Severity:   Info,
		Certainty:  nlb.Inferred,
		Title:      "Routers pass the packet in a circle",
		Meaning:    "A packet to the VIP used up all the hops that it was given. Routers send packets for the VIP to each other in a circle, so they do not arrive.",
		Detected:   "ICMP time exceeded for a packet to the VIP that was sent with the system's own number of hops.",
		Disproof:   "A way to the VIP that is longer than that number.",
		Cure:       "On the router named: look at the route to the VIP. traceroute shows the circle.",
		References: []Reference{{Source: "RFC 792 (time exceeded)", Certainty: nlb.Documented}, {Source: "RFC 1812 5.2.7.3", Certainty: nlb.Inferred}},
	},
	{
		ID:        idRemoteRedirected,
		Severity:  Info,
		Certainty: nlb.Inferred,
		Title:     "A router points back to this subnet",
		Meaning: "A router says that the VIP, or a better way to it, is on the subnet of this host, and nothing answered by that way. A route for the VIP that leads to the wrong subnet does this; " +
			"hosts of the VIP's own subnet may then get the router's MAC for it, by proxy ARP.",
		Detected:   "An ICMP redirect (type 5) for a packet to the VIP, and no answer of the VIP.",
		Disproof:   "An answer of the VIP: then the redirect only names a shorter way.",
		Cure:       "On the router named: look at the route to the VIP, for an entry for this one address above all.",
		References: []Reference{{Source: "RFC 792 (redirect)", Certainty: nlb.Documented}, {Source: "RFC 1812 5.2.7.2", Certainty: nlb.Inferred}},
	},
	{
		ID:         idRemoteUnnamed,
		Severity:   Info,
		Certainty:  nlb.Inferred,
		Title:      "Unreachable, not said by whom",
		Meaning:    "The system says that the VIP cannot be reached, and not who found that out. A router without a MAC for the VIP, a route that is missing, and this host's own gateway look alike.",
		Detected:   "The system's error for an unreachable host, on a system that does not tell the sender of the ICMP error.",
		Disproof:   "A run on a Linux host of this subnet, which names who says so.",
		Cure:       "Run nlbprobe on a Linux host, best on one of the VIP's subnet that is no cluster node.",
		References: []Reference{{Source: "POSIX connect, EHOSTUNREACH", Certainty: nlb.Documented}},
	},
	{
		ID:         idRemoteControlFails,
		Severity:   Info,
		Certainty:  nlb.Inferred,
		Title:      "The control host is unreachable too",
		Meaning:    "The router that has no MAC for the VIP has none for the control host either. Then the cause may be that subnet's: a VLAN or link that is down, rather than the VIP's group MAC. A control host that is off looks the same.",
		Detected:   "ICMP host unreachable for the VIP and for a control host, from the same router.",
		Disproof:   "An answer of the control host, or of another host of the VIP's subnet.",
		Cure:       "Name a host with --control that is known to be up. If it is unreachable too, look at the router's interface to that subnet first.",
		References: []Reference{{Source: "RFC 1812 5.2.7.1", Certainty: nlb.Inferred}},
	},
	{
		ID:         idRemotePortSilent,
		Severity:   Warning,
		Certainty:  nlb.Inferred,
		Title:      "The service is silent from here",
		Meaning:    "The VIP answers, and a connection to the TCP port brought nothing. A firewall on the way or on the nodes that drops, a disabled port rule and a node that is dead look alike from here.",
		Detected:   "A SYN to the port without any answer within --wait, and another answer of the VIP.",
		Disproof:   "One answer of the port, to the next attempt.",
		Cure:       "Run nlbprobe with --tcp on a host of the VIP's subnet: if the port answers there, look at the firewalls on the way; otherwise at the nodes.",
		References: []Reference{{Source: "Microsoft unattend reference, port rules", Certainty: nlb.Inferred}},
	},
	{
		ID:         idRemoteNotSent,
		Severity:   Info,
		Certainty:  nlb.Documented,
		Title:      "This host did not get packets out",
		Meaning:    "This host itself gave up: it has no route, does not allow the packet, or its own gateway does not answer ARP. Nothing is learnt of the VIP or of the routers behind the gateway.",
		Detected:   "An error of this host's own network stack, or an ICMP error whose sender is an address of this host.",
		Disproof:   "Another destination behind the same gateway that this host reaches.",
		Cure:       "Look at this host's own network first: ip route get with the VIP, ip neigh for the gateway, and the local firewall.",
		References: []Reference{{Source: "RFC 1122 3.3.1.2 (gateway selection)", Certainty: nlb.Inferred}, {Source: "ip(7), IP_RECVERR", Certainty: nlb.Documented}},
	},
	{
		ID:         idRemoteNoEcho,
		Severity:   Info,
		Certainty:  nlb.Documented,
		Title:      "Echo is not allowed to ordinary users",
		Meaning:    "This system lets no ordinary user send ICMP echo requests, so the VIP was asked by UDP datagrams, as traceroute does. Fewer hosts answer those: Windows drops them by its firewall. Silence says even less then.",
		Detected:   "The system refused a socket for ICMP echo.",
		Disproof:   "A ping of the same user without special rights.",
		Cure:       "None needed if a router answered. To ask by echo: sysctl -w net.ipv4.ping_group_range='0 2147483647' on Linux, sudo, or --tcp with a service of the VIP.",
		References: []Reference{{Source: "icmp(7), ping_group_range", Certainty: nlb.Documented}},
	},
	{
		ID:         idRemoteSilent,
		Severity:   Info,
		Certainty:  nlb.Documented,
		Title:      "Silence from another subnet",
		Meaning:    "Nothing came back of the packets to the VIP. That proves nothing: a filter, a router that says nothing of a MAC that it lacks, a cluster that is off and hosts that drop what they were asked look alike from here.",
		Detected:   "No answer and no ICMP error for any packet to the VIP, but those that a limited number of hops brings.",
		Disproof:   "One answer, or one ICMP error.",
		Cure:       "Run nlbprobe with this VIP on a host of the VIP's subnet that is no cluster node. From here, try a service: --tcp PORT.",
		References: []Reference{{Source: "RFC 1812 4.3.2.8 (ICMP errors may be limited in rate)", Certainty: nlb.Documented}},
	},
}
