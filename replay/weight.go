package replay

import (
	"net/netip"

	"github.com/nlbprobe/nlbprobe/docket"
	"github.com/nlbprobe/nlbprobe/evidence"
	"github.com/nlbprobe/nlbprobe/mac"
)

// weight is how much speaks against a VIP, by what its diagnosis may find: of more
// VIPs than are kept, those that weigh least give way. It is rough, and cheap: it
// is asked for only when there are too many.
type weight uint8

const (
	shown      weight = iota // packets show it, and no answer
	answered                 // answers of one MAC: at most what a cluster is warned of
	keptAsking               // and somebody asks often
	disputed                 // answers of several MACs
)

// askedOften is how many questions of one asker are more than a renewal.
const askedOften = 3

// weigh weighs a VIP by what was claimed for it and who asked.
func weigh(claims, asks *evidence.Log) weight {
	w := shown
	var at mac.Addr
	for it := range claims.All() {
		a, ok := it.Fact.(evidence.ARP)
		if !ok || a.Out {
			continue
		}
		if w != shown && a.SenderMAC != at {
			return disputed
		}
		w, at = answered, a.SenderMAC
	}
	if w == shown {
		return w
	}
	for it := range asks.All() {
		if it.Count >= askedOften {
			return keptAsking
		}
	}
	return w
}

// full reports that there are as many VIPs as are kept. Of those that the caller named
// there is no bound.
func (r *Replay) full() bool { return !r.only && r.docket.Len() >= MaxVIPs }

// giveWay leaves out the VIP that weighs least, if that is less than w. VIPs that
// were named stay.
func (r *Replay) giveWay(w weight) bool {
	if r.only || w <= r.least {
		return false // weights only rise
	}
	var out *docket.Case
	for _, c := range r.docket.Cases() {
		if r.named[c.VIP] {
			continue
		}
		if is := weigh(&c.Log, &c.Asks); out == nil || is < r.least {
			out, r.least = c, is
		}
		if r.least == shown {
			break
		}
	}
	if out == nil || r.least >= w {
		return false
	}
	r.docket.Drop(out)
	r.watch.DropIP(out.VIP)
	delete(r.asked, out)
	delete(r.signs.byTraffic, out.VIP)
	delete(r.signs.byMask, out.VIP)
	return true
}

// weightOf weighs an address that is no VIP so far.
func (r *Replay) weightOf(ip netip.Addr) weight {
	for _, all := range [...]maybes{r.maybe, r.before} {
		if m := all.of[ip]; m != nil {
			return weigh(&m.log, &m.asks)
		}
	}
	return shown
}
