package observe

import (
	"encoding/binary"
	"net/netip"
	"slices"
	"time"

	"github.com/mdlayher/ethernet"

	"github.com/nlbprobe/nlbprobe/evidence"
	"github.com/nlbprobe/nlbprobe/mac"
)

// What a host has to take where no maximum segment size is said, in bytes (RFC
// 9293 3.7.1): 576 or 1280 of the least MTU, less two headers.
const (
	DefaultMSS4 = 536
	DefaultMSS6 = 1220
)

// The bounds of what Segments keeps.
const (
	MaxConnections = 4096 // whose opening was seen, at one time
	MaxOfEvidence  = 512  // connections that are evidence

	segmentFacts   = 16 // different facts of one connection and kind
	segmentBytes   = 16 << 20
	segmentSnap    = 256  // bytes kept of a segment: its headers
	recentSegments = 16   // by which a retransmission is known
	obeyedKept     = 4    // sizes kept of segments that fit
	usualMSS       = 1460 // what Ethernet gives: less is worth a look at each segment
)

// Segments follows the TCP connections in a capture for the size of their
// segments. It makes evidence of connections in which one end offers to take
// less than Windows ever sends, or gets segments longer than it offered. A live
// run does without it. The zero value is ready for use; it is not safe for
// concurrent use.
//
// Of all frames nearly none are looked at closer than their headers: those with
// SYN, and those of a connection that takes less than usual or took more.
type Segments struct {
	byKey  map[flowKey]*connection
	ring   []*connection // in the order of their opening, the next one to forget at next
	next   int
	found  []*connection // those that are evidence
	left   int           // connections that would have been evidence, and were too many
	budget evidence.Budget
	watch  [1 << 16 / 64]uint64 // a bit for each direction that is looked at closer
}

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

// half is one end of a connection, as sender and as receiver.
type half struct {
	seen bool   // its SYN was seen
	isn  uint32 // the sequence number of that
	mss  int    // what it takes
	syn  []byte // its SYN
	meta evidence.Frame
	fact evidence.TCP
	long *long // what it sent that is evidence; nil is nothing
}

// long is what one end sent that is evidence.
type long struct {
	recent [recentSegments]sent
	sent   int // segments noted in recent, ever
	obeyed int // sizes of segments noted that fit
	sizes  [obeyedKept]int
}

// longs returns what is noted of what an end sent.
func (h *half) longs() *long {
	if h.long == nil {
		h.long = &long{}
	}
	return h.long
}

// sent is a segment longer than its receiver offered to take.
type sent struct {
	seq, length uint32
	id          uint16
	at          time.Time
	acked       bool
}

// connection is one TCP connection. Half 0 sends from a to b.
type connection struct {
	key    flowKey
	opener int // the half that sent the SYN without ACK; -1 is not known
	half   [2]half
	log    *evidence.Log // nil until it is evidence
	full   bool          // it would be evidence, but there are too many
}

// Connection is a connection that is evidence.
type Connection struct {
	Client, Server netip.AddrPort
	Items          []evidence.Item
}

// Frame takes the next frame of a capture. Its bytes are not kept but as copies.
func (s *Segments) Frame(f *evidence.Frame) {
	// Before anything is unpacked: is it TCP with data, or with a flag that
	// matters, and of a connection to look at?
	b := f.Data
	if len(b) < 14+20+20 {
		return
	}
	off, etherType := 14, binary.BigEndian.Uint16(b[12:])
	vlan := f.VLAN
	for range maxTags {
		if etherType != uint16(ethernet.EtherTypeVLAN) && etherType != uint16(ethernet.EtherTypeServiceVLAN) {
			break
		}
		if len(b) < off+4+20+20 {
			return
		}
		vlan = binary.BigEndian.Uint16(b[off:]) & 0x0fff
		etherType = binary.BigEndian.Uint16(b[off+2:])
		off += 4
	}
	ip := b[off:]
	var header, total, addr int
	switch etherType {
	case uint16(ethernet.EtherTypeIPv4):
		const fragment = 0x3fff // more fragments, offset
		if ip[9] != protoTCP || ip[0]>>4 != 4 || binary.BigEndian.Uint16(ip[6:])&fragment != 0 {
			return
		}
		header, total, addr = int(ip[0]&0x0f)*4, int(binary.BigEndian.Uint16(ip[2:])), 4
		if header < 20 {
			return
		}
	case uint16(ethernet.EtherTypeIPv6):
		if len(ip) < 40+20 || ip[6] != protoTCP || ip[0]>>4 != 6 {
			return
		}
		header, total, addr = 40, 40+int(binary.BigEndian.Uint16(ip[4:])), 16
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
	if flags&flagSYN == 0 && payload+options <= usualMSS && s.watch[hash/64]&(1<<(hash%64)) == 0 {
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
		if sum(0, ip[:header]) != 0xffff && !f.Out {
			return // no host takes it; of those sent here the card may make the sum
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

func (s *Segments) look(hash uint32) { s.watch[hash/64] |= 1 << (hash % 64) }

// add takes a packet that may matter.
func (s *Segments) add(p *packet, f *evidence.Frame) {
	from := 0
	if !p.forward {
		from = 1
	}
	c := s.byKey[p.key]
	if p.flags&flagSYN != 0 {
		if p.flags&flagRST == 0 {
			s.open(c, p, from, f)
		}
		return
	}
	if c == nil {
		return
	}
	me, peer := &c.half[from], &c.half[1-from]
	switch {
	case p.payload > 0 && peer.seen && p.payload+p.options > peer.mss:
		s.over(c, p, me.longs(), f)
	case p.payload > 0 && peer.seen && peer.mss < DefaultMSS4:
		s.obeyed(c, p, me.longs(), f)
	}
	if p.flags&flagACK != 0 && peer.long != nil {
		s.acked(c, p, peer.long, f)
	}
	if p.flags&flagRST != 0 && c.log != nil {
		s.keep(c, tcpOf(p, f), f)
	}
}

// open notes what an end offers with its SYN.
func (s *Segments) open(c *connection, p *packet, from int, f *evidence.Frame) {
	if c != nil && c.half[from].seen && c.half[from].isn == p.seq {
		return // the same again
	}
	if c == nil || p.flags&flagACK == 0 {
		if c = s.renew(c, p.key); c == nil {
			return
		}
	}
	h := &c.half[from]
	if h.seen {
		return
	}
	if p.flags&flagACK == 0 {
		c.opener = from
	} else if c.opener < 0 {
		c.opener = 1 - from
	}
	h.seen, h.isn = true, p.seq
	h.mss = int(segmentSize(p.tcpOptions))
	h.fact = tcpOf(p, f)
	if h.mss == 0 {
		h.mss = DefaultMSS4
		if p.six {
			h.mss = DefaultMSS6
		}
	}
	h.meta = *f
	h.syn = append(h.syn[:0], f.Data[:min(len(f.Data), segmentSnap)]...)
	h.meta.Data = h.syn
	if h.mss < usualMSS {
		s.look(p.reverse) // what is sent to it
	}
	if c.log != nil {
		s.keep(c, h.fact, &h.meta)
	}
	peer := &c.half[1-from]
	if p.six || h.mss >= DefaultMSS4 && (!peer.seen || peer.mss >= DefaultMSS4) {
		return
	}
	s.look(p.hash)
	s.look(p.reverse)
	// A SYN alone, as of somebody who tries ports, is no evidence yet.
	if peer.seen {
		s.evidence(c)
	}
}

// renew makes room for a connection: a new one, or the one of these ends before.
func (s *Segments) renew(c *connection, key flowKey) *connection {
	if s.byKey == nil {
		s.byKey = make(map[flowKey]*connection)
		s.budget = evidence.Budget{Facts: MaxOfEvidence * 4 * segmentFacts, Bytes: segmentBytes}
	}
	if c != nil && c.log != nil {
		// It stays evidence; the ends begin a new one.
		delete(s.byKey, key)
		c = nil
	}
	if c == nil {
		if len(s.ring) < MaxConnections {
			c = &connection{}
			s.ring = append(s.ring, c)
		} else {
			c = s.ring[s.next]
			if c.log != nil { // that one stays, as evidence
				c = &connection{}
				s.ring[s.next] = c
			} else {
				delete(s.byKey, c.key)
			}
			s.next = (s.next + 1) % len(s.ring)
		}
	}
	syn := [2][]byte{c.half[0].syn[:0], c.half[1].syn[:0]}
	*c = connection{key: key, opener: -1}
	c.half[0].syn, c.half[1].syn = syn[0], syn[1]
	s.byKey[key] = c
	return c
}

// evidence makes a connection evidence, with its opening.
func (s *Segments) evidence(c *connection) {
	if c.log != nil || c.full {
		return
	}
	if len(s.found) == MaxOfEvidence {
		c.full = true
		s.left++
		return
	}
	c.log = &evidence.Log{Budget: &s.budget}
	s.found = append(s.found, c)
	for i := range c.half {
		if h := &c.half[i]; h.seen {
			s.keep(c, h.fact, &h.meta)
		}
	}
}

// keep adds a fact to a connection's evidence. Of a long segment it keeps the
// headers.
func (s *Segments) keep(c *connection, fact evidence.Fact, f *evidence.Frame) {
	if c.log == nil || c.log.Len() >= 4*segmentFacts {
		return
	}
	cut := *f
	cut.Length = max(f.Length, len(f.Data))
	cut.Data = f.Data[:min(len(f.Data), segmentSnap)]
	c.log.Add(fact, f.Time, 1, &cut)
}

func segmentOf(p *packet, f *evidence.Frame) evidence.Segment {
	src, dst := p.ends()
	return evidence.Segment{EthSrc: p.src, EthDst: p.dst, Src: src, Dst: dst, Payload: p.payload, Options: p.options, VLAN: p.vlan, Out: f.Out}
}

// over notes a segment longer than its receiver offered to take.
func (s *Segments) over(c *connection, p *packet, me *long, f *evidence.Frame) {
	s.evidence(c)
	s.look(p.hash)
	s.look(p.reverse)
	fact := segmentOf(p, f)
	for i := range min(me.sent, recentSegments) {
		r := &me.recent[i]
		if r.seq != p.seq || r.length != uint32(p.payload) {
			continue
		}
		// A capture that has a frame twice has it at once, or with the same number.
		if gap := f.Time.Sub(r.at); gap < time.Millisecond || p.id != 0 && p.id == r.id {
			return
		}
		fact.Again = true
		r.at, r.id = f.Time, p.id
		s.keep(c, fact, f)
		return
	}
	me.recent[me.sent%recentSegments] = sent{seq: p.seq, length: uint32(p.payload), id: p.id, at: f.Time}
	me.sent++
	s.keep(c, fact, f)
}

// obeyed notes that a segment keeps to an offer below the floor.
func (s *Segments) obeyed(c *connection, p *packet, me *long, f *evidence.Frame) {
	if slices.Contains(me.sizes[:me.obeyed], p.payload+p.options) {
		return
	}
	if me.obeyed == obeyedKept {
		return
	}
	s.evidence(c)
	me.sizes[me.obeyed] = p.payload + p.options
	me.obeyed++
	s.keep(c, segmentOf(p, f), f)
}

// acked notes how far an acknowledgement reaches into the long segments of the
// other end.
func (s *Segments) acked(c *connection, p *packet, peer *long, f *evidence.Frame) {
	for i := range min(peer.sent, recentSegments) {
		r := &peer.recent[i]
		into := p.ack - r.seq
		if r.acked || int32(into) <= 0 {
			continue
		}
		src, dst := p.ends()
		a := evidence.Ack{EthSrc: p.src, Src: src, Dst: dst, Inside: into < r.length, VLAN: p.vlan}
		r.acked = !a.Inside
		s.keep(c, a, f)
	}
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
		SYN: p.flags&flagSYN != 0, ACK: p.flags&flagACK != 0, RST: p.flags&flagRST != 0, VLAN: p.vlan, Out: f.Out,
	}
	if t.SYN {
		t.MSS = segmentSize(p.tcpOptions)
	}
	return t
}

// Connections returns the connections that are evidence, in the order in which
// they showed, and how many more there were.
func (s *Segments) Connections() (found []Connection, more int) {
	for _, c := range s.found {
		h := &c.half[max(c.opener, 0)]
		if !h.seen {
			h = &c.half[1-max(c.opener, 0)]
		}
		client, server := h.fact.Src, h.fact.Dst
		if h.fact.ACK {
			client, server = server, client
		}
		found = append(found, Connection{Client: client, Server: server, Items: c.log.Items()})
	}
	return found, s.left
}
