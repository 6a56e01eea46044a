// Package docket files facts with the VIPs that they concern, so that a live run
// and a capture give a diagnosis the same evidence. It opens nothing and has no
// clock.
package docket

import (
	"cmp"
	"net/netip"
	"slices"
	"time"

	"github.com/nlbprobe/nlbprobe/evidence"
	"github.com/nlbprobe/nlbprobe/igmp"
	"github.com/nlbprobe/nlbprobe/mac"
)

// Docket is the cases of one place: what concerns one VIP stands in its case,
// what concerns all in Common. The zero value has no case. It is not safe for
// concurrent use.
type Docket struct {
	Common evidence.Log
	// Routers is what routers claim to be at, for every VIP: apart, so that lies
	// about them crowd nothing else out.
	Routers evidence.Log
	// Segment is IGMP and heartbeats that concern no one case, as queries and what
	// other clusters say.
	Segment evidence.Log

	cases   []*Case
	byIP    map[netip.Addr]*Case
	routers map[netip.Addr]bool
	claims  map[netip.Addr]*Regulars // the MACs that claim to be a router
	own     map[netip.Addr]bool
	ownMACs map[mac.Addr]bool

	// The observer's packets, those of late and those before.
	asked, before evidence.Packets[struct{}]
}

// Case is the evidence about one VIP. The logs stand apart so that a flood in
// one crowds nothing out of another.
type Case struct {
	VIP    netip.Addr
	Log    evidence.Log // what is claimed for the VIP, and our questions
	Asks   evidence.Log // others' questions for it
	IP     evidence.Log // the observer's packets for it, and what became of them
	Others evidence.Log // others' packets from and to it
	Hosts  evidence.Log // its cluster's heartbeats and memberships
	First  evidence.ARP // the first answer of another host
	// Answered is when First was heard; zero is never.
	Answered time.Time

	closed  bool
	sources map[mac.Addr]bool // hosts that claim the VIP, as far as they are told apart
	members map[member]int    // how many different heartbeats are kept of each
}

// member is what tells the hosts of a cluster apart by their heartbeats.
type member struct {
	source    mac.Addr
	dedicated netip.Addr
}

// Close ends the case: nothing more is filed with it.
func (c *Case) Close() { c.closed = true }

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
	c.Others.Others = true
	d.byIP[c.VIP] = c
	d.cases = append(d.cases, c)
	return c
}

// Drop leaves a case out, and gives its evidence back to the budget that it shares.
func (d *Docket) Drop(c *Case) {
	delete(d.byIP, c.VIP)
	d.cases = slices.DeleteFunc(d.cases, func(x *Case) bool { return x == c })
	for _, log := range [...]*evidence.Log{&c.Log, &c.Asks, &c.IP, &c.Others, &c.Hosts} {
		log.Release()
	}
}

// Case returns the case of a VIP, or nil.
func (d *Docket) Case(vip netip.Addr) *Case { return d.byIP[vip] }

// Cases returns the cases in the order in which they were opened. The slice is
// the docket's.
func (d *Docket) Cases() []*Case { return d.cases }

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
func (d *Docket) File(f evidence.Fact, frame *evidence.Frame) {
	switch f := f.(type) {
	case evidence.ARP:
		d.fileARP(f, frame)
	case evidence.Echo:
		d.fileIP(f, f.Src, f.Dst, d.isOut(f.Out, f.EthSrc, f.Src) || !d.knowsPlace() && f.IsProbe(), frame)
	case evidence.TCP:
		d.fileIP(f, f.Src.Addr(), f.Dst.Addr(), d.isOut(f.Out, f.EthSrc, f.Src.Addr()), frame)
	case evidence.ICMPError:
		d.fileIP(f, f.Src, f.Dst, false, frame)
	case evidence.Traffic:
		d.fileTraffic(f, frame)
	case evidence.Hello:
		d.fileHello(f, frame)
	case evidence.IGMP, evidence.Heartbeat, evidence.Malformed:
		d.fileCluster(f, frame)
	default:
		d.Common.Add(f, frame.Time, 1, frame)
	}
}

func (d *Docket) fileARP(a evidence.ARP, frame *evidence.Frame) {
	c := d.byIP[a.TargetIP]
	// A question of a router's for one VIP stands with that VIP.
	if d.routers[a.SenderIP] && !a.Out && (c == nil || a.Op == evidence.Reply) {
		d.fileRouter(a, frame)
	}
	if c != nil && !c.closed && a.Op == evidence.Request && a.SenderIP != a.TargetIP {
		c.Asks.Add(a, frame.Time, 1, frame)
	}
	if a.EthSrc[0] == 0x02 && !a.Out {
		d.fileSource(a, frame)
	}
	if c = d.byIP[a.SenderIP]; c != nil && !c.closed {
		c.claim(a, frame)
	}
}

// fileSource files ARP about other addresses that comes from a cluster's MAC of
// unicast mode: a switch learns that MAC by it.
func (d *Docket) fileSource(a evidence.ARP, frame *evidence.Frame) {
	for _, c := range d.cases {
		if !c.closed && !c.Answered.IsZero() && c.First.SenderMAC == a.EthSrc && c.First.EthSrc != a.EthSrc && a.SenderIP != c.VIP && a.TargetIP != c.VIP {
			c.Others.Add(a, frame.Time, 1, frame)
		}
	}
}

// fileRouter files what is claimed of a router's address. Whoever invents MACs for
// it crowds out no host that answers again.
func (d *Docket) fileRouter(a evidence.ARP, frame *evidence.Frame) {
	r := d.claims[a.SenderIP]
	if r == nil {
		if d.claims == nil {
			d.claims = make(map[netip.Addr]*Regulars)
		}
		r = new(Regulars)
		d.claims[a.SenderIP] = r
	}
	if r.Admit(a.SenderMAC) {
		d.Routers.Add(a, frame.Time, 1, frame)
	} else {
		d.Routers.LeaveOut(evidence.Unkept{Of: a.Kind()}, frame)
	}
}

// claim files ARP that has the VIP as its sender.
func (c *Case) claim(a evidence.ARP, frame *evidence.Frame) {
	c.Log.Add(a, frame.Time, 1, frame)
	if !a.Out && len(c.sources) < maxSources {
		if c.sources == nil {
			c.sources = make(map[mac.Addr]bool)
		}
		c.sources[a.EthSrc] = true
	}
	if !a.Out && a.Op == evidence.Reply && c.Answered.IsZero() {
		c.First, c.Answered = a, frame.Time
	}
}

// fileIP files a fact about packets between two addresses with the VIP that it
// concerns, or with all where it concerns the observer alone: a control's. What
// says that it is a consequence of the observer's packets and repeats none of their
// numbers is counted and not kept: anybody can send as many of those as they like.
func (d *Docket) fileIP(f evidence.Fact, src, dst netip.Addr, out bool, frame *evidence.Frame) {
	c := d.byIP[src]
	if c == nil {
		c = d.byIP[dst]
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
		c.IP.LeaveOut(evidence.Unkept{Of: f.Kind(), Unasked: true}, frame)
		return
	default:
		c.Others.Add(evidence.WithoutNumbers(f), frame.Time, 1, frame)
		if to := d.byIP[dst]; to != nil && to != c && !to.closed { // from one VIP to another
			to.Others.Add(evidence.WithoutNumbers(f), frame.Time, 1, frame)
		}
		return
	}
	switch {
	case c != nil:
		c.IP.Add(f, frame.Time, 1, frame)
	case own:
		d.Common.Add(f, frame.Time, 1, frame)
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
func (d *Docket) fileHello(h evidence.Hello, frame *evidence.Frame) {
	d.Common.Add(h, frame.Time, 1, frame)
	for _, ip := range [2]netip.Addr{h.From, h.Virtual} {
		if ip.IsValid() && len(d.routers) < maxRouters {
			d.AddRouter(ip)
		}
	}
}

// maxRouters bounds the routers that are known by what they say.
const maxRouters = 64

// fileTraffic files a frame with the VIP that it names. A frame that names none, such
// as a heartbeat, is filed with every VIP that is at its destination or its source.
func (d *Docket) fileTraffic(t evidence.Traffic, frame *evidence.Frame) {
	named := false
	for _, c := range [2]*Case{d.byIP[t.Src], d.byIP[t.Dst]} {
		if c != nil && !c.closed {
			c.Others.Add(t, frame.Time, 1, frame)
		}
		named = named || c != nil
	}
	if named {
		return
	}
	for _, c := range d.cases {
		if !c.closed && !c.Answered.IsZero() && (c.First.SenderMAC == t.EthDst || c.First.SenderMAC == t.EthSrc) {
			c.Others.Add(t, frame.Time, 1, frame)
		}
	}
}

// maxSources bounds the hosts that are told by their claims: the largest cluster
// has 32.
const maxSources = 64

// fileCluster files IGMP and heartbeats with the cases whose cluster they are of,
// and what is of none, or may be of any, for all. The cases come first, so that
// a flood of foreign ones crowds out nothing of theirs.
func (d *Docket) fileCluster(f evidence.Fact, frame *evidence.Frame) {
	filed := false
	for _, c := range d.cases {
		if c.Concerns(f) {
			filed = true
			if !c.closed {
				c.addHost(f, frame)
			}
		}
	}
	if !filed {
		d.Segment.Add(f, frame.Time, 1, frame)
	}
}

// The bounds of a cluster by its heartbeats, which anybody can send: a cluster
// has 32 hosts at most, as there are 32 host priorities, and a host's heartbeats
// differ where its state or its settings change.
const (
	maxMembers   = 64
	beatsPerHost = 16
)

// addHost files what a host of the cluster says. Of more hosts than there can
// be, and of one that changes what it says all the time, the rest is counted; a
// host that answers for the VIP finds room whenever it is heard.
func (c *Case) addHost(f evidence.Fact, frame *evidence.Frame) {
	h, ok := f.(evidence.Heartbeat)
	if !ok {
		c.Hosts.Add(f, frame.Time, 1, frame)
		return
	}
	m := member{h.EthSrc, h.Dedicated}
	n, known := c.members[m]
	most := maxMembers
	if c.sources[h.EthSrc] {
		most += maxSources
	}
	if !known && len(c.members) >= most || n >= beatsPerHost && !c.Hosts.Has(f) {
		c.Hosts.LeaveOut(evidence.Unkept{Of: evidence.KindHeartbeat}, frame)
		return
	}
	if c.Hosts.Add(f, frame.Time, 1, frame) {
		if c.members == nil {
			c.members = make(map[member]int)
		}
		c.members[m]++
	}
}

// Concerns reports whether a heartbeat or a membership is of the case's cluster:
// by the primary VIP, by the host that sends it, or by the MAC that it goes to
// or that its group has.
func (c *Case) Concerns(f evidence.Fact) bool {
	at := c.First.SenderMAC
	switch f := f.(type) {
	case evidence.Heartbeat:
		return f.Cluster == c.VIP || c.sources[f.EthSrc] || at.IsGroup() && f.EthDst == at
	case evidence.IGMP:
		if f.Act == evidence.Query {
			return f.Out && at.IsGroup() && igmp.GroupMAC(f.Group) == at
		}
		return c.sources[f.EthSrc] || f.Group == groupOf(c.VIP) || at.IsGroup() && igmp.GroupMAC(f.Group) == at
	case evidence.Malformed:
		return c.sources[f.EthSrc]
	}
	return false
}

// groupOf is the group that a cluster with this primary VIP joins in IGMP mode,
// 239.255.y.z (Microsoft KB 283028).
func groupOf(vip netip.Addr) netip.Addr {
	if !vip.Is4() {
		return netip.Addr{}
	}
	o := vip.As4()
	return netip.AddrFrom4([4]byte{239, 255, o[2], o[3]})
}

// Items returns what is known of the case and what is common to all, in the
// order of the first instants.
func (d *Docket) Items(c *Case) []evidence.Item {
	// What the VIP itself claims stands in its own log, also where it is a router.
	routers := slices.DeleteFunc(d.Routers.Items(), func(it evidence.Item) bool {
		a, ok := it.Fact.(evidence.ARP)
		return ok && a.SenderIP == c.VIP
	})
	items := slices.Concat(d.Common.Items(), routers, d.Segment.Items(), c.Log.Items(), c.Asks.Items(), c.IP.Items(), c.Others.Items(), c.Hosts.Items())
	slices.SortStableFunc(items, func(a, b evidence.Item) int {
		return cmp.Or(a.First.Compare(b.First), cmp.Compare(a.Fact.Kind(), b.Fact.Kind()))
	})
	return items
}
