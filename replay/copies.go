package replay

import (
	"bytes"
	"hash/maphash"
	"time"

	"github.com/nlbprobe/nlbprobe/evidence"
)

// A capture on all interfaces of a bridge or a router holds a frame at each that it
// passes, and a mirror of both directions holds it twice: the same bytes within the
// time that a switch takes. A cooked capture leaves the destination out, and one port
// may have a tag that another one has not.
const copyWithin = 500 * time.Microsecond

// copies remembers the frames of late that were evidence, so that a copy of one is
// not counted as another.
type copies struct {
	seed   maphash.Seed
	seeded bool
	ring   [64]recentFrame
	next   int
}

type recentFrame struct {
	hash uint64
	at   time.Time
}

// is reports whether f has the bytes of a frame shortly before it, and remembers it.
func (c *copies) is(f *evidence.Frame) bool {
	if f.Time.IsZero() {
		return false
	}
	if !c.seeded {
		c.seed, c.seeded = maphash.MakeSeed(), true
	}
	b := f.Data
	if len(b) > etherHeader {
		if b = b[12:]; len(b) >= 6 && (b[0] == 0x81 && b[1] == 0 || b[0] == 0x88 && b[1] == 0xa8) {
			b = b[4:]
		}
	}
	var h maphash.Hash
	h.SetSeed(c.seed)
	_, _ = h.Write(f.Data[min(6, len(f.Data)):min(12, len(f.Data))])
	_, _ = h.Write(bytes.TrimRight(b, "\x00")) // padding differs with the tag
	hash := h.Sum64()
	for i := range c.ring {
		if c.ring[i].hash != hash {
			continue
		}
		if d := f.Time.Sub(c.ring[i].at); d >= 0 && d <= copyWithin {
			return true
		}
	}
	c.ring[c.next] = recentFrame{hash, f.Time}
	c.next = (c.next + 1) % len(c.ring)
	return false
}
