package igmp

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"time"

	"github.com/nlbprobe/nlbprobe/inet"
	"github.com/nlbprobe/nlbprobe/mac"
)

// AppendTo appends the message, with its checksum, to dst and returns the
// extended slice. Times are rounded down to what the wire can say. An error
// names the field that cannot be written; dst is then returned as it was.
func (m Message) AppendTo(dst []byte) ([]byte, error) {
	start := len(dst)
	b, err := m.appendTo(dst)
	if err != nil {
		return dst, fmt.Errorf("igmp: write %v: %w", m.Type, err)
	}
	binary.BigEndian.PutUint16(b[start+2:], Checksum(b[start:]))
	return b, nil
}

// appendTo is AppendTo without checksum.
func (m Message) appendTo(b []byte) ([]byte, error) {
	switch m.Type {
	case Query:
		return m.appendQuery(b)
	case ReportV1, ReportV2, Leave:
		if !m.Group.Is4() || !m.Group.IsMulticast() {
			return nil, fmt.Errorf("group %v: %w", m.Group, ErrGroup)
		}
		g := m.Group.As4()
		return append(b, byte(m.Type), 0, 0, 0, g[0], g[1], g[2], g[3]), nil
	case ReportV3:
		b = append(b, byte(m.Type), 0, 0, 0, 0, 0)
		b = binary.BigEndian.AppendUint16(b, uint16(m.Records.n))
		return append(b, m.Records.raw...), nil
	}
	return nil, ErrType
}

func (m Message) appendQuery(b []byte) ([]byte, error) {
	var g [4]byte
	switch {
	case m.Group.Is4() && (m.Group.IsMulticast() || m.Group.IsUnspecified()):
		g = m.Group.As4()
	case m.Group.IsValid():
		return nil, fmt.Errorf("group %v: %w", m.Group, ErrGroup)
	}
	tenths := int(m.MaxResponse / tenth)
	code := byte(0)
	switch {
	case m.MaxResponse < 0 || m.Interval < 0:
		return nil, fmt.Errorf("a negative time")
	case m.Version == 1:
	case m.Version == 2 && (tenths < 1 || tenths > 255):
		// Code 0 would make it one of version 1.
		return nil, fmt.Errorf("a response time of %v; version 2 has 100ms to 25.5s", m.MaxResponse)
	case m.Version == 2:
		code = byte(tenths)
	case m.Version != 3:
		return nil, fmt.Errorf("no version %d", m.Version)
	case tenths > maxFloat || m.Interval/time.Second > maxFloat:
		return nil, fmt.Errorf("a response time of %v, an interval of %v; version 3 has up to %v and %v",
			m.MaxResponse, m.Interval, maxFloat*tenth, maxFloat*time.Second)
	case m.Robustness > 7:
		return nil, fmt.Errorf("robustness %d; version 3 has 0 to 7", m.Robustness)
	default:
		code = encodeFloat(tenths)
	}
	b = append(b, byte(Query), code, 0, 0, g[0], g[1], g[2], g[3])
	if m.Version < 3 {
		return b, nil
	}
	flags := m.Robustness
	if m.Suppress {
		flags |= 0x08
	}
	b = append(b, flags, encodeFloat(int(m.Interval/time.Second)))
	b = binary.BigEndian.AppendUint16(b, uint16(m.Sources.Len()))
	return append(b, m.Sources.raw...), nil
}

// Destination returns the IPv4 address that the message goes to: 224.0.0.1 for a
// general query, the group for a query for one (RFC 2236 3, RFC 3376 4.1.12),
// the group for reports of versions 1 and 2 (RFC 1112 appendix I), 224.0.0.2
// for a leave, 224.0.0.22 for a report of version 3 (RFC 3376 4.2.14).
func (m Message) Destination() netip.Addr {
	switch {
	case m.Type == Leave:
		return AllRouters
	case m.Type == ReportV3:
		return AllV3
	case m.Type == Query && (!m.Group.IsValid() || m.Group.IsUnspecified()):
		return AllSystems
	}
	return m.Group
}

// GroupMAC returns the Ethernet address of an IPv4 group: 01-00-5e and the
// group's low 23 bits (RFC 1112 6.4), so 32 groups share each. It is zero where
// group is not an IPv4 group.
func GroupMAC(group netip.Addr) mac.Addr { return inet.GroupMAC(group) }

// Sender is who sends a message, and how.
type Sender struct {
	MAC mac.Addr
	IP  netip.Addr // 0.0.0.0 is allowed: RFC 3376 4.2.13, RFC 4541 2.1.1
	// RouterAlert adds the option of RFC 2113, by which routers look at what is
	// not for them. Versions 2 and 3 demand it (RFC 2236 2, RFC 3376 4), version 1
	// does not know it, and both are seen without and with it.
	RouterAlert bool
	// To is the one host's address that the frame goes to, instead of the
	// group's. The IP destination stays the group: hosts take a query by that
	// (RFC 3376 4.1.12). Zero is the group's.
	To mac.Addr
}

// MemberQuery returns a query for one group that is to be asked of hosts one by
// one (Sender.To), from 0.0.0.0, without harm to the subnet's querier or to what
// switches have learnt. Why so:
//
//   - A querier that hears a query from a lower address falls silent for 255 s
//     (RFC 2236 3, RFC 3376 6.6.2), and we would not ask in its place. Which
//     address is higher than the querier's is known only where it was heard. So
//     no address of ours will do as the source.
//   - Switches make a router port of the port where a query comes in, unless it
//     comes from 0.0.0.0, which elections do not count either (RFC 4541 2.1.1).
//     But not all go by that: a Linux bridge has lost that check again for
//     general queries, and would take 0.0.0.0 for the lowest address. So it is
//     no general query, and it is not sent to a group address at all, but to
//     the hosts' own: routers do not get it, and switches that look at what goes
//     to groups only, as RFC 4541 has it, do not look.
//   - Routers that are not the querier, and switches, drop a group soon after a
//     query for it that nobody answers (RFC 2236 3). A cluster whose hosts report
//     unasked only would vanish from them. Version 3 has a flag against it
//     (RFC 3376 4.1.5, 6.6.3), so it is of that version and has the flag set. It
//     also leaves hosts of version 3 in that version, which a version 2 query
//     does not (7.2.1); older hosts read it as one of their own (7.2.1, and
//     RFC 2236 2.5). Robustness and interval are 0: hosts take their defaults.
//
// An answer proves that a host is a member. Silence proves nothing: it is not
// documented that NLB's driver, which reports by itself, answers queries.
func MemberQuery(group netip.Addr) Message {
	return Message{Type: Query, Version: 3, Group: group, MaxResponse: MemberResponse, Suppress: true}
}

// MemberResponse is the time that MemberQuery gives to answer: the last member
// query interval of RFC 3376 8.8.
const MemberResponse = time.Second

const (
	etherLen  = 14
	ipLen     = 20
	protocol  = 2  // of IPv4: IGMP
	ttl       = 1  // messages never leave their subnet
	leastSize = 60 // of an Ethernet frame without its check sequence (IEEE 802.3 4.2.3.3)
	// precedence is the type of service of messages of version 3 (RFC 3376 4):
	// internetwork control.
	precedence = 0xc0
)

// routerAlert is the option of RFC 2113: copied, number 20, four bytes, "every
// router examines the packet".
var routerAlert = [4]byte{0x94, 0x04, 0, 0}

// AppendFrame appends to dst the Ethernet frame, without check sequence, that
// carries the message from s to where it belongs, padded to 60 bytes, and
// returns the extended slice. The IPv4 datagram (RFC 791 3.1) may not be
// fragmented, so its identification may be zero (RFC 6864 4.1). On an error dst
// is returned as it was.
func (m Message) AppendFrame(dst []byte, s Sender) ([]byte, error) {
	to := m.Destination()
	if !s.IP.Is4() {
		return dst, fmt.Errorf("igmp: send %v from %v: not an IPv4 address", m.Type, s.IP)
	}
	var d4 [4]byte
	if to.Is4() {
		d4 = to.As4() // AppendTo below says so where it is not
	}
	start := len(dst)
	dmac, s4 := s.To, s.IP.As4()
	if dmac.IsZero() {
		dmac = GroupMAC(to)
	}
	b := append(dst, dmac[:]...)
	b = append(b, s.MAC[:]...)
	b = append(b, 0x08, 0x00)
	header, tos := ipLen, byte(0)
	if s.RouterAlert {
		header += len(routerAlert)
	}
	if m.Type == ReportV3 || m.Version == 3 {
		tos = precedence
	}
	b = append(b, 0x40|byte(header/4), tos, 0, 0, 0, 0, 0x40, 0, ttl, protocol, 0, 0)
	b = append(b, s4[:]...)
	b = append(b, d4[:]...)
	if s.RouterAlert {
		b = append(b, routerAlert[:]...)
	}
	b, err := m.AppendTo(b)
	if err != nil {
		return dst, err
	}
	ip := b[start+etherLen:]
	if len(ip) > 1<<16-1 {
		return dst, fmt.Errorf("igmp: write %v: %d bytes do not fit into an IPv4 datagram", m.Type, len(ip))
	}
	binary.BigEndian.PutUint16(ip[2:], uint16(len(ip)))
	binary.BigEndian.PutUint16(ip[10:], Checksum(ip[:header]))
	for len(b)-start < leastSize {
		b = append(b, 0)
	}
	return b, nil
}
