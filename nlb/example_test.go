package nlb_test

import (
	"fmt"
	"net/netip"

	"github.com/nlbprobe/nlbprobe/mac"
	"github.com/nlbprobe/nlbprobe/nlb"
)

func ExampleDeriveMAC() {
	vip := netip.MustParseAddr("172.16.63.241")
	for _, mode := range []nlb.Mode{nlb.Unicast, nlb.Multicast, nlb.IGMPMulticast} {
		m, err := nlb.DeriveMAC(vip, mode)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(mode, m)
	}
	// Output:
	// unicast 02:bf:ac:10:3f:f1
	// multicast 03:bf:ac:10:3f:f1
	// igmp-multicast 01:00:5e:7f:3f:f1
}

func ExampleClassifyFor() {
	answer := mac.Addr{0x03, 0xbf, 172, 16, 63, 242}
	c := nlb.ClassifyFor(answer, netip.MustParseAddr("172.16.63.241"))
	fmt.Println(c.Mode, c.Primary)
	// Output: multicast 172.16.63.242
}
