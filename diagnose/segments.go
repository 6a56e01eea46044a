package diagnose

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/nlbprobe/nlbprobe/evidence"
)

// The floor of Windows senders. Since the least MTU of IPv4 that they accept is
// 576 bytes, they send no segments for a maximum segment size below 536.
const (
	FloorMSS = evidence.FloorMSS
	FloorMTU = 576
)

// The segment size that holds where none is said, by version (RFC 9293 3.7.1).
const (
	defaultMSS4 = 536
	defaultMSS6 = 1220
)

// Connection is what the evidence says of the segment sizes of one connection.
type Connection struct {
	Client, Server netip.AddrPort
	ClientMSS      int // what each end offered to take, in bytes; 0 is not known
	ServerMSS      int
	Severity       Severity
	Findings       []Finding // the worst first, then by id
}

// direction is one end as receiver: what it offered, and what it was sent.
type direction struct {
	to, from netip.AddrPort
	mss      int  // 0 is not known
	said     bool // by an option, and not by its lack
	atLeast  bool
	opening  []int // items: its SYN, or what the kernel says

	tally   evidence.Tally
	over    []int // items: segments that no card cuts
	several []int // items: those that one cuts
	fitted  []int // items: segments that keep to an offer below the floor
	inside  []int // items: acknowledgements that cut them
	whole   []int // items: those that take them in whole
}

// segments is the evidence about one connection.
type segments struct {
	picture
	client, server direction
	resets         []int
}

// Segments judges what items say of the segment sizes of the connection between
// client and server.
func Segments(client, server netip.AddrPort, items []evidence.Item) Connection {
	s := &segments{picture: picture{items: items, findings: make(map[string]*Finding)}}
	s.client = direction{to: client, from: server}
	s.server = direction{to: server, from: client}
	order := make([]int, len(items))
	for i := range items {
		order[i] = i
		if t := items[i].First; !t.IsZero() && (s.start.IsZero() || t.Before(s.start)) {
			s.start = t
		}
	}
	slices.SortFunc(order, func(i, j int) int { return compareItems(items[i], items[j]) })
	for _, i := range order {
		s.gatherOffer(i)
	}
	s.client.tally = evidence.Tally{Offer: s.client.mss, Own: s.server.mss}
	s.server.tally = evidence.Tally{Offer: s.server.mss, Own: s.client.mss}
	for _, i := range order {
		s.gatherSegment(i)
	}
	for _, d := range []*direction{&s.server, &s.client} {
		s.judge(d)
	}
	s.sayUnkept()
	c := Connection{Client: client, Server: server, ClientMSS: s.client.mss, ServerMSS: s.server.mss, Findings: s.sorted()}
	for _, f := range c.Findings {
		c.Severity = Worst(c.Severity, f.Severity)
	}
	return c
}

// sayUnkept adds to each finding that rests on segments how many more there were.
func (s *segments) sayUnkept() {
	n := 0
	for _, it := range s.items {
		if f, ok := it.Fact.(evidence.Unkept); ok && (f.Of == evidence.KindSegment || f.Of == evidence.KindAck) {
			n += sightings(it)
		}
	}
	if n == 0 {
		return
	}
	for _, id := range []string{idExceeded, idOffload} {
		if f := s.findings[id]; f != nil {
			f.Evidence = append(f.Evidence, fmt.Sprintf("further segments of other sizes, or acknowledgements of them, that are not kept: %d", n))
		}
	}
}

// towards returns the direction whose receiver is to, or nil.
func (s *segments) towards(from, to netip.AddrPort) *direction {
	for _, d := range []*direction{&s.server, &s.client} {
		if d.to == to && d.from == from {
			return d
		}
	}
	return nil
}

func (s *segments) gatherOffer(i int) {
	switch f := s.items[i].Fact.(type) {
	case evidence.TCP:
		switch d := s.towards(f.Dst, f.Src); {
		case d == nil:
		case f.RST:
			s.resets = append(s.resets, i)
		case f.SYN:
			d.opening = append(d.opening, i)
			if d.mss != 0 {
				return
			}
			d.mss, d.said = int(f.MSS), f.MSS != 0
			if !d.said {
				d.mss = defaultMSS4
				if !d.to.Addr().Unmap().Is4() {
					d.mss = defaultMSS6
				}
			}
		}
	case evidence.Offer:
		if d := s.towards(f.Dst, f.Src); d != nil && d.mss == 0 && f.MSS > 0 {
			d.mss, d.said, d.atLeast = f.MSS, true, f.AtLeast
			d.opening = append(d.opening, i)
		}
	}
}

func (s *segments) gatherSegment(i int) {
	n := sightings(s.items[i])
	switch f := s.items[i].Fact.(type) {
	case evidence.Segment:
		d := s.towards(f.Src, f.Dst)
		if d == nil || d.mss == 0 || f.Payload <= 0 || f.Options < 0 || f.Payload > 1<<20 || f.Options > 1<<10 {
			return
		}
		if f.Size() <= d.mss {
			d.fitted = append(d.fitted, i)
			return
		}
		d.tally.Segment(f, n)
		one := evidence.Tally{Offer: d.mss, Own: d.tally.Own}
		if one.Segment(f, 1); one.Pieces > 0 {
			d.several = append(d.several, i)
		} else {
			d.over = append(d.over, i)
		}
	case evidence.Ack:
		d := s.towards(f.Dst, f.Src)
		if d == nil {
			return
		}
		d.tally.Ack(f, n)
		if f.Inside {
			d.inside = append(d.inside, i)
		} else {
			d.whole = append(d.whole, i)
		}
	}
}

// openings are what both ends offer.
func (s *segments) openings() []int { return slices.Concat(s.client.opening, s.server.opening) }

// belowFloor reports an offer that Windows does not keep to. For IPv6 no such
// floor is known.
func (d *direction) belowFloor() bool {
	return d.mss > 0 && d.mss < FloorMSS && !d.atLeast && d.to.Addr().Unmap().Is4()
}

// isProbe reports an end that opens the connection with an offer, and is sent
// nothing: as a port scanner is, whose probes offer all sizes (nmap.org, TCP/IP
// Fingerprinting Methods).
func (s *segments) isProbe(d *direction) bool {
	if d.tally.Count > 0 || len(d.fitted) > 0 || len(d.opening) == 0 {
		return false
	}
	for _, i := range d.opening {
		if f, ok := s.items[i].Fact.(evidence.TCP); !ok || f.ACK {
			return false
		}
	}
	return true
}

func (s *segments) judge(d *direction) {
	exceeds := d.tally.Exceeds()
	switch {
	case d.mss == 0:
	case exceeds:
		s.judgeExceeded(d)
	case d.tally.Count > 0:
		s.findSegments(idOffload, Info, fmt.Sprintf("Packets of up to %d bytes of segment for %v, which takes %d, are most likely cut on the way by the sender's card.", d.tally.Size, d.to, d.mss),
			slices.Concat(s.openings(), d.over, d.several, d.inside))
	}
	if d.belowFloor() && !exceeds {
		text := fmt.Sprintf("%v takes segments of %d bytes, %d less than Windows sends at least.", d.to, d.mss, FloorMSS-d.mss)
		obeys := len(d.fitted) > 0 && d.tally.Count == 0 || d.tally.Obeys()
		severity := Warning
		switch {
		case obeys:
			severity = Info
			text = fmt.Sprintf("%v takes segments of %d bytes, and %v keeps to it. Windows would not: it sends up to %d more.", d.to, d.mss, d.from, FloorMSS-d.mss)
		case s.isProbe(d):
			severity = Info
			text += " Nothing was sent to it: port scanners offer such sizes too."
		}
		s.findSegments(idBelowFloor, severity, text, slices.Concat(s.openings(), d.fitted, d.inside))
	}
	for _, i := range d.opening {
		if f, ok := s.items[i].Fact.(evidence.Offer); ok && !d.belowFloor() {
			s.findSegments(idFits, Info, fmt.Sprintf("%v takes segments of %s bytes: no Windows sender exceeds it.", d.to, d.offered()), []int{i})
			if f.PathMTU > 0 && f.PathMTU < FloorMTU {
				s.findings[idFits].Summary = fmt.Sprintf("%v takes segments of %s bytes, but the path to it takes packets of %d: less than Windows sends.", d.to, d.offered(), f.PathMTU)
			}
		}
	}
}

// offered writes what a receiver takes.
func (d *direction) offered() string {
	if d.atLeast {
		return fmt.Sprintf("%d or more", d.mss)
	}
	return fmt.Sprint(d.mss)
}

func (s *segments) judgeExceeded(d *direction) {
	t, lost := d.tally, d.tally.Lost()
	what, size := "the floor of Windows senders", FloorMSS
	if d.mss >= FloorMSS || t.Floors+t.Broken == 0 {
		what, size = "not the size of Windows' floor", t.Size
	}
	end := "They were acknowledged all the same."
	switch {
	case lost && len(s.resets) > 0:
		end = "They were sent again, never acknowledged, and the connection was reset."
	case lost:
		end = "They were sent again and never acknowledged."
	case t.Broken > 0:
		end = "The receiver acknowledges pieces of that size."
	case len(d.whole) == 0:
		end = "No acknowledgement of them was seen."
	}
	severity := Warning
	if lost {
		severity = Critical
	}
	s.findSegments(idExceeded, severity, fmt.Sprintf("%v sends segments of %d bytes to %v, which takes %d: %d too many, %s. %s", d.from, size, d.to, d.mss, size-d.mss, what, end),
		slices.Concat(s.openings(), d.over, d.whole, s.resets, d.inside, d.several))
}

// findSegments notes a finding about one direction, with a line for each item. Where
// both directions give it, the worse one's stands, with the items of both.
func (s *segments) findSegments(id string, severity Severity, summary string, items []int) {
	var l lines
	for _, i := range items {
		s.line(&l, i)
	}
	if f := s.findings[id]; f != nil {
		for _, text := range l.list() {
			if !slices.Contains(f.Evidence, text) {
				f.Evidence = append(f.Evidence, text)
			}
		}
		f.Items = unique(append(f.Items, items...))
		if severity.rank() > f.Severity.rank() {
			f.Severity, f.Summary = severity, summary
		}
		return
	}
	s.find(id, summary, l.list(), items)
	s.findings[id].Severity = severity
}

// line writes the evidence line of one item.
func (s *segments) line(l *lines, i int) {
	it := s.items[i]
	more := ""
	if n := sightings(it); n > 1 {
		more = fmt.Sprintf(", %s until %s", times(n), s.offset(it.Last))
	}
	switch f := it.Fact.(type) {
	case evidence.TCP:
		switch {
		case f.RST:
			l.add("%s %v resets the connection%s", s.at(it.First), f.Src, more)
		case f.MSS == 0:
			l.add("%s %v opens without a segment size, so %s holds", s.at(it.First), f.Src, defaultWord(f.Src))
		default:
			l.add("%s %v opens with a segment size (MSS) of %d", s.at(it.First), f.Src, f.MSS)
		}
	case evidence.Segment:
		again := ""
		if f.Again {
			again = ", the same bytes again"
		}
		l.add("%s %v sends %d bytes and %d of options: %d%s%s", s.at(it.First), f.Src, f.Payload, f.Options, f.Size(), again, more)
	case evidence.Ack:
		how := "acknowledges such a segment as a whole"
		if f.Inside {
			how = "acknowledges a part of such a segment"
			if f.Into > 0 {
				how = fmt.Sprintf("acknowledges %d bytes of such a segment", f.Into)
			}
		}
		l.add("%s %v %s%s", s.at(it.First), f.Src, how, more)
	case evidence.Offer:
		size := fmt.Sprint(f.MSS)
		if f.AtLeast {
			size += " or more"
		}
		l.add("%v takes segments of %s bytes, says this host's kernel", f.Src, size)
		if f.MTU > 0 {
			l.add("the interface to it, %s, takes packets of %d bytes, which makes segments of %d", quoted(f.Interface), f.MTU, max(f.MTU-headers(f.Src), 0))
		}
		if f.PathMTU > 0 {
			l.add("the path to it takes packets of %d bytes, as far as the kernel knows", f.PathMTU)
		}
	}
}

// headers is how much of a packet an IP and a TCP header without options take.
func headers(a netip.AddrPort) int {
	if a.Addr().Unmap().Is4() {
		return 20 + 20
	}
	return 40 + 20
}

func defaultWord(a netip.AddrPort) string {
	if a.Addr().Unmap().Is4() {
		return fmt.Sprint(defaultMSS4)
	}
	return fmt.Sprint(defaultMSS6)
}

// judgeOffers notes, of the VIP itself, that it offers less than Windows ever
// sends, in its answer to a connection of ours.
func (p *picture) judgeOffers() {
	var l lines
	var items []int
	least := 0
	for _, a := range p.replies {
		f, ok := p.items[a.item].Fact.(evidence.TCP)
		if !ok || a.kind != accepts || f.MSS == 0 || f.MSS >= FloorMSS {
			continue
		}
		if least == 0 || int(f.MSS) < least {
			least = int(f.MSS)
		}
		l.add("%s %v, port %d, takes segments (MSS) of %d bytes", p.at(p.items[a.item].First), a.from, f.Src.Port(), f.MSS)
		items = append(items, a.item)
	}
	if least > 0 {
		p.find(idBelowFloor, fmt.Sprintf("%v takes segments of %d bytes, %d less than Windows sends at least.", p.vip, least, FloorMSS-least), l.list(), items)
	}
}
