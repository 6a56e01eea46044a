package check_test

import (
	"net/netip"
	"slices"
	"testing"

	"github.com/nlbprobe/nlbprobe/check"
	"github.com/nlbprobe/nlbprobe/mac"
)

// A link hears from the first moment on whoever speaks of a VIP or is a router, the
// hellos of virtual ones, and the MAC that a unicast cluster hides behind.
func TestInterest(t *testing.T) {
	ip := netip.MustParseAddr
	addrs, macs := check.Interest([]netip.Addr{ip("192.0.2.90"), ip("192.0.2.91")}, []netip.Addr{ip("192.0.2.1")})
	for _, s := range []string{"192.0.2.90", "192.0.2.91", "192.0.2.1", "224.0.0.18", "224.0.0.2", "224.0.0.102"} {
		if !slices.Contains(addrs, ip(s)) {
			t.Errorf("%s is not heard", s)
		}
	}
	if want := []mac.Addr{{2, 0xbf, 192, 0, 2, 90}, {2, 0xbf, 192, 0, 2, 91}}; !slices.Equal(macs, want) || len(addrs) != 6 {
		t.Errorf("%v, %v", addrs, macs)
	}
}
