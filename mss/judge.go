package mss

import (
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/nlbprobe/nlbprobe/evidence"
	"github.com/nlbprobe/nlbprobe/finding"
	"github.com/nlbprobe/nlbprobe/mac"
)

// Connection is what the evidence says of the segment sizes of one connection.
type Connection struct {
	Client, Server netip.AddrPort
	ClientMSS      int // what each end offered to take, in bytes; 0 is not known
	ServerMSS      int
	Severity       finding.Severity
	Findings       []finding.Finding // the worst first, then by id
}

// direction is one end as receiver: what it offered, and what it was sent.
type direction struct {
	to, from netip.AddrPort
	mss      int  // 0 is not known
	said     bool // by an option, and not by its lack
	atLeast  bool
	opening  []int // items: its SYN, or what the kernel says

	tally   Tally
	over    []int // items: segments that no card cuts
	several []int // items: those that one cuts
	fitted  []int // items: segments that keep to an offer below the floor
	inside  []int // items: acknowledgements that cut them
	whole   []int // items: those that take them in whole
}

// segments is the evidence about one connection.
type segments struct {
	items          []evidence.Item
	start          time.Time // the first instant of any item
	findings       finding.Set
	client, server direction
	resets         []int
}

// Judge says what items show of the segment sizes of the connection between client
// and server.
func Judge(client, server netip.AddrPort, items []evidence.Item) Connection {
	s := &segments{items: items, findings: make(finding.Set)}
	s.client = direction{to: client, from: server}
	s.server = direction{to: server, from: client}
	order := make([]int, len(items))
	for i := range items {
		order[i] = i
		if t := items[i].First; !t.IsZero() && (s.start.IsZero() || t.Before(s.start)) {
			s.start = t
		}
	}
	slices.SortFunc(order, func(i, j int) int { return evidence.Compare(items[i], items[j]) })
	for _, i := range order {
		s.gatherOffer(i)
	}
	s.client.tally = Tally{Offer: s.client.mss, Own: s.server.mss}
	s.server.tally = Tally{Offer: s.server.mss, Own: s.client.mss}
	for _, i := range order {
		s.gatherSegment(i)
	}
	for _, d := range []*direction{&s.server, &s.client} {
		s.judge(d)
	}
	s.sayUnkept()
	s.findings.Tell(items, func(mac.Addr) bool { return false }, func(ip netip.Addr) bool {
		return ip == client.Addr().Unmap() || ip == server.Addr().Unmap()
	})
	c := Connection{Client: client, Server: server, ClientMSS: s.client.mss, ServerMSS: s.server.mss, Findings: s.findings.Sorted(nil)}
	for _, f := range c.Findings {
		c.Severity = finding.Worst(c.Severity, f.Severity)
	}
	return c
}

// sayUnkept adds to each finding that rests on segments how many more there were.
func (s *segments) sayUnkept() {
	n := 0
	for _, it := range s.items {
		if f, ok := it.Fact.(evidence.Unkept); ok && (f.Of == evidence.KindSegment || f.Of == evidence.KindAck) {
			n += it.Sightings()
		}
	}
	if n == 0 {
		return
	}
	for _, id := range []string{Exceeded, Offload} {
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
				d.mss = DefaultMSS4
				if !d.to.Addr().Unmap().Is4() {
					d.mss = DefaultMSS6
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
	n := s.items[i].Sightings()
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
		one := Tally{Offer: d.mss, Own: d.tally.Own}
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
	return d.mss > 0 && d.mss < Floor && !d.atLeast && d.to.Addr().Unmap().Is4()
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
		s.findSegments(Offload, finding.Info, fmt.Sprintf("Packets of up to %d bytes of segment for %v, which takes %d, are most likely cut on the way by the sender's card.", d.tally.Size, d.to, d.mss),
			slices.Concat(s.openings(), d.over, d.several, d.inside))
	}
	if d.belowFloor() && !exceeds {
		text := fmt.Sprintf("%v takes segments of %d bytes, %d less than Windows sends at least.", d.to, d.mss, Floor-d.mss)
		obeys := len(d.fitted) > 0 && d.tally.Count == 0 || d.tally.Obeys()
		severity := finding.Warning
		switch {
		case obeys:
			severity = finding.Info
			text = fmt.Sprintf("%v takes segments of %d bytes, and %v keeps to it. Windows would not: it sends up to %d more.", d.to, d.mss, d.from, Floor-d.mss)
		case d.tally.Fits():
			severity = finding.Info
			text = fmt.Sprintf("%v takes segments of %d bytes. Longer packets for it are several of that, and arrive: the card of %v cuts them so. Windows would not keep to it: it sends up to %d more.", d.to, d.mss, d.from, Floor-d.mss)
		case s.isProbe(d):
			severity = finding.Info
			text += " Nothing was sent to it: port scanners offer such sizes too."
		}
		shown := slices.Concat(s.openings(), d.fitted, d.inside)
		if d.tally.Fits() {
			shown = slices.Concat(shown, d.several, d.whole)
		}
		s.findSegments(BelowFloor, severity, text, shown)
	}
	for _, i := range d.opening {
		if f, ok := s.items[i].Fact.(evidence.Offer); ok && !d.belowFloor() {
			s.findSegments(Fits, finding.Info, fmt.Sprintf("%v takes segments of %s bytes: no Windows sender exceeds it.", d.to, d.offered()), []int{i})
			if f.PathMTU > 0 && f.PathMTU < FloorMTU {
				s.findings[Fits].Summary = fmt.Sprintf("%v takes segments of %s bytes, but the path to it takes packets of %d: less than Windows sends.", d.to, d.offered(), f.PathMTU)
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
	what, size := "the floor of Windows senders", Floor
	if d.mss >= Floor || t.Floors+t.Broken == 0 {
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
	severity := finding.Warning
	if lost {
		severity = finding.Critical
	}
	s.findSegments(Exceeded, severity, fmt.Sprintf("%v sends segments of %d bytes to %v, which takes %d: %d too many, %s. %s", d.from, size, d.to, d.mss, size-d.mss, what, end),
		slices.Concat(s.openings(), d.over, d.whole, s.resets, d.inside, d.several))
}

// findSegments notes a finding about one direction, with a line for each item. Where
// both directions give it, the worse one's stands, with the items of both.
func (s *segments) findSegments(id string, severity finding.Severity, summary string, items []int) {
	var l finding.Lines
	for _, i := range items {
		s.line(&l, i)
	}
	if f := s.findings[id]; f != nil {
		for _, text := range l.List() {
			if !slices.Contains(f.Evidence, text) {
				f.Evidence = append(f.Evidence, text)
			}
		}
		f.Items = finding.Unique(append(f.Items, items...))
		if severity.Rank() > f.Severity.Rank() {
			f.Severity, f.Summary = severity, summary
		}
		return
	}
	s.findings.Add(entry(id), summary, l.List(), items)
	s.findings[id].Severity = severity
}

// line writes the evidence line of one item.
func (s *segments) line(l *finding.Lines, i int) {
	it := s.items[i]
	more := ""
	if n := it.Sightings(); n > 1 {
		more = fmt.Sprintf(", %s until %s", finding.Times(n), s.offset(it.Last))
	}
	switch f := it.Fact.(type) {
	case evidence.TCP:
		switch {
		case f.RST:
			l.Add("%s %v resets the connection%s", s.at(it.First), f.Src, more)
		case f.MSS == 0:
			l.Add("%s %v opens without a segment size, so %s holds", s.at(it.First), f.Src, defaultWord(f.Src))
		default:
			l.Add("%s %v opens with a segment size (MSS) of %d", s.at(it.First), f.Src, f.MSS)
		}
	case evidence.Segment:
		again := ""
		if f.Again {
			again = ", the same bytes again"
		}
		l.Add("%s %v sends %d bytes and %d of options: %d%s%s", s.at(it.First), f.Src, f.Payload, f.Options, f.Size(), again, more)
	case evidence.Ack:
		how := "acknowledges such a segment as a whole"
		if f.Inside {
			how = "acknowledges a part of such a segment"
			if f.Into > 0 {
				how = fmt.Sprintf("acknowledges %d bytes of such a segment", f.Into)
			}
		}
		l.Add("%s %v %s%s", s.at(it.First), f.Src, how, more)
	case evidence.Offer:
		size := fmt.Sprint(f.MSS)
		if f.AtLeast {
			size += " or more"
		}
		l.Add("%v takes segments of %s bytes, says this host's kernel", f.Src, size)
		if f.MTU > 0 {
			l.Add("the interface to it, %s, takes packets of %d bytes, which makes segments of %d", finding.Quoted(f.Interface), f.MTU, max(f.MTU-headers(f.Src), 0))
		}
		if f.PathMTU > 0 {
			l.Add("the path to it takes packets of %d bytes, as far as the kernel knows", f.PathMTU)
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
		return fmt.Sprint(DefaultMSS4)
	}
	return fmt.Sprint(DefaultMSS6)
}

// at is the instant t from the first item on, as evidence lines begin.
func (s *segments) at(t time.Time) string { return "at " + s.offset(t) }

// offset writes t as the time since the first item.
func (s *segments) offset(t time.Time) string { return finding.Since(s.start, t) }
