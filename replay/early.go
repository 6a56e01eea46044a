package replay

import (
	"bytes"

	"github.com/nlbprobe/nlbprobe/evidence"
	"github.com/nlbprobe/nlbprobe/mac"
)

// early keeps frames without an address of a VIP whose source is a MAC of unicast
// mode, such as a hypervisor's RARP: whose it is shows in an answer that may come
// later.
type early struct {
	frames map[mac.Addr][]earlyFrame
}

type earlyFrame struct {
	fact  evidence.Traffic
	frame evidence.Frame
}

// The bounds of what is kept.
const (
	maxEarly     = 64 // sources
	earlyEach    = 4  // frames of one
	maxEarlySize = 1 << 11
)

// keep notes a frame.
func (e *early) keep(t evidence.Traffic, f *evidence.Frame) {
	m := t.EthSrc
	if m[0] != 0x02 || m[1] != 0xbf || t.Src.IsValid() || t.Dst.IsValid() || len(f.Data) > maxEarlySize {
		return
	}
	kept, known := e.frames[m]
	if !known && len(e.frames) >= maxEarly || len(kept) >= earlyEach {
		return
	}
	if e.frames == nil {
		e.frames = make(map[mac.Addr][]earlyFrame)
	}
	frame := *f
	frame.Data = bytes.Clone(f.Data)
	e.frames[m] = append(kept, earlyFrame{t, frame})
}

// of returns the frames of m.
func (e *early) of(m mac.Addr) []earlyFrame { return e.frames[m] }
