package nlb

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/nlbprobe/nlbprobe/mac"
)

// The ethertypes of heartbeats. The first is shared among Microsoft's
// protocols: only the signature says that a frame is NLB's. The second is that
// of NLB's forerunner Convoy, to which WLBS falls back in a mixed cluster
// (Microsoft KB 232711).
const (
	EtherTypeHeartbeat = 0x886f
	EtherTypeConvoy    = 0xbf01
)

// The periods of heartbeats, and when a host counts as dead (Microsoft KB
// 193601; unattend settings MembershipHeartbeatPeriod and
// IdentityHeartbeatPeriod). The first may be set from 100 ms to 10 s.
const (
	HeartbeatPeriod = time.Second      // membership, by default
	IdentityPeriod  = 10 * time.Second // identity, the least and the default; it can be off
	MissedBeats     = 5                // without a heartbeat for so many periods a host is dead
)

// Signature is the first field of a heartbeat and says what follows.
type Signature uint32

// The signatures (Wireshark's dissector; the first also in a capture).
const (
	SignatureMembership Signature = 0xc0de01bf // Status follows
	SignatureIdentity   Signature = 0xc0de01c0 // Records follow
	SignatureReliable   Signature = 0xc0de01de // a body that no public source describes
)

func (s Signature) String() string {
	switch s {
	case SignatureMembership:
		return "membership heartbeat"
	case SignatureIdentity:
		return "identity heartbeat"
	case SignatureReliable:
		return "reliable protocol"
	}
	return fmt.Sprintf("signature 0x%08x", uint32(s))
}

// Errors of ParseHeartbeat; match them with errors.Is.
var (
	ErrSignature = errors.New("not an NLB signature")
	ErrCut       = errors.New("cut short in the header")
)

// HeartbeatError says why a frame of a heartbeat's ethertype is none.
type HeartbeatError struct {
	Signature uint32 // as read; 0 where not even that was there
	Len       int    // bytes that there were
	Err       error  // ErrSignature or ErrCut
}

func (e *HeartbeatError) Unwrap() error { return e.Err }

func (e *HeartbeatError) Error() string {
	if errors.Is(e.Err, ErrSignature) {
		return fmt.Sprintf("nlb: heartbeat: 0x%08x is %v", e.Signature, e.Err)
	}
	return fmt.Sprintf("nlb: heartbeat: %v: %d of %d bytes", e.Err, e.Len, headerLen)
}

// Heartbeat is what a cluster's host says of itself to the others. Source of the
// layout, unless said otherwise: Wireshark's packet-msnlb.c, which agrees with
// the one public capture (tcpdump, tests/msnlb.pcap). Offsets count from the
// first byte after the ethertype; numbers are little-endian, addresses are not.
//
//	 0  4  signature
//	 4  4  version; the capture's 0x0206 is read as 2.6
//	 8  4  unique host identifier: the host priority, 1 to 32
//	12  4  primary IP address of the cluster
//	16  4  dedicated IP address of the host
//	20     Status or Records, by the signature
type Heartbeat struct {
	Signature Signature
	Version   uint32
	Priority  uint32
	Cluster   netip.Addr
	Dedicated netip.Addr

	body []byte // shares the frame's bytes
}

const headerLen = 20

// Major and Minor are the two parts of the version.
func (h Heartbeat) Major() int { return int(h.Version >> 8 & 0xff) }

// Minor is the version's part behind the point.
func (h Heartbeat) Minor() int { return int(h.Version & 0xff) }

// ParseHeartbeat reads the payload of an Ethernet frame of EtherTypeHeartbeat or
// EtherTypeConvoy, the signature first: other protocols share the ethertype. A
// frame that a capture cut is read as far as it goes, if the header is whole.
// An error is a *HeartbeatError, and the heartbeat is then zero. The result
// shares b. Nothing is allocated but an error.
//
// That Convoy's frames have the same layout is inferred, from WLBS's ability to
// work with both: no capture of one is public.
func ParseHeartbeat(b []byte) (Heartbeat, error) {
	if len(b) < 4 {
		return Heartbeat{}, &HeartbeatError{Len: len(b), Err: ErrCut}
	}
	s := Signature(binary.LittleEndian.Uint32(b))
	switch s {
	case SignatureMembership, SignatureIdentity, SignatureReliable:
	default:
		return Heartbeat{}, &HeartbeatError{Signature: uint32(s), Len: len(b), Err: ErrSignature}
	}
	if len(b) < headerLen {
		return Heartbeat{}, &HeartbeatError{Signature: uint32(s), Len: len(b), Err: ErrCut}
	}
	return Heartbeat{
		Signature: s,
		Version:   binary.LittleEndian.Uint32(b[4:]),
		Priority:  binary.LittleEndian.Uint32(b[8:]),
		Cluster:   netip.AddrFrom4([4]byte(b[12:])),
		Dedicated: netip.AddrFrom4([4]byte(b[16:])),
		body:      b[headerLen:len(b):len(b)],
	}, nil
}

// AppendHeader appends the header to dst; Status.AppendTo or AppendRecord
// appends what follows. The addresses are IPv4 or invalid, which is written as
// 0.0.0.0.
func (h Heartbeat) AppendHeader(dst []byte) []byte {
	dst = binary.LittleEndian.AppendUint32(dst, uint32(h.Signature))
	dst = binary.LittleEndian.AppendUint32(dst, h.Version)
	dst = binary.LittleEndian.AppendUint32(dst, h.Priority)
	for _, a := range []netip.Addr{h.Cluster, h.Dedicated} {
		var o [4]byte
		if a.Is4() {
			o = a.As4()
		}
		dst = append(dst, o[:]...)
	}
	return dst
}

// AppendEthernet appends the header of an untagged Ethernet II frame.
func AppendEthernet(dst []byte, to, from mac.Addr, etherType uint16) []byte {
	dst = append(dst, to[:]...)
	dst = append(dst, from[:]...)
	return binary.BigEndian.AppendUint16(dst, etherType)
}

// Slots is how many port rules a heartbeat has room for: 32, and one more that
// is presumably for traffic under no rule (inferred).
const Slots = 33

// MembershipLen is the length in bytes of a whole membership heartbeat, without
// the Ethernet header: the capture's frames are 1510 bytes with it.
const MembershipLen = headerLen + statusLen

// Status is the body of a membership heartbeat. How much of it was there, Whole,
// Head and Rules say; what was not is zero.
//
//	 20  2     host identifier; in the capture the priority less one
//	 22  2     default host's identifier; counted the same way
//	 24  2     convergence state; 1 in the capture
//	 26  2     number of port rules
//	 28  4     unique host code
//	 32  4     packets handled
//	 36  4     teaming
//	 40  4     reserved
//	 44  33x4  port rule codes
//	176  33x8  current map
//	440  33x8  new map
//	704  33x8  idle map
//	968  33x8  ready map
//	1232 33x4  load weights
//	1364 33x4  reserved
type Status struct {
	HostID      uint16
	DefaultHost uint16
	State       uint16 // of convergence; what the numbers mean is not public
	RuleCount   uint16
	HostCode    uint32 // when the host was started or configured, as Unix time (inferred from the capture)
	Packets     uint32 // handled; since when is not public
	Teaming     Teaming
	Rules       [Slots]RuleCode
	Current     [Slots]uint64 // buckets of the load that the host takes, a bit each (inferred from the name)
	New         [Slots]uint64
	Idle        [Slots]uint64
	Ready       [Slots]uint64
	Weights     [Slots]uint32

	Head     bool // the fields up to Teaming were there
	RulesCut int  // how many of Rules were not there
	Whole    bool // everything was there
}

const (
	statusHead  = 24 // bytes before the port rules
	statusMaps  = statusHead + Slots*4
	statusLoads = statusMaps + 4*Slots*8
	statusLen   = statusLoads + 2*Slots*4
)

// Status returns the body of a membership heartbeat, as far as it goes. It
// reports false for a heartbeat of another signature, and where not even the
// number of port rules was there.
func (h Heartbeat) Status() (Status, bool) {
	b := h.body
	const least = 8
	if h.Signature != SignatureMembership || len(b) < least {
		return Status{}, false
	}
	le := binary.LittleEndian
	s := Status{
		HostID: le.Uint16(b), DefaultHost: le.Uint16(b[2:]), State: le.Uint16(b[4:]), RuleCount: le.Uint16(b[6:]),
		RulesCut: Slots,
	}
	if len(b) < statusHead {
		return s, true
	}
	s.Head = true
	s.HostCode, s.Packets, s.Teaming = le.Uint32(b[8:]), le.Uint32(b[12:]), Teaming(le.Uint32(b[16:]))
	there := min(Slots, (len(b)-statusHead)/4)
	s.RulesCut = Slots - there
	for i := range there {
		s.Rules[i] = RuleCode(le.Uint32(b[statusHead+4*i:]))
	}
	for m, dst := range []*[Slots]uint64{&s.Current, &s.New, &s.Idle, &s.Ready} {
		at := statusMaps + m*Slots*8
		for i := range min(Slots, max(0, len(b)-at)/8) {
			dst[i] = le.Uint64(b[at+8*i:])
		}
	}
	for i := range min(Slots, max(0, len(b)-statusLoads)/4) {
		s.Weights[i] = le.Uint32(b[statusLoads+4*i:])
	}
	s.Whole = len(b) >= statusLen
	return s, true
}

// AppendTo appends the whole body to dst; reserved fields are zero. Head,
// RulesCut and Whole are not looked at.
func (s *Status) AppendTo(dst []byte) []byte {
	le := binary.LittleEndian
	for _, v := range []uint16{s.HostID, s.DefaultHost, s.State, s.RuleCount} {
		dst = le.AppendUint16(dst, v)
	}
	for _, v := range []uint32{s.HostCode, s.Packets, uint32(s.Teaming), 0} {
		dst = le.AppendUint32(dst, v)
	}
	for _, v := range s.Rules {
		dst = le.AppendUint32(dst, uint32(v))
	}
	for _, m := range []*[Slots]uint64{&s.Current, &s.New, &s.Idle, &s.Ready} {
		for _, v := range m {
			dst = le.AppendUint64(dst, v)
		}
	}
	for _, v := range s.Weights {
		dst = le.AppendUint32(dst, v)
	}
	return append(dst, make([]byte, 4*Slots)...)
}

// Teaming is the state of bi-directional affinity: several clusters, one in
// front of and one behind a firewall, that act together.
type Teaming uint32

// Active reports whether the host takes part in a team.
func (t Teaming) Active() bool { return t&1 != 0 }

// Master reports whether this cluster leads the team.
func (t Teaming) Master() bool { return t&2 != 0 }

// Reverse reports whether clients are told apart by the other address.
func (t Teaming) Reverse() bool { return t&4 != 0 }

// Participants is how many clusters the team has.
func (t Teaming) Participants() int { return int(t >> 3 & 0x1f) }

// XOR is the exclusive or of the low 16 bits of the participants' cluster IPs.
func (t Teaming) XOR() uint16 { return uint16(t >> 8) }

// RuleCode is how a heartbeat sums up a port rule, in one number. That the first
// and last port stand in it is inferred from the eight codes of the public
// capture, all of which RuleCodeOf gives; no document says so, and what else
// is in it (protocol, mode, affinity) is not known.
type RuleCode uint32

// ruleBase are the bits that all eight codes have in common.
const ruleBase = 0x61000000

// RuleCodeOf returns the code for a rule for the ports first to last, all else
// being as in the capture: first | last<<12 | 0x61000000. The fields overlap.
func RuleCodeOf(first, last uint16) RuleCode {
	return RuleCode(uint32(first) | uint32(last)<<12 | ruleBase)
}

// Ports returns the ports of the rule where RuleCodeOf gives c for one pair of
// ports only. Since bit 24 is both the base's and the thirteenth of the last
// port, that is the case only where reading that bit as unset would put the
// last port before the first.
func (c RuleCode) Ports() (first, last uint16, ok bool) {
	n := 0
	c.each(func(f, l uint16) bool {
		first, last = f, l
		n++
		return n < 2
	})
	if n != 1 {
		return 0, 0, false
	}
	return first, last, true
}

// LowPorts returns the ports of the rule if all its ports are below 4096: there
// the fields do not overlap and the code means one pair only. Ports above give
// the same codes, so it is a reading, not a proof.
func (c RuleCode) LowPorts() (first, last uint16, ok bool) {
	first, last = uint16(c&0xfff), uint16(c>>12&0xfff)
	if c&0xff000000 != ruleBase || first > last {
		return 0, 0, false
	}
	return first, last, true
}

// each calls yield with the pairs of ports that give c, until it returns false.
// Twelve bits of each port stand alone; the pairs differ in how they share the
// four bits in the middle, and in bit 24.
func (c RuleCode) each(yield func(first, last uint16) bool) {
	shared := uint16(c >> 12 & 0xf)
	for top := range uint16(16) {
		for low := range uint16(16) {
			for _, bit := range []uint16{0, 1} {
				first := top<<12 | uint16(c&0xfff)
				last := (uint16(c>>25&0x7)<<1|bit)<<12 | uint16(c>>16&0xff)<<4 | low
				if top|low == shared && first <= last && RuleCodeOf(first, last) == c && !yield(first, last) {
					return
				}
			}
		}
	}
}

// String returns the ports where they are certain, and otherwise the
// reading that holds if the ports are low, with the code.
func (c RuleCode) String() string {
	if first, last, ok := c.Ports(); ok {
		return span(first, last)
	}
	if first, last, ok := c.LowPorts(); ok {
		return fmt.Sprintf("%s (or from 4096 up with the same code 0x%08x)", span(first, last), uint32(c))
	}
	return fmt.Sprintf("0x%08x", uint32(c))
}

func span(first, last uint16) string {
	if first == last {
		return fmt.Sprint(first)
	}
	return fmt.Sprintf("%d-%d", first, last)
}
