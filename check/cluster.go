package check

import (
	"net/netip"
	"slices"
	"time"

	"github.com/nlbprobe/nlbprobe/evidence"
	"github.com/nlbprobe/nlbprobe/igmp"
	"github.com/nlbprobe/nlbprobe/inet"
	"github.com/nlbprobe/nlbprobe/mac"
	"github.com/nlbprobe/nlbprobe/nlb"
)

// tuneAfter is how long a VIP is silent before the interface is set to hear
// what its hosts would send in the multicast modes: their heartbeats may tell
// why nobody answers.
const tuneAfter = 250 * time.Millisecond

// igmpGroups are where what concerns a group goes, beside the group itself:
// queries to 224.0.0.1, leaves to 224.0.0.2, reports of version 3 to 224.0.0.22.
var igmpGroups = [...]netip.Addr{igmp.AllSystems, igmp.AllRouters, igmp.AllV3}

// tune has the interface hear what the hosts of a VIP's cluster send each other
// and the switches: at the MAC that it answered with, or, while it has not, at
// those that NLB would derive. Nothing is sent by that.
func (o *Observer) tune(s *subject, now time.Time) {
	s.tuned = true
	if at := s.file.First.SenderMAC; !s.file.Answered.IsZero() {
		if !at.IsGroup() || at.IsBroadcast() {
			return // heartbeats of unicast mode go to everybody
		}
		o.join(at, s, now)
	} else {
		for _, mode := range []nlb.Mode{nlb.Multicast, nlb.IGMPMulticast} {
			if m, err := nlb.DeriveMAC(s.vip, mode); err == nil {
				o.join(m, s, now)
			}
		}
	}
	for _, g := range igmpGroups {
		o.join(inet.GroupMAC(g), nil, now)
	}
}

// converges is how long hosts that contradict each other are listened to: a
// cluster takes about 3 s to converge (Microsoft KB 232997), and each host is
// heard once a second.
const converges = 4400 * time.Millisecond

// beats is what was heard of heartbeats of one sort.
type beats struct {
	of       int // how many VIPs they concern
	first    time.Time
	defaults [2]uint16 // different default hosts that were named
	named    int       // how many of them
}

// beatKey is a sort of heartbeats: those of a cluster by its primary VIP, from a
// host, or to a group MAC. VIPs of one cluster share them.
type beatKey struct {
	cluster  netip.Addr
	from, to mac.Addr
}

// hearBeatsOf has a sort of heartbeats noted for a VIP.
func (o *Observer) hearBeatsOf(s *subject, k beatKey) {
	b := o.beats[k]
	if b == nil {
		b = &beats{}
		o.beats[k] = b
	}
	b.of++
	s.beats = append(s.beats, k)
}

// hearBeat notes a heartbeat: hosts that contradict each other are worth a
// longer look.
func (o *Observer) hearBeat(h evidence.Heartbeat, frame *evidence.Frame) {
	if !h.Status {
		return
	}
	for _, k := range [...]beatKey{{cluster: h.Cluster}, {from: h.EthSrc}, {to: h.EthDst}} {
		if b := o.beats[k]; b != nil {
			if b.first.IsZero() {
				b.first = frame.Time
			}
			b.name(h.DefaultHost)
		}
	}
}

// name notes a default host.
func (b *beats) name(host uint16) {
	if n := b.named; n == 0 || n == 1 && b.defaults[0] != host {
		b.defaults[n] = host
		b.named++
	}
}

// beatsFor sums up the heartbeats that concern a VIP.
func (o *Observer) beatsFor(s *subject) beats {
	var all beats
	for _, k := range s.beats {
		b := o.beats[k]
		if !b.first.IsZero() && (all.first.IsZero() || b.first.Before(all.first)) {
			all.first = b.first
		}
		for _, host := range b.defaults[:b.named] {
			all.name(host)
		}
	}
	return all
}

// isClustered reports whether an answer is of a form that a cluster gives, so
// that heartbeats are to be expected.
func isClustered(a evidence.ARP) bool {
	return !a.SenderMAC.IsBroadcast() && (a.SenderMAC.IsGroup() || a.SenderMAC != a.EthSrc || nlb.Classify(a.SenderMAC).NLB)
}

// beatsBy is until when heartbeats are listened for, or zero.
func (o *Observer) beatsBy(s *subject) time.Time {
	if o.cfg.Beats == 0 || s.file.Answered.IsZero() || !isClustered(s.file.First) {
		return time.Time{}
	}
	if b := o.beatsFor(s); b.named > 1 {
		return b.first.Add(converges)
	}
	return s.file.Answered.Add(o.cfg.Beats)
}

// membership is the question for the members of a group, asked of each host that
// answered ARP with its MAC.
type membership struct {
	group netip.Addr
	entry *entry
	of    []*subject
	hosts []mac.Addr // to be asked
	asked int        // how many of them were
	due   time.Time  // when the next is to be asked
	until time.Time  // when the last one's time to answer is over
}

// open reports whether a host is still to be asked, or has time to answer.
func (q *membership) open(now time.Time) bool {
	return q != nil && (q.asked < len(q.hosts) || now.Before(q.until))
}

const (
	// queryAfter is how long after an answer its host is asked: a report may
	// come by itself, and hosts of a cluster answer together.
	queryAfter = 50 * time.Millisecond
	// querySettle is what a host gets beyond the time to answer.
	querySettle = 200 * time.Millisecond
	// queryEvery is the time between two questions.
	queryEvery = 20 * time.Millisecond
)

// wantMember notes a host to ask. Only a MAC of IGMP mode tells the group.
func (o *Observer) wantMember(s *subject, a evidence.ARP, at time.Time) {
	if !o.cfg.IGMPQuery || o.cfg.Passive || a.EthSrc.IsGroup() {
		return
	}
	c := nlb.Classify(a.SenderMAC)
	if !c.Group.IsValid() || s.query != nil && s.query.group != c.Group {
		return
	}
	q := o.queries[c.Group]
	if q == nil {
		q = &membership{group: c.Group}
		q.entry = o.agenda.entry(func(now time.Time) time.Time { return o.stepMembers(q, now) })
		o.queries[c.Group] = q
	}
	if s.query == nil {
		s.query = q
		q.of = append(q.of, s)
	}
	if len(q.hosts) >= nlb.MaxPriority || slices.Contains(q.hosts, a.EthSrc) {
		return
	}
	q.hosts = append(q.hosts, a.EthSrc)
	if q.due.IsZero() {
		q.due = at.Add(queryAfter)
	}
	o.agenda.hasten(q.entry, q.due)
}

// hearIGMP takes a host that has reported by itself off the list.
func (o *Observer) hearIGMP(f evidence.IGMP) {
	if f.Act != evidence.Join || f.Out {
		return
	}
	q := o.queries[f.Group]
	if q == nil {
		return
	}
	if i := slices.Index(q.hosts, f.EthSrc); i >= q.asked {
		q.hosts = slices.Delete(q.hosts, i, i+1)
	}
}

// stepMembers asks the next host of a group whether it is a member, and returns when
// something is due again.
func (o *Observer) stepMembers(q *membership, now time.Time) time.Time {
	if q.asked < len(q.hosts) {
		if now.Before(q.due) {
			return q.due
		}
		o.askMember(q, now)
		q.due = now.Add(queryEvery)
		q.until = now.Add(igmp.MemberResponse + querySettle)
		if q.asked < len(q.hosts) {
			return q.due
		}
	}
	if now.Before(q.until) {
		return q.until
	}
	for _, s := range q.of {
		o.touch(s, now)
	}
	return time.Time{}
}

// askMember asks the next host whether it is a member of the cluster's group.
func (o *Observer) askMember(q *membership, now time.Time) {
	to := q.hosts[q.asked]
	q.asked++
	sender := igmp.Sender{MAC: o.cfg.MAC, IP: netip.IPv4Unspecified(), RouterAlert: true, To: to}
	b, err := igmp.MemberQuery(q.group).AppendFrame(nil, sender)
	if err != nil {
		o.sendErr = err
		return
	}
	if o.send(b, now, nil) {
		q.of[0].sent++
	}
}

// stepCluster tunes the interface if that is due.
func (o *Observer) stepCluster(s *subject, now time.Time, next *soonest) {
	if !s.tuned {
		at := s.began.Add(tuneAfter)
		if o.cfg.Passive {
			at = s.began
		}
		if now.Before(at) {
			next.is(at)
		} else {
			o.tune(s, now)
		}
	}
	if by := o.beatsBy(s); now.Before(by) {
		next.is(by)
	}
}

// clusterHeard reports whether nothing more is to be waited for of what the
// cluster's hosts say of themselves.
func (o *Observer) clusterHeard(s *subject, now time.Time) bool {
	return !now.Before(o.beatsBy(s)) && !s.query.open(now)
}
