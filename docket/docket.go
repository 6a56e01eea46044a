// Package docket files facts with the VIPs that they concern, so that a live run
// and a capture give a diagnosis the same evidence. It opens nothing and has no
// clock.
package docket

import (
	"net/netip"
	"slices"
	"time"

	"github.com/nlbprobe/nlbprobe/evidence"
	"github.com/nlbprobe/nlbprobe/mac"
)

// Docket is the cases of one place: what concerns one VIP stands in its case,
// what concerns all VIPs of a cluster in the cluster's room, and what concerns
// everybody in Common. The zero value has no case. It is not safe for concurrent
// use.
type Docket struct {
	Common evidence.Log
	// Routers is what routers claim to be at, for every VIP: apart, so that lies
	// about them crowd nothing else out.
	Routers evidence.Log
	// Segment is IGMP and heartbeats that concern no one case, as queries and what
	// other clusters say.
	Segment evidence.Log

	cases   []*Case // nil is one that was dropped
	holes   int     // how many were
	byIP    map[netip.Addr]*Case
	rooms   map[name]*room
	hosts   map[mac.Addr]*host
	joined  map[mac.Addr]*evidence.Item
	budget  *evidence.Budget // of all logs if it was shared, else of the rooms' and hosts'
	shared  bool
	filed   uint64 // counts what was filed
	met     int    // counts the hosts
	routers map[netip.Addr]bool
	claims  map[netip.Addr]*Regulars // the MACs that claim to be a router
	own     map[netip.Addr]bool
	ownMACs map[mac.Addr]bool

	// The observer's packets, those of late and those before.
	asked, before evidence.Packets[struct{}]
}

// Case is the evidence about one VIP. The logs stand apart so that a flood in
// one crowds nothing out of another. What its cluster's hosts say stands with
// them, once for all VIPs of the cluster.
type Case struct {
	VIP    netip.Addr
	Log    evidence.Log // what is claimed for the VIP, and our questions
	Asks   evidence.Log // others' questions for it
	IP     evidence.Log // the observer's packets for it, and what became of them
	Others evidence.Log // others' packets from and to it
	Hosts  evidence.Log // our questions to its cluster's hosts
	First  evidence.ARP // the first answer of another host
	// Answered is when First was heard; zero is never.
	Answered time.Time

	docket  *Docket
	at      int // in Docket.cases
	closed  bool
	sources []*host    // that claim the VIP, as far as they are told apart
	rooms   []*room    // of its cluster: by VIP, by group, by MAC
	claimed []mac.Addr // the MACs that were claimed, up to maxClaimed
	touched uint64     // Docket.filed when something was filed with it last
}

// sighting is when a fact was seen, how often, and the frame that gave it; nil if
// none did.
type sighting struct {
	at    time.Time
	n     int
	frame *evidence.Frame
}

func (s sighting) add(f evidence.Fact, log *evidence.Log) bool {
	return log.Add(f, s.at, s.n, s.frame)
}

func (s sighting) leaveOut(u evidence.Unkept, log *evidence.Log) {
	log.LeaveOut(u, s.at, s.n, s.frame)
}

// Share has all logs of the docket share b, those of the cases that are opened
// later among them. It is called before anything is filed.
func (d *Docket) Share(b *evidence.Budget) {
	d.budget, d.shared = b, true
	d.Common.Budget, d.Routers.Budget, d.Segment.Budget = b, b, b
}

// logs are the case's own.
func (c *Case) logs() [5]*evidence.Log {
	return [...]*evidence.Log{&c.Log, &c.Asks, &c.IP, &c.Others, &c.Hosts}
}

// Close ends the case: nothing more is filed with it.
func (c *Case) Close() {
	if c.closed {
		return
	}
	c.closed = true
	for _, r := range c.rooms {
		r.open--
	}
	for _, h := range c.sources {
		h.open--
	}
}

// Forget empties a case that was closed: of what was filed with it alone nothing is
// left, but who answered first.
func (c *Case) Forget() {
	for _, log := range c.logs() {
		log.Release()
	}
}

// Claimed reports whether a frame from m said that it is the VIP.
func (c *Case) Claimed(m mac.Addr) bool {
	return slices.ContainsFunc(c.sources, func(h *host) bool { return h.mac == m })
}

// Open opens the case of a VIP, or returns the one that there is.
func (d *Docket) Open(vip netip.Addr) *Case {
	if c := d.byIP[vip]; c != nil {
		return c
	}
	return d.Adopt(&Case{VIP: vip})
}

// Adopt adds a case that was prepared elsewhere. There must be none of its VIP.
func (d *Docket) Adopt(c *Case) *Case {
	if d.byIP == nil {
		d.byIP = make(map[netip.Addr]*Case)
	}
	c.docket, c.touched = d, d.filed
	c.Others.Others = true
	if d.shared {
		for _, log := range c.logs() {
			log.Join(d.budget)
		}
	}
	d.byIP[c.VIP] = c
	c.at = len(d.cases)
	d.cases = append(d.cases, c)
	d.enter(c, name{ip: c.VIP})
	d.enter(c, name{ip: groupOf(c.VIP)})
	return c
}

// Drop leaves a case out, and gives its evidence back to the budget that it shares.
func (d *Docket) Drop(c *Case) {
	c.Close()
	delete(d.byIP, c.VIP)
	d.cases[c.at] = nil
	if d.holes++; d.holes > len(d.cases)/2 {
		d.closeRanks()
	}
	for _, log := range c.logs() {
		log.Release()
	}
	d.leave(c)
}

// Case returns the case of a VIP, or nil.
func (d *Docket) Case(vip netip.Addr) *Case { return d.byIP[vip] }

// Cases returns the cases in the order in which they were opened. The slice is
// the docket's, and holds until one is dropped.
func (d *Docket) Cases() []*Case {
	d.closeRanks()
	return d.cases
}

// Len returns how many cases there are.
func (d *Docket) Len() int { return len(d.byIP) }

// closeRanks takes out the places of cases that were dropped.
func (d *Docket) closeRanks() {
	if d.holes == 0 {
		return
	}
	d.holes = 0
	d.cases = slices.DeleteFunc(d.cases, func(c *Case) bool { return c == nil })
	for i, c := range d.cases {
		c.at = i
	}
}

// AddRouter has what a router claims filed for every VIP: it tells its MAC.
func (d *Docket) AddRouter(ip netip.Addr) {
	if d.routers == nil {
		d.routers = make(map[netip.Addr]bool)
	}
	d.routers[ip] = true
}

// AddOwn names an address of the observer: what its packets to others than the
// VIPs met is filed for every VIP, as that is how a control is done.
func (d *Docket) AddOwn(ip netip.Addr) {
	if d.own == nil {
		d.own = make(map[netip.Addr]bool)
	}
	d.own[ip] = true
}

// AddOwnMAC names a link-layer address of the observer: frames from it are its
// own, where nothing says so.
func (d *Docket) AddOwnMAC(m mac.Addr) {
	if m.IsZero() || m.IsGroup() {
		return
	}
	if d.ownMACs == nil {
		d.ownMACs = make(map[mac.Addr]bool)
	}
	d.ownMACs[m] = true
}

// File files a fact that frame gave. What concerns no VIP is left out.
func (d *Docket) File(f evidence.Fact, frame *evidence.Frame) { d.Add(f, frame.Time, 1, frame) }

// Add files a fact that was seen at the instant at, n times, in frame: nil if no
// frame gave it, as with what the kernel knows or what a router's table says. Such a
// claim is no answer, and nobody is known for a host of the cluster by it.
func (d *Docket) Add(f evidence.Fact, at time.Time, n int, frame *evidence.Frame) {
	d.filed++
	s := sighting{at, n, frame}
	// A fact is handed on as it came too: to box it again would be an allocation.
	switch of := f.(type) {
	case evidence.ARP:
		d.fileARP(f, of, s)
	case evidence.Echo:
		d.fileIP(f, of.Src, of.Dst, d.isOut(of.Out, of.EthSrc, of.Src) || !d.knowsPlace() && of.IsProbe(), s)
	case evidence.TCP:
		d.fileIP(f, of.Src.Addr(), of.Dst.Addr(), d.isOut(of.Out, of.EthSrc, of.Src.Addr()), s)
	case evidence.ICMPError:
		d.fileIP(f, of.Src, of.Dst, false, s)
	case evidence.Traffic:
		d.fileTraffic(f, of, s)
	case evidence.Hello:
		d.fileHello(of, s)
	case evidence.Heartbeat:
		d.fileHost(f, of.EthSrc, [2]name{{mac: groupOnly(of.EthDst)}, {ip: of.Cluster}}, s)
	case evidence.IGMP:
		d.fileIGMP(f, of, s)
	case evidence.Malformed:
		d.fileHost(f, of.EthSrc, [2]name{}, s)
	case evidence.Listened:
		d.fileListened(of, s)
	default:
		s.add(f, &d.Common)
	}
}

// touch notes that something was filed with the case.
func (d *Docket) touch(c *Case) {
	if c != nil {
		c.touched = d.filed
	}
}

func (d *Docket) fileARP(f evidence.Fact, a evidence.ARP, s sighting) {
	c, of := d.byIP[a.TargetIP], d.byIP[a.SenderIP]
	d.touch(c)
	d.touch(of)
	// A question of a router's for one VIP stands with that VIP.
	if d.routers[a.SenderIP] && !a.Out && (c == nil || a.Op == evidence.Reply) {
		d.fileRouter(f, a, s)
	}
	if c != nil && !c.closed && a.Op == evidence.Request && a.SenderIP != a.TargetIP {
		s.add(f, &c.Asks)
	}
	if a.EthSrc[0] == 0x02 && !a.Out {
		d.fileSource(f, a, s)
	}
	if of != nil && !of.closed {
		d.claim(of, f, a, s)
	}
}

// fileRouter files what is claimed of a router's address. Whoever invents MACs for
// it crowds out no host that answers again.
func (d *Docket) fileRouter(f evidence.Fact, a evidence.ARP, s sighting) {
	r := d.claims[a.SenderIP]
	if r == nil {
		if d.claims == nil {
			d.claims = make(map[netip.Addr]*Regulars)
		}
		r = new(Regulars)
		d.claims[a.SenderIP] = r
	}
	if r.Admit(a.SenderMAC) {
		s.add(f, &d.Routers)
	} else {
		s.leaveOut(evidence.Unkept{Of: a.Kind()}, &d.Routers)
	}
}

// claim files ARP that has the VIP as its sender.
func (d *Docket) claim(c *Case, f evidence.Fact, a evidence.ARP, s sighting) {
	s.add(f, &c.Log)
	if a.Out || s.frame == nil {
		return
	}
	d.addSource(c, a.EthSrc)
	if len(c.claimed) < maxClaimed && !slices.Contains(c.claimed, a.SenderMAC) {
		c.claimed = append(c.claimed, a.SenderMAC)
	}
	if a.Op == evidence.Reply && c.Answered.IsZero() {
		d.Answer(c, a, s.at)
	}
}

// Answer notes the first answer for the VIP. File does so by itself; it is for an
// answer that came before its case was opened.
func (d *Docket) Answer(c *Case, a evidence.ARP, at time.Time) {
	c.First, c.Answered = a, at
	d.enter(c, name{mac: a.SenderMAC})
}

// fileIP files a fact about packets between two addresses with the VIP that it
// concerns, or with all where it concerns the observer alone: a control's. What
// says that it is a consequence of the observer's packets and repeats none of their
// numbers is counted and not kept: anybody can send as many of those as they like.
func (d *Docket) fileIP(f evidence.Fact, src, dst netip.Addr, out bool, s sighting) {
	c, to := d.byIP[src], d.byIP[dst]
	d.touch(c)
	d.touch(to)
	if c == nil {
		c = to
	}
	own := d.own[src] || d.own[dst]
	if c == nil && !own && !out || c != nil && c.closed {
		return
	}
	asked, asks := evidence.Asked(f)
	answered, whole, answers := evidence.Answered(f)
	_, isError := f.(evidence.ICMPError)
	switch {
	case out && asks:
		if d.asked.Len() >= maxAsked {
			d.before, d.asked = d.asked, evidence.Packets[struct{}]{}
		}
		d.asked.Put(asked, struct{}{})
	case out, asks && d.isAsked(asked, true), answers && d.isAsked(answered, whole):
	case c == nil:
		return
	case d.own[src], d.own[dst] && !asks && !isError:
		s.leaveOut(evidence.Unkept{Of: f.Kind(), Unasked: true}, &c.IP)
		return
	default:
		f = evidence.WithoutNumbers(f)
		s.add(f, &c.Others)
		if to != nil && to != c && !to.closed { // from one VIP to another
			s.add(f, &to.Others)
		}
		return
	}
	switch {
	case c != nil:
		s.add(f, &c.IP)
	case own:
		s.add(f, &d.Common)
	}
}

// isOut reports a frame that the observer sent: by what is said of it, or else by
// its source, by the address alone where no MAC of the observer is known.
func (d *Docket) isOut(out bool, source mac.Addr, ip netip.Addr) bool {
	return out || d.ownMACs[source] || len(d.ownMACs) == 0 && d.own[ip]
}

// knowsPlace reports whether anything is known of where the observer was.
func (d *Docket) knowsPlace() bool { return len(d.own)+len(d.ownMACs) > 0 }

// maxAsked bounds the packets of the observer that are remembered, twice.
const maxAsked = 1 << 14

// isAsked reports whether the observer sent p.
func (d *Docket) isAsked(p evidence.Packet, whole bool) bool {
	if _, ok := d.asked.Find(p, whole); ok {
		return true
	}
	_, ok := d.before.Find(p, whole)
	return ok
}

// fileHello files what a router says of an address that it shares: the claims of
// its own address, and of the shared one, tell MACs from then on.
func (d *Docket) fileHello(h evidence.Hello, s sighting) {
	s.add(h, &d.Common)
	for _, ip := range [2]netip.Addr{h.From, h.Virtual} {
		if ip.IsValid() && len(d.routers) < maxRouters {
			d.AddRouter(ip)
		}
	}
}

// maxRouters bounds the routers that are known by what they say.
const maxRouters = 64
