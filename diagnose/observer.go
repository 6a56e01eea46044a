package diagnose

import (
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/nlbprobe/nlbprobe/evidence"
	"github.com/nlbprobe/nlbprobe/finding"

	"github.com/nlbprobe/nlbprobe/mac"
)

// observerFacts is who listened, when and how, and what did not get further.
type observerFacts struct {
	own       map[mac.Addr]bool // the observer's own MACs
	addresses []netip.Addr      // the observer's own IPv4 addresses
	gateways  []netip.Addr      // in order, without the VIP
	isGateway bool              // the VIP itself is a gateway of this host

	asked     int   // how often we asked for the VIP
	questions []int // items: our questions
	ownVIP    []int // items in which this host itself is the VIP

	bad, malformed, vantages, listened, lost, unkept, captured []int

	missed []int // items: frames were lost after the last question for the VIP
}

// judgeObserver finds what is to be said of the observation itself.
func (p *picture) judgeObserver() {
	p.judgeSilence()
	p.judgeOwnHost()
	p.judgeLimits()
}

// tooShort is less than a busy host or a first question that was lost needs.
const tooShort = time.Second

func (p *picture) judgeSilence() {
	heard, known := p.listenedFor()
	var l finding.Lines
	if p.asked > 0 {
		l.Add("%s for %v went out, the first %s", finding.Many(p.asked, "question"), p.vip, p.at(p.items[p.questions[0]].First))
	} else {
		l.Add("no question of ours for %v is in the evidence", p.vip)
	}
	if known {
		l.Add("listened for %s", finding.Span(heard))
		if heard < tooShort && len(p.claims) == 0 {
			l.Add("that is short: a busy host can answer later")
		}
	}
	if lost := count(p.items, p.lost); lost > 0 {
		l.Add("%s lost meanwhile: this silence is no proof of silence", finding.Many(lost, "frame"))
	}
	rests := slices.Concat(p.questions, p.listened, p.lost)
	over := ""
	if known {
		over = " in " + finding.Span(heard)
	}
	frames, items := p.addressed()
	switch {
	case p.onlyCarried(), p.onlySent():
	case len(p.claims) == 0 && len(p.members) > 0 && !p.live:
		// A capture of heartbeats: the cluster is there, and ARP was not asked for.
	case len(p.claims) == 0 && p.asked == 0 && len(p.members) > 0:
		l.Add("heartbeats of %s of its cluster were heard", finding.Many(len(p.members), "host"))
		p.find(idSilent, fmt.Sprintf("No ARP of %v was seen%s; its hosts are heard by their heartbeats.", p.vip, over), l.List(), slices.Concat(rests, itemsOfMembers(p.members)))
	case len(p.claims) == 0 && p.asked > 0 && len(p.missed) > 0:
		l.Add("frames were lost after the last of them: an answer may be among those")
		p.find(idMissed, fmt.Sprintf("Whether %v answers could not be told: frames were lost after each of %s.", p.vip, finding.Many(p.asked, "question")), l.List(), slices.Concat(rests, p.missed))
	case len(p.claims) == 0 && p.asked > 0:
		p.find(idSilent, fmt.Sprintf("Nothing answered for %v: %s%s.", p.vip, finding.Many(p.asked, "question"), over), l.List(), rests)
	case len(p.claims) == 0 && frames > 0:
		l.Add("%s for it, of others", finding.Many(frames, "frame"))
		p.find(idSilent, fmt.Sprintf("Nobody answers for %v%s, though others send to it; nothing was asked.", p.vip, over), l.List(), slices.Concat(rests, items))
	case len(p.claims) == 0:
		p.find(idSilent, fmt.Sprintf("Nothing was seen of %v%s, and nothing was asked.", p.vip, over), l.List(), rests)
	case p.live && p.asked > 0 && p.answered == 0:
		for _, s := range p.claims {
			l.Add("%s", p.says(s))
		}
		p.find(idNotAnswered, fmt.Sprintf("%v is in use, but %s got no answer%s.", p.vip, finding.Many(p.asked, "question"), over),
			l.List(), slices.Concat(rests, itemsOf(p.claims)))
	}

	if p.asked > 0 {
		return
	}
	var passive []int
	l = finding.Lines{}
	for _, i := range p.listened {
		if f, ok := p.items[i].Fact.(evidence.Listened); ok && f.Passive {
			passive = append(passive, i)
			l.Add("%s listening on %s began, for %s, sending nothing", p.at(p.items[i].First), finding.Quoted(f.Interface), finding.Span(p.items[i].Last.Sub(p.items[i].First)))
		}
	}
	if len(passive) > 0 {
		p.find(idPassive, fmt.Sprintf("The observer only listened and asked nothing about %v. What it did not hear may exist.", p.vip), l.List(), passive)
	}
}

// after counts the kept instants of an item that come after t.
func (p *picture) after(item int, t time.Time) int {
	if t.IsZero() {
		return 0
	}
	n := 0
	for _, at := range p.items[item].Times {
		if at.After(t) {
			n++
		}
	}
	return n
}

// judgeOwnHost notes that the observer itself is, or seems to be, the VIP.
func (p *picture) judgeOwnHost() {
	if len(p.ownVIP) == 0 {
		return
	}
	var l finding.Lines
	for _, i := range p.ownVIP {
		switch f := p.items[i].Fact.(type) {
		case evidence.Vantage:
			l.Add("%v is an address of %s on this host", p.vip, finding.Quoted(f.Interface))
		case evidence.ARP:
			from := "a frame of another host"
			switch {
			case f.Out:
				from = "a frame that this host sent"
			case p.own[f.EthSrc]:
				from = "a frame with this host's address as source"
			}
			l.Add("%s %s says that %v is at %v", p.at(p.items[i].First), from, p.vip, f.SenderMAC)
		}
	}
	p.find(idOwnHost, fmt.Sprintf("This host itself appears as %v. What is learnt here does not hold for clients.", p.vip), l.List(), p.ownVIP)
}

// judgeLimits notes what makes the observation less than whole.
func (p *picture) judgeLimits() {
	if len(p.bad) > 0 {
		var l finding.Lines
		for _, i := range p.bad {
			if f, ok := p.items[i].Fact.(evidence.BadARP); ok {
				l.Add("%s from %v: %s, %s", p.at(p.items[i].First), f.EthSrc, finding.Quoted(f.Reason.String()), finding.Times(p.items[i].Sightings()))
			}
		}
		p.find(idMalformed, fmt.Sprintf("%s on the segment, left out of the judgement.", finding.Many(count(p.items, p.bad), "malformed ARP frame")), l.List(), p.bad)
	}
	if len(p.lost) > 0 {
		var l finding.Lines
		for _, i := range p.lost {
			if f, ok := p.items[i].Fact.(evidence.Lost); ok {
				l.Add("%s on %s, until %s", finding.Many(p.items[i].Sightings(), "frame"), finding.Quoted(f.Interface), p.offset(p.items[i].Last))
			}
		}
		p.find(idLost, fmt.Sprintf("%s lost before they could be read. What was not seen may be among them.", finding.Many(count(p.items, p.lost), "frame")), l.List(), p.lost)
	}
	p.judgeCuts()

	if own := p.offLink(); len(own) > 0 {
		var l finding.Lines
		for _, i := range own {
			if v, ok := p.items[i].Fact.(evidence.Vantage); ok {
				l.Add("%s has %v", finding.Quoted(v.Interface), v.Address)
			}
		}
		p.find(idOffLink, fmt.Sprintf("%v is on no subnet of the observed interfaces; ARP does not cross routers.", p.vip), l.List(), own)
	}
}

// offLink returns the items that give this host's addresses, where none of them is
// in the VIP's subnet.
func (p *picture) offLink() []int {
	var own []int
	for _, i := range p.vantages {
		v, ok := p.items[i].Fact.(evidence.Vantage)
		if !ok || !v.Address.IsValid() || !v.Address.Addr().Is4() {
			continue
		}
		if v.Address.Contains(p.vip) {
			return nil
		}
		own = append(own, i)
	}
	return own
}

// manyUnasked is from how many answers on that match nothing of ours it is said:
// a few are late ones to a run before this.
const manyUnasked = 10

// judgeCuts notes the kinds of facts of which there were too many to keep, and
// what claims to be an answer to us and is none.
func (p *picture) judgeCuts() {
	cut := func(id, what string, fits func(evidence.Kind) bool) {
		var l finding.Lines
		var items []int
		for _, i := range p.unkept {
			if f, ok := p.items[i].Fact.(evidence.Unkept); ok && !f.Unasked && fits(f.Of) {
				items = append(items, i)
				whose := ""
				if f.Others {
					whose = ", of others' packets,"
				}
				l.Add("%s of kind %v%s left out, from %s on", finding.Many(p.items[i].Sightings(), "sighting"), f.Of, whose, p.offset(p.items[i].First))
			}
		}
		if len(items) > 0 {
			p.find(id, fmt.Sprintf("%s of %s left out: there are too many different ones. Lists are cut.", finding.Many(count(p.items, items), "sighting"), what), l.List(), items)
		}
	}
	var l finding.Lines
	var unasked []int
	for _, i := range p.unkept {
		if f, ok := p.items[i].Fact.(evidence.Unkept); ok && f.Unasked {
			unasked = append(unasked, i)
			l.Add("%s of kind %v, the first %s, that repeat the numbers of no packet of ours", finding.Many(p.items[i].Sightings(), "frame"), f.Of, p.at(p.items[i].First))
		}
	}
	if count(p.items, unasked) >= manyUnasked {
		p.find(idUnasked, fmt.Sprintf("%s about %v, sent to this host, match nothing that it asked. They count for nothing.", finding.Many(count(p.items, unasked), "frame"), p.vip), l.List(), unasked)
	}
	cut(idAnswersCut, "ARP replies", func(k evidence.Kind) bool { return k == evidence.KindARPReply })
	cut(idFactsCut, "other facts", func(k evidence.Kind) bool { return k != evidence.KindARPReply })
}
