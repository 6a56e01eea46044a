package diagnose

import (
	"net/netip"
	"testing"
	"time"

	"github.com/nlbprobe/nlbprobe/evidence"
	"github.com/nlbprobe/nlbprobe/mac"
)

// BenchmarkCrowd judges one VIP where a thousand invented hosts do the same thing: what
// a run does with every VIP when it ends.
func BenchmarkCrowd(b *testing.B) {
	m := func(n int) mac.Addr { return mac.Addr{2, 9, 9, 0, byte(n >> 8), byte(n)} }
	ip := func(n int) netip.Addr { return netip.AddrFrom4([4]byte{172, 16, byte(n >> 8), byte(n)}) }
	kinds := map[string]func(n int) step{
		"askers":  func(n int) step { return asksFor(m(n), m(n), ip(n), vip).from(time.Duration(n) * ms) },
		"answers": func(n int) step { return answer(m(n), multicast) },
		"hellos": func(n int) step {
			return hello(ip(n), true).hello(func(h *evidence.Hello) { h.Group = uint16(n % 200); h.EthSrc = m(n) })
		},
		"joins": func(n int) step {
			return step{at: ms, n: 1, fact: evidence.IGMP{Act: evidence.Join, Version: 1, EthSrc: m(n), From: ip(n), Group: netip.MustParseAddr("239.255.63.241")}}
		},
		"queries": func(n int) step {
			return step{at: ms, n: 1, fact: evidence.IGMP{Act: evidence.Query, Version: 2, EthSrc: m(n), From: ip(n)}}
		},
		"passing": func(n int) step { return passes(m(n), ip(n)) },
		"routers": func(n int) step { return has(gateway, m(n)) },
		"beats": func(n int) step {
			return beat(m(n), 1+n%32).beat(func(h *evidence.Heartbeat) { h.Dedicated = ip(n); h.DefaultHost = uint16(n % 40) })
		},
		"foreign": func(n int) step {
			return beat(m(n), 1+n%32).beat(func(h *evidence.Heartbeat) { h.Cluster = ip(n) })
		},
		"errors": func(n int) step { return unreachable(1, uint16(n)) },
	}
	for name, kind := range kinds {
		b.Run(name, func(b *testing.B) {
			steps := tested(echoVia(routerMAC, 7), echoReplied(node1, 7))
			for n := range 1024 {
				steps = append(steps, kind(n), kind(n))
			}
			all := items(steps)
			for b.Loop() {
				VIP(vip, all)
			}
		})
	}
}
