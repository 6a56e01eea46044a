package diagnose

import "github.com/nlbprobe/nlbprobe/nlb"

// The ids of findings about routers.
const (
	idRouterUntested = "router-not-tested"
	idRouterReaches  = "router-reaches-vip"
	idIgnores        = "router-ignores-multicast-arp"
	idDoesNotReach   = "router-does-not-reach"
	idInconclusive   = "router-test-inconclusive"
	idKeepsAsking    = "router-keeps-asking"
	idRedirects      = "router-redirects"
	idPair           = "first-hop-pair"
	idContradiction  = "router-evidence-contradicts"
	idClaimed        = "router-address-claimed-twice"
	idStale          = "packets-to-another-mac"
	idOtherSource    = "router-source-differs"
)

// The two cures of a group MAC that a router refuses, with their costs.
const twoCures = "1. On every router of the VLAN, also the standby one, a static ARP entry that maps each VIP to the MAC seen here, and on the switches a static MAC entry towards the member ports; in IGMP mode, IGMP snooping with a querier instead of the MAC entry. " +
	"These entries must be updated whenever the cluster changes, and without the MAC entries the VLAN is flooded. " +
	"2. Or unicast mode on all nodes: most routers need nothing, but the switches flood the VIP's traffic to all ports of the VLAN, nodes with one adapter cannot talk to each other, " +
	"and virtual machines need MAC spoofing or forged transmits allowed. The change interrupts the service."

var routerEntries = [...]Entry{
	{
		ID:         idRouterUntested,
		Severity:   Warning,
		Certainty:  nlb.Documented,
		Title:      "A router was not tested",
		Meaning:    "What a router does with the answers was not learnt: no packet was sent by way of it, and nothing seen proves that it reaches the VIP. Remote subnets behind it may work or not. Where more claim to be routers than an ordinary segment has, not all can be tested, and it is a warning: some may be invented, to crowd others out. Else it is a remark.",
		Detected:   "A known router, or no known router at all, without evidence that it reaches, or fails to reach, the VIP.",
		Disproof:   "A packet to the VIP that a router forwarded, or an ICMP host unreachable from it.",
		Cure:       "On each router: look at the ARP entry of the VIP. Incomplete means refused; a dynamic or static entry with the cluster's MAC means known. Or probe the VIP from a remote subnet.",
		References: []Reference{{Source: "RFC 1812 3.3.2", Certainty: nlb.Documented}},
	},
	{
		ID:        idRouterReaches,
		Severity:  Info,
		Certainty: nlb.Documented,
		Title:     "A router reaches the VIP",
		Meaning: "A packet that was handed to the router came to the cluster: the router holds a MAC for the VIP, learnt or entered by hand. " +
			"What came of our own packets proves it; others' packets from the router's MAC to the cluster's are evidence, and anybody can send such in the router's name: one alone is worth little. " +
			"The way back from the cluster to remote subnets does not cross this test, and a filter on the router can treat remote clients otherwise.",
		Detected: "An answer of the VIP to a packet of ours that only this router got, or that packet, or somebody else's, seen on its way from the router to the cluster's MAC.",
		Disproof: "The VIP's entry in the router's ARP table incomplete or absent while a remote client tries. Where only others' packets show it: a capture at the router that does not show them; then they were forged.",
		Cure:     "None needed on this router. Check the other routers of the VLAN too, those that stand by above all.",
		References: []Reference{
			{Source: "RFC 1812 5.2.7.2 (a router sends a packet back out of the interface it came in by)", Certainty: nlb.Documented},
			{Source: "RFC 792 (echo)", Certainty: nlb.Documented},
		},
	},
	{
		ID:        idIgnores,
		Severity:  Critical,
		Certainty: nlb.Inferred,
		Title:     "A router refuses the group MAC",
		Meaning: "The VIP's ARP answers name a group MAC. RFC 1812 3.3.2 tells routers to reject such answers, and this router does. It has no MAC for the VIP and cuts off every subnet behind it, while hosts of the VIP's own subnet are served. " +
			"A filter between the router and the cluster that drops the answers looks the same from here.",
		Detected: "The VIP answers us with a group MAC, and the router either sends host unreachable for a packet of ours that only it received, or keeps broadcasting ARP requests for the VIP although it sends a redirect for our packets or forwards for a control host.",
		Disproof: "An entry for the VIP with the cluster's MAC in the router's ARP table: then something else drops the packets. A null route can cause host unreachable too.",
		Cure:     twoCures + " Routers that can be told to accept such answers need no entry: see nlbprobe platforms.",
		References: []Reference{
			{Source: "RFC 1812 3.3.2 (no ARP reply with a broadcast or multicast address is believed)", Certainty: nlb.Documented},
			{Source: "RFC 1812 5.2.7.1 (host unreachable: the host does not answer ARP)", Certainty: nlb.Documented},
			{Source: "RFC 1122 2.3.2 (ARP repeated at most once a second)", Certainty: nlb.Inferred},
			{Source: "Microsoft KB 4494444 (Configure network to support NLB operation mode)", Certainty: nlb.Documented},
			{Source: "Cisco 107995 / 216092 (Catalyst switches for Microsoft NLB)", Certainty: nlb.Documented},
		},
	},
	{
		ID:        idDoesNotReach,
		Severity:  Critical,
		Certainty: nlb.Inferred,
		Title:     "A router does not reach the VIP",
		Meaning: "The VIP answers here, and the router is proven not to get packets to it. The answer's MAC is not shown to be the cause: a missing or wrong route, a static entry with another MAC, a filter on ARP, " +
			"or another VLAN behind the router's interface look alike. So does a router that compares the Ethernet source of an ARP answer with the MAC in it, as FD.io VPP did before change 36808: " +
			"it drops every answer of a cluster in unicast mode, whose hosts mask their source.",
		Detected: "A packet of ours that only this router got, and of which it says network unreachable, time exceeded or, though the answers name a unicast MAC, host unreachable, or which it sends to a MAC that nobody names for the VIP.",
		Disproof: "An answer of the VIP to a packet that went by way of this router.",
		Cure:     "On the router: look at the route and at the ARP entry for the VIP. It has to be a connected route on the VIP's VLAN, and the entry's MAC the one seen here. If there is no entry and the cluster is in unicast mode: a static ARP entry with that MAC. Then look for ARP inspection between the router and the nodes.",
		References: []Reference{
			{Source: "RFC 792 (destination unreachable)", Certainty: nlb.Documented},
			{Source: "RFC 1812 5.2.7.1 (which code means what)", Certainty: nlb.Documented},
			{Source: "FD.io VPP change 36808 (arp: add support for Microsoft NLB unicast)", Certainty: nlb.Documented},
			{Source: "Microsoft KB 193602 (MaskSourceMAC)", Certainty: nlb.Documented},
		},
	},
	{
		ID:        idInconclusive,
		Severity:  Info,
		Certainty: nlb.Documented,
		Title:     "A router's test was inconclusive",
		Meaning: "Packets for the VIP were handed to the router, and nothing that came of them proves anything. Many routers and firewalls send nothing back out of the interface where it came in, or filter ICMP, " +
			"and reach the VIP for remote clients all the same. The evidence says which causes remain.",
		Detected: "Packets of ours for the VIP that only this router got, without an answer, or with answers that contradict each other.",
		Disproof: "An answer of the VIP by way of this router, or host unreachable from it.",
		Cure:     "Test again with --tcp and a port that the VIP serves, and with --control and a host that answers. Else look at the VIP's entry in the router's ARP table, or probe from a remote subnet.",
		References: []Reference{
			{Source: "RFC 1812 4.3.2.8 (ICMP errors may be limited in rate)", Certainty: nlb.Documented},
			{Source: "RFC 1812 5.2.7.2 (redirects)", Certainty: nlb.Inferred},
		},
	},
	{
		ID:        idKeepsAsking,
		Severity:  Warning,
		Certainty: nlb.Inferred,
		Title:     "Somebody keeps asking for the VIP",
		Meaning: "A router or host asks everybody for the VIP again and again although the VIP answers. It does not accept the answers, or they do not get to it. For a router that means that the subnets behind it are cut off. " +
			"A tool that asks each second on purpose, such as arping, looks the same. If the VIP's answers are as every host's, no router refuses them, and it is a remark.",
		Detected: "At least 3 broadcast ARP requests for the VIP from one asker after the VIP's answer was heard, over at least one second and none more than 1.5 s after the one before it, as retries come. In a capture, answers to this asker were seen in between. No test settles whether it reaches the VIP, and no packet of the asker to the cluster's MAC was seen. Renewing an entry every half minute or more seldom does not count.",
		Disproof: "A packet for the VIP that the asker sends to the cluster's MAC.",
		Cure:     "Look at the VIP's entry in the asker's ARP table. If it is a router of this VLAN, name it with --router to have it tested. If it refuses the group MAC: a static ARP entry.",
		References: []Reference{
			{Source: "RFC 1812 3.3.2", Certainty: nlb.Inferred},
			{Source: "RFC 1122 2.3.2 (ARP repeated at most once a second)", Certainty: nlb.Inferred},
		},
	},
	{
		ID:        idOtherSource,
		Severity:  Info,
		Certainty: nlb.Inferred,
		Title:     "A router's frames come from another MAC",
		Meaning: "A router's own frames, IGMP queries or hellos, come from a MAC that its ARP does not name. Some routers and layer 3 switches send from a port's MAC and answer with the VLAN's. " +
			"Two devices with one address look the same, and so does somebody who answers in the router's name. What is handed to the one MAC says nothing of the other.",
		Detected: "An IGMP query, or a VRRP or HSRP hello, whose IP source is a router's and whose Ethernet source is neither a virtual router's MAC nor one that ARP for this address names.",
		Disproof: "ARP of the router with that MAC, or one MAC table entry for both on the switch.",
		Cure:     "Look both MACs up in the switch's MAC table. If they are on the ports of one router, none needed.",
		References: []Reference{
			{Source: "RFC 826 (the sender's address in ARP is what neighbours keep)", Certainty: nlb.Documented},
		},
	},
	{
		ID:        idStale,
		Severity:  Warning,
		Certainty: nlb.Inferred,
		Title:     "Packets for the VIP go to another MAC",
		Meaning: "A router or host sends packets for the VIP to a MAC that NLB would derive for it, but the answers name another one. Its ARP entry is from before the cluster changed its mode, or a static entry has the wrong MAC. " +
			"No node takes frames to that MAC, so whoever comes by way of this sender is not served.",
		Detected: "At least 2 packets for the VIP, after an answer for it, from one sender that is no host of the cluster, to a MAC that NLB derives from the VIP or from a primary VIP whose heartbeats are heard, and that no answer names. The sender sent none to the MAC of the answers later.",
		Disproof: "An answer for the VIP with that MAC, or a packet of the same sender to the MAC of the answers.",
		Cure:     "On the sender: look at the ARP entry of the VIP. Clear a dynamic one; correct a static one.",
		References: []Reference{
			{Source: "Microsoft KB 4494444 (Configure network to support NLB operation mode)", Certainty: nlb.Inferred},
			{Source: "RFC 1122 2.3.2.1 (entries that are out of date)", Certainty: nlb.Documented},
		},
	},
	{
		ID:        idRedirects,
		Severity:  Info,
		Certainty: nlb.Documented,
		Title:     "A router sends a redirect",
		Meaning: "The router says that the VIP is on the same subnet and that it would send the packet back out. It says so before it knows whether it has a MAC for the VIP: " +
			"a router that refuses the group MAC sends it too.",
		Detected:   "An ICMP redirect that quotes a packet of ours for the VIP.",
		Disproof:   "A capture at the router that shows no such message: then it was forged.",
		Cure:       "None needed. It is the normal consequence of this test.",
		References: []Reference{{Source: "RFC 792 (redirect)", Certainty: nlb.Documented}, {Source: "RFC 1812 5.2.7.2", Certainty: nlb.Documented}},
	},
	{
		ID:        idPair,
		Severity:  Info,
		Certainty: nlb.Documented,
		Title:     "Routers share a virtual address",
		Meaning: "Routers of this VLAN share an address by VRRP or HSRP. Static ARP and MAC entries are not shared between them: one that is missing on the router that stands by shows when it takes over. " +
			"In VRRP only the active router sends, so the others may not be named.",
		Detected:   "Messages of VRRP or HSRP.",
		Disproof:   "The group's configuration on the routers named.",
		Cure:       "None needed where the routers accept the VIP's answers. Else enter the static ARP and MAC entries on each router of the group, and test each by its own address with --router.",
		References: []Reference{{Source: "RFC 9568 6.4 (VRRP: who sends when)", Certainty: nlb.Documented}, {Source: "RFC 2281 (HSRP)", Certainty: nlb.Documented}},
	},
	{
		ID:        idContradiction,
		Severity:  Warning,
		Certainty: nlb.Inferred,
		Title:     "A router's evidence contradicts itself",
		Meaning: "Packets of others for the VIP are seen in frames from the router's MAC to the cluster's, as of a router that reaches it. But our own packets by the same way had no such consequence, or the router asks on for the VIP as one without an entry does. " +
			"One of the two may be forged: anybody on the segment can send frames in the router's name. A router that sends nothing back out where it came in, or filters our packets, but forwards what comes from elsewhere, looks the same, and so does one whose entry was made or lost meanwhile. " +
			"The router does not count as one that reaches the VIP.",
		Detected: "An IPv4 packet of another host for the VIP, from the router's MAC to the MAC that the VIP is at, beside packets of ours by way of that MAC that came to nothing, or at least 3 broadcast requests of the router for the VIP within seconds after it.",
		Disproof: "The VIP's entry in the router's ARP table: with the cluster's MAC, the packets are its own; incomplete or absent, they are forged.",
		Cure:     "Look at that entry. Then probe once more with a control host, --control IP, or from a remote subnet. If the packets are forged: find their switch port by a port mirror or by the counters, since the MAC table shows the router's MAC on two ports in turn.",
		References: []Reference{
			{Source: "RFC 1812 5.2.7.2 (a router sends a packet back out of the interface it came in by)", Certainty: nlb.Inferred},
			{Source: "IEEE 802.1Q (a switch learns any source address)", Certainty: nlb.Documented},
		},
	},
	{
		ID:        idClaimed,
		Severity:  Warning,
		Certainty: nlb.Inferred,
		Title:     "Several MACs claim a router's address",
		Meaning: "ARP names different MACs for one router's address at the same time. Either a second host has the address by mistake, or somebody answers in the router's place and hands packets on, or one router has two adapters in the subnet and answers on both. " +
			"Hosts keep one of them by chance. Each MAC was judged by itself; the router counts as reaching the VIP only if each does. Where one of them is the virtual MAC of VRRP, HSRP or GLBP, the other one may be the router's own: then it is a remark.",
		Detected: "ARP with the router's address as sender and different MACs, the earlier one again after the later one had begun, or both in answer to one question. A MAC that routers share beside the own MAC of one of them does not count.",
		Disproof: "The switch's MAC table with all of these MACs behind the router's own ports. A router that was replaced meanwhile and whose old MAC was heard once more from somebody's memory.",
		Cure: "Look for the MACs in the switch's MAC table: the one that is not on the router's port is the other host. Take the address from it. " +
			"Where dynamic ARP inspection is to be had, it keeps others from claiming a router's address.",
		References: []Reference{
			{Source: "RFC 5227 (address conflicts)", Certainty: nlb.Documented},
			{Source: "RFC 826 (any host can send any pair of addresses)", Certainty: nlb.Documented},
			{Source: "RFC 9568 7.3, RFC 2281 5.3 (virtual MAC of a shared address)", Certainty: nlb.Documented},
		},
	},
}
