package diagnose

import (
	"net/netip"
	"time"

	"github.com/nlbprobe/nlbprobe/evidence"
	"github.com/nlbprobe/nlbprobe/mac"
)

// More of the cast: the group of the VIP in IGMP mode, and another one.
var (
	vipGroup   = mustAddr("239.255.63.241")
	otherGroup = mustAddr("239.255.0.1")
	everybody  = mustAddr("224.0.0.1")
	nobody     = netip.IPv4Unspecified()
)

// query is a querier's question for all groups.
func query(from netip.Addr, version uint8) step {
	source := stranger
	if from == gateway {
		source = routerMAC
	}
	return step{at: 30 * ms, n: 1, fact: evidence.IGMP{
		Act: evidence.Query, Version: version, EthSrc: source, EthDst: hw("01:00:5e:00:00:01"), From: from, To: everybody, MaxResponse: 10 * time.Second,
	}}
}

// reports is a host's IGMPv1 report for the VIP's group.
func reports(source mac.Addr, from netip.Addr) step {
	return step{at: 40 * ms, n: 1, fact: evidence.IGMP{
		Act: evidence.Join, Version: 1, EthSrc: source, EthDst: igmp, From: from, To: vipGroup, Group: vipGroup,
	}}
}

func (s step) igmp(f func(*evidence.IGMP)) step {
	i := s.fact.(evidence.IGMP)
	f(&i)
	s.fact = i
	return s
}

// beat is a membership heartbeat of the node with this priority, in a cluster in
// multicast mode with one port rule.
func beat(source mac.Addr, priority int) step {
	h := evidence.Heartbeat{
		EthSrc: source, EthDst: multicast, EtherType: 0x886f, Signature: 0xc0de01bf, Version: 0x0206, Priority: uint32(priority),
		Cluster: vip, Dedicated: netip.AddrFrom4([4]byte{172, 16, 63, byte(10 + priority)}),
		Status: true, HostID: uint16(priority - 1), State: 1, RuleCount: 1, RulesKept: evidence.Slots, Whole: true,
	}
	h.Rules[0] = 0x61050050
	return step{at: 50 * ms, n: 1, fact: h}
}

func (s step) beat(f func(*evidence.Heartbeat)) step {
	h := s.fact.(evidence.Heartbeat)
	f(&h)
	s.fact = h
	return s
}

// sized is a step whose frame has so many bytes on the wire.
func (s step) sized(n int) step { s.length = n; return s }

// steady repeats a step, once in each period, from one instant to another.
func steady(period, from, to time.Duration, s step) []step {
	var out []step
	for at := from; at <= to; at += period {
		out = append(out, s.from(at))
	}
	return out
}

// until is that the interface was set to receive frames to m, from the start.
func until(end time.Duration, m mac.Addr) []step {
	f := fact(evidence.Listened{Interface: "eth0", Joined: m})
	return []step{f.from(0), f.from(end)}
}

// joinSteps joins steps.
func joinSteps(parts ...[]step) []step {
	var out []step
	for _, p := range parts {
		out = append(out, p...)
	}
	return out
}

// weQuery is our question for the group, to one host.
func weQuery(host mac.Addr) step {
	return step{at: 20 * ms, n: 1, fact: evidence.IGMP{
		Act: evidence.Query, Version: 3, EthSrc: ourMAC, EthDst: host, From: nobody, To: vipGroup, Group: vipGroup, MaxResponse: time.Second, Out: true,
	}}
}
