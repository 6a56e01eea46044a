package mss

import (
	"slices"

	"github.com/nlbprobe/nlbprobe/finding"
	"github.com/nlbprobe/nlbprobe/nlb"
)

// The ids of findings about the size of TCP segments.
const (
	Exceeded   = "mss-exceeded"
	BelowFloor = "mss-below-windows-floor"
	Offload    = "mss-offload"
	Fits       = "mss-fits"
)

// segmentCures are the two ways out, and what neither is.
const segmentCures = "1. On the side that offers less: give the link an MTU of 576 bytes or more, so that it offers 536 or more. " +
	"2. If the link cannot: let a router in front of it fragment, which needs the sender's packets to come without the don't-fragment bit, or end the connection on a relay or proxy in front of it that offers 536 or more. " +
	"The frames do not show which of the two fits. An offer below 536 is legal, and the one who makes it is not at fault."

// Entries is what each finding of this theme means.
var Entries = [...]finding.Entry{
	{
		ID:        Exceeded,
		Severity:  finding.Critical,
		Certainty: nlb.Inferred,
		Title:     "Segments longer than was offered",
		Meaning: "One end sends TCP segments that are longer than the other said it takes. Over a link with a small MTU they are lost: the connection opens, short messages pass, and the first full segment is sent over and over. " +
			"Segments of 536 bytes, although less was offered, are typical of Windows, which uses no MSS below 536 (Vista and 2008 to 7 and 2008 R2 by public report; later ones are not confirmed). It is a warning if they arrived all the same.",
		Detected: "Segments larger (data plus options) than the MSS in the receiver's SYN, or than the default of 536 (IPv6: 1220) if it has none, and not a multiple of it. Required: at least two of the size of Windows' floor, " +
			"or the same bytes sent again in a segment of the same size, if it is less than two of the offered ones or just what the sender's own link takes: others a card cuts again. A segment that was acknowledged in part does not count, " +
			"unless all parts end at multiples of Windows' floor.",
		Disproof: "A capture at the receiver, or at the sender with segmentation offload off, that shows segments within the offer. An application that writes messages of just this size at a sender with offload looks alike.",
		Cure:     segmentCures,
		References: []finding.Reference{
			{Source: "Microsoft TechNet, nettracer, 2010-07-30 (Windows sends for no MSS below 536)", Certainty: nlb.Documented},
			{Source: "Microsoft KB 900926, MS05-019 (least IPv4 MTU of 576)", Certainty: nlb.Documented},
			{Source: "RFC 9293 3.7.1; RFC 6691 (what the MSS counts)", Certainty: nlb.Documented},
		},
	},
	{
		ID:        BelowFloor,
		Severity:  finding.Warning,
		Certainty: nlb.Inferred,
		Title:     "Takes less than Windows sends",
		Meaning: "The segment size that this end offers is below 536 bytes. That is legal: the least is set by a path MTU of 68. The floor is Windows' own, which takes no IPv4 MTU below 576 and sends for no size below 536, so a Windows sender exceeds the offer, " +
			"and where the link is as small as the offer says, loses its full segments while the handshake works. Confirmed by public report for Windows Vista and 2008 to 7 and 2008 R2; unconfirmed for later ones. It is a remark where the other end keeps to it, as its segments show or, if its card cuts them, acknowledgements at multiples of the offer, or packets that are all multiples of it and are acknowledged; and where the one who opens the connection offers it and is sent nothing, as a port scanner is.",
		Detected: "A maximum segment size below 536 in a SYN over IPv4, or in what this host's kernel says of the connection. A firewall or router on the way may have lowered it.",
		Disproof: "A Windows sender whose segments keep to the offer.",
		Cure:     segmentCures,
		References: []finding.Reference{
			{Source: "Microsoft TechNet, nettracer, 2010-07-30 (Windows sends for no MSS below 536)", Certainty: nlb.Documented},
			{Source: "Microsoft KB 900926, MS05-019 (least IPv4 MTU of 576)", Certainty: nlb.Documented},
			{Source: "RFC 9293 3.7.1; RFC 1191 (least path MTU 68)", Certainty: nlb.Documented},
		},
	},
	{
		ID:        Offload,
		Severity:  finding.Info,
		Certainty: nlb.Inferred,
		Title:     "Long segments, as offload makes them",
		Meaning: "The capture shows packets that hold more than the receiver offered to take. With segmentation offload (TSO, GSO) the sender hands its network card long packets, which the card cuts; a capture at the sender shows them before, one at the receiver (GRO, LRO) after they were joined again. " +
			"So they are no evidence that the offer was exceeded, nor that it was kept.",
		Detected:   "Segments longer than the receiver's offer that are several of it, longer than an Ethernet link takes, acknowledged in part, or too few to tell.",
		Disproof:   "The same segments in a capture on the wire between the two.",
		Cure:       "None needed. To tell, capture at a switch port between the two, or at the sender with offload off: ethtool -K IFACE tso off gso off.",
		References: []finding.Reference{{Source: "Linux Documentation/networking/segmentation-offloads.rst", Certainty: nlb.Documented}, {Source: "RFC 9293 3.7.1", Certainty: nlb.Documented}},
	},
	{
		ID:        Fits,
		Severity:  finding.Info,
		Certainty: nlb.Documented,
		Title:     "Takes what Windows sends",
		Meaning:   "The segment size that this end offers is 536 bytes or more, which every sender keeps to. Whether the path carries packets of that size is another matter.",
		Detected:  "What this host's kernel says of a connection to it: the size it sends for, options included.",
		Disproof:  "An offer below 536 in another connection to the same service, as behind several devices that share an address.",
		Cure:      "None needed.",
		References: []finding.Reference{
			{Source: "RFC 9293 3.7.1", Certainty: nlb.Documented},
			{Source: "Microsoft KB 900926, MS05-019 (least IPv4 MTU of 576)", Certainty: nlb.Documented},
		},
	},
}

// entry returns the entry with one of the ids above.
func entry(id string) finding.Entry {
	return Entries[slices.IndexFunc(Entries[:], func(e finding.Entry) bool { return e.ID == id })]
}
