package diagnose

import (
	"net/netip"
	"slices"
	"strconv"
	"time"

	"github.com/nlbprobe/nlbprobe/evidence"
	"github.com/nlbprobe/nlbprobe/inet"
	"github.com/nlbprobe/nlbprobe/mac"
	"github.com/nlbprobe/nlbprobe/nlb"
)

// memberFacts is the hosts of the cluster, as their heartbeats show them.
type memberFacts struct {
	beats       []int             // items: heartbeats of any cluster
	members     []*member         // in order
	primaries   []netip.Addr      // the cluster's primary VIPs, as heartbeats say
	beating     []netip.Addr      // primary VIPs of any cluster whose heartbeats are heard
	foreign     []int             // items: heartbeats of other clusters
	beatEvery   time.Duration     // between heartbeats: as seen, or the default
	beatsCut    bool              // there were more heartbeats than were kept
	witnessed   map[mac.Addr]bool // Ethernet sources of which more is heard than heartbeats
	twofold     map[mac.Addr]bool // hosts whose heartbeats contradict each other
	surplus     []int             // items: heartbeats of more hosts than are judged
	moreMembers int               // how many hosts those are
}

// member is a host of the VIP's cluster, as its heartbeats say.
type member struct {
	mac       mac.Addr   // the Ethernet source
	dedicated netip.Addr // invalid where it says none
	priority  int        // 0 where it says none that is possible
	name      string     // unescaped
	items     []int
	seenIn    map[capturedIn]bool // the captures in which it is heard
	beats     int                 // membership heartbeats
	first     time.Time
	last      time.Time
	period    time.Duration // between its heartbeats; 0 where that is not known

	// The newest membership heartbeat with a status, and from when until when it
	// was said.
	status   *evidence.Heartbeat
	item     int
	from, to time.Time
	said     int
}

// memberKey is what tells members apart. In unicast mode the Ethernet source is
// made of the priority, which two can share by mistake.
type memberKey struct {
	mac       mac.Addr
	dedicated netip.Addr
}

// gatherMembers finds the cluster's hosts by their heartbeats. A heartbeat is of
// the cluster if it names the VIP as primary, or comes from a host that speaks
// for the VIP; then so are all that name the same primary. Where no host does,
// those are that go to the VIP's MAC, but for IGMP mode's, which clusters share.
func (p *picture) gatherMembers() {
	p.beats = slices.DeleteFunc(p.beats, func(i int) bool {
		h, ok := p.items[i].Fact.(evidence.Heartbeat)
		return !ok || !p.isOurs(h.EthSrc, h.Out) && !p.onSegment(h.VLAN)
	})
	all := make([]evidence.Heartbeat, len(p.beats))
	for n, i := range p.beats {
		h, _ := p.items[i].Fact.(evidence.Heartbeat)
		h.Cluster, h.Dedicated = h.Cluster.Unmap(), h.Dedicated.Unmap()
		all[n] = h
	}
	p.primaries = primariesOf(all, func(h evidence.Heartbeat) bool {
		return h.Cluster == p.vip || p.hostMACs[h.EthSrc] && !p.claimed[h.EthSrc]
	})
	if len(p.primaries) == 0 {
		p.primaries = primariesOf(all, func(h evidence.Heartbeat) bool {
			return h.EthDst.IsGroup() && !isIPGroupMAC(h.EthDst) && p.claimed[h.EthDst]
		})
	}
	kept := p.keptMembers(all)
	index := make(map[memberKey]*member)
	more := make(map[memberKey]bool)
	for n, i := range p.beats {
		h := &all[n]
		if !slices.Contains(p.primaries, h.Cluster) {
			p.foreign = append(p.foreign, i)
			continue
		}
		k := keyOf(h)
		if !kept[k] {
			more[k] = true
			p.surplus = append(p.surplus, i)
			continue
		}
		m := index[k]
		if m == nil {
			m = &member{mac: k.mac, dedicated: k.dedicated, first: p.items[i].First}
			index[k] = m
			p.members = append(p.members, m)
		}
		m.add(i, p.items[i], h)
	}
	p.moreMembers = len(more)
	p.beatEvery = nlb.HeartbeatPeriod
	var seen time.Duration
	for _, m := range p.members {
		seen = max(seen, m.period)
	}
	if seen > 0 {
		p.beatEvery = seen
	}
	p.beatsCut = p.leftOut(evidence.KindHeartbeat)
}

// maxMembers bounds the members that are judged: a cluster has 32 hosts at most,
// as there are 32 host priorities, and anybody can send heartbeats.
const maxMembers = 2 * nlb.MaxPriority

func keyOf(h *evidence.Heartbeat) memberKey {
	k := memberKey{mac: h.EthSrc}
	if inet.IsHost(h.Dedicated) {
		k.dedicated = h.Dedicated
	}
	return k
}

// keptMembers chooses the members that are judged: those first that answer for
// the VIP, then those that were heard first.
func (p *picture) keptMembers(all []evidence.Heartbeat) map[memberKey]bool {
	kept := make(map[memberKey]bool)
	for _, answers := range []bool{true, false} {
		for n := range all {
			h := &all[n]
			if len(kept) < maxMembers && p.hostMACs[h.EthSrc] == answers && slices.Contains(p.primaries, h.Cluster) {
				kept[keyOf(h)] = true
			}
		}
	}
	return kept
}

// onSegment reports whether what is heard on a VLAN can be of the VIP's segment:
// on those where somebody speaks for the VIP, or on any where nobody does.
func (p *picture) onSegment(vlan uint16) bool {
	return len(p.claims) == 0 || slices.ContainsFunc(p.claims, func(s sighting) bool { return s.arp.VLAN == vlan })
}

func primariesOf(all []evidence.Heartbeat, fits func(evidence.Heartbeat) bool) []netip.Addr {
	const most = 8 // where hosts contradict each other; the rest may be invented
	var out []netip.Addr
	for _, h := range all {
		if len(out) < most && nlb.CanBeVIP(h.Cluster) && fits(h) && !slices.Contains(out, h.Cluster) {
			out = append(out, h.Cluster)
		}
	}
	return out
}

func (m *member) add(i int, it evidence.Item, h *evidence.Heartbeat) {
	m.items = append(m.items, i)
	if m.seenIn == nil {
		m.seenIn = make(map[capturedIn]bool)
	}
	m.seenIn[capturedIn{it.Frame.Source, it.Frame.Place}] = true
	for _, f := range it.Again {
		m.seenIn[capturedIn{f.Source, f.Place}] = true
	}
	if it.Last.After(m.last) {
		m.last = it.Last
	}
	if h.Priority >= 1 && h.Priority <= nlb.MaxPriority {
		m.priority = int(h.Priority)
	}
	if h.Name != "" {
		m.name = h.Name
	}
	if h.Signature != uint32(nlb.SignatureMembership) {
		return
	}
	m.beats += it.Sightings()
	if n := it.Sightings(); n > 1 && it.Last.After(it.First) {
		if gap := it.Last.Sub(it.First) / time.Duration(n-1); gap >= leastPeriod && gap <= mostPeriod {
			m.period = max(m.period, gap)
		}
	}
	if h.Status && (m.status == nil || !it.Last.Before(m.to)) {
		m.status, m.item, m.from, m.to, m.said = h, i, it.First, it.Last, it.Sightings()
	}
}

// The range in which the period of heartbeats can be set (Microsoft KB 193601).
const (
	leastPeriod = 100 * time.Millisecond
	mostPeriod  = 10 * time.Second
)

// period is the time between the cluster's heartbeats: as seen, or the default.
func (p *picture) period() time.Duration { return p.beatEvery }

// quiet is how long nothing was heard of the member when the observation ended.
// What nobody captured does not count, nor a capture of another place or of one
// host, in which it is never heard.
func (p *picture) quiet(m *member) time.Duration {
	return p.covered(m.last, p.end, func(c evidence.Captured) bool {
		return c.Beats && m.seenIn[capturedIn{c.Source, c.Place}]
	})
}

// capturedIn is a capture and an interface in it, as in evidence.Frame.
type capturedIn struct {
	source int
	place  string
}

// stopped reports whether a member's heartbeats have stopped: after five missed
// ones, the other hosts take it for dead too. Where more different heartbeats
// came than were kept, that cannot be told.
func (p *picture) stopped(m *member) bool {
	return m.beats > 0 && !p.beatsCut && p.quiet(m) > nlb.MissedBeats*p.period()
}

// leftOut reports whether there were too many different facts of a kind to keep.
func (p *picture) leftOut(k evidence.Kind) bool {
	return slices.ContainsFunc(p.unkept, func(i int) bool {
		u, ok := p.items[i].Fact.(evidence.Unkept)
		return ok && u.Of == k && !u.Unasked
	})
}

// alive returns the members whose heartbeats go on and that say a status.
func (p *picture) alive() []*member {
	var out []*member
	for _, m := range p.members {
		if m.status != nil && !p.stopped(m) {
			out = append(out, m)
		}
	}
	return out
}

// who names a member in an evidence line. A name from the wire is quoted.
func (m *member) who() string {
	s := m.mac.String()
	if m.priority > 0 {
		s += ", priority " + strconv.Itoa(m.priority)
	}
	if m.dedicated.IsValid() {
		s += ", " + m.dedicated.String()
	}
	if m.name != "" {
		s += ", " + quotedASCII(m.name)
	}
	return s
}

// quotedASCII is a text from the wire as it may be shown: escaped and short. A
// letter outside ASCII takes up to ten columns when it is escaped.
func quotedASCII(s string) string {
	const most = 42 // columns, with the quotes
	quoted := strconv.QuoteToASCII(s)
	if len(quoted) <= most {
		return quoted
	}
	all := []rune(s)
	for n := min(len(all), most); len(quoted) > most; n-- {
		quoted = strconv.QuoteToASCII(string(all[:n]))
	}
	return quoted + "..."
}

func itemsOfMembers(all []*member) []int {
	var out []int
	for _, m := range all {
		out = append(out, m.items...)
	}
	return out
}

// beatMode is the mode that a heartbeat's destination shows: it goes to all in
// unicast mode, and to the cluster's MAC else (Microsoft KB 232711; that it
// does so in IGMP mode is inferred).
func beatMode(to mac.Addr) Mode {
	switch {
	case to.IsBroadcast():
		return Unicast
	case isIPGroupMAC(to):
		return IGMPMulticast
	case to.IsGroup():
		return Multicast
	}
	return ModeUnknown
}

// isIPGroupMAC reports the MAC of IPv4 groups (RFC 1112 6.4).
func isIPGroupMAC(m mac.Addr) bool { return m[0] == 0x01 && m[1] == 0 && m[2] == 0x5e && m[3] < 0x80 }

// memberMode is the mode that all members' heartbeats show, or ModeUnknown.
func (p *picture) memberMode() Mode {
	mode := ModeUnknown
	for _, m := range p.alive() {
		switch is := beatMode(m.status.EthDst); {
		case is == ModeUnknown || mode != ModeUnknown && mode != is:
			return ModeUnknown
		default:
			mode = is
		}
	}
	return mode
}
