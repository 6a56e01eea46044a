package replay

import (
	"encoding/binary"
	"net/netip"
	"testing"
	"time"

	"github.com/nlbprobe/nlbprobe/evidence"
	"github.com/nlbprobe/nlbprobe/mac"
)

// TestWhatIsRememberedIsBounded: whoever invents sources, addresses and times for as
// long as a capture lasts fills no list beyond its bound.
func TestWhatIsRememberedIsBounded(t *testing.T) {
	r := New()
	at := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	for n := range uint32(6000) {
		ip := netip.AddrFrom4([4]byte(binary.BigEndian.AppendUint32(nil, 10<<24|n)))
		b := ip.As4()
		made := mac.Addr{0x02, 0x01, b[0], b[1], b[2], b[3]}
		frame := append(append(mac.Broadcast[:], made[:]...), 0x88, 0xb5)
		group := append(append(mac.Broadcast[:], 0x01, 0x02, b[0], b[1], b[2], b[3]), 0x88, 0xb5)
		r.ports.own(&evidence.Frame{Data: frame})
		r.signs.source(group)
		r.signs.adapter(made)
		r.mask(made)
		r.proves(ip)
		r.at(mac.Addr{0x02, 0xbf, 0x9c, 0, byte(n >> 8), byte(n)}, made, ip)
		r.at(mac.Addr{0x02, 0xbf, 0x9d, 0, 0, 1}, mac.Addr{}, ip)
		r.spans.add(&evidence.Frame{Time: at.Add(time.Duration(n) * time.Hour), Data: frame})
	}
	for name, is := range map[string][2]int{
		"sources that came in":     {len(r.ports.cameIn), maxPorts},
		"group MACs as sources":    {len(r.signs.sources), maxSigns},
		"adapters":                 {len(r.signs.adapters), maxSigns},
		"masked sources":           {len(r.signs.masked), maxSigns},
		"clusters":                 {len(r.signs.clusters), maxSigns},
		"MACs that begin 02-bf":    {len(r.signs.alike), maxSigns},
		"addresses at one of them": {len(r.signs.alike[mac.Addr{0x02, 0xbf, 0x9d, 0, 0, 1}].ips), maxAlike},
		"spans":                    {len(r.spans.all), maxSpans},
	} {
		if is[0] != is[1] {
			t.Errorf("%s: %d are remembered, want the first %d", name, is[0], is[1])
		}
	}
}
