package mss

import (
	"encoding/binary"
	"net/netip"

	"github.com/mdlayher/ethernet"
	"github.com/nlbprobe/nlbprobe/evidence"
	"github.com/nlbprobe/nlbprobe/inet"
	"github.com/nlbprobe/nlbprobe/mac"
	"github.com/nlbprobe/nlbprobe/observe"
)

// flowKey is the two ends of a connection, the lesser one first.
type flowKey struct {
	a, b         [16]byte
	portA, portB uint16
}

// packet is what is read of a frame with TCP.
type packet struct {
	key           flowKey
	forward       bool // from a to b
	six           bool
	src, dst      mac.Addr
	vlan          uint16
	ttl           uint8
	id            uint16 // of IPv4
	flags         byte
	seq, ack      uint32
	payload       int
	options       int // bytes of TCP and IP options
	tcpOptions    []byte
	total         int // bytes of the IP packet
	from, to      []byte
	sport, dport  uint16
	hash, reverse uint32
}

// Frame takes the next frame of a capture. Its bytes are not kept but as copies.
func (s *Follower) Frame(f *evidence.Frame) {
	// Before anything is unpacked: is it TCP with data, or with a flag that
	// matters, and of a connection to look at?
	b := f.Data
	if len(b) < 14+20+20 {
		return
	}
	etherType, vlan, off, ok := observe.Network(b)
	if !ok {
		return
	}
	if vlan == 0 {
		vlan = f.VLAN
	}
	if etherType == observe.EtherPPPoE {
		if etherType, off, ok = observe.PPPoE(b, off); !ok {
			return
		}
	}
	if len(b) < off+20+20 {
		return
	}
	ip := b[off:]
	var header, total, addr int
	switch etherType {
	case uint16(ethernet.EtherTypeIPv4):
		const fragment = 0x3fff // more fragments, offset
		if ip[9] != inet.ProtoTCP || ip[0]>>4 != 4 || binary.BigEndian.Uint16(ip[6:])&fragment != 0 {
			return
		}
		header, total, addr = int(ip[0]&0x0f)*4, int(binary.BigEndian.Uint16(ip[2:])), 4
		if header < 20 {
			return
		}
		if total == 0 { // the card writes it into the pieces that it makes
			total = f.Length - off
		}
	case uint16(ethernet.EtherTypeIPv6):
		if len(ip) < 40+20 || ip[6] != inet.ProtoTCP || ip[0]>>4 != 6 {
			return
		}
		header, total, addr = 40, 40+int(binary.BigEndian.Uint16(ip[4:])), 16
		if total == header {
			total = f.Length - off
		}
	default:
		return
	}
	if len(ip) < header+20 {
		return
	}
	tcp := ip[header:]
	data := int(tcp[12]>>4) * 4
	payload := total - header - data
	if data < 20 || payload < 0 {
		return
	}
	flags := tcp[13]
	var hash, reverse uint32
	if addr == 4 {
		hash = mix(binary.LittleEndian.Uint32(ip[12:]), binary.LittleEndian.Uint16(tcp), binary.LittleEndian.Uint32(ip[16:]), binary.LittleEndian.Uint16(tcp[2:]))
	} else {
		hash = mix(fold(ip[8:24]), binary.LittleEndian.Uint16(tcp), fold(ip[24:40]), binary.LittleEndian.Uint16(tcp[2:]))
	}
	options := data - 20
	if addr == 4 {
		options += header - 20
	}
	if flags&inet.FlagSYN == 0 && payload+options <= usualMSS && s.watch[hash/64]&(1<<(hash%64)) == 0 {
		return
	}

	p := packet{
		six: addr == 16, src: mac.From(b[6:]), dst: mac.From(b), vlan: vlan, flags: flags,
		seq: binary.BigEndian.Uint32(tcp[4:]), ack: binary.BigEndian.Uint32(tcp[8:]),
		payload: payload, options: options, tcpOptions: tcp[20:min(data, len(tcp))], total: total,
		sport: binary.BigEndian.Uint16(tcp), dport: binary.BigEndian.Uint16(tcp[2:]), hash: hash,
	}
	if p.six {
		p.from, p.to, p.ttl = ip[8:24], ip[24:40], ip[7]
		reverse = mix(fold(ip[24:40]), binary.LittleEndian.Uint16(tcp[2:]), fold(ip[8:24]), binary.LittleEndian.Uint16(tcp))
	} else {
		if !f.Out && !f.Unsummed && ip[10]|ip[11] != 0 && inet.Sum(0, ip[:header]) != 0xffff {
			return // no host takes it
		}
		p.from, p.to, p.ttl, p.id = ip[12:16], ip[16:20], ip[8], binary.BigEndian.Uint16(ip[4:])
		reverse = mix(binary.LittleEndian.Uint32(ip[16:]), binary.LittleEndian.Uint16(tcp[2:]), binary.LittleEndian.Uint32(ip[12:]), binary.LittleEndian.Uint16(tcp))
	}
	p.reverse = reverse
	p.key, p.forward = keyOf(&p)
	s.add(&p, f)
}

// mix makes a number of 16 bits of the two ends of a direction.
func mix(from uint32, sport uint16, to uint32, dport uint16) uint32 {
	const prime = 0x9e3779b97f4a7c15
	h := (uint64(from) | uint64(to)<<32) * prime
	h = (h ^ h>>29 ^ uint64(sport) ^ uint64(dport)<<16) * prime
	return uint32(h >> 48)
}

// fold makes 32 bits of an IPv6 address.
func fold(b []byte) uint32 {
	x := binary.LittleEndian.Uint64(b) ^ binary.LittleEndian.Uint64(b[8:])*0x9e3779b97f4a7c15
	return uint32(x>>32) ^ uint32(x)
}

func keyOf(p *packet) (flowKey, bool) {
	var from, to [16]byte
	copy(from[:], p.from)
	copy(to[:], p.to)
	k := flowKey{from, to, p.sport, p.dport}
	forward := string(from[:]) < string(to[:]) || from == to && p.sport <= p.dport
	if !forward {
		k = flowKey{to, from, p.dport, p.sport}
	}
	return k, forward
}

// ends are the addresses of a packet.
func (p *packet) ends() (src, dst netip.AddrPort) {
	from, _ := netip.AddrFromSlice(p.from)
	to, _ := netip.AddrFromSlice(p.to)
	return netip.AddrPortFrom(from, p.sport), netip.AddrPortFrom(to, p.dport)
}

// tcpOf is the fact of a segment with SYN or RST.
func tcpOf(p *packet, f *evidence.Frame) evidence.TCP {
	src, dst := p.ends()
	t := evidence.TCP{
		EthSrc: p.src, EthDst: p.dst, Src: src, Dst: dst, TTL: p.ttl,
		SYN: p.flags&inet.FlagSYN != 0, ACK: p.flags&inet.FlagACK != 0, RST: p.flags&inet.FlagRST != 0, VLAN: p.vlan, Out: f.Out,
	}
	if t.SYN {
		t.MSS = observe.SegmentSize(p.tcpOptions)
	}
	return t
}
