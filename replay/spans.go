package replay

import (
	"encoding/binary"
	"time"

	"github.com/nlbprobe/nlbprobe/evidence"
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
}

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
	if s.newest == nil || at != s.at {
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

// note notes what sort of frame it is.
func (c *span) note(f *evidence.Frame) {
	c.frames++
	if c.fact.Group && c.fact.Beats {
		return
	}
	b := f.Data
	for len(b) >= 18 && (b[12] == 0x81 && b[13] == 0 || b[12] == 0x88 && b[13] == 0xa8 || (b[12] == 0x91 || b[12] == 0x92) && b[13] == 0) {
		b = b[4:] // a VLAN tag; what stands before the ethertype is not looked at
	}
	if len(b) < 14 {
		return
	}
	switch binary.BigEndian.Uint16(b[12:]) {
	case nlb.EtherTypeHeartbeat:
		c.fact.Beats = true
	case 0x0800:
		const destination = 14 + 16
		c.fact.Group = c.fact.Group || len(b) > destination && b[destination]>>4 == 0xe
	}
}

// items are the spans as evidence.
func (s *spans) items() []evidence.Item {
	items := make([]evidence.Item, len(s.all))
	for i, c := range s.all {
		items[i] = evidence.Item{Fact: c.fact, First: c.first, Last: c.last, Count: c.frames}
	}
	return items
}
