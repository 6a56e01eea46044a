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
	hashes [recentFrames]uint64
	times  [recentFrames]time.Time
	next   int
	some   [256]uint8 // how many of the hashes end in that byte: mostly none does
}

const recentFrames = 64

// is reports whether f has the bytes of a frame shortly before it, and remembers it.
func (c *copies) is(f *evidence.Frame) bool {
	if f.Time.IsZero() {
		return false
	}
	if !c.seeded {
		c.seed, c.seeded = maphash.MakeSeed(), true
		c.some[0] = recentFrames
	}
	hash := c.hash(f.Data)
	if c.some[uint8(hash)] > 0 {
		for i, h := range c.hashes {
			if h != hash {
				continue
			}
			if d := f.Time.Sub(c.times[i]); d >= 0 && d <= copyWithin {
				return true
			}
		}
	}
	c.some[uint8(c.hashes[c.next])]--
	c.some[uint8(hash)]++
	c.hashes[c.next], c.times[c.next] = hash, f.Time
	c.next = (c.next + 1) % recentFrames
	return false
}

// hash is that of a frame's source and what follows, without the outer tag. Padding
// differs with the tag.
func (c *copies) hash(b []byte) uint64 {
	const addresses = 12
	switch {
	case len(b) <= addresses:
		return maphash.Bytes(c.seed, b[min(6, len(b)):])
	case len(b) < addresses+6 || (b[12] != 0x81 || b[13] != 0) && (b[12] != 0x88 || b[13] != 0xa8):
		return maphash.Bytes(c.seed, bytes.TrimRight(b[6:], "\x00"))
	}
	var h maphash.Hash
	h.SetSeed(c.seed)
	_, _ = h.Write(b[6:addresses])
	_, _ = h.Write(bytes.TrimRight(b[addresses+4:], "\x00"))
	return h.Sum64()
}
