package diagnose

import "github.com/nlbprobe/nlbprobe/nlb"

// The ids of findings about an NLB cluster.
const (
	idOtherVIP     = "mac-of-another-vip"
	idIGMPOtherVIP = "igmp-mac-of-another-vip"
	idHandSet      = "hand-set-mac"
	idSeveralHosts = "several-hosts-one-mac"
	idMixedModes   = "mixed-modes"
	idMasked       = "unicast-mode-masked"
	idUnmasked     = "unicast-mode-unmasked"
	idLegacy       = "legacy-wlbs-mac"
	idMaskedAnswer = "masked-mac-in-answer"
	idGroupRequest = "arp-request-with-group-mac"
)

var clusterEntries = [...]Entry{
	{
		ID:        idOtherVIP,
		Severity:  Info,
		Certainty: nlb.Documented,
		Title:     "The MAC belongs to another, primary VIP",
		Meaning: "NLB answers for every VIP of a cluster with the MAC of the primary one. The MAC seen reveals that primary VIP; the address asked for is a secondary one. " +
			"This is normal. NLB Manager displays a MAC of its own for each VIP, and a router entry with that displayed MAC works for no remote client.",
		Detected: "A sender MAC of NLB's form 02-bf or 03-bf whose last four bytes are an IPv4 address other than the VIP.",
		Disproof: "nlb query or the cluster's properties on a node: if the revealed address is no VIP of the cluster, the MAC was set by hand or copied.",
		Cure:     "None needed on the cluster. In every static ARP entry, for every VIP of the cluster, use the MAC seen here and never one computed from the secondary VIP.",
		References: []Reference{
			{Source: "Microsoft networking blog, 2008-12-11 (NLB uses only the primary cluster network address)", Certainty: nlb.Documented},
			{Source: "Microsoft KB 4494444 (how the cluster MAC is derived)", Certainty: nlb.Documented},
		},
	},
	{
		ID:        idIGMPOtherVIP,
		Severity:  Info,
		Certainty: nlb.Inferred,
		Title:     "The IGMP-mode MAC does not fit this VIP",
		Meaning: "In IGMP mode the MAC holds the last two bytes of the primary VIP only. They differ from this VIP's, so this is a secondary VIP, or the group was set by hand; the two look alike. " +
			"The first two bytes of the primary VIP cannot be learnt from the MAC. Clusters on one VLAN that agree in these two bytes share MAC and group.",
		Detected: "A sender MAC 01-00-5e-7f-y-z where y.z are not the last two bytes of the VIP. It is taken for IGMP mode only if heartbeats name such a primary VIP, or the hosts report its group.",
		Disproof: "The cluster's properties on a node: the primary VIP and the multicast address of the group.",
		Cure:     "None needed on the cluster. In every static ARP entry, for every VIP of the cluster, use the MAC seen here.",
		References: []Reference{
			{Source: "Microsoft KB 283028 (IGMP support in NLB)", Certainty: nlb.Documented},
			{Source: "Microsoft KB 4494444 (how the cluster MAC is derived)", Certainty: nlb.Documented},
			{Source: "Microsoft networking blog, 2008-12-11 (NLB uses only the primary cluster network address)", Certainty: nlb.Inferred},
		},
	},
	{
		ID:        idHandSet,
		Severity:  Info,
		Certainty: nlb.Inferred,
		Title:     "The MAC was not derived from a VIP",
		Meaning: "The MAC has none of the forms that NLB derives from an IP address, so it was set by hand, or this is no NLB. It works the same way, but it cannot be computed: " +
			"a tool or a colleague who derives it gets another address. Vendors' examples such as 0300.5e11.1111 are often copied.",
		Detected: "A group sender MAC outside 03-bf and 01-00-5e-7f that is no other protocol's, or a unicast one in a frame whose Ethernet source has NLB's masked form 02-pp with the VIP's bytes.",
		Disproof: "nlb ip2mac with the primary VIP on a node, if it prints the MAC seen here.",
		Cure:     "None needed, as long as every node has the same one. Take the MAC for routers and switches from the wire, as here, and write it down in the cluster's documentation.",
		References: []Reference{
			{Source: "Microsoft unattend reference, ClusterIpToClusterMacEnabled and ClusterMacAddress", Certainty: nlb.Documented},
			{Source: "Microsoft KB 232454, KB 193601 (IPToMACEnable)", Certainty: nlb.Documented},
			{Source: "Cisco 107995 (example 0300.5e11.1111)", Certainty: nlb.Documented},
		},
	},
	{
		ID:        idSeveralHosts,
		Severity:  Info,
		Certainty: nlb.Documented,
		Title:     "Several hosts answer with the same MAC",
		Meaning: "Frames from different Ethernet sources name one MAC for the VIP: several nodes of one cluster answer the same question. This is normal and no duplicate address. " +
			"Which nodes answer on current Windows is not documented, so a node that is not listed may still be alive.",
		Detected:   "Answers for the VIP with equal sender MACs from at least two Ethernet sources.",
		Disproof:   "One device behind both Ethernet sources in the switch's MAC table, such as a host with teamed adapters.",
		Cure:       "None needed. Count the hosts listed against the nodes that you expect.",
		References: []Reference{{Source: "Dell S4820T command reference (all servers of a cluster may reply)", Certainty: nlb.Documented}, {Source: "Microsoft KB 244091 (a host under stress may not answer ARP)", Certainty: nlb.Documented}},
	},
	{
		ID:        idMixedModes,
		Severity:  Critical,
		Certainty: nlb.Inferred,
		Title:     "Nodes answer in different modes",
		Meaning: "The answers for one VIP name cluster MACs of different NLB modes. All nodes of a cluster must use one mode; these nodes do not form one cluster, " +
			"and a client lands on either part by chance of order. A mode change that is under way looks the same while it lasts.",
		Detected:   "Answers for the VIP on one VLAN whose sender MACs have the forms of at least two of: unicast, multicast, IGMP multicast.",
		Disproof:   "A second observation in which all answers have one form: the first one then saw the change.",
		Cure:       "Set the same cluster operation mode on every node with NLB Manager, connected to the cluster as a whole, and probe again before a router is touched.",
		References: []Reference{{Source: "Microsoft KB 4494444 (Configure network to support NLB operation mode)", Certainty: nlb.Documented}, {Source: "Microsoft KB 193599, KB 197863 (hosts that do not converge)", Certainty: nlb.Inferred}},
	},
	{
		ID:        idMasked,
		Severity:  Info,
		Certainty: nlb.Documented,
		Title:     "Unicast mode, source masked",
		Meaning: "The cluster runs in unicast mode and hides its MAC: frames come from 02-pp (pp is the host priority) while ARP names 02-bf. Most routers accept that answer. " +
			"The switch never learns 02-bf, so it floods every frame for the VIP to all ports of the VLAN. That is how the mode works.",
		Detected: "A sender MAC of the cluster's unicast form in a frame whose Ethernet source differs from it.",
		Disproof: "The cluster MAC as a dynamic entry in a switch's MAC table: then something sends with it, and the switch does not flood.",
		Cure: "Most routers need nothing. Some platforms need lines of their own for unicast mode (nlbprobe platforms), and a router that compares Ethernet source and sender MAC drops these answers: there a static ARP entry. " +
			"ARP inspection that compares the two drops them as well: exempt the ports. Keep the cluster on a VLAN of its own, or bind the cluster MAC to the member ports with a static entry.",
		References: []Reference{
			{Source: "Microsoft KB 193602 (MaskSourceMAC)", Certainty: nlb.Documented},
			{Source: "Microsoft KB 4494444 (switch flooding in unicast mode)", Certainty: nlb.Documented},
			{Source: "ArubaOS 16.09, dynamic ARP protection (src-mac validation)", Certainty: nlb.Inferred},
			{Source: "FD.io VPP change 36808 (arp: add support for Microsoft NLB unicast)", Certainty: nlb.Documented},
		},
	},
	{
		ID:        idUnmasked,
		Severity:  Warning,
		Certainty: nlb.Documented,
		Title:     "Unicast mode, source not masked",
		Meaning: "Frames leave with the cluster MAC as Ethernet source. A switch learns that MAC on the port of the last sender and sends the VIP's traffic to that one node only; " +
			"with several nodes the entry moves from port to port. It is right only behind a hub.",
		Detected: "A sender MAC of NLB's unicast form that equals the Ethernet source of the frame, with the VIP's own bytes, or with another sign of a cluster: a masked source, several hosts, heartbeats. The form 02-bf alone can be chance.",
		Disproof: "All nodes behind one hub, or a static entry for the cluster MAC towards all member ports, which a switch does not overwrite.",
		Cure: "Set MaskSourceMAC back to 1 on every node and clear the learnt entry from the switch. " +
			"On VMware set Notify Switches to No and accept forged transmits; on Hyper-V enable MAC address spoofing for the adapter.",
		References: []Reference{
			{Source: "Microsoft KB 193601, KB 193602 (MaskSourceMAC)", Certainty: nlb.Documented},
			{Source: "VMware KB 1556 (Notify Switches)", Certainty: nlb.Documented},
			{Source: "Microsoft KB 4494444 (Hyper-V MAC address spoofing)", Certainty: nlb.Documented},
		},
	},
	{
		ID:        idMaskedAnswer,
		Severity:  Warning,
		Certainty: nlb.Inferred,
		Title:     "ARP answer names a node's masked MAC",
		Meaning: "The sender MAC inside the ARP answer is 02-pp with the VIP's bytes: the address that one node uses as Ethernet source, not the cluster's 02-bf. " +
			"Clients that store it send to that node only, if it listens to it at all. NLB does not answer so; something between the node and here may rewrite ARP.",
		Detected:   "An answer for the VIP whose sender MAC is 02-pp followed by the VIP's four bytes, pp from 01 to 20.",
		Disproof:   "A capture at the node's own port that shows 02-bf as sender MAC: then a device on the way rewrites ARP.",
		Cure:       "Compare with a capture at the node. Turn off ARP proxying or ARP suppression on switches, wireless bridges and hypervisors between it and here.",
		References: []Reference{{Source: "Microsoft KB 193602 (MaskSourceMAC)", Certainty: nlb.Inferred}},
	},
	{
		ID:         idLegacy,
		Severity:   Info,
		Certainty:  nlb.Inferred,
		Title:      "MAC of the old WLBS form 00-bf",
		Meaning:    "The MAC has the form of Convoy and WLBS, the forerunners of NLB, or was copied from a vendor's example: Cisco's unicast text shows 00-bf where current NLB uses 02-bf. The two look alike.",
		Detected:   "A sender MAC 00-bf followed by the four bytes of the VIP. Without the VIP's bytes it is an ordinary adapter.",
		Disproof:   "The version and the settings of the load balancer on a node.",
		Cure:       "Most routers need nothing, as the address is unicast. Check whether the node still runs WLBS, or whether the MAC was set by hand.",
		References: []Reference{{Source: "Wireshark wka (00-BF, MS-NLB virtual server)", Certainty: nlb.Documented}, {Source: "Cisco 107995 (unicast example)", Certainty: nlb.Documented}},
	},
	{
		ID:        idGroupRequest,
		Severity:  Critical,
		Certainty: nlb.Documented,
		Title:     "A node asks with the group MAC",
		Meaning: "A node's ARP request for another address, such as its gateway, carries the VIP and the cluster's group MAC as sender. RFC 1812 3.3.2 speaks of replies, but some routers refuse such requests too and do not answer, " +
			"so the node cannot send to remote subnets: remote clients fail off and on even with a correct static ARP entry on the router.",
		Detected:   "An ARP request for another address whose sender IP is the VIP and whose sender MAC has the group bit set.",
		Disproof:   "An ARP reply of the asked router to that node: this router accepts the request.",
		Cure:       "Windows Server 2008 without SP2: install KB 960916 or SP2 on every node. On later systems make the dedicated IP the first address of the cluster adapter and the VIP the second.",
		References: []Reference{{Source: "Microsoft KB 960916", Certainty: nlb.Documented}, {Source: "FreeBSD sys/netinet/if_ether.c (refuses a group sender MAC in requests too)", Certainty: nlb.Documented}, {Source: "Microsoft networking blog, 2009-01-15 (remote hosts cannot reach the VIP in multicast mode)", Certainty: nlb.Documented}, {Source: "Microsoft KB 198888 (dedicated IP first, VIP second)", Certainty: nlb.Inferred}},
	},
}
