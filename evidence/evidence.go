// Package evidence says what was seen: frames with their instant and place, the
// closed set of facts that frames give, and a bounded log of those facts. All
// values are plain: no codec's types, no clock, no socket.
package evidence

import (
	"net/netip"
	"time"

	"github.com/nlbprobe/nlbprobe/mac"
)

// Frame is one Ethernet frame as it was on the wire, without the frame check
// sequence. Data starts at the destination address. Where the kernel took a
// VLAN tag off, VLAN holds its identifier and Data has none.
type Frame struct {
	Time   time.Time
	Data   []byte
	Length int    // bytes on the wire; more than len(Data) where the frame was cut
	VLAN   uint16 // VLAN identifier, 1 to 4094; 0 is untagged (or a priority tag)
	Place  string // the interface, or the capture file, that it came from
	Source int    // which of several captures that are read together it came from, from 1; 0 where there is one
	Out    bool   // this host sent it: a question, never somebody's answer

	// Unsummed says that its sender's network card makes the checksum of the IPv4
	// header: the one in it is none yet.
	Unsummed bool
}

// Fact is one thing that a frame, or the observer's own surroundings, says. The
// set is closed, as no other package can add to it: ARP, BadARP, Echo, ICMPError, TCP, Traffic, Hello, IGMP,
// Heartbeat, Malformed, Segment, Ack, Offer, Ask, Told, Vantage, Listened, Lost,
// Unkept, Captured.
// Facts are comparable values; when they were seen, and how often, stands in
// Item.
type Fact interface {
	// Kind names the kind of fact, for bounds and for tests that demand a
	// case for each.
	Kind() Kind
	// tag names the type of fact in JSON. No other package adds one.
	tag() string
}

// Kind is the kind of a fact.
type Kind uint8

// The kinds. Kinds lists them all.
const (
	KindARPRequest Kind = iota
	KindARPReply
	KindBadARP
	KindEcho
	KindICMPError
	KindTCP
	KindTraffic
	KindHello
	KindIGMPQuery
	KindIGMPReport
	KindHeartbeat
	KindMalformed
	KindSegment
	KindAck
	KindOffer
	KindAsk
	KindTold
	KindVantage
	KindListened
	KindLost
	KindUnkept
	KindCaptured
	kindCount
)

// Kinds returns every kind of fact, in order.
func Kinds() []Kind {
	all := make([]Kind, kindCount)
	for i := range all {
		all[i] = Kind(i)
	}
	return all
}

var kindNames = [...]string{
	KindARPRequest: "arp-request", KindARPReply: "arp-reply", KindBadARP: "bad-arp",
	KindEcho: "echo", KindICMPError: "icmp-error", KindTCP: "tcp", KindTraffic: "traffic", KindHello: "hello",
	KindIGMPQuery: "igmp-query", KindIGMPReport: "igmp-report", KindHeartbeat: "heartbeat", KindMalformed: "malformed",
	KindSegment: "segment", KindAck: "ack", KindOffer: "offer",
	KindAsk: "ask", KindTold: "told",
	KindVantage: "vantage", KindListened: "listened", KindLost: "lost", KindUnkept: "unkept", KindCaptured: "captured",
}

func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return "unknown"
}

// Op is the ARP operation (RFC 826).
type Op uint16

// The operations that concern a VIP.
const (
	Request Op = 1
	Reply   Op = 2
)

// ARP is an ARP packet for IPv4 over Ethernet (RFC 826), with the Ethernet
// addresses of the frame around it. NLB's signature is that EthSrc and SenderMAC
// differ, so both are kept.
type ARP struct {
	Op        Op
	EthSrc    mac.Addr
	EthDst    mac.Addr
	SenderMAC mac.Addr // "ar$sha": the address that the sender claims
	SenderIP  netip.Addr
	TargetMAC mac.Addr
	TargetIP  netip.Addr
	VLAN      uint16
	Out       bool // this host sent it
}

// Kind implements Fact. Replies are of a kind of their own, so that a flood of
// requests cannot crowd them out of a Log; an unusual operation counts with the
// requests.
func (a ARP) Kind() Kind {
	if a.Op == Reply {
		return KindARPReply
	}
	return KindARPRequest
}

// BadARP is a frame of ethertype 0x0806 that is not ARP for IPv4 over Ethernet:
// cut short, or of another hardware type, protocol or address length.
type BadARP struct {
	EthSrc mac.Addr
	Reason Reason
}

// Kind implements Fact.
func (BadARP) Kind() Kind { return KindBadARP }

// Vantage is what the observer knows of its own place in the network: one
// fact per interface address, router and VIP. It comes from the host, or from the notes in a
// capture, not from a frame.
type Vantage struct {
	Interface string
	MAC       mac.Addr
	Address   netip.Prefix // the host's own address with its prefix length; invalid where it has none there
	Gateway   netip.Addr   // a router the host uses on this interface; invalid where there is none
	Asked     bool         // the router was named by the user
	VIP       netip.Addr   // an address that was to be judged from here; invalid where the fact says something else
}

// Kind implements Fact.
func (Vantage) Kind() Kind { return KindVantage }

// Listened says that the observer heard Interface from the item's First to its
// Last instant, so that silence in between is evidence.
type Listened struct {
	Interface   string
	Promiscuous bool
	Joined      mac.Addr // a MAC that the interface was set to receive beside its own; zero where it was none
	Passive     bool     // nothing was sent
}

// Kind implements Fact.
func (Listened) Kind() Kind { return KindListened }

// Lost says that the kernel threw frames away before the observer read them;
// the item's Count says how many. Silence after a loss is no proof of silence.
//
// With a VIP it says that frames were lost after the last question for that one, so
// that its answer may be among them. How many is not said then.
type Lost struct {
	Interface string
	VIP       netip.Addr
}

// Kind implements Fact.
func (Lost) Kind() Kind { return KindLost }

// Unkept says that more different facts of one kind were seen than a Log keeps;
// the item's Count and Bytes say how much was left out.
type Unkept struct {
	Of Kind
	// Unasked says that they were left out for another reason: they are answers
	// to the observer, or errors about its packets, that match none of them.
	Unasked bool
	// Others says that they were packets that were neither the observer's nor for
	// it: none of what it waited for.
	Others bool
}

// Kind implements Fact.
func (Unkept) Kind() Kind { return KindUnkept }

// Captured says that a capture holds frames from the item's First to its Last
// instant without standing still; the item's Count is their number. What it does
// not hold was silent only if frames of that kind are among them: a capture
// filter may have left them out. It is of captures that do not note what was
// listened to.
type Captured struct {
	Source int    // which of several captures, as in Frame
	Place  string // as in Frame
	Part   int    // counts the parts of a capture that stood still in between
	Group  bool   // frames show that no filter left IGMP out
	Beats  bool   // frames of the ethertype of heartbeats are among them, of more than one address
}

// Kind implements Fact.
func (Captured) Kind() Kind { return KindCaptured }

// Item is a fact with when and how often it was seen. First and Last are the
// same instant where it was seen once.
type Item struct {
	Fact  Fact
	First time.Time
	Last  time.Time
	Count int
	Bytes int // on the wire, of all its frames together
	// Times holds the first instants, at most TimesKept of them, in order of
	// arrival: rates and back-off are judged by them.
	Times []time.Time
	// Frame is a copy of the first frame that gave the fact; its Data is nil
	// for facts that no frame gave. Its Place and Source say from which vantage
	// point the fact is known, with a frame or without.
	Frame Frame
	// Again holds copies of the frames that gave it again, in order of arrival,
	// as far as the Log's bounds allow: a capture of them gives the same rates.
	Again []Frame
}

// Sightings is how often an item was seen: at least once, and bounded, so that sums
// of what a file or a peer says cannot overflow.
func (it Item) Sightings() int { return min(max(it.Count, 1), 1<<31-1) }
