package diagnose

import "github.com/nlbprobe/nlbprobe/nlb"

// The ids of findings about who answers for the VIP, and how.
const (
	idGroupMAC       = "group-mac-answer"
	idBroadcastMAC   = "broadcast-mac-answer"
	idZeroMAC        = "zero-mac-answer"
	idConflict       = "conflicting-answers"
	idVLANs          = "answers-differ-by-vlan"
	idRequestDiffers = "request-differs-from-answers"
	idProxyARP       = "proxy-arp"
	idOrdinary       = "ordinary-host"
	idAnnounced      = "vip-announced"
	idNotAnswered    = "announced-not-answered"
	idSilent         = "vip-silent"
	idGroupSource    = "group-source-answer"
	idSourceDiffers  = "source-differs-from-sender"
)

var answerEntries = [...]Entry{
	{
		ID:        idGroupMAC,
		Severity:  Warning,
		Certainty: nlb.Documented,
		Title:     "ARP answer names a group MAC",
		Meaning: "Hosts on the VIP's subnet accept a group (multicast) MAC for a unicast IP and reach the VIP. " +
			"A router that obeys RFC 1812 3.3.2 refuses such an answer, keeps the entry incomplete and cuts off every remote subnet. " +
			"This finding is about the answer only: whether a given router refuses it is not proven by it.",
		Detected: "An ARP reply whose sender IP is the VIP and whose sender MAC has the group bit (the lowest bit of the first byte) set.",
		Disproof: "A router that reaches the VIP: it holds a static ARP entry, or it accepts the answer as some do by default or by a setting.",
		Cure: "On every router of the VLAN, the standby one too: a static ARP entry that maps the VIP to the MAC seen here, " +
			"and a static MAC-table entry for that MAC towards the member ports, where the platform takes one; in IGMP mode IGMP snooping with a querier does for it. Or change the cluster to unicast mode and accept its flooding.",
		References: []Reference{
			{Source: "RFC 1812 3.3.2", Certainty: nlb.Documented},
			{Source: "Microsoft KB 4494444 (Configure network to support NLB operation mode)", Certainty: nlb.Documented},
			{Source: "Cisco 107995 / 216092 (Catalyst switches for Microsoft NLB)", Certainty: nlb.Documented},
		},
	},
	{
		ID:        idBroadcastMAC,
		Severity:  Critical,
		Certainty: nlb.Documented,
		Title:     "ARP answer names the broadcast MAC",
		Meaning: "No router may accept ff:ff:ff:ff:ff:ff for a unicast IP, and hosts must drop a unicast IP packet that comes in a link-layer broadcast. " +
			"No working cluster uses this address. Whether a fault or an attack is behind it cannot be told from the answer.",
		Detected: "An ARP packet whose sender IP is the VIP and whose sender MAC is ff:ff:ff:ff:ff:ff.",
		Disproof: "A capture at the port of the Ethernet source named here that shows another sender MAC: then something on the way rewrites ARP.",
		Cure:     "Find the device by the Ethernet source in the evidence, in the switch's MAC table, and stop it or correct its cluster MAC. A router needs no entry for this address.",
		References: []Reference{
			{Source: "RFC 1812 3.3.2", Certainty: nlb.Documented},
			{Source: "RFC 1122 3.3.6", Certainty: nlb.Documented},
		},
	},
	{
		ID:        idZeroMAC,
		Severity:  Critical,
		Certainty: nlb.Inferred,
		Title:     "ARP answer names no MAC",
		Meaning: "The sender MAC is 00:00:00:00:00:00. A host or router that stores it sends the VIP's traffic to nobody; others ignore it. " +
			"No NLB mode gives this address.",
		Detected:   "An ARP packet whose sender IP is the VIP and whose sender MAC is 00:00:00:00:00:00.",
		Disproof:   "A capture at the port of the Ethernet source named here that shows another sender MAC: then something on the way rewrites ARP.",
		Cure:       "Find the device by the Ethernet source in the evidence, in the switch's MAC table, and stop or repair it.",
		References: []Reference{{Source: "RFC 826 (the sender hardware address is the sender's own)", Certainty: nlb.Inferred}},
	},
	{
		ID:        idConflict,
		Severity:  Critical,
		Certainty: nlb.Documented,
		Title:     "Answers contradict each other",
		Meaning: "The VIP is said to be at different MACs on one VLAN. Each client keeps one of them, by chance of order, so some reach one place and some another. " +
			"Causes look alike from outside: a duplicate IP address, nodes in different NLB modes or with different cluster MACs, a split cluster, proxy ARP, forged ARP. " +
			"Where one answer stops before the other begins, a change during the observation is possible too.",
		Detected: "ARP answers or announcements for the VIP, on one VLAN, whose sender MACs differ. Several hosts that name the same MAC are no conflict. If each MAC had been silent for 1 s in a capture, or 10 s in a live run, when the next one was first heard, the address moved: then it is a warning. So it is in a capture if it moved back, at most a few times, each host announced it before it answered, and only one of them answered in between.",
		Disproof: "A second observation in which all answers name one MAC: the first one then saw a change, not a lasting contradiction.",
		Cure: "Look up each Ethernet source in the switch's MAC table to find the devices. Take the address off the one that should not have it, " +
			"or give all nodes the same mode, cluster MAC and port rules. Enter nothing static on a router before one MAC is left.",
		References: []Reference{
			{Source: "Microsoft KB 4494444 (Configure network to support NLB operation mode)", Certainty: nlb.Documented},
			{Source: "Microsoft KB 193599, KB 197863 (hosts that do not converge)", Certainty: nlb.Documented},
			{Source: "RFC 5227 2.4 (address conflict)", Certainty: nlb.Documented},
		},
	},
	{
		ID:        idVLANs,
		Severity:  Warning,
		Certainty: nlb.Inferred,
		Title:     "Answers differ between VLANs",
		Meaning: "The VIP is at one MAC on one VLAN and at another on a second one. Each VLAN is a segment of its own, so this need not be a contradiction, " +
			"but an IP address that lives on two VLANs is seldom meant. An observer on a trunk or mirror port sees both.",
		Detected:   "Answers for the VIP that carry different VLAN identifiers and different sender MACs. Untagged counts as a VLAN of its own.",
		Disproof:   "The same observation on an access port of each VLAN: if both MACs are heard there, it is a conflict and not a matter of VLANs.",
		Cure:       "Decide which VLAN the VIP belongs to and probe there. If it is meant to live on both, give each VLAN's router its own entry.",
		References: []Reference{{Source: "IEEE 802.1Q (a VLAN is a segment of its own)", Certainty: nlb.Inferred}},
	},
	{
		ID:        idRequestDiffers,
		Severity:  Warning,
		Certainty: nlb.Inferred,
		Title:     "A request names another MAC for the VIP",
		Meaning: "A host asks for some other address, names the VIP as its sender IP and a MAC that differs from the one in the answers. " +
			"Hosts and routers may learn from requests (RFC 826), so part of the clients may take this MAC and send to one node only, or to none.",
		Detected:   "An ARP request for another address, sender IP the VIP, whose sender MAC is in no answer or announcement for the VIP.",
		Disproof:   "A neighbour's ARP table that keeps the answers' MAC right after such a request.",
		Cure:       "Find the node by the Ethernet source in the evidence. Make its dedicated IP the first address of the cluster adapter and the VIP the second, so that it asks with its own address.",
		References: []Reference{{Source: "RFC 826 (packet reception: the sender's pair is merged)", Certainty: nlb.Documented}, {Source: "Microsoft KB 198888 (dedicated IP first, VIP second)", Certainty: nlb.Inferred}},
	},
	{
		ID:        idProxyARP,
		Severity:  Warning,
		Certainty: nlb.Inferred,
		Title:     "A router answers for the VIP (proxy ARP)",
		Meaning: "The answer names a router's own MAC: the router takes the VIP to be elsewhere, or is set to answer for it. Traffic for the VIP then goes to the router and not to a cluster. " +
			"A second address of that router, or a virtual address of the same first-hop group, looks the same from outside.",
		Detected:   "An answer for the VIP whose sender MAC is also the MAC with which a known router answers for its own, different IP. An address that this router says it shares, in VRRP or HSRP, is its own.",
		Disproof:   "The VIP in the router's own list of interface addresses, or as virtual IP of its VRRP, HSRP or GLBP group: then it is the router's address.",
		Cure:       "If the VIP should be a cluster on this subnet: turn proxy ARP off on the router's interface and look for a wrong prefix length or a host route for the VIP. Remove the old entry from the clients' ARP tables.",
		References: []Reference{{Source: "RFC 1027 (proxy ARP)", Certainty: nlb.Documented}, {Source: "RFC 1812 3.3.2", Certainty: nlb.Inferred}},
	},
	{
		ID:        idOrdinary,
		Severity:  Info,
		Certainty: nlb.Inferred,
		Title:     "An ordinary host answers",
		Meaning: "The answer names a unicast MAC of no known cluster form, and the frame comes from that MAC: what any host or router does. Routers accept it. " +
			"An NLB cluster in multicast mode whose multicast ARP answers are switched off looks the same.",
		Detected:   "Answers whose sender MAC is unicast, fits no NLB or first-hop form, equals the Ethernet source, and is no known router's MAC.",
		Disproof:   "NLB heartbeats (ethertype 0x886f) that name this VIP as cluster address, or answers from several hosts.",
		Cure:       "Routers accept this MAC without configuration. If a cluster was expected here, check on its nodes that NLB is started and bound to this adapter.",
		References: []Reference{{Source: "Microsoft unattend reference, MulticastSpoofEnabled", Certainty: nlb.Documented}, {Source: "RFC 826", Certainty: nlb.Documented}},
	},
	{
		ID:        idAnnounced,
		Severity:  Info,
		Certainty: nlb.Documented,
		Title:     "The VIP is announced",
		Meaning:   "A host says on its own that it has the VIP, as it does when it starts, takes over or changes its mode. Clients and switches learn from it. Repeated often, it can be a take-over that does not settle.",
		Detected:  "An ARP packet, request or reply, in which sender IP and target IP are both the VIP (gratuitous ARP).",
		Disproof:  "A capture at the port of the Ethernet source named here that shows no such packet: then it was forged or repeated elsewhere.",
		Cure:      "None needed when it is rare. Repeated announcements from different hosts: check why the cluster keeps converging.",
		References: []Reference{
			{Source: "RFC 5227 2.3, 3 (ARP announcement)", Certainty: nlb.Documented},
		},
	},
	{
		ID:        idNotAnswered,
		Severity:  Warning,
		Certainty: nlb.Inferred,
		Title:     "The VIP is in use, but nothing answered",
		Meaning: "A host uses or announces the VIP in ARP packets of its own, yet our questions got no answer. " +
			"A busy node that fails to answer ARP, a switch that filters either direction, and a stray or forged packet look alike.",
		Detected: "Our ARP requests for the VIP without an answer, and an ARP packet from another host with the VIP as sender IP.",
		Disproof: "One answer to a question, heard on the same VLAN.",
		Cure:     "Probe again from another port of the same VLAN, then look at the node's load, at ARP inspection and at port filters between here and the Ethernet source named.",
		References: []Reference{
			{Source: "Microsoft KB 244091 (a host under stress may not answer ARP)", Certainty: nlb.Documented},
			{Source: "ArubaOS 16.09, dynamic ARP protection (src-mac validation)", Certainty: nlb.Inferred},
		},
	},
	{
		ID:        idSilent,
		Severity:  Info,
		Certainty: nlb.Inferred,
		Title:     "Nothing answered for the VIP",
		Meaning: "No ARP answer for the VIP was heard. The address may be unused, on another VLAN or subnet, the cluster may be stopped, or something on the way drops ARP. " +
			"Nothing can be said about routers. The VIP's severity is unknown, and the exit status is 3.",
		Detected: "No usable ARP packet from another host with the VIP as sender IP, within the time named in the evidence.",
		Disproof: "One answer. Silence after lost frames, within a very short time, or without a question is weaker: the evidence then says so.",
		Cure:     "Check the address and the VLAN, and that this port is on the cluster's subnet. On a node: nlb query. Then check for ARP inspection, port security, private VLANs and storm control on the switch.",
		References: []Reference{
			{Source: "Microsoft KB 247297 (switches that block unknown unicast or multicast)", Certainty: nlb.Inferred},
			{Source: "Microsoft KB 244091 (a host under stress may not answer ARP)", Certainty: nlb.Documented},
		},
	},
	{
		ID:        idGroupSource,
		Severity:  Warning,
		Certainty: nlb.Documented,
		Title:     "Ethernet source is a group address",
		Meaning: "A source address with the group bit set is not valid on Ethernet. Switches drop such frames or learn nothing from them, so clients elsewhere may never see this answer. " +
			"It is not counted as an answer here. No NLB mode sends it.",
		Detected:   "An ARP packet with the VIP as sender IP in a frame whose Ethernet source has the group bit set.",
		Disproof:   "A capture at the sender's port that shows a unicast source: then something on the way rewrites frames.",
		Cure:       "Find the sender: since switches do not learn this source, a capture per port or the switch's counters of invalid frames must be used. Look for generators, faulty drivers and software bridges.",
		References: []Reference{{Source: "IEEE 802.3 3.2.3 (the source address is an individual address)", Certainty: nlb.Documented}},
	},
	{
		ID:        idSourceDiffers,
		Severity:  Info,
		Certainty: nlb.Inferred,
		Title:     "Frame source and sender MAC differ",
		Meaning: "The frame comes from one unicast MAC and the ARP packet names another, neither in a form of NLB. NLB with a cluster MAC set by hand does that; " +
			"so do adapter teaming and load-balancing drivers, wireless repeaters and other clusters. Which of them it is cannot be told from the answer.",
		Detected:   "An answer with a unicast sender MAC of no known cluster form, in a frame with another unicast Ethernet source.",
		Disproof:   "NLB heartbeats (ethertype 0x886f) for this VIP prove NLB; a teaming or repeater configuration at the Ethernet source disproves it.",
		Cure:       "None needed unless the VIP fails. ARP inspection that compares the two addresses drops these answers: exempt the port. A switch that never sees the sender MAC as source floods the VIP's traffic.",
		References: []Reference{{Source: "Allied Telesis x510 command reference, arp-mac-disparity", Certainty: nlb.Documented}, {Source: "Microsoft unattend reference, ClusterMacAddress", Certainty: nlb.Documented}, {Source: "ArubaOS 16.09, dynamic ARP protection (src-mac validation)", Certainty: nlb.Inferred}},
	},
}
