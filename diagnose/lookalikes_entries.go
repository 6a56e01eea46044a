package diagnose

import "github.com/nlbprobe/nlbprobe/nlb"

// The ids of findings about what is not NLB, or cannot be told from it.
const (
	idUnproven   = "cluster-kind-unproven"
	idCARP       = "carp-balancing"
	idFirstHop   = "first-hop-virtual-mac"
	idOtherGroup = "group-mac-not-nlb"
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
			{Source: "WatchGuard help, Switch and Router Requirements for an Active/Active FireCluster", Certainty: nlb.Documented},
			{Source: "Check Point R81.10 ClusterXL administration guide (load sharing multicast)", Certainty: nlb.Documented},
			{Source: "blog.technopathllc.com, 2010-12, Multicast Firewall Load Sharing on Checkpoint ClusterXL Firewalls with Cisco Devices (static MAC entries, IGMP snooping off)", Certainty: nlb.Inferred},
			{Source: "Forcepoint NGFW (Stonesoft) documentation, packet dispatch and multicast MAC", Certainty: nlb.Documented},
			{Source: "Linux net/ipv4/netfilter/ipt_CLUSTERIP.c", Certainty: nlb.Documented},
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
		References: []Reference{{Source: "OpenBSD sys/netinet/ip_carp.c, carp(4)", Certainty: nlb.Documented}},
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
		References: []Reference{{Source: "RFC 9568 7.3 (VRRP virtual router MAC)", Certainty: nlb.Documented}, {Source: "Cisco documentation of HSRP and GLBP virtual MACs", Certainty: nlb.Documented}, {Source: "RFC 1027 (proxy ARP)", Certainty: nlb.Inferred}},
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
		References: []Reference{{Source: "IANA Ethernet numbers (RFC 9542)", Certainty: nlb.Documented}, {Source: "Wireshark wka (well-known addresses)", Certainty: nlb.Documented}, {Source: "RFC 7130 2.3 (BFD on the links of an aggregate)", Certainty: nlb.Documented}, {Source: "IEEE 802, group address bit", Certainty: nlb.Documented}},
	},
}
