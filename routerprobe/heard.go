package routerprobe

import (
	"time"

	"github.com/nlbprobe/nlbprobe/evidence"
	"github.com/nlbprobe/nlbprobe/mac"
)

// The functions here return the target that a fact may have ended, or nil.

// find returns the open question whose packet is the one given; if the packet is
// not whole, its Token is not known.
func (p *Probe) find(packet evidence.Packet, whole bool) *question {
	if q, ok := p.packets.Find(packet, whole); ok && q.target.outcome == Open {
		return q
	}
	return nil
}

// answered notes what came back from q's target in a frame of from. In a frame
// of the router's own it did not: a firewall answers there in the target's name.
func (p *Probe) answered(q *question, from mac.Addr, at time.Time) {
	if from == p.router.MAC {
		q.closed = true
		return
	}
	p.delivered(q.target, at)
}

// delivered ends the asking for t. What our SYNs may have opened there is to be
// closed, heard of or not.
func (p *Probe) delivered(t *target, at time.Time) {
	t.outcome = Delivered
	p.routes = true
	for _, q := range t.questions {
		if q.port != 0 && q.asked > 0 && !q.closed {
			p.resets = append(p.resets, reset{q, at})
		}
	}
}

// forwarded reports whether a packet of ours for t was seen on its way from the
// router to t's MAC.
func (p *Probe) forwarded(t *target, src, dst mac.Addr, ttl uint8) bool {
	return ttl == TTL-1 && src != p.src.MAC && dst == t.MAC && !dst.IsZero()
}

// heardEcho takes the target's reply, or our own request forwarded.
func (p *Probe) heardEcho(e evidence.Echo, at time.Time) *target {
	if e.Out {
		return nil
	}
	if e.Reply {
		packet, whole, _ := evidence.Answered(e)
		q := p.find(packet, whole)
		if q == nil {
			return nil
		}
		p.answered(q, e.EthSrc, at)
		return q.target
	}
	return p.heardCopy(e, e.EthSrc, e.EthDst, e.TTL, at)
}

// heardCopy takes our own packet forwarded.
func (p *Probe) heardCopy(f evidence.Fact, src, dst mac.Addr, ttl uint8, at time.Time) *target {
	packet, ok := evidence.Asked(f)
	if !ok {
		return nil
	}
	q := p.find(packet, true)
	if q == nil || !p.forwarded(q.target, src, dst, ttl) {
		return nil
	}
	p.delivered(q.target, at)
	return q.target
}

// heardTCP takes the target's answer to a SYN, or our own SYN forwarded.
func (p *Probe) heardTCP(s evidence.TCP, at time.Time) *target {
	if s.Out {
		return nil
	}
	packet, whole, answer := evidence.Answered(s)
	if !answer {
		return p.heardCopy(s, s.EthSrc, s.EthDst, s.TTL, at)
	}
	q := p.find(packet, whole)
	if q == nil {
		return nil
	}
	if s.RST {
		q.closed = true // nothing is open
		if s.EthSrc != p.router.MAC {
			p.delivered(q.target, at)
		}
		return q.target
	}
	if p.answered(q, s.EthSrc, at); q.closed {
		p.resets = append(p.resets, reset{q, at})
	}
	return q.target
}

// heardError takes an ICMP error about one of our packets. Who says it is not
// judged by address: a router that shares a virtual address speaks from its own.
// A redirect ends nothing: whoever sends one forwards the packet all the same
// (RFC 1812 5.2.7.2).
func (p *Probe) heardError(e evidence.ICMPError, at time.Time) *target {
	packet, whole, _ := evidence.Answered(e)
	if e.Type == evidence.Redirect {
		_, ours := p.packets.Find(packet, whole)
		p.routes = p.routes || ours
		return nil
	}
	q := p.find(packet, whole)
	switch {
	case q == nil:
		return nil
	case e.From == q.target.IP && e.EthSrc != p.router.MAC:
		// Whatever it refuses, it got the packet.
		q.closed = true
		p.delivered(q.target, at)
	case e.Type == evidence.TimeExceeded || cannotReach(e.Code):
		q.target.outcome = Unreachable
	default:
		q.closed = true // some rule does not let it through
	}
	return q.target
}

// cannotReach reports whether the code of a destination unreachable means that
// there is no way to the host: network and host unreachable (0, 1), source route
// failed (5), unknown (6, 7), isolated (8), unreachable for the type of service
// (11, 12) (RFC 792, RFC 1122 3.2.2.1). The others say that the packet was
// refused, on the way or in the host's stead (RFC 1812 5.2.7.1).
func cannotReach(code uint8) bool {
	switch code {
	case 0, 1, 5, 6, 7, 8, 11, 12:
		return true
	}
	return false
}

// heardARP counts the router's own requests for a target that answers them.
func (p *Probe) heardARP(a evidence.ARP, at time.Time) *target {
	if a.Out || a.Op != evidence.Request {
		return nil
	}
	if a.SenderIP != p.router.IP && a.SenderMAC != p.router.MAC {
		return nil
	}
	t := p.byIP[a.TargetIP]
	if t == nil || t.outcome != Open || !t.asked || t.Answered.IsZero() || at.Before(t.Answered) {
		return nil
	}
	if t.asks == 0 {
		t.firstAsk = at
	}
	t.asks++
	// Without a sign that it routes our packets its asking may be for
	// somebody else's: then its word that the host is unreachable, which comes
	// a little later, is waited for. A router limits its redirects' rate.
	if p.routes && t.asks >= p.timing.Asks && at.Sub(t.firstAsk) >= p.timing.AskSpan {
		t.outcome = Asking
	}
	return t
}
