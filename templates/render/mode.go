package render

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/nlbprobe/nlbprobe/mac"
	"github.com/nlbprobe/nlbprobe/nlb"
	"github.com/nlbprobe/nlbprobe/templates/platform"
)

// ModeOf returns the mode that a cluster MAC belongs to, as the answer for these
// VIPs. A MAC of 01-00-5e is IGMP mode's where it is 01-00-5e-7f and the last two
// bytes of one of them, or where none is given: other clusters, pairs of firewalls
// above all, answer with other MACs of that range and report no group. The error
// is a *NotNeededError for a unicast MAC that NLB does not derive, a
// *ReservedError for a protocol's own MAC, and says why for the broadcast and the
// all-zero address.
func ModeOf(m mac.Addr, vips ...netip.Addr) (platform.Mode, error) {
	class := nlb.Classify(m)
	switch {
	case m.IsZero():
		return "", fmt.Errorf("the MAC address is all zeros: that is what ARP writes for an unknown address; give the MAC that answers for the VIP")
	case m.IsBroadcast():
		return "", fmt.Errorf("the MAC address is the broadcast address %s: no cluster answers with it, and a static entry for it would flood every VLAN", m)
	case class.Kind.Reserved():
		return "", &ReservedError{MAC: m, Name: class.Name, Note: class.Note}
	case (m[0] == 0x02 || m[0] == 0x00) && m[1] == 0xbf:
		return platform.Unicast, nil
	case !m.IsGroup():
		return "", &NotNeededError{MAC: m}
	case class.Kind == nlb.KindIGMP && (len(vips) == 0 || slices.ContainsFunc(vips, class.EndsAs)):
		return platform.IGMP, nil
	}
	return platform.Multicast, nil
}

// isIPGroupMAC reports the MAC of IPv4 groups (RFC 1112 6.4).
func isIPGroupMAC(m mac.Addr) bool {
	return m[0] == 0x01 && m[1] == 0x00 && m[2] == 0x5e && m[3] < 0x80
}

// ReservedError says that a group MAC is some protocol's own.
type ReservedError struct {
	MAC  mac.Addr
	Name string // of the protocol
	Note string // a sentence: why no line may name it
}

func (e *ReservedError) Error() string {
	return fmt.Sprintf("%s is no cluster's MAC but %s: %s%s", e.MAC, e.Name, strings.ToLower(e.Note[:1]), strings.TrimSuffix(e.Note[1:], "."))
}

// NotNeededError says that an ordinary unicast MAC, as a host or a virtual
// router has, needs no configuration.
type NotNeededError struct{ MAC mac.Addr }

func (e *NotNeededError) Error() string {
	return fmt.Sprintf("%s is a unicast MAC: no configuration is needed, since routers accept it from an ARP reply as any host's (RFC 1812 3.3.2 bars only group MACs)", e.MAC)
}
