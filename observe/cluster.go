package observe

import (
	"errors"

	"github.com/nlbprobe/nlbprobe/evidence"
	"github.com/nlbprobe/nlbprobe/igmp"
	"github.com/nlbprobe/nlbprobe/nlb"
)

var parseReasons = [...]struct {
	err    error
	reason evidence.Reason
}{
	{igmp.ErrShort, evidence.ReasonShort}, {igmp.ErrChecksum, evidence.ReasonChecksum}, {igmp.ErrType, evidence.ReasonType}, {igmp.ErrLength, evidence.ReasonQuery},
	{igmp.ErrGroup, evidence.ReasonGroup}, {nlb.ErrSignature, evidence.ReasonSignature}, {nlb.ErrCut, evidence.ReasonShort},
}

func reasonOf(err error) evidence.Reason {
	for _, r := range parseReasons {
		if errors.Is(err, r.err) {
			return r.reason
		}
	}
	return evidence.ReasonShort
}

// maxGroups is how many groups of one report become facts: more than a host on a
// cluster's segment is a member of, and what a flood of full reports costs is
// bounded by it.
const maxGroups = 32

// igmpFacts appends what an IGMP message says. A message that a capture cut
// cannot be checked, and says nothing. Groups of 224.0.0.0/24 are passed over in
// reports: no switch limits them (RFC 4541 2.1.2).
func (w *Watch) igmpFacts(dst []evidence.Fact, h header, d datagram, f *evidence.Frame) []evidence.Fact {
	bad := func(reason evidence.Reason) []evidence.Fact {
		return append(dst, w.malformed(evidence.ProtocolIGMP, reason, h))
	}
	switch {
	case d.partial:
		return bad(evidence.ReasonFragment)
	case !d.whole:
		return dst
	case d.ttl != 1:
		// Messages never leave their subnet (RFC 2236 2, RFC 3376 4): one with
		// another TTL may have come from anywhere.
		return bad(evidence.ReasonTTL)
	}
	m, err := igmp.Parse(d.payload)
	if err != nil {
		return bad(reasonOf(err))
	}
	fact := evidence.IGMP{
		Version: uint8(m.Version), EthSrc: h.src, EthDst: h.dst, From: d.src, To: d.dst,
		MaxResponse: m.MaxResponse, Interval: m.Interval, RouterAlert: d.alert, VLAN: h.vlan, Out: f.Out,
	}
	switch m.Type {
	case igmp.Query:
		fact.Act = evidence.Query
		if !m.Group.IsUnspecified() {
			fact.Group = m.Group
		}
		return append(dst, w.igmpFact(fact))
	case igmp.ReportV3:
		n := 0
		for r := range m.Records.All() {
			switch {
			case r.Joins():
				fact.Act = evidence.Join
			case r.Leaves():
				fact.Act = evidence.Leave
			default:
				continue
			}
			if r.Group.IsLinkLocalMulticast() || !r.Group.IsMulticast() {
				continue
			}
			if n++; n > maxGroups {
				break
			}
			fact.Group = r.Group
			dst = append(dst, w.igmpFact(fact))
		}
		return dst
	case igmp.Leave:
		fact.Act = evidence.Leave
	default:
		fact.Act = evidence.Join
	}
	if m.Group.IsLinkLocalMulticast() {
		return dst
	}
	fact.Group = m.Group
	return append(dst, w.igmpFact(fact))
}

// heartbeatFact decodes a frame of a heartbeat's ethertype.
func (w *Watch) heartbeatFact(h header, f *evidence.Frame) evidence.Fact {
	b, err := nlb.ParseHeartbeat(h.payload)
	if err != nil {
		return w.malformed(evidence.ProtocolHeartbeat, reasonOf(err), h)
	}
	fact := evidence.Heartbeat{
		EthSrc: h.src, EthDst: h.dst, EtherType: uint16(h.etherType), Signature: uint32(b.Signature), Version: b.Version,
		Priority: b.Priority, Cluster: b.Cluster, Dedicated: b.Dedicated, VLAN: h.vlan, Out: f.Out,
	}
	if s, ok := b.Status(); ok {
		fact.Status, fact.HostID, fact.DefaultHost, fact.State, fact.RuleCount = true, s.HostID, s.DefaultHost, s.State, s.RuleCount
		fact.HostCode, fact.Weights, fact.Whole = s.HostCode, s.Weights, s.Whole
		fact.RulesKept = uint8(nlb.Slots - s.RulesCut)
		for i, r := range s.Rules {
			fact.Rules[i] = uint32(r)
		}
		if !s.Whole {
			fact.Weights = [evidence.Slots]uint32{}
		}
	}
	var room [4 * nlb.MaxName]byte
	var name []byte
	for r := range b.Records() {
		switch r.Type {
		case nlb.RecordName:
			if name == nil {
				name = r.AppendName(room[:0])
			}
		case nlb.RecordAddress:
			fact.Addr = r.Addr
		}
	}
	return w.heartbeat(fact, name)
}

// recent holds facts that were found not long ago, so that the same ones again
// cost no memory: a busy segment repeats itself.
type recent struct {
	igmp, beats, bad [64]evidence.Fact
}

// place is where in a table of recent facts one belongs.
func place(a, b byte) int { return (int(a)*37 + int(b)) & 63 }

func (w *Watch) igmpFact(f evidence.IGMP) evidence.Fact {
	if w.recent == nil {
		return f
	}
	slot := &w.recent.igmp[place(f.EthSrc[5], byte(f.Act)^lastOctet(f))]
	if old, ok := (*slot).(evidence.IGMP); !ok || old != f {
		*slot = f
	}
	return *slot
}

func lastOctet(f evidence.IGMP) byte {
	if !f.Group.Is4() {
		return 0
	}
	return f.Group.As4()[3]
}

// heartbeat makes a fact of f and the host's name.
func (w *Watch) heartbeat(f evidence.Heartbeat, name []byte) evidence.Fact {
	if w.recent == nil {
		f.Name = string(name)
		return f
	}
	slot := &w.recent.beats[place(f.EthSrc[5]^f.EthSrc[1], byte(f.Signature))]
	if old, ok := (*slot).(evidence.Heartbeat); ok && old.Name == string(name) {
		if f.Name = old.Name; old == f {
			return *slot
		}
	}
	f.Name = string(name)
	*slot = f
	return *slot
}

func (w *Watch) malformed(protocol evidence.Protocol, reason evidence.Reason, h header) evidence.Fact {
	f := evidence.Malformed{Protocol: protocol, EthSrc: h.src, Reason: reason, VLAN: h.vlan}
	if w.recent == nil {
		return f
	}
	slot := &w.recent.bad[place(h.src[5], byte(int(reason)))]
	if old, ok := (*slot).(evidence.Malformed); !ok || old != f {
		*slot = f
	}
	return *slot
}
