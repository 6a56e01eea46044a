package nlb

import (
	"math/rand/v2"
	"net/netip"
	"regexp"
	"testing"

	"github.com/nlbprobe/nlbprobe/mac"
)

// vector is an address and what it is. Zero fields are wanted as zero.
type vector struct {
	mac       string
	vip       string // empty: Classify, else ClassifyFor
	kind      Kind
	nlb       bool
	handSet   bool
	mode      Mode
	primary   string
	lastTwo   [2]byte
	group     string
	priority  int
	id        int // virtual ID; -1 is none
	name      string
	certainty Certainty
	note      string // a whole note where it is ClassifyFor's
}

const none = -1

// vectors are addresses from documents, listings and the rules. Each kind is
// here, with its edges.
func vectors() []vector {
	const (
		form = "has the form of an "
		uni  = "NLB cluster in unicast mode"
		mul  = "NLB cluster in multicast mode"
		igmp = "NLB cluster in IGMP multicast mode"

		unknown  = "group MAC of no known scheme"
		standard = "IEEE 802 standard group"
	)
	var none2 [2]byte
	return []vector{
		// --- NLB's own forms ---
		// Unattend documentation, ClusterMacAddress.
		{"02-bf-01-02-03-04", "", KindUnicast, true, false, Unicast, "1.2.3.4", none2, "", 0, none, form + uni, Inferred, ""},
		{"02-bf-01-02-03-04", "1.2.3.4", KindUnicast, true, false, Unicast, "1.2.3.4", none2, "", 0, none, uni, Documented, noteUnicastSame},
		// A further VIP answers with the primary's MAC (TechNet networking blog, 2008-12-11).
		{"02-bf-01-02-03-04", "1.2.3.9", KindUnicast, true, false, Unicast, "1.2.3.4", none2, "", 0, none, form + uni, Inferred, noteUnicastOther},
		// What NLB derives where Cisco document 216092 shows 0300.5e01.0101.
		{"03bf.0a64.0163", "", KindMulticast, true, false, Multicast, "10.100.1.99", none2, "", 0, none, form + mul, Inferred, ""},
		{"03bf.0a64.0163", "10.100.1.99", KindMulticast, true, false, Multicast, "10.100.1.99", none2, "", 0, none, mul, Documented, ""},
		{"03bf.0a64.0163", "10.100.1.100", KindMulticast, true, false, Multicast, "10.100.1.99", none2, "", 0, none, mul, Documented, noteMulticastOther},
		// KB 4494444's rule for 10.0.0.1; its worked group is wrong.
		{"01-00-5e-7f-00-01", "", KindIGMP, true, false, IGMPMulticast, "", [2]byte{0, 1}, "239.255.0.1", 0, none, form + igmp, Inferred, ""},
		{"01-00-5e-7f-00-01", "10.0.0.1", KindIGMP, true, false, IGMPMulticast, "", [2]byte{0, 1}, "239.255.0.1", 0, none, igmp, Documented, noteIGMPSame},
		{"01-00-5e-7f-00-01", "10.0.0.7", KindIGMP, true, false, IGMPMulticast, "", [2]byte{0, 1}, "239.255.0.1", 0, none, form + igmp, Inferred, noteIGMPOther},
		// The group of SSDP, 239.255.255.250: the same form, hence never certain alone.
		{"01-00-5e-7f-ff-fa", "", KindIGMP, true, false, IGMPMulticast, "", [2]byte{255, 250}, "239.255.255.250", 0, none, form + igmp, Inferred, ""},
		// Cisco's unicast text; 00-bf is also the beginning of vendors' prefixes.
		{"00-bf-ac-10-00-01", "", KindLegacy, true, false, Unicast, "172.16.0.1", none2, "", 0, none, "has the form of a Convoy or WLBS cluster, or of an ordinary adapter", Inferred, ""},
		{"00-bf-ac-10-00-01", "172.16.0.1", KindLegacy, true, false, Unicast, "172.16.0.1", none2, "", 0, none, "Convoy or WLBS cluster", Documented, noteLegacySame},
		{"00-bf-ac-10-00-01", "172.16.0.2", KindUniversal, false, false, ModeUnknown, "", none2, "", 0, none, "ordinary network adapter", Inferred, noteLegacyOther},
		// wka: 02-01 to 02-20 are MS-NLB-PhysServer-01 to -32.
		{"02-01-c0-00-02-0a", "", KindMasked, true, false, Unicast, "192.0.2.10", none2, "", 1, none, "has the form of an NLB host's masked source in unicast mode, priority 1", Inferred, ""},
		{"02-20-c0-00-02-0a", "192.0.2.10", KindMasked, true, false, Unicast, "192.0.2.10", none2, "", 32, none, "NLB host in unicast mode, masked source, priority 32", Inferred, noteMaskedSame},
		{"02-20-c0-00-02-0a", "192.0.2.11", KindLocal, false, false, ModeUnknown, "", none2, "", 0, none, "locally administered adapter", Inferred, noteMaskedOther},
		{"02-21-c0-00-02-0a", "192.0.2.10", KindLocal, false, false, ModeUnknown, "", none2, "", 0, none, "locally administered adapter", Inferred, noteOwnAddress}, // priority 33
		{"02-00-c0-00-02-0a", "192.0.2.10", KindLocal, false, false, ModeUnknown, "", none2, "", 0, none, "locally administered adapter", Inferred, noteOwnAddress}, // priority 0

		// --- the forms of NLB over octets that can be no VIP ---
		{"02-bf-e0-00-00-01", "", KindLocal, false, false, ModeUnknown, "", none2, "", 0, none, "locally administered adapter", Inferred, ""},
		{"03-bf-ff-ff-ff-ff", "", KindUnknownGroup, false, true, ModeUnknown, "", none2, "", 0, none, "group MAC of no known scheme", Unconfirmed, ""},
		{"03-bf-00-00-00-01", "", KindUnknownGroup, false, true, ModeUnknown, "", none2, "", 0, none, "group MAC of no known scheme", Unconfirmed, ""},
		{"00-bf-7f-00-00-01", "", KindUniversal, false, false, ModeUnknown, "", none2, "", 0, none, "ordinary network adapter", Inferred, ""},
		{"02-01-00-00-00-01", "", KindLocal, false, false, ModeUnknown, "", none2, "", 0, none, "locally administered adapter", Inferred, ""},

		// --- set by hand ---
		// Cisco's Catalyst example, copied by HPE and Dell; cisco.com 216092.
		{"0300.5e11.1111", "", KindVendorExample, false, true, Multicast, "", none2, "", 0, none, "group MAC copied from a vendor's NLB example", Inferred, ""},
		{"0300.5e01.0101", "10.100.1.99", KindVendorExample, false, true, Multicast, "", none2, "", 0, none, "group MAC copied from a vendor's NLB example", Inferred, ""},
		{"03-12-34-56-78-9a", "", KindUnknownGroup, false, true, ModeUnknown, "", none2, "", 0, none, "group MAC of no known scheme", Unconfirmed, ""},
		{"01-aa-bb-cc-dd-ee", "10.0.0.1", KindUnknownGroup, false, true, ModeUnknown, "", none2, "", 0, none, "group MAC of no known scheme", Unconfirmed, ""},
		// The upper half of IANA's group block is not the IPv4 half (RFC 1112 6.4).
		{"01-00-5e-80-00-01", "", KindProtocolGroup, false, false, ModeUnknown, "", none2, "", 0, none, "MPLS multicast", Documented, ""},

		// --- others' group addresses ---
		// OpenBSD ip_carp.c, carp_set_enaddr: 01-00-5e-00-01-vhid with IP balancing.
		{"01-00-5e-00-01-05", "", KindCARPBalancing, false, false, ModeUnknown, "", none2, "", 0, 5, "CARP with IP balancing, vhid 5", Inferred, ""},
		{"01-00-5e-00-01-ff", "10.0.1.255", KindCARPBalancing, false, false, ModeUnknown, "", none2, "", 0, 255, "CARP with IP balancing, vhid 255", Documented, noteCARPAnswer},
		// A vhid is 1 to 255; this is 224.0.1.0 and its 31 fellows.
		{"01-00-5e-00-01-00", "", KindIPv4Multicast, false, false, ModeUnknown, "", none2, "", 0, none, "IPv4 multicast", Documented, ""},
		// Cisco's Nexus 7000 example for NLB, which NLB would not derive.
		{"0100.5e01.0101", "", KindIPv4Multicast, false, false, ModeUnknown, "", none2, "", 0, none, "IPv4 multicast", Documented, ""},
		{"0100.5e01.0101", "10.1.2.200", KindIPv4Multicast, false, true, ModeUnknown, "", none2, "", 0, none, "IPv4 multicast", Inferred, noteGroupAnswer},
		{"01-00-5e-7e-ff-ff", "", KindIPv4Multicast, false, false, ModeUnknown, "", none2, "", 0, none, "IPv4 multicast", Documented, ""},
		{"33-33-00-00-00-01", "", KindIPv6Multicast, false, false, ModeUnknown, "", none2, "", 0, none, "IPv6 multicast", Documented, ""}, // RFC 2464 7
		{"33-33-00-00-00-01", "10.0.0.1", KindIPv6Multicast, false, false, ModeUnknown, "", none2, "", 0, none, "IPv6 multicast", Documented, ""},
		// wka: NETBIOS functional address; RFC 1469: IP multicast on Token Ring.
		{"03-00-00-00-00-01", "", KindTokenRing, false, false, ModeUnknown, "", none2, "", 0, none, "Token Ring functional address", Documented, ""},
		{"03-00-00-20-00-00", "10.0.0.1", KindTokenRing, false, false, ModeUnknown, "", none2, "", 0, none, "Token Ring functional address", Documented, ""},
		// wka: HP (Compaq) ProLiant NIC teaming, this address only.
		{"03-00-c7-00-00-ee", "", KindHPTeaming, false, false, ModeUnknown, "", none2, "", 0, none, "HP ProLiant adapter teaming", Documented, ""},
		{"03-00-c7-00-00-ef", "", KindUnknownGroup, false, true, ModeUnknown, "", none2, "", 0, none, "group MAC of no known scheme", Unconfirmed, ""},
		// wka: Spanning-tree-(for-bridges)/44 is 01-80-c2-00-00-00 to 0f.
		{"01-80-c2-00-00-0e", "", KindBridgeGroup, false, false, ModeUnknown, "", none2, "", 0, none, "reserved for protocols between bridges", Documented, ""},
		{"01-80-c2-00-00-10", "", KindProtocolGroup, false, false, ModeUnknown, "", none2, "", 0, none, standard, Documented, ""},
		// Protocols' own, also where one is an answer for an IP; and their neighbours.
		{"01-00-5e-00-00-fb", "", KindIPv4Local, false, false, ModeUnknown, "", none2, "", 0, none, "IPv4 local network control, 224.0.0.x", Documented, ""},
		{"01-00-5e-00-00-12", "10.0.0.1", KindIPv4Local, false, false, ModeUnknown, "", none2, "", 0, none, "IPv4 local network control, 224.0.0.x", Documented, ""},
		{"01-00-5e-00-02-5a", "192.0.2.90", KindIPv4Multicast, false, true, ModeUnknown, "", none2, "", 0, none, "IPv4 multicast", Inferred, noteGroupAnswer}, // a pair of firewalls
		{"01-00-5e-90-00-00", "", KindProtocolGroup, false, false, ModeUnknown, "", none2, "", 0, none, "MPLS-TP point-to-point links", Documented, ""},
		{"01-00-5e-90-00-01", "203.0.113.1", KindProtocolGroup, false, false, ModeUnknown, "", none2, "", 0, none, "BFD on links of an aggregate (micro-BFD)", Documented, ""},
		{"01-00-5e-90-00-03", "", KindProtocolGroup, false, false, ModeUnknown, "", none2, "", 0, none, "IS-IS multi-instance", Documented, ""},
		{"01-00-5e-90-00-04", "", KindProtocolGroup, false, false, ModeUnknown, "", none2, "", 0, none, "IANA block outside IPv4 multicast", Documented, ""},
		{"01-00-5e-90-01-7f", "", KindProtocolGroup, false, false, ModeUnknown, "", none2, "", 0, none, "TRILL OAM", Documented, ""},
		{"01-00-5e-ff-ff-ff", "", KindProtocolGroup, false, false, ModeUnknown, "", none2, "", 0, none, "IANA block outside IPv4 multicast", Documented, ""},
		{"0100.0ccc.cccc", "", KindProtocolGroup, false, false, ModeUnknown, "", none2, "", 0, none, "Cisco CDP, VTP, DTP, PAgP and UDLD", Documented, ""},
		{"0100.0ccc.cccd", "10.0.0.1", KindProtocolGroup, false, false, ModeUnknown, "", none2, "", 0, none, "Cisco spanning tree per VLAN (PVST+)", Documented, ""},
		{"0100.0ccc.ccce", "", KindProtocolGroup, false, false, ModeUnknown, "", none2, "", 0, none, "Cisco group block", Documented, ""},
		{"01-00-0d-cc-cc-cc", "", KindUnknownGroup, false, true, ModeUnknown, "", none2, "", 0, none, unknown, Unconfirmed, ""},
		{"01-1b-19-00-00-00", "", KindProtocolGroup, false, false, ModeUnknown, "", none2, "", 0, none, "IEEE 1588 clocks (PTP)", Documented, ""},
		{"01-0c-cd-01-00-05", "", KindProtocolGroup, false, false, ModeUnknown, "", none2, "", 0, none, "IEC 61850 GOOSE", Documented, ""},
		{"01-e0-2f-00-00-01", "", KindProtocolGroup, false, false, ModeUnknown, "", none2, "", 0, none, "DOCSIS cable modems", Documented, ""},
		{"01-20-25-7f-ff-ff", "", KindProtocolGroup, false, false, ModeUnknown, "", none2, "", 0, none, "Control Technology industrial control", Documented, ""},
		{"01-20-25-80-00-00", "", KindUnknownGroup, false, true, ModeUnknown, "", none2, "", 0, none, unknown, Unconfirmed, ""},
		{"ab-00-00-04-00-00", "", KindProtocolGroup, false, false, ModeUnknown, "", none2, "", 0, none, "DECnet and MOP", Documented, ""},
		{"09-00-2b-00-00-0f", "", KindProtocolGroup, false, false, ModeUnknown, "", none2, "", 0, none, "DEC, as LAT and DECnet", Documented, ""},
		{"01-02-03-04-05-06", "", KindUnknownGroup, false, true, ModeUnknown, "", none2, "", 0, none, unknown, Unconfirmed, ""},
		{"ff-ff-ff-ff-ff-ff", "", KindBroadcast, false, false, ModeUnknown, "", none2, "", 0, none, "broadcast", Documented, ""},
		{"ff-ff-ff-ff-ff-ff", "10.0.0.1", KindBroadcast, false, false, ModeUnknown, "", none2, "", 0, none, "broadcast", Documented, ""},

		// --- others' unicast addresses ---
		{"00-00-5e-00-01-05", "", KindVRRP, false, false, ModeUnknown, "", none2, "", 0, 5, "VRRP virtual router, group 5", Documented, ""},                // RFC 9568 7.3
		{"00-00-5e-00-01-00", "", KindVRRP, false, false, ModeUnknown, "", none2, "", 0, 0, "VRRP virtual router, group 0", Documented, ""},                // Junos: 0 to 255
		{"00-00-5e-00-02-ff", "", KindVRRPv6, false, false, ModeUnknown, "", none2, "", 0, 255, "VRRP virtual router for IPv6, group 255", Documented, ""}, // RFC 9568 7.3
		{"00-00-5e-00-03-01", "", KindUniversal, false, false, ModeUnknown, "", none2, "", 0, none, "ordinary network adapter", Inferred, ""},
		{"0000.0c07.ac03", "", KindHSRPv1, false, false, ModeUnknown, "", none2, "", 0, 3, "HSRP version 1 virtual router, group 3", Documented, ""},   // RFC 2281
		{"0000.0c9f.f068", "", KindHSRPv2, false, false, ModeUnknown, "", none2, "", 0, 104, "HSRP version 2 virtual router, group 104", Inferred, ""}, // a Catalyst's MAC table, VLAN 104
		{"0000.0c9f.ffff", "", KindHSRPv2, false, false, ModeUnknown, "", none2, "", 0, 4095, "HSRP version 2 virtual router, group 4095", Inferred, ""},
		{"0000.0c9f.0001", "", KindUniversal, false, false, ModeUnknown, "", none2, "", 0, none, "ordinary network adapter", Inferred, ""},
		{"0000.0c9f.e123", "", KindUniversal, false, false, ModeUnknown, "", none2, "", 0, none, "ordinary network adapter", Inferred, ""},
		{"0005.73a0.000a", "", KindHSRPv6, false, false, ModeUnknown, "", none2, "", 0, 10, "HSRP virtual router for IPv6, group 10", Inferred, ""}, // output of "show hsrp", group 10
		{"0005.73a0.1000", "", KindUniversal, false, false, ModeUnknown, "", none2, "", 0, none, "ordinary network adapter", Inferred, ""},
		{"0007.b400.0102", "", KindGLBP, false, false, ModeUnknown, "", none2, "", 0, 1, "GLBP virtual forwarder, group 1", Inferred, ""},
		{"0007.b403.ff01", "", KindGLBP, false, false, ModeUnknown, "", none2, "", 0, 1023, "GLBP virtual forwarder, group 1023", Inferred, ""},
		{"0007.b404.0001", "", KindUniversal, false, false, ModeUnknown, "", none2, "", 0, none, "ordinary network adapter", Inferred, ""},
		{"02-42-ac-11-00-02", "", KindDocker, false, false, ModeUnknown, "", none2, "", 0, none, "Docker container", Documented, ""}, // libnetwork genMAC
		{"02-42-ac-11-00-02", "172.17.0.2", KindDocker, false, false, ModeUnknown, "", none2, "", 0, none, "Docker container", Documented, noteOwnAddress},
		{"42-01-0a-80-00-02", "10.128.0.2", KindLocal, false, false, ModeUnknown, "", none2, "", 0, none, "locally administered adapter", Inferred, noteOwnAddress}, // Google Cloud
		{"42-01-0a-80-00-02", "10.128.0.3", KindLocal, false, false, ModeUnknown, "", none2, "", 0, none, "locally administered adapter", Inferred, ""},
		{"00-15-5d-c8-20-07", "", KindHypervisor, false, false, ModeUnknown, "", none2, "", 0, none, "virtual machine on Hyper-V", Inferred, ""},
		{"00-50-56-80-00-01", "", KindHypervisor, false, false, ModeUnknown, "", none2, "", 0, none, "virtual machine on VMware", Inferred, ""},
		{"00-0c-29-86-f1-bc", "", KindHypervisor, false, false, ModeUnknown, "", none2, "", 0, none, "virtual machine on VMware", Inferred, ""},
		{"00-05-69-00-00-01", "", KindHypervisor, false, false, ModeUnknown, "", none2, "", 0, none, "virtual machine on VMware", Inferred, ""},
		{"08-00-27-00-00-01", "", KindHypervisor, false, false, ModeUnknown, "", none2, "", 0, none, "virtual machine on VirtualBox", Inferred, ""},
		{"00-16-3e-74-3d-76", "", KindHypervisor, false, false, ModeUnknown, "", none2, "", 0, none, "virtual machine on Xen", Documented, ""}, // xl-network-configuration(5)
		{"52-54-00-12-34-56", "", KindHypervisor, false, false, ModeUnknown, "", none2, "", 0, none, "virtual machine on QEMU or KVM", Documented, ""},
		// wka: 02-04-96 is Extreme's, and collides with NLB's 02-04.
		{"02-04-96-01-02-03", "", KindExtreme, false, false, ModeUnknown, "", none2, "", 0, none, "Extreme Networks switch", Inferred, ""},
		{"02-04-96-01-02-03", "10.0.0.1", KindExtreme, false, false, ModeUnknown, "", none2, "", 0, none, "Extreme Networks switch", Inferred, ""},
		{"02-04-96-01-02-03", "150.1.2.3", KindMasked, true, false, Unicast, "150.1.2.3", none2, "", 4, none, "NLB host in unicast mode, masked source, priority 4", Inferred, noteMaskedSame},
		// Cisco's Nexus 9000 unicast example: an even first octet, no NLB form.
		{"c8c8.c8c8.c8c8", "200.200.200.200", KindUniversal, false, false, ModeUnknown, "", none2, "", 0, none, "ordinary network adapter", Inferred, ""},
		{"06-00-00-00-00-01", "", KindLocal, false, false, ModeUnknown, "", none2, "", 0, none, "locally administered adapter", Inferred, ""},
		{"00-00-00-00-00-00", "", KindZero, false, false, ModeUnknown, "", none2, "", 0, none, "no address", Documented, ""},
	}
}

func (v vector) classify(t testing.TB) (mac.Addr, Class) {
	m := mustMAC(t, v.mac)
	if v.vip == "" {
		return m, Classify(m)
	}
	return m, ClassifyFor(m, netip.MustParseAddr(v.vip))
}

func TestClassify(t *testing.T) {
	for _, v := range vectors() {
		t.Run(v.mac+" for "+v.vip, func(t *testing.T) {
			want := Class{
				Kind: v.kind, NLB: v.nlb, HandSet: v.handSet, Mode: v.mode, Priority: v.priority,
				LastOctets: v.lastTwo, HasLastOctets: v.kind == KindIGMP,
				Certainty: v.certainty, Name: v.name, Note: v.note, Source: forms[v.kind].source,
			}
			if v.primary != "" {
				want.Primary = netip.MustParseAddr(v.primary)
			}
			if v.group != "" {
				want.Group = netip.MustParseAddr(v.group)
			}
			if v.id != none {
				want.VirtualID, want.HasVirtualID = v.id, true
			}
			if v.note == "" {
				want.Note = forms[v.kind].note
			}
			_, got := v.classify(t)
			if (v.kind == KindHypervisor || v.kind == KindProtocolGroup) && got.Source != "" {
				want.Source = got.Source // one per product or protocol
			}
			if got != want {
				t.Errorf("\n got %+v\nwant %+v", got, want)
			}
		})
	}
}

// Every kind has an address in the vectors, and what a reader is told of it.
func TestKinds(t *testing.T) {
	produced := make(map[Kind]bool)
	for _, v := range vectors() {
		_, c := v.classify(t)
		produced[c.Kind] = true
	}
	kebab := regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)
	sentence := regexp.MustCompile(`^[A-Z][^\n]{20,180}\.$`)
	seen := make(map[string]Kind)
	if len(Kinds()) == 0 {
		t.Fatal("no kinds")
	}
	for _, k := range Kinds() {
		if !produced[k] {
			t.Errorf("no vector is a %v", k)
		}
		f := forms[k]
		if !kebab.MatchString(k.String()) {
			t.Errorf("kind %d: %q is not kebab-case", k, k)
		}
		if other, ok := seen[k.String()]; ok {
			t.Errorf("kinds %d and %d are both called %q", other, k, k)
		}
		seen[k.String()] = k
		if f.name == "" || !sentence.MatchString(f.note) || f.source == "" && k != KindHypervisor {
			t.Errorf("%v: name %q, note %q, source %q", k, f.name, f.note, f.source)
		}
		delete(produced, k)
	}
	for k := range produced {
		t.Errorf("%v is classified, but Kinds does not list it", k)
	}
	for _, k := range []Kind{Unclassified, kindCount, 255} {
		if k.String() != "unclassified" {
			t.Errorf("kind %d is %q", k, k)
		}
	}
}

// An address that is no IPv4 address settles nothing.
func TestClassifyForNoVIP(t *testing.T) {
	for _, v := range vectors() {
		m := mustMAC(t, v.mac)
		for _, vip := range []netip.Addr{{}, netip.MustParseAddr("2001:db8::1")} {
			if got, want := ClassifyFor(m, vip), Classify(m); got != want {
				t.Errorf("%v for %v:\n got %+v\nwant %+v", m, vip, got, want)
			}
		}
	}
	m := mustMAC(t, "02-01-c0-00-02-0a")
	if c := ClassifyFor(m, netip.MustParseAddr("::ffff:192.0.2.10")); c.Note != noteMaskedSame {
		t.Errorf("the IPv4-mapped form of the VIP was not recognised: %+v", c)
	}
}

func randomVIP(r *rand.Rand) netip.Addr {
	for {
		u := r.Uint32()
		vip := netip.AddrFrom4([4]byte{byte(u >> 24), byte(u >> 16), byte(u >> 8), byte(u)})
		if CheckVIP(vip) == nil {
			return vip
		}
	}
}

// What is derived from a VIP classifies as such and gives the VIP back.
func TestDeriveThenClassify(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 20000 {
		vip := randomVIP(r)
		o := vip.As4()

		for mode, kind := range map[Mode]Kind{Unicast: KindUnicast, Multicast: KindMulticast} {
			m, err := DeriveMAC(vip, mode)
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range []Class{Classify(m), ClassifyFor(m, vip), ClassifyFor(m, randomVIP(r))} {
				if c.Kind != kind || !c.NLB || c.Mode != mode || c.Primary != vip {
					t.Fatalf("%v of %v: %+v", mode, vip, c)
				}
			}
		}

		m, err := DeriveMAC(vip, IGMPMulticast)
		if err != nil {
			t.Fatal(err)
		}
		group, err := Group(vip)
		if err != nil {
			t.Fatal(err)
		}
		c := ClassifyFor(m, vip)
		if c.Kind != KindIGMP || !c.NLB || !c.HasLastOctets || c.LastOctets != [2]byte(o[2:]) || c.Group != group ||
			c.Primary.IsValid() || c.Certainty != Documented {
			t.Fatalf("IGMP of %v: %+v", vip, c)
		}

		m, err = DeriveLegacyMAC(vip)
		if err != nil {
			t.Fatal(err)
		}
		if c := ClassifyFor(m, vip); c.Kind != KindLegacy || !c.NLB || c.Primary != vip {
			t.Fatalf("legacy of %v: %+v", vip, c)
		}

		priority := 1 + r.IntN(MaxPriority)
		m, err = MaskedMAC(vip, priority)
		if err != nil {
			t.Fatal(err)
		}
		if c := ClassifyFor(m, vip); c.Kind != KindMasked || !c.NLB || c.Primary != vip || c.Priority != priority {
			t.Fatalf("masked %d of %v: %+v", priority, vip, c)
		}
		// Alone it is the same, but for the one prefix that is also Extreme's.
		if c := Classify(m); c.Kind != KindMasked && (priority != 4 || o[0] != 0x96 || c.Kind != KindExtreme) {
			t.Fatalf("masked %d of %v, alone: %+v", priority, vip, c)
		}
	}
}

// The rules that hold for every address, whatever its class.
func checkRules(t *testing.T, m mac.Addr, c Class) {
	t.Helper()
	groupKind := c.Kind == KindMulticast || c.Kind == KindIGMP || c.Kind >= KindVendorExample && c.Kind <= KindBroadcast
	if m.IsGroup() != groupKind {
		t.Errorf("%v: group bit %v, but kind %v", m, m.IsGroup(), c.Kind)
	}
	if c.NLB && !m.IsGroup() {
		bf := (m[0] == 0x02 || m[0] == 0x00) && m[1] == 0xbf
		pp := m[0] == 0x02 && m[1] >= 1 && m[1] <= 0x20
		if !bf && !pp {
			t.Errorf("%v: NLB with a unicast form that NLB does not derive", m)
		}
	}
	if c.NLB && c.HandSet {
		t.Errorf("%v: both derived and set by hand", m)
	}
	if c.NLB && c.Mode == ModeUnknown || !c.NLB && c.Mode != ModeUnknown && c.Kind != KindVendorExample {
		t.Errorf("%v: NLB %v, mode %v", m, c.NLB, c.Mode)
	}
	if c.NLB != (c.Primary.IsValid() || c.HasLastOctets) {
		t.Errorf("%v: NLB %v reveals %v, %v", m, c.NLB, c.Primary, c.HasLastOctets)
	}
	if c.Kind == Unclassified || c.Kind >= kindCount || c.Name == "" || c.Note == "" || c.Source == "" {
		t.Errorf("%v: %+v", m, c)
	}
	// What is revealed derives m again.
	var again mac.Addr
	var err error
	switch c.Kind {
	case KindUnicast, KindMulticast:
		again, err = DeriveMAC(c.Primary, c.Mode)
	case KindIGMP:
		again, err = DeriveMAC(netip.AddrFrom4([4]byte{10, 0, c.LastOctets[0], c.LastOctets[1]}), IGMPMulticast)
	case KindLegacy:
		again, err = DeriveLegacyMAC(c.Primary)
	case KindMasked:
		again, err = MaskedMAC(c.Primary, c.Priority)
	default:
		return
	}
	if err != nil || again != m {
		t.Errorf("%v: what it reveals derives %v, %v", m, again, err)
	}
}

func TestRules(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 50000 {
		var m mac.Addr
		for i := range m {
			m[i] = byte(r.Uint32())
		}
		m[0] &= 0x33 // most of the forms begin so
		vip := randomVIP(r)
		checkRules(t, m, Classify(m))
		checkRules(t, m, ClassifyFor(m, vip))
		copy(m[2:], vip.AsSlice())
		checkRules(t, m, ClassifyFor(m, vip))
	}
}

// A sweep classifies an answer per address: what needs no number in its name is
// free of allocations.
func TestClassifyAllocations(t *testing.T) {
	vip := netip.MustParseAddr("10.0.0.1")
	for _, s := range []string{"03-bf-0a-00-00-01", "01-00-5e-7f-00-01", "03-00-5e-11-11-11", "00-1b-21-00-00-01"} {
		m := mustMAC(t, s)
		if n := testing.AllocsPerRun(100, func() { ClassifyFor(m, vip) }); n != 0 {
			t.Errorf("%s: %v allocations", s, n)
		}
	}
}

func FuzzClassify(f *testing.F) {
	seeds := vectors()
	if len(seeds) < int(kindCount) {
		f.Fatalf("%d seeds for %d kinds", len(seeds), kindCount-1)
	}
	for _, v := range seeds {
		m := mustMAC(f, v.mac)
		vip := []byte{10, 0, 0, 1}
		if v.vip != "" {
			vip = netip.MustParseAddr(v.vip).AsSlice()
		}
		f.Add(m[:], vip)
	}
	f.Fuzz(func(t *testing.T, b, ip []byte) {
		if len(b) < 6 {
			return
		}
		m := mac.From(b)
		vip, _ := netip.AddrFromSlice(ip) // the zero Addr where ip is of neither length
		alone, asked := Classify(m), ClassifyFor(m, vip)
		checkRules(t, m, alone)
		checkRules(t, m, asked)
		if !vip.Unmap().Is4() && asked != alone {
			t.Errorf("%v: %v settled something:\n%+v\n%+v", m, vip, alone, asked)
		}
		// A unicast MAC's form alone can be chance, and a masked source's another's scheme.
		if open := asked.Kind == KindIGMP || asked.Kind == KindMasked || asked.Kind == KindUnicast && asked.Primary != vip.Unmap(); asked.NLB &&
			(asked.Certainty == Documented) == open && asked.Kind != KindIGMP && vip.Unmap().Is4() {
			t.Errorf("%v for %v: NLB, but still %v", m, vip, asked.Certainty)
		}
		if asked.Kind == KindMasked && vip.Unmap().Is4() && asked.Primary != vip.Unmap() {
			t.Errorf("%v for %v: a masked source of another primary was called NLB", m, vip)
		}
		// Knowing the VIP never turns a group address into a unicast kind, and
		// what is derived for the VIP stays so.
		if CheckVIP(vip) != nil {
			return
		}
		for _, mode := range []Mode{Unicast, Multicast, IGMPMulticast} {
			d, err := DeriveMAC(vip, mode)
			if err != nil {
				t.Fatal(err)
			}
			if c := ClassifyFor(d, vip); !c.NLB || c.Mode != mode || c.Certainty != Documented {
				t.Errorf("%v of %v: %+v", mode, vip, c)
			}
		}
	})
}

// Of each block of group addresses the first and the last one are of its kind, or
// of a narrower block that stands before it, and reserved; none is a form of NLB.
func TestGroupBlocks(t *testing.T) {
	for i := range groupBlocks {
		b := &groupBlocks[i]
		last := b.first
		for bit := b.bits; bit < 48; bit++ {
			last[bit/8] |= 0x80 >> (bit % 8)
		}
		if !b.first.IsGroup() || !b.kind.Reserved() || b.bits < 16 || b.bits > 48 || b.name == "" {
			t.Errorf("%v/%d: %+v", b.first, b.bits, b)
		}
		for _, m := range []mac.Addr{b.first, last} {
			n := 0
			for n < i && !groupBlocks[n].holds(m) {
				n++
			}
			c := Classify(m)
			if !b.holds(m) || c.NLB || c.HandSet || c.Kind != groupBlocks[n].kind || c.Name != groupBlocks[n].name {
				t.Errorf("%v/%d: %v is %+v", b.first, b.bits, m, c)
			}
		}
		if before := b.first; b.bits == 48 {
			before[5]--
			if b.holds(before) {
				t.Errorf("%v holds %v", b.first, before)
			}
		}
	}
}
