package diagnose

import (
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/nlbprobe/nlbprobe/finding"
	"github.com/nlbprobe/nlbprobe/inet"
	"github.com/nlbprobe/nlbprobe/mac"
)

// anyRouter reports whether a router was found to be so.
func (p *picture) anyRouter(reach Reach) bool {
	return slices.ContainsFunc(p.routers, func(r Router) bool { return r.Reach == reach })
}

// judgeRedirects notes the routers that would send a packet for the VIP back
// out, where that is all that is known of them.
func (p *picture) judgeRedirects(all []*outcome) {
	var some []*outcome
	var l finding.Lines
	var items []int
	for _, o := range all {
		if len(o.trial.redirects) == 0 || o.reach != NotLearnt {
			continue
		}
		some = append(some, o)
		for _, s := range o.trial.redirects {
			l.Add("router %v: %s", o.router.IP, s.text)
			items = append(items, s.item)
		}
	}
	if len(some) > 0 {
		p.find(idRedirects, fmt.Sprintf("%s %s that %v is on this subnet. Whether a packet gets there is another matter.",
			names(some), verb(len(some), "says", "say"), p.vip), l.List(), items)
	}
}

// settled reports whether s comes from a router of which is known whether it
// reaches the VIP.
func (p *picture) settled(all []*outcome, s sighting) bool {
	return slices.ContainsFunc(all, func(o *outcome) bool { return o.reach != NotLearnt && p.speaksFor(o.router.IP, s) })
}

// asker is who asks for the VIP.
type asker struct {
	ip  netip.Addr
	mac mac.Addr
}

func askerOf(s sighting) asker { return asker{s.arp.SenderIP, s.arp.SenderMAC} }

// judgeAskers notes who else asks for the VIP, and how often after it was
// answered. It proves nothing about them; routers of which more is known are left
// out.
func (p *picture) judgeAskers(all []*outcome) {
	open := where(p.askers, func(s sighting) bool { return !p.settled(all, s) })
	if len(open) == 0 {
		return
	}
	var l finding.Lines
	for _, s := range open {
		who := fmt.Sprintf("%v at %v", s.arp.SenderIP, s.arp.SenderMAC)
		if !inet.IsHost(s.arp.SenderIP) {
			who = fmt.Sprintf("%v, without an IP address,", s.arp.SenderMAC)
		}
		again := ""
		if late := p.after(s.item, p.answeredAt()); late > 0 {
			again = fmt.Sprintf(", at least %d of them after an answer was heard", late)
		}
		l.Add("%s %s asks %s%s", p.at(s.first), who, finding.Times(s.count), again)
	}
	who := "Another host asks"
	if n := len(distinct(open, askerOf)); n > 1 {
		who = fmt.Sprintf("%d others ask", n)
	}
	p.find(idOthersAsk, fmt.Sprintf("%s for %v. Whether the answers are accepted is not known.", who, p.vip), l.List(), itemsOf(open))
}

// judgeKeepsAsking notes those who ask again and again although the VIP
// answered, and of whom no test tells more.
func (p *picture) judgeKeepsAsking(all []*outcome) {
	var l finding.Lines
	var items []int
	var who []netip.Addr
	open := where(p.askers, func(s sighting) bool { return !p.settled(all, s) })
	by := make(map[asker][]sighting)
	for _, s := range open {
		by[askerOf(s)] = append(by[askerOf(s)], s)
	}
	for _, a := range distinct(open, askerOf) {
		// A packet of the asker to the cluster's MAC shows that it had an entry by then.
		asking := p.askingAmong(by[a], latest(p.passing[a.mac]))
		if !asking.keeps() || !inet.IsHost(a.ip) || !p.answersReach(a, asking) {
			continue
		}
		kind := "whether it is a router is not known"
		if i := slices.IndexFunc(p.routers, func(r Router) bool { return r.IP == a.ip || p.routerIs[r.IP][a.mac] != nil }); i >= 0 {
			kind = "router " + p.routers[i].IP.String() + ", " + p.routers[i].Why
		}
		l.Add("%s %v at %v (%s) %s", p.at(asking.first), a.ip, a.mac, kind, asking)
		items = append(items, asking.items...)
		who = append(who, a.ip)
	}
	if len(who) > 0 {
		p.find(idKeepsAsking, fmt.Sprintf("%s %s asking for %v although it answers: the answers are not accepted, or get lost.",
			addresses(who), verb(len(who), "keeps", "keep"), p.vip), l.List(), items)
		if !slices.ContainsFunc(p.claims, p.canBeRefused) {
			p.lower(idKeepsAsking, Info)
			p.findings[idKeepsAsking].Summary = fmt.Sprintf("%s %s asking for %v although it answers, as programs do that watch addresses by ARP. No router refuses such answers.",
				addresses(who), verb(len(who), "keeps", "keep"), p.vip)
		}
	}
}

// canBeRefused reports an answer that is not as every host's: it names another MAC
// than the one that it comes from, or one that is no host's.
func (p *picture) canBeRefused(s sighting) bool {
	return s.act != asks && (s.arp.SenderMAC != s.arp.EthSrc || s.arp.SenderMAC.IsGroup() || s.arp.SenderMAC.IsZero())
}

// answersReach reports whether the VIP answered the asker while it asked. A live
// run asks too, and hears that the VIP does answer. In a capture the VIP may be
// silent for a while, or its answers were not captured: so retries have to follow
// answers to the asker itself.
func (p *picture) answersReach(a asker, asking asking) bool {
	if p.live {
		return true
	}
	var answered []time.Time
	for _, s := range p.claims {
		if s.act == answers && s.arp.TargetIP == a.ip {
			answered = append(answered, p.items[s.item].Times...)
		}
	}
	inVain := 0
	for _, at := range asking.retries() {
		if slices.ContainsFunc(answered, func(t time.Time) bool { return t.Before(at) && at.Sub(t) <= retryWithin }) {
			inVain++
		}
	}
	return inVain >= keepsAsking-1
}

// ordinaryRouters is how many routers a segment may have without more being
// said: a few groups of two that share an address each.
const ordinaryRouters = 6

// judgeUntested notes the routers that were not tested. Without a router and
// without a VIP there is nothing to test.
func (p *picture) judgeUntested(all []*outcome) {
	if len(p.claims) == 0 && len(p.offLink()) > 0 {
		return // the routers here are those of another segment than the VIP's
	}
	var l finding.Lines
	var items []int
	var some []*outcome
	for _, o := range all {
		if o.reach != NotLearnt || o.open != "" || o.against != "" {
			continue
		}
		some = append(some, o)
		r := o.router
		items = append(items, r.Items...)
		at := "its MAC was not heard"
		if !r.MAC.IsZero() {
			at = "at " + r.MAC.String()
		}
		l.Add("router %v (%s), %s: not tested", r.IP, r.Why, at)
	}
	switch n := len(some); {
	case n == 1:
		p.find(idRouterUntested, fmt.Sprintf("Whether router %v reaches %v was not tested.", some[0].router.IP, p.vip), l.List(), items)
	case n > 1:
		p.find(idRouterUntested, fmt.Sprintf("Whether the %d known routers reach %v was not tested.", n, p.vip), l.List(), items)
	case len(all) == 0 && len(p.claims) > 0:
		p.find(idRouterUntested, fmt.Sprintf("No router is known that could be tested for %v.", p.vip),
			[]string{"no gateway was given, and nobody asked from a virtual router's MAC"}, itemsOf(p.claims))
	}
	// With more than an ordinary segment has, some may be invented to crowd others out.
	if len(some) == 0 || len(all) <= ordinaryRouters && p.moreRouters == 0 {
		p.lower(idRouterUntested, Info)
	}
	if n := len(some); n > 0 && n < len(all) {
		p.findings[idRouterUntested].Summary = fmt.Sprintf("Whether %s %s %v was not tested; others were.", lowerFirst(names(some)), verb(n, "reaches", "reach"), p.vip)
	}
}

// judgePairs names the routers that share a virtual address: what one of them
// is given, each of them needs.
func (p *picture) judgePairs() {
	var l finding.Lines
	var items []int
	var first string
	for _, pr := range p.pairs {
		ips := make([]netip.Addr, len(pr.peers))
		for i, x := range pr.peers {
			ips[i] = x.ip
			role := "stands by"
			if x.active {
				role = "active"
			}
			l.Add("%s: router %v, %s, heard %s", pr.name, x.ip, role, p.at(p.items[x.item].First))
		}
		if len(pr.peers) == 1 {
			why := "the other one was not heard"
			if pr.silent {
				why = "in VRRP those that stand by send nothing, so the other one is not named"
			}
			l.Add("%s: only one router is heard; %s", pr.name, why)
		}
		items = append(items, pr.items...)
		if first == "" {
			share := fmt.Sprintf("Routers %s share", addresses(ips))
			if len(ips) == 1 {
				share = fmt.Sprintf("Router %v and others not heard share", ips[0])
			}
			what := "an address"
			if pr.virtual.IsValid() {
				what = pr.virtual.String()
			}
			first = fmt.Sprintf("%s %s (%s). Each needs its own entry for the VIP.", share, what, pr.name)
		}
	}
	if len(p.pairs) > 0 {
		p.find(idPair, first, l.List(), items)
	}
}

func lowerFirst(s string) string {
	if s == "" {
		return s
	}
	return string(s[0]|0x20) + s[1:]
}
