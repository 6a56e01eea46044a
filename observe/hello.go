package observe

import (
	"encoding/binary"
	"net/netip"

	"github.com/nlbprobe/nlbprobe/evidence"
	"github.com/nlbprobe/nlbprobe/inet"
)

// vrrpFact decodes a VRRP advertisement for IPv4: version 2 (RFC 3768 5.1) or 3
// (RFC 5798 5.1). The receiver's checks are done here too (RFC 3768 7.1): TTL
// 255, which no router on the way leaves standing, and the checksum.
//
//	octet 0    version, type (1, the only one)
//	      1    virtual router identifier
//	      2    priority
//	      3    number of addresses
//	      4-5  authentication type and seconds (2), reserved and centiseconds (3)
//	      6-7  checksum
//	      8    addresses; in version 2, 8 octets of authentication follow
func vrrpFact(h header, d datagram) evidence.Fact {
	b := d.payload
	if len(b) < 8 || d.ttl != 255 {
		return nil
	}
	hello := evidence.Hello{
		EthSrc: h.src, From: d.src,
		Group: uint16(b[1]), Priority: b[2],
		// Only the master advertises; with priority 0 it says that it stops
		// (RFC 3768 5.3.4).
		Active: b[2] != 0,
		VLAN:   h.vlan,
	}
	switch b[0] {
	case 0x21:
		hello.Protocol = evidence.VRRPv2
	case 0x31:
		hello.Protocol = evidence.VRRPv3
	default:
		return nil
	}
	addresses := int(b[3])
	if d.whole && (len(b) < 8+4*addresses || !vrrpSum(d)) {
		return nil
	}
	if addresses > 0 && len(b) >= 12 {
		hello.Virtual = specified(b[8:])
	}
	return hello
}

// sharedToo appends what the VRRP advertisement d, dst's last fact, says of other
// addresses than its first that are watched: a group has up to 255, and the routers
// answer for each of them with one MAC.
func (w *Watch) sharedToo(dst []evidence.Fact, d datagram) []evidence.Fact {
	if d.protocol != inet.ProtoVRRP || len(w.ips) == 0 {
		return dst
	}
	hello, ok := dst[len(dst)-1].(evidence.Hello)
	if !ok {
		return dst
	}
	b := d.payload
	for n := min(int(b[3]), (len(b)-8)/4); n > 1; n-- {
		if ip := specified(b[8+4*(n-1):]); w.ips[ip] && ip != hello.Virtual {
			hello.Virtual = ip
			dst = append(dst, hello)
		}
	}
	return dst
}

// vrrpSum reports whether the message's checksum is right. In version 3 it
// covers a pseudo-header too (RFC 5798 5.2.8), but not all routers do so for
// IPv4: Wireshark (vrrp.v3_checksum_as_in_v2) and routers (OcNOS: vrrp
// ipv4-exclude-pseudo-header) have a switch for it.
func vrrpSum(d datagram) bool {
	if inet.Sum(0, d.payload) == 0xffff {
		return true
	}
	if d.payload[0]>>4 != 3 {
		return false
	}
	src, dst := d.src.As4(), d.dst.As4()
	pseudo := inet.Sum(inet.Sum(uint32(inet.ProtoVRRP)+uint32(len(d.payload)), src[:]), dst[:])
	return inet.Sum(pseudo, d.payload) == 0xffff
}

const hsrpPort = 1985

// hsrpFact decodes an HSRP message in UDP: version 1 by RFC 2281 5.1; version 2
// by the layout that Wireshark's packet-hsrp.c documents, since Cisco published
// none. Each version has its own group address.
func hsrpFact(h header, d datagram) evidence.Fact {
	b := d.payload
	if len(b) < 8 || binary.BigEndian.Uint16(b[2:]) != hsrpPort {
		return nil
	}
	length := int(binary.BigEndian.Uint16(b[4:]))
	if length < 8 || d.whole && length > len(b) {
		return nil
	}
	b = b[8:min(length, len(b))]
	hello := evidence.Hello{EthSrc: h.src, From: d.src, VLAN: h.vlan}
	ok := false
	switch d.dst.As4() {
	case [4]byte{224, 0, 0, 2}:
		ok = hsrp1(&hello, b)
	case [4]byte{224, 0, 0, 102}:
		ok = hsrp2(&hello, b)
	}
	if !ok {
		return nil
	}
	return hello
}

// What an HSRP message is (RFC 2281 5.1).
const (
	hsrpHello  = 0
	hsrpResign = 2 // the last of those that are about a group
)

// hsrp1 reads an HSRP version 1 message.
//
//	octet 0   version, 0            octet 4    hold time, seconds
//	      1   operation                   5    priority
//	      2   state, 16 is active         6    group
//	      3   hello time, seconds         8-15 authentication
//	                                     16-19 virtual address
func hsrp1(hello *evidence.Hello, b []byte) bool {
	const active = 16
	if len(b) < 20 || b[0] != 0 || b[1] > hsrpResign {
		return false
	}
	hello.Protocol = evidence.HSRPv1
	hello.Active = b[1] == hsrpHello && b[2] == active
	hello.Priority = b[5]
	hello.Group = uint16(b[6])
	hello.Virtual = specified(b[16:])
	return true
}

// hsrp2 reads an HSRP version 2 message, a row of type, length and value. The
// group state is of type 1:
//
//	octet 0   version, 2            octet 6-11  identifier, the sender's MAC
//	      1   operation                  12-15  priority
//	      2   state, 6 is active         16-19  hello time, milliseconds
//	      3   IP version                 20-23  hold time, milliseconds
//	      4-5 group                      24-39  virtual address, IPv4 in the first 4
func hsrp2(hello *evidence.Hello, b []byte) bool {
	const groupState, active = 1, 6
	for len(b) >= 2 {
		kind, length := b[0], int(b[1])
		if len(b) < 2+length {
			return false
		}
		v := b[2 : 2+length]
		b = b[2+length:]
		if kind != groupState {
			continue
		}
		if length < 40 || v[0] != 2 || v[1] > hsrpResign || v[3] != 4 {
			return false
		}
		priority := binary.BigEndian.Uint32(v[12:])
		group := binary.BigEndian.Uint16(v[4:])
		if priority > 255 || group > 4095 {
			return false
		}
		hello.Protocol = evidence.HSRPv2
		hello.Active = v[1] == hsrpHello && v[2] == active
		hello.Priority = uint8(priority)
		hello.Group = group
		hello.Virtual = specified(v[24:])
		return true
	}
	return false
}

// specified returns the IPv4 address that b starts with, or the invalid one for
// 0.0.0.0: a router that has yet to learn the virtual address says that.
func specified(b []byte) netip.Addr {
	if a := netip.AddrFrom4([4]byte(b)); !a.IsUnspecified() {
		return a
	}
	return netip.Addr{}
}
