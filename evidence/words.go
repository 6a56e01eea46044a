package evidence

import "fmt"

// Protocol is one that a fact names. The zero value is none.
type Protocol uint8

// The protocols.
const (
	_ Protocol = iota
	ProtocolIGMP
	ProtocolHeartbeat // of NLB
	VRRPv2
	VRRPv3
	HSRPv1
	HSRPv2
)

var protocolNames = [...]string{ProtocolIGMP: "IGMP", ProtocolHeartbeat: "heartbeat", VRRPv2: "VRRPv2", VRRPv3: "VRRPv3", HSRPv1: "HSRPv1", HSRPv2: "HSRPv2"}

// IsVRRP reports a version of VRRP.
func (p Protocol) IsVRRP() bool { return p == VRRPv2 || p == VRRPv3 }

func (p Protocol) String() string { return word(protocolNames[:], p) }

// MarshalText writes the name.
func (p Protocol) MarshalText() ([]byte, error) { return marshal(protocolNames[:], p) }

// UnmarshalText reads a name as MarshalText writes it.
func (p *Protocol) UnmarshalText(b []byte) error { return unmarshal(protocolNames[:], b, p) }

// Reason is why a frame is none of what it says that it is. The zero value is none.
type Reason uint8

// The reasons.
const (
	_              Reason = iota
	ReasonShort           // of all protocols
	ReasonHardware        // of ARP
	ReasonProtocol
	ReasonLengths
	ReasonOperation
	ReasonHeader // of IGMP
	ReasonFragment
	ReasonTTL
	ReasonChecksum
	ReasonType
	ReasonQuery
	ReasonGroup
	ReasonSignature // of heartbeats
)

var reasonNames = [...]string{
	ReasonShort: "cut short", ReasonHardware: "hardware type is not Ethernet", ReasonProtocol: "protocol is not IPv4", ReasonLengths: "address lengths are not 6 and 4",
	ReasonOperation: "operation is neither request nor reply", ReasonHeader: "IPv4 header is broken", ReasonFragment: "it is a fragment", ReasonTTL: "TTL is not 1",
	ReasonChecksum: "wrong checksum", ReasonType: "unknown message type", ReasonQuery: "a query of no version's length", ReasonGroup: "the group is not a multicast address",
	ReasonSignature: "another protocol's signature",
}

func (r Reason) String() string { return word(reasonNames[:], r) }

// MarshalText writes the reason.
func (r Reason) MarshalText() ([]byte, error) { return marshal(reasonNames[:], r) }

// UnmarshalText reads a reason as MarshalText writes it.
func (r *Reason) UnmarshalText(b []byte) error { return unmarshal(reasonNames[:], b, r) }

var actNames = [...]string{Query: "query", Join: "join", Leave: "leave"}

func (a IGMPAct) String() string { return word(actNames[:], a) }

// MarshalText writes the name.
func (a IGMPAct) MarshalText() ([]byte, error) { return marshal(actNames[:], a) }

// UnmarshalText reads a name as MarshalText writes it.
func (a *IGMPAct) UnmarshalText(b []byte) error { return unmarshal(actNames[:], b, a) }

var wayNames = [...]string{ByEcho: "echo", ByUDP: "udp", ByTCP: "tcp"}

func (w Way) String() string { return word(wayNames[:], w) }

// MarshalText writes the name.
func (w Way) MarshalText() ([]byte, error) { return marshal(wayNames[:], w) }

// UnmarshalText reads a name as MarshalText writes it.
func (w *Way) UnmarshalText(b []byte) error { return unmarshal(wayNames[:], b, w) }

var wordNames = [...]string{
	Replied: "replied", Accepted: "accepted", Refused: "refused", SaidICMP: "icmp", NoRoute: "no-route", Forbidden: "forbidden", Unsent: "unsent",
}

func (w Word) String() string { return word(wordNames[:], w) }

// MarshalText writes the name.
func (w Word) MarshalText() ([]byte, error) { return marshal(wordNames[:], w) }

// UnmarshalText reads a name as MarshalText writes it.
func (w *Word) UnmarshalText(b []byte) error { return unmarshal(wordNames[:], b, w) }

// MarshalText writes the name.
func (k Kind) MarshalText() ([]byte, error) { return marshal(kindNames[:], k) }

// UnmarshalText reads a name as MarshalText writes it.
func (k *Kind) UnmarshalText(b []byte) error { return unmarshal(kindNames[:], b, k) }

// word is the name of a value of a closed set.
func word[T ~uint8](names []string, v T) string {
	if int(v) < len(names) && names[v] != "" {
		return names[v]
	}
	return "unknown"
}

func marshal[T ~uint8](names []string, v T) ([]byte, error) {
	if int(v) < len(names) && (names[v] != "" || v == 0) {
		return []byte(names[v]), nil
	}
	return nil, fmt.Errorf("evidence: %T %d is none", v, v)
}

func unmarshal[T ~uint8](names []string, b []byte, v *T) error {
	for i, name := range names {
		if name == string(b) {
			*v = T(i)
			return nil
		}
	}
	return fmt.Errorf("evidence: %.40q is no %T", b, *v)
}
