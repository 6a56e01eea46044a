package platform

// Applies reports whether something for one role and mode is wanted.
func Applies(forRole string, forMode Mode, role Role, mode Mode) bool {
	switch {
	case forMode == AnyMode, forMode == mode, forMode == "" && mode != Unicast:
	default:
		return false
	}
	switch forRole {
	case "l3":
		return role != L2
	case "l2":
		return role != L3
	case "l2-only":
		return role == L2
	case "both":
		return role == Both
	}
	return true
}

// What a line or note may say under ports of the kind of member ports that it is for.
const (
	LAGPorts      = "lag"      // aggregates
	PhysicalPorts = "physical" // all others
)

// Scope is what something of a platform file holds for.
type Scope struct {
	Role   string
	Mode   Mode
	Ports  string
	IPMACs string
}

// Scope is where a line applies.
func (l Line) Scope() Scope { return Scope{l.Role, l.Mode, l.Ports, l.IPMACs} }

// Scope is where a note applies.
func (n Note) Scope() Scope { return Scope{n.Role, n.Mode, n.Ports, n.IPMACs} }

// Role is what the device does for the cluster's VLAN. It decides which lines
// appear.
type Role uint8

// The roles of a device.
const (
	Both Role = iota // routes and bridges the VLAN: ARP and MAC-table lines
	L3               // routes it: ARP lines
	L2               // bridges it: MAC-table lines
)

// String returns "both", "l3" or "l2".
func (r Role) String() string {
	switch r {
	case L3:
		return "l3"
	case L2:
		return "l2"
	}
	return "both"
}

// Section is one part of a platform's text.
type Section string

// The sections, in the order in which an admin uses them.
const (
	Configure Section = "configure"
	Verify    Section = "verify"
	Remove    Section = "remove"
	Save      Section = "save"
)

// Sections returns all sections in the order of use.
func Sections() []Section { return []Section{Configure, Verify, Remove, Save} }

// Mode is what the MAC says about the kind of cluster, as far as a router's
// configuration depends on it.
type Mode string

// The two modes with a group MAC, and the one without.
const (
	Multicast Mode = "multicast" // any other group MAC, as 03-bf, or 01-00-5e of a pair of firewalls
	IGMP      Mode = "igmp"      // the MAC of a group that the hosts report (RFC 1112 6.4)
	Unicast   Mode = "unicast"   // 02-bf, or 00-bf: all hosts share a MAC that no switch learns

	// In platform files only.
	AnyMode     Mode = "any"
	RefusedMode Mode = "unicast-refused" // unicast, and a router is proven not to take the answers
)
