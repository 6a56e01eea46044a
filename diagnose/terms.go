package diagnose

// Term is a word of a report that is no finding: a verdict or a mode.
type Term struct {
	Word    string
	Kind    string   // "verdict" or "mode"
	Meaning string   // plain sentences without line breaks
	Next    string   // what an administrator does about it
	See     []string // ids of findings that say more
}

// Terms returns every verdict and then every mode, each with what it means. The
// result is the caller's.
func Terms() []Term {
	return []Term{
		{string(Reachable), "verdict",
			"The VIP answers, and a router is proven to reach it: a packet that went by way of the router arrived at the VIP's hosts, or came back answered. Asked from another subnet: it answers there.",
			"Nothing for this router. Test the others of the VLAN too, the standby one above all: --router IP.",
			[]string{idRouterReaches, idRemoteReached}},
		{string(Answers), "verdict",
			"The VIP answers on this subnet. Whether a router reaches it is not known: no router could be tested, or its test showed nothing.",
			"Name the router with --router IP, a live host of the subnet with --control IP, or a service of the VIP with --tcp PORT.",
			[]string{idRouterUntested, idInconclusive}},
		{string(LocalOnly), "verdict",
			"The VIP answers on this subnet, and a router is proven not to reach it. Clients behind that router get no answer.",
			"Paste the lines that the report prints into that router, then run nlbprobe again.",
			[]string{idIgnores, idDoesNotReach}},
		{string(NoMAC), "verdict",
			"Asked from another subnet: a router says host unreachable, as it has no MAC for the VIP. Either nothing answers its ARP, or it refuses the answer; the two are alike from there.",
			"Run nlbprobe on a host of the VIP's subnet that is no cluster node: it tells which, and prints the lines to paste.",
			[]string{idRemoteNoMAC}},
		{string(Conflict), "verdict",
			"The answers for the VIP contradict each other: they name more than one MAC.",
			"Find out which answer is right before anything is configured: a static entry would make one of them permanent.",
			[]string{idConflict}},
		{string(Silent), "verdict",
			"Nothing answered for the VIP. From another subnet that proves nothing.",
			"Check the address, the VLAN of the port, and that the cluster has converged. From another subnet: run it on a host of the VIP's subnet.",
			[]string{idSilent, idRemoteSilent}},
		{string(NotTold), "verdict",
			"Nothing was heard of the VIP, but this host lost frames after the last question for it: the answer may be among them.",
			"Probe again with fewer VIPs at once, or when the segment is quieter.",
			[]string{idMissed, idLost}},
		{string(Seen), "verdict",
			"Of captures only: the VIP is in the frames. Nothing more can be proven from what was captured.",
			"Capture with --write in a live run, or on a port where the router's frames are seen.",
			nil},
		{ModeUnknown.String(), "mode",
			"Nothing answered, the answers contradict each other, or the form of the MAC leaves it open.",
			"Ask the cluster: Get-NlbCluster, or nlb display, on one of its hosts.", nil},
		{Unicast.String(), "mode",
			"NLB in unicast mode: all hosts use one unicast MAC, and switches flood its frames since no host sends from it.",
			"Most routers accept the MAC. Keep the flood within a VLAN of the cluster's own.", []string{idMasked, idUnmasked}},
		{Multicast.String(), "mode",
			"NLB in multicast mode, or a cluster that works alike: the VIP is at a group MAC, and the hosts keep their own MACs. Routers that obey RFC 1812 3.3.2 refuse that MAC.",
			"Routers need a static ARP entry; switches a static entry of the MAC with the member ports, against flooding.", []string{idGroupMAC, idIgnores}},
		{IGMPMulticast.String(), "mode",
			"NLB in IGMP multicast mode: the VIP is at a group MAC of IPv4, and the hosts report the group by IGMP, so that snooping switches send to them alone.",
			"Routers need a static ARP entry, and the VLAN a querier.", []string{idGroupMAC, idNoQuerier}},
		{OtherMulticast.String(), "mode",
			"The group MAC is known to be another system's: a finding names it.",
			"See that finding.", nil},
		{None.String(), "mode",
			"An ordinary host or router: its own MAC, and no sign of a cluster.",
			"None needed.", []string{idOrdinary}},
	}
}
