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
	"github.com/nlbprobe/nlbprobe/inet"
	"github.com/nlbprobe/nlbprobe/mac"
	"github.com/nlbprobe/nlbprobe/nlb"
)

// Facts appends to dst the facts that the frame gives and returns the extended
// slice; most give one at most, an IGMP report of version 3 can give several. A
// frame that says nothing about a cluster appends nothing and
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
	// Discover makes facts of frames that show a cluster which is not watched
	// yet: an IPv4 packet for one host in a frame to a group MAC, or a MAC that
	// NLB derives.
	Discover bool
	// Narrow leaves out echoes and TCP segments that neither concern an address
	// that is watched or mentioned nor show a cluster. In a capture they are
	// others', and many.
	Narrow bool

	macs map[mac.Addr]bool
	ips  map[netip.Addr]bool
	few  [1024 / 64]uint64 // a bit for each that is watched, by its last two bytes: most frames end here

	recent *recent // nil in the zero value
}

// bit is where few has the bit of an address that ends in a and b.
func bit(a, b byte) (word int, mask uint64) {
	n := (uint(a)*31 + uint(b)) % 1024
	return int(n / 64), 1 << (n % 64)
}

func (w *Watch) note(a, b byte) {
	word, mask := bit(a, b)
	w.few[word] |= mask
}

func (w *Watch) noted(a, b byte) bool {
	word, mask := bit(a, b)
	return w.few[word]&mask != 0
}

// AddMAC makes frames to m, a cluster's MAC, facts.
func (w *Watch) AddMAC(m mac.Addr) {
	if w.macs == nil {
		w.macs = make(map[mac.Addr]bool)
	}
	w.macs[m] = true
	w.note(m[4], m[5])
	w.remember()
}

// remember has the observer keep the facts that a cluster's segment repeats.
func (w *Watch) remember() {
	if w.recent == nil {
		w.recent = new(recent)
	}
}

// AddIP makes IPv4 datagrams to ip, a VIP, facts.
func (w *Watch) AddIP(ip netip.Addr) {
	if w.ips == nil {
		w.ips = make(map[netip.Addr]bool)
	}
	w.ips[ip.Unmap()] = true
	w.Mention(ip)
	w.remember()
}

// DropIP undoes AddIP.
func (w *Watch) DropIP(ip netip.Addr) { delete(w.ips, ip.Unmap()) }

// Mention keeps echoes and TCP segments from and to ip in a narrow Watch.
func (w *Watch) Mention(ip netip.Addr) {
	if ip = ip.Unmap(); ip.Is4() {
		o := ip.As4()
		w.note(o[2], o[3])
	}
}

// Facts does as the function Facts, but IGMP and heartbeats that repeat
// themselves allocate nothing, and appends an evidence.Traffic for a frame
// to a watched MAC or address that gives no other fact. That holds for a frame
// to a watched MAC whatever it carries: it used the wire, broken or not.
func (w *Watch) Facts(dst []evidence.Fact, f *evidence.Frame) []evidence.Fact {
	const ethernetHeader = 14
	if b := f.Data; len(b) >= ethernetHeader && b[12] == 0x08 && b[13] == 0x00 && w.saysNothing(b, b[ethernetHeader:]) {
		return dst // of a capture's frames nearly all end here
	}
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
		if w.saysNothing(f.Data, h.payload) {
			return dst
		}
		d, ok := parseIPv4(h.payload, max(0, f.Length-len(f.Data)), f.Out || f.Unsummed)
		if !ok {
			if saysIGMP(h.payload) {
				return append(dst, w.malformed(evidence.ProtocolIGMP, evidence.ReasonHeader, h))
			}
			break
		}
		if d.protocol == inet.ProtoIGMP {
			n := len(dst)
			if dst = w.igmpFacts(dst, h, d, f); len(dst) > n {
				return dst
			}
		}
		if fact := ipFact(h, d, f); fact != nil {
			return w.sharedToo(append(dst, fact), d)
		}
		from, to = d.src, d.dst
	case nlb.EtherTypeHeartbeat, nlb.EtherTypeConvoy:
		return append(dst, w.heartbeatFact(h, f))
	}
	if w.macs[h.dst] || to.IsValid() && (w.ips[to] || w.Discover && showsCluster(h, from, to)) {
		t := evidence.Traffic{EthSrc: h.src, EthDst: h.dst, Src: from, Dst: to, VLAN: h.vlan, Out: f.Out}
		if h.etherType >= leastEtherType {
			t.EtherType = uint16(h.etherType)
		}
		return append(dst, t)
	}
	if from.IsValid() && w.ips[from] && !h.src.IsGroup() {
		// That it sends, and from where, is what counts: not to whom.
		return append(dst, evidence.Traffic{EthSrc: h.src, Src: from, EtherType: uint16(h.etherType), VLAN: h.vlan, Out: f.Out})
	}
	// A frame from a cluster's MAC, whatever it carries, teaches the switch where
	// that is: RARP of a hypervisor, IPv6 or LLDP of a node.
	if h.src[1] == 0xbf && (h.src[0] == 0x02 || h.src[0] == 0x00 && w.macs[h.src]) || h.src[0] == 0x02 && w.macs[h.src] {
		t := evidence.Traffic{EthSrc: h.src, EthDst: h.dst, VLAN: h.vlan, Out: f.Out}
		if h.etherType >= leastEtherType {
			t.EtherType = uint16(h.etherType)
		}
		return append(dst, t)
	}
	return dst
}

// saysNothing reports a frame with an IPv4 packet b in the middle of a TCP
// connection, or of UDP, that has nothing to do with what is watched; in a narrow
// Watch others' connections and echoes too. It looks at no more than it needs.
func (w *Watch) saysNothing(frame, b []byte) bool {
	const least = 20 + 20
	if len(b) < least || b[0] != 0x45 || frame[0]&1 != 0 ||
		w.noted(frame[4], frame[5]) || w.noted(b[14], b[15]) || w.noted(b[18], b[19]) {
		return false
	}
	switch b[9] {
	case inet.ProtoTCP:
		if !w.Narrow && (b[6]&0x1f|b[7] != 0 || b[20+13]&(inet.FlagSYN|inet.FlagRST) != 0) {
			return false
		}
	case inet.ProtoUDP:
		if binary.BigEndian.Uint16(b[22:]) == hsrpPort {
			return false
		}
	case inet.ProtoICMP:
		if !w.Narrow || b[20] != echoRequest && b[20] != echoReply {
			return false
		}
	default:
		return false
	}
	return !w.Discover || !derivedMAC(mac.Addr(frame[0:6]), b[16:20]) && !derivedMAC(mac.Addr(frame[6:12]), b[12:16])
}

// derivedMAC reports a unicast MAC that NLB derives: 02-bf or 00-bf of a cluster,
// or 02-pp of a host of the cluster whose VIP is ip.
func derivedMAC(m mac.Addr, ip []byte) bool {
	switch {
	case m[0] == 0x02 && m[1] == 0xbf:
		return true
	case m[0] == 0x00 && m[1] == 0xbf, m[0] == 0x02 && m[1] >= 1 && m[1] <= nlb.MaxPriority:
		return string(m[2:]) == string(ip)
	}
	return false
}

// showsCluster reports a frame that only a cluster brings about, with from and
// to as its IPv4 addresses: for one host and to a group MAC (RFC 1122 3.3.6 has
// hosts drop such), or with a MAC that NLB derives.
func showsCluster(h header, from, to netip.Addr) bool {
	src, dst := from.As4(), to.As4()
	if dst[0] == 0 || dst[0] == 127 || dst[0] >= 224 {
		return false
	}
	if h.dst.IsGroup() {
		return !h.dst.IsBroadcast()
	}
	return derivedMAC(h.dst, dst[:]) || derivedMAC(h.src, src[:])
}

// header is an Ethernet header with its VLAN tags taken off.
type header struct {
	dst, src  mac.Addr
	etherType ethernet.EtherType
	vlan      uint16 // the innermost tag's identifier, 0 where there is none
	payload   []byte // shares the frame's bytes
}

// parseHeader reads an Ethernet header. The tags are walked here and not by the
// ethernet package since that copies each payload and refuses two tags of the same
// type, which switches do send.
func parseHeader(b []byte) (header, bool) {
	etherType, vlan, off, ok := Network(b)
	if !ok {
		return header{}, false
	}
	return header{dst: mac.From(b), src: mac.From(b[6:]), etherType: ethernet.EtherType(etherType), vlan: vlan, payload: b[off:]}, true
}

// arpFact decodes ARP for IPv4 over Ethernet (RFC 826). Anything else of this
// ethertype is a fact too, but a bad one. The guard stands before the codec,
// which takes any lengths.
func arpFact(h header, f *evidence.Frame) evidence.Fact {
	b := h.payload
	bad := func(reason evidence.Reason) evidence.Fact {
		return evidence.BadARP{EthSrc: h.src, Reason: reason}
	}
	switch {
	case len(b) < 8:
		return bad(evidence.ReasonShort)
	case binary.BigEndian.Uint16(b) != 1:
		return bad(evidence.ReasonHardware)
	case binary.BigEndian.Uint16(b[2:]) != uint16(ethernet.EtherTypeIPv4):
		return bad(evidence.ReasonProtocol)
	case b[4] != 6 || b[5] != 4:
		return bad(evidence.ReasonLengths)
	}
	var p arp.Packet
	if err := p.UnmarshalBinary(b); err != nil {
		return bad(evidence.ReasonShort)
	}
	if p.Operation != arp.OperationRequest && p.Operation != arp.OperationReply {
		return bad(evidence.ReasonOperation)
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
