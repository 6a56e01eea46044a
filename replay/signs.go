package replay

import (
	"net/netip"
	"slices"

	"github.com/nlbprobe/nlbprobe/evidence"
	"github.com/nlbprobe/nlbprobe/mac"
	"github.com/nlbprobe/nlbprobe/nlb"
)

// signs is what was seen of MACs that may show a VIP: one frame can be chance, and
// what makes it more can come before or after it.
type signs struct {
	clusters map[netip.Addr]bool       // primary VIPs of clusters in unicast mode that are proven
	alike    map[mac.Addr]*alike       // MACs that begin with 02-bf, and who is said to be there
	masked   map[netip.Addr][]mac.Addr // sources 02-pp with the bytes of an address, at most two
	adapters map[mac.Addr]bool         // of that form, and an adapter's own: frames are sent to it, or its ARP names it
	sources  map[mac.Addr]bool         // group MACs from which a frame came

	shown     map[netip.Addr]bool     // VIPs that need no other sign
	byTraffic map[netip.Addr]mac.Addr // VIPs that packets to one group MAC show, and nothing else
	byMask    map[netip.Addr]bool     // VIPs that packets from a masked source show, and nothing else
}

// alike is what is said of a MAC that begins with 02-bf.
type alike struct {
	ips  []netip.Addr
	from []mac.Addr // other MACs from which it is named, at most two
}

// The bounds of what is kept of signs.
const (
	maxSigns = 1 << 12 // MACs or addresses of one sort
	maxAlike = 32      // addresses at one MAC
)

func newSigns() signs {
	return signs{
		clusters: make(map[netip.Addr]bool), alike: make(map[mac.Addr]*alike), masked: make(map[netip.Addr][]mac.Addr),
		adapters: make(map[mac.Addr]bool), sources: make(map[mac.Addr]bool),
		shown: make(map[netip.Addr]bool), byTraffic: make(map[netip.Addr]mac.Addr), byMask: make(map[netip.Addr]bool),
	}
}

// source notes a frame whose source is a group MAC: no station may send from one
// (IEEE 802.3 3.2.3), so it is nobody's that could be a cluster's.
func (s *signs) source(frame []byte) {
	if len(frame) >= 12 && frame[6]&1 != 0 && len(s.sources) < maxSigns {
		s.sources[mac.From(frame[6:])] = true
	}
}

// show opens the case of a VIP, which from now on needs no other sign.
func (r *Replay) show(vip netip.Addr) {
	if r.signs.shown[vip] || r.open(vip) == nil {
		return
	}
	r.signs.shown[vip] = true
	delete(r.signs.byTraffic, vip)
	delete(r.signs.byMask, vip)
}

// proves notes that there is a cluster in unicast mode with this primary VIP: who
// is said to be at its MAC is a VIP.
func (r *Replay) proves(primary netip.Addr) {
	s := &r.signs
	if s.clusters[primary] || len(s.clusters) >= maxSigns {
		return
	}
	s.clusters[primary] = true
	m, err := nlb.DeriveMAC(primary, nlb.Unicast)
	if err != nil {
		return
	}
	if a := s.alike[m]; a != nil {
		for _, ip := range a.ips {
			r.show(ip)
		}
	}
}

// remember keeps ip for the case that the cluster at m, a MAC that begins with 02-bf,
// is proven. It returns what is known of m, or nil if there is no room for more.
func (s *signs) remember(m mac.Addr, ip netip.Addr) *alike {
	a := s.alike[m]
	if a == nil {
		if len(s.alike) >= maxSigns {
			return nil
		}
		a = &alike{}
		s.alike[m] = a
	}
	if len(a.ips) < maxAlike && !slices.Contains(a.ips, ip) {
		a.ips = append(a.ips, ip)
	}
	return a
}

// at notes that ip is said to be at m, a MAC that begins with 02-bf, by frames from
// a source; zero where nobody says so. It is a VIP if anything but the form of its
// MAC speaks for a cluster: one of 16,384 MACs that software makes up begins so.
func (r *Replay) at(m, source mac.Addr, ip netip.Addr) {
	s := &r.signs
	primary := nlb.Classify(m).Primary
	a := s.remember(m, ip)
	if a == nil {
		return
	}
	if !source.IsZero() && source != m && len(a.from) < 2 && !slices.Contains(a.from, source) {
		a.from = append(a.from, source)
	}
	switch {
	case s.clusters[primary]:
		r.show(ip)
	case ip == primary, len(a.from) > 1:
		r.show(ip)
		r.proves(primary)
	}
}

// mask notes a frame from m, a source 02-pp with the bytes of an address.
func (r *Replay) mask(m mac.Addr) {
	s := &r.signs
	of := nlb.Classify(m).Primary
	if !of.IsValid() {
		of = netip.AddrFrom4([4]byte(m[2:])) // 02-04-96 is Extreme's too
	}
	if known := s.masked[of]; !slices.Contains(known, m) && len(known) < 2 && len(s.masked) < maxSigns {
		s.masked[of] = append(known, m)
	}
}

// adapter notes that a MAC of that form is an adapter's own.
func (s *signs) adapter(m mac.Addr) {
	if len(s.adapters) < maxSigns {
		s.adapters[m] = true
	}
}

// doubtful reports a VIP for which too little speaks: packets to a group MAC from
// which frames come too, or packets from one adapter whose MAC was made of its own
// IP.
func (r *Replay) doubtful(vip netip.Addr) bool {
	s := &r.signs
	if m, ok := s.byTraffic[vip]; ok {
		return s.sources[m]
	}
	if !s.byMask[vip] || s.clusters[vip] {
		return false
	}
	known := s.masked[vip]
	return len(known) == 1 && s.adapters[known[0]]
}

// claim finds out by ARP who is a VIP: the sender MAC is a group's or one that NLB
// derives, or the frame comes from a MAC that NLB derives for a host of this VIP's
// cluster.
func (r *Replay) claim(a evidence.ARP) {
	if !nlb.CanBeVIP(a.SenderIP) || a.EthSrc.IsGroup() {
		return
	}
	if a.SenderMAC.IsGroup() {
		r.show(a.SenderIP)
		return
	}
	sender := nlb.ClassifyFor(a.SenderMAC, a.SenderIP)
	if sender.Kind == nlb.KindUnicast && nlb.ClassifyFor(a.EthSrc, sender.Primary).Kind == nlb.KindMasked {
		r.mask(a.EthSrc)
		r.proves(sender.Primary)
	}
	switch sender.Kind {
	case nlb.KindUnicast:
		r.at(a.SenderMAC, a.EthSrc, a.SenderIP)
	case nlb.KindLegacy:
		r.show(a.SenderIP)
	case nlb.KindMasked:
		// An adapter whose MAC was made of its own IP answers so, and no host of a
		// cluster but one of several, or behind a device that rewrites ARP.
		r.signs.adapter(a.SenderMAC)
		r.mask(a.SenderMAC)
		if r.signs.clusters[a.SenderIP] || len(r.signs.masked[a.SenderIP]) > 1 {
			r.show(a.SenderIP)
		} else if m, err := nlb.DeriveMAC(a.SenderIP, nlb.Unicast); err == nil {
			r.signs.remember(m, a.SenderIP)
		}
	default:
		if source := nlb.ClassifyFor(a.EthSrc, a.SenderIP); source.Kind == nlb.KindMasked {
			r.mask(a.EthSrc)
			r.show(a.SenderIP)
		}
	}
}

// discover finds out by a packet from src to dst who is a VIP.
func (r *Replay) discover(ethSrc, ethDst mac.Addr, src, dst netip.Addr) {
	if r.only || ethSrc.IsGroup() {
		return
	}
	if dst.IsValid() && (ethDst.IsGroup() || mayDerive(ethDst)) && !r.signs.shown[dst] && nlb.CanBeVIP(dst) {
		r.discoverDst(ethDst, dst)
	}
	if src.IsValid() && mayDerive(ethSrc) && nlb.CanBeVIP(src) {
		r.discoverSrc(ethSrc, src)
	}
}

// mayDerive reports a MAC of a form that NLB derives for single hosts: no other one
// need be looked at twice.
func mayDerive(m mac.Addr) bool {
	return m[0] == 0x02 && (m[1] == 0xbf || m[1] >= 1 && m[1] <= nlb.MaxPriority) || m[0] == 0x00 && m[1] == 0xbf
}

// discoverDst looks at the MAC that a packet for dst goes to.
func (r *Replay) discoverDst(to mac.Addr, dst netip.Addr) {
	class := nlb.ClassifyFor(to, dst)
	switch {
	case to.IsBroadcast():
	case class.NLB && (class.Primary == dst || class.EndsAs(dst)) && class.Kind != nlb.KindMasked:
		r.show(dst)
		if class.Kind == nlb.KindUnicast {
			r.proves(dst)
		}
	case class.Kind == nlb.KindMasked:
		r.signs.adapter(to)
	case class.Kind == nlb.KindUnicast:
		if r.signs.clusters[class.Primary] {
			r.show(dst)
		}
	case to.IsGroup() && !class.Kind.Reserved() && !endsNetwork(dst) && !r.signs.sources[to]:
		// A protocol's own MAC carries packets for single addresses by design, and a
		// network's address is no host's.
		if r.docket.Case(dst) == nil && r.open(dst) != nil && len(r.signs.byTraffic) < MaxVIPs {
			r.signs.byTraffic[dst] = to
		}
	}
}

// discoverSrc looks at the MAC that a packet of src comes from.
func (r *Replay) discoverSrc(from mac.Addr, src netip.Addr) {
	switch class := nlb.ClassifyFor(from, src); class.Kind {
	case nlb.KindUnicast:
		if class.Primary == src || r.signs.clusters[class.Primary] {
			r.show(src)
		}
	case nlb.KindLegacy:
		r.show(src)
	case nlb.KindMasked:
		r.mask(from)
		if r.docket.Case(src) != nil || r.doubtfulMask(from, src) {
			return
		}
		if r.open(src) != nil && len(r.signs.byMask) < MaxVIPs {
			r.signs.byMask[src] = true
		}
	}
}

// doubtfulMask reports that a masked source is known for an adapter's own MAC, and
// nothing else speaks for a cluster.
func (r *Replay) doubtfulMask(m mac.Addr, of netip.Addr) bool {
	return r.signs.adapters[m] && !r.signs.clusters[of] && len(r.signs.masked[of]) < 2
}

// endsNetwork reports an address that is mostly a network's own or its broadcast
// address. Without a prefix that is a guess, good enough where a packet to a group
// MAC is all there is.
func endsNetwork(ip netip.Addr) bool {
	last := ip.As4()[3]
	return last == 0 || last == 255
}
