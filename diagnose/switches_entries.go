package diagnose

import "github.com/nlbprobe/nlbprobe/nlb"

// The ids of findings about switches, services and the nodes behind them.
const (
	idFloods         = "switch-floods"
	idLearnt         = "unicast-learnt-on-one-port"
	idSourced        = "cluster-mac-as-source"
	idAffinityNone   = "affinity-none"
	idAffinitySingle = "affinity-single"
	idPortOpen       = "service-port-open"
	idPortClosed     = "service-port-closed"
	idPortSilent     = "service-port-silent"
	idChecklist      = "windows-checklist"
)

var trafficEntries = [...]Entry{
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
			{"Microsoft KB 4494444 (switch flooding)", nlb.Documented},
			{"Cisco 107995 / 216092 (Catalyst switches for Microsoft NLB)", nlb.Documented},
			{"IEEE 802.1Q (frames to group and unknown addresses go to all ports)", nlb.Documented},
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
			{"VMware KB 1556 (Notify Switches, RARP)", nlb.Documented},
			{"Microsoft KB 193602 (MaskSourceMAC)", nlb.Documented},
			{"RFC 903 (RARP)", nlb.Documented},
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
			{"Microsoft KB 193602 (MaskSourceMAC)", nlb.Documented},
			{"VMware KB 1556 (Notify Switches)", nlb.Documented},
			{"Microsoft unattend reference, ICMPFilteringEnabled (every node answers ICMP)", nlb.Inferred},
		},
	},
	{
		ID:        idAffinityNone,
		Severity:  Warning,
		Certainty: nlb.Inferred,
		Title:     "Connections spread over nodes",
		Meaning: "Connections from one address are taken by different nodes: the port rule has affinity None. A service that keeps a session in a node's memory, or uses several connections or ports for one session, loses it. " +
			"A service without state is served well.",
		Detected:   "At least 8 accepted connections from one address with different source ports, answered from more than one Ethernet source.",
		Disproof:   "The port rule on a node. A node that left or joined meanwhile moves connections as well.",
		Cure:       "If the service keeps state: set the port rule's affinity to Single, or to Network where clients come by way of several proxies, on all nodes. Else none needed.",
		References: []Reference{{"Microsoft KB 194892 (affinity)", nlb.Documented}, {"Microsoft unattend reference, port rules", nlb.Inferred}},
	},
	{
		ID:        idAffinitySingle,
		Severity:  Info,
		Certainty: nlb.Inferred,
		Title:     "One node takes one client's connections",
		Meaning: "All connections from this address met one node. Affinity Single and Network look alike from one address, and so does a rule for a single host, or a cluster of which one node is alive. " +
			"Clients behind one translated address all meet one node.",
		Detected:   "At least 8 accepted connections from one address with different source ports, answered from one Ethernet source that is not the cluster's MAC.",
		Disproof:   "The same from a second address of the same 24-bit network: another node means Single, the same one proves nothing.",
		Cure:       "None needed for services that keep a session. If the load is to be spread over nodes by connection: affinity None.",
		References: []Reference{{"Microsoft KB 194892 (affinity)", nlb.Documented}},
	},
	{
		ID:         idPortOpen,
		Severity:   Info,
		Certainty:  nlb.Documented,
		Title:      "The service port is open",
		Meaning:    "A node of the VIP accepts connections to the TCP port. What the service does with them was not looked at.",
		Detected:   "A segment with SYN and ACK from the VIP's port, in answer to a SYN of ours. The connection is reset at once.",
		Disproof:   "A firewall or proxy that accepts connections in the VIP's name.",
		Cure:       "None needed.",
		References: []Reference{{"RFC 9293 3.5 (establishing a connection)", nlb.Documented}},
	},
	{
		ID:        idPortClosed,
		Severity:  Critical,
		Certainty: nlb.Documented,
		Title:     "The service port is closed",
		Meaning: "A node of the VIP refuses connections to the TCP port: nothing listens there, or a filter refuses in its name. Where other nodes accept, clients fail by chance of which node is theirs; " +
			"it is a warning then.",
		Detected:   "A segment with RST from the VIP's port, in answer to a SYN of ours.",
		Disproof:   "A connection that the same node accepts.",
		Cure:       "On the node named: start the service, and have it listen on the VIP or on all addresses. NLB does not watch services: a node whose service is down has to be taken out of the cluster, by hand or by a monitor.",
		References: []Reference{{"RFC 9293 3.10.7.1 (a reset answers for a closed port)", nlb.Documented}},
	},
	{
		ID:        idPortSilent,
		Severity:  Critical,
		Certainty: nlb.Inferred,
		Title:     "The service port is silent",
		Meaning: "SYNs to the TCP port, sent straight to the VIP's MAC, got no answer. A firewall on the nodes that drops, a port rule that is disabled, a node that is dead though its driver answers ARP, " +
			"and a switch that does not pass the cluster's MAC look alike.",
		Detected: "SYNs of ours to the VIP's MAC without any answer from that port.",
		Disproof: "One SYN, ACK or RST from the port.",
		Cure: "On the nodes: look at the firewall, and at the port rule with nlb params. Compare with the node's dedicated address: if the port is served there, look at the port rule, then at the switch. " +
			"A switch with IGMP snooping can drop frames to a group MAC that nobody joined.",
		References: []Reference{
			{"Microsoft KB 247297 (switches that block unknown unicast or multicast)", nlb.Inferred},
			{"Microsoft unattend reference, port rules", nlb.Inferred},
		},
	},
	{
		ID:        idChecklist,
		Severity:  Info,
		Certainty: nlb.Inferred,
		Title:     "What to check on the Windows side",
		Meaning: "Causes on the nodes, their hypervisors and their switch ports that make a VIP fail for some or all. The evidence says of each whether it was observed, was not observed, or cannot be observed from here. " +
			"What was not observed may still be there.",
		Detected: "A cluster in a mode of NLB, and a router that does not reach it, a service port that does not serve, or a node that gets no traffic.",
		Disproof: "Check each point on the node or switch itself.",
		Cure: "Work through the list above; begin with the points that were observed. " +
			"For a router that refuses a group MAC there are two cures. " + twoCures,
		References: []Reference{
			{"Microsoft KB 960916", nlb.Documented},
			{"Microsoft KB 4494444 (Configure network to support NLB operation mode)", nlb.Documented},
			{"Microsoft KB 198888 (dedicated IP first, VIP second)", nlb.Documented},
			{"Microsoft KB 194892 (affinity)", nlb.Documented},
			{"VMware KB 1556, KB 1006525 (Notify Switches)", nlb.Documented},
			{"Microsoft KB 258609 (network monitors below the NLB driver)", nlb.Documented},
			{"ArubaOS 16.09, dynamic ARP protection (src-mac validation)", nlb.Inferred},
			{"Microsoft KB 247297 (switches that block unknown unicast or multicast)", nlb.Inferred},
		},
	},
}
