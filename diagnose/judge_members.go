package diagnose

import (
	"fmt"
	"slices"
	"time"

	"github.com/nlbprobe/nlbprobe/evidence"
	"github.com/nlbprobe/nlbprobe/mac"
	"github.com/nlbprobe/nlbprobe/nlb"
)

// judgeMembers finds what the hosts' heartbeats say of the cluster.
func (p *picture) judgeMembers() {
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
	var l lines
	var gone []*member
	for _, m := range p.members {
		if p.stopped(m) {
			gone = append(gone, m)
			l.add("%v: %s, the last %s, %s before the end", m.who(), many(m.beats, "heartbeat"), p.at(m.last), span(p.quiet(m)))
		}
	}
	if len(gone) == 0 {
		return
	}
	if lost := count(p.items, p.lost); lost > 0 {
		l.add("%s lost meanwhile: this silence is no proof of silence", many(lost, "frame"))
	}
	l.add("heartbeats come every %s here; %d missed ones count as death", span(p.period()), nlb.MissedBeats)
	p.find(idHostStopped, fmt.Sprintf("%s of the cluster of %v: heartbeats have stopped.", many(len(gone), "host"), p.vip), l.list(),
		slices.Concat(itemsOfMembers(gone), p.lost))
}

// converges is how long hosts may take to agree (Microsoft KB 232997).
const converges = 3 * time.Second

// judgeSplit notes that live hosts name different default hosts at one time.
// While a cluster converges they do so for a moment.
func (p *picture) judgeSplit() {
	alive := p.alive()
	var together time.Duration = -1
	var split []*member
	for i, a := range alive {
		for _, b := range alive[i+1:] {
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
				for _, m := range []*member{a, b} {
					if !slices.Contains(split, m) {
						split = append(split, m)
					}
				}
			}
		}
	}
	if len(split) == 0 {
		return
	}
	var l lines
	for _, m := range split {
		l.add("%v says that the default host is number %d, convergence state %d, %s until %s", m.who(), m.status.DefaultHost, m.status.State, times(m.said), p.offset(m.to))
	}
	l.add("inferred: numbers count from 0, so the default host is the one with priority number + 1")
	if together < converges {
		l.add("so for %s only: a cluster that converges, which takes about 3 s, looks the same; --listen 10s tells", span(together))
	}
	p.find(idSplit, fmt.Sprintf("The hosts of %v name different default hosts: the cluster is split.", p.vip), l.list(), itemsOfStatus(split))
	if together < converges {
		p.lower(idSplit, Warning)
	}
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
	first := alive[0].status
	counts, codes := false, false
	for _, m := range alive[1:] {
		counts = counts || m.status.RuleCount != first.RuleCount
		codes = codes || differ(first, m.status)
	}
	if !counts && !codes {
		return
	}
	var l lines
	for _, m := range alive {
		l.add("%v: %s%s", m.who(), many(int(m.status.RuleCount), "port rule"), rulesOf(m.status))
	}
	if counts {
		p.find(idRulesDiffer, fmt.Sprintf("The hosts of %v have different numbers of port rules.", p.vip), l.list(), itemsOfStatus(alive))
		return
	}
	l.add("inferred: what the codes hold is not documented; that they differ is seen")
	p.find(idRulesDiffer, fmt.Sprintf("The hosts of %v have as many port rules, but not the same ones.", p.vip), l.list(), itemsOfStatus(alive))
	p.lower(idRulesDiffer, Warning)
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
	modes := make(map[Mode]bool)
	var l lines
	for _, m := range alive {
		mode := beatMode(m.status.EthDst)
		modes[mode] = true
		l.add("%v sends heartbeats to %v, as in mode %v", m.who(), m.status.EthDst, mode)
	}
	delete(modes, ModeUnknown)
	if len(modes) > 1 {
		p.find(idBeatModes, fmt.Sprintf("The hosts of %v send heartbeats as in different cluster modes.", p.vip), l.list(), itemsOfStatus(alive))
	}
}

func (p *picture) judgePriorities() {
	by := make(map[int][]*member)
	for _, m := range p.alive() {
		if m.priority > 0 {
			by[m.priority] = append(by[m.priority], m)
		}
	}
	var l lines
	var same []*member
	var which []int
	for n := 1; n <= nlb.MaxPriority; n++ {
		if len(by[n]) < 2 {
			continue
		}
		which = append(which, n)
		same = append(same, by[n]...)
		for _, m := range by[n] {
			l.add("%v, %s until %s", m.who(), many(m.beats, "heartbeat"), p.offset(m.last))
		}
	}
	if len(same) > 0 {
		p.find(idSamePriority, fmt.Sprintf("%d hosts of %v use the host priority %d.", len(by[which[0]]), p.vip, which[0]), l.list(), itemsOfMembers(same))
	}
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
	return p.end.Sub(first)
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
		return s.act == answers && !beats[s.arp.EthSrc] && !p.claimed[s.arp.EthSrc]
	})
	if len(silent) == 0 {
		return
	}
	var l lines
	for _, g := range grouped(silent, sourceOf) {
		l.add("%v answers for the VIP, %s, and sent no heartbeat in %s", g.mac, times(g.of[0].count), span(over))
	}
	l.add("%s: heartbeats every %s", many(len(p.members), "other host"), span(p.period()))
	if lost := count(p.items, p.lost); lost > 0 {
		l.add("%s lost meanwhile: this silence is no proof of silence", many(lost, "frame"))
	}
	p.find(idNoBeat, fmt.Sprintf("%v answers for %v, but sends no heartbeat as the cluster's other hosts do.", name(sources(silent)), p.vip),
		l.list(), slices.Concat(itemsOf(silent), itemsOfMembers(p.members), p.lost))
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
	var l lines
	for _, m := range p.alive() {
		if !slices.Contains(answering, m.mac) {
			mute = append(mute, m)
			l.add("%v: %s, no answer to %s", m.who(), many(m.beats, "heartbeat"), many(asked, "question"))
		}
	}
	if len(mute) == 0 {
		return
	}
	items := slices.Concat(itemsOfMembers(mute), p.questions, itemsOf(p.askers))
	if p.answered == 0 {
		p.find(idNoARP, fmt.Sprintf("%s of the cluster of %v: heartbeats, but no answer to ARP of anyone.", many(len(mute), "host"), p.vip), l.list(), items)
		return
	}
	p.find(idNoARP, fmt.Sprintf("%s of %v: heartbeats, but no answer to ARP; others answer.", many(len(mute), "host"), p.vip), l.list(), items)
	p.lower(idNoARP, Info)
}

// judgeForeignFrames notes frames with a heartbeat's ethertype that are none.
func (p *picture) judgeForeignFrames() {
	p.judgeMalformed(idNotABeat, "heartbeat", func(n int) string {
		return fmt.Sprintf("%s with a heartbeat's ethertype: none of NLB's. Ignored.", many(n, "frame"))
	})
}

// judgeMalformed notes the frames of one protocol that are not what they say,
// where a cluster in a mode of NLB is judged.
func (p *picture) judgeMalformed(id, protocol string, summary func(n int) string) {
	switch p.cluster().Mode {
	case Unicast, Multicast, IGMPMulticast:
	default:
		return
	}
	var l lines
	var items []int
	for _, i := range p.malformed {
		f, ok := p.items[i].Fact.(evidence.Malformed)
		if !ok || f.Protocol != protocol {
			continue
		}
		items = append(items, i)
		l.add("%s from %v, %s: %s", p.at(p.items[i].First), f.EthSrc, times(sightings(p.items[i])), quotedASCII(f.Reason))
	}
	if len(items) > 0 {
		p.find(id, summary(count(p.items, items)), l.list(), items)
	}
}
