// Package replay finds the VIPs in captured frames, and gives each the evidence
// that a live run would have had. It streams: what it keeps is bounded, whatever
// the length of the capture. It opens nothing and has no clock.
package replay

import (
	"net/netip"
	"slices"
	"time"

	"github.com/nlbprobe/nlbprobe/docket"
	"github.com/nlbprobe/nlbprobe/event"
	"github.com/nlbprobe/nlbprobe/evidence"
	"github.com/nlbprobe/nlbprobe/inet"
	"github.com/nlbprobe/nlbprobe/mac"
	"github.com/nlbprobe/nlbprobe/mss"
	"github.com/nlbprobe/nlbprobe/nlb"
	"github.com/nlbprobe/nlbprobe/observe"
)

// The bounds of what is kept.
const (
	MaxVIPs = 1024 // that are found, or named by captures

	keptFacts  = 1 << 16 // about VIPs
	keptBytes  = 12 << 20
	keptAgain  = 3 << 20
	moreFacts  = 8       // for each VIP that the caller names beyond MaxVIPs
	moreBytes  = 4 << 10 // likewise
	maybeFacts = 1 << 13 // about addresses that may turn out to be VIPs, twice
	maybeBytes = 2 << 20
	maybeAgain = 1 << 18
	maxHosts   = 1 << 12 // Ethernet sources that speak for VIPs
	maxAnswers = 1 << 14 // that are told
	maxAskers  = 1 << 12 // times that somebody asks for a VIP and is taken for a router
)

// Replay is one pass over captured frames. It is not safe for concurrent use.
type Replay struct {
	// Heard is told of each different answer for a VIP. It may be nil.
	Heard func(event.Answer)

	only   bool           // no other VIPs than those that were given
	placed map[int]bool   // the captures, by Frame.Source, that say where they were taken
	noted  map[where]bool // places whose VIPs a note names
	docket docket.Docket
	watch  observe.Watch
	facts  []evidence.Fact
	budget evidence.Budget
	asked  map[*docket.Case]uint64 // the revision when Changed was asked last

	// Addresses that may turn out to be VIPs, those of late and those before.
	maybe, before maybes

	signs signs

	hosts map[mac.Addr][2]netip.Addr // who speaks for VIPs, with up to two other addresses
	told  map[told]bool

	survey   observe.Survey
	segments mss.Follower
	spans    spans
	copies   copies
	ports    ports
	early    early
	askers   int

	frames      int
	first, last time.Time
	more        int                 // signs of VIPs beyond MaxVIPs
	least       weight              // no VIP weighs less, when it was looked at last
	named       map[netip.Addr]bool // by the caller or a note
}

// told is what makes an answer different.
type told struct {
	vip            netip.Addr
	source, sender mac.Addr
}

// maybe is what was heard of an address that is no VIP so far.
type maybe struct{ log, asks evidence.Log }

// maybes is that of several addresses, within a budget.
type maybes struct {
	of     map[netip.Addr]*maybe
	budget *evidence.Budget
}

func newMaybes() maybes {
	return maybes{
		of:     make(map[netip.Addr]*maybe),
		budget: &evidence.Budget{Facts: maybeFacts, Bytes: maybeBytes, Again: maybeAgain},
	}
}

// New returns a Replay that judges the given VIPs, or, where none is given, all
// that it finds.
func New(vips ...netip.Addr) *Replay {
	r := &Replay{
		only: len(vips) > 0, budget: evidence.Budget{Facts: keptFacts, Bytes: keptBytes, Again: keptAgain},
		asked: make(map[*docket.Case]uint64), placed: make(map[int]bool), noted: make(map[where]bool), named: make(map[netip.Addr]bool),
		maybe: newMaybes(), before: newMaybes(),
		hosts: make(map[mac.Addr][2]netip.Addr), told: make(map[told]bool), signs: newSigns(),
	}
	r.watch.Discover, r.watch.Narrow = !r.only, true
	if more := len(vips) - MaxVIPs; more > 0 {
		r.budget.Facts += more * moreFacts
		r.budget.Bytes += more * moreBytes
	}
	r.docket.Share(&r.budget)
	for _, vip := range vips {
		r.open(vip)
	}
	return r
}

// Place tells what a capture says of where it was taken: the VIPs that were to
// be judged there, and whose questions and answers concern them. source is the
// capture, as in Frame.Source: interfaces of two hosts may have one name. It has to
// be told before the frames that it explains; telling it again does nothing.
func (r *Replay) Place(source int, items []evidence.Item) {
	for _, it := range items {
		v, ok := it.Fact.(evidence.Vantage)
		if !ok {
			continue
		}
		r.placed[source] = true
		if v.VIP.IsValid() && !r.only && nlb.CanBeVIP(v.VIP) {
			r.noted[where{source, v.Interface}] = true
			r.named[v.VIP.Unmap()] = true
			r.open(v.VIP.Unmap())
		}
		if v.Address.IsValid() {
			r.docket.AddOwn(v.Address.Addr().Unmap())
			r.watch.Mention(v.Address.Addr())
		}
		r.docket.AddOwnMAC(v.MAC)
		if v.Gateway.IsValid() {
			r.docket.AddRouter(v.Gateway.Unmap())
		}
	}
}

// open opens the case of a VIP, with what was heard of it before, and returns
// nil where there are too many.
func (r *Replay) open(vip netip.Addr) *docket.Case {
	c := r.docket.Case(vip)
	if c != nil {
		return c
	}
	if r.full() {
		if r.more++; !r.giveWay(r.weightOf(vip)) {
			return nil
		}
	}
	c = &docket.Case{VIP: vip}
	if m := r.forget(vip); m != nil {
		c.Log, c.Asks = m.log, m.asks
	}
	r.watch.AddIP(vip)
	return r.docket.Adopt(c)
}

// Frame takes the next frame. Its bytes are not kept but as copies.
func (r *Replay) Frame(f *evidence.Frame) {
	r.frames++
	if !f.Time.IsZero() {
		if r.first.IsZero() {
			r.first = f.Time
		}
		r.last = f.Time
	}
	r.spans.add(f)
	if !r.isPlaced(f) {
		f = r.ports.own(f)
	}
	if again := r.survey.Frame(f); again != nil {
		r.take(again)
	}
	r.take(f)
}

// isPlaced reports a frame of a capture that says where it was taken.
func (r *Replay) isPlaced(f *evidence.Frame) bool { return len(r.placed) > 0 && r.placed[f.Source] }

// take makes evidence of a frame.
func (r *Replay) take(f *evidence.Frame) {
	r.segments.Frame(f)
	r.signs.source(f.Data)
	r.facts = r.watch.Facts(r.facts[:0], f)
	// A run's own capture holds no copies, and counts what came.
	if len(r.facts) > 0 && !r.isPlaced(f) && r.copies.is(f) {
		return
	}
	for _, fact := range r.facts {
		r.add(fact, f)
	}
}

func (r *Replay) add(fact evidence.Fact, f *evidence.Frame) {
	switch fact := fact.(type) {
	case evidence.ARP:
		r.addARP(fact, f)
		return
	case evidence.Echo:
		r.discover(fact.EthSrc, fact.EthDst, fact.Src, fact.Dst)
	case evidence.TCP:
		r.discover(fact.EthSrc, fact.EthDst, fact.Src.Addr(), fact.Dst.Addr())
	case evidence.Traffic:
		r.discover(fact.EthSrc, fact.EthDst, fact.Src, fact.Dst)
	case evidence.IGMP:
		r.reports(fact)
	case evidence.Heartbeat:
		// A host says that this is its cluster's primary VIP. It is no case of its
		// own where a run judged another VIP of the cluster and kept its frames.
		if !r.only && !r.noted[where{f.Source, f.Place}] && nlb.CanBeVIP(fact.Cluster) && !fact.EthSrc.IsGroup() {
			r.open(fact.Cluster)
			r.proves(fact.Cluster)
		}
	}
	if t, ok := fact.(evidence.Traffic); ok && !t.Out {
		r.early.keep(t, f)
	}
	r.docket.File(fact, f)
}

// reports finds out by a membership report who is a VIP: the hosts of a cluster in
// IGMP mode report 239.255.y.z by IGMPv1 from their primary VIP w.x.y.z.
func (r *Replay) reports(f evidence.IGMP) {
	if r.only || f.Out || f.Act != evidence.Join || f.Version != 1 || !nlb.CanBeVIP(f.From) || f.EthSrc.IsGroup() {
		return
	}
	if group, err := nlb.Group(f.From); err == nil && group == f.Group && f.Group != ssdp {
		r.show(f.From)
	}
}

// ssdp is a group that hosts join whatever they are (UPnP Device Architecture 1.3).
var ssdp = netip.AddrFrom4([4]byte{239, 255, 255, 250})

// addARP files ARP, and finds out by it who is a VIP.
func (r *Replay) addARP(a evidence.ARP, f *evidence.Frame) {
	// If there are as many VIPs as are kept, what is claimed counts before its case
	// is opened: by its weight it gets in.
	late := r.full() && r.docket.Case(a.SenderIP) == nil
	if !r.only && !a.Out && !late {
		r.claim(a)
	}
	c := r.docket.Case(a.SenderIP)
	if c != nil && !a.Out && !a.EthSrc.IsGroup() {
		if !a.SenderMAC.IsBroadcast() && !a.SenderMAC.IsZero() {
			r.watch.AddMAC(a.SenderMAC)
		}
		if _, known := r.hosts[a.EthSrc]; !known && len(r.hosts) < maxHosts {
			r.hosts[a.EthSrc] = [2]netip.Addr{}
		}
		r.tell(a, f.Time)
	}
	if asked := r.docket.Case(a.TargetIP); asked != nil && r.askers < maxAskers && a.Op == evidence.Request && !a.Out && a.EthDst.IsBroadcast() &&
		!a.SenderMAC.IsGroup() && inet.IsHost(a.SenderIP) && c == nil {
		r.askers++
		r.docket.AddRouter(a.SenderIP) // it may be one, with a packet for the VIP
	}
	if to := r.docket.Case(a.TargetIP); to != nil && r.only && !r.isPlaced(f) && a.Op == evidence.Reply && a.SenderIP != a.TargetIP && !a.EthSrc.IsGroup() {
		to.Asks.Add(a, f.Time, 1, f) // it shows that somebody takes the address for one in use
	}
	unknown := c != nil && c.Answered.IsZero()
	r.docket.File(a, f)
	if unknown && !c.Answered.IsZero() {
		for _, e := range r.early.of(a.SenderMAC) {
			c.Others.Add(e.fact, e.frame.Time, 1, &e.frame)
		}
	}
	if c == nil && !a.SenderMAC.IsGroup() {
		r.addOwn(a, f)
	}
	if r.only {
		return
	}
	if c == nil && nlb.CanBeVIP(a.SenderIP) {
		r.maybeOf(a.SenderIP).log.Add(a, f.Time, 1, f)
	}
	if late && !a.Out {
		r.claim(a)
		if c := r.docket.Case(a.SenderIP); c != nil && !a.SenderMAC.IsBroadcast() {
			if a.Op == evidence.Reply && c.Answered.IsZero() {
				r.docket.Answer(c, a, f.Time)
			}
			r.watch.AddMAC(a.SenderMAC)
			r.tell(a, f.Time)
		}
	}
	if a.Op == evidence.Request && a.SenderIP != a.TargetIP && r.docket.Case(a.TargetIP) == nil && nlb.CanBeVIP(a.TargetIP) {
		r.maybeOf(a.TargetIP).asks.Add(a, f.Time, 1, f)
	}
}

// addOwn files a node's own address, as long as it has no more than one: with two
// neither says which node it is.
func (r *Replay) addOwn(a evidence.ARP, f *evidence.Frame) {
	ips, known := r.hosts[a.EthSrc]
	if !known || !nlb.CanBeVIP(a.SenderIP) {
		return
	}
	for i, ip := range ips {
		if ip.IsValid() && ip != a.SenderIP {
			continue
		}
		ips[i] = a.SenderIP
		r.hosts[a.EthSrc] = ips
		r.docket.Common.Add(a, f.Time, 1, f)
		return
	}
}

// tell tells of an answer that is new.
func (r *Replay) tell(a evidence.ARP, at time.Time) {
	key := told{a.SenderIP, a.EthSrc, a.SenderMAC}
	if r.Heard == nil || a.Op != evidence.Reply || r.told[key] || len(r.told) == maxAnswers {
		return
	}
	r.told[key] = true
	after := time.Duration(0)
	if !at.IsZero() {
		after = at.Sub(r.first)
	}
	r.Heard(event.Answer{VIP: a.SenderIP, ARP: a, After: after})
}

// maybeOf is what was heard of an address that is no VIP so far. What was not
// heard of for long is forgotten.
func (r *Replay) maybeOf(ip netip.Addr) *maybe {
	if m := r.maybe.of[ip]; m != nil {
		return m
	}
	if r.maybe.budget.Facts < 2 || r.maybe.budget.Bytes < 2048 {
		r.before, r.maybe = r.maybe, newMaybes()
	}
	m := r.before.of[ip]
	delete(r.before.of, ip)
	if m == nil || m.log.Len()+m.asks.Len() > r.maybe.budget.Facts {
		m = &maybe{}
	}
	m.log.Join(r.maybe.budget)
	m.asks.Join(r.maybe.budget)
	r.maybe.of[ip] = m
	return m
}

// forget takes what was heard of an address out of what may be.
func (r *Replay) forget(ip netip.Addr) *maybe {
	for _, all := range [...]maybes{r.maybe, r.before} {
		if m := all.of[ip]; m != nil {
			delete(all.of, ip)
			return m
		}
	}
	return nil
}

// VIPs returns the VIPs that were given or found, in their order.
func (r *Replay) VIPs() []netip.Addr {
	var vips []netip.Addr
	for _, c := range r.docket.Cases() {
		if r.only || !r.doubtful(c.VIP) {
			vips = append(vips, c.VIP)
		}
	}
	slices.SortFunc(vips, netip.Addr.Compare)
	return vips
}

// Changed reports whether more was heard of a VIP since it was asked last.
func (r *Replay) Changed(vip netip.Addr) bool {
	c := r.docket.Case(vip)
	if c == nil {
		return false
	}
	before, known := r.asked[c]
	r.asked[c] = c.Revision()
	return !known || r.asked[c] != before
}

// Items returns the evidence about a VIP: what the frames gave, and what is true
// of it in place, which the captures themselves say.
func (r *Replay) Items(vip netip.Addr, place []evidence.Item) []evidence.Item {
	c := r.docket.Case(vip)
	if c == nil {
		return nil
	}
	items := r.docket.Items(c)
	if len(items) > 0 && !slices.ContainsFunc(place, func(it evidence.Item) bool { return it.Fact.Kind() == evidence.KindListened }) {
		items = append(items, r.spans.items()...)
	}
	for _, it := range place {
		if v, ok := it.Fact.(evidence.Vantage); !ok || !v.VIP.IsValid() || v.VIP.Unmap() == vip {
			items = append(items, it)
		}
	}
	return items
}

// Connections returns the TCP connections that are evidence for the size of
// their segments, and how many more there were; where VIPs were given, those of
// them only. A connection whose opening alone was seen, and which is a VIP's, is
// left out: it stands with the VIP.
func (r *Replay) Connections() (found []mss.Followed, more int) {
	all, more := r.segments.Connections()
	for _, c := range all {
		of := r.docket.Case(c.Client.Addr()) != nil || r.docket.Case(c.Server.Addr()) != nil
		if r.only && !of || of && onlyOpened(c) {
			continue
		}
		found = append(found, c)
	}
	return found, more
}

func onlyOpened(c mss.Followed) bool {
	return !slices.ContainsFunc(c.Items, func(it evidence.Item) bool { return it.Fact.Kind() == evidence.KindSegment })
}

// Carried returns how many frames carried others, as tunnels do: nothing looked
// into them.
func (r *Replay) Carried() []observe.Carried { return r.survey.Carried() }

// Seen is how much was read.
type Seen struct {
	Frames      int
	First, Last time.Time // of the first and last frame that has a time
	More        int       // signs of VIPs when there were too many: some were left out
}

// Seen returns how much was read so far.
func (r *Replay) Seen() Seen {
	return Seen{Frames: r.frames, First: r.first, Last: r.last, More: r.more}
}
