package diagnose

import (
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/nlbprobe/nlbprobe/evidence"
	"github.com/nlbprobe/nlbprobe/mac"
)

// What makes an asker one that keeps asking: so many requests after the VIP's
// answer, over so long. An entry's normal renewal is one request, or a few
// within a second.
const (
	keepsAsking     = 3
	keepsAskingOver = time.Second
)

// asking is what one router or host asks for the VIP.
type asking struct {
	late        int // requests to everybody after the VIP had answered
	first, last time.Time
	items       []int
}

func (a asking) keeps() bool { return a.late >= keepsAsking && a.last.Sub(a.first) >= keepsAskingOver }

// String says how often and how fast.
func (a asking) String() string {
	over := a.last.Sub(a.first)
	text := fmt.Sprintf("asks everybody for the VIP %s after it had answered, over %s", times(a.late), span(over))
	if over > 0 {
		text += fmt.Sprintf(" (%.1f per second)", float64(a.late-1)/over.Seconds())
	}
	return text
}

// askingOf puts together the requests that fit. Only those that go to everybody
// count: one to the cluster's MAC shows that its sender knows that MAC.
func (p *picture) askingOf(fits func(sighting) bool) asking {
	var a asking
	if !p.answeredAt().IsZero() {
		for _, s := range p.askers {
			if s.arp.EthDst.IsBroadcast() && fits(s) {
				a.add(s.item, p.items[s.item], p.answeredAt())
			}
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
		case first.IsZero() || at.Before(first):
			first = at
		}
	}
	late := sightings(it) - early
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

// outcome is what is known of one router, and why.
type outcome struct {
	router *Router
	trial  trial // of all its MACs together
	asking asking
	reach  Reach
	group  bool   // it does not reach the VIP because the answer names a group MAC
	open   string // tested, and not learnt: why
	text   []string
	items  []int
}

// judgeRouters says of each router whether it reaches the VIP.
func (p *picture) judgeRouters() {
	all := make([]*outcome, len(p.routers))
	for i := range p.routers {
		o := p.outcomeOf(&p.routers[i])
		o.router.Reach = o.reach
		o.router.Items = unique(append(o.router.Items, o.items...))
		all[i] = o
	}
	p.reportRouters(all, idRouterReaches, func(o *outcome) bool { return o.reach == Reaches }, func(who string, n int) string {
		return fmt.Sprintf("%s %s %v: proven by what came through.", who, verb(n, "reaches", "reach"), p.vip)
	})
	p.reportRouters(all, idIgnores, func(o *outcome) bool { return o.reach == DoesNotReach && o.group }, func(who string, n int) string {
		return fmt.Sprintf("%s %s the group MAC that %v answers with: remote subnets are cut off.", who, verb(n, "does not accept", "do not accept"), p.vip)
	})
	p.reportRouters(all, idDoesNotReach, func(o *outcome) bool { return o.reach == DoesNotReach && !o.group }, func(who string, n int) string {
		return fmt.Sprintf("%s %s %v, though it answers here: remote subnets are cut off.", who, verb(n, "does not reach", "do not reach"), p.vip)
	})
	p.reportRouters(all, idInconclusive, func(o *outcome) bool { return o.open != "" }, func(who string, n int) string {
		return fmt.Sprintf("Whether r%s %s %v stays open: the test came to nothing.", who[1:], verb(n, "reaches", "reach"), p.vip)
	})
	p.judgeRedirects(all)
	p.judgeAskers(all)
	p.judgeKeepsAsking(all)
	p.judgeUntested(all)
	p.judgePairs()
	p.settleGroupMAC(all)
}

func verb(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

// outcomeOf weighs what is known of one router. What came through counts for
// more than any silence; an error that came later than it leaves the question
// open.
func (p *picture) outcomeOf(r *Router) *outcome {
	o := &outcome{router: r}
	for _, m := range p.macsOf(r.IP) {
		if t := p.trials[m]; t != nil {
			o.trial.join(t)
		}
		if !p.claimed[m] {
			o.trial.delivered = append(o.trial.delivered, p.passing[m]...)
		}
	}
	t := &o.trial
	o.asking = p.askingOf(func(s sighting) bool { return p.speaksFor(r.IP, s) })
	faults := slices.Concat(t.refused, t.misled)
	routes := len(t.hairpins)+len(t.redirects) > 0
	switch {
	case len(t.delivered) > 0 && !latest(t.delivered).Before(latest(faults)):
		o.reach = Reaches
		o.tell(p, t.delivered, faults)
		return o
	case len(t.delivered) > 0:
		o.open = "it forwarded at first and failed later, or the other way about"
		o.tell(p, t.delivered, faults)
	case len(t.probes) == 0:
		return o
	case p.answeredAt().IsZero() || p.asked > 0 && p.answered == 0:
		o.open = "the VIP answers nobody here, so its silence says nothing of the router"
		o.tell(p, faults)
	case len(t.misled) > 0:
		o.reach = DoesNotReach
		o.tell(p, t.misled, t.refused)
	case len(t.refused) > 0, routes && o.asking.keeps():
		o.reach = DoesNotReach
		o.group = p.groupAnswers() && (t.noARP || o.asking.keeps())
		o.tell(p, t.refused, t.redirects, t.hairpins)
	default:
		o.open = p.whyOpen(t)
		o.tell(p, t.barred, t.redirects, t.hairpins)
	}
	return o
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
	return p.leftOut(evidence.KindEcho) || p.leftOut(evidence.KindTCP) || p.leftOut(evidence.KindICMPError)
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
	say := func(format string, args ...any) {
		o.text = append(o.text, who+": "+fmt.Sprintf(format, args...))
	}
	if probes := o.trial.probes; len(probes) > 0 {
		n := 0
		for _, pr := range probes {
			n += pr.count
			o.items = append(o.items, pr.items...)
		}
		say("%s for %v handed to %v, the first %s", many(n, "packet"), p.vip, probes[0].to, p.at(probes[0].first))
	}
	for _, signs := range kinds {
		for i, s := range signs {
			if i < maxSigns {
				say("%s", s.text)
			}
			o.items = append(o.items, s.item)
		}
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
	if s.arp.SenderIP == ip || p.routerIs[ip][s.arp.SenderMAC] {
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
	var l lines
	var items []int
	for _, o := range all {
		if !fits(o) {
			continue
		}
		some = append(some, o)
		for _, text := range o.text {
			l.add("%s", text)
		}
		items = append(items, o.items...)
	}
	if len(some) > 0 {
		p.find(id, summary(names(some), len(some)), l.list(), items)
	}
}
