package diagnose

import "github.com/nlbprobe/nlbprobe/nlb"

// The ids of findings about what switches do with the cluster's MAC.
const (
	idFloods  = "switch-floods"
	idSourced = "cluster-mac-as-source"
	idLearnt  = "unicast-learnt-on-one-port"
)

var switchEntries = [...]Entry{
	{
		ID:        idFloods,
		Severity:  Warning,
		Certainty: nlb.Inferred,
		Title:     "The switch floods cluster traffic",
		Meaning: "Frames to the cluster's MAC reach this port although no node is behind it: the switch sends them to every port of the VLAN. Each host there spends bandwidth on the cluster's traffic, and slow links can fill up. " +
			"A mirror port and a hub look the same. The service itself works.",
		Detected: "Frames to the cluster's MAC, not sent by this host, received on a host that is not a node. If no client traffic is among them, or if the capture does not note where it was taken, the severity is info: a capture of a node or of a mirror port holds such frames without any flooding.",
		Disproof: "A static MAC entry for the cluster's MAC that leaves this port out, or a mirror session with this port as destination.",
		Cure:     "On the switch: a static MAC entry for the cluster's MAC towards the member ports, where the platform takes one for several ports. In IGMP mode: IGMP snooping and a querier. Or a VLAN for the cluster alone.",
		References: []Reference{
			{Source: "Microsoft KB 4494444 (switch flooding)", Certainty: nlb.Documented},
			{Source: "Cisco 107995 / 216092 (Catalyst switches for Microsoft NLB)", Certainty: nlb.Documented},
			{Source: "IEEE 802.1Q (frames to group and unknown addresses go to all ports)", Certainty: nlb.Documented},
		},
	},
	{
		ID:        idSourced,
		Severity:  Warning,
		Certainty: nlb.Documented,
		Title:     "Frames come from the cluster MAC",
		Meaning: "The hosts mask their source in unicast mode, so that no switch learns the cluster MAC and every port gets its frames. Something sends from that MAC all the same: the switch learns it on that port, and until the entry ages out one node gets all of the traffic. " +
			"Known causes: VMware's Notify Switches, which sends RARP when a virtual machine starts or moves; a team or a capture driver on a node that sends past the NLB driver; IPv6 or LLDP of a node's adapter.",
		Detected: "A frame other than ARP for the VIP whose Ethernet source is the cluster MAC of unicast mode, while the hosts' ARP comes from other MACs.",
		Disproof: "A static entry for the cluster MAC towards all member ports, which a switch does not overwrite, or all nodes behind one hub.",
		Cure: "On VMware set Notify Switches to No for the port group of the nodes. On a node find what sends from its adapter beside NLB. " +
			"Then clear the entry for the cluster MAC from the switches' MAC tables.",
		References: []Reference{
			{Source: "VMware KB 1556 (Notify Switches, RARP)", Certainty: nlb.Documented},
			{Source: "Microsoft KB 193602 (MaskSourceMAC)", Certainty: nlb.Documented},
			{Source: "RFC 903 (RARP)", Certainty: nlb.Documented},
		},
	},
	{
		ID:        idLearnt,
		Severity:  Warning,
		Certainty: nlb.Inferred,
		Title:     "One node only gets the traffic",
		Meaning: "Several nodes answer ARP, which goes to everybody, but what is sent to the unicast cluster MAC is answered by one only. A switch that has learnt that MAC on one port does this: clients whose share belongs to another node are never served. " +
			"Nodes that drop echo requests, by a firewall, look the same.",
		Detected: "Unicast mode, at least two hosts that answer ARP for the VIP, and at least 3 echo requests to the cluster MAC that one and the same host answers.",
		Disproof: "An echo reply of another node, or no dynamic entry for the cluster MAC in the switch's MAC table.",
		Cure: "Clear the entry from the switch, and stop what sends with the cluster MAC: MaskSourceMAC has to be 1 on every node, on VMware Notify Switches has to be No, " +
			"and a capture driver or a team on a node must not send past the NLB driver.",
		References: []Reference{
			{Source: "Microsoft KB 193602 (MaskSourceMAC)", Certainty: nlb.Documented},
			{Source: "VMware KB 1556 (Notify Switches)", Certainty: nlb.Documented},
			{Source: "Microsoft unattend reference, ICMPFilteringEnabled (every node answers ICMP)", Certainty: nlb.Inferred},
		},
	},
}
