package capture

import (
	"encoding/binary"
	"fmt"

	"github.com/nlbprobe/nlbprobe/mac"
)

// linkType says what a packet begins with (LINKTYPE_ in libpcap's list).
type linkType uint16

// The link types that are read. Those without Ethernet frames are read for the IP
// packets in them.
const (
	linkNull     linkType = 0 // BSD loopback: the address family, in the byte order of its host
	linkEthernet linkType = 1
	linkPPP      linkType = 9
	linkRawOld   linkType = 12 // raw IP, as BSD numbers it
	linkPPPHDLC  linkType = 50
	linkPPPoE    linkType = 51
	linkRaw      linkType = 101
	linkCHDLC    linkType = 104 // Cisco's HDLC
	linkLoop     linkType = 108 // OpenBSD loopback: the family in network byte order
	linkSLL      linkType = 113 // Linux cooked: tcpdump -i any
	linkPPPDir   linkType = 204 // PPP with the direction before it
	linkIPv4     linkType = 228
	linkIPv6     linkType = 229
	linkSLL2     linkType = 276 // Linux cooked, its second version, with the interface's index
)

func (l linkType) known() bool {
	switch l {
	case linkNull, linkEthernet, linkPPP, linkRawOld, linkPPPHDLC, linkPPPoE, linkRaw, linkCHDLC, linkLoop, linkSLL, linkPPPDir, linkIPv4, linkIPv6, linkSLL2:
		return true
	}
	return false
}

// String names the type, with its number.
func (l linkType) String() string {
	name := ""
	switch l {
	case linkNull:
		name = "BSD loopback"
	case linkEthernet:
		name = "Ethernet"
	case linkPPP, linkPPPHDLC, linkPPPDir:
		name = "PPP"
	case linkPPPoE:
		name = "PPPoE"
	case linkRawOld, linkRaw, linkIPv4, linkIPv6:
		name = "raw IP"
	case linkCHDLC:
		name = "Cisco HDLC"
	case 105:
		name = "IEEE 802.11"
	case linkLoop:
		name = "OpenBSD loopback"
	case linkSLL:
		name = "Linux cooked"
	case 127:
		name = "IEEE 802.11 with radiotap"
	case 189, 220:
		name = "USB on Linux"
	case 239:
		name = "Linux netfilter log"
	case 249:
		name = "USB on Windows"
	case 253:
		name = "Linux netlink"
	case linkSLL2:
		name = "Linux cooked, version 2"
	default:
		return fmt.Sprintf("link type %d", uint16(l))
	}
	return fmt.Sprintf("link type %d (%s)", uint16(l), name)
}

// The hardware types in a cooked header whose frames are Ethernet's.
const (
	hardwareEthernet = 1   // ARPHRD_ETHER
	hardwareLoopback = 772 // ARPHRD_LOOPBACK
)

// holdsIP reports a hardware type of a cooked header whose packets are IP's
// (linux/if_arp.h): SLIP and PPP, raw IP, tunnels, and devices without a link layer.
func holdsIP(hardware uint16) bool {
	switch hardware {
	case 256, 257, 258, 259, // ARPHRD_SLIP and its kinds
		512,      // ARPHRD_PPP
		519,      // ARPHRD_RAWIP
		768, 769, // ARPHRD_TUNNEL, ARPHRD_TUNNEL6
		776, 777, 778, 779, 823, // ARPHRD_SIT, _IPDDP, _IPGRE, _PIMREG, _IP6GRE
		0xfffe: // ARPHRD_NONE, as of tun and WireGuard
		return true
	}
	return false
}

// The packet types in a cooked header.
const (
	cookedBroadcast = 1
	cookedOutgoing  = 4
)

// The ethertypes of IP, and where they stand.
const (
	etherHeader = 14
	etherIPv4   = 0x0800
	etherIPv6   = 0x86dd
)

// linkPacket is what a packet of another link than Ethernet's holds: an Ethernet
// frame, or an IP packet.
type linkPacket struct {
	frame     []byte // an Ethernet frame, in place; nil where the link has none
	ip        []byte // then an IP packet
	etherType uint16 // of that
	wire      int    // length on the wire, of the one or the other
	out       bool
}

// ethernet appends an Ethernet header with zero addresses, and the IP packet.
func (p *linkPacket) ethernet(b []byte) []byte {
	b = append(b, make([]byte, etherHeader-2)...)
	b = binary.BigEndian.AppendUint16(b, p.etherType)
	return append(b, p.ip...)
}

// packet reads a packet of this link. length is that on the wire. It is not ok
// where the packet is cut inside the link's header, or holds neither Ethernet nor
// IP.
func (l linkType) packet(b []byte, length int) (p linkPacket, ok bool) {
	if l == linkSLL || l == linkSLL2 {
		return l.cooked(b, length)
	}
	header, etherType := 0, uint16(0)
	switch l {
	case linkPPPDir:
		if len(b) < 1 {
			return p, false
		}
		p.out = b[0] != 0
		header, etherType = pppHeader(b[1:])
		header++
	case linkPPP, linkPPPHDLC:
		header, etherType = pppHeader(b)
	case linkPPPoE: // version and type, code, session, length; then the protocol
		const session = 6
		if len(b) < session+2 || b[0] != 0x11 || b[1] != 0 {
			return p, false
		}
		header, etherType = pppHeader(b[session:])
		header += session
	case linkCHDLC: // address, control, ethertype
		if header = 4; len(b) >= header {
			etherType = binary.BigEndian.Uint16(b[2:])
		}
	case linkNull, linkLoop:
		if header = 4; len(b) >= header {
			etherType = familyOf(b)
		}
	default:
		if len(b) > 0 {
			etherType = versionOf(b[0])
		}
	}
	if len(b) <= header || etherType != versionOf(b[header]) || etherType == 0 {
		return p, false
	}
	p.ip, p.etherType, p.wire = b[header:], etherType, length-header
	return p, true
}

// versionOf returns the ethertype of an IP packet that begins with b, 0 where it is
// none.
func versionOf(b byte) uint16 {
	switch b >> 4 {
	case 4:
		return etherIPv4
	case 6:
		return etherIPv6
	}
	return 0
}

// familyOf returns the ethertype of the address family that a loopback's packet
// begins with: 2 is IPv4 everywhere, IPv6 is 24 on NetBSD and OpenBSD, 28 on
// FreeBSD, 30 on macOS (tcpdump.org, LINKTYPE_NULL).
func familyOf(b []byte) uint16 {
	family := binary.LittleEndian.Uint32(b)
	if family > 0xffff {
		family = binary.BigEndian.Uint32(b)
	}
	switch family {
	case 2:
		return etherIPv4
	case 24, 28, 30:
		return etherIPv6
	}
	return 0
}

// pppHeader returns the length of a PPP header and the ethertype of what follows, 0
// where that is not IP. Address and control may be left out, and the first octet of
// the protocol (RFC 1661 6.5, 6.6).
func pppHeader(b []byte) (int, uint16) {
	n := 0
	if len(b) >= 2 && b[0] == 0xff && b[1] == 0x03 {
		n = 2
	}
	if len(b) < n+2 {
		return 0, 0
	}
	protocol := binary.BigEndian.Uint16(b[n:])
	if b[n]&1 != 0 {
		protocol = uint16(b[n])
		n--
	}
	switch protocol {
	case 0x0021:
		return n + 2, etherIPv4
	case 0x0057:
		return n + 2, etherIPv6
	}
	return 0, 0
}

// cooked reads a packet with a cooked header. Of an Ethernet's it makes the frame,
// in place: the cooked header is longer than Ethernet's, so the addresses are
// written over its end. The source address and the protocol are in it; of the
// destination only that it was the broadcast address, else it is left zero.
func (l linkType) cooked(b []byte, length int) (p linkPacket, ok bool) {
	var cooked int // length of the cooked header
	var hardware, protocol uint16
	var kind byte
	var addrLen int
	var addr []byte
	if l == linkSLL { // packet type, hardware type, address length, of 16 bits; address of 8 bytes; protocol
		if cooked = 16; len(b) < cooked {
			return p, false
		}
		kind = cookedKind(binary.BigEndian.Uint16(b))
		hardware = binary.BigEndian.Uint16(b[2:])
		addrLen = int(binary.BigEndian.Uint16(b[4:]))
		addr = b[6:12]
		protocol = binary.BigEndian.Uint16(b[14:])
	} else { // protocol, 16 unused bits, interface of 32, hardware type of 16, packet type and address length of 8; address
		if cooked = 20; len(b) < cooked {
			return p, false
		}
		protocol = binary.BigEndian.Uint16(b)
		hardware = binary.BigEndian.Uint16(b[8:])
		kind = b[10]
		addrLen = int(b[11])
		addr = b[12:18]
	}
	p.out = kind == cookedOutgoing
	switch {
	case hardware == hardwareEthernet, hardware == hardwareLoopback:
	case holdsIP(hardware) && len(b) > cooked && protocol != 0 && protocol == versionOf(b[cooked]):
		p.ip, p.etherType, p.wire = b[cooked:], protocol, max(length-cooked, 0)
		return p, true
	default:
		return p, false
	}
	p.wire = max(length-cooked, 0) + etherHeader
	var dst, src mac.Addr
	if addrLen == len(src) {
		src = mac.From(addr)
	}
	if kind == cookedBroadcast {
		dst = mac.Broadcast
	}
	if protocol < 0x0600 { // an IEEE 802.3 frame: what stood there was its length
		protocol = uint16(min(p.wire-etherHeader, 1500))
	}
	b = b[cooked-etherHeader:]
	copy(b, dst[:])
	copy(b[6:], src[:])
	binary.BigEndian.PutUint16(b[12:], protocol)
	p.frame = b
	return p, true
}

// cookedKind brings the packet type of the first version to the width of the
// second: unknown ones to one that is unknown there.
func cookedKind(kind uint16) byte {
	return byte(min(kind, 0xff))
}
