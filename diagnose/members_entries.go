package diagnose

import "github.com/nlbprobe/nlbprobe/nlb"

// The ids of findings about what the hosts' heartbeats say.
const (
	idHostStopped  = "host-stopped"
	idSplit        = "split-cluster"
	idRulesDiffer  = "port-rules-differ"
	idBeatModes    = "heartbeat-modes-differ"
	idSamePriority = "duplicate-priority"
	idNoBeat       = "host-without-heartbeat"
	idNoARP        = "host-without-arp-answer"
	idNotABeat     = "foreign-heartbeat-frames"

	idTooManyMembers    = "heartbeats-of-too-many-hosts"
	idContradictsItself = "host-contradicts-itself"
)

// forgeable is what the findings say that rest on heartbeats alone.
const forgeable = "Heartbeats carry no proof of who sent them: anybody on the segment can send some in a host's name, or of a host that is not there. " +
	"Where only a host is against the others of which nothing but heartbeats is heard, or one that contradicts itself, it is a warning."

// The layout of heartbeats is known from a dissector and one capture.
var dissector = Reference{Source: "Wireshark packet-msnlb.c (layout of heartbeats)", Certainty: nlb.Documented}

var memberEntries = [...]Entry{
	{
		ID:        idSplit,
		Severity:  Critical,
		Certainty: nlb.Inferred,
		Title:     "The cluster is split",
		Meaning: "Hosts that are alive at the same time name different default hosts in their heartbeats. They do not form one cluster: each part may answer the other's traffic, or leave it unanswered. " +
			"Hosts that do not hear each other's heartbeats, or whose settings contradict each other, do this. A converging cluster looks like this for about 3 seconds. If it was seen for less, this is a warning. " + forgeable,
		Detected: "At least two hosts with the same cluster IP send heartbeats at the same time that name different default hosts.",
		Disproof: "Heartbeats of all hosts with one default host in a second observation, or nlb query on each host showing the same members. A host in it that does not exist: then its heartbeats are forged.",
		Cure: "On each host run nlb query and compare. Then find what keeps the heartbeats from each other: switch ports that block broadcast or multicast, VLANs, different cluster modes, different rules, equal priorities. " +
			"After the cure the cluster converges by itself.",
		References: []Reference{
			dissector,
			{Source: "Microsoft KB 197863, KB 193599 (hosts that do not converge)", Certainty: nlb.Inferred},
			{Source: "Microsoft KB 193603 (event 18: duplicate cluster subnets)", Certainty: nlb.Inferred},
		},
	},
	{
		ID:        idRulesDiffer,
		Severity:  Critical,
		Certainty: nlb.Documented,
		Title:     "Hosts have different port rules",
		Meaning: "The heartbeats of the cluster's hosts say different numbers of port rules. A host whose rules differ cannot join the others: it stays outside, or the cluster does not converge. " +
			"Where only the rules' codes differ it is a warning, since what a code holds is not documented. " + forgeable,
		Detected:   "Membership heartbeats of live hosts with different numbers of port rules, or with different codes.",
		Disproof:   "nlb params on each host, if the port rules are the same. A host in it that does not exist: then its heartbeats are forged.",
		Cure:       "Make the port rules the same on every host, with NLB Manager connected to the cluster as a whole. Then nlb reload on the host that was changed.",
		References: []Reference{{Source: "Microsoft KB 198496 (a different number of rules cannot join)", Certainty: nlb.Documented}, dissector},
	},
	{
		ID:        idBeatModes,
		Severity:  Critical,
		Certainty: nlb.Inferred,
		Title:     "Heartbeats of different modes",
		Meaning: "Hosts of one cluster send heartbeats to destinations that belong to different cluster modes: to everybody in unicast mode, to the cluster's group MAC in the multicast modes. All hosts of a cluster must use one mode. " +
			"A change of mode that is under way looks the same. " + forgeable,
		Detected:   "Membership heartbeats with one cluster IP, from live hosts, to destinations of different modes.",
		Disproof:   "A second observation in which all destinations have one form. A host in it that does not exist: then its heartbeats are forged.",
		Cure:       "Set the same cluster operation mode on every host with NLB Manager, connected to the cluster as a whole.",
		References: []Reference{{Source: "Microsoft KB 232711 (where heartbeats go)", Certainty: nlb.Documented}, {Source: "Microsoft KB 4494444 (one mode on all hosts)", Certainty: nlb.Documented}},
	},
	{
		ID:        idSamePriority,
		Severity:  Critical,
		Certainty: nlb.Documented,
		Title:     "Two hosts with one priority",
		Meaning:   "Two live hosts of the cluster say the same host priority, which must be unique: NLB then does not converge, and the later one does not take part. " + forgeable,
		Detected:  "Membership heartbeats with one cluster IP and one priority from different hosts, by Ethernet source and dedicated IP.",
		Disproof: "One host behind both, as one that was given another adapter or dedicated address meanwhile; " +
			"or nlb params on each host with different priorities. A host in it that does not exist: then its heartbeats are forged.",
		Cure:       "Give each host a priority of its own, 1 to 32, in NLB Manager.",
		References: []Reference{{Source: "Microsoft KB 4494444, KB 193599 (unique host priorities)", Certainty: nlb.Documented}, dissector},
	},
	{
		ID:        idHostStopped,
		Severity:  Warning,
		Certainty: nlb.Documented,
		Title:     "A host's heartbeats have stopped",
		Meaning: "A host of the cluster was heard, and then missed more than five heartbeats in a row: the other hosts take it for dead and share its clients. " +
			"It was shut down, stopped or drained, has failed, or its frames no longer get here.",
		Detected:   "No heartbeat of a host for more than five periods until the end of the observation. The period is what is seen, or the default of one second.",
		Disproof:   "A later heartbeat of the host, or nlb query on another host that lists it.",
		Cure:       "If it was not meant to stop: look at the host, its adapter and its switch port, and nlb query there.",
		References: []Reference{{Source: "Microsoft KB 193601 (AliveMsgPeriod, AliveMsgTolerance: dead after five missed)", Certainty: nlb.Documented}, {Source: "Microsoft unattend reference, MembershipHeartbeatPeriod", Certainty: nlb.Documented}},
	},
	{
		ID:        idNoBeat,
		Severity:  Warning,
		Certainty: nlb.Inferred,
		Title:     "A host answers, but does not beat",
		Meaning: "A host answers ARP for the VIP, while only other hosts send heartbeats. It is not part of the cluster that the others form: left behind with the VIP on its adapter, or its heartbeats do not get here. " +
			"Clients that learn of it are served by it alone, or not at all.",
		Detected:   "Heartbeats of at least one host for five periods or more, and answers for the VIP from an Ethernet source without any.",
		Disproof:   "A heartbeat from that Ethernet source, or nlb query on the cluster that lists the host.",
		Cure:       "On that host: nlb query. Remove the VIP from the adapter if the host has left the cluster, or let it join again; if it has joined, look for what blocks its heartbeats.",
		References: []Reference{{Source: "Microsoft KB 193601 (heartbeats of every host)", Certainty: nlb.Inferred}, dissector},
	},
	{
		ID:        idNoARP,
		Severity:  Critical,
		Certainty: nlb.Inferred,
		Title:     "A host beats, but answers no ARP",
		Meaning: "A host's heartbeats are heard, but it answered no question for the VIP. Where others answer it is a remark: which hosts answer on current Windows is not documented, and one under stress may not. " +
			"Where none answers our own questions, nobody can reach the VIP: it is missing on the hosts, or ARP is blocked. Where others asked it is a remark: the answers go to their ports.",
		Detected: "At least three questions for the VIP, heartbeats of a host with that cluster IP, and no answer from its Ethernet source.",
		Disproof: "An answer of the host.",
		Cure:     "Where no host answers: check that the VIP stands on the cluster adapter of every host, after the dedicated address, and that MulticastSpoofEnabled is on. Where others answer: none needed.",
		References: []Reference{
			{Source: "Dell S4820T command reference (all servers of a cluster may reply)", Certainty: nlb.Inferred},
			{Source: "Microsoft KB 244091 (a host under stress may not answer ARP)", Certainty: nlb.Documented},
			{Source: "Microsoft unattend reference, MulticastSpoofEnabled", Certainty: nlb.Documented},
		},
	},
	{
		ID:        idNotABeat,
		Severity:  Info,
		Certainty: nlb.Documented,
		Title:     "Frames like heartbeats that are none",
		Meaning:   "Frames have the ethertype of NLB's heartbeats, but not one of its signatures, or are cut short. Other Microsoft protocols share the ethertype. They say nothing of the cluster and are ignored.",
		Detected:  "Frames of ethertype 0x886f or 0xbf01 that do not begin with a signature of NLB, or end before its header does.",
		Disproof:  "A version of NLB with a signature that is not public.",
		Cure:      "None needed.",
		References: []Reference{
			dissector,
			{Source: "IEEE ethertype 0x886f, assigned to Microsoft", Certainty: nlb.Inferred},
		},
	},
	{
		ID:        idTooManyMembers,
		Severity:  Warning,
		Certainty: nlb.Inferred,
		Title:     "Heartbeats of too many hosts",
		Meaning: "A cluster has at most 32 hosts, as many as there are host priorities, and heartbeats of more were heard that name it. Somebody sends invented ones. " +
			"What else rests on heartbeats here, such as a split cluster, may be invented too. A tool that tests the cluster does the same on purpose.",
		Detected: "Heartbeats with the cluster's IP, or of hosts that answer for it, from more than 32 hosts by Ethernet source and dedicated IP. At most 64 of them are judged: those that answer for the VIP, then those that were heard first.",
		Disproof: "nlb query on a host of the cluster that lists as many hosts; or hosts that were given other adapters or addresses meanwhile.",
		Cure:     "Find the switch port behind which the surplus Ethernet sources are, in the switch's MAC table. Judge the cluster by nlb query on its hosts until then.",
		References: []Reference{
			{Source: "Microsoft KB 4494444 (host priorities 1 to 32)", Certainty: nlb.Inferred},
			dissector,
		},
	},
	{
		ID:        idContradictsItself,
		Severity:  Warning,
		Certainty: nlb.Inferred,
		Title:     "A host contradicts itself",
		Meaning: "Heartbeats from one Ethernet source say now one thing and now another: two priorities, dedicated addresses, names or default hosts in turn. Either two hosts use one MAC, as copied virtual machines do, " +
			"or somebody sends heartbeats in the host's name. A host whose settings are changed says the new ones from then on, and does not go back.",
		Detected: "Heartbeats with one cluster IP from one Ethernet source that go back to an earlier priority, dedicated address or name after another one; or to and fro between default hosts at least three times. MACs that NLB makes are left out.",
		Disproof: "One host behind that MAC whose settings were changed and changed back at those times.",
		Cure:     "Look for the MAC in the switch's MAC table: on two ports in turn, somebody else uses it. Give copied virtual machines MACs of their own.",
		References: []Reference{
			dissector,
			{Source: "IEEE 802 (a MAC is one station's)", Certainty: nlb.Inferred},
		},
	},
}
