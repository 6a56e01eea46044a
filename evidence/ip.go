package evidence

import (
	"net/netip"

	"github.com/nlbprobe/nlbprobe/mac"
)

// Echo is an ICMP echo request or reply (RFC 792) and the frame around it. A
// request of our own that comes back with one hop less, from a router's MAC to
// the cluster's, proves that the router has a MAC for the VIP.
type Echo struct {
	Reply    bool
	EthSrc   mac.Addr
	EthDst   mac.Addr
	Src, Dst netip.Addr
	TTL      uint8
	ID       uint16 // identifier: tells a run's own echoes from others'
	// Of an echo in this tool's form, else 0 both: the sequence number, and the
	// first 8 bytes of the payload, big-endian, which are random.
	Seq   uint16
	Token uint64
	VLAN  uint16
	Out   bool
}

// Mark is what stands behind the random bytes in the payload of an echo in this
// tool's form.
const Mark = "nlbprobe"

// Kind implements Fact.
func (Echo) Kind() Kind { return KindEcho }

// ProbeTTL is the time to live of the packets that this tool sends.
const ProbeTTL = 64

// IsProbe reports an echo request in this tool's form that no router has forwarded
// yet: in a capture that says nothing of its place, one of a test that was under
// way.
func (e Echo) IsProbe() bool { return !e.Reply && e.Token != 0 && e.TTL == ProbeTTL }

// ICMPError is an ICMP message about a datagram that could not, or should not,
// go its way: destination unreachable (type 3), redirect (5) or time exceeded
// (11) (RFC 792), with what it quotes of that datagram.
type ICMPError struct {
	Type, Code uint8
	EthSrc     mac.Addr
	From, To   netip.Addr
	Gateway    netip.Addr // of a redirect: whom to use instead; else invalid

	// The quoted datagram. Where it was cut before these, they are zero.
	Src, Dst netip.Addr
	Protocol uint8  // 1 ICMP, 6 TCP
	ID       uint16 // of a quoted echo: its identifier; of TCP and UDP: the source port
	Port     uint16 // of quoted TCP and UDP: the destination port
	Seq      uint32 // of a quoted echo or of TCP: the sequence number
	Token    uint64 // of a quoted echo, as in Echo
	Payload  bool   // of a quoted echo: enough was quoted to tell the Token
	VLAN     uint16
}

// Kind implements Fact.
func (ICMPError) Kind() Kind { return KindICMPError }

// The ICMP types of an ICMPError.
const (
	Unreachable  = 3
	Redirect     = 5
	TimeExceeded = 11
)

// TCP is a TCP segment that opens or refuses a connection: one with SYN or RST
// (RFC 9293 3.1), and the frame around it. Others are no facts of this kind.
type TCP struct {
	EthSrc   mac.Addr
	EthDst   mac.Addr
	Src, Dst netip.AddrPort
	TTL      uint8
	SYN, ACK bool
	RST      bool
	Number   uint32 // what it acknowledges; of one without ACK: its sequence number
	MSS      uint16 // of a SYN's maximum segment size option, in bytes; 0 where it has none
	VLAN     uint16
	Out      bool
}

// Kind implements Fact.
func (TCP) Kind() Kind { return KindTCP }

// Traffic is an IPv4 or other frame to a cluster MAC, or one that carries a
// cluster's IP as destination, that is none of the kinds above: what a port that
// is no member gets to see of it is flooded. The item's Count and Bytes say how
// much. One that a router sent to the cluster proves that the router has a MAC
// for the VIP. Of packets that a cluster's IP sends elsewhere it says the sender
// alone: EthDst is zero and Dst invalid.
type Traffic struct {
	EthSrc    mac.Addr
	EthDst    mac.Addr
	Src, Dst  netip.Addr // of IPv4; invalid for other protocols
	EtherType uint16     // 0x0800 IPv4, 0x886f NLB heartbeat
	VLAN      uint16
	Out       bool
}

// Kind implements Fact.
func (Traffic) Kind() Kind { return KindTraffic }

// Hello is a message by which routers share a virtual address: VRRP (RFC 5798,
// RFC 3768) or HSRP (RFC 2281; version 2 by its published layout).
type Hello struct {
	Protocol Protocol // of VRRP or HSRP
	EthSrc   mac.Addr
	From     netip.Addr // the router's own address
	Group    uint16     // virtual router identifier, or standby group
	Virtual  netip.Addr // the first virtual address; invalid where none is said
	Priority uint8
	Active   bool // it says of itself that it forwards: VRRP master, HSRP active
	VLAN     uint16
}

// Kind implements Fact.
func (Hello) Kind() Kind { return KindHello }
