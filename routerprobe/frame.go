// Package routerprobe decides how to ask a router to carry a packet to a VIP:
// what to send, when again, and when nothing more can be learnt. It sends
// nothing itself and knows no socket and no clock.
//
// The packet's IP destination is the VIP, its IP source is our own address, and
// the frame goes to the router's MAC: to deliver it the router must send it back
// onto the same subnet, for which it needs a MAC for the VIP.
package routerprobe

import (
	"encoding/binary"
	"fmt"
	"net/netip"

	"golang.org/x/net/icmp"
	"golang.org/x/net/ipv4"

	"github.com/nlbprobe/nlbprobe/evidence"
	"github.com/nlbprobe/nlbprobe/inet"
	"github.com/nlbprobe/nlbprobe/mac"
)

// Source is who asks: this host's own MAC and IPv4 address on the subnet.
// Answers come back to it, so no other address will do.
type Source struct {
	MAC mac.Addr
	IP  netip.Addr
}

// TTL is the time to live of all packets sent. Forwarded once, it is one less.
const TTL = evidence.ProbeTTL

// payload tells whoever captures an echo request what it is. 8 random bytes stand
// before it.
const payload = evidence.Mark + ": does this router reach this address? github.com/nlbprobe/nlbprobe"

// EchoNumbers are what an echo reply repeats: identifier, sequence number, and
// the first 8 bytes of the payload. All of them are random, so that nobody who has
// not seen the request can answer it.
type EchoNumbers struct {
	ID, Seq uint16
	Token   uint64
}

// MSS is the maximum segment size that a SYN offers, in bytes: that of a
// 1500-byte Ethernet (RFC 9293 3.7.1).
const MSS = 1460

// Echo returns the Ethernet frame, without frame check sequence, of an ICMP echo
// request (RFC 792) to target by way of the router.
func Echo(src Source, router mac.Addr, target netip.Addr, n EchoNumbers) ([]byte, error) {
	data := append(binary.BigEndian.AppendUint64(nil, n.Token), payload...)
	m := icmp.Message{Type: ipv4.ICMPTypeEcho, Body: &icmp.Echo{ID: int(n.ID), Seq: int(n.Seq), Data: data}}
	body, err := m.Marshal(nil)
	if err != nil {
		return nil, fmt.Errorf("routerprobe: echo request to %v: %w", target, err)
	}
	return datagram(src, router, target, inet.ProtoICMP, body)
}

// SYN returns the frame of a TCP segment that opens a connection from our port
// sport to target by way of the router (RFC 9293 3.1). seq is its sequence
// number. It has no payload: some firewalls drop a SYN that has.
func SYN(src Source, router mac.Addr, target netip.AddrPort, sport uint16, seq uint32) ([]byte, error) {
	return segment(src, router, target, sport, seq, inet.FlagSYN, 2, 4, MSS>>8, MSS&0xff)
}

// RST returns the frame of a segment that ends at once what a SYN opened. seq is
// the sequence number that the other side expects: the SYN's and one more.
func RST(src Source, router mac.Addr, target netip.AddrPort, sport uint16, seq uint32) ([]byte, error) {
	return segment(src, router, target, sport, seq, inet.FlagRST)
}

const (

	// leastFrame is the least length of an Ethernet frame without its check
	// sequence (IEEE 802.3 4.2.3.3).
	leastFrame = 60
)

// segment returns the frame of a TCP segment without payload. options are a
// multiple of 4 bytes.
func segment(src Source, router mac.Addr, target netip.AddrPort, sport uint16, seq uint32, flags byte, options ...byte) ([]byte, error) {
	b := make([]byte, 20, 20+len(options))
	binary.BigEndian.PutUint16(b, sport)
	binary.BigEndian.PutUint16(b[2:], target.Port())
	binary.BigEndian.PutUint32(b[4:], seq)
	b[12] = byte((20 + len(options)) / 4 << 4)
	b[13] = flags
	if flags&inet.FlagSYN != 0 {
		binary.BigEndian.PutUint16(b[14:], 0xffff) // window
	}
	b = append(b, options...)
	if src.IP.Is4() && target.Addr().Is4() {
		// The checksum covers a pseudo-header: addresses, protocol, length.
		from, to := src.IP.As4(), target.Addr().As4()
		pseudo := inet.Sum(inet.Sum(inet.ProtoTCP+uint32(len(b)), from[:]), to[:])
		binary.BigEndian.PutUint16(b[16:], ^uint16(inet.Sum(pseudo, b)))
	}
	return datagram(src, router, target.Addr(), inet.ProtoTCP, b)
}

// datagram returns the frame of an IPv4 datagram (RFC 791 3.1) to the router's
// MAC. It may not be fragmented, so its identification may be zero (RFC 6864 4.1).
func datagram(src Source, router mac.Addr, dst netip.Addr, protocol byte, body []byte) ([]byte, error) {
	if !src.IP.Is4() || src.IP.IsUnspecified() {
		return nil, fmt.Errorf("routerprobe: ask for %v from %v: not an IPv4 address of this host", dst, src.IP)
	}
	if !dst.Is4() {
		return nil, fmt.Errorf("routerprobe: ask for %v: not an IPv4 address", dst)
	}
	const ethernet, header = 14, 20
	b := make([]byte, 0, max(leastFrame, ethernet+header+len(body)))
	b = append(b, router[:]...)
	b = append(b, src.MAC[:]...)
	b = append(b, 0x08, 0x00, 0x45, 0) // IPv4; version 4, 20 bytes of header
	b = binary.BigEndian.AppendUint16(b, uint16(header+len(body)))
	b = append(b, 0, 0, 0x40, 0, TTL, protocol, 0, 0) // don't fragment
	from, to := src.IP.As4(), dst.As4()
	b = append(b, from[:]...)
	b = append(b, to[:]...)
	binary.BigEndian.PutUint16(b[ethernet+10:], ^uint16(inet.Sum(0, b[ethernet:])))
	b = append(b, body...)
	return append(b, make([]byte, max(0, leastFrame-len(b)))...), nil
}
