// Package observe turns frames into facts. It is the only package that takes
// frames apart, and it guards that: frames are hostile input. It is a function
// of bytes and instants; where they come from - a socket, a capture, another
// machine - it does not know.
package observe

import (
	"encoding/binary"
	"net/netip"

	"github.com/mdlayher/arp"
	"github.com/mdlayher/ethernet"

	"github.com/nlbprobe/nlbprobe/evidence"
	"github.com/nlbprobe/nlbprobe/mac"
)

// The reasons of an evidence.BadARP: a fixed set, so that no text from the wire
// gets into a report.
const (
	ReasonShort     = "cut short"
	ReasonHardware  = "hardware type is not Ethernet"
	ReasonProtocol  = "protocol is not IPv4"
	ReasonLengths   = "address lengths are not 6 and 4"
	ReasonOperation = "operation is neither request nor reply"
)

// Facts appends to dst the facts that the frame gives and returns the extended
// slice. A frame that says nothing about a cluster appends nothing and
// allocates nothing. Facts knows no cluster, so it never finds Traffic: Watch
// does.
func Facts(dst []evidence.Fact, f *evidence.Frame) []evidence.Fact {
	var none Watch
	return none.Facts(dst, f)
}

// Watch is an observer that knows which clusters matter: what goes to one of
// them is a fact even where it says nothing else. The zero value knows none. It
// is not safe for use while something is added to it.
type Watch struct {
	macs map[mac.Addr]bool
	ips  map[netip.Addr]bool
}

// AddMAC makes frames to m, a cluster's MAC, facts.
func (w *Watch) AddMAC(m mac.Addr) {
	if w.macs == nil {
		w.macs = make(map[mac.Addr]bool)
	}
	w.macs[m] = true
}

// AddIP makes IPv4 datagrams to ip, a VIP, facts.
func (w *Watch) AddIP(ip netip.Addr) {
	if w.ips == nil {
		w.ips = make(map[netip.Addr]bool)
	}
	w.ips[ip.Unmap()] = true
}

// Facts does as the function Facts, and appends an evidence.Traffic for a frame
// to a watched MAC or address that gives no other fact. That holds for a frame
// to a watched MAC whatever it carries: it used the wire, broken or not.
func (w *Watch) Facts(dst []evidence.Fact, f *evidence.Frame) []evidence.Fact {
	h, ok := parseHeader(f.Data)
	if !ok {
		return dst
	}
	if h.vlan == 0 {
		h.vlan = f.VLAN
	}
	var from, to netip.Addr
	switch h.etherType {
	case ethernet.EtherTypeARP:
		return append(dst, arpFact(h, f))
	case ethernet.EtherTypeIPv4:
		d, ok := parseIPv4(h.payload, max(0, f.Length-len(f.Data)))
		if !ok {
			break
		}
		if fact := ipFact(h, d, f); fact != nil {
			return append(dst, fact)
		}
		from, to = d.src, d.dst
	}
	if w.macs[h.dst] || to.IsValid() && w.ips[to] {
		t := evidence.Traffic{EthSrc: h.src, EthDst: h.dst, Src: from, Dst: to, VLAN: h.vlan, Out: f.Out}
		if h.etherType >= leastEtherType {
			t.EtherType = uint16(h.etherType)
		}
		return append(dst, t)
	}
	return dst
}

// leastEtherType is the first ethertype: below it the field is the length of an
// IEEE 802.3 frame.
const leastEtherType = 0x0600

// header is an Ethernet header with its VLAN tags taken off.
type header struct {
	dst, src  mac.Addr
	etherType ethernet.EtherType
	vlan      uint16 // the innermost tag's identifier, 0 where there is none
	payload   []byte // shares the frame's bytes
}

// maxTags bounds the tags that are looked through: more than a customer's and
// a provider's tag on one frame is not a network that we know.
const maxTags = 2

// parseHeader reads an Ethernet II header. The tags are walked here and not by
// the ethernet package since that copies each payload and refuses two tags of
// the same type, which switches do send.
func parseHeader(b []byte) (header, bool) {
	const length = 14
	if len(b) < length {
		return header{}, false
	}
	h := header{dst: mac.From(b), src: mac.From(b[6:])}
	h.etherType = ethernet.EtherType(binary.BigEndian.Uint16(b[12:]))
	b = b[length:]
	for range maxTags {
		if h.etherType != ethernet.EtherTypeVLAN && h.etherType != ethernet.EtherTypeServiceVLAN {
			break
		}
		if len(b) < 4 {
			return header{}, false
		}
		h.vlan = binary.BigEndian.Uint16(b) & 0x0fff
		h.etherType = ethernet.EtherType(binary.BigEndian.Uint16(b[2:]))
		b = b[4:]
	}
	h.payload = b
	return h, true
}

// arpFact decodes ARP for IPv4 over Ethernet (RFC 826). Anything else of this
// ethertype is a fact too, but a bad one. The guard stands before the codec,
// which takes any lengths.
func arpFact(h header, f *evidence.Frame) evidence.Fact {
	b := h.payload
	bad := func(reason string) evidence.Fact {
		return evidence.BadARP{EthSrc: h.src, Reason: reason}
	}
	switch {
	case len(b) < 8:
		return bad(ReasonShort)
	case binary.BigEndian.Uint16(b) != 1:
		return bad(ReasonHardware)
	case binary.BigEndian.Uint16(b[2:]) != uint16(ethernet.EtherTypeIPv4):
		return bad(ReasonProtocol)
	case b[4] != 6 || b[5] != 4:
		return bad(ReasonLengths)
	}
	var p arp.Packet
	if err := p.UnmarshalBinary(b); err != nil {
		return bad(ReasonShort)
	}
	if p.Operation != arp.OperationRequest && p.Operation != arp.OperationReply {
		return bad(ReasonOperation)
	}
	return evidence.ARP{
		Op:        evidence.Op(p.Operation),
		EthSrc:    h.src,
		EthDst:    h.dst,
		SenderMAC: mac.From(p.SenderHardwareAddr),
		SenderIP:  p.SenderIP,
		TargetMAC: mac.From(p.TargetHardwareAddr),
		TargetIP:  p.TargetIP,
		VLAN:      h.vlan,
		Out:       f.Out,
	}
}
