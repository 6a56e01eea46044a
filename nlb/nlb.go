// Package nlb knows what a Microsoft NLB cluster is on the wire: its modes, the
// MAC addresses that it derives from its primary IP address, and the addresses
// of other systems that are easily taken for one. It opens no socket.
package nlb

import (
	"fmt"
	"net/netip"

	"github.com/nlbprobe/nlbprobe/mac"
)

// Mode is the way in which a cluster makes every host receive what is sent to
// the VIP. The zero value is ModeUnknown.
type Mode uint8

// The modes (Microsoft KB 4494444).
const (
	ModeUnknown   Mode = iota
	Unicast            // all hosts share one unicast MAC that no switch may learn
	Multicast          // the VIP answers with a group MAC that is not an IP group's
	IGMPMulticast      // the VIP answers with the MAC of an IPv4 group that the hosts join
)

var modeNames = [...]string{
	ModeUnknown: "unknown", Unicast: "unicast", Multicast: "multicast", IGMPMulticast: "igmp-multicast",
}

// String returns the mode's name as JSON output spells it.
func (m Mode) String() string {
	if int(m) < len(modeNames) {
		return modeNames[m]
	}
	return fmt.Sprintf("Mode(%d)", uint8(m))
}

// MaxPriority is the highest host priority, and so the most hosts that a
// cluster has. The lowest is 1.
const MaxPriority = 32

// The second octets of derived addresses.
const (
	octetCluster = 0xbf // 02-bf, 03-bf, 00-bf
	octetIGMP    = 0x7f // 01-00-5e-7f: the group is 239.255.y.z
)

// CheckVIP returns nil where addr can be a cluster's IPv4 address, and otherwise
// says what it is instead: not IPv4, unspecified (0.0.0.0/8), loopback,
// multicast (224.0.0.0/4), broadcast or reserved (240.0.0.0/4). An IPv4 address
// in IPv6 form (::ffff:w.x.y.z) counts as IPv4.
func CheckVIP(addr netip.Addr) error {
	addr = addr.Unmap()
	what := ""
	switch {
	case !addr.IsValid():
		return fmt.Errorf("no address given where a VIP is needed")
	case !addr.Is4():
		return fmt.Errorf("%v is an IPv6 address: NLB derives its MAC addresses from an IPv4 address", addr)
	default:
		switch w := addr.As4()[0]; {
		case addr == netip.AddrFrom4([4]byte{}):
			what = "the unspecified address"
		case addr == netip.AddrFrom4([4]byte{255, 255, 255, 255}):
			what = "the broadcast address"
		case w == 0:
			what = "an address of \"this network\" (0.0.0.0/8)"
		case w == 127:
			what = "a loopback address"
		case w >= 224 && w < 240:
			what = "a multicast address"
		case w >= 240:
			what = "a reserved address (240.0.0.0/4)"
		default:
			return nil
		}
	}
	return fmt.Errorf("%v is %s: a VIP is a unicast address", addr, what)
}

// CanBeVIP reports whether CheckVIP has nothing against addr, without an error to
// build.
func CanBeVIP(addr netip.Addr) bool {
	addr = addr.Unmap()
	return addr.Is4() && canBeVIP(addr.As4())
}

// canBeVIP is CanBeVIP for the four octets of a MAC.
func canBeVIP(o [4]byte) bool { return o[0] != 0 && o[0] != 127 && o[0] < 224 }

// DeriveMAC returns the MAC that a cluster with this primary IPv4 address and
// mode derives for all its VIPs, as `nlb ip2mac` prints it:
//
//	Unicast        02-bf-w-x-y-z
//	Multicast      03-bf-w-x-y-z
//	IGMPMulticast  01-00-5e-7f-y-z
//
// Source: Microsoft KB 4494444. A secondary VIP answers with the MAC of the
// primary, and the MAC may be set by hand, so an address seen on the wire is
// always to be preferred. The error says why there is no such MAC: an address
// that CheckVIP refuses, or ModeUnknown.
func DeriveMAC(primary netip.Addr, m Mode) (mac.Addr, error) {
	o, err := octets(primary)
	if err != nil {
		return mac.Addr{}, err
	}
	switch m {
	case Unicast:
		return mac.Addr{0x02, octetCluster, o[0], o[1], o[2], o[3]}, nil
	case Multicast:
		return mac.Addr{0x03, octetCluster, o[0], o[1], o[2], o[3]}, nil
	case IGMPMulticast:
		return mac.Addr{0x01, 0x00, 0x5e, octetIGMP, o[2], o[3]}, nil
	}
	return mac.Addr{}, fmt.Errorf("nlb: no MAC is derived in mode %q", m)
}

// DeriveLegacyMAC returns 00-bf-w-x-y-z, the cluster MAC of NLB's forerunners
// Convoy and WLBS, which Cisco's documents still show (Wireshark's list of
// well-known addresses; Cisco document 216092). Errors are those of CheckVIP.
func DeriveLegacyMAC(primary netip.Addr) (mac.Addr, error) {
	o, err := octets(primary)
	if err != nil {
		return mac.Addr{}, err
	}
	return mac.Addr{0x00, octetCluster, o[0], o[1], o[2], o[3]}, nil
}

// Group returns the IPv4 group that a cluster in IGMP mode joins: 239.255.y.z
// (Microsoft KB 283028). KB 4494444 states the same rule, but its worked example
// (239.244.0.1 for 10.0.0.1) breaks it: that group is 239.255.0.1. Errors are
// those of CheckVIP.
func Group(primary netip.Addr) (netip.Addr, error) {
	o, err := octets(primary)
	if err != nil {
		return netip.Addr{}, err
	}
	return netip.AddrFrom4([4]byte{239, 255, o[2], o[3]}), nil
}

// MaskedMAC returns 02-pp-w-x-y-z, the Ethernet source of a host of this
// priority (1 to 32) in unicast mode while MaskSourceMAC is on, as it is by
// default: so no switch learns the cluster MAC (Microsoft KB 193602).
func MaskedMAC(primary netip.Addr, priority int) (mac.Addr, error) {
	o, err := octets(primary)
	if err != nil {
		return mac.Addr{}, err
	}
	if priority < 1 || priority > MaxPriority {
		return mac.Addr{}, fmt.Errorf("nlb: host priority %d is not one of 1 to %d", priority, MaxPriority)
	}
	return mac.Addr{0x02, byte(priority), o[0], o[1], o[2], o[3]}, nil
}

func octets(primary netip.Addr) ([4]byte, error) {
	if err := CheckVIP(primary); err != nil {
		return [4]byte{}, fmt.Errorf("nlb: %w", err)
	}
	return primary.Unmap().As4(), nil
}
