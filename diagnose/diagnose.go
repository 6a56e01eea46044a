// Package diagnose says what the evidence means for one VIP: a verdict, the
// cluster behind it, the routers in front of it, and findings that name the
// evidence they rest on. It is a pure function of facts: no clock, no input or
// output, and the order of the facts does not matter. Where two causes look
// alike from outside, a finding says so and chooses neither.
package diagnose

import (
	"net/netip"
	"slices"
	"time"

	"github.com/nlbprobe/nlbprobe/evidence"
	"github.com/nlbprobe/nlbprobe/finding"
	"github.com/nlbprobe/nlbprobe/mac"
)

type (
	// Severity is how much a finding, or a VIP, matters.
	Severity = finding.Severity
	// Finding is a statement about the VIP, with what it rests on.
	Finding = finding.Finding
	// Entry is what is known of one kind of finding.
	Entry = finding.Entry
	// Reference is a public source.
	Reference = finding.Reference
)

// The severities.
const (
	OK       = finding.OK
	Info     = finding.Info
	Warning  = finding.Warning
	Critical = finding.Critical
	Unknown  = finding.Unknown
)

// Verdict is the answer in one word.
type Verdict string

// The verdicts. Scripts depend on their spelling.
const (
	Reachable Verdict = "reachable"  // a router is proven to reach the VIP
	LocalOnly Verdict = "local-only" // it answers here, and a router does not reach it
	Answers   Verdict = "answers"    // it answers here; no router could be tested
	Conflict  Verdict = "conflict"   // answers that contradict each other
	Silent    Verdict = "silent"     // nothing answered
	NotTold   Verdict = "unknown"    // nothing was heard, but frames were lost after the last question
	NoMAC     Verdict = "no-mac"     // asked from another subnet: a router has no MAC for it
	Seen      Verdict = "seen"       // capture only: present, nothing more is provable
)

// Verdicts returns every verdict, the best first.
func Verdicts() []Verdict {
	return []Verdict{Reachable, Answers, LocalOnly, NoMAC, Conflict, Silent, NotTold, Seen}
}

// Mode is how the VIP's traffic gets to those who serve it. The zero value is
// ModeUnknown.
type Mode uint8

// The modes.
const (
	ModeUnknown    Mode = iota // no answer, contradicting ones, or a form that leaves it open
	Unicast                    // NLB in unicast mode
	Multicast                  // NLB in multicast mode, or a cluster that works alike
	IGMPMulticast              // NLB in IGMP multicast mode
	OtherMulticast             // a group MAC that is known to be another system's
	None                       // an ordinary host or router
)

var modeNames = [...]string{
	ModeUnknown: "unknown", Unicast: "unicast", Multicast: "multicast", IGMPMulticast: "igmp-multicast",
	OtherMulticast: "other-multicast", None: "none",
}

// String returns the mode as JSON output spells it.
func (m Mode) String() string {
	if int(m) < len(modeNames) {
		return modeNames[m]
	}
	return "unknown"
}

// ParseMode reads what String writes, and reports whether it is one.
func ParseMode(s string) (Mode, bool) {
	i := slices.Index(modeNames[:], s)
	if i < 0 {
		return ModeUnknown, false
	}
	return Mode(i), true
}

// Reach says whether a router reaches the VIP. The zero value is NotLearnt.
type Reach uint8

// What can be known of a router: null, true and false in JSON output.
const (
	NotLearnt Reach = iota
	Reaches
	DoesNotReach
)

// Diagnosis is what the evidence says of one VIP.
type Diagnosis struct {
	VIP      netip.Addr
	Remote   bool // asked by routers, from another subnet than the VIP's
	Verdict  Verdict
	Severity Severity // of the VIP as a whole
	Cluster  Cluster
	Routers  []Router  // by IP
	Findings []Finding // the worst first, then by id; one per id
}

// Cluster is who stands behind the VIP.
type Cluster struct {
	// MAC is what the VIP is said to be at. It counts only where HasMAC is
	// true: where all who answer or announce name the same one.
	MAC    mac.Addr
	HasMAC bool

	// Answered reports that an answer, an announcement or heartbeats to it name the
	// MAC. Else a node's
	// own question or packets for the VIP show it, which is no ground to enter it on
	// a router unless NLB derives it from the VIP.
	Answered bool

	Mode Mode

	// DerivedFrom is the primary VIP that the MAC reveals, or invalid. The
	// IGMP form holds two of its four bytes, which reveals no address even
	// where they fit the VIP, so there it stays invalid.
	DerivedFrom netip.Addr

	// Group is the IPv4 group of the IGMP form, 239.255.y.z, or invalid.
	Group netip.Addr

	// Primaries are the primary VIPs that the hosts' heartbeats name: one, but
	// where the hosts contradict each other. None where no heartbeat was heard.
	Primaries []netip.Addr

	// Queriers are who asks for IGMP groups on the segment, in the order in which
	// they were first heard.
	Queriers []Querier

	// Hosts are those who answer for or announce the VIP, or ask with it as
	// their address, in the order in which they were first heard; then those
	// of whom only heartbeats were heard.
	Hosts []Host
}

// Host is one Ethernet source that speaks for the VIP, or one host of its cluster
// by its heartbeats.
type Host struct {
	MAC       mac.Addr   // the Ethernet source
	SenderMAC mac.Addr   // the MAC inside its ARP packets, the VIP's as it says; zero where none was heard
	Priority  int        // NLB host priority 1 to 32; 0 where it is not known
	IP        netip.Addr // its own address, as its heartbeats say, or where its ARP shows exactly one; else invalid
	Answers   int        // its answers to questions; 0 where it only announced or asked
	First     time.Time  // when it was first heard

	// What its heartbeats say. Beats is 0, and the rest zero, where none was
	// heard.
	Name      string              // full name, as it came from the wire: to be escaped
	Beats     int                 // membership heartbeats
	LastBeat  time.Time           // the newest heartbeat of any sort
	Quiet     time.Duration       // from then until the end of the observation
	Stopped   bool                // its heartbeats have stopped: the others take it for dead
	Heartbeat *evidence.Heartbeat // the newest with a status, or nil

	Joined bool // it reported membership of the cluster's group; false where none was heard
}

// Querier is who asks for IGMP groups.
type Querier struct {
	IP       netip.Addr // 0.0.0.0 where it has none
	MAC      mac.Addr
	Versions []uint8       // of IGMP, in order
	Interval time.Duration // between its questions; 0 where that is not known
	Queries  int
	Last     time.Time
}

// Router is a router of the VIP's segment, as far as known.
type Router struct {
	IP    netip.Addr
	MAC   mac.Addr // zero where it was not heard
	Reach Reach
	Why   string // how it is known to be a router
	Items []int  // indexes of the evidence, as in Finding

	// Places are the MACs that claim the router's address, where there are several:
	// the best proven first, at most MaxPlaces. More counts the others.
	Places []Place
	More   int
}

// Place is one of several MACs that claim a router's address.
type Place struct {
	MAC   mac.Addr
	Reach Reach // of packets that were handed to this MAC
	Heard int   // how often it was named
}

// MaxPlaces bounds the MACs that are told of one router.
const MaxPlaces = 4

// Has reports whether the finding with the given id was made.
func (d Diagnosis) Has(id string) bool {
	return slices.ContainsFunc(d.Findings, func(f Finding) bool { return f.ID == id })
}

// judges are the themes. Each reads what was gathered and makes findings of its
// own, whatever the others found: their order is of no account.
var judges = [...]func(*picture){
	(*picture).judgeAnswers,
	(*picture).judgeCarried,
	(*picture).judgeCluster,
	(*picture).judgeLookAlikes,
	(*picture).judgeObserver,
	(*picture).judgeRouters,
	(*picture).judgeServices,
	(*picture).judgeOffers,
	(*picture).judgeSwitches,
	(*picture).judgeMembers,
	(*picture).judgeIGMP,
}

// VIP judges what items say of vip. Items may be in any order; those that do
// not concern vip are passed over. It never fails: nothing learnt is a verdict
// too.
func VIP(vip netip.Addr, items []evidence.Item) Diagnosis {
	p := gather(vip.Unmap(), items)
	for _, judge := range judges {
		judge(p)
	}
	p.judgeChecklist()

	d := Diagnosis{VIP: p.vip, Verdict: p.verdict(), Cluster: p.cluster(), Routers: p.routers}
	d.Findings = p.sorted()
	d.Severity = severity(d)
	return d
}

// severity is the worst of the findings; a silent VIP is at least Unknown. An
// ordinary host about which there are only remarks is OK.
func severity(d Diagnosis) Severity {
	worst := OK
	if d.Verdict == Silent || d.Verdict == NotTold {
		worst = Unknown
	}
	for _, f := range d.Findings {
		worst = finding.Worst(worst, f.Severity)
	}
	if worst == Info && d.Cluster.Mode == None {
		return OK
	}
	return worst
}

// verdict is local-only where one router is proven not to reach the VIP, though
// others may: its subnets are cut off, at once or when it takes over. It is
// reachable where a router is proven to reach it and none is proven not to;
// routers of which nothing was learnt then show in the severity.
func (p *picture) verdict() Verdict {
	switch f := p.findings[idConflict]; {
	case f != nil && f.Severity == Critical:
		return Conflict
	case p.onlyCarried(), p.onlySent(), len(p.claims) == 0 && len(p.members) > 0 && !p.live:
		return Seen
	case len(p.claims) == 0 && p.asked > 0 && len(p.missed) > 0:
		return NotTold
	case len(p.claims) == 0, p.live && p.asked > 0 && p.answered == 0:
		return Silent
	case p.anyRouter(DoesNotReach):
		return LocalOnly
	case p.anyRouter(Reaches):
		return Reachable
	case !p.live:
		return Seen
	}
	return Answers
}
