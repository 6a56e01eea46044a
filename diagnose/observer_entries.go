package diagnose

import "github.com/nlbprobe/nlbprobe/nlb"

// The ids of findings about what is not NLB, or cannot be told from it.
const (
	idUnproven   = "cluster-kind-unproven"
	idCARP       = "carp-balancing"
	idFirstHop   = "first-hop-virtual-mac"
	idOtherGroup = "group-mac-not-nlb"
	idOwnHost    = "own-host-claims-vip"
	idOthersAsk  = "asked-by-others"
	idMalformed  = "malformed-arp"
	idLost       = "frames-lost"
	idAnswersCut = "answers-cut"
	idFactsCut   = "facts-cut"
	idUnasked    = "answers-unasked"
	idPassive    = "passive-only"
	idOffLink    = "vip-off-link"
)

var lookAlikeEntries = [...]Entry{
	{
		ID:        idUnproven,
		Severity:  Info,
		Certainty: nlb.Unconfirmed,
		Title:     "The kind of cluster cannot be told",
		Meaning: "A group MAC that NLB does not derive from the VIP says nothing about the product. NLB with a MAC set by hand, WatchGuard FireCluster (active/active), Check Point ClusterXL in load-sharing multicast mode, " +
			"Forcepoint (Stonesoft) clusters and the Linux CLUSTERIP target look alike from outside. The firewalls among them often use MACs of 01-00-5e, the range of IP groups, " +
			"and most report no group: IGMP snooping knows nothing of their members. A MAC 01-00-5e-7f with other bytes than the VIP's can be NLB in IGMP mode, asked for a further VIP. " +
			"Which MACs ClusterXL and FireCluster derive is not documented.",
		Detected: "An answer with a group MAC that NLB does not derive from this VIP, or packets for the VIP to one, without heartbeats of the cluster, without a report of that MAC's group by its hosts, and no other known form. " +
			"Where only packets show the MAC, a packet generator looks the same.",
		Disproof: "NLB heartbeats (ethertype 0x886f) for this VIP prove NLB; the product's own status page settles the others.",
		Cure: "Once an answer names the MAC: static ARP on the routers and a static MAC entry towards the member ports is the cure for each of them, with IGMP snooping off for a MAC of 01-00-5e that nobody reports. " +
			"For checks on the nodes, ask whoever runs the cluster what it is.",
		References: []Reference{
			{"WatchGuard help, Switch and Router Requirements for an Active/Active FireCluster", nlb.Documented},
			{"Check Point R81.10 ClusterXL administration guide (load sharing multicast)", nlb.Documented},
			{"blog.technopathllc.com, 2010-12, Multicast Firewall Load Sharing on Checkpoint ClusterXL Firewalls with Cisco Devices (static MAC entries, IGMP snooping off)", nlb.Inferred},
			{"Forcepoint NGFW (Stonesoft) documentation, packet dispatch and multicast MAC", nlb.Documented},
			{"Linux net/ipv4/netfilter/ipt_CLUSTERIP.c", nlb.Documented},
		},
	},
	{
		ID:        idCARP,
		Severity:  Info,
		Certainty: nlb.Documented,
		Title:     "OpenBSD CARP balancing, not NLB",
		Meaning: "The MAC 01-00-5e-00-01-xx is the one that OpenBSD's carp uses when it balances by IP; xx is the group number. It also lies in the range of the IP multicast groups 224.0.1.x, " +
			"so it is no form of NLB's IGMP mode, but a MAC that someone set by hand can have it too.",
		Detected:   "An answer with a sender MAC 01-00-5e-00-01-xx.",
		Disproof:   "No CARP advertisement (IP protocol 112) for that group on the segment.",
		Cure:       "The cure on routers is the same as for NLB in multicast mode: static ARP and MAC entries. Or use another balancing mode of carp.",
		References: []Reference{{"OpenBSD sys/netinet/ip_carp.c, carp(4)", nlb.Documented}},
	},
	{
		ID:        idFirstHop,
		Severity:  Info,
		Certainty: nlb.Inferred,
		Title:     "The MAC is a virtual router's",
		Meaning: "An answer, or a hello of routers, names the VIP with a virtual MAC of VRRP (also used by CARP), HSRP or GLBP. This is no NLB cluster. Either the VIP is that group's virtual address, or one of its routers answers for the VIP by proxy ARP; " +
			"the two look alike from outside.",
		Detected:   "An answer whose sender MAC has a form of VRRP, HSRP or GLBP, and that no known router uses for another IP; or a hello from such a MAC that names the VIP as its virtual address. GLBP gives different clients different MACs on purpose.",
		Disproof:   "The group's configuration: if the VIP is not its virtual address, it is proxy ARP.",
		Cure:       "None needed when the VIP is meant to be a virtual router or a load balancer with VRRP. If a cluster was expected, turn proxy ARP off on the routers and look for the cluster on another VLAN.",
		References: []Reference{{"RFC 9568 7.3 (VRRP virtual router MAC)", nlb.Documented}, {"Cisco documentation of HSRP and GLBP virtual MACs", nlb.Documented}, {"RFC 1027 (proxy ARP)", nlb.Inferred}},
	},
	{
		ID:         idOtherGroup,
		Severity:   Info,
		Certainty:  nlb.Inferred,
		Title:      "A group MAC of another kind, not NLB",
		Meaning:    "The answer, or frames with packets for the VIP, name a group MAC that is another protocol's own, named in the evidence. NLB does not derive it, and an entry for it would lead that protocol's frames astray. An administrator can have set it by hand for a cluster of any product.",
		Detected:   "An answer with a group MAC of a protocol's block, or packets for the VIP to one. Some protocols send packets to single addresses so, as BFD does on the links of an aggregate.",
		Disproof:   "The product's own configuration at the Ethernet source named here.",
		Cure:       "Find out what the device is before anything is entered on a router. If it is a cluster, choose a locally administered group MAC (first byte 03) that nobody else uses.",
		References: []Reference{{"IANA Ethernet numbers (RFC 9542)", nlb.Documented}, {"Wireshark wka (well-known addresses)", nlb.Documented}, {"RFC 7130 2.3 (BFD on the links of an aggregate)", nlb.Documented}, {"IEEE 802, group address bit", nlb.Documented}},
	},
}

var observerEntries = [...]Entry{
	{
		ID:        idOwnHost,
		Severity:  Warning,
		Certainty: nlb.Inferred,
		Title:     "This host itself appears as the VIP",
		Meaning: "The VIP is an address of the observing host, or an ARP packet names the observer's own MAC for the VIP. A cluster node that talks to its own VIP reaches itself, so nothing learnt here holds for clients. " +
			"A second device with the same MAC, a forged packet and frames that a loop brings back look alike.",
		Detected:   "The VIP among the observer's addresses, or an ARP packet for the VIP whose sender MAC or Ethernet source is the observer's own.",
		Disproof:   "The VIP missing from this host's address list, and an observation from another host without these packets.",
		Cure:       "Probe from a host that is no node of the cluster. If this host does not hold the VIP: look for a copied virtual machine with the same MAC, and for a switching loop.",
		References: []Reference{{"Microsoft KB 247768 (a cluster host that connects to its own VIP)", nlb.Documented}, {"RFC 826", nlb.Inferred}},
	},
	{
		ID:        idOthersAsk,
		Severity:  Info,
		Certainty: nlb.Inferred,
		Title:     "Others ask for the VIP",
		Meaning: "Other hosts ask for the VIP on this segment. Each is a client or a router that wants to send to it. One that keeps asking although answers were sent may be refusing them; " +
			"a short entry lifetime looks the same, so this proves nothing by itself. An asker without an IP address probes before it takes the VIP for itself.",
		Detected:   "ARP requests from other hosts with the VIP as target and another, or no, sender IP.",
		Disproof:   "An asker that stops asking once it was answered.",
		Cure:       "None needed. If an asker is a router and keeps asking, look at the VIP's entry in its ARP table. If one probes without an address, look for a second device that is to get the VIP.",
		References: []Reference{{"RFC 1812 3.3.2", nlb.Inferred}, {"RFC 5227 2.1 (address probe)", nlb.Documented}},
	},
	{
		ID:         idMalformed,
		Severity:   Info,
		Certainty:  nlb.Documented,
		Title:      "Malformed ARP on the segment",
		Meaning:    "Frames of ethertype 0x0806 were not ARP for IPv4 over Ethernet: cut short, or of other types or lengths. They say nothing about the VIP and were left out of the judgement.",
		Detected:   "An ARP frame that fails the check of hardware type 1, protocol 0x0800 and address lengths 6 and 4.",
		Disproof:   "A capture that shows the frame whole: then it was cut on the way to the observer.",
		Cure:       "None needed for the VIP. Find the sender by its Ethernet source if the frames go on.",
		References: []Reference{{"RFC 826", nlb.Documented}},
	},
	{
		ID:         idLost,
		Severity:   Info,
		Certainty:  nlb.Documented,
		Title:      "The observer lost frames",
		Meaning:    "The kernel threw frames away before they could be read. What was seen stands. What was not seen, such as a second answer, may be among the lost: silence is then no proof of silence.",
		Detected:   "The drop counter of the observing socket, or of a capture, is above zero.",
		Disproof:   "A repeated observation without loss that sees the same.",
		Cure:       "Probe again when the segment is quieter, or from a port with less traffic.",
		References: []Reference{{"packet(7), PACKET_STATISTICS", nlb.Documented}},
	},
	{
		ID:        idAnswersCut,
		Severity:  Warning,
		Certainty: nlb.Inferred,
		Title:     "More different answers than are kept",
		Meaning: "More different ARP replies were seen than an observation keeps, so the lists of hosts and MACs are cut and a real node may be missing. " +
			"A cluster of 32 nodes gives at most some dozens: so many come from a fault, a scanner or an attack.",
		Detected:   "The bound on different ARP replies was reached, and further ones were only counted.",
		Disproof:   "A repeated observation that stays within the bound.",
		Cure:       "Find the source of the many ARP replies first, by the Ethernet sources in the evidence and the switch's port counters. Then probe again.",
		References: []Reference{{"RFC 826 (any host can send any pair of addresses)", nlb.Inferred}},
	},
	{
		ID:        idFactsCut,
		Severity:  Info,
		Certainty: nlb.Inferred,
		Title:     "Other facts than answers were cut",
		Meaning: "More different ARP requests, malformed frames, heartbeats or packets were seen than an observation keeps. The ARP answers are all there; lists of the kinds that the evidence names are cut, " +
			"and what was left out may be what a test waited for. A large or scanned subnet is enough for that, and so is somebody who invents frames.",
		Detected:   "The bound on different facts of a kind other than ARP replies was reached, and further ones were only counted.",
		Disproof:   "A repeated observation that stays within the bound.",
		Cure:       "None needed, unless the sender of malformed or invented frames is to be found.",
		References: []Reference{{"RFC 826 (any host can send any pair of addresses)", nlb.Inferred}},
	},
	{
		ID:        idUnasked,
		Severity:  Info,
		Certainty: nlb.Inferred,
		Title:     "Answers that answer nothing of ours",
		Meaning: "Echo replies, TCP answers or ICMP errors about the VIP came to this host, and repeat the numbers of no packet that it sent: identifier, sequence number and random payload of an echo, ports and sequence number of a SYN. " +
			"Either somebody forges answers without having seen the questions, or they are late ones to another program of this host, or to an earlier run. They are counted and judged no further.",
		Detected: "At least 10 frames to this host whose numbers are those of none of its own packets that were seen. Fewer are late answers to a run before this.",
		Disproof: "A program of this host that talks to the VIP and whose packets were not seen here.",
		Cure:     "None needed for the verdict. If they come by the thousand: find the switch port behind which their Ethernet source is.",
		References: []Reference{
			{"RFC 792 (echo: identifier, sequence number and data are returned)", nlb.Documented},
			{"RFC 9293 3.5.3, 3.10.7.3 (what acknowledges nothing that was sent is no answer)", nlb.Documented},
			{"RFC 5927 (ICMP attacks against TCP)", nlb.Documented},
		},
	},
	{
		ID:         idPassive,
		Severity:   Info,
		Certainty:  nlb.Documented,
		Title:      "Nothing was asked",
		Meaning:    "The observer only listened. Answers to others are mostly sent to them alone and do not reach this port, so a VIP that works can stay unseen.",
		Detected:   "An observation marked as passive, and no question of ours for the VIP.",
		Disproof:   "A question of ours for the VIP among the frames sent.",
		Cure:       "Probe without --passive where sending is allowed.",
		References: []Reference{{"RFC 826 (a reply goes to the asker's address)", nlb.Documented}},
	},
	{
		ID:        idOffLink,
		Severity:  Info,
		Certainty: nlb.Inferred,
		Title:     "The VIP is on none of our subnets",
		Meaning: "ARP does not cross routers. On the observed interfaces no address of this host has a prefix that holds the VIP, so the cluster may well be on another segment. " +
			"Several subnets on one VLAN are possible too: then answers are heard all the same.",
		Detected:   "The observer has at least one address, and no prefix of its addresses contains the VIP.",
		Disproof:   "An answer for the VIP from a host of this segment, or an address of this host in the VIP's prefix.",
		Cure:       "Run nlbprobe on a host of the VIP's subnet that is no cluster node, or name the interface that is on its VLAN. Without -i it asks from here by way of the routers, as a client of another subnet does.",
		References: []Reference{{"RFC 826", nlb.Inferred}, {"RFC 1122 3.3.1.1 (local or remote decision)", nlb.Documented}},
	},
}
