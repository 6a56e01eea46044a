// Package inet is the arithmetic and the numbers of IPv4 that everybody here may
// use: the Internet checksum, the MAC of a group, protocols and flags.
package inet

import (
	"encoding/binary"
	"net/netip"

	"github.com/nlbprobe/nlbprobe/mac"
)

// The protocols of IPv4 (IANA protocol numbers).
const (
	ProtoICMP = 1
	ProtoIGMP = 2
	ProtoIPIP = 4 // RFC 2003
	ProtoTCP  = 6
	ProtoUDP  = 17
	ProtoIPv6 = 41 // RFC 4213
	ProtoGRE  = 47 // RFC 2784
	ProtoVRRP = 112
)

// The control bits of a TCP header that matter (RFC 9293 3.1).
const (
	FlagSYN = 0x02
	FlagRST = 0x04
	FlagACK = 0x10
)

// Sum adds the 16-bit words of b, in network byte order, to s in one's complement
// (RFC 1071). Over bytes that hold their own right checksum it is 0xffff. A last
// odd byte counts as if a zero followed.
func Sum(s uint32, b []byte) uint32 {
	for ; len(b) >= 2; b = b[2:] {
		s += uint32(binary.BigEndian.Uint16(b))
	}
	if len(b) == 1 {
		s += uint32(b[0]) << 8
	}
	for s > 0xffff {
		s = s>>16 + s&0xffff
	}
	return s
}

// Checksum returns the Internet checksum of b (RFC 1071): what its checksum field
// must hold if that is zero, and zero if that is right.
func Checksum(b []byte) uint16 { return ^uint16(Sum(0, b)) }

// GroupMAC returns the Ethernet address of an IPv4 group: 01-00-5e and the group's
// low 23 bits (RFC 1112 6.4), so 32 groups share each. It is zero if ip is not an
// IPv4 group.
func GroupMAC(ip netip.Addr) mac.Addr {
	if ip = ip.Unmap(); !ip.Is4() || !ip.IsMulticast() {
		return mac.Addr{}
	}
	g := ip.As4()
	return mac.Addr{0x01, 0x00, 0x5e, g[1] & 0x7f, g[2], g[3]}
}

// IsHost reports whether ip can be a single host's IPv4 address, also in IPv6 form:
// none of this network (0.0.0.0/8), loopback, multicast or reserved (RFC 6890, RFC 1112 4).
func IsHost(ip netip.Addr) bool {
	if ip = ip.Unmap(); !ip.Is4() {
		return false
	}
	w := ip.As4()[0]
	return w != 0 && w != 127 && w < 224
}
