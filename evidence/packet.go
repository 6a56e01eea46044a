package evidence

import "net/netip"

// Packet is what tells one echo request or SYN from another: its addresses, and
// its own numbers, which an answer turns round and an ICMP error quotes.
type Packet struct {
	Src, Dst netip.Addr
	Protocol uint8  // 1 ICMP, 6 TCP
	ID       uint16 // echo identifier, or source port
	Port     uint16 // of TCP: the destination's
	Seq      uint32 // of TCP; of an echo that has a Token: its sequence number
	Token    uint64 // as in Echo
}

// The IP protocols of a Packet.
const (
	protocolICMP = 1
	protocolTCP  = 6
)

// Asked returns the packet that f is, where it asks for something: an echo
// request or a SYN.
func Asked(f Fact) (Packet, bool) {
	switch f := f.(type) {
	case Echo:
		return Packet{f.Src.Unmap(), f.Dst.Unmap(), protocolICMP, f.ID, 0, uint32(f.Seq), f.Token}, !f.Reply
	case TCP:
		return Packet{f.Src.Addr().Unmap(), f.Dst.Addr().Unmap(), protocolTCP, f.Src.Port(), f.Dst.Port(), f.Number, 0}, f.SYN && !f.ACK && !f.RST
	}
	return Packet{}, false
}

// Answered returns the packet of which f can be a consequence: its answer, or an
// error about it. Of an error that did not quote enough the Token is 0, and whole
// is false.
func Answered(f Fact) (p Packet, whole, ok bool) {
	switch f := f.(type) {
	case Echo:
		return Packet{f.Dst.Unmap(), f.Src.Unmap(), protocolICMP, f.ID, 0, uint32(f.Seq), f.Token}, true, f.Reply
	case TCP:
		// A reset that acknowledges nothing answers no SYN (RFC 9293 3.10.7.1).
		return Packet{f.Dst.Addr().Unmap(), f.Src.Addr().Unmap(), protocolTCP, f.Dst.Port(), f.Src.Port(), f.Number - 1, 0}, true, f.ACK && (f.SYN || f.RST)
	case ICMPError:
		return Packet{f.Src.Unmap(), f.Dst.Unmap(), f.Protocol, f.ID, f.Port, f.Seq, f.Token}, f.Protocol != protocolICMP || f.Payload, true
	}
	return Packet{}, false, false
}

// Packets finds packets that were sent by what a consequence shows of them. The
// zero value is empty and ready for use.
type Packets[V any] struct {
	whole map[Packet]V
	short map[Packet]V // those with a Token, without it
}

// Get returns what was put for the packet itself.
func (s *Packets[V]) Get(p Packet) (V, bool) {
	v, ok := s.whole[p]
	return v, ok
}

// Put notes a packet that was sent.
func (s *Packets[V]) Put(p Packet, v V) {
	if s.whole == nil {
		s.whole, s.short = make(map[Packet]V), make(map[Packet]V)
	}
	s.whole[p] = v
	if p.Token != 0 {
		p.Token = 0
		if _, known := s.short[p]; !known {
			s.short[p] = v
		}
	}
}

// Find returns what was put for the packet that p, as Answered returns it, can
// be a consequence of.
func (s *Packets[V]) Find(p Packet, whole bool) (V, bool) {
	if v, ok := s.whole[p]; ok || whole {
		return v, ok
	}
	if v, ok := s.short[p]; ok {
		return v, true
	}
	p.Seq = 0 // another tool's echo, whose sequence number is not told
	v, ok := s.whole[p]
	return v, ok
}

// Len returns how many packets were put.
func (s *Packets[V]) Len() int { return len(s.whole) }

// WithoutNumbers returns f without the numbers that only matter where it is a
// consequence of a packet of ours: of others' packets one fact then stands for
// many.
func WithoutNumbers(f Fact) Fact {
	switch f := f.(type) {
	case Echo:
		if f.Seq != 0 || f.Token != 0 {
			f.Seq, f.Token = 0, 0
			return f
		}
	case TCP:
		if f.Number != 0 {
			f.Number = 0
			return f
		}
	case ICMPError:
		if f.Seq != 0 || f.Token != 0 || f.Payload {
			f.Seq, f.Token, f.Payload = 0, 0, false
			return f
		}
	}
	return f
}
