package evidence

import (
	"net/netip"
	"time"

	"github.com/nlbprobe/nlbprobe/mac"
)

// IGMPAct is what an IGMP message does for one group.
type IGMPAct uint8

// What IGMP messages do.
const (
	Query IGMPAct = iota // asks who is a member
	Join                 // says that the sender is one
	Leave                // says that it is none any longer
)

// IGMP is what an IGMP message says of one group (RFC 1112 appendix I, RFC 2236,
// RFC 3376); a report of version 3 says something of several.
type IGMP struct {
	Act     IGMPAct
	Version uint8 // 1, 2 or 3
	EthSrc  mac.Addr
	EthDst  mac.Addr
	From    netip.Addr // 0.0.0.0 of a querier without an address of its own
	To      netip.Addr
	Group   netip.Addr // invalid in a query for all groups

	// Of queries: the time that hosts have to answer, and in version 3 the time
	// between the querier's queries, 0 where it does not say.
	MaxResponse time.Duration
	Interval    time.Duration

	RouterAlert bool // the datagram had the option of RFC 2113
	VLAN        uint16
	Out         bool // this host sent it
}

// Kind implements Fact. Queries are of a kind of their own, so that a flood of
// reports cannot crowd them out of a Log.
func (i IGMP) Kind() Kind {
	if i.Act == Query {
		return KindIGMPQuery
	}
	return KindIGMPReport
}

// Slots is how many port rules a heartbeat has room for.
const Slots = 33

// Heartbeat is a frame by which a host of an NLB cluster says to the others that
// it lives, and what it is. Counters and maps that change from one to the next
// are left out, so that a host's heartbeats are one fact. Several meanings are
// inferred: package nlb says which.
type Heartbeat struct {
	EthSrc    mac.Addr
	EthDst    mac.Addr
	EtherType uint16     // 0x886f, or Convoy's 0xbf01
	Signature uint32     // says what follows the header
	Version   uint32     // 0x0206 is 2.6
	Priority  uint32     // of the host; 1 to 32 is possible
	Cluster   netip.Addr // the cluster's primary VIP
	Dedicated netip.Addr // the host's own address

	// Of a membership heartbeat, where Status is true.
	Status      bool
	HostID      uint16
	DefaultHost uint16
	State       uint16 // of convergence
	RuleCount   uint16
	HostCode    uint32        // start or configuration of the host, as Unix time (inferred)
	Rules       [Slots]uint32 // port rule codes, RulesKept of them
	Weights     [Slots]uint32 // load weights, where Whole is true
	RulesKept   uint8
	Whole       bool // the heartbeat was not cut

	// Of an identity heartbeat. The name is text from the wire: unescaped.
	Name string
	Addr netip.Addr

	VLAN uint16
	Out  bool // this host sent it
}

// Kind implements Fact.
func (Heartbeat) Kind() Kind { return KindHeartbeat }

// Malformed is a frame that says that it is IGMP, or has a heartbeat's
// ethertype, and is not what it says.
type Malformed struct {
	Protocol Protocol // IGMP or NLBHeartbeat
	EthSrc   mac.Addr
	Reason   Reason
	VLAN     uint16
}

// Kind implements Fact.
func (Malformed) Kind() Kind { return KindMalformed }
