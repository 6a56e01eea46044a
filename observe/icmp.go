package observe

import (
	"encoding/binary"
	"net/netip"

	"github.com/nlbprobe/nlbprobe/evidence"
	"github.com/nlbprobe/nlbprobe/inet"
)

// The ICMP types of an evidence.Echo.
const (
	echoReply   = 0
	echoRequest = 8
)

// icmpFact decodes ICMP (RFC 792). Its checksum is judged where the whole
// message is there.
func icmpFact(h header, d datagram, f *evidence.Frame) evidence.Fact {
	b := d.payload
	if len(b) < 8 || d.whole && inet.Sum(0, b) != 0xffff {
		return nil
	}
	switch b[0] {
	case echoReply, echoRequest:
		if b[1] != 0 {
			return nil
		}
		e := evidence.Echo{
			Reply:  b[0] == echoReply,
			EthSrc: h.src, EthDst: h.dst,
			Src: d.src, Dst: d.dst,
			TTL:  d.ttl,
			ID:   binary.BigEndian.Uint16(b[4:]),
			VLAN: h.vlan,
			Out:  f.Out,
		}
		if token, ok := tokenOf(b[8:]); ok {
			e.Seq, e.Token = binary.BigEndian.Uint16(b[6:]), token
		}
		return e
	case evidence.Unreachable, evidence.Redirect, evidence.TimeExceeded:
		e := evidence.ICMPError{
			Type: b[0], Code: b[1],
			EthSrc: h.src,
			From:   d.src, To: d.dst,
			VLAN: h.vlan,
		}
		if e.Type == evidence.Redirect {
			e.Gateway = netip.AddrFrom4([4]byte(b[4:]))
		}
		quote(&e, b[8:])
		return e
	}
	return nil
}

// tokenLen is how much of an echo's payload tells whether it is in this tool's
// form: 8 random bytes, and the mark.
const tokenLen = 8 + len(evidence.Mark)

// tokenOf returns the first 8 bytes of an echo's payload in this tool's form.
// Others' echoes have none, so that one fact stands for all of a host's.
func tokenOf(payload []byte) (uint64, bool) {
	if len(payload) < tokenLen || string(payload[8:tokenLen]) != evidence.Mark {
		return 0, false
	}
	return binary.BigEndian.Uint64(payload), true
}

// quote reads what the ICMP error quotes of the datagram that it is about: its
// IPv4 header and at least 8 bytes more (RFC 792, RFC 1122 3.2.2). Neither
// checksum nor total length of it are judged: routers quote what they have
// already changed.
func quote(e *evidence.ICMPError, b []byte) {
	if len(b) < 20 || b[0]>>4 != 4 || b[0]&0x0f < 5 {
		return
	}
	e.Protocol = b[9]
	e.Src = netip.AddrFrom4([4]byte(b[12:]))
	e.Dst = netip.AddrFrom4([4]byte(b[16:]))
	later := binary.BigEndian.Uint16(b[6:])&0x1fff != 0
	header := int(b[0]&0x0f) * 4
	if later || len(b) < header {
		return
	}
	switch b = b[header:]; e.Protocol {
	case inet.ProtoICMP:
		if len(b) < 6 || b[0] != echoRequest && b[0] != echoReply {
			return
		}
		e.ID = binary.BigEndian.Uint16(b[4:])
		if len(b) >= 8 {
			e.Seq = uint32(binary.BigEndian.Uint16(b[6:]))
			if e.Payload = len(b) >= 8+tokenLen; e.Payload {
				var ours bool
				if e.Token, ours = tokenOf(b[8:]); !ours {
					e.Seq = 0 // as in Echo
				}
			}
		}
	case inet.ProtoTCP, inet.ProtoUDP:
		if len(b) >= 4 {
			e.ID = binary.BigEndian.Uint16(b)
			e.Port = binary.BigEndian.Uint16(b[2:])
			if len(b) >= 8 && e.Protocol == inet.ProtoTCP {
				e.Seq = binary.BigEndian.Uint32(b[4:])
			}
		}
	}
}
