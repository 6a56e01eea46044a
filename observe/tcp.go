package observe

import (
	"encoding/binary"
	"net/netip"

	"github.com/nlbprobe/nlbprobe/evidence"
	"github.com/nlbprobe/nlbprobe/inet"
)

// tcpFact decodes a TCP segment that has SYN or RST (RFC 9293 3.1).
func tcpFact(h header, d datagram, f *evidence.Frame) evidence.Fact {
	b := d.payload
	if len(b) < 20 || b[13]&(inet.FlagSYN|inet.FlagRST) == 0 {
		return nil
	}
	length := int(b[12]>>4) * 4
	if length < 20 || d.whole && length > len(b) {
		return nil
	}
	t := evidence.TCP{
		EthSrc: h.src, EthDst: h.dst,
		Src:  netip.AddrPortFrom(d.src, binary.BigEndian.Uint16(b)),
		Dst:  netip.AddrPortFrom(d.dst, binary.BigEndian.Uint16(b[2:])),
		TTL:  d.ttl,
		SYN:  b[13]&inet.FlagSYN != 0,
		ACK:  b[13]&inet.FlagACK != 0,
		RST:  b[13]&inet.FlagRST != 0,
		VLAN: h.vlan,
		Out:  f.Out,
	}
	t.Number = binary.BigEndian.Uint32(b[4:])
	if t.ACK {
		t.Number = binary.BigEndian.Uint32(b[8:])
	}
	if t.SYN {
		t.MSS = SegmentSize(b[20:min(length, len(b))])
	}
	return t
}

// SegmentSize returns the value of the first maximum segment size option among
// TCP's options (RFC 9293 3.2), 0 where there is none, or where what stands
// before it cannot be read.
func SegmentSize(b []byte) uint16 {
	const end, nop, mss = 0, 1, 2
	for len(b) > 0 {
		switch {
		case b[0] == end:
			return 0
		case b[0] == nop:
			b = b[1:]
			continue
		case len(b) < 2 || b[1] < 2 || int(b[1]) > len(b):
			return 0
		case b[0] == mss && b[1] == 4:
			return binary.BigEndian.Uint16(b[2:])
		}
		b = b[b[1]:]
	}
	return 0
}
