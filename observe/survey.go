package observe

import (
	"bytes"
	"encoding/binary"
	"time"

	"github.com/mdlayher/ethernet"

	"github.com/nlbprobe/nlbprobe/evidence"
	"github.com/nlbprobe/nlbprobe/inet"
	"github.com/nlbprobe/nlbprobe/mac"
)

// Survey looks at every frame of a capture before anything else does. It finds
// the senders that leave the IPv4 header's checksum to their network card, and
// counts the frames that carry others, into which nothing looks.
//
// A capture on the sender itself shows its frames before the card has made them
// whole. The checksum of their IPv4 headers is 0, or another wrong one in all of
// them (Wireshark wiki, CaptureSetup/Offloading). A packet that was damaged on
// the way has a wrong one too, but comes from a sender whose others are right.
//
// The zero value is ready for use; it is not safe for concurrent use. What it
// keeps is bounded: a bit for each sender, by 16 bits of a hash, and one frame of
// each of maxDoubted senders. Where two senders share a bit, or more are in doubt,
// a wrong checksum other than 0 is taken for damage.
type Survey struct {
	right   [1 << 16 / 64]uint64 // a bit for each sender of a right checksum
	doubted map[mac.Addr]doubt   // senders of a wrong one, and of no right one so far
	carried [carrierCount]int
}

// doubt is the first frame with a wrong checksum, or that the sender is known to
// leave the checksum to its card.
type doubt struct {
	first  *evidence.Frame
	header [20]byte
	at     time.Time
}

// The bounds of what is kept of senders in doubt.
const (
	maxDoubted   = 64
	doubtedBytes = 2048 // of a frame

	// sameAgain is the time in which the same header again is the same packet,
	// captured twice.
	sameAgain = 100 * time.Millisecond
)

// Carrier is how a frame carries another one.
type Carrier uint8

// The carriers that are known. A capture at a port of the network beneath shows
// them.
const (
	VXLAN Carrier = iota
	GENEVE
	GRE
	ERSPAN
	MPLS
	IPinIP
	PBB
	CAPWAP
	TRILL
	MACsec
	L2TPv3
	EtherIP
	TZSP
	carrierCount
)

// String names the carrier as the field does.
func (c Carrier) String() string {
	return [...]string{"VXLAN", "GENEVE", "GRE", "ERSPAN", "MPLS", "IP in IP", "IEEE 802.1ah", "CAPWAP", "TRILL", "MACsec", "L2TPv3", "EtherIP", "TZSP"}[c]
}

// Carried is how many frames carry others in one way.
type Carried struct {
	By     Carrier
	Frames int
}

// Carried returns how many frames so far carried others, into which nothing
// looked, by carrier.
func (s *Survey) Carried() []Carried {
	var all []Carried
	for c, n := range s.carried {
		if n > 0 {
			all = append(all, Carried{Carrier(c), n})
		}
	}
	return all
}

// Frame looks at a frame, and sets Unsummed in it where its sender leaves the
// checksum to its card. Where that has just turned out, it returns the sender's
// frame that was in doubt, to be taken again: else nil.
func (s *Survey) Frame(f *evidence.Frame) (again *evidence.Frame) {
	f.Unsummed = false
	b := f.Data
	etherType, _, off, ok := Network(b)
	if !ok {
		return nil
	}
	if etherType != uint16(ethernet.EtherTypeIPv4) {
		switch etherType {
		case etherMPLS, etherMPLSUp:
			s.carried[MPLS]++
		case etherPBB:
			s.carried[PBB]++
		case etherTRILL:
			s.carried[TRILL]++
		case etherMACsec:
			s.carried[MACsec]++
		case uint16(ethernet.EtherTypeIPv6):
			const header = 40
			if ip := b[off:]; len(ip) >= header && ip[6] != inet.ProtoTCP {
				s.count(carrier(ip[6], ip[header:]))
			}
		}
		return nil
	}
	ip := b[off:]
	if len(ip) < 20 || ip[0]>>4 != 4 {
		return nil
	}
	header := int(ip[0]&0x0f) * 4
	if header < 20 || len(ip) < header {
		return nil
	}
	if p := ip[9]; p != inet.ProtoTCP && p != inet.ProtoICMP {
		if later := binary.BigEndian.Uint16(ip[6:])&0x1fff != 0; !later {
			s.count(carrier(p, ip[header:]))
		}
	}
	bit := s.bit(b, ip)
	if s.right[bit/64]&(1<<(bit%64)) != 0 && ip[10]|ip[11] != 0 {
		return nil
	}
	if inet.Sum(0, ip[:header]) == 0xffff {
		s.right[bit/64] |= 1 << (bit % 64)
		return nil
	}
	if f.Out || ip[10]|ip[11] == 0 {
		f.Unsummed = true
		return nil
	}
	return s.wrong(f, ip)
}

func (s *Survey) count(c Carrier) {
	if c < carrierCount {
		s.carried[c]++
	}
}

// bit is where right has the bit of a frame's sender: of its MAC, or of its IP
// where the link has none.
func (s *Survey) bit(b, ip []byte) uint32 {
	const prime = 0x9e3779b97f4a7c15
	h := uint64(binary.BigEndian.Uint32(b[6:]))<<16 | uint64(binary.BigEndian.Uint16(b[10:]))
	if h == 0 {
		h = uint64(binary.BigEndian.Uint32(ip[12:]))
	}
	return uint32(h * prime >> 48)
}

// wrong takes a frame of a sender that has sent no right checksum so far.
func (s *Survey) wrong(f *evidence.Frame, ip []byte) *evidence.Frame {
	from := mac.From(f.Data[6:])
	if from.IsZero() {
		copy(from[:], ip[12:16])
	}
	d, known := s.doubted[from]
	switch {
	case known && d.first == nil:
		f.Unsummed = true
		return nil
	case known:
		if d.header == [20]byte(ip) && f.Time.Sub(d.at).Abs() < sameAgain {
			return nil
		}
		s.doubted[from] = doubt{}
		f.Unsummed, d.first.Unsummed = true, true
		return d.first
	case len(s.doubted) >= maxDoubted:
		return nil
	}
	if s.doubted == nil {
		s.doubted = make(map[mac.Addr]doubt)
	}
	first := *f
	first.Length = max(f.Length, len(f.Data))
	first.Data = bytes.Clone(f.Data[:min(len(f.Data), doubtedBytes)])
	s.doubted[from] = doubt{first: &first, header: [20]byte(ip), at: f.Time}
	return nil
}

// The UDP ports and GRE protocols of carriers.
const (
	portVXLAN  = 4789  // RFC 7348
	portVXLAN2 = 8472  // Linux's default, from before the RFC
	portGENEVE = 6081  // RFC 8926
	portCAPWAP = 5247  // the data channel, RFC 5415
	portTZSP   = 37008 // a remote sniffer's, as MikroTik's

	greERSPAN = 0x88be
	greERSP3  = 0x22eb
)

// The IP protocols of carriers.
const (
	protoEtherIP = 97  // RFC 3378
	protoL2TP    = 115 // L2TP version 3 over IP, RFC 3931 4.1.1
)

// carrier tells how a packet carries another one, by its protocol and what stands
// behind the IP header; carrierCount if it does not.
func carrier(protocol byte, b []byte) Carrier {
	switch protocol {
	case inet.ProtoIPIP, inet.ProtoIPv6:
		return IPinIP
	case protoEtherIP:
		return EtherIP
	case protoL2TP:
		return L2TPv3
	case inet.ProtoGRE:
		if len(b) >= 4 {
			switch binary.BigEndian.Uint16(b[2:]) {
			case greERSPAN, greERSP3:
				return ERSPAN
			}
		}
		return GRE
	case inet.ProtoUDP:
		if len(b) < 8+8 {
			return carrierCount
		}
		from, to := binary.BigEndian.Uint16(b), binary.BigEndian.Uint16(b[2:])
		if from == portCAPWAP || to == portCAPWAP {
			if hlen := b[9] >> 3; b[8] == 0 && hlen >= 2 { // version 0, not encrypted; a header of 8 bytes or more
				return CAPWAP
			}
		}
		switch to {
		case portVXLAN, portVXLAN2:
			if b[8]&0x08 != 0 && b[15] == 0 { // the identifier is valid; the last octet is reserved
				return VXLAN
			}
		case portTZSP:
			if b[8] == 1 && b[9] == 0 { // version 1, a received packet
				return TZSP
			}
		case portGENEVE:
			if b[8]>>6 == 0 {
				return GENEVE
			}
		}
	}
	return carrierCount
}
