package nlb

// Certainty says how well it is known that an address of a certain form means
// what its Class says. The zero value is Unconfirmed.
type Certainty uint8

// The degrees of certainty, from the least.
const (
	Unconfirmed Certainty = iota // widely believed; no document was found
	Inferred                     // third parties agree, or it follows from a document, or other things share the form
	Documented                   // a standard, the vendor or the source code says so
)

// String returns "unconfirmed", "inferred" or "documented".
func (c Certainty) String() string {
	//exhaustive:enforce
	switch c {
	case Documented:
		return "documented"
	case Inferred:
		return "inferred"
	case Unconfirmed:
		return "unconfirmed"
	}
	return "unconfirmed"
}

// ParseCertainty reads what String writes, and reports whether it is one.
func ParseCertainty(s string) (Certainty, bool) {
	for _, c := range [...]Certainty{Unconfirmed, Inferred, Documented} {
		if c.String() == s {
			return c, true
		}
	}
	return Unconfirmed, false
}

// Kind is what a MAC address is. The list is closed: Kinds has every value that
// Classify returns. The zero value stands for a Class that nothing filled.
type Kind uint8

// The kinds. In the forms, w.x.y.z is the primary VIP.
const (
	Unclassified Kind = iota

	// Addresses of an NLB cluster.
	KindUnicast   // 02-bf-w-x-y-z
	KindMulticast // 03-bf-w-x-y-z
	KindIGMP      // 01-00-5e-7f-y-z
	KindLegacy    // 00-bf-w-x-y-z
	KindMasked    // 02-pp-w-x-y-z: a host's Ethernet source, pp is 01 to 20

	// Group addresses that a person chose, for NLB or for another cluster.
	KindVendorExample // 03-00-5e: copied from a vendor's NLB example
	KindUnknownGroup  // no scheme known here

	// Group addresses of others.
	KindCARPBalancing // 01-00-5e-00-01-vhid
	KindTokenRing     // 03-00-00: functional addresses
	KindHPTeaming     // 03-00-c7-00-00-ee
	KindProtocolGroup // in a block that some other protocol uses
	KindIPv4Local     // 01-00-5e-00-00: 224.0.0.x, which stays on its link
	KindIPv4Multicast // 01-00-5e, the rest of the IPv4 block
	KindIPv6Multicast // 33-33
	KindBridgeGroup   // 01-80-c2-00-00-00 to 0f: never forwarded by a bridge
	KindBroadcast     // ff-ff-ff-ff-ff-ff

	// Unicast addresses of others.
	KindVRRP       // 00-00-5e-00-01-vrid, also CARP
	KindVRRPv6     // 00-00-5e-00-02-vrid
	KindHSRPv1     // 00-00-0c-07-ac-gg
	KindHSRPv2     // 00-00-0c-9f-fg-gg
	KindHSRPv6     // 00-05-73-a0-0g-gg
	KindGLBP       // 00-07-b4-0g-gg-ff
	KindDocker     // 02-42
	KindHypervisor // a virtual machine's network adapter
	KindExtreme    // 02-04-96
	KindUniversal  // an ordinary adapter
	KindLocal      // locally administered, no scheme known here
	KindZero       // 00-00-00-00-00-00

	kindCount
)

// Kinds returns every kind that Classify can return, in order.
func Kinds() []Kind {
	all := make([]Kind, 0, kindCount-1)
	for k := Unclassified + 1; k < kindCount; k++ {
		all = append(all, k)
	}
	return all
}

// String returns the kind's name in kebab-case, such as "nlb-multicast".
func (k Kind) String() string {
	if k < kindCount {
		return forms[k].id
	}
	return forms[Unclassified].id
}

// forms holds what is the same for all addresses of a kind.
var forms = [kindCount]struct {
	id        string // Kind.String
	name      string // Class.Name, or its beginning
	certainty Certainty
	note      string
	source    string
}{
	Unclassified: {id: "unclassified"},
	KindUnicast: {
		id: "nlb-unicast", name: "has the form of an NLB cluster in unicast mode", certainty: Inferred,
		note:   "No switch may learn a cluster's; the form alone proves no cluster, as one of 16,384 MACs that software makes up for a phone or a container begins so.",
		source: "Microsoft KB 4494444; RFC 9542 2.1 (locally administered addresses)",
	},
	KindMulticast: {
		id: "nlb-multicast", name: "has the form of an NLB cluster in multicast mode", certainty: Inferred,
		note:   "Most routers need a static ARP entry for every VIP with this MAC, and switches a static MAC entry with the member ports.",
		source: "Microsoft KB 4494444; RFC 1812 3.3.2",
	},
	KindIGMP: {
		id: "nlb-igmp-multicast", name: "has the form of an NLB cluster in IGMP multicast mode", certainty: Inferred,
		note:   "As an ARP answer for a unicast IP this is NLB in IGMP mode; as a mere destination it is any traffic to a group that ends in the same octets, such as 239.255.y.z.",
		source: "Microsoft KB 4494444 and KB 283028; RFC 1112 6.4",
	},
	KindLegacy: {
		id: "nlb-legacy", name: "has the form of a Convoy or WLBS cluster, or of an ordinary adapter", certainty: Inferred,
		note:   "Old Convoy and WLBS clusters have this form, but so have adapters whose vendor's prefix begins with 00-bf; it is a cluster only if the last four bytes are a VIP.",
		source: "Wireshark list of well-known addresses (wka)",
	},
	KindMasked: {
		id: "nlb-masked", name: "has the form of an NLB host's masked source in unicast mode", certainty: Inferred,
		note:   "A host of a unicast cluster sends from it so that no switch learns the cluster MAC; it is NLB only if the last four bytes are a VIP, and not the adapter's own IP.",
		source: "Microsoft KB 193602; Wireshark list of well-known addresses (wka)",
	},
	KindVendorExample: {
		id: "vendor-example", name: "group MAC copied from a vendor's NLB example", certainty: Inferred,
		note:   "NLB derives no MAC with 03-00-5e, and it is no IANA prefix: Cisco's examples use it (0300.5e11.1111, 0300.5e01.0101), so somebody set it by hand.",
		source: "Cisco document 216092; Microsoft KB 193601 on setting the MAC by hand",
	},
	KindUnknownGroup: {
		id: "unknown-group", name: "group MAC of no known scheme", certainty: Unconfirmed,
		note:   "Set by hand in NLB, or another cluster: ClusterXL, FireCluster, Forcepoint and Linux CLUSTERIP also answer with a group MAC, and the MAC alone cannot tell them apart.",
		source: "Microsoft KB 193601; Linux net/ipv4/netfilter/ipt_CLUSTERIP.c; Check Point, Forcepoint and WatchGuard guides",
	},
	KindCARPBalancing: {
		id: "carp-balancing", name: "CARP with IP balancing, vhid ", certainty: Inferred,
		note:   "OpenBSD CARP balancing by IP answers with this MAC, and routers need static ARP as for NLB; as a mere destination it is traffic to a group such as 224.0.1.x.",
		source: "OpenBSD sys/netinet/ip_carp.c",
	},
	KindTokenRing: {
		id: "token-ring-group", name: "Token Ring functional address", certainty: Documented,
		note:   "A group address of Token Ring functions that has no business on Ethernet, and no cluster may answer with it; it is not NLB.",
		source: "Wireshark list of well-known addresses (wka); RFC 1469",
	},
	KindHPTeaming: {
		id: "hp-teaming", name: "HP ProLiant adapter teaming", certainty: Documented,
		note:   "HP teaming software sends its own frames to this group between adapters of a team; it is not NLB.",
		source: "Wireshark list of well-known addresses (wka)",
	},
	KindProtocolGroup: {
		id: "protocol-group", name: "a protocol's group address", certainty: Documented,
		note:   "Another protocol's own address, not NLB: no cluster may answer with it, and a static entry for it would lead that protocol's frames to the wrong ports.",
		source: listWKA,
	},
	KindIPv4Local: {
		id: "ipv4-local-multicast", name: "IPv4 local network control, 224.0.0.x", certainty: Documented,
		note:   "Routing protocols, IGMP and mDNS use it on each link, not NLB: no cluster may answer with it, and a static entry for it would cut them off.",
		source: "RFC 1112 6.4; RFC 5771 4; RFC 4541 2.1.2",
	},
	KindIPv4Multicast: {
		id: "ipv4-multicast", name: "IPv4 multicast", certainty: Documented,
		note:   "The MAC of 32 IPv4 groups; NLB in IGMP mode derives only 01-00-5e-7f, so as an ARP answer it was set by hand, or is another cluster's, as a pair of firewalls.",
		source: "RFC 1112 6.4",
	},
	KindIPv6Multicast: {
		id: "ipv6-multicast", name: "IPv6 multicast", certainty: Documented,
		note:   "The MAC of IPv6 groups, neighbour discovery's among them: NLB derives none of these, and a static entry would pin those groups to the member ports.",
		source: "RFC 2464 7",
	},
	KindBridgeGroup: {
		id: "bridge-group", name: "reserved for protocols between bridges", certainty: Documented,
		note:   "Switches never forward frames to this address, so a VIP that answers with it is reachable by nobody behind a switch, and no entry can help.",
		source: "IEEE 802.1Q, table of reserved addresses; Wireshark list of well-known addresses (wka)",
	},
	KindBroadcast: {
		id: "broadcast", name: "broadcast", certainty: Documented,
		note:   "Every station receives it; no IP address may resolve to it, and routers refuse it in an ARP answer.",
		source: "RFC 1812 3.3.2",
	},
	KindVRRP: {
		id: "vrrp", name: "VRRP virtual router, group ", certainty: Documented,
		note:   "A router's virtual address, not NLB: the VIP belongs to a VRRP group, or to a CARP group without balancing, which has the same form.",
		source: "RFC 9568 7.3; OpenBSD sys/netinet/ip_carp.c",
	},
	KindVRRPv6: {
		id: "vrrp-ipv6", name: "VRRP virtual router for IPv6, group ", certainty: Documented,
		note:   "A router's virtual address for IPv6, not NLB.",
		source: "RFC 9568 7.3",
	},
	KindHSRPv1: {
		id: "hsrp-v1", name: "HSRP version 1 virtual router, group ", certainty: Documented,
		note:   "The virtual address of a group of Cisco routers, not NLB.",
		source: "RFC 2281",
	},
	KindHSRPv2: {
		id: "hsrp-v2", name: "HSRP version 2 virtual router, group ", certainty: Inferred,
		note:   "The virtual address of a group of Cisco routers, not NLB.",
		source: "Cisco training material",
	},
	KindHSRPv6: {
		id: "hsrp-ipv6", name: "HSRP virtual router for IPv6, group ", certainty: Inferred,
		note:   "The virtual address of a group of Cisco routers for IPv6, not NLB.",
		source: "Cisco training material; output of Cisco devices",
	},
	KindGLBP: {
		id: "glbp", name: "GLBP virtual forwarder, group ", certainty: Inferred,
		note:   "A forwarder of a group of Cisco routers, not NLB; different clients are given different MACs on purpose.",
		source: "Cisco training material",
	},
	KindDocker: {
		id: "docker", name: "Docker container", certainty: Documented,
		note:   "Docker makes such addresses from the container's IPv4 address, or at random; 42 is no NLB host priority.",
		source: "Docker libnetwork, netutils/utils.go",
	},
	KindHypervisor: {
		id: "hypervisor", name: "virtual machine on ", certainty: Inferred,
		note: "An ordinary virtual adapter; in NLB multicast mode cluster hosts send from it, while the ARP answer carries the cluster MAC.",
	},
	KindExtreme: {
		id: "extreme", name: "Extreme Networks switch", certainty: Inferred,
		note:   "Extreme's base address has the form of an NLB host of priority 4; it is NLB only if the last four bytes are a VIP (150.y.z.w).",
		source: "Wireshark list of well-known addresses (wka)",
	},
	KindUniversal: {
		id: "universal-unicast", name: "ordinary network adapter", certainty: Inferred,
		note:   "A vendor's address, of no form that NLB derives; a cluster in unicast mode whose MAC was set by hand cannot be ruled out.",
		source: "IEEE 802-2014 8.2.2; Microsoft unattend setting ClusterMacAddress",
	},
	KindLocal: {
		id: "local-unicast", name: "locally administered adapter", certainty: Inferred,
		note:   "Software or a person chose it, of no form that NLB derives; a cluster in unicast mode whose MAC was set by hand cannot be ruled out.",
		source: "IEEE 802-2014 8.2.2; Microsoft unattend setting ClusterMacAddress",
	},
	KindZero: {
		id: "zero", name: "no address", certainty: Documented,
		note:   "ARP writes zeroes where an address is not known yet; nothing may answer with it.",
		source: "RFC 5227 2.1.1",
	},
}

// Notes that ClassifyFor gives in place of a kind's own.
const (
	noteUnicastSame    = "Most routers accept this MAC from ARP, and some need lines of their own (nlbprobe platforms); switches must keep flooding it, so it must never be learned on a port."
	noteUnicastOther   = "A further VIP of the cluster whose primary VIP the MAC reveals, or a MAC that software made up: masked sources, several hosts or heartbeats tell the two apart."
	noteMulticastOther = "The MAC reveals another primary VIP than the address asked for, normal for a further VIP of the cluster: configure this MAC, never one computed from the VIP."
	noteIGMPSame       = "Most routers need a static ARP entry for every VIP with this MAC, and switches IGMP snooping with a querier, or a static MAC entry."
	noteIGMPOther      = "A further VIP of a cluster whose primary VIP ends in these octets, or a group MAC of another cluster: configure this MAC, never one computed from the VIP."
	noteLegacySame     = "An old Convoy or WLBS cluster in unicast mode; most routers accept this MAC without configuration."
	noteLegacyOther    = "A vendor's address that begins like an old WLBS cluster's, but the last four bytes are not the address asked for."
	noteByChance       = "It begins as NLB's MACs do, by chance or by another scheme: nothing but the form speaks for a cluster, and one host alone uses it."
	noteOwnAddress     = "Software made the MAC of the adapter's own IPv4 address, as Google Cloud (42:01) and Docker (02:42) do: an ordinary adapter, of no form that NLB derives."
	noteMaskedSame     = "A host of the unicast cluster sends from this MAC so that no switch learns the cluster MAC; the second byte is the host priority."
	noteMaskedOther    = "It begins like an NLB host's masked source, but the last four bytes are not the address asked for, so this proves no NLB."
	noteCARPAnswer     = "An OpenBSD CARP group that balances by IP answers with this group MAC, and routers need the same static ARP as for NLB."
	noteGroupAnswer    = "No cluster derives it for a unicast IP: it was set by hand in NLB, or belongs to another cluster such as ClusterXL, FireCluster or Linux CLUSTERIP, which the MAC alone cannot tell apart."
)
