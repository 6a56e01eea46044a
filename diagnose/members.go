package diagnose

import (
	"fmt"
	"slices"
	"time"

	"github.com/nlbprobe/nlbprobe/evidence"
	"github.com/nlbprobe/nlbprobe/finding"
	"github.com/nlbprobe/nlbprobe/mac"
	"github.com/nlbprobe/nlbprobe/nlb"
)

// judgeMembers finds what the hosts' heartbeats say of the cluster.
func (p *picture) judgeMembers() {
	p.gatherWitnesses()
	p.judgeMemberDoubts()
	p.judgeStopped()
	p.judgeSplit()
	p.judgeRules()
	p.judgeMemberModes()
	p.judgePriorities()
	p.judgeWithoutBeats()
	p.judgeWithoutARP()
	p.judgeForeignFrames()
}

func (p *picture) judgeStopped() {
	var l finding.Lines
	var gone []*member
	for _, m := range p.members {
		if p.stopped(m) {
			gone = append(gone, m)
			l.Add("%v: %s, the last %s, %s before the end", m.who(), finding.Many(m.beats, "heartbeat"), p.at(m.last), finding.Span(p.quiet(m)))
		}
	}
	if len(gone) == 0 {
		return
	}
	if lost := count(p.items, p.lost); lost > 0 {
		l.Add("%s lost meanwhile: this silence is no proof of silence", finding.Many(lost, "frame"))
	}
	l.Add("heartbeats come every %s here; %d missed ones count as death", finding.Span(p.period()), nlb.MissedBeats)
	p.find(idHostStopped, fmt.Sprintf("%s of the cluster of %v: heartbeats have stopped.", finding.Many(len(gone), "host"), p.vip), l.List(),
		slices.Concat(itemsOfMembers(gone), p.lost))
}

// converges is how long hosts may take to agree (Microsoft KB 232997).
const converges = 3 * time.Second

// judgeSplit notes that live hosts name different default hosts at one time.
// While a cluster converges they do so for a moment.
func (p *picture) judgeSplit() {
	split, together := p.splitOf(p.alive())
	if len(split) == 0 {
		return
	}
	var l finding.Lines
	for _, m := range split {
		l.Add("%v names priority %d as default host (inferred: its number %d counts from 0), convergence state %d, %s until %s", m.who(), int(m.status.DefaultHost)+1, m.status.DefaultHost, m.status.State, finding.Times(m.said), p.offset(m.to))
	}
	if together < converges {
		l.Add("so for %s only: a cluster that converges, which takes about 3 s, looks the same; --listen 10s tells", finding.Span(together))
	}
	p.find(idSplit, fmt.Sprintf("The hosts of %v name different default hosts: the cluster is split.", p.vip), l.List(), itemsOfStatus(split))
	if together < converges {
		p.lower(idSplit, Warning)
	}
	p.doubt(idSplit, split, func(firm []*member) bool {
		split, together := p.splitOf(firm)
		return len(split) > 0 && together >= converges
	})
}

// splitOf returns those of the hosts that name different default hosts of one
// cluster at one time, and the longest for which two do.
func (p *picture) splitOf(all []*member) (split []*member, together time.Duration) {
	together = -1
	in := make([]bool, len(all))
	for i, a := range all {
		for j, b := range all[i+1:] {
			if a.status.DefaultHost == b.status.DefaultHost || a.status.Cluster != b.status.Cluster {
				continue
			}
			from, to := a.from, a.to
			if b.from.After(from) {
				from = b.from
			}
			if b.to.Before(to) {
				to = b.to
			}
			// What a heartbeat says holds until the host's next one.
			if over := to.Sub(from) + p.period(); over >= 0 {
				together = max(together, over)
				in[i], in[i+1+j] = true, true
			}
		}
	}
	for i, m := range all {
		if in[i] {
			split = append(split, m)
		}
	}
	return split, together
}

func itemsOfStatus(all []*member) []int {
	out := make([]int, len(all))
	for i, m := range all {
		out[i] = m.item
	}
	return out
}

// judgeRules notes that live hosts have different port rules.
func (p *picture) judgeRules() {
	alive := p.alive()
	if len(alive) < 2 {
		return
	}
	counts, codes := rulesDiffer(alive)
	if !counts && !codes {
		return
	}
	var l finding.Lines
	for _, m := range alive {
		l.Add("%v: %s%s", m.who(), finding.Many(int(m.status.RuleCount), "port rule"), rulesOf(m.status))
	}
	if counts {
		p.find(idRulesDiffer, fmt.Sprintf("The hosts of %v have different numbers of port rules.", p.vip), l.List(), itemsOfStatus(alive))
		p.doubt(idRulesDiffer, alive, func(firm []*member) bool { counts, _ := rulesDiffer(firm); return counts })
		return
	}
	l.Add("inferred: what the codes hold is not documented; that they differ is seen")
	p.find(idRulesDiffer, fmt.Sprintf("The hosts of %v have as many port rules, but not the same ones.", p.vip), l.List(), itemsOfStatus(alive))
	p.lower(idRulesDiffer, Warning)
	p.doubt(idRulesDiffer, alive, func(firm []*member) bool { _, codes := rulesDiffer(firm); return codes })
}

// rulesDiffer reports whether the numbers of the hosts' port rules differ, and
// whether their codes do.
func rulesDiffer(all []*member) (counts, codes bool) {
	for _, m := range all {
		counts = counts || m.status.RuleCount != all[0].status.RuleCount
		codes = codes || differ(all[0].status, m.status)
	}
	return counts, codes
}

// codesOf returns the rule codes that were kept of those in use, in order.
func codesOf(h *evidence.Heartbeat) []uint32 {
	codes := slices.Clone(h.Rules[:min(int(h.RuleCount), int(h.RulesKept), len(h.Rules))])
	slices.Sort(codes)
	return codes
}

// differ reports rules that are seen to differ: where both kept all of them.
func differ(a, b *evidence.Heartbeat) bool {
	whole := func(h *evidence.Heartbeat) bool { return int(h.RulesKept) >= min(int(h.RuleCount), len(h.Rules)) }
	return a.RuleCount == b.RuleCount && whole(a) && whole(b) && !slices.Equal(codesOf(a), codesOf(b))
}

// rulesOf writes the codes of a host's rules.
func rulesOf(h *evidence.Heartbeat) string {
	const most = 4
	codes := slices.DeleteFunc(codesOf(h), func(c uint32) bool { return c == 0 })
	text := ""
	for i, c := range codes {
		if i == most {
			return text + fmt.Sprintf(", and %d more", len(codes)-i)
		}
		sep := ", "
		if i == 0 {
			sep = ": "
		}
		text += sep + nlb.RuleCode(c).String()
	}
	return text
}

func (p *picture) judgeMemberModes() {
	alive := p.alive()
	if !modesDiffer(alive) {
		return
	}
	var l finding.Lines
	for _, m := range alive {
		l.Add("%v sends heartbeats to %v, as in mode %v", m.who(), m.status.EthDst, beatMode(m.status.EthDst))
	}
	p.find(idBeatModes, fmt.Sprintf("The hosts of %v send heartbeats as in different cluster modes.", p.vip), l.List(), itemsOfStatus(alive))
	p.doubt(idBeatModes, alive, modesDiffer)
}

// modesDiffer reports whether the hosts' heartbeats go to destinations of
// different modes.
func modesDiffer(all []*member) bool {
	seen := ModeUnknown
	for _, m := range all {
		mode := beatMode(m.status.EthDst)
		if mode != ModeUnknown && seen != ModeUnknown && mode != seen {
			return true
		}
		if mode != ModeUnknown {
			seen = mode
		}
	}
	return false
}

func (p *picture) judgePriorities() {
	same := samePriority(p.alive())
	if len(same) == 0 {
		return
	}
	var l finding.Lines
	n := 0
	for _, m := range same {
		l.Add("%v, %s until %s", m.who(), finding.Many(m.beats, "heartbeat"), p.offset(m.last))
		if m.priority == same[0].priority {
			n++
		}
	}
	p.find(idSamePriority, fmt.Sprintf("%d hosts of %v use the host priority %d.", n, p.vip, same[0].priority), l.List(), itemsOfMembers(same))
	p.doubt(idSamePriority, same, func(firm []*member) bool { return len(samePriority(firm)) > 0 })
}

// samePriority returns the hosts that share a priority, by priority.
func samePriority(all []*member) []*member {
	by := make(map[int][]*member)
	for _, m := range all {
		by[m.priority] = append(by[m.priority], m)
	}
	var same []*member
	for n := 1; n <= nlb.MaxPriority; n++ {
		if len(by[n]) > 1 {
			same = append(same, by[n]...)
		}
	}
	return same
}

// heardBeats is for how long heartbeats could be heard, as they were: since the
// first of any member.
func (p *picture) heardBeats() time.Duration {
	var first time.Time
	for _, m := range p.members {
		if m.beats > 0 && (first.IsZero() || m.first.Before(first)) {
			first = m.first
		}
	}
	if first.IsZero() {
		return 0
	}
	return p.covered(first, p.end, showsBeats)
}

// inSight reports whether something was seen while frames of another sort could be.
func (p *picture) inSight(s sighting, could func(evidence.Captured) bool) bool {
	return len(p.captured) == 0 || slices.ContainsFunc(p.stretches(could), func(at stretch) bool {
		return !s.last.Before(at.from) && !s.first.After(at.to)
	})
}

// judgeWithoutBeats notes hosts that answer for the VIP while only others send
// heartbeats.
func (p *picture) judgeWithoutBeats() {
	over := p.heardBeats()
	if over < nlb.MissedBeats*p.period() || p.leftOut(evidence.KindHeartbeat) {
		return
	}
	beats := make(map[mac.Addr]bool)
	for _, m := range p.members {
		beats[m.mac] = true
	}
	silent := where(p.claims, func(s sighting) bool {
		return s.act == answers && !beats[s.arp.EthSrc] && !p.claimed[s.arp.EthSrc] && p.inSight(s, showsBeats)
	})
	if len(silent) == 0 {
		return
	}
	var l finding.Lines
	for _, g := range grouped(silent, sourceOf) {
		l.Add("%v answers for the VIP, %s, and sent no heartbeat in %s", g.mac, finding.Times(g.of[0].count), finding.Span(over))
	}
	l.Add("%s: heartbeats every %s", finding.Many(len(p.members), "other host"), finding.Span(p.period()))
	if lost := count(p.items, p.lost); lost > 0 {
		l.Add("%s lost meanwhile: this silence is no proof of silence", finding.Many(lost, "frame"))
	}
	p.find(idNoBeat, fmt.Sprintf("%v answers for %v, but sends no heartbeat as the cluster's other hosts do.", name(sources(silent)), p.vip),
		l.List(), slices.Concat(itemsOf(silent), itemsOfMembers(p.members), p.lost))
}

// enoughQuestions is how many questions a host may leave unanswered before that
// is said of it.
const enoughQuestions = 3

// judgeWithoutARP notes members that answer no question for the VIP.
func (p *picture) judgeWithoutARP() {
	asked := p.asked + count(p.items, itemsOf(p.askers))
	unmasked := slices.ContainsFunc(p.claims, func(s sighting) bool { return p.claimed[s.arp.EthSrc] })
	if asked < enoughQuestions || unmasked {
		return // all hosts send with one MAC: they cannot be told apart
	}
	answering := p.answering()
	var mute []*member
	var l finding.Lines
	for _, m := range p.alive() {
		if !slices.Contains(answering, m.mac) {
			mute = append(mute, m)
			l.Add("%v: %s, no answer to %s", m.who(), finding.Many(m.beats, "heartbeat"), finding.Many(asked, "question"))
		}
	}
	if len(mute) == 0 {
		return
	}
	items := slices.Concat(itemsOfMembers(mute), p.questions, itemsOf(p.askers))
	if p.answered == 0 {
		// An answer goes to who asked: of others' questions, as in a capture of
		// another port, its absence says little.
		own := p.asked >= enoughQuestions
		if !own {
			l.Add("others asked: the answers go to their ports, and may not have come to this one")
		}
		p.find(idNoARP, fmt.Sprintf("%s of the cluster of %v: heartbeats, but no answer to ARP of anyone.", finding.Many(len(mute), "host"), p.vip), l.List(), items)
		if !own {
			p.lower(idNoARP, Info)
		}
		return
	}
	p.find(idNoARP, fmt.Sprintf("%s of %v: heartbeats, but no answer to ARP; others answer.", finding.Many(len(mute), "host"), p.vip), l.List(), items)
	p.lower(idNoARP, Info)
}

// judgeForeignFrames notes frames with a heartbeat's ethertype that are none.
func (p *picture) judgeForeignFrames() {
	p.judgeMalformed(idNotABeat, evidence.ProtocolHeartbeat, func(n int) string {
		return fmt.Sprintf("%s with a heartbeat's ethertype: none of NLB's. Ignored.", finding.Many(n, "frame"))
	})
}

// judgeMalformed notes the frames of one protocol that are not what they say,
// where a cluster in a mode of NLB is judged.
func (p *picture) judgeMalformed(id string, protocol evidence.Protocol, summary func(n int) string) {
	switch p.cluster().Mode {
	case Unicast, Multicast, IGMPMulticast:
	default:
		return
	}
	var l finding.Lines
	var items []int
	for _, i := range p.malformed {
		f, ok := p.items[i].Fact.(evidence.Malformed)
		if !ok || f.Protocol != protocol {
			continue
		}
		items = append(items, i)
		l.Add("%s from %v, %s: %s", p.at(p.items[i].First), f.EthSrc, finding.Times(p.items[i].Sightings()), quotedASCII(f.Reason.String()))
	}
	if len(items) > 0 {
		p.find(id, summary(count(p.items, items)), l.List(), items)
	}
}
