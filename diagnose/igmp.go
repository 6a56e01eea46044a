package diagnose

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/nlbprobe/nlbprobe/evidence"
	"github.com/nlbprobe/nlbprobe/finding"
	"github.com/nlbprobe/nlbprobe/inet"
	"github.com/nlbprobe/nlbprobe/mac"
	"github.com/nlbprobe/nlbprobe/nlb"
)

// proof is how long one must listen before silence says that a group has no
// members or a subnet no querier: the time after which every switch and router
// by the standard's own timers forgets them, 2 x 125 s + 10 s (RFC 3376 8.4;
// 8.5 is five seconds less). That hosts report every 60 s is documented for
// Windows 2003 only (KB 838408), so this does not rest on it.
const proof = 260 * time.Second

// groupFacts is who asks for IGMP groups, and who reports which.
type groupFacts struct {
	igmp     []int       // items: IGMP messages
	queriers []*querier  // in order
	queries  []int       // items: our own, for the cluster's group
	joined   []*reporter // members of the cluster's group
	strayed  []*reporter // hosts of the cluster that report another group
}

// querier is who asks for groups.
type querier struct {
	ip       netip.Addr
	mac      mac.Addr
	versions []uint8
	items    []int
	count    int
	first    time.Time
	last     time.Time
	interval time.Duration // as seen, or as it says in version 3; 0 where that is not known
}

// reporter is a host that reports groups.
type reporter struct {
	mac      mac.Addr
	ip       netip.Addr
	versions []uint8
	items    []int
	count    int
	first    time.Time
	last     time.Time
	interval time.Duration // as seen; 0 where it is not known
	groups   []netip.Addr
}

// everyOf is the time between an item's sightings, the one in the middle of all, or
// 0. Two that come from captures with a gap in between say nothing of it.
func (p *picture) everyOf(it evidence.Item) time.Duration {
	if len(it.Times) < 2 {
		n := it.Sightings()
		if n < 2 || !it.Last.After(it.First) || len(p.captured) > 0 {
			return 0
		}
		return it.Last.Sub(it.First) / time.Duration(n-1)
	}
	times := slices.SortedFunc(slices.Values(it.Times), time.Time.Compare)
	anyOf := func(evidence.Captured) bool { return true }
	var gaps []time.Duration
	for i, at := range times[1:] {
		if gap := at.Sub(times[i]); gap > 0 && p.covered(times[i], at, anyOf) == gap {
			gaps = append(gaps, gap)
		}
	}
	if len(gaps) == 0 {
		return 0
	}
	slices.Sort(gaps)
	return gaps[len(gaps)/2]
}

// ssdp is a group that Windows hosts join whatever cluster they are in.
var ssdp = netip.AddrFrom4([4]byte{239, 255, 255, 250})

// gatherIGMP sorts the IGMP messages of others: queriers, members of the
// cluster's group, and cluster hosts that are members of others.
func (p *picture) gatherIGMP() {
	queriers := make(map[netip.Addr]*querier)
	joined, strayed := make(map[mac.Addr]*reporter), make(map[mac.Addr]*reporter)
	member := make(map[mac.Addr]bool)
	for _, m := range p.members {
		member[m.mac] = true
	}
	for _, i := range p.igmp {
		f, _ := p.items[i].Fact.(evidence.IGMP)
		f.From, f.Group = f.From.Unmap(), f.Group.Unmap()
		it := p.items[i]
		ours := p.isOurs(f.EthSrc, f.Out)
		switch {
		case !ours && !p.onSegment(f.VLAN): // another VLAN's: a trunk was captured
		case f.Act == evidence.Query && ours:
			if p.claimed[inet.GroupMAC(f.Group)] {
				p.queries = append(p.queries, i)
			}
		case f.Act == evidence.Query:
			q := queriers[f.From]
			if q == nil {
				q = &querier{ip: f.From, mac: f.EthSrc, first: it.First}
				queriers[f.From] = q
				p.queriers = append(p.queriers, q)
			}
			q.items = append(q.items, i)
			q.count += it.Sightings()
			q.versions = addVersion(q.versions, f.Version)
			if it.Last.After(q.last) {
				q.last = it.Last
			}
			if !f.Group.IsValid() {
				q.interval = max(q.interval, p.everyOf(it), f.Interval)
			}
		case f.Act != evidence.Join || ours:
		case p.claimed[inet.GroupMAC(f.Group)]:
			p.joined = p.reporter(joined, p.joined, i, f)
		case f.Version == 1 && f.Group != ssdp && (p.hostMACs[f.EthSrc] || member[f.EthSrc]):
			p.strayed = p.reporter(strayed, p.strayed, i, f)
		}
	}
}

func (p *picture) reporter(by map[mac.Addr]*reporter, list []*reporter, i int, f evidence.IGMP) []*reporter {
	it := p.items[i]
	r := by[f.EthSrc]
	if r == nil {
		r = &reporter{mac: f.EthSrc, ip: f.From, first: it.First}
		by[f.EthSrc] = r
		list = append(list, r)
	}
	r.items = append(r.items, i)
	r.count += it.Sightings()
	r.versions = addVersion(r.versions, f.Version)
	r.interval = max(r.interval, p.everyOf(it))
	if !slices.Contains(r.groups, f.Group) {
		r.groups = append(r.groups, f.Group)
	}
	if it.Last.After(r.last) {
		r.last = it.Last
	}
	return list
}

func addVersion(list []uint8, v uint8) []uint8 {
	if !slices.Contains(list, v) {
		list = append(list, v)
		slices.Sort(list)
	}
	return list
}

// versionsText writes "IGMPv1", or "IGMPv1 and v3".
func versionsText(list []uint8) string {
	words := make([]string, len(list))
	for i, v := range list {
		words[i] = fmt.Sprintf("v%d", v)
	}
	return "IGMP" + strings.Join(words, " and ")
}

// watched is for how long membership reports for the cluster's group could be
// heard, and in what way.
func (p *picture) watched() (time.Duration, string) {
	switch over := p.longestStretch(showsGroups); {
	case len(p.listened) > 0:
	case len(p.captured) == 0:
		return p.end.Sub(p.start), "the capture lasts " + finding.Span(p.end.Sub(p.start))
	case over > 0:
		return over, "the longest time that was captured without interruption is " + finding.Span(over)
	default:
		return 0, "what was captured looks filtered, by protocol or by one address: queries and reports may have been left out"
	}
	over, how := p.hearing()
	return over, how
}

// judgeIGMP finds what queries and reports say of the cluster's group, and what
// follows for switches that snoop.
func (p *picture) judgeIGMP() {
	c := p.cluster()
	switch {
	case c.Mode == Multicast && c.HasMAC && !isIPGroupMAC(c.MAC):
		p.judgeNothingToSnoop(c)
	case c.Mode == IGMPMulticast && c.HasMAC:
		p.judgeMembership(c)
		p.judgeQueriers()
		p.judgeSharedGroup(c)
		p.judgeSnooping()
	}
	p.judgeMalformed(idBadIGMP, evidence.ProtocolIGMP, func(n int) string {
		return fmt.Sprintf("%s of IGMP that no switch or host may take. Ignored.", finding.Many(n, "frame"))
	})
}

func (p *picture) sayQuerier(q *querier) string {
	who := q.ip.String()
	if r, ok := p.routerMACs[q.mac]; ok && r != q.ip {
		who += fmt.Sprintf(" (router %v)", r)
	}
	text := fmt.Sprintf("%s %s at %v asks, %s, %s", p.at(q.first), who, q.mac, versionsText(q.versions), finding.Times(q.count))
	if q.interval > 0 {
		text += ", every " + finding.Span(q.interval)
	}
	return text
}

func (p *picture) sayReporter(r *reporter) string {
	text := fmt.Sprintf("%s %v, %v, reports %v by %s, %s", p.at(r.first), r.mac, r.ip, r.groups[0], versionsText(r.versions), finding.Times(r.count))
	if r.interval > 0 {
		text += ", every " + finding.Span(r.interval)
	}
	return text
}

func itemsOfReporters(all []*reporter) []int {
	var out []int
	for _, r := range all {
		out = append(out, r.items...)
	}
	return out
}

func (p *picture) itemsOfQueriers() []int {
	var out []int
	for _, q := range p.queriers {
		out = append(out, q.items...)
	}
	return out
}

// judgeMembership finds who is a member of the cluster's group, and who is not.
func (p *picture) judgeMembership(c Cluster) {
	over, how := p.watched()
	lost := count(p.items, p.lost)
	var unknown finding.Lines
	var rests []int

	if len(p.joined) > 0 {
		var l finding.Lines
		for _, r := range p.joined {
			l.Add("%s", p.sayReporter(r))
		}
		p.find(idJoined, fmt.Sprintf("%s reported membership of the group of %v.", finding.Many(len(p.joined), "host"), c.MAC), l.List(), itemsOfReporters(p.joined))
		p.judgeNotJoined(over)
	}
	if len(p.strayed) > 0 && len(p.joined) == 0 {
		var l finding.Lines
		for _, r := range p.strayed {
			l.Add("%s, whose MAC is %v", p.sayReporter(r), inet.GroupMAC(r.groups[0]))
		}
		l.Add("the cluster answers with %v", c.MAC)
		p.find(idOtherGroupIGMP, fmt.Sprintf("The hosts of %v report the group %v, which does not belong to %v.", p.vip, p.strayed[0].groups[0], c.MAC),
			l.List(), itemsOfReporters(p.strayed))
	}
	silence := func(what string) finding.Lines {
		var l finding.Lines
		l.Add("no %s in %s; %s", what, finding.Span(over), how)
		if lost > 0 {
			l.Add("%s lost meanwhile: this silence is no proof of silence", finding.Many(lost, "frame"))
		}
		return l
	}
	long := over >= proof && lost == 0
	switch {
	case len(p.joined) > 0 || len(p.strayed) > 0:
	case long && !p.leftOut(evidence.KindIGMPReport):
		l := silence("membership report for the group")
		if len(p.queriers) > 0 {
			l.Add("a querier asks: a switch that snoops sends reports to routers only, so they may be hidden from this port (RFC 4541 2.1.1)")
		}
		p.find(idNoReport, fmt.Sprintf("%v is in IGMP mode, but no host reported its group in %s.", p.vip, finding.Span(over)), l.List(), slices.Concat(p.listened, p.itemsOfQueriers()))
		if p.mayHideReports(0) {
			p.lower(idNoReport, Info)
		}
	default:
		unknown.Add("no membership report for the group in %s: that it is joined is not proven, nor that it is not", finding.Span(over))
	}
	switch {
	case len(p.queriers) > 0:
	case long && !p.leftOut(evidence.KindIGMPQuery):
		l := silence("query of anyone")
		p.find(idNoQuerier, fmt.Sprintf("No IGMP querier in %s: switches that snoop forget the group of %v.", finding.Span(over), p.vip), l.List(), p.listened)
	default:
		unknown.Add("no query in %s: that there is no querier is not proven", finding.Span(over))
	}
	if len(unknown.List()) > 0 {
		unknown.Add("listen longer with --listen %s: two query intervals of 125 s and 10 s to answer (RFC 3376 8.4), after which groups are forgotten", "4m25s")
		if lost > 0 {
			unknown.Add("%s lost meanwhile: silence is no proof then", finding.Many(lost, "frame"))
			rests = append(rests, p.lost...)
		}
		p.find(idNotProven, fmt.Sprintf("%v is in IGMP mode; membership or querier could not be seen in %s.", p.vip, finding.Span(over)), unknown.List(), slices.Concat(p.listened, rests))
	}
	p.judgeOwnQuery(c)
}

// judgeNotJoined notes hosts of the cluster that reported nothing while others
// did: for as long as two and a half of their intervals, so that one lost report
// proves nothing, or as long as it takes for the group to be forgotten.
func (p *picture) judgeNotJoined(over time.Duration) {
	var interval time.Duration
	reports := make(map[mac.Addr]bool)
	for _, r := range p.joined {
		interval = max(interval, r.interval)
		reports[r.mac] = true
	}
	needed := proof
	if interval > 0 {
		needed = min(needed, interval*5/2)
	}
	if over < needed || p.leftOut(evidence.KindIGMPReport) {
		return
	}
	var l finding.Lines
	var items []int
	seen := make(map[mac.Addr]bool)
	add := func(m mac.Addr, of []int, text string) {
		if !reports[m] && !seen[m] && !p.claimed[m] {
			seen[m] = true
			items = append(items, of...)
			l.Add("%s", text)
		}
	}
	for _, g := range grouped(where(p.claims, func(s sighting) bool { return s.act == answers && p.inSight(s, showsGroups) }), sourceOf) {
		add(g.mac, itemsOf(g.of), fmt.Sprintf("%v answers ARP for the VIP and reported nothing in %s", g.mac, finding.Span(over)))
	}
	for _, m := range p.alive() {
		add(m.mac, m.items, fmt.Sprintf("%s sends heartbeats and reported nothing in %s", m.who(), finding.Span(over)))
	}
	if len(seen) == 0 {
		return
	}
	n := len(seen)
	for _, r := range p.joined {
		l.Add("%s", p.sayReporter(r))
	}
	if len(p.queriers) > 0 {
		l.Add("a host that hears another's answer to a query keeps back its own in IGMPv1 and v2: reports nobody asked for are not kept back")
	}
	p.find(idNotJoined, fmt.Sprintf("%s of %v did not report the group, while %s did.", finding.Many(n, "host"), p.vip, finding.Many(len(p.joined), "other")),
		l.List(), slices.Concat(items, itemsOfReporters(p.joined)))
	if !p.live && p.mayHideReports(1) {
		f := p.findings[idNotJoined]
		f.Evidence = append(f.Evidence, "one host alone reports: if the capture was taken there, a switch that snoops hides what the others report (RFC 4541 2.1.1)")
		p.lower(idNotJoined, Info)
	}
}

// mayHideReports reports whether a switch that snoops can have kept back what others
// report: a querier gives it a port to send that to, and reports of no more hosts than
// most were heard. Those for groups that are local to the link do not count, as
// switches need not snoop on them.
func (p *picture) mayHideReports(most int) bool {
	hosts := make(map[mac.Addr]bool)
	for _, i := range p.igmp {
		if f, ok := p.items[i].Fact.(evidence.IGMP); ok && f.Act == evidence.Join && !f.Out && !p.own[f.EthSrc] && !isLinkLocal(f.Group) {
			hosts[f.EthSrc] = true
		}
	}
	return len(p.queriers) > 0 && len(hosts) <= most
}

// isLinkLocal reports a group of 224.0.0.0/24, which switches do not prune (RFC 4541
// 2.1.2).
func isLinkLocal(group netip.Addr) bool {
	return group.Is4() && netip.PrefixFrom(netip.AddrFrom4([4]byte{224}), 24).Contains(group)
}

// judgeOwnQuery says what came of our own question for the group's members.
func (p *picture) judgeOwnQuery(c Cluster) {
	if len(p.queries) == 0 {
		return
	}
	first := p.items[p.queries[0]].First
	asked := count(p.items, p.queries)
	if slices.ContainsFunc(p.joined, func(r *reporter) bool { return !r.last.Before(first) }) {
		return // the reports are evidence of their own
	}
	var l finding.Lines
	l.Add("%d queries for the group of %v to the hosts themselves, the first %s", asked, c.MAC, p.at(first))
	l.Add("no report of the group after it")
	p.find(idUnanswered, fmt.Sprintf("Our IGMP query for the group of %v got no report. That proves nothing.", p.vip), l.List(), p.queries)
}

// judgeQueriers finds what is to be said of those who ask.
func (p *picture) judgeQueriers() {
	if len(p.queriers) == 0 {
		return
	}
	var l finding.Lines
	var named []*querier
	var lowest *querier
	v3 := true
	for _, q := range p.queriers {
		l.Add("%s", p.sayQuerier(q))
		v3 = v3 && slices.Equal(q.versions, []uint8{3})
		if inet.IsHost(q.ip) {
			named = append(named, q)
			if lowest == nil || q.ip.Less(lowest.ip) {
				lowest = q
			}
		}
	}
	if len(named) == 0 {
		p.find(idProxyQuerier, "IGMP queries come from 0.0.0.0 only: they make no router port on many switches.", l.List(), p.itemsOfQueriers())
	}
	if len(named) > 1 {
		p.judgeElection(named, lowest)
	}
	v1 := slices.ContainsFunc(p.joined, func(r *reporter) bool { return slices.Contains(r.versions, 1) })
	if v3 && v1 {
		all := l.List()
		for _, r := range p.joined {
			if slices.Contains(r.versions, 1) {
				all = append(all, p.sayReporter(r))
			}
		}
		p.find(idV3Only, "The querier speaks IGMPv3 only, and the cluster reports by IGMPv1: a switch set to v3 only may drop that.",
			all, slices.Concat(p.itemsOfQueriers(), itemsOfReporters(p.joined)))
	}
	p.judgeTooRare(named)
	var own finding.Lines
	var items []int
	for _, q := range named {
		r, known := p.routerMACs[q.mac]
		if _, isRouter := p.known[q.ip]; isRouter && !known {
			r, known = q.ip, true
		}
		if known {
			own.Add("%s; it is router %v", p.sayQuerier(q), r)
			items = append(items, q.items...)
		}
	}
	if len(items) > 0 {
		p.find(idL3Querier, fmt.Sprintf("A router of the subnet is the querier: on some L3 switches it then gets the traffic of %v itself.", p.vip), own.List(), items)
	}
}

// The standard's robustness, and its time to answer (RFC 3376 8.1, 8.3): a group
// lives for the one times the query interval and the other.
const (
	robustness = 2
	toAnswer   = 10 * time.Second
)

// enoughInARow is how many reports or queries tell how far apart they come.
const enoughInARow = 3

// judgeTooRare notes hosts that report less often than the querier's own settings
// keep a group: NLB's driver reports by its own clock and, at least on Windows
// 2003, answers no query (KB 838408).
func (p *picture) judgeTooRare(named []*querier) {
	var l finding.Lines
	var items []int
	for _, q := range named {
		lives := robustness*q.interval + toAnswer
		if q.interval <= 0 || q.count < enoughInARow && !slices.Contains(q.versions, 3) {
			continue
		}
		for _, r := range p.joined {
			if r.count >= enoughInARow && r.interval > lives {
				l.Add("%s", p.sayReporter(r))
				items = append(items, r.items...)
			}
		}
		if len(items) > 0 {
			l.Add("%s: a group lives %s then (%d x the interval, and %s to answer)", p.sayQuerier(q), finding.Span(lives), robustness, finding.Span(toAnswer))
			items = append(items, q.items...)
			p.find(idTooRare, fmt.Sprintf("The hosts of %v report their group less often than the querier's settings keep it.", p.vip), l.List(), items)
			return
		}
	}
}

// judgeElection notes that several ask, of whom the lowest address is to be left
// (RFC 2236 3, RFC 3376 6.6.2).
func (p *picture) judgeElection(named []*querier, lowest *querier) {
	var l finding.Lines
	others := 0
	for _, q := range named {
		switch {
		case q == lowest:
			l.Add("%s; the lowest address wins", p.sayQuerier(q))
		case q.last.Sub(lowest.first) >= time.Second:
			others++
			l.Add("%s; it still asks %s after the lower one was first heard", p.sayQuerier(q), finding.Span(q.last.Sub(lowest.first)))
		default:
			l.Add("%s; it has stopped since the lower one asks", p.sayQuerier(q))
		}
	}
	var items []int
	for _, q := range named {
		items = append(items, q.items...)
	}
	if others > 0 {
		p.find(idQueriers, fmt.Sprintf("%s ask at one time, though the lowest address, %v, should ask alone.", finding.Many(len(named), "querier"), lowest.ip), l.List(), items)
		return
	}
	p.find(idQueriers, fmt.Sprintf("%s were heard: %v has won the election.", finding.Many(len(named), "querier"), lowest.ip), l.List(), items)
	p.lower(idQueriers, Info)
}

// judgeNothingToSnoop notes that a querier is there, so switches may snoop, and
// that the cluster's MAC is no group's.
func (p *picture) judgeNothingToSnoop(c Cluster) {
	if len(p.queriers) == 0 {
		return
	}
	var l finding.Lines
	for _, q := range p.queriers {
		l.Add("%s", p.sayQuerier(q))
	}
	l.Add("%v is the MAC of no IP group: no report can name it", c.MAC)
	p.find(idNotSnoopable, fmt.Sprintf("IGMP queries are heard, but %v cannot be snooped: it takes static MAC entries.", c.MAC), l.List(), p.itemsOfQueriers())
}

// judgeSharedGroup notes another cluster whose primary VIP has the same last two
// octets: by its heartbeats, or by hosts of its own that answer with the MAC.
func (p *picture) judgeSharedGroup(c Cluster) {
	if !p.vip.Is4() {
		return
	}
	var l finding.Lines
	var items []int
	tail := func(ip netip.Addr) [2]byte { o := ip.As4(); return [2]byte(o[2:]) }
	var whose [2]byte
	copy(whose[:], c.MAC[4:])
	for _, i := range p.foreign {
		h, _ := p.items[i].Fact.(evidence.Heartbeat)
		if cluster := h.Cluster.Unmap(); nlb.CanBeVIP(cluster) && tail(cluster) == whose && h.EthDst == c.MAC {
			items = append(items, i)
			l.Add("%s %v sends heartbeats of the cluster %v to %v", p.at(p.items[i].First), h.EthSrc, cluster, h.EthDst)
		}
	}
	for _, s := range p.others {
		ip := s.arp.SenderIP
		if inet.IsHost(ip) && s.arp.SenderMAC == c.MAC && tail(ip) == whose && ip != p.vip && !p.hostMACs[s.arp.EthSrc] {
			items = append(items, s.item)
			l.Add("%s %v says that %v is at %v", p.at(s.first), s.arp.EthSrc, ip, s.arp.SenderMAC)
		}
	}
	if len(items) > 0 {
		p.find(idSharedGroup, fmt.Sprintf("Another cluster shares %v with %v: the last two octets agree.", c.MAC, p.vip), l.List(), items)
	}
}

// judgeSnooping notes that the cluster's traffic comes to this port, though a
// querier asks. Why cannot be told from here: the evidence says what speaks for
// which cause.
func (p *picture) judgeSnooping() {
	if p.flooded == nil || !p.flooded.packets || !slices.ContainsFunc(p.queriers, func(q *querier) bool { return inet.IsHost(q.ip) }) {
		return
	}
	var l finding.Lines
	l.Add("%s", strings.TrimSuffix(p.flooded.summary, "."))
	for _, q := range p.queriers {
		l.Add("%s", p.sayQuerier(q))
	}
	items := slices.Concat(p.flooded.items, p.itemsOfQueriers())
	summary := fmt.Sprintf("A querier asks, but the traffic of %v comes to this port too: snooping does not limit it.", p.vip)
	if len(p.joined) > 0 {
		for _, r := range p.joined {
			l.Add("%s", p.sayReporter(r))
		}
		l.Add("reports come to router ports only where a switch snoops (RFC 4541 2.1.1): this port is one, or the switch does not snoop")
		p.find(idNotLimited, summary, l.List(), slices.Concat(items, itemsOfReporters(p.joined)))
		p.lower(idNotLimited, Info)
		return
	}
	l.Add("no report of the group came here: nobody joined it, or the switch hides reports and looks groups up by IP")
	p.find(idNotLimited, summary, l.List(), items)
}
