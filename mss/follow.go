// Package mss is about TCP segment sizes: it follows the connections of a capture for
// segments that are longer than their receiver offered to take, and judges what it, or
// this host's kernel, says of them.
package mss

import (
	"bytes"
	"net/netip"
	"slices"
	"time"

	"github.com/nlbprobe/nlbprobe/evidence"
	"github.com/nlbprobe/nlbprobe/inet"
	"github.com/nlbprobe/nlbprobe/observe"
)

// What a host has to take where no maximum segment size is said, in bytes (RFC
// 9293 3.7.1): 576 or 1280 of the least MTU, less two headers.
const (
	DefaultMSS4 = 536
	DefaultMSS6 = 1220
)

// The bounds of what a Follower keeps.
const (
	MaxConnections = 4096 // whose opening was seen, at one time; as many again whose SYN has no answer
	MaxOfEvidence  = 512  // connections that are evidence: the worst

	segmentFacts   = 16 // different facts of one connection and sort
	segmentBytes   = 10 << 20
	segmentAgain   = 2 << 20
	leastBytes     = 2 << 10 // with less left of segmentBytes a connection that weighs less gives way
	segmentSnap    = 256     // bytes kept of a segment: its headers
	recentSegments = 16      // by which a retransmission is known
	obeyedKept     = 4       // sizes kept of segments that fit
	usualMSS       = 1460    // what Ethernet gives: less is worth a look at each segment
)

// Follower follows the TCP connections in a capture for the size of their
// segments. It makes evidence of connections in which one end offers to take
// less than Windows ever sends, or gets segments longer than it offered. A live
// run does without it. The zero value is ready for use; it is not safe for
// concurrent use.
//
// Of all frames nearly none are looked at closer than their headers: those with
// SYN, and those of a connection that takes less than usual or took more.
//
// What is kept is bounded, and the worst of it stays: a connection that segments
// were lost on takes the place of one that is a remark. So those that were left out
// are none worse than those that are there.
type Follower struct {
	byKey  map[flowKey]*connection
	rings  [2]ring       // of connections whose SYN has no answer, and of the others: tried ports push out none of those
	spare  *connection   // one to use again
	found  []*connection // those that are evidence, in the order in which they became so
	left   int           // connections that would be evidence, and gave way
	budget evidence.Budget
	watch  [1 << 16 / 64]uint64 // a bit for each direction that is looked at closer
}

// ring is connections in the order of their opening, the next one to forget at next.
type ring struct {
	list []*connection
	next int
}

// half is one end of a connection, as sender and as receiver.
type half struct {
	seen  bool   // its SYN was seen
	isn   uint32 // the sequence number of that
	takes uint32 // what it acknowledges
	mss   int    // what it takes
	syn   []byte // its SYN
	meta  evidence.Frame
	fact  evidence.TCP
	long  *long // what it sent that is evidence; nil is nothing
}

// long is what one end sent that is evidence.
type long struct {
	recent [recentSegments]sent
	sent   int // segments noted in recent, ever
	obeyed int // sizes of segments noted that fit
	sizes  [obeyedKept]int
	tally  Tally
}

// longs returns what is noted of what an end sent to a receiver.
func (h *half) longs(to *half) *long {
	if h.long == nil {
		h.long = &long{tally: Tally{Offer: to.mss, Own: h.mss}}
	}
	return h.long
}

// sent is a segment longer than its receiver offered to take.
type sent struct {
	seq, length uint32
	options     int
	id          uint16
	at          time.Time
	acked       bool
}

// connection is one TCP connection. Half 0 sends from a to b.
type connection struct {
	key    flowKey
	opener int // the half that sent the SYN without ACK; -1 is not known
	half   [2]half
	ring   int8 // which one it is in; -1 is none
	slot   int
	log    *evidence.Log // nil until it is evidence
	kept   [keptSorts]uint8
	full   bool   // it would be evidence, but there are too many
	weight weight // by which it was, or was not, kept last

	// A segment that may be the first of what is worst, seen when there was no
	// room.
	first *firstSegment
}

// firstSegment is a segment with the headers of its frame.
type firstSegment struct {
	fact  evidence.Segment
	frame evidence.Frame
}

// weight is how much a connection counts for what is kept, by the severity that
// the diagnosis would give it.
type weight uint8

// The weights, rising. A remark that may yet become more counts a little more.
const (
	remark weight = iota
	suspect
	belowFloor
	suspectBelowFloor
	exceeds
	lost
)

// weigh weighs a connection by what was seen of it so far.
func (c *connection) weigh() weight {
	w := remark
	for i := range c.half {
		from, to := &c.half[i], &c.half[1-i]
		if !to.seen {
			continue
		}
		t := Tally{Offer: to.mss, Own: from.mss}
		fitted := false
		if from.long != nil {
			t, fitted = from.long.tally, from.long.obeyed > 0
		}
		below := to.mss < DefaultMSS4 && to.fact.Src.Addr().Is4()
		mine := remark
		if t.Count > t.Pieces {
			mine = suspect
		}
		switch {
		case t.Exceeds() && t.Lost():
			mine = lost
		case t.Exceeds():
			mine = exceeds
		case t.Obeys(), fitted && t.Count == 0:
		case below && (t.Count > 0 || to.fact.ACK):
			mine += belowFloor
		}
		w = max(w, mine)
	}
	return w
}

// Followed is a connection that is evidence.
type Followed struct {
	Client, Server netip.AddrPort
	Items          []evidence.Item
}

func (s *Follower) look(hash uint32) { s.watch[hash/64] |= 1 << (hash % 64) }

// add takes a packet that may matter.
func (s *Follower) add(p *packet, f *evidence.Frame) {
	from := 0
	if !p.forward {
		from = 1
	}
	c := s.byKey[p.key]
	if p.flags&inet.FlagSYN != 0 {
		if p.flags&inet.FlagRST == 0 {
			s.open(c, p, from, f)
		}
		return
	}
	if c == nil {
		return
	}
	me, peer := &c.half[from], &c.half[1-from]
	switch {
	case p.payload > 0 && peer.seen && p.payload+p.options > peer.mss:
		s.over(c, p, me.longs(peer), f)
	case p.payload > 0 && peer.seen && peer.mss < DefaultMSS4:
		s.obeyed(c, p, me.longs(peer), f)
	}
	if p.flags&inet.FlagACK != 0 && peer.long != nil {
		s.acked(c, p, peer.long, f)
	}
	if p.flags&inet.FlagRST != 0 && c.log != nil {
		s.keep(c, tcpOf(p, f), f)
	}
}

// open notes what an end offers with its SYN.
func (s *Follower) open(c *connection, p *packet, from int, f *evidence.Frame) {
	if c != nil && c.half[from].seen && c.half[from].isn == p.seq {
		return // the same again
	}
	// A SYN begins a new connection, unless its answer came before it: so it stands
	// in captures of several queues, and if its sender was in doubt (Survey).
	late := c != nil && !c.half[from].seen && c.half[1-from].fact.ACK && c.half[1-from].takes == p.seq+1
	if c == nil || p.flags&inet.FlagACK == 0 && !late {
		c = s.renew(c, p.key)
	}
	h := &c.half[from]
	if h.seen {
		return
	}
	if p.flags&inet.FlagACK == 0 {
		c.opener = from
	} else if c.opener < 0 {
		c.opener = 1 - from
	}
	h.seen, h.isn, h.takes = true, p.seq, p.ack
	h.mss = int(observe.SegmentSize(p.tcpOptions))
	h.fact = tcpOf(p, f)
	if h.mss == 0 {
		h.mss = DefaultMSS4
		if p.six {
			h.mss = DefaultMSS6
		}
	}
	h.meta = *f
	h.syn = append(h.syn[:0], f.Data[:min(len(f.Data), segmentSnap)]...)
	h.meta.Data = h.syn
	if h.mss < usualMSS {
		s.look(p.reverse) // what is sent to it
	}
	if c.log != nil {
		s.keep(c, h.fact, &h.meta)
	}
	peer := &c.half[1-from]
	if answered := int8(1); !peer.seen && !h.fact.ACK {
		s.put(c, 0)
	} else if c.ring != answered {
		s.put(c, answered)
	}
	if p.six || h.mss >= DefaultMSS4 && (!peer.seen || peer.mss >= DefaultMSS4) {
		return
	}
	s.look(p.hash)
	s.look(p.reverse)
	// A SYN alone, as of somebody who tries ports, is no evidence yet.
	if peer.seen {
		s.evidence(c)
	}
}

// put puts a connection into a ring, and forgets the one whose turn it is.
func (s *Follower) put(c *connection, n int8) {
	if c.ring >= 0 {
		s.rings[c.ring].list[c.slot] = nil
	}
	r := &s.rings[n]
	if c.ring = n; len(r.list) < MaxConnections {
		c.slot = len(r.list)
		r.list = append(r.list, c)
		return
	}
	if old := r.list[r.next]; old != nil {
		old.ring = -1
		s.forget(old)
	}
	c.slot = r.next
	r.list[r.next] = c
	r.next = (r.next + 1) % len(r.list)
}

// forget forgets a connection that is neither evidence nor among the last to open.
func (s *Follower) forget(c *connection) {
	if c.log != nil || c.ring >= 0 {
		return
	}
	if s.byKey[c.key] == c {
		delete(s.byKey, c.key)
	}
	s.spare = c
}

// renew makes room for a connection: a new one, or the one of these ends before.
func (s *Follower) renew(c *connection, key flowKey) *connection {
	if s.byKey == nil {
		s.byKey = make(map[flowKey]*connection)
		s.budget = evidence.Budget{Facts: MaxOfEvidence * keptSorts * segmentFacts, Bytes: segmentBytes, Again: segmentAgain}
	}
	if c != nil && c.log != nil {
		// It stays evidence; the ends begin a new one.
		delete(s.byKey, key)
		c = nil
	}
	at, slot := int8(-1), 0
	if c == nil {
		if c, s.spare = s.spare, nil; c == nil {
			c = &connection{}
		}
	} else {
		at, slot = c.ring, c.slot
	}
	syn := [2][]byte{c.half[0].syn[:0], c.half[1].syn[:0]}
	*c = connection{key: key, opener: -1, ring: at, slot: slot}
	c.half[0].syn, c.half[1].syn = syn[0], syn[1]
	s.byKey[key] = c
	return c
}

// evidence makes a connection evidence, with its opening, if there is room or one
// that weighs less gives way. Of those that weigh the same, who is there stays.
func (s *Follower) evidence(c *connection) {
	if c.log != nil {
		return
	}
	w := c.weigh()
	if c.full && w <= c.weight {
		return
	}
	c.weight = w
	if len(s.found) == MaxOfEvidence {
		if !c.full {
			c.full = true
			s.left++
		}
		if !s.giveWay(w) {
			return
		}
	}
	if c.full {
		c.full = false
		s.left--
	}
	c.log = &evidence.Log{Budget: &s.budget}
	s.found = append(s.found, c)
	for i := range c.half {
		if h := &c.half[i]; h.seen {
			s.keep(c, h.fact, &h.meta)
		}
	}
	if c.first != nil {
		s.keep(c, c.first.fact, &c.first.frame)
		c.first = nil
	}
}

// giveWay leaves out the connection that weighs least, if it is less than w.
func (s *Follower) giveWay(w weight) bool {
	least := s.found[0]
	for _, other := range s.found {
		if other.weight < least.weight {
			least = other
		}
	}
	if least.weight >= w {
		return false
	}
	s.left++
	least.log.Release()
	least.log, least.full, least.kept = nil, true, [keptSorts]uint8{}
	s.found = slices.DeleteFunc(s.found, func(c *connection) bool { return c == least })
	s.forget(least)
	return true
}

// The sorts of facts of a connection, each within a bound of its own: what a card
// cuts crowds out nothing that it does not.
const (
	keptOpening = iota // and resets, and acknowledgements of whole segments
	keptSeveral
	keptSuspect
	keptInside
	keptSorts
)

// sort returns the sort of a fact.
func (c *connection) sort(fact evidence.Fact) int {
	switch f := fact.(type) {
	case evidence.Segment:
		for i := range c.half {
			if to := &c.half[i]; to.seen && to.fact.Src == f.Dst {
				t := Tally{Offer: to.mss}
				if t.Segment(f, 1); t.Pieces > 0 || f.Size() <= to.mss {
					return keptSeveral
				}
			}
		}
		return keptSuspect
	case evidence.Ack:
		if f.Inside {
			return keptInside
		}
	}
	return keptOpening
}

// keep adds a fact to a connection's evidence. Of a long segment it keeps the
// headers.
func (s *Follower) keep(c *connection, fact evidence.Fact, f *evidence.Frame) {
	if c.log == nil {
		return
	}
	c.weight = max(c.weight, c.weigh())
	if !c.log.Has(fact) {
		sort := c.sort(fact)
		if c.kept[sort] == segmentFacts {
			c.log.Add(evidence.Unkept{Of: fact.Kind()}, f.Time, 1, nil)
			return
		}
		c.kept[sort]++
		for s.budget.Bytes < leastBytes {
			if !s.giveWay(c.weight) {
				break
			}
		}
	}
	cut := headersOf(f)
	c.log.Add(fact, f.Time, 1, &cut)
}

// headersOf is a frame of which no more than the headers are left. The bytes are
// shared.
func headersOf(f *evidence.Frame) evidence.Frame {
	cut := *f
	cut.Length = max(f.Length, len(f.Data))
	cut.Data = f.Data[:min(len(f.Data), segmentSnap)]
	return cut
}

func segmentOf(p *packet, f *evidence.Frame) evidence.Segment {
	src, dst := p.ends()
	return evidence.Segment{EthSrc: p.src, EthDst: p.dst, Src: src, Dst: dst, Payload: p.payload, Options: p.options, VLAN: p.vlan, Out: f.Out}
}

// over notes a segment longer than its receiver offered to take.
func (s *Follower) over(c *connection, p *packet, me *long, f *evidence.Frame) {
	s.look(p.hash)
	s.look(p.reverse)
	fact := segmentOf(p, f)
	for i := range min(me.sent, recentSegments) {
		r := &me.recent[i]
		if r.seq != p.seq || r.length != uint32(p.payload) {
			continue
		}
		// A capture that has a frame twice has it at once, or with the same number.
		if gap := f.Time.Sub(r.at); gap < time.Millisecond || p.id != 0 && p.id == r.id {
			return
		}
		fact.Again = true
		r.at, r.id = f.Time, p.id
		s.note(c, fact, me, f)
		return
	}
	me.recent[me.sent%recentSegments] = sent{seq: p.seq, length: uint32(p.payload), options: p.options, id: p.id, at: f.Time}
	me.sent++
	s.note(c, fact, me, f)
}

// note counts a segment that is too long, and keeps it if its connection is
// evidence.
func (s *Follower) note(c *connection, fact evidence.Segment, me *long, f *evidence.Frame) {
	me.tally.Segment(fact, 1)
	s.evidence(c)
	if c.log != nil {
		s.keep(c, fact, f)
		return
	}
	if c.first == nil && me.tally.Count > me.tally.Pieces {
		c.first = &firstSegment{fact: fact, frame: headersOf(f)}
		c.first.frame.Data = bytes.Clone(c.first.frame.Data)
	}
}

// obeyed notes that a segment keeps to an offer below the floor.
func (s *Follower) obeyed(c *connection, p *packet, me *long, f *evidence.Frame) {
	if slices.Contains(me.sizes[:me.obeyed], p.payload+p.options) {
		return
	}
	if me.obeyed == obeyedKept {
		return
	}
	me.sizes[me.obeyed] = p.payload + p.options
	me.obeyed++
	s.evidence(c)
	s.keep(c, segmentOf(p, f), f)
}

// acked notes how far an acknowledgement reaches into the long segments of the
// other end.
func (s *Follower) acked(c *connection, p *packet, peer *long, f *evidence.Frame) {
	for i := range min(peer.sent, recentSegments) {
		r := &peer.recent[i]
		into := p.ack - r.seq
		if r.acked || int32(into) <= 0 {
			continue
		}
		src, dst := p.ends()
		a := evidence.Ack{EthSrc: p.src, Src: src, Dst: dst, Inside: into < r.length, VLAN: p.vlan}
		if a.Inside {
			a.Into, a.Options = int(into), r.options
		}
		r.acked = !a.Inside
		peer.tally.Ack(a, 1)
		s.keep(c, a, f)
	}
}

// Connections returns the connections that are evidence, in the order in which they
// became so, and how many more there were: none worse than these.
func (s *Follower) Connections() (found []Followed, more int) {
	for _, c := range s.found {
		h := &c.half[max(c.opener, 0)]
		if !h.seen {
			h = &c.half[1-max(c.opener, 0)]
		}
		client, server := h.fact.Src, h.fact.Dst
		if h.fact.ACK {
			client, server = server, client
		}
		found = append(found, Followed{Client: client, Server: server, Items: c.log.Items()})
	}
	return found, s.left
}
