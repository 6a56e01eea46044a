package diagnose

import (
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/nlbprobe/nlbprobe/evidence"
	"github.com/nlbprobe/nlbprobe/finding"
	"github.com/nlbprobe/nlbprobe/mac"
	"github.com/nlbprobe/nlbprobe/nlb"
)

// What makes an asker one that keeps asking: so many requests in a row after the
// VIP's answer, over so long, none later than a retry after the one before it. Who
// has no entry asks about once a second (RFC 1122 2.3.2.1). Who renews an entry
// does so every 30 s (Linux), every two minutes (Windows) or more seldom, and a
// program that watches the VIP mostly waits for seconds.
const (
	keepsAsking     = 3
	keepsAskingOver = time.Second
	retryWithin     = 1500 * time.Millisecond
)

// asking is what one router or host asks for the VIP.
type asking struct {
	late        int // requests to everybody after the VIP had answered
	first, last time.Time
	times       []time.Time // of these requests, as far as they were kept
	items       []int
}

// keeps reports whether the requests come as those of somebody who gets no
// answer that it accepts.
func (a asking) keeps() bool {
	return len(a.retries()) >= keepsAsking
}

// retries returns the longest row of retries that lasts long enough.
func (a asking) retries() []time.Time {
	all := slices.SortedFunc(slices.Values(a.times), time.Time.Compare)
	var row []time.Time
	begin := 0
	for i := range all {
		if i > 0 && all[i].Sub(all[i-1]) > retryWithin {
			begin = i
		}
		if i-begin+1 > len(row) && all[i].Sub(all[begin]) >= keepsAskingOver {
			row = all[begin : i+1]
		}
	}
	return row
}

// String says how often and how fast.
func (a asking) String() string {
	over := a.last.Sub(a.first)
	text := fmt.Sprintf("broadcast %s for the VIP after the VIP had answered, over %s", finding.Many(a.late, "ARP request"), finding.Span(over))
	switch perSecond := float64(a.late-1) / over.Seconds(); {
	case over <= 0:
	case perSecond >= 0.1:
		text += fmt.Sprintf(" (%.1f per second)", perSecond)
	default:
		text += fmt.Sprintf(" (one every %s)", finding.Span(over/time.Duration(max(a.late-1, 1))))
	}
	return text
}

// askingOf puts together the requests that fit, from the VIP's first answer on.
func (p *picture) askingOf(fits func(sighting) bool) asking {
	return p.askingSince(p.answeredAt(), fits)
}

// askingSince puts together the requests that fit and are later than from, and than
// the VIP's first answer. Only those that go to everybody count: one to the
// cluster's MAC shows that its sender knows that MAC.
func (p *picture) askingSince(from time.Time, fits func(sighting) bool) asking {
	return p.askingAmong(where(p.askers, fits), from)
}

func (p *picture) askingAmong(askers []sighting, from time.Time) asking {
	var a asking
	answered := p.answeredAt()
	if answered.IsZero() {
		return a
	}
	if from.Before(answered) {
		from = answered
	}
	for _, s := range askers {
		if s.arp.EthDst.IsBroadcast() {
			a.add(s.item, p.items[s.item], from)
		}
	}
	return a
}

func (a *asking) add(item int, it evidence.Item, answered time.Time) {
	early := 0
	var first time.Time
	for _, at := range it.Times {
		switch {
		case !at.After(answered):
			early++
		default:
			a.times = append(a.times, at)
			if first.IsZero() || at.Before(first) {
				first = at
			}
		}
	}
	late := it.Sightings() - early
	if late <= 0 || first.IsZero() || it.Last.Before(first) {
		return
	}
	a.late += late
	a.items = append(a.items, item)
	if a.first.IsZero() || first.Before(a.first) {
		a.first = first
	}
	if it.Last.After(a.last) {
		a.last = it.Last
	}
}

// answeredAt is when the VIP's first answer or announcement was heard.
func (p *picture) answeredAt() time.Time {
	for _, s := range p.claims {
		if s.act != asks {
			return s.first
		}
	}
	return time.Time{}
}

// outcome is what is known of one router, or of one of the MACs that claim to be
// it, and why.
type outcome struct {
	router *Router
	mac    mac.Addr // where several MACs claim to be the router: the one that is judged
	trial  trial
	asking asking
	reach  Reach
	group  bool   // it does not reach the VIP because the answer names a group MAC
	open   string // tested, and not learnt: why
	// against says what speaks against others' packets that came through.
	against string
	others  []sign // others' packets that came through
	claims  []*claim
	state   contested
	text    []string
	items   []int
}

// weighRouters finds of each router whether it reaches the VIP.
func (p *picture) weighRouters() {
	p.outcomes = make([]*outcome, len(p.routers))
	for i := range p.routers {
		o := p.outcomeOf(&p.routers[i])
		o.router.Reach = o.reach
		o.router.Items = finding.Unique(append(o.router.Items, o.items...))
		p.outcomes[i] = o
	}
}

// judgeRouters says of each router whether it reaches the VIP.
func (p *picture) judgeRouters() {
	all := p.outcomes
	p.reportReaching(all)
	p.reportRouters(all, idContradiction, func(o *outcome) bool { return o.against != "" }, func(who string, _ int) string {
		return fmt.Sprintf("Packets for %v come from the MAC of r%s, and that is contradicted. One of the two may be forged.", p.vip, who[1:])
	})
	p.judgeClaims(all)
	p.judgeOtherSource()
	p.reportRouters(all, idIgnores, func(o *outcome) bool { return o.reach == DoesNotReach && o.group }, func(who string, n int) string {
		return fmt.Sprintf("%s %s the group MAC that %v answers with: remote subnets are cut off.", who, verb(n, "does not accept", "do not accept"), p.vip)
	})
	p.reportRouters(all, idDoesNotReach, func(o *outcome) bool { return o.reach == DoesNotReach && !o.group }, func(who string, n int) string {
		return fmt.Sprintf("%s %s %v, though it answers here: remote subnets are cut off.", who, verb(n, "does not reach", "do not reach"), p.vip)
	})
	p.nameRefusedMasks()
	p.reportRouters(all, idInconclusive, func(o *outcome) bool { return o.open != "" && o.reach == NotLearnt }, func(who string, n int) string {
		return fmt.Sprintf("Whether r%s %s %v is not known: its test showed nothing in the time that it had.", who[1:], verb(n, "reaches", "reach"), p.vip)
	})
	p.judgeRedirects(all)
	p.judgeAskers(all)
	p.judgeKeepsAsking(all)
	p.judgeUntested(all)
	p.judgePairs()
}

// nameRefusedMasks names one more cause of a router that does not reach a cluster in
// unicast mode: it drops answers whose frame comes from another MAC than they name.
func (p *picture) nameRefusedMasks() {
	f := p.findings[idDoesNotReach]
	masked := where(p.claims, func(s sighting) bool { return isClusterUnicast(s) && s.arp.EthSrc != s.arp.SenderMAC && s.act != asks })
	if f == nil || len(masked) == 0 {
		return
	}
	f.Evidence = append(f.Evidence, fmt.Sprintf("the answers come from %s and name %s: a router that compares the two drops them", name(sources(masked)), name(senders(masked))))
	f.Items = finding.Unique(append(f.Items, itemsOf(masked)...))
}

func verb(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

// outcomeOf weighs what is known of one router. Where several MACs claim to be it,
// each is weighed by itself: it reaches the VIP only if each of them does.
func (p *picture) outcomeOf(r *Router) *outcome {
	o := &outcome{router: r}
	o.claims, o.state = p.claimants(r.IP)
	if len(o.claims) > 0 {
		r.MAC = o.claims[0].mac
	}
	if o.state == uncontested {
		for _, c := range o.claims {
			o.take(p, c.mac)
		}
		o.asking = p.askingOf(func(s sighting) bool { return p.speaksFor(r.IP, s) })
		p.weigh(o)
		return o
	}
	var each []*outcome
	for n, c := range o.claims {
		one := &outcome{router: r, mac: c.mac}
		if n < maxClaimants {
			one.take(p, c.mac)
			one.asking = p.askingOf(func(s sighting) bool { return s.arp.SenderMAC == c.mac })
			p.weigh(one)
			o.joinOutcome(one)
		}
		if len(r.Places) < MaxPlaces {
			r.Places = append(r.Places, Place{MAC: c.mac, Reach: one.reach, Heard: c.heard})
		} else {
			r.More++
		}
		if !p.isNobody(c) {
			each = append(each, one)
		}
	}
	reach := 0
	for _, one := range each {
		switch {
		case one.reach == Reaches:
			reach++
		case one.reach == DoesNotReach:
			o.reach, o.group = DoesNotReach, o.group || one.group
		case o.open == "":
			o.open = one.open
		}
	}
	switch {
	case o.reach == DoesNotReach, reach == 0:
	case reach == len(each):
		o.reach, o.open = Reaches, ""
	default:
		o.open = fmt.Sprintf("%d of %d MACs that claim its address are proven to reach the VIP, and which is the router's cannot be told", reach, len(each))
		o.text = append(o.text, fmt.Sprintf("router %v: %s", r.IP, o.open))
	}
	if o.reach == DoesNotReach {
		o.open = ""
	}
	return o
}

// maxClaimants bounds the MACs of one router that are weighed.
const maxClaimants = 8

// take adds what is known of the router by way of one MAC.
func (o *outcome) take(p *picture, m mac.Addr) {
	if t := p.trials[m]; t != nil {
		o.trial.join(t)
	}
	if !p.claimed[m] {
		o.others = append(o.others, p.passing[m]...)
	}
}

// joinOutcome adds what was found of one of the MACs.
func (o *outcome) joinOutcome(one *outcome) {
	o.trial.join(&one.trial)
	o.others = append(o.others, one.others...)
	o.text = append(o.text, one.text...)
	o.items = append(o.items, one.items...)
	o.asking.late += one.asking.late
	if one.against != "" {
		o.against = one.against
	}
}

// weigh decides. What came of packets of our own counts for more than any
// silence, and for more than others' packets, which anybody can send in the
// router's name; an error that came later than a delivery leaves the question
// open.
func (p *picture) weigh(o *outcome) {
	t := &o.trial
	faults := slices.Concat(t.refused, t.misled)
	routes := len(t.hairpins)+len(t.redirects) > 0
	refuses := len(t.refused) > 0 || routes && o.asking.keeps()
	switch {
	case len(t.delivered) > 0 && !latest(t.delivered).Before(latest(faults)):
		o.reach = Reaches
		o.tell(p, t.delivered, faults)
		return
	case len(t.delivered) > 0:
		o.open = "it forwarded at first and failed later, or the other way about; whoever sees our packet on the wire can forge such an error"
		o.tell(p, t.delivered, faults)
		return
	case len(t.probes) == 0 && len(o.others) == 0:
		return
	case len(t.probes) == 0:
		if o.against = p.asksOnAfter(o); o.against == "" {
			o.reach = Reaches
		}
		o.tell(p, o.others)
		return
	case p.answeredAt().IsZero() || p.asked > 0 && p.answered == 0:
		o.open = "the VIP answers nobody here, so its silence says nothing of the router"
		o.tell(p, faults)
		return
	case len(t.misled) > 0:
		o.reach = DoesNotReach
		o.tell(p, t.misled, t.refused, o.others)
	case refuses:
		o.reach = DoesNotReach
		o.group = p.groupAnswers() && (t.noARP || o.asking.keeps())
		o.tell(p, t.refused, t.redirects, t.hairpins, o.others)
	case len(o.others) > 0:
		o.tell(p, o.others, t.barred, t.redirects, t.hairpins)
	default:
		o.open = p.whyOpen(t)
		o.tell(p, t.barred, t.redirects, t.hairpins)
	}
	switch {
	case len(o.others) == 0:
	case o.reach == DoesNotReach:
		o.against = "our own packets did not get there"
	default:
		o.against = fmt.Sprintf("nothing came of %s of our own", finding.Many(countProbes(t.probes), "packet"))
	}
}

func countProbes(all []*probe) int {
	n := 0
	for _, pr := range all {
		n += pr.count
	}
	return n
}

// asksOnAfter says what the router asked after others' packets came from its MAC:
// one that asks everybody on has no MAC for the VIP, and did not send them.
func (p *picture) asksOnAfter(o *outcome) string {
	from := o.others[0].last
	for _, s := range o.others {
		if first := p.items[s.item].First; first.Before(from) {
			from = first
		}
	}
	since := p.askingSince(from, func(s sighting) bool {
		if o.mac != (mac.Addr{}) {
			return s.arp.SenderMAC == o.mac
		}
		return p.speaksFor(o.router.IP, s)
	})
	if !since.keeps() {
		return ""
	}
	o.items = append(o.items, since.items...)
	return fmt.Sprintf("it went on asking everybody for the VIP, %s in %s after that", finding.Times(since.late), finding.Span(since.last.Sub(since.first)))
}

// whyOpen says what may be behind a test that brought no proof.
func (p *picture) whyOpen(t *trial) string {
	switch {
	case p.answersLeftOut():
		return "too many different packets came to keep them all (" + idFactsCut + "): what came of the test may be among those left out"
	case len(t.barred) > 0:
		return "the router filters what we sent, which is no proof of what it does with others' packets"
	case len(t.hairpins) > 0:
		return "the router forwards to the control host and nothing came of the VIP: its hosts may drop the test, or the entry may be wrong"
	case len(t.controls) > 0:
		return "the control was silent too: the router sends nothing back out where it came in, or filters it, or does not resolve the VIP"
	case len(t.redirects) > 0:
		return "the router would send it back out, and nothing came of it; without a control host the cause cannot be told"
	}
	return "there was no control host: the router may send nothing back out where it came in, filter it, or not resolve the VIP"
}

// answersLeftOut reports whether there may have been consequences of our packets
// that were not kept.
func (p *picture) answersLeftOut() bool {
	return slices.ContainsFunc(p.unkept, func(i int) bool {
		u, ok := p.items[i].Fact.(evidence.Unkept)
		return ok && !u.Unasked && !u.Others && (u.Of == evidence.KindEcho || u.Of == evidence.KindTCP || u.Of == evidence.KindICMPError)
	})
}

// join adds what came of another MAC of the same router.
func (t *trial) join(u *trial) {
	t.probes = append(t.probes, u.probes...)
	t.controls = append(t.controls, u.controls...)
	t.delivered = append(t.delivered, u.delivered...)
	t.refused = append(t.refused, u.refused...)
	t.noARP = t.noARP || u.noARP
	t.misled = append(t.misled, u.misled...)
	t.barred = append(t.barred, u.barred...)
	t.redirects = append(t.redirects, u.redirects...)
	t.hairpins = append(t.hairpins, u.hairpins...)
}

func latest(signs []sign) time.Time {
	var last time.Time
	for _, s := range signs {
		if s.last.After(last) {
			last = s.last
		}
	}
	return last
}

// maxSigns bounds the lines about signs of one kind and one router.
const maxSigns = 2

// tell writes the evidence: what was sent, what came of it, what the router
// asked meanwhile.
func (o *outcome) tell(p *picture, kinds ...[]sign) {
	who := "router " + o.router.IP.String()
	if o.mac != (mac.Addr{}) {
		who += " at " + o.mac.String()
	}
	say := func(format string, args ...any) {
		o.text = append(o.text, who+": "+fmt.Sprintf(format, args...))
	}
	if probes := o.trial.probes; len(probes) > 0 {
		n := 0
		for _, pr := range probes {
			n += pr.count
			o.items = append(o.items, pr.items...)
		}
		say("we sent %s for %v by way of %v, the first %s", finding.Many(n, "packet"), p.vip, probes[0].to, p.at(probes[0].first))
	}
	for _, signs := range kinds {
		for i, s := range signs {
			if i < maxSigns {
				say("%s", s.text)
			}
			o.items = append(o.items, s.item)
		}
	}
	if len(o.others) > 0 {
		say("%s", worth(p, o.others))
	}
	if o.reach != Reaches && o.asking.late > 0 {
		say("%s", o.asking)
		o.items = append(o.items, o.asking.items...)
	}
	if o.open != "" {
		if c := o.trial.controls; len(c) > 0 && len(o.trial.hairpins) == 0 {
			say("control %v, by the same way: silent", c[0].Dst)
			for _, pr := range c {
				o.items = append(o.items, pr.items...)
			}
		}
		say("%s", o.open)
	}
}

// worth says what others' packets are worth as evidence.
func worth(p *picture, signs []sign) string {
	n := 0
	for _, s := range signs {
		n += p.items[s.item].Sightings()
	}
	if n == 1 {
		return "that is one packet, and anybody can send one in the router's name"
	}
	return fmt.Sprintf("those are %s, not our own: anybody can send such in the router's name", finding.Many(n, "packet"))
}

// reportReaching notes the routers that reach the VIP. Where only others' packets
// show it, that is worth less than what came of our own.
func (p *picture) reportReaching(all []*outcome) {
	reaches := func(o *outcome) bool { return o.reach == Reaches }
	lone := true
	own := false
	for _, o := range all {
		if reaches(o) {
			own = own || len(o.trial.delivered) > 0
			lone = lone && p.isLone(o)
		}
	}
	p.reportRouters(all, idRouterReaches, reaches, func(who string, n int) string {
		how := "proven by what came through"
		if !own {
			how = "others' packets come from there"
		}
		return fmt.Sprintf("%s %s %v: %s.", who, verb(n, "reaches", "reach"), p.vip, how)
	})
	if f := p.findings[idRouterReaches]; f != nil && !own {
		f.Certainty = nlb.Inferred
		if lone {
			f.Certainty = nlb.Unconfirmed
			f.Summary = fmt.Sprintf("One packet for %v came from the MAC of %s, so it seems to reach it.", p.vip, lowerFirst(names(slices.DeleteFunc(slices.Clone(all), func(o *outcome) bool { return !reaches(o) }))))
		}
	}
}

// isLone reports that one packet of somebody's is all that shows that a router
// reaches the VIP.
func (p *picture) isLone(o *outcome) bool {
	return o.reach == Reaches && len(o.trial.delivered) == 0 && len(o.others) == 1 && p.items[o.others[0].item].Sightings() == 1
}

// judgeClaims notes the routers whose address several MACs claim.
func (p *picture) judgeClaims(all []*outcome) {
	var l finding.Lines
	var items []int
	var some []*outcome
	sure := false
	for _, o := range all {
		if o.state == uncontested {
			continue
		}
		some = append(some, o)
		sure = sure || o.state == surely
		for n, c := range o.claims {
			if n == maxClaimants {
				l.Add("router %v: and %s more", o.router.IP, finding.Many(len(o.claims)-n, "MAC"))
				break
			}
			word := "heard in hellos only"
			if c.heard > 0 {
				word = fmt.Sprintf("named %s, the first %s, the last %s", finding.Times(c.heard), p.at(c.first), p.at(c.last))
			}
			kind := ""
			if c.isVirtual() {
				kind = " (" + c.class.Name + ")"
			}
			l.Add("router %v at %v%s: %s; %s", o.router.IP, c.mac, kind, word, p.placeWords(o.router, c.mac))
		}
		for _, c := range o.claims {
			items = append(items, c.items...)
		}
	}
	if len(some) == 0 {
		return
	}
	o := some[0]
	p.find(idClaimed, fmt.Sprintf("The address of %s is claimed by %d MACs. One of them may be somebody in its place.", lowerFirst(names(some)), len(o.claims)), l.List(), items)
	if !sure {
		p.findings[idClaimed].Summary = fmt.Sprintf("The address of %s is claimed by its virtual MAC and by another one.", lowerFirst(names(some)))
		p.lower(idClaimed, Info)
	}
}

// placeWords says what is known of one of a router's MACs.
func (p *picture) placeWords(r *Router, m mac.Addr) string {
	for _, place := range r.Places {
		switch {
		case place.MAC != m:
		case place.Reach == Reaches:
			return "reaches the VIP"
		case place.Reach == DoesNotReach:
			return "does not reach the VIP"
		}
	}
	if t := p.trials[m]; t != nil && len(t.probes) > 0 {
		return "tested, and not known"
	}
	return "not tested"
}

// groupAnswers reports that the VIP's answers name a group MAC.
func (p *picture) groupAnswers() bool {
	return slices.ContainsFunc(p.claims, func(s sighting) bool { return isGroup(s) && s.act != asks })
}

// macsOf returns the MACs that a router is said to be at, in order.
func (p *picture) macsOf(ip netip.Addr) []mac.Addr {
	var out []mac.Addr
	for m := range p.routerIs[ip] {
		out = append(out, m)
	}
	slices.SortFunc(out, mac.Addr.Compare)
	return out
}

// speaksFor reports that s comes from the router at ip, or from the router that
// is active for that virtual address.
func (p *picture) speaksFor(ip netip.Addr, s sighting) bool {
	if s.arp.SenderIP == ip || p.routerIs[ip][s.arp.SenderMAC] != nil {
		return true
	}
	return slices.ContainsFunc(p.pairs, func(pr *pair) bool {
		return pr.virtual == ip && slices.ContainsFunc(pr.peers, func(x peer) bool { return x.active && x.ip == s.arp.SenderIP })
	})
}

// names writes the routers of outcomes: "router A", "routers A and B", "routers
// A, B and 3 more".
func names(some []*outcome) string {
	ips := make([]netip.Addr, len(some))
	for i, o := range some {
		ips[i] = o.router.IP
	}
	if len(ips) == 1 {
		return "Router " + ips[0].String()
	}
	return "Routers " + addresses(ips)
}

// addresses writes two addresses, or the first two and how many more there are.
func addresses(ips []netip.Addr) string {
	switch len(ips) {
	case 0:
		return "nobody"
	case 1:
		return ips[0].String()
	case 2:
		return ips[0].String() + " and " + ips[1].String()
	}
	return fmt.Sprintf("%v, %v and %d more", ips[0], ips[1], len(ips)-2)
}

// reportRouters notes a finding about the routers that fit, if there are any.
func (p *picture) reportRouters(all []*outcome, id string, fits func(*outcome) bool, summary func(who string, n int) string) {
	var some []*outcome
	var l finding.Lines
	var items []int
	for _, o := range all {
		if !fits(o) {
			continue
		}
		some = append(some, o)
		for _, text := range o.text {
			l.Add("%s", text)
		}
		items = append(items, o.items...)
	}
	if len(some) > 0 {
		p.find(id, summary(names(some), len(some)), l.List(), items)
	}
}
