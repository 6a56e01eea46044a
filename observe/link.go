package observe

import (
	"encoding/binary"

	"github.com/mdlayher/ethernet"
)

// The ethertypes that this package needs beside those of the ethernet package.
const (
	etherTagOld    = 0x9100 // VLAN tags of before IEEE 802.1ad, as the outer of two
	etherTagOlder  = 0x9200
	etherMPLS      = 0x8847 // RFC 3032
	etherMPLSUp    = 0x8848 // RFC 5332
	etherPBB       = 0x88e7 // IEEE 802.1ah
	etherTRILL     = 0x22f3 // RFC 6325
	etherMACsec    = 0x88e5 // IEEE 802.1AE
	leastEtherType = 0x0600 // below it the field is the length of an IEEE 802.3 frame
)

// EtherPPPoE is the ethertype of a PPPoE session (RFC 2516).
const EtherPPPoE = 0x8864

// isTag reports the ethertype of a VLAN tag.
func isTag(etherType uint16) bool {
	switch etherType {
	case uint16(ethernet.EtherTypeVLAN), uint16(ethernet.EtherTypeServiceVLAN), etherTagOld, etherTagOlder:
		return true
	}
	return false
}

// maxTags bounds the tags that are looked through: more than a customer's and
// a provider's tag on one frame is not a network that we know.
const maxTags = 2

// Network finds what follows an Ethernet frame's addresses and VLAN tags: its
// ethertype, and where it begins. Of a frame with IEEE 802.3's length it is what
// the SNAP header says (RFC 1042), else the length. vlan is the innermost tag's
// identifier, 0 where there is none. A frame cut before its ethertype is not ok.
func Network(b []byte) (etherType, vlan uint16, off int, ok bool) {
	if len(b) < 14 {
		return 0, 0, 0, false
	}
	etherType, off = binary.BigEndian.Uint16(b[12:]), 14
	if etherType == uint16(ethernet.EtherTypeIPv4) {
		return etherType, 0, off, true
	}
	for range maxTags {
		if !isTag(etherType) {
			break
		}
		if len(b) < off+4 {
			return 0, 0, 0, false
		}
		vlan = binary.BigEndian.Uint16(b[off:]) & 0x0fff
		etherType = binary.BigEndian.Uint16(b[off+2:])
		off += 4
	}
	if etherType < leastEtherType && len(b) >= off+snapLen && string(b[off:off+6]) == snap {
		etherType = binary.BigEndian.Uint16(b[off+6:])
		off += snapLen
	}
	return etherType, vlan, off, true
}

// snap is what a SNAP header begins with: the two service access points, control
// of an unnumbered frame, and the organisation of RFC 1042. The ethertype follows.
const (
	snap    = "\xaa\xaa\x03\x00\x00\x00"
	snapLen = len(snap) + 2
)

// PPPoE finds the IP packet in a PPPoE session (RFC 2516 4, 6) that begins at off,
// and returns its ethertype.
func PPPoE(b []byte, off int) (etherType uint16, at int, ok bool) {
	const header, ip4, ip6 = 8, 0x0021, 0x0057
	if len(b) < off+header || b[off] != 0x11 || b[off+1] != 0 {
		return 0, 0, false
	}
	switch binary.BigEndian.Uint16(b[off+6:]) {
	case ip4:
		return uint16(ethernet.EtherTypeIPv4), off + header, true
	case ip6:
		return uint16(ethernet.EtherTypeIPv6), off + header, true
	}
	return 0, 0, false
}
