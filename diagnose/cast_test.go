package diagnose

import (
	"net/netip"
	"time"

	"github.com/nlbprobe/nlbprobe/evidence"
	"github.com/nlbprobe/nlbprobe/mac"
)

// More of the cast: who stands around the VIP.
var (
	standby    = netip.MustParseAddr("172.16.63.3")
	standbyMAC = hw("00:1c:73:00:00:03")
	activeIP   = netip.MustParseAddr("172.16.63.2")
	activeMAC  = hw("00:1c:73:00:00:02")
	virtualMAC = hw("00:00:5e:00:01:05")
	remote     = netip.MustParseAddr("10.9.8.7")
)

// echo is our echo request to dst, in a frame to to, with an identifier of its
// own.
func echo(to mac.Addr, dst netip.Addr, id uint16) step {
	return step{at: 10 * ms, n: 1, fact: evidence.Echo{EthSrc: ourMAC, EthDst: to, Src: us, Dst: dst, TTL: 64, ID: id, Out: true}}
}

func echoVia(router mac.Addr, id uint16) step { return echo(router, vip, id) }

// control is the same for another host of the subnet.
func control(router mac.Addr, id uint16) step { return echo(router, client, id) }

// replied is an echo reply to us.
func replied(source mac.Addr, from netip.Addr, id uint16) step {
	return step{at: 12 * ms, n: 1, fact: evidence.Echo{Reply: true, EthSrc: source, EthDst: ourMAC, Src: from, Dst: us, TTL: 128, ID: id}}
}

func echoReplied(source mac.Addr, id uint16) step { return replied(source, vip, id) }

// copied is our echo request on its way from the router.
func copied(from, to mac.Addr, dst netip.Addr, id uint16) step {
	return step{at: 11 * ms, n: 1, fact: evidence.Echo{EthSrc: from, EthDst: to, Src: us, Dst: dst, TTL: 63, ID: id}}
}

// icmp is what the gateway says of our echo request.
func icmp(kind, code uint8, dst netip.Addr, id uint16) step {
	return step{at: 3060 * ms, n: 1, fact: evidence.ICMPError{Type: kind, Code: code, EthSrc: routerMAC, From: gateway, To: us, Src: us, Dst: dst, Protocol: protocolICMP, ID: id}}
}

func unreachable(code uint8, id uint16) step { return icmp(evidence.Unreachable, code, vip, id) }

func redirected(id uint16) step {
	s := icmp(evidence.Redirect, 1, vip, id).from(11 * ms)
	return s.icmp(func(e *evidence.ICMPError) { e.Gateway = vip })
}

func (s step) icmp(f func(*evidence.ICMPError)) step {
	e := s.fact.(evidence.ICMPError)
	f(&e)
	s.fact = e
	return s
}

func (s step) echo(f func(*evidence.Echo)) step {
	e := s.fact.(evidence.Echo)
	f(&e)
	s.fact = e
	return s
}

func (s step) tcp(f func(*evidence.TCP)) step {
	e := s.fact.(evidence.TCP)
	f(&e)
	s.fact = e
	return s
}

// numbers gives an echo a sequence number and random payload.
func numbers(seq uint16, token uint64) func(*evidence.Echo) {
	return func(e *evidence.Echo) { e.Seq, e.Token = seq, token }
}

// asksOn is a router that asks for the VIP n times, a second apart.
func asksOn(m mac.Addr, ip netip.Addr, n int) []step {
	var out []step
	for i := range n {
		out = append(out, asksFor(m, m, ip, vip).from(20*ms+time.Duration(i)*1024*ms))
	}
	return out
}

// syn is ours; synAck and reset are the VIP's.
func syn(to mac.Addr, sport, port uint16) step {
	return step{at: 10 * ms, n: 1, fact: evidence.TCP{EthSrc: ourMAC, EthDst: to, Src: netip.AddrPortFrom(us, sport), Dst: netip.AddrPortFrom(vip, port), TTL: 64, SYN: true, Out: true}}
}

func synAck(source mac.Addr, sport, port uint16) step {
	return step{at: 11 * ms, n: 1, fact: evidence.TCP{EthSrc: source, EthDst: ourMAC, Src: netip.AddrPortFrom(vip, port), Dst: netip.AddrPortFrom(us, sport), TTL: 128, SYN: true, ACK: true, Number: 1}}
}

func reset(source mac.Addr, sport, port uint16) step {
	return step{at: 11 * ms, n: 1, fact: evidence.TCP{EthSrc: source, EthDst: ourMAC, Src: netip.AddrPortFrom(vip, port), Dst: netip.AddrPortFrom(us, sport), TTL: 128, ACK: true, RST: true, Number: 1}}
}

// passes is traffic of somebody for the VIP, to the cluster's MAC.
func passes(source mac.Addr, src netip.Addr) step {
	return step{at: 20 * ms, n: 1, length: 442, fact: evidence.Traffic{EthSrc: source, EthDst: multicast, Src: src, Dst: vip, EtherType: 0x0800}}
}

// hello is what a VRRP router of group 5 says; its virtual address is our
// gateway's.
func hello(from netip.Addr, active bool) step {
	return step{at: 5 * ms, n: 1, fact: evidence.Hello{Protocol: evidence.VRRPv3, EthSrc: virtualMAC, From: from, Group: 5, Virtual: gateway, Priority: 200, Active: active}}
}

func (s step) hello(f func(*evidence.Hello)) step {
	h := s.fact.(evidence.Hello)
	f(&h)
	s.fact = h
	return s
}

// manyHellos are of as many groups, routers and virtual addresses.
func manyHellos(n int) []step {
	out := make([]step, n)
	for i := range out {
		out[i] = hello(netip.AddrFrom4([4]byte{10, 0, 0, byte(i + 1)}), true).hello(func(h *evidence.Hello) {
			h.Group, h.Virtual = uint16(i), netip.AddrFrom4([4]byte{10, 0, 1, byte(i + 1)})
		})
	}
	return out
}

func mustAddr(s string) netip.Addr { return netip.MustParseAddr(s) }

// hsrp is what an HSRP router says that is not active: it uses its own MAC.
func hsrp(source mac.Addr, from netip.Addr, active bool) step {
	return step{at: 5 * ms, n: 1, fact: evidence.Hello{Protocol: evidence.HSRPv1, EthSrc: source, From: from, Group: 5, Virtual: gateway, Active: active}}
}

// tested is a probe's evidence with a router whose MAC is known, of a cluster
// in multicast mode.
func tested(more ...step) []step {
	return live(append([]step{answer(node1, multicast), answer(node2, multicast), has(gateway, routerMAC)}, more...)...)
}
