package check

import (
	"net/netip"
	"slices"
	"time"

	"github.com/nlbprobe/nlbprobe/evidence"
	"github.com/nlbprobe/nlbprobe/igmp"
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
func (r *runner) tune(s *subject) {
	s.tuned = true
	if at := s.file.First.SenderMAC; !s.file.Answered.IsZero() {
		if !at.IsGroup() || at.IsBroadcast() {
			return // heartbeats of unicast mode go to everybody
		}
		r.join(at)
	} else {
		for _, mode := range []nlb.Mode{nlb.Multicast, nlb.IGMPMulticast} {
			if m, err := nlb.DeriveMAC(s.vip, mode); err == nil {
				r.join(m)
			}
		}
	}
	for _, g := range igmpGroups {
		r.join(igmp.GroupMAC(g))
	}
}

// converges is how long hosts that contradict each other are listened to: a
// cluster takes about 3 s to converge (Microsoft KB 232997), and each host is
// heard once a second.
const converges = 4400 * time.Millisecond

// beats is what was heard of a cluster's heartbeats.
type beats struct {
	first    time.Time
	defaults [2]uint16 // different default hosts that were named
	named    int       // how many of them
}

// hearBeat notes a heartbeat: hosts that contradict each other are worth a
// longer look.
func (r *runner) hearBeat(h evidence.Heartbeat, frame *evidence.Frame) {
	if !h.Status {
		return
	}
	for _, s := range r.subjects {
		at := s.file.First
		if h.Cluster != s.vip && (s.file.Answered.IsZero() || h.EthSrc != at.EthSrc && (!at.SenderMAC.IsGroup() || h.EthDst != at.SenderMAC)) {
			continue
		}
		if s.beats.first.IsZero() {
			s.beats.first = frame.Time
		}
		if n := s.beats.named; n == 0 || n == 1 && s.beats.defaults[0] != h.DefaultHost {
			s.beats.defaults[n] = h.DefaultHost
			s.beats.named++
		}
	}
}

// isClustered reports whether an answer is of a form that a cluster gives, so
// that heartbeats are to be expected.
func isClustered(a evidence.ARP) bool {
	return !a.SenderMAC.IsBroadcast() && (a.SenderMAC.IsGroup() || a.SenderMAC != a.EthSrc || nlb.Classify(a.SenderMAC).NLB)
}

// beatsBy is until when heartbeats are listened for, or zero.
func (r *runner) beatsBy(s *subject) time.Time {
	switch {
	case r.cfg.Beats == 0 || s.file.Answered.IsZero() || !isClustered(s.file.First):
		return time.Time{}
	case s.beats.named > 1:
		return s.beats.first.Add(converges)
	}
	return s.file.Answered.Add(r.cfg.Beats)
}

// membership is the question for the members of a cluster's group, asked of
// each host that answered ARP.
type membership struct {
	group netip.Addr
	hosts []mac.Addr // to be asked
	asked int        // how many of them were
	due   time.Time  // when the next is to be asked
	until time.Time  // when the last one's time to answer is over
}

// open reports whether a host is still to be asked, or has time to answer.
func (q *membership) open(now time.Time) bool { return q.asked < len(q.hosts) || now.Before(q.until) }

const (
	// queryAfter is how long after an answer its host is asked: a report may
	// come by itself, and hosts of a cluster answer together.
	queryAfter = 50 * time.Millisecond
	// querySettle is what a host gets beyond the time to answer.
	querySettle = 200 * time.Millisecond
)

// wantMember notes a host to ask. Only a MAC of IGMP mode tells the group.
func (r *runner) wantMember(s *subject, a evidence.ARP, at time.Time) {
	if !r.cfg.IGMPQuery || r.cfg.Passive || a.EthSrc.IsGroup() || len(s.query.hosts) >= nlb.MaxPriority {
		return
	}
	c := nlb.Classify(a.SenderMAC)
	if !c.Group.IsValid() || s.query.group.IsValid() && s.query.group != c.Group {
		return
	}
	s.query.group = c.Group
	if slices.Contains(s.query.hosts, a.EthSrc) {
		return
	}
	s.query.hosts = append(s.query.hosts, a.EthSrc)
	if s.query.due.IsZero() {
		s.query.due = at.Add(queryAfter)
	}
}

// hearIGMP takes a host that has reported by itself off the list.
func (r *runner) hearIGMP(f evidence.IGMP) {
	if f.Act != evidence.Join || f.Out {
		return
	}
	for _, s := range r.subjects {
		q := &s.query
		for i := q.asked; i < len(q.hosts) && f.Group == q.group; i++ {
			if q.hosts[i] == f.EthSrc {
				q.hosts = append(q.hosts[:i], q.hosts[i+1:]...)
				break
			}
		}
	}
}

// queryEvery is the time between two questions.
const queryEvery = 20 * time.Millisecond

// stepClusters asks and tunes what is due, and returns when something is due
// again.
func (r *runner) stepClusters(now time.Time) time.Time {
	next := r.start.Add(r.cfg.Timing.Wait)
	for _, s := range r.subjects {
		if s.done {
			continue
		}
		if !s.tuned {
			at := r.start.Add(tuneAfter)
			if r.cfg.Passive {
				at = r.start
			}
			if now.Before(at) {
				next = earlier(next, at)
			} else {
				r.tune(s)
			}
		}
		if by := r.beatsBy(s); now.Before(by) {
			next = earlier(next, by)
		}
		q := &s.query
		if q.asked < len(q.hosts) {
			if now.Before(q.due) {
				next = earlier(next, q.due)
				continue
			}
			r.askMember(s, now)
			q.due = now.Add(queryEvery)
			q.until = now.Add(igmp.MemberResponse + querySettle)
			if q.asked < len(q.hosts) {
				next = earlier(next, q.due)
			}
		}
		if now.Before(q.until) {
			next = earlier(next, q.until)
		}
	}
	return next
}

// askMember asks the next host whether it is a member of the cluster's group.
func (r *runner) askMember(s *subject, now time.Time) {
	q := &s.query
	to := q.hosts[q.asked]
	q.asked++
	sender := igmp.Sender{MAC: r.cfg.MAC, IP: netip.IPv4Unspecified(), RouterAlert: true, To: to}
	b, err := igmp.MemberQuery(q.group).AppendFrame(nil, sender)
	if err != nil {
		r.sendErr = err
		return
	}
	if r.send(b, now, &s.file.Hosts) {
		s.sent++
	}
}

// clusterHeard reports whether nothing more is to be waited for of what the
// cluster's hosts say of themselves.
func (r *runner) clusterHeard(s *subject, now time.Time) bool {
	return !now.Before(r.beatsBy(s)) && !s.query.open(now)
}
