package check

import (
	"net/netip"
	"slices"

	"github.com/nlbprobe/nlbprobe/inet"
	"github.com/nlbprobe/nlbprobe/mac"
	"github.com/nlbprobe/nlbprobe/nlb"
)

// helloGroups are the groups that VRRP (224.0.0.18, RFC 5798 5.1.1.2) and HSRP
// (224.0.0.2, RFC 2281 5; version 2: 224.0.0.102) routers say hello to.
var helloGroups = [...]netip.Addr{
	netip.AddrFrom4([4]byte{224, 0, 0, 18}),
	netip.AddrFrom4([4]byte{224, 0, 0, 2}),
	netip.AddrFrom4([4]byte{224, 0, 0, 102}),
}

// helloMACs are the Ethernet addresses of those groups.
func helloMACs() []mac.Addr {
	macs := make([]mac.Addr, len(helloGroups))
	for i, group := range helloGroups {
		macs[i] = inet.GroupMAC(group)
	}
	return macs
}

// Interest is what a run must hear from the first moment on: ARP and IPv4 that
// concern the addresses, and all frames from and to the MACs. A link whose filter
// passes less misses answers; what more it has to hear, the run tells it.
func Interest(vips, routers []netip.Addr) (addrs []netip.Addr, macs []mac.Addr) {
	addrs = slices.Concat(routers, helloGroups[:], vips)
	for _, vip := range vips {
		// What comes from a unicast cluster's MAC, whatever it is, teaches a switch.
		if m, err := nlb.DeriveMAC(vip, nlb.Unicast); err == nil {
			macs = append(macs, m)
		}
	}
	return addrs, macs
}
