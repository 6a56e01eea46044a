package observe

import (
	"encoding/binary"
	"net/netip"

	"github.com/nlbprobe/nlbprobe/evidence"
	"github.com/nlbprobe/nlbprobe/inet"
)

// datagram is an IPv4 datagram, or the first fragment of one.
type datagram struct {
	src, dst netip.Addr
	ttl      uint8
	protocol uint8
	later    bool   // a fragment that starts in the middle: its payload has no header
	partial  bool   // a fragment, the first one or a later
	whole    bool   // payload is all that was sent, neither cut nor a fragment
	alert    bool   // the header has the router alert option (RFC 2113)
	payload  []byte // without Ethernet's padding; shares the frame's bytes
}

// parseIPv4 reads an IPv4 header (RFC 791 3.1) with what follows it. missing is
// how many bytes of the frame were on the wire but not kept. A header that no
// host would take is refused: wrong version, lengths that contradict each other,
// wrong checksum. A checksum of 0, or any where unsummed says that the sender's
// card makes it, is none yet; a total length of 0 in TCP is one that the card
// writes into the pieces that it makes.
func parseIPv4(b []byte, missing int, unsummed bool) (datagram, bool) {
	if len(b) < 20 || b[0]>>4 != 4 {
		return datagram{}, false
	}
	header, total := int(b[0]&0x0f)*4, int(binary.BigEndian.Uint16(b[2:]))
	if total == 0 && b[9] == inet.ProtoTCP {
		total = len(b) + missing
	}
	if header < 20 || total < header || len(b) < header || total > len(b)+missing {
		return datagram{}, false
	}
	if !unsummed && b[10]|b[11] != 0 && inet.Sum(0, b[:header]) != 0xffff {
		return datagram{}, false
	}
	const moreFragments, offset = 0x2000, 0x1fff
	flags := binary.BigEndian.Uint16(b[6:])
	return datagram{
		src:      netip.AddrFrom4([4]byte(b[12:])),
		dst:      netip.AddrFrom4([4]byte(b[16:])),
		ttl:      b[8],
		protocol: b[9],
		later:    flags&offset != 0,
		partial:  flags&(moreFragments|offset) != 0,
		whole:    total <= len(b) && flags&(moreFragments|offset) == 0,
		alert:    hasAlert(b[20:header]),
		payload:  b[header:min(total, len(b))],
	}, true
}

// hasAlert reports whether the header's options hold the router alert: number
// 20 with the copy flag, of four octets (RFC 2113 2.1). Options are one octet
// long, 0 and 1, or say their length in the second (RFC 791 3.1).
func hasAlert(options []byte) bool {
	const endOfList, noOperation, alert = 0, 1, 0x94
	for len(options) > 0 && options[0] != endOfList {
		n := 1
		if options[0] != noOperation {
			if len(options) < 2 || options[1] < 2 || int(options[1]) > len(options) {
				return false
			}
			n = int(options[1])
		}
		if options[0] == alert && n == 4 {
			return true
		}
		options = options[n:]
	}
	return false
}

// saysIGMP reports whether an IPv4 header that is broken names IGMP.
func saysIGMP(b []byte) bool { return len(b) >= 20 && b[0]>>4 == 4 && b[9] == inet.ProtoIGMP }

// ipFact returns the fact that the datagram's payload gives, or nil. Transport
// checksums are not judged: in frames that this host sends, they are often left
// to the network card.
func ipFact(h header, d datagram, f *evidence.Frame) evidence.Fact {
	if d.later {
		return nil
	}
	switch d.protocol {
	case inet.ProtoICMP:
		return icmpFact(h, d, f)
	case inet.ProtoTCP:
		return tcpFact(h, d, f)
	case inet.ProtoUDP:
		return hsrpFact(h, d)
	case inet.ProtoVRRP:
		return vrrpFact(h, d)
	}
	return nil
}
