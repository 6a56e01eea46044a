package igmp_test

import (
	"fmt"
	"net/netip"

	"github.com/nlbprobe/nlbprobe/igmp"
)

func ExampleParse() {
	// A report of version 1, as the hosts of a cluster in IGMP mode send it.
	report := []byte{0x12, 0x00, 0x00, 0x00, 239, 255, 63, 241}
	sum := igmp.Checksum(report)
	report[2], report[3] = byte(sum>>8), byte(sum)

	m, err := igmp.Parse(report)
	fmt.Println(m.Type, m.Group, err)
	fmt.Println(igmp.GroupMAC(m.Group))
	// Output:
	// v1 report 239.255.63.241 <nil>
	// 01:00:5e:7f:3f:f1
}

func ExampleGroupMAC() {
	fmt.Println(igmp.GroupMAC(netip.MustParseAddr("224.0.0.18")))
	// Output: 01:00:5e:00:00:12
}
