package diagnose

import "github.com/nlbprobe/nlbprobe/nlb"

// The ids of findings about the services behind the VIP, and which node takes a connection.
const (
	idAffinityNone   = "affinity-none"
	idAffinitySingle = "affinity-single"
	idPortOpen       = "service-port-open"
	idPortClosed     = "service-port-closed"
	idPortSilent     = "service-port-silent"
)

var serviceEntries = [...]Entry{
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
		References: []Reference{{Source: "Microsoft KB 194892 (affinity)", Certainty: nlb.Documented}, {Source: "Microsoft unattend reference, port rules", Certainty: nlb.Inferred}},
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
		References: []Reference{{Source: "Microsoft KB 194892 (affinity)", Certainty: nlb.Documented}},
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
		References: []Reference{{Source: "RFC 9293 3.5 (establishing a connection)", Certainty: nlb.Documented}},
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
		References: []Reference{{Source: "RFC 9293 3.10.7.1 (a reset answers for a closed port)", Certainty: nlb.Documented}},
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
			{Source: "Microsoft KB 247297 (switches that block unknown unicast or multicast)", Certainty: nlb.Inferred},
			{Source: "Microsoft unattend reference, port rules", Certainty: nlb.Inferred},
		},
	},
}
