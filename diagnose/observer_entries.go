package diagnose

import "github.com/nlbprobe/nlbprobe/nlb"

// The ids of findings about the observer: what it could hear, and what it could not.
const (
	idOwnHost    = "own-host-claims-vip"
	idOthersAsk  = "asked-by-others"
	idMalformed  = "malformed-arp"
	idLost       = "frames-lost"
	idMissed     = "answer-may-be-lost"
	idAnswersCut = "answers-cut"
	idFactsCut   = "facts-cut"
	idUnasked    = "answers-unasked"
	idPassive    = "passive-only"
	idOffLink    = "vip-off-link"
)

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
		References: []Reference{{Source: "Microsoft KB 247768 (a cluster host that connects to its own VIP)", Certainty: nlb.Documented}, {Source: "RFC 826", Certainty: nlb.Inferred}},
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
		References: []Reference{{Source: "RFC 1812 3.3.2", Certainty: nlb.Inferred}, {Source: "RFC 5227 2.1 (address probe)", Certainty: nlb.Documented}},
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
		References: []Reference{{Source: "RFC 826", Certainty: nlb.Documented}},
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
		References: []Reference{{Source: "packet(7), PACKET_STATISTICS", Certainty: nlb.Documented}},
	},
	{
		ID:        idMissed,
		Severity:  Info,
		Certainty: nlb.Documented,
		Title:     "Whether it answers could not be told",
		Meaning: "Nothing was heard of the VIP, but the kernel lost frames after the last question for it, and again after the question was repeated. The answer may be among the lost frames. " +
			"The VIP's severity is unknown, and the exit status is 3.",
		Detected:   "The drop counter of the observing socket rose after the last question for the VIP, each time that it was asked.",
		Disproof:   "One answer, or silence in a run that loses nothing.",
		Cure:       "Probe again with fewer VIPs at once, when the segment is quieter, or from a port with less traffic.",
		References: []Reference{{Source: "packet(7), PACKET_STATISTICS", Certainty: nlb.Documented}},
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
		References: []Reference{{Source: "RFC 826 (any host can send any pair of addresses)", Certainty: nlb.Inferred}},
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
		References: []Reference{{Source: "RFC 826 (any host can send any pair of addresses)", Certainty: nlb.Inferred}},
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
			{Source: "RFC 792 (echo: identifier, sequence number and data are returned)", Certainty: nlb.Documented},
			{Source: "RFC 9293 3.5.3, 3.10.7.3 (what acknowledges nothing that was sent is no answer)", Certainty: nlb.Documented},
			{Source: "RFC 5927 (ICMP attacks against TCP)", Certainty: nlb.Documented},
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
		References: []Reference{{Source: "RFC 826 (a reply goes to the asker's address)", Certainty: nlb.Documented}},
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
		References: []Reference{{Source: "RFC 826", Certainty: nlb.Inferred}, {Source: "RFC 1122 3.3.1.1 (local or remote decision)", Certainty: nlb.Documented}},
	},
}
