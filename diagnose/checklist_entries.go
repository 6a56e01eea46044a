package diagnose

import "github.com/nlbprobe/nlbprobe/nlb"

// The id of the list of causes on the Windows side.
const (
	idChecklist = "windows-checklist"
)

var checklistEntries = [...]Entry{
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
			{Source: "Microsoft KB 960916", Certainty: nlb.Documented},
			{Source: "Microsoft KB 4494444 (Configure network to support NLB operation mode)", Certainty: nlb.Documented},
			{Source: "Microsoft KB 198888 (dedicated IP first, VIP second)", Certainty: nlb.Documented},
			{Source: "Microsoft KB 194892 (affinity)", Certainty: nlb.Documented},
			{Source: "VMware KB 1556, KB 1006525 (Notify Switches)", Certainty: nlb.Documented},
			{Source: "Microsoft KB 258609 (network monitors below the NLB driver)", Certainty: nlb.Documented},
			{Source: "ArubaOS 16.09, dynamic ARP protection (src-mac validation)", Certainty: nlb.Inferred},
			{Source: "Microsoft KB 247297 (switches that block unknown unicast or multicast)", Certainty: nlb.Inferred},
		},
	},
}
