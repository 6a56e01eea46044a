package replay

import (
	"encoding/binary"

	"github.com/nlbprobe/nlbprobe/evidence"
	"github.com/nlbprobe/nlbprobe/mac"
)

// ports remembers which sources came in first. A bridge that is captured at all of
// its ports sends others' frames out too: only what was never heard before it was
// sent is this host's own.
type ports struct {
	cameIn map[mac.Addr]bool // by source; false if it was sent first
	// recent holds sources that came in, each as a number at the place of its last
	// bytes: mostly the next frame is of one of them, and the map need not be asked.
	recent [256]uint64
}

// maxPorts bounds the sources that are remembered.
const maxPorts = 1 << 12

// own returns f, or a copy of it that is not this host's where somebody else's frame
// is sent on.
func (p *ports) own(f *evidence.Frame) *evidence.Frame {
	if len(f.Data) < etherHeader {
		return f
	}
	source := uint64(binary.LittleEndian.Uint32(f.Data[6:])) | uint64(binary.LittleEndian.Uint16(f.Data[10:]))<<32
	slot := &p.recent[f.Data[10]^f.Data[11]]
	if !f.Out && *slot == source && source != 0 {
		return f
	}
	m := mac.From(f.Data[6:])
	in, known := p.cameIn[m]
	if !known && len(p.cameIn) < maxPorts {
		if p.cameIn == nil {
			p.cameIn = make(map[mac.Addr]bool)
		}
		p.cameIn[m] = !f.Out
	}
	if !f.Out {
		*slot = source
	}
	if !f.Out || !in || m.IsZero() {
		return f
	}
	g := *f
	g.Out = false
	return &g
}
