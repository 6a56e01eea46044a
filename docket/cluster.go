package docket

import (
	"cmp"
	"net/netip"
	"slices"

	"github.com/nlbprobe/nlbprobe/evidence"
	"github.com/nlbprobe/nlbprobe/inet"
	"github.com/nlbprobe/nlbprobe/mac"
	"github.com/nlbprobe/nlbprobe/nlb"
)

// name is what a cluster is found by: the MAC that a VIP is at, a VIP, which may be
// the primary one, or the group that a cluster with that primary VIP joins. One of
// the two is set, or neither.
type name struct {
	ip  netip.Addr
	mac mac.Addr
}

// room is what all VIPs have in common that have one of a cluster's names. It is
// there as long as there is a case of such a VIP.
type room struct {
	cases, open int           // of such VIPs, and those of them that are open
	masked      int           // cases that were answered from another MAC than that of the name
	log         *evidence.Log // frames from and to the MAC that name no VIP, and what was left out; nil is none
	hosts       []*host       // that say something under that name
	members     int           // pairs of a MAC and a dedicated IP of which heartbeats are kept for the name's sake
	said        int           // other facts that are
	touched     uint64
}

// host is what says something of a cluster, or answers for its VIPs: what it says
// is kept once.
type host struct {
	mac         mac.Addr
	number      int                // in the order in which the hosts were met
	cases, open int                // for whose VIPs it answers, and those of them that are open
	rooms       int                // that list it
	log         evidence.Log       // its heartbeats, its IGMP, and what is neither
	members     map[netip.Addr]int // how many heartbeats are kept, by the dedicated IP in them
	said        int                // other facts that are kept, as it answers for a VIP
	touched     uint64
}

// The bounds of a cluster by what anybody can send. A cluster has 32 hosts at most,
// as there are 32 host priorities, and a host's heartbeats differ if its state or
// its settings change.
const (
	maxSources   = 64 // hosts that are told apart by their claims for one VIP
	maxClaimed   = 16 // MACs that are claimed for one VIP, and looked up
	maxMembers   = 64 // different hosts by their heartbeats, for one name
	ownMembers   = 8  // of a host that answers for a VIP: it finds room whenever it is heard
	beatsPerHost = 16
	saidPerHost  = 256
	maxListed    = 256 // hosts of a room
	hostCost     = 512 // bytes of a host beside what it says
)

// A live run keeps the evidence of each VIP by itself. What it keeps of all
// clusters' hosts is bounded together.
const (
	hostFacts = 1 << 17
	hostBytes = 64 << 20
	hostAgain = 16 << 20
)

// common returns the budget of rooms and hosts.
func (d *Docket) common() *evidence.Budget {
	if d.budget == nil {
		d.budget = &evidence.Budget{Facts: hostFacts, Bytes: hostBytes, Again: hostAgain, Frames: evidence.FramesKept}
	}
	return d.budget
}

// enter has the case share the room of a name.
func (d *Docket) enter(c *Case, n name) {
	if n == (name{}) {
		return
	}
	r := d.rooms[n]
	if r == nil {
		if d.rooms == nil {
			d.rooms = make(map[name]*room)
		}
		r = &room{}
		d.rooms[n] = r
	}
	r.cases++
	if !c.closed {
		r.open++
	}
	if !n.mac.IsZero() && c.First.EthSrc != n.mac {
		r.masked++
	}
	c.rooms = append(c.rooms, r)
}

// logOf is the log of a room.
func (d *Docket) logOf(r *room) *evidence.Log {
	if r.log == nil {
		r.log = &evidence.Log{Budget: d.common(), Others: true}
	}
	return r.log
}

// leave takes a case that was closed out of its rooms. Rooms and hosts that concern
// nobody any more are forgotten.
func (d *Docket) leave(c *Case) {
	for _, n := range [...]name{{ip: c.VIP}, {ip: groupOf(c.VIP)}, {mac: c.First.SenderMAC}} {
		r := d.rooms[n]
		if r == nil || !slices.Contains(c.rooms, r) {
			continue
		}
		r.cases--
		if !n.mac.IsZero() && c.First.EthSrc != n.mac {
			r.masked--
		}
		if r.cases > 0 {
			continue
		}
		delete(d.rooms, n)
		if r.log != nil {
			r.log.Release()
		}
		for _, h := range r.hosts {
			h.rooms--
			d.forget(h)
		}
	}
	for _, h := range c.sources {
		h.cases--
		d.forget(h)
	}
	c.rooms, c.sources = nil, nil
}

// forget forgets a host that concerns nobody.
func (d *Docket) forget(h *host) {
	if h.cases+h.rooms == 0 {
		h.log.Release()
		delete(d.hosts, h.mac)
	}
}

// addSource notes a host that claims the VIP.
func (d *Docket) addSource(c *Case, m mac.Addr) {
	h := d.hosts[m]
	if len(c.sources) >= maxSources || h != nil && slices.Contains(c.sources, h) {
		return
	}
	if h == nil {
		if h = d.newHost(m); h == nil {
			return
		}
		d.hosts[m] = h
	}
	h.cases++
	if !c.closed {
		h.open++
	}
	c.sources = append(c.sources, h)
}

// newHost returns a host that is not listed yet, or nil if the budget has no room
// for one.
func (d *Docket) newHost(m mac.Addr) *host {
	if d.hosts == nil {
		d.hosts = make(map[mac.Addr]*host)
	}
	h := &host{mac: m, number: d.met, log: evidence.Log{Budget: d.common()}}
	if !h.log.Charge(hostCost) {
		return nil
	}
	d.met++
	return h
}

// list notes that a host says something under the room's name.
func (r *room) list(h *host) {
	if len(r.hosts) < maxListed && !slices.Contains(r.hosts, h) {
		r.hosts = append(r.hosts, h)
		h.rooms++
	}
}

// fileTraffic files a frame with the VIP that it names. A frame that names none, such
// as one of a protocol other than IP, is filed for all VIPs that are at its
// destination or its source.
func (d *Docket) fileTraffic(f evidence.Fact, t evidence.Traffic, s sighting) {
	named := false
	for _, c := range [2]*Case{d.byIP[t.Src], d.byIP[t.Dst]} {
		if c == nil {
			continue
		}
		named = true
		d.touch(c)
		if !c.closed {
			s.add(f, &c.Others)
		}
	}
	if named {
		return
	}
	to, from := d.rooms[name{mac: t.EthDst}], d.rooms[name{mac: t.EthSrc}]
	if to != nil && to.open > 0 {
		s.add(f, d.logOf(to))
		to.touched = d.filed
	}
	if from != nil && from != to && from.open > 0 {
		s.add(f, d.logOf(from))
		from.touched = d.filed
	}
}

// fileSource files ARP about other addresses that comes from a cluster's MAC of
// unicast mode: a switch learns that MAC by it.
func (d *Docket) fileSource(f evidence.Fact, a evidence.ARP, s sighting) {
	if r := d.rooms[name{mac: a.EthSrc}]; r != nil && r.masked > 0 && r.open > 0 {
		s.add(f, d.logOf(r))
		r.touched = d.filed
	}
}

// groupOnly returns m if it is a group's: a heartbeat to it is of the cluster that is
// at it. Heartbeats of unicast mode go to everybody.
func groupOnly(m mac.Addr) mac.Addr {
	if m.IsGroup() {
		return m
	}
	return mac.Addr{}
}

// fileIGMP files a report with its host, for those whose group it is, and a query for
// all: anybody's question concerns every cluster. Ours is for one group.
func (d *Docket) fileIGMP(f evidence.Fact, m evidence.IGMP, s sighting) {
	of := name{mac: inet.GroupMAC(m.Group)}
	switch {
	case m.Act != evidence.Query:
		d.fileHost(f, m.EthSrc, [2]name{of, {ip: m.Group}}, s)
	case m.Out && d.rooms[of] != nil:
		d.fileHost(f, m.EthSrc, [2]name{of}, s)
	default:
		s.add(f, &d.Segment)
	}
}

// fileHost files what a host says with the host, if that concerns a case: by a name
// that is in it, or as the host answers for the VIP. Else it stands in Segment, so
// that a flood of what is foreign crowds out nothing of the cases'.
func (d *Docket) fileHost(f evidence.Fact, source mac.Addr, names [2]name, s sighting) {
	h := d.hosts[source]
	concerns, open := h != nil && h.cases > 0, h != nil && h.open > 0
	var rooms [2]*room
	for i, n := range names {
		r := d.rooms[n]
		if r == nil || n == (name{}) {
			continue
		}
		rooms[i] = r
		r.touched = d.filed
		concerns, open = true, open || r.open > 0
	}
	switch {
	case !concerns:
		s.add(f, &d.Segment)
		return
	case !open:
		return
	}
	if h == nil || !h.log.Again(f, s.at, s.n, s.frame) {
		if h = d.admit(f, source, h, rooms, s); h == nil {
			return
		}
	}
	h.touched = d.filed
	for _, r := range rooms {
		if r != nil {
			r.list(h)
		}
	}
}

// admit files a new fact of a host and returns the host, which is made if there was
// none. If there is no room for the fact it is counted and the result is nil.
func (d *Docket) admit(f evidence.Fact, source mac.Addr, h *host, rooms [2]*room, s sighting) *host {
	r := rooms[0]
	if r == nil {
		r = rooms[1]
	}
	known := h != nil
	if !known {
		h = d.newHost(source)
	}
	switch {
	case h == nil: // it concerns somebody by a name
	case !h.admits(f, r):
	case s.add(f, &h.log):
		d.hosts[source] = h
		return h
	case known:
		return nil // the log has counted it
	}
	switch {
	case r != nil:
		s.leaveOut(evidence.Unkept{Of: f.Kind()}, d.logOf(r))
	case h != nil:
		s.leaveOut(evidence.Unkept{Of: f.Kind()}, &h.log)
	}
	if !known && h != nil {
		h.log.Release()
	}
	return nil
}

// admits reports whether a new fact of the host finds room, in the host's own bounds
// if it answers for a VIP, or else in those of a room; nil is none.
func (h *host) admits(f evidence.Fact, r *room) bool {
	b, ok := f.(evidence.Heartbeat)
	if !ok {
		if h.cases > 0 && h.said < saidPerHost {
			h.said++
			return true
		}
		if r == nil || r.said >= evidence.PerKind {
			return false
		}
		r.said++
		return true
	}
	n, known := h.members[b.Dedicated]
	switch {
	case known && n >= beatsPerHost:
		return false
	case known, h.cases > 0 && len(h.members) < ownMembers:
	case r == nil || r.members >= maxMembers:
		return false
	default:
		r.members++
	}
	if h.members == nil {
		h.members = make(map[netip.Addr]int)
	}
	h.members[b.Dedicated]++
	return true
}

// fileListened files how long the observer has listened: to a cluster's MAC, for
// the VIPs that have to do with it, or to what concerns everybody.
func (d *Docket) fileListened(l evidence.Listened, s sighting) {
	m := l.Joined
	if !m.IsGroup() || m.IsBroadcast() || nlb.Classify(m).Kind.Reserved() {
		s.add(l, &d.Common)
		return
	}
	it := d.joined[m]
	switch {
	case it == nil:
		if d.joined == nil {
			d.joined = make(map[mac.Addr]*evidence.Item)
		}
		d.joined[m] = &evidence.Item{Fact: l, First: s.at, Last: s.at, Count: s.n}
	case it.Fact != l:
		s.add(l, &d.Common)
	default:
		it.Count += s.n
		if s.at.After(it.Last) {
			it.Last = s.at
		}
		if s.at.Before(it.First) {
			it.First = s.at
		}
	}
}

// listenedTo yields how long the MACs were listened to that the VIP is at, or would
// be at in one of the multicast modes.
func (d *Docket) listenedTo(c *Case) []*evidence.Item {
	if len(d.joined) == 0 {
		return nil
	}
	macs := slices.Clone(c.claimed)
	for _, mode := range [...]nlb.Mode{nlb.Multicast, nlb.IGMPMulticast} {
		if m, err := nlb.DeriveMAC(c.VIP, mode); err == nil && !slices.Contains(macs, m) {
			macs = append(macs, m)
		}
	}
	var items []*evidence.Item
	for _, m := range macs {
		if it := d.joined[m]; it != nil {
			items = append(items, it)
		}
	}
	return items
}

// concerns reports whether what a host says is of the case's cluster: by the primary
// VIP, by the host, or by the MAC that it goes to or that its group has.
func (c *Case) concerns(f evidence.Fact, h *host) bool {
	at := c.First.SenderMAC
	switch f := f.(type) {
	case evidence.Heartbeat:
		return f.Cluster == c.VIP || slices.Contains(c.sources, h) || at.IsGroup() && f.EthDst == at
	case evidence.IGMP:
		if f.Act == evidence.Query {
			return at.IsGroup() && inet.GroupMAC(f.Group) == at
		}
		return slices.Contains(c.sources, h) || f.Group == groupOf(c.VIP) || at.IsGroup() && inet.GroupMAC(f.Group) == at
	case evidence.Malformed:
		return slices.Contains(c.sources, h)
	}
	return true // what was left out
}

// shares reports whether what stands in a room of the case's is told of its VIP.
// ARP that names the VIP stands in its own logs.
func (c *Case) shares(f evidence.Fact) bool {
	a, ok := f.(evidence.ARP)
	return !ok || c.First.EthSrc != a.EthSrc && a.SenderIP != c.VIP && a.TargetIP != c.VIP
}

// hostsOf returns the hosts that may say something of the case's cluster, in the
// order in which they were met.
func (c *Case) hostsOf() []*host {
	hosts := slices.Clone(c.sources)
	for _, r := range c.rooms {
		hosts = append(hosts, r.hosts...)
	}
	slices.SortFunc(hosts, func(a, b *host) int { return cmp.Compare(a.number, b.number) })
	return slices.Compact(hosts)
}

// Revision grows when more is filed about the case, what concerns everybody aside.
func (c *Case) Revision() uint64 {
	newest := c.touched
	for _, r := range c.rooms {
		newest = max(newest, r.touched)
	}
	for _, h := range c.sources {
		newest = max(newest, h.touched)
	}
	return newest
}

// groupOf is the group that a cluster with this primary VIP joins in IGMP mode,
// 239.255.y.z (Microsoft KB 283028); invalid if there is none.
func groupOf(vip netip.Addr) netip.Addr {
	group, err := nlb.Group(vip)
	if err != nil {
		return netip.Addr{}
	}
	return group
}

// run is items in the order of their first instants.
type run []*evidence.Item

func order(a, b *evidence.Item) int {
	if c := a.First.Compare(b.First); c != 0 {
		return c
	}
	return cmp.Compare(a.Fact.Kind(), b.Fact.Kind())
}

// add adds those items of a log that fit, as a run of their own.
func addRun(runs []run, log *evidence.Log, fits func(evidence.Fact) bool) []run {
	if log.Len() == 0 {
		return runs
	}
	items := make(run, 0, log.Len())
	for it := range log.All() {
		if fits == nil || fits(it.Fact) {
			items = append(items, it)
		}
	}
	return append(runs, items)
}

// merge puts runs together. Among equals the order of the runs counts.
func merge(runs []run) run {
	for i, r := range runs {
		if !slices.IsSortedFunc(r, order) { // mostly it is
			slices.SortStableFunc(r, order)
		}
		runs[i] = r
	}
	for len(runs) > 1 {
		half := runs[:0]
		for i := 0; i < len(runs); i += 2 {
			if i+1 == len(runs) {
				half = append(half, runs[i])
				break
			}
			half = append(half, mergeTwo(runs[i], runs[i+1]))
		}
		runs = half
	}
	if len(runs) == 0 {
		return nil
	}
	return runs[0]
}

func mergeTwo(a, b run) run {
	switch {
	case len(a) == 0:
		return b
	case len(b) == 0 || order(a[len(a)-1], b[0]) <= 0:
		return append(a, b...)
	}
	out := make(run, 0, len(a)+len(b))
	for len(a) > 0 && len(b) > 0 {
		if order(a[0], b[0]) <= 0 {
			out, a = append(out, a[0]), a[1:]
		} else {
			out, b = append(out, b[0]), b[1:]
		}
	}
	return append(append(out, a...), b...)
}

// Items returns what is known of the case: what is common to all, what its
// cluster's rooms and hosts say, and its own, in the order of the first instants.
// The instants and frames in it are the docket's and must not be changed.
func (d *Docket) Items(c *Case) []evidence.Item {
	runs := make([]run, 0, 16)
	runs = addRun(runs, &d.Common, nil)
	// What the VIP itself claims stands in its own log, also if it is a router.
	runs = addRun(runs, &d.Routers, func(f evidence.Fact) bool {
		a, ok := f.(evidence.ARP)
		return !ok || a.SenderIP != c.VIP
	})
	runs = addRun(runs, &d.Segment, nil)
	for _, log := range c.logs() {
		runs = addRun(runs, log, nil)
	}
	for _, r := range c.rooms {
		if r.log != nil {
			runs = addRun(runs, r.log, c.shares)
		}
	}
	for _, h := range c.hostsOf() {
		runs = addRun(runs, &h.log, func(f evidence.Fact) bool { return c.concerns(f, h) })
	}
	runs = append(runs, d.listenedTo(c))
	all := merge(runs)
	items := make([]evidence.Item, len(all))
	for i, it := range all {
		items[i] = *it
	}
	return items
}
