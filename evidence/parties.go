package evidence

import (
	"net/netip"

	"github.com/nlbprobe/nlbprobe/mac"
)

// Parties calls ip and at with the addresses and the MACs that a fact is about:
// who sent the frame and whom its sender names. A question or packet of this host is about whom it
// is for; so is one that isOurs says comes from a MAC of this host, as captures do
// not always tell. Who is asked by broadcast or by a group's MAC is told by address
// alone. An address or MAC that is not set is passed too, and some come twice.
func Parties(f Fact, isOurs func(mac.Addr) bool, ip func(netip.Addr), at func(mac.Addr)) {
	// ends are both ends of a packet.
	ends := func(src, dst mac.Addr, from, to netip.Addr) {
		if !isOurs(src) {
			at(src)
			ip(from)
		}
		if !isOurs(dst) {
			at(dst)
			ip(to)
		}
	}
	sent := func(out bool, dst mac.Addr, to netip.Addr) bool {
		if out {
			at(dst)
			ip(to)
		}
		return out
	}
	switch f := f.(type) {
	case ARP:
		if sent(f.Out || isOurs(f.EthSrc), f.EthDst, f.TargetIP) {
			return
		}
		at(f.EthSrc)
		at(f.SenderMAC)
		ip(f.SenderIP)
	case BadARP:
		at(f.EthSrc)
	case Echo:
		if !sent(f.Out, f.EthDst, f.Dst) {
			ends(f.EthSrc, f.EthDst, f.Src, f.Dst)
		}
	case ICMPError:
		at(f.EthSrc)
		ip(f.From)
		ip(f.Gateway)
		ip(f.Dst)
	case TCP:
		if !sent(f.Out, f.EthDst, f.Dst.Addr()) {
			ends(f.EthSrc, f.EthDst, f.Src.Addr(), f.Dst.Addr())
		}
	case Traffic:
		if !sent(f.Out, f.EthDst, f.Dst) {
			ends(f.EthSrc, f.EthDst, f.Src, f.Dst)
		}
	case Hello:
		at(f.EthSrc)
		ip(f.From)
		ip(f.Virtual)
	case IGMP:
		if f.Out || isOurs(f.EthSrc) {
			ip(f.Group)
			return
		}
		at(f.EthSrc)
		ip(f.From)
		ip(f.Group)
	case Heartbeat:
		at(f.EthSrc)
		ip(f.Dedicated)
		ip(f.Cluster)
	case Malformed:
		at(f.EthSrc)
	case Segment:
		at(f.EthSrc)
		ip(f.Src.Addr())
		ip(f.Dst.Addr())
	case Ack:
		at(f.EthSrc)
		ip(f.Src.Addr())
		ip(f.Dst.Addr())
	case Offer:
		ip(f.Src.Addr())
		ip(f.Dst.Addr())
	case Ask:
		ip(f.Target)
	case Told:
		ip(f.Of.Target)
		ip(f.From)
	case Vantage:
		ip(f.Gateway)
		ip(f.VIP)
	case Listened:
		at(f.Joined)
	case Lost:
		ip(f.VIP)
	case Unkept, Captured: // about frames, not about anybody
	}
}

// IsSeen reports whether a fact of the kind is an event, something sent or heard,
// rather than a circumstance: where the observer is, or what it could not hear.
func (k Kind) IsSeen() bool {
	switch k {
	case KindOffer, KindVantage, KindListened, KindLost, KindUnkept, KindCaptured, kindCount:
		return false
	case KindARPRequest, KindARPReply, KindBadARP, KindEcho, KindICMPError, KindTCP, KindTraffic, KindHello,
		KindIGMPQuery, KindIGMPReport, KindHeartbeat, KindMalformed, KindSegment, KindAck, KindAsk, KindTold:
	}
	return true
}
