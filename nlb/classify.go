package nlb

import (
	"net/netip"
	"strconv"

	"github.com/nlbprobe/nlbprobe/mac"
)

// Class is what a MAC address says about its owner. Classes are comparable.
type Class struct {
	Kind Kind

	// NLB reports whether the address has a form that NLB derives. Where it is
	// false, NLB is not ruled out: the cluster MAC can be set by hand.
	NLB bool

	// HandSet reports that no scheme known here gives the address to a unicast
	// IP, so a person chose it: for NLB, or for another cluster that lets its
	// administrator choose. It is never true together with NLB.
	HandSet bool

	// Mode is the cluster's mode where NLB is true, and the mode for which the
	// vendor's example was written where Kind is KindVendorExample.
	Mode Mode

	// Primary is the primary VIP, valid where the address reveals all of it:
	// unicast, multicast, legacy and masked form.
	Primary netip.Addr

	// LastOctets are the last two octets of the primary VIP, which is all that
	// the IGMP form reveals. They count only where HasLastOctets is true.
	LastOctets    [2]byte
	HasLastOctets bool

	// Group is 239.255.y.z in the IGMP form, else invalid. The same address
	// serves 31 further groups.
	Group netip.Addr

	// Priority is the host priority, 1 to 32, in the masked form, else 0.
	Priority int

	// VirtualID is the group of VRRP, HSRP and GLBP or the vhid of CARP. It may
	// be 0; HasVirtualID says whether there is one.
	VirtualID    int
	HasVirtualID bool

	Certainty Certainty
	Name      string // a few words: "VRRP virtual router, group 5"
	Note      string // what an administrator must know, one sentence
	Source    string // public documents that the class rests on
}

// Classify says what m is, from m alone. Some forms are shared, and the Note
// says with whom; where the VIP is known that m was an answer for, or that the
// cluster has, ClassifyFor knows more.
func Classify(m mac.Addr) Class {
	last4 := [4]byte(m[2:])
	id2 := int(m[4])<<8 | int(m[5]) // the last two bytes
	switch {
	case m.IsBroadcast():
		return class(KindBroadcast)
	case m.IsZero():
		return class(KindZero)
	case m.IsGroup():
		return classifyGroup(m, last4)

	case m[0] == 0x02 && m[1] == octetCluster && canBeVIP(last4):
		return derived(KindUnicast, Unicast, last4)
	case m[0] == 0x00 && m[1] == octetCluster && canBeVIP(last4):
		return derived(KindLegacy, Unicast, last4)
	case prefix(m, 0x02, 0x04, 0x96):
		return class(KindExtreme)
	case m[0] == 0x02 && m[1] >= 1 && m[1] <= MaxPriority && canBeVIP(last4):
		return masked(m, last4)
	case m[0] == 0x02 && m[1] == 0x42:
		return class(KindDocker)

	case prefix(m, 0x00, 0x00, 0x5e) && m[3] == 0x00 && m[4] == 0x01:
		return numbered(KindVRRP, int(m[5]))
	case prefix(m, 0x00, 0x00, 0x5e) && m[3] == 0x00 && m[4] == 0x02:
		return numbered(KindVRRPv6, int(m[5]))
	case prefix(m, 0x00, 0x00, 0x0c) && m[3] == 0x07 && m[4] == 0xac:
		return numbered(KindHSRPv1, int(m[5]))
	case prefix(m, 0x00, 0x00, 0x0c) && m[3] == 0x9f && m[4]&0xf0 == 0xf0:
		return numbered(KindHSRPv2, id2&0x0fff)
	case prefix(m, 0x00, 0x05, 0x73) && m[3] == 0xa0 && m[4]&0xf0 == 0x00:
		return numbered(KindHSRPv6, id2&0x0fff)
	case prefix(m, 0x00, 0x07, 0xb4) && m[3] <= 0x03:
		// Ten bits of group number (0 to 1023), then the forwarder.
		return numbered(KindGLBP, int(m[3])<<8|int(m[4]))
	}
	if c, ok := hypervisor(m); ok {
		return c
	}
	if m.IsLocal() {
		return class(KindLocal)
	}
	return class(KindUniversal)
}

// classifyGroup is Classify for group addresses other than broadcast.
func classifyGroup(m mac.Addr, last4 [4]byte) Class {
	switch {
	case m[0] == 0x03 && m[1] == octetCluster && canBeVIP(last4):
		return derived(KindMulticast, Multicast, last4)
	case prefix(m, 0x01, 0x00, 0x5e) && m[3] == octetIGMP:
		c := class(KindIGMP)
		c.NLB, c.Mode = true, IGMPMulticast
		c.LastOctets, c.HasLastOctets = [2]byte(m[4:]), true
		c.Group = netip.AddrFrom4([4]byte{239, 255, m[4], m[5]})
		return c
	case prefix(m, 0x01, 0x00, 0x5e) && m[3] == 0x00 && m[4] == 0x01 && m[5] != 0:
		return numbered(KindCARPBalancing, int(m[5]))
	case prefix(m, 0x03, 0x00, 0x5e):
		c := class(KindVendorExample)
		c.HandSet, c.Mode = true, Multicast
		return c
	}
	if c, ok := protocolGroup(m); ok {
		return c
	}
	if prefix(m, 0x01, 0x00, 0x5e) {
		return class(KindIPv4Multicast)
	}
	c := class(KindUnknownGroup)
	c.HandSet = true
	return c
}

// ClassifyFor says what m is where m was given as the hardware address of vip,
// or sent from by a host that answers for vip. That settles what Classify must
// leave open: 02-pp and 00-bf are NLB only where bytes 2 to 5 are vip, which
// also tells NLB's priority 4 from Extreme's 02-04-96; 01-00-5e-00-01 is CARP
// and not a group's traffic; a group address of no cluster's form was set by
// hand. A vip that is not IPv4 settles nothing.
func ClassifyFor(m mac.Addr, vip netip.Addr) Class {
	c := Classify(m)
	vip = vip.Unmap()
	if !vip.Is4() {
		return c
	}
	o := vip.As4()
	switch c.Kind {
	case KindUnicast:
		c.Note = noteUnicastOther
		if c.Primary == vip {
			c.Certainty, c.Name, c.Note = Documented, nameUnicast, noteUnicastSame
		}
	case KindMulticast:
		c.Certainty, c.Name = Documented, nameMulticast
		if c.Primary != vip {
			c.Note = noteMulticastOther
		}
	case KindIGMP:
		c.Note = noteIGMPOther
		if c.LastOctets == [2]byte(o[2:]) {
			c.Certainty, c.Name, c.Note = Documented, nameIGMP, noteIGMPSame
		}
	case KindLegacy:
		if c.Primary != vip {
			c = class(KindUniversal)
			c.Note = noteLegacyOther
			break
		}
		c.Certainty, c.Name, c.Note = Documented, "Convoy or WLBS cluster", noteLegacySame
	case KindMasked:
		if c.Primary != vip {
			c = class(KindLocal)
			c.Note = noteMaskedOther
			break
		}
		c.Name, c.Note = nameMasked(c.Priority), noteMaskedSame
	case KindExtreme:
		if [4]byte(m[2:]) == o {
			c = masked(m, o)
			c.Name, c.Note = nameMasked(c.Priority), noteMaskedSame
		}
	case KindLocal, KindDocker:
		if [4]byte(m[2:]) == o {
			c.Note = noteOwnAddress
		}
	case KindCARPBalancing:
		c.Certainty, c.Note = Documented, noteCARPAnswer
	case KindIPv4Multicast:
		c.HandSet, c.Certainty, c.Note = true, Inferred, noteGroupAnswer
	}
	return c
}

// ClassifyAdapter says what m is where it is known to be one adapter's: what has
// NLB's form by chance, or since software made it of the adapter's own IP, is none
// of NLB's. ip is that IP, or invalid.
func ClassifyAdapter(m mac.Addr, ip netip.Addr) Class {
	c := ClassifyFor(m, ip)
	if m.IsGroup() || !c.NLB {
		return c
	}
	if c = class(KindUniversal); m.IsLocal() {
		c = class(KindLocal)
		c.Note = noteByChance
		if ip = ip.Unmap(); ip.Is4() && ip.As4() == [4]byte(m[2:]) {
			c.Note = noteOwnAddress
		}
	}
	return c
}

// EndsAs reports whether the last two octets that c reveals are those of vip.
func (c Class) EndsAs(vip netip.Addr) bool {
	if vip = vip.Unmap(); !c.HasLastOctets || !vip.Is4() {
		return false
	}
	o := vip.As4()
	return c.LastOctets == [2]byte(o[2:])
}

// class returns what all addresses of kind k have in common.
func class(k Kind) Class {
	f := &forms[k]
	return Class{Kind: k, Certainty: f.certainty, Name: f.name, Note: f.note, Source: f.source}
}

// derived is class for the forms that hold the whole primary VIP.
func derived(k Kind, m Mode, primary [4]byte) Class {
	c := class(k)
	c.NLB, c.Mode, c.Primary = true, m, netip.AddrFrom4(primary)
	return c
}

func masked(m mac.Addr, primary [4]byte) Class {
	c := derived(KindMasked, Unicast, primary)
	c.Priority = int(m[1])
	c.Name += ", priority " + strconv.Itoa(c.Priority)
	return c
}

// The names of what has NLB's form and the bytes of the VIP.
const (
	nameUnicast   = "NLB cluster in unicast mode"
	nameMulticast = "NLB cluster in multicast mode"
	nameIGMP      = "NLB cluster in IGMP multicast mode"
)

func nameMasked(priority int) string {
	return "NLB host in unicast mode, masked source, priority " + strconv.Itoa(priority)
}

// numbered is class for the kinds whose name ends in a number.
func numbered(k Kind, id int) Class {
	c := class(k)
	c.VirtualID, c.HasVirtualID = id, true
	c.Name += strconv.Itoa(id)
	return c
}

func prefix(m mac.Addr, a, b, c byte) bool { return m[0] == a && m[1] == b && m[2] == c }

// hypervisor knows the prefixes that hypervisors give to virtual adapters.
func hypervisor(m mac.Addr) (Class, bool) {
	var product, source string
	certainty := Inferred
	switch [3]byte(m[:3]) {
	case [3]byte{0x00, 0x15, 0x5d}:
		product, source = "Hyper-V", "published lists of virtual machine prefixes"
	case [3]byte{0x00, 0x50, 0x56}, [3]byte{0x00, 0x0c, 0x29}, [3]byte{0x00, 0x05, 0x69}:
		product, source = "VMware", "published lists of virtual machine prefixes"
	case [3]byte{0x08, 0x00, 0x27}:
		product, source = "VirtualBox", "published lists of virtual machine prefixes"
	case [3]byte{0x00, 0x16, 0x3e}:
		product, source, certainty = "Xen", "xl-network-configuration(5)", Documented
	case [3]byte{0x52, 0x54, 0x00}:
		product, source, certainty = "QEMU or KVM", "virt-manager, virtinst/util.py", Documented
	default:
		return Class{}, false
	}
	c := class(KindHypervisor)
	c.Name += product
	c.Source, c.Certainty = source, certainty
	return c, true
}
