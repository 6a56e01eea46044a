package evidence

import (
	"net/netip"

	"github.com/nlbprobe/nlbprobe/mac"
)

// Segment is a TCP segment with data whose size matters: one that may be longer
// than its receiver offered to take. Payload and Options together are what the
// maximum segment size bounds (RFC 6691).
type Segment struct {
	EthSrc   mac.Addr
	EthDst   mac.Addr
	Src, Dst netip.AddrPort
	Payload  int  // bytes of data
	Options  int  // bytes of TCP options and IP options
	Again    bool // the same bytes were sent before, in a segment of the same size
	VLAN     uint16
	Out      bool
}

// Kind implements Fact.
func (Segment) Kind() Kind { return KindSegment }

// Size is what the maximum segment size bounds.
func (s Segment) Size() int { return s.Payload + s.Options }

// Ack is a TCP acknowledgement that reaches into a Segment which is longer than
// its receiver offered to take, or to its end.
type Ack struct {
	EthSrc   mac.Addr
	Src, Dst netip.AddrPort
	Inside   bool // it ends inside the segment: on the way that was several
	Into     int  // then: after so many bytes of its data
	Options  int  // then: bytes of options in the segment
	VLAN     uint16
}

// Kind implements Fact.
func (Ack) Kind() Kind { return KindAck }

// Offer is the segment size that one end of a connection takes, as this host's
// kernel tells it, and what the kernel knows of the way there. No frame gave it.
type Offer struct {
	Src, Dst  netip.AddrPort // of whom it is, and to whom
	MSS       int            // bytes
	AtLeast   bool           // it may be more: the kernel shows no more than fits the way
	Interface string         // by which the other end is reached
	MTU       int            // of that interface, bytes; 0 is not known
	PathMTU   int            // as known so far, bytes; 0 is not known
}

// Kind implements Fact.
func (Offer) Kind() Kind { return KindOffer }
