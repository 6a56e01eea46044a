package replay

import (
	"encoding/binary"
	"time"

	"github.com/nlbprobe/nlbprobe/evidence"
	"github.com/nlbprobe/nlbprobe/inet"
	"github.com/nlbprobe/nlbprobe/mac"
	"github.com/nlbprobe/nlbprobe/nlb"
)

// standsStill is how long nothing at all may come before a capture counts as
// interrupted: longer than a querier waits between two questions (125 s, RFC 3376
// 8.2). Two captures that were joined in one file look so, and a computer that
// slept.
const standsStill = 130 * time.Second

// maxSpans bounds the spans that are told apart. Beyond it the last one grows no
// further, so that less silence is proven and not more.
const maxSpans = 256

// span is a time in which a capture held frames.
type span struct {
	fact        evidence.Captured
	first, last time.Time
	frames      int
	igmp        bool // IGMP is among the frames
	group       bool // other packets to IPv4 groups are
	others      bool // IPv4 packets are that are not UDP

	// What every frame has in common, as with a capture filter on one host: up to
	// two addresses of each sort, those of the first frame that are still in all.
	ips  common[[4]byte]
	macs common[mac.Addr]

	mixed bool // they have neither in common, and never will
}

// common is what all of several pairs of addresses have in common.
type common[A comparable] struct {
	some [2]A
	n    int // of those
	seen bool
}

func (c *common[A]) pair(a, b A) {
	if !c.seen {
		c.some, c.n, c.seen = [2]A{a, b}, 2, true
		return
	}
	kept := 0
	for _, x := range c.some[:c.n] {
		if x == a || x == b {
			c.some[kept] = x
			kept++
		}
	}
	c.n = kept
}

// one reports that there were addresses, and one is in every pair.
func (c *common[A]) one() bool { return c.seen && c.n > 0 }

// spans are those of all captures that are read.
type spans struct {
	all    []span
	newest map[where]int // the span that goes on
	at     where         // of the frame before
	in     int           // its span; less than 0 before there is one
}

// where is a capture, and an interface in it.
type where struct {
	source int
	place  string
}

// add notes a frame. Frames of one place come mostly in a row.
func (s *spans) add(f *evidence.Frame) {
	if f.Time.IsZero() {
		return
	}
	at := where{f.Source, f.Place}
	same := s.newest != nil && at == s.at
	if same && s.in >= 0 && s.all[s.in].goesOn(f) {
		return
	}
	if !same {
		if s.newest == nil {
			s.newest = make(map[where]int)
		}
		n, known := s.newest[at]
		if !known {
			n = -1
		}
		s.at, s.in = at, n
	}
	part := 0
	if s.in >= 0 {
		c := &s.all[s.in]
		if f.Time.Sub(c.last) <= standsStill {
			if f.Time.After(c.last) {
				c.last = f.Time
			}
			if f.Time.Before(c.first) {
				c.first = f.Time
			}
			c.note(f)
			return
		}
		part = c.fact.Part + 1
	}
	if len(s.all) == maxSpans {
		return
	}
	s.in = len(s.all)
	s.newest[at] = s.in
	s.all = append(s.all, span{fact: evidence.Captured{Source: at.source, Place: at.place, Part: part}, first: f.Time, last: f.Time})
	s.all[s.in].note(f)
}

// goesOn adds a frame that is less than 129 s after the newest one, and no earlier: of
// those the seconds alone need be looked at. It reports whether it was one.
func (c *span) goesOn(f *evidence.Frame) bool {
	switch d := f.Time.Unix() - c.last.Unix(); {
	case d < 0 || d >= int64(standsStill/time.Second)-1:
		return false
	case d == 0 && f.Time.Nanosecond() < c.last.Nanosecond():
		return false
	}
	c.last = f.Time
	if b := f.Data; c.mixed && len(b) >= etherHeader+ipv4Header && b[12] == 0x08 && b[13] == 0x00 {
		c.frames++
		c.noteIPv4(b[etherHeader:])
		return true
	}
	c.note(f)
	return true
}

const ipv4Header = 20

// noteIPv4 notes what sort of packet it is.
func (c *span) noteIPv4(b []byte) {
	const protocol, destination = 9, 16
	switch p := b[protocol]; p {
	case inet.ProtoUDP:
	case inet.ProtoIGMP:
		c.igmp, c.others = true, true
	default:
		c.others = true
	}
	if b[destination]>>4 == 0xe {
		c.group = true
	}
}

// note notes what sort of frame it is, and between whom.
func (c *span) note(f *evidence.Frame) {
	c.frames++
	b := f.Data
	if len(b) < etherHeader {
		return
	}
	if c.frames == 1 || c.macs.n > 0 {
		from, to := mac.From(b[6:]), mac.From(b)
		if to.IsZero() {
			to = from // a cooked capture does not say
		}
		c.macs.pair(from, to)
	}
	b = b[12:]
	for len(b) >= 6 && (b[0] == 0x81 && b[1] == 0 || b[0] == 0x88 && b[1] == 0xa8 || (b[0] == 0x91 || b[0] == 0x92) && b[1] == 0) {
		b = b[4:] // a VLAN tag
	}
	const (
		source, destination    = 2 + 12, 2 + 16
		arpLen, sender, target = 2 + 28, 2 + 14, 2 + 24
	)
	switch binary.BigEndian.Uint16(b) {
	case nlb.EtherTypeHeartbeat:
		c.fact.Beats = true
	case 0x0806:
		if len(b) >= arpLen && (!c.ips.seen || c.ips.n > 0) {
			c.ips.pair([4]byte(b[sender:]), [4]byte(b[target:]))
		}
	case 0x0800:
		if len(b) < 2+ipv4Header {
			return
		}
		if !c.ips.seen || c.ips.n > 0 {
			c.ips.pair([4]byte(b[source:]), [4]byte(b[destination:]))
		}
		c.noteIPv4(b[2:])
	}
	c.mixed = c.ips.seen && c.ips.n+c.macs.n == 0
}

const (
	etherHeader = 14
)

// result says what frames of each sort the span could show. IGMP could be seen if
// some is there, or packets to groups among all sorts of IPv4. Whatever has one
// address in every frame was filtered by it.
func (c *span) result() evidence.Captured {
	fact := c.fact
	fact.Group = (c.igmp || c.group && c.others) && !c.ips.one() && !c.macs.one()
	// Heartbeats all go to one MAC, a group's: a filter on that leaves none out.
	for _, m := range c.macs.some[:c.macs.n] {
		fact.Beats = fact.Beats && m.IsGroup()
	}
	return fact
}

// items are the spans as evidence.
func (s *spans) items() []evidence.Item {
	items := make([]evidence.Item, len(s.all))
	for i := range s.all {
		c := &s.all[i]
		items[i] = evidence.Item{Fact: c.result(), First: c.first, Last: c.last, Count: c.frames}
	}
	return items
}
