package diagnose

import "github.com/nlbprobe/nlbprobe/nlb"

// The id of the finding about a VIP that shows by its traffic alone.
const (
	idCarried = "vip-in-traffic"
)

var trafficEntries = [...]Entry{
	{
		ID:        idCarried,
		Severity:  Info,
		Certainty: nlb.Inferred,
		Title:     "The VIP shows by its traffic alone",
		Meaning: "Packets for the VIP travel in frames to a group MAC, or to one that NLB derives, or packets of the VIP are seen, and no ARP for it was. " +
			"Those who send to it know the MAC already, from an earlier answer or from a static entry; which of the two cannot be told. " +
			"That packets are sent does not prove that they are served.",
		Detected: "An IPv4 packet for the VIP in a frame to a group MAC other than broadcast, or to a MAC that NLB derives, or a frame whose IP source is the VIP, without ARP for the VIP in the same evidence. " +
			"Sources 02-pp with the VIP's bytes are hosts of a cluster in unicast mode, unless frames are addressed to them: then they are adapters whose MAC was made of their own IP.",
		Disproof: "An ARP answer for the VIP that names another MAC.",
		Cure:     "None needed. To learn more, capture while somebody resolves the VIP, or probe it: nlbprobe VIP.",
		References: []Reference{
			{Source: "Microsoft KB 4494444 (Configure network to support NLB operation mode)", Certainty: nlb.Documented},
			{Source: "Microsoft KB 193602 (MaskSourceMAC)", Certainty: nlb.Documented},
			{Source: "RFC 1122 3.3.6 (a unicast IP packet in a group frame is a cluster's doing)", Certainty: nlb.Inferred},
		},
	},
}
