package evidence

import "net/netip"

// Way is how an ordinary client asks for an address.
type Way uint8

// The ways.
const (
	ByEcho Way = iota // an ICMP echo request (RFC 792)
	ByUDP             // a UDP datagram to a port that hardly anybody listens on, as traceroute sends it
	ByTCP             // a TCP connection
)

// Ask is a packet that this host's kernel sent for the observer by an ordinary
// socket. It goes the way that any packet of this host goes, by routers where the
// target is on another subnet.
type Ask struct {
	Target netip.Addr
	By     Way
	Port   uint16 // destination port of UDP and TCP
	TTL    uint8  // hops that it may go; 0 is as many as the system allows
	Seq    uint16 // tells the packets of a run apart
}

// Kind implements Fact.
func (Ask) Kind() Kind { return KindAsk }

// Word is what an ordinary socket tells of an Ask.
type Word uint8

// The words.
const (
	Replied   Word = iota // an echo reply, or a datagram back
	Accepted              // the connection was opened
	Refused               // the connection was refused with RST; where the kernel does not tell the two apart, by ICMP
	SaidICMP              // an ICMP error came
	NoRoute               // this host has no route to the target
	Forbidden             // this host does not allow it to be sent
	Unsent                // this host could not send it for another reason
)

// Told is what came back of an Ask, as the kernel tells it.
type Told struct {
	Of   Ask
	Word Word

	// Of SaidICMP: who said it, invalid where the system does not tell, and what
	// (RFC 792). This host's own address says that this host itself gave up: its
	// gateway, or the target, has no MAC.
	From       netip.Addr
	Type, Code uint8
}

// Kind implements Fact.
func (Told) Kind() Kind { return KindTold }
