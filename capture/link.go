package capture

import (
	"encoding/binary"
	"fmt"

	"github.com/nlbprobe/nlbprobe/mac"
)

// linkType says what a packet begins with (LINKTYPE_ in libpcap's list).
type linkType uint16

// The link types that are read.
const (
	linkEthernet linkType = 1
	linkSLL      linkType = 113 // Linux cooked: tcpdump -i any
	linkSLL2     linkType = 276 // its second version, with the interface's index
)

func (l linkType) known() bool {
	return l == linkEthernet || l == linkSLL || l == linkSLL2
}

// String names the type, with its number.
func (l linkType) String() string {
	name := ""
	switch l {
	case 0:
		name = "BSD loopback"
	case linkEthernet:
		name = "Ethernet"
	case 9:
		name = "PPP"
	case 101, 228, 229:
		name = "raw IP"
	case 105:
		name = "IEEE 802.11"
	case 108:
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

// The packet types in a cooked header.
const (
	cookedBroadcast = 1
	cookedOutgoing  = 4
)

// ethernet makes an Ethernet frame of a cooked packet, in place: the cooked
// header is longer than Ethernet's, so the addresses are written over its end.
// The source address and the protocol are in it; of the destination only that it
// was the broadcast address, else it is left zero. Packets of other hardware,
// and those cut inside their header, are refused. length is that on the wire.
func (l linkType) ethernet(b []byte, length int) (frame []byte, wire int, out, ok bool) {
	const header = 14
	var cooked int // length of the cooked header
	var hardware, protocol uint16
	var kind byte
	var addrLen int
	var addr []byte
	switch l {
	case linkSLL: // packet type, hardware type, address length, of 16 bits; address of 8 bytes; protocol
		if cooked = 16; len(b) < cooked {
			return nil, 0, false, false
		}
		kind = cookedKind(binary.BigEndian.Uint16(b))
		hardware = binary.BigEndian.Uint16(b[2:])
		addrLen = int(binary.BigEndian.Uint16(b[4:]))
		addr = b[6:12]
		protocol = binary.BigEndian.Uint16(b[14:])
	case linkSLL2: // protocol, 16 unused bits, interface of 32, hardware type of 16, packet type and address length of 8; address
		if cooked = 20; len(b) < cooked {
			return nil, 0, false, false
		}
		protocol = binary.BigEndian.Uint16(b)
		hardware = binary.BigEndian.Uint16(b[8:])
		kind = b[10]
		addrLen = int(b[11])
		addr = b[12:18]
	default:
		return nil, 0, false, false
	}
	if hardware != hardwareEthernet && hardware != hardwareLoopback {
		return nil, 0, false, false
	}
	wire = max(length-cooked, 0) + header
	var dst, src mac.Addr
	if addrLen == len(src) {
		src = mac.From(addr)
	}
	if kind == cookedBroadcast {
		dst = mac.Broadcast
	}
	if protocol < 0x0600 { // an IEEE 802.3 frame: what stood there was its length
		protocol = uint16(min(wire-header, 1500))
	}
	b = b[cooked-header:]
	copy(b, dst[:])
	copy(b[6:], src[:])
	binary.BigEndian.PutUint16(b[12:], protocol)
	return b, wire, kind == cookedOutgoing, true
}

// cookedKind brings the packet type of the first version to the width of the
// second: unknown ones to one that is unknown there.
func cookedKind(kind uint16) byte {
	return byte(min(kind, 0xff))
}
