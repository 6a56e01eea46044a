package nlb

import "github.com/nlbprobe/nlbprobe/mac"

// groupBlock is a block of group addresses that a protocol uses.
type groupBlock struct {
	first mac.Addr
	bits  int // that all its addresses have in common
	kind  Kind
	name  string
	of    string // the source; empty for the kind's own
}

// The lists that most of the blocks are in.
const (
	listWKA  = "Wireshark list of well-known addresses (wka)"
	listIANA = "IANA Ethernet numbers (RFC 9542 2.1)"
)

// groupBlocks are the group addresses of others that are known, the narrower
// block before the wider one.
var groupBlocks = [...]groupBlock{
	// The IANA block 01-00-5e. Its lower half is IPv4 multicast.
	{mac.Addr{0x01, 0x00, 0x5e, 0x00, 0x00, 0x00}, 40, KindIPv4Local, "IPv4 local network control, 224.0.0.x", ""},
	{mac.Addr{0x01, 0x00, 0x5e, 0x80, 0x00, 0x00}, 28, KindProtocolGroup, "MPLS multicast", "RFC 5332 8; " + listIANA},
	{mac.Addr{0x01, 0x00, 0x5e, 0x90, 0x00, 0x00}, 48, KindProtocolGroup, "MPLS-TP point-to-point links", "RFC 7213; " + listIANA},
	{mac.Addr{0x01, 0x00, 0x5e, 0x90, 0x00, 0x01}, 48, KindProtocolGroup, "BFD on links of an aggregate (micro-BFD)", "RFC 7130 2.3; " + listIANA},
	{mac.Addr{0x01, 0x00, 0x5e, 0x90, 0x00, 0x02}, 47, KindProtocolGroup, "IS-IS multi-instance", "RFC 8202; " + listIANA},
	{mac.Addr{0x01, 0x00, 0x5e, 0x90, 0x01, 0x00}, 40, KindProtocolGroup, "TRILL OAM", "RFC 7455; " + listIANA},
	{mac.Addr{0x01, 0x00, 0x5e, 0x90, 0x10, 0x00}, 40, KindProtocolGroup, "IANA block for documentation", listIANA},
	{mac.Addr{0x01, 0x00, 0x5e, 0x80, 0x00, 0x00}, 25, KindProtocolGroup, "IANA block outside IPv4 multicast", listIANA},

	// IEEE 802.
	{mac.Addr{0x01, 0x80, 0xc2, 0x00, 0x00, 0x00}, 44, KindBridgeGroup, "reserved for protocols between bridges", ""},
	{mac.Addr{0x01, 0x80, 0xc2, 0x00, 0x00, 0x13}, 48, KindProtocolGroup, "IEEE 1905.1 home networks", listWKA},
	{mac.Addr{0x01, 0x80, 0xc2, 0x00, 0x00, 0x14}, 47, KindProtocolGroup, "IS-IS", listWKA},
	{mac.Addr{0x01, 0x80, 0xc2, 0x00, 0x00, 0x20}, 44, KindProtocolGroup, "GARP and MRP, as GVRP and MMRP", "IEEE 802.1Q, table of MRP application addresses"},
	{mac.Addr{0x01, 0x80, 0xc2, 0x00, 0x00, 0x30}, 44, KindProtocolGroup, "connectivity fault management (CFM)", "IEEE 802.1Q, table of CCM group addresses; " + listWKA},
	{mac.Addr{0x01, 0x80, 0xc2, 0x00, 0x00, 0x40}, 44, KindProtocolGroup, "TRILL", "RFC 6325 1.4; " + listWKA},
	{mac.Addr{0x01, 0x80, 0xc2, 0x00, 0x00, 0x00}, 24, KindProtocolGroup, "IEEE 802 standard group", "IEEE registration authority, standard group MAC addresses; " + listWKA},
	{mac.Addr{0x01, 0x1b, 0x19, 0x00, 0x00, 0x00}, 24, KindProtocolGroup, "IEEE 1588 clocks (PTP)", "IEEE 1588-2008 annex F"},
	{mac.Addr{0x01, 0x0f, 0xac, 0x00, 0x00, 0x00}, 24, KindProtocolGroup, "IEEE 802.11, as groupcast with retries", "IEEE 802.11aa"},
	{mac.Addr{0x91, 0xe0, 0xf0, 0x00, 0x00, 0x00}, 24, KindProtocolGroup, "IEEE 1722 audio and video streams", "IEEE 1722 annex B"},
	{mac.Addr{0x01, 0x19, 0xa7, 0x00, 0x00, 0x00}, 24, KindProtocolGroup, "ITU-T ring protection (G.8032)", "ITU-T G.8032"},

	// Cisco.
	{mac.Addr{0x01, 0x00, 0x0c, 0xcc, 0xcc, 0xcc}, 48, KindProtocolGroup, "Cisco CDP, VTP, DTP, PAgP and UDLD", listWKA},
	{mac.Addr{0x01, 0x00, 0x0c, 0xcc, 0xcc, 0xcd}, 48, KindProtocolGroup, "Cisco spanning tree per VLAN (PVST+)", listWKA},
	{mac.Addr{0x01, 0x00, 0x0c, 0xcd, 0xcd, 0xcd}, 48, KindProtocolGroup, "Cisco UplinkFast", listWKA},
	{mac.Addr{0x01, 0x00, 0x0c, 0xcd, 0xcd, 0xce}, 48, KindProtocolGroup, "Cisco VLAN bridge", listWKA},
	{mac.Addr{0x01, 0x00, 0x0c, 0xcd, 0xcd, 0xd0}, 48, KindProtocolGroup, "Cisco Layer 2 protocol tunnelling", listWKA},
	{mac.Addr{0x01, 0x00, 0x0c, 0xdd, 0xdd, 0xdd}, 48, KindProtocolGroup, "Cisco CGMP", listWKA},
	{mac.Addr{0x01, 0x00, 0x0c, 0x00, 0x00, 0x00}, 40, KindProtocolGroup, "Cisco ISL", listWKA},
	{mac.Addr{0x03, 0x00, 0x0c, 0x00, 0x00, 0x00}, 40, KindProtocolGroup, "Cisco ISL", listWKA},
	{mac.Addr{0x01, 0x00, 0x0c, 0x00, 0x00, 0x00}, 24, KindProtocolGroup, "Cisco group block", listWKA},

	// Other vendors of switches and hosts.
	{mac.Addr{0x01, 0x00, 0x1d, 0x00, 0x00, 0x00}, 24, KindProtocolGroup, "Cabletron discovery and spanning tree", listWKA},
	{mac.Addr{0x01, 0x00, 0x3c, 0x00, 0x00, 0x00}, 24, KindProtocolGroup, "Auspex ServerGuard", listWKA},
	{mac.Addr{0x01, 0x00, 0x10, 0x00, 0x00, 0x00}, 24, KindProtocolGroup, "Hughes LAN Systems", listWKA},
	{mac.Addr{0x01, 0x00, 0x81, 0x00, 0x00, 0x00}, 24, KindProtocolGroup, "Nortel discovery", listWKA},
	{mac.Addr{0x01, 0x0f, 0xe2, 0x00, 0x00, 0x00}, 24, KindProtocolGroup, "H3C and Huawei, as cluster management and RRPP", "H3C command references (cluster-mac, RRPP)"},
	{mac.Addr{0x01, 0x10, 0x18, 0x00, 0x00, 0x00}, 24, KindProtocolGroup, "Fibre Channel over Ethernet", listWKA},
	{mac.Addr{0x01, 0x80, 0x24, 0x00, 0x00, 0x00}, 24, KindProtocolGroup, "Kalpana Etherswitch", listWKA},
	{mac.Addr{0x01, 0xdd, 0x00, 0x00, 0x00, 0x00}, 24, KindProtocolGroup, "Ungermann-Bass", listWKA},
	{mac.Addr{0x01, 0xdd, 0x01, 0x00, 0x00, 0x00}, 24, KindProtocolGroup, "Ungermann-Bass spanning tree", listWKA},
	{mac.Addr{0x01, 0xe0, 0x2f, 0x00, 0x00, 0x00}, 24, KindProtocolGroup, "DOCSIS cable modems", "ANSI SCTE 22-1; " + listWKA},
	{mac.Addr{0x01, 0xe0, 0x52, 0x00, 0x00, 0x00}, 24, KindProtocolGroup, "Foundry discovery", listWKA},
	{mac.Addr{0x03, 0x00, 0xc7, 0x00, 0x00, 0xee}, 48, KindHPTeaming, "HP ProLiant adapter teaming", ""},
	{mac.Addr{0x0d, 0x1e, 0x15, 0xba, 0xdd, 0x06}, 48, KindProtocolGroup, "HP", listWKA},

	// Industry.
	{mac.Addr{0x01, 0x0c, 0xcd, 0x01, 0x00, 0x00}, 32, KindProtocolGroup, "IEC 61850 GOOSE", "IEC 61850-8-1 annex B"},
	{mac.Addr{0x01, 0x0c, 0xcd, 0x02, 0x00, 0x00}, 32, KindProtocolGroup, "IEC 61850 GSSE", "IEC 61850-8-1 annex B"},
	{mac.Addr{0x01, 0x0c, 0xcd, 0x04, 0x00, 0x00}, 32, KindProtocolGroup, "IEC 61850 sampled values", "IEC 61850-9-2 annex C"},
	{mac.Addr{0x01, 0x0c, 0xcd, 0x00, 0x00, 0x00}, 24, KindProtocolGroup, "IEC 61850 substations", "IEC 61850-8-1 annex B"},
	{mac.Addr{0x01, 0x01, 0x05, 0x00, 0x00, 0x00}, 24, KindProtocolGroup, "Beckhoff, as EtherCAT", "Wireshark dissector of EtherCAT"},
	{mac.Addr{0x01, 0x0e, 0xcf, 0x00, 0x00, 0x00}, 24, KindProtocolGroup, "PROFINET", "IEC 61158-6-10"},
	{mac.Addr{0x01, 0x11, 0x1e, 0x00, 0x00, 0x00}, 24, KindProtocolGroup, "Ethernet POWERLINK", "EPSG DS 301; " + listWKA},
	{mac.Addr{0x01, 0x15, 0x4e, 0x00, 0x00, 0x00}, 24, KindProtocolGroup, "industrial redundancy (MRP, PRP and HSR)", "IEC 62439"},
	{mac.Addr{0x01, 0x20, 0x25, 0x00, 0x00, 0x00}, 25, KindProtocolGroup, "Control Technology industrial control", listWKA},
	{mac.Addr{0x01, 0x21, 0x6c, 0x00, 0x00, 0x00}, 24, KindProtocolGroup, "EtherNet/IP device level ring", "ODVA, CIP networks library volume 2"},

	// Token Ring, in Ethernet's order of bits.
	{mac.Addr{0x03, 0x00, 0x00, 0x00, 0x00, 0x00}, 24, KindTokenRing, "Token Ring functional address", ""},
	{mac.Addr{0x03, 0x00, 0xff, 0xff, 0xff, 0xff}, 48, KindProtocolGroup, "Token Ring, all stations", listWKA},

	// The older protocols.
	{mac.Addr{0x09, 0x00, 0x07, 0x00, 0x00, 0x00}, 24, KindProtocolGroup, "AppleTalk", listWKA},
	{mac.Addr{0x09, 0x00, 0x09, 0x00, 0x00, 0x00}, 24, KindProtocolGroup, "HP Probe and DTC", listWKA},
	{mac.Addr{0x09, 0x00, 0x2b, 0x00, 0x00, 0x00}, 24, KindProtocolGroup, "DEC, as LAT and DECnet", listWKA},
	{mac.Addr{0x09, 0x00, 0x00, 0x00, 0x00, 0x00}, 16, KindProtocolGroup, "a vendor's protocol of the first Ethernets", listWKA},
	{mac.Addr{0xab, 0x00, 0x00, 0x00, 0x00, 0x00}, 24, KindProtocolGroup, "DECnet and MOP", listWKA},
	{mac.Addr{0xab, 0x00, 0x03, 0x00, 0x00, 0x00}, 24, KindProtocolGroup, "DEC LAT", listWKA},
	{mac.Addr{0xab, 0x00, 0x04, 0x00, 0x00, 0x00}, 24, KindProtocolGroup, "DEC VAXcluster", listWKA},
	{mac.Addr{0xcf, 0x00, 0x00, 0x00, 0x00, 0x00}, 48, KindProtocolGroup, "Ethernet configuration test (loopback)", listWKA},
	{mac.Addr{0xff, 0xff, 0x00, 0x60, 0x00, 0x04}, 48, KindProtocolGroup, "LANtastic", listWKA},
	{mac.Addr{0xff, 0xff, 0x00, 0x40, 0x00, 0x01}, 48, KindProtocolGroup, "LANtastic", listWKA},
	{mac.Addr{0xff, 0xff, 0x01, 0xe0, 0x00, 0x04}, 48, KindProtocolGroup, "LANtastic", listWKA},

	{mac.Addr{0x33, 0x33, 0x00, 0x00, 0x00, 0x00}, 16, KindIPv6Multicast, "IPv6 multicast", ""},
}

// holds reports whether m is in the block.
func (b *groupBlock) holds(m mac.Addr) bool {
	for i := range m {
		n := min(max(b.bits-8*i, 0), 8)
		if mask := byte(0xff) << (8 - n); (m[i]^b.first[i])&mask != 0 {
			return false
		}
	}
	return true
}

// protocolGroup returns the class of a group address that a protocol uses.
func protocolGroup(m mac.Addr) (Class, bool) {
	for i := range groupBlocks {
		b := &groupBlocks[i]
		if !b.holds(m) {
			continue
		}
		c := class(b.kind)
		c.Name = b.name
		if b.of != "" {
			c.Source = b.of
		}
		return c, true
	}
	return Class{}, false
}

// Reserved reports whether addresses of the kind are some protocol's own: no
// cluster may answer with one, and a static entry for one would lead that
// protocol's frames astray.
func (k Kind) Reserved() bool {
	switch k {
	case KindTokenRing, KindHPTeaming, KindBridgeGroup, KindProtocolGroup, KindIPv4Local, KindIPv6Multicast:
		return true
	}
	return false
}
