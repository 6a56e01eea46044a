package diagnose

import "github.com/nlbprobe/nlbprobe/nlb"

// The ids of findings about the IGMP mode.
const (
	idJoined         = "igmp-group-joined"
	idNotProven      = "igmp-not-proven"
	idNoReport       = "igmp-no-report"
	idNoQuerier      = "igmp-no-querier"
	idNotJoined      = "igmp-host-not-joined"
	idOtherGroupIGMP = "igmp-group-differs"
	idV3Only         = "igmp-querier-version"
	idProxyQuerier   = "igmp-proxy-querier"
	idQueriers       = "igmp-several-queriers"
	idL3Querier      = "igmp-router-is-querier"
	idNotSnoopable   = "multicast-mode-not-snoopable"
	idSharedGroup    = "igmp-shared-group"
	idNotLimited     = "igmp-not-limited"
	idUnanswered     = "igmp-query-unanswered"
	idBadIGMP        = "malformed-igmp"
	idTooRare        = "igmp-reports-too-rare"
)

// References that several entries share.
var (
	nlbJoins = Reference{Source: "Microsoft KB 283028, KB 4494444 (hosts report periodically, by IGMPv1)", Certainty: nlb.Documented}
	snooping = Reference{Source: "RFC 4541 2.1.1, 2.1.2 (what switches that snoop do)", Certainty: nlb.Documented}
	timers   = Reference{Source: "RFC 3376 8.4, 8.5 (a group or querier is forgotten after 260 s, 255 s)", Certainty: nlb.Documented}
)

// nlbReports is what is known of the reports' clock.
var nlbReports = Reference{Source: "Microsoft KB 838408 (Windows 2003: a report every 60 s, fixed, and no answers to queries; later versions are not documented)", Certainty: nlb.Documented}

var igmpEntries = [...]Entry{
	{
		ID:        idNoReport,
		Severity:  Warning,
		Certainty: nlb.Inferred,
		Title:     "Nobody reports the cluster's group",
		Meaning: "The VIP answers with the MAC of IGMP mode, but no host reported membership of its group for as long as switches remember one. A switch that snoops then sends the cluster's traffic to routers only, or to all ports. " +
			"A switch that snoops and has a router port sends reports only there: then they are there and cannot be heard at this port. So it is a remark if a querier was heard, and no other host's report of any group.",
		Detected:   "An answer with a MAC 01-00-5e-7f, and no report for the group for 260 s or more, while the interface could receive one and no frame was lost; in a capture, packets to other IP groups are there in all that time. That is two query intervals of 125 s and 10 s to answer. After less time, igmp-not-proven is reported instead.",
		Disproof:   "The group in a switch's snooping table with the members' ports, or a report in a capture on a member's port or a router's.",
		Cure:       "Look into the switch's snooping table for the group. If it is missing: on each host, check that IGMP support is on (cluster operation mode IGMP multicast), and that nothing blocks IGMP between host and switch.",
		References: []Reference{nlbJoins, snooping, timers},
	},
	{
		ID:        idNoQuerier,
		Severity:  Warning,
		Certainty: nlb.Inferred,
		Title:     "No IGMP querier",
		Meaning: "Nobody on the subnet asks for group members. Switches that snoop need a querier: without one, some switches age out the group's entries and the VIP stops working after some minutes; others send the group to all ports, and some do not snoop at all. " +
			"Hosts that report unasked more often than entries age out can keep them alive.",
		Detected:   "No query for 260 s or more, while the interface could receive one and no frame was lost; in a capture, packets to other IP groups are there in all that time. By the default timers a querier asks every 125 s, and the others consider it gone after 255 s. After less time, igmp-not-proven is reported instead.",
		Disproof:   "One query, or a querier shown by the switch (show ip igmp snooping querier).",
		Cure:       "Have one device of the VLAN ask: the multicast router, or a switch with its IGMP snooping querier on, with an address of the VLAN as source. Do not use the L3 switch that routes the VLAN if its documentation warns against it.",
		References: []Reference{snooping, timers, {Source: "Cisco, MikroTik and HPE documents on IGMP snooping (what happens without a querier differs)", Certainty: nlb.Inferred}},
	},
	{
		ID:        idNotJoined,
		Severity:  Warning,
		Certainty: nlb.Inferred,
		Title:     "A host did not join the group",
		Meaning: "Some hosts of the cluster report the group and others do not. A switch that snoops sends the cluster's traffic to the ports of those that do: the others get none, and the clients that are theirs are not served. " +
			"In IGMPv1 and v2 a host keeps back its answer to a query when it hears another's; reports nobody asked for are not kept back.",
		Detected:   "Hosts known by ARP answers or heartbeats without a report, in two and a half of the others' report intervals, or in 260 s where that interval is not known.",
		Disproof:   "A report of the host, or its port in the switch's snooping table for the group.",
		Cure:       "On the host: set the cluster operation mode to IGMP multicast as on the others, and look for what blocks IGMP between it and the switch. Compare the ports in the snooping table with the hosts.",
		References: []Reference{nlbJoins, snooping, {Source: "RFC 1112 appendix I, RFC 2236 3 (a host keeps back its report)", Certainty: nlb.Documented}},
	},
	{
		ID:        idOtherGroupIGMP,
		Severity:  Warning,
		Certainty: nlb.Inferred,
		Title:     "The reported group is another one",
		Meaning: "The cluster's hosts report a group whose MAC is not the one that the VIP answers with, and none that is. Switches that snoop open the path for a group that carries nothing, and what is sent to the VIP is pruned or flooded. " +
			"A group that was set by hand does this, and so may software on the hosts that joins groups of its own.",
		Detected:   "IGMPv1 reports of hosts that speak for the VIP, for groups outside 224.0.0.0/24 with another MAC, and no report for one with the VIP's MAC.",
		Disproof:   "A report for a group with the VIP's MAC, or another program on the hosts that joined the group seen.",
		Cure:       "In the cluster's properties let NLB derive the group from the cluster IP, or set the group whose low 23 bits are in the MAC. Probe again: the MAC may change with it, and static entries with it.",
		References: []Reference{nlbJoins, {Source: "RFC 1112 6.4 (how a group maps to a MAC)", Certainty: nlb.Documented}, {Source: "WMI MicrosoftNLB_ClusterSetting, MulticastIPAddress", Certainty: nlb.Documented}},
	},
	{
		ID:        idV3Only,
		Severity:  Warning,
		Certainty: nlb.Unconfirmed,
		Title:     "IGMPv3 querier, IGMPv1 reports",
		Meaning: "Only IGMPv3 queries were seen, and the cluster reports by IGMPv1, as NLB always does. A router by the standard then goes back to version 1 for the group. " +
			"Whether a given switch that is set to version 3 only drops version 1 reports is not documented in general: if it does, the group is never joined there.",
		Detected:   "Queries of version 3 only, and reports of version 1 for the cluster's group.",
		Disproof:   "The group in the switch's snooping table with the members' ports while only version 3 is asked.",
		Cure:       "Look at the snooping table. If the group is missing: set the querier and the VLAN's snooping to IGMP version 2, or allow older versions.",
		References: []Reference{nlbJoins, {Source: "RFC 3376 7.3.2 (older hosts on a group)", Certainty: nlb.Documented}},
	},
	{
		ID:        idProxyQuerier,
		Severity:  Warning,
		Certainty: nlb.Inferred,
		Title:     "The querier has no address",
		Meaning: "All queries come from 0.0.0.0: a switch asks in nobody's name. Such queries take no part in the election, and many switches make no router port of the port they come in on. " +
			"Reports are then not passed on between switches, so a switch further away does not know the members. On one switch alone it does no harm.",
		Detected:   "IGMP queries with the source 0.0.0.0, and none with another.",
		Disproof:   "A query with an address, or the router port in the snooping tables of the other switches.",
		Cure:       "Give the snooping querier an address of the VLAN.",
		References: []Reference{snooping, {Source: "Linux bridge, commits 5a2de63fd1a5 and 278e2148c075 (router ports and 0.0.0.0)", Certainty: nlb.Documented}},
	},
	{
		ID:        idQueriers,
		Severity:  Warning,
		Certainty: nlb.Documented,
		Title:     "Several IGMP queriers",
		Meaning: "Queries come from several addresses. The lowest is to be left alone and the others are to be silent until it is gone. Where others go on asking, they do not hear it, or are of another version and ignore it: the VLAN is split for IGMP. " +
			"Where they stopped, an election has just been lost, and it is a remark.",
		Detected:   "Queries from at least two addresses other than 0.0.0.0. It is a warning where a higher address still asks a second or more after the lowest was first heard.",
		Disproof:   "Queries of the lowest address alone for 255 s.",
		Cure:       "If several go on: look for VLANs that are joined by mistake, for filters of IGMP between the queriers, and give all of them one version. Else none needed.",
		References: []Reference{{Source: "RFC 2236 3, RFC 3376 6.6.2 (querier election)", Certainty: nlb.Documented}, {Source: "RFC 3376 7.3.1 (one version on a subnet)", Certainty: nlb.Documented}},
	},
	{
		ID:        idSharedGroup,
		Severity:  Warning,
		Certainty: nlb.Inferred,
		Title:     "Two clusters share one group",
		Meaning: "In IGMP mode the MAC and the group hold the last two octets of the primary VIP only. Another cluster on this VLAN has the same ones: each host gets the traffic of both clusters, and a static entry or a snooped group cannot tell them apart. " +
			"It works, at the price of load on all hosts.",
		Detected:   "Heartbeats of another cluster IP with the same last two octets to the same MAC, or ARP of other hosts that puts such an address at that MAC.",
		Disproof:   "Both addresses on the hosts of one cluster.",
		Cure:       "Give one of the clusters a primary VIP with other last octets, or a VLAN of its own.",
		References: []Reference{{Source: "Microsoft KB 283028, KB 4494444 (01-00-5e-7f-y-z, 239.255.y.z)", Certainty: nlb.Documented}},
	},
	{
		ID:        idNotLimited,
		Severity:  Warning,
		Certainty: nlb.Inferred,
		Title:     "Snooping does not limit the traffic",
		Meaning: "A querier asks on the subnet, and the cluster's traffic comes to a port that is no member's. It is unicast IP in frames to a group's MAC: a switch that looks groups up by IP address finds no group for it and floods or drops it. " +
			"Catalyst 9000, Nexus without its command, Extreme, the Linux bridge and Open vSwitch look up by IP. A group that nobody joined, snooping that is off, a router port and a mirror port look the same.",
		Detected: "Queries from an address, and IPv4 frames to the cluster's MAC of IGMP mode on a host that is no node. It is a remark where the hosts' reports come to this port too, as they do on a router port.",
		Disproof: "The platform's documents that say that it looks up by MAC, or this port being a router port or the destination of a mirror session.",
		Cure:     "Look whether the group is in the snooping table with the members' ports. If it is: on Nexus, layer-2 multicast lookup mac in the VLAN; elsewhere static MAC entries for the members' ports, or a VLAN for the cluster alone.",
		References: []Reference{
			{Source: "Cisco 220657, CSCvw18989 (Catalyst 9000 looks up by group IP)", Certainty: nlb.Documented},
			{Source: "Cisco 116150 (Nexus 7000, layer-2 multicast lookup mac)", Certainty: nlb.Documented},
			{Source: "Extreme article 5708 (unicast IP is not constrained by IGMP)", Certainty: nlb.Documented},
			snooping,
		},
	},
	{
		ID:        idJoined,
		Severity:  Info,
		Certainty: nlb.Documented,
		Title:     "Hosts joined the cluster's group",
		Meaning:   "Hosts report membership of the group whose MAC the VIP answers with. A switch that snoops can learn their ports from that.",
		Detected:  "IGMP reports of any version for a group that maps to the VIP's MAC.",
		Disproof:  "Reports by hosts that are no members of the cluster: compare their addresses with the hosts listed.",
		Cure:      "None needed.",
		References: []Reference{
			nlbJoins,
			{Source: "RFC 1112 6.4 and appendix I, RFC 2236, RFC 3376", Certainty: nlb.Documented},
		},
	},
	{
		ID:        idNotProven,
		Severity:  Info,
		Certainty: nlb.Documented,
		Title:     "Membership or querier not seen yet",
		Meaning:   "The VIP is in IGMP mode, and in the time that was listened no report for its group, or no query, was heard. That proves neither that they are there nor that they are not: reports and queries come minutes apart.",
		Detected:  "An answer with a MAC of IP groups, less than 260 s without a report or a query, or frames that were lost meanwhile, or a capture that looks filtered: without IGMP, or with one address in every frame.",
		Disproof:  "A report and a query in a longer observation.",
		Cure:      "To know: nlbprobe --listen 4m25s, or a capture of that length on a member's port. Else none needed.",
		References: []Reference{
			timers,
			nlbReports,
		},
	},
	{
		ID:        idL3Querier,
		Severity:  Info,
		Certainty: nlb.Unconfirmed,
		Title:     "A router is the querier",
		Meaning: "The querier is a router of the VIP's subnet. That is the usual case. A field note about the Catalyst 4900M says that an L3 switch that is the querier itself gets the cluster's traffic on its processor, and its load rises with the packets. " +
			"Whether others do the same is not documented.",
		Detected:   "IGMP queries from the address or the MAC of a known router of the subnet.",
		Disproof:   "The router's processor load staying low while the VIP is busy.",
		Cure:       "If the router's processor load follows the VIP's traffic: let an L2 switch next to it be the querier, with a lower address. Else none needed.",
		References: []Reference{{Source: "Public field notes about Catalyst 4900M and NLB", Certainty: nlb.Unconfirmed}},
	},
	{
		ID:        idNotSnoopable,
		Severity:  Info,
		Certainty: nlb.Documented,
		Title:     "Multicast mode cannot be snooped",
		Meaning: "A querier asks on this subnet, so switches may snoop. The cluster runs in multicast mode: its MAC is no IP group's, no report can name it, and snooping never learns it. It is flooded, or dropped by switches that drop what is not joined, until static MAC entries name the members' ports. " +
			"The IGMP mode exists for this.",
		Detected:   "IGMP queries, and a VIP at a group MAC that is not of the form 01-00-5e.",
		Disproof:   "Snooping is off on the VLAN's switches.",
		Cure:       "Static MAC entries for the members' ports on every switch of the VLAN. Or change the cluster to IGMP mode, where the switches look groups up by MAC: routers then need the new MAC.",
		References: []Reference{{Source: "Cisco 116150 (the 03xx form is not programmed by snooping)", Certainty: nlb.Documented}, {Source: "Microsoft KB 4494444 (switch flooding)", Certainty: nlb.Documented}, snooping},
	},
	{
		ID:        idUnanswered,
		Severity:  Info,
		Certainty: nlb.Documented,
		Title:     "Our IGMP query was not answered",
		Meaning: "With --igmp-query the hosts were asked whether they are members of the group, and none reported. That proves nothing: NLB's driver reports by itself, by IGMPv1. On Windows 2003 it does not answer queries (KB 838408); of later versions nobody documents whether it does. " +
			"Only an answer proves something. The query goes to the hosts' own MACs, so that no router or switch takes it for a querier's, and its source is 0.0.0.0, which no election counts.",
		Detected:   "A query of ours for the group, and no report for it afterwards.",
		Disproof:   "A report of the group.",
		Cure:       "None needed. To know more, listen: --listen 4m25s.",
		References: []Reference{{Source: "RFC 3376 4.1.12 (queries to a host itself), 6.6.2 (election)", Certainty: nlb.Documented}, snooping, nlbJoins, nlbReports},
	},
	{
		ID:        idTooRare,
		Severity:  Warning,
		Certainty: nlb.Inferred,
		Title:     "Reports too rare for the querier",
		Meaning: "Routers and switches forget a group some time after its last report: twice the query interval and the time to answer. The hosts report by their own clock, less often than that, and do not answer the queries. " +
			"In between, a switch that snoops sends the cluster's traffic to nobody, or to every port.",
		Detected:   "At least 3 reports of a host for the cluster's group, further apart than twice the interval of a querier and 10 s; the interval is seen in at least 3 queries, or said in an IGMPv3 query.",
		Disproof:   "The group in the switch's snooping table without a break, or a querier whose robustness is set higher than 2.",
		Cure:       "Set the querier's interval to 60 s or more, or its robustness higher, so that groups live longer than the hosts' interval. Or enter the group, or the cluster's MAC, with the member ports on the switches.",
		References: []Reference{nlbReports, {Source: "RFC 3376 8.1, 8.3, 8.4 (how long a group lives)", Certainty: nlb.Documented}},
	},
	{
		ID:        idBadIGMP,
		Severity:  Info,
		Certainty: nlb.Documented,
		Title:     "Malformed IGMP",
		Meaning:   "Frames say that they are IGMP and are not: a wrong checksum, a length that contradicts itself, a TTL other than 1, a group that is none. Hosts and switches have to ignore them, and so does this tool.",
		Detected:  "IPv4 datagrams of protocol 2 that RFC 1112, RFC 2236 and RFC 3376 have a receiver ignore.",
		Disproof:  "An extension of IGMP that these documents do not know: DVMRP and PIM version 1 share the protocol number.",
		Cure:      "Look at the sender named. If it is a host of the cluster or the querier, its reports or queries count for nothing.",
		References: []Reference{
			{Source: "RFC 2236 2, RFC 3376 4, 7.1 (what is ignored)", Certainty: nlb.Documented},
		},
	},
}
