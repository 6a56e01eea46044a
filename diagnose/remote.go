package diagnose

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/nlbprobe/nlbprobe/evidence"
	"github.com/nlbprobe/nlbprobe/finding"
	"github.com/nlbprobe/nlbprobe/inet"
)

// Remote judges what a client of another subnet learnt of vip: facts of the kinds
// Ask and Told, and the client's own addresses as Vantage. What was asked of
// another address than vip is the control. Other facts are passed over. Items may
// be in any order. From there it can be proven that a router has no MAC for the
// VIP, and not why it has none.
func Remote(vip netip.Addr, items []evidence.Item) Diagnosis {
	r := &outsider{picture: gather(vip.Unmap(), items), asks: make(map[evidence.Ask]int), hops: make(map[uint8]said)}
	r.gather()
	r.judgeReached()
	r.judgeErrors()
	r.judgePorts()
	r.judgeOwn()
	r.judgeNothing()
	d := Diagnosis{VIP: r.vip, Remote: true, Verdict: r.verdict(), Routers: r.lastRouters()}
	d.Findings = r.sorted()
	d.Severity = severity(d)
	return d
}

// said is one thing that came back.
type said struct {
	item        int
	told        evidence.Told
	count       int
	first, last time.Time
	after       time.Duration // since our packet; less than 0 where that is not known
}

// compared is what came of an address that is not the VIP.
type compared struct {
	ip       netip.Addr
	asked    int
	items    []int
	answers  []said
	noMAC    []said
	anything bool // came back
}

// stream is what was asked in one way. Routers that share a load send all of one
// stream to the same next hop.
type stream struct {
	by   evidence.Way
	port uint16 // of TCP
}

func streamOf(a evidence.Ask) stream {
	if a.By == evidence.ByTCP {
		return stream{a.By, a.Port}
	}
	return stream{by: a.By}
}

// outsider is the evidence of a client of another subnet, sorted.
type outsider struct {
	*picture
	asks map[evidence.Ask]int // the item of each packet of ours

	tries    []int  // items: what was asked of the VIP
	packets  int    // how many packets those are
	answers  []said // of the VIP
	noMAC    []said // a router says host unreachable
	noWay    []said // a router says that there is no way there
	filtered []said // somebody lets it not through, or refuses it in the VIP's stead
	loops    []said // the packet had all hops that there are
	unnamed  []said // host unreachable, and the system does not tell who says it
	own      []said // this host itself gave up
	misled   []said // a router says to use another way: a redirect
	noEcho   []int  // items: this host allows no echo
	controls []*compared

	hops    map[uint8]said // routers on the way, by how far they are
	reached uint8          // the least hops by which the VIP answered; 0 is not known
}

func (r *outsider) gather() {
	order := make([]int, len(r.items))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(i, j int) int { return evidence.Compare(r.items[i], r.items[j]) })
	for _, i := range order {
		f, ok := r.items[i].Fact.(evidence.Ask)
		if !ok {
			continue
		}
		f.Target = f.Target.Unmap()
		if _, twice := r.asks[f]; !twice {
			r.asks[f] = i
		}
		switch {
		case f.Target == r.vip:
			r.tries = append(r.tries, i)
			r.packets += r.items[i].Sightings()
		case inet.IsHost(f.Target):
			c := r.controlAt(f.Target)
			c.asked += r.items[i].Sightings()
			c.items = append(c.items, i)
		}
	}
	for _, i := range order {
		f, ok := r.items[i].Fact.(evidence.Told)
		if !ok {
			continue
		}
		f.Of.Target, f.From = f.Of.Target.Unmap(), f.From.Unmap()
		it := r.items[i]
		s := said{item: i, told: f, count: it.Sightings(), first: it.First, last: it.Last, after: -1}
		ask, asked := r.asks[f.Of]
		if asked && !it.First.IsZero() && !it.First.Before(r.items[ask].First) {
			s.after = it.First.Sub(r.items[ask].First)
		}
		switch {
		case f.Word == evidence.Forbidden && f.Of.Target == r.vip && f.Of.Seq == 0 && f.Of.By == evidence.ByEcho:
			r.noEcho = append(r.noEcho, i)
		case !asked: // not ours: nothing may be proven by it
		case f.Of.Target == r.vip:
			r.sort(s)
		default:
			r.sortControl(s)
		}
	}
}

func (r *outsider) controlAt(ip netip.Addr) *compared {
	for _, c := range r.controls {
		if c.ip == ip {
			return c
		}
	}
	c := &compared{ip: ip}
	r.controls = append(r.controls, c)
	return c
}

// The codes of a destination unreachable (RFC 792; RFC 1812 5.2.7.1) that matter
// here.
const (
	codeNet  = 0
	codeHost = 1
	codePort = 3
)

// filterCodes say that the packet was not let through, or was refused by somebody
// in the host's stead. What is neither these nor host unreachable says that there
// is no way to the network or the host, before a router of its subnet asked for it:
// 0, 5, 6, 7, 8, 11 and 12, and any code that no RFC knows.
var filterCodes = []uint8{2, codePort, 9, 10, 13, 14, 15}

// isOwn reports whether this host itself says it.
func (r *outsider) isOwn(t evidence.Told) bool {
	switch t.Word {
	case evidence.NoRoute, evidence.Forbidden, evidence.Unsent:
		return true
	case evidence.SaidICMP:
		return t.From.IsValid() && (t.From.IsLoopback() || slices.Contains(r.addresses, t.From))
	}
	return false
}

// isAnswer reports whether the target itself said something: then it got the
// packet, whatever it says of it.
func isAnswer(t evidence.Told) bool {
	switch t.Word {
	case evidence.Replied, evidence.Accepted, evidence.Refused:
		return true
	case evidence.SaidICMP:
		return t.From.IsValid() && t.From == t.Of.Target && t.Type == evidence.Unreachable
	}
	return false
}

func isNoMAC(t evidence.Told) bool {
	return t.Word == evidence.SaidICMP && t.Type == evidence.Unreachable && t.Code == codeHost && inet.IsHost(t.From)
}

func (r *outsider) sort(s said) {
	t := s.told
	switch {
	case r.isOwn(t):
		r.own = append(r.own, s)
	case isAnswer(t):
		r.answers = append(r.answers, s)
		if n := t.Of.TTL; n > 0 && (r.reached == 0 || n < r.reached) {
			r.reached = n
		}
	case t.Word != evidence.SaidICMP:
	case t.Type == evidence.TimeExceeded && t.Code == 0 && t.Of.TTL > 0:
		if _, known := r.hops[t.Of.TTL]; !known && inet.IsHost(t.From) {
			r.hops[t.Of.TTL] = s
		}
	case t.Type == evidence.Redirect:
		r.misled = append(r.misled, s)
	case t.Type == evidence.TimeExceeded:
		r.loops = append(r.loops, s)
	case t.Type != evidence.Unreachable:
	case isNoMAC(t):
		r.noMAC = append(r.noMAC, s)
	case t.Code == codeHost:
		r.unnamed = append(r.unnamed, s)
	case slices.Contains(filterCodes, t.Code):
		r.filtered = append(r.filtered, s)
	default:
		r.noWay = append(r.noWay, s)
	}
}

func (r *outsider) sortControl(s said) {
	c := r.controlAt(s.told.Of.Target)
	c.items = append(c.items, s.item)
	c.anything = true
	switch {
	case r.isOwn(s.told):
	case isAnswer(s.told):
		c.answers = append(c.answers, s)
	case isNoMAC(s.told):
		c.noMAC = append(c.noMAC, s)
	}
}

// cutOff reports whether a router is the last that was heard of some stream, with
// host unreachable. Another stream may still be answered: routers that share a
// load each need a MAC of their own.
func (r *outsider) cutOff() bool {
	last := make(map[stream]said)
	for _, s := range slices.Concat(r.answers, r.noMAC) {
		k := streamOf(s.told.Of)
		if was, ok := last[k]; !ok || s.last.After(was.last) || s.last.Equal(was.last) && isAnswer(s.told) {
			last[k] = s
		}
	}
	for _, s := range last {
		if isNoMAC(s.told) {
			return true
		}
	}
	return false
}

func (r *outsider) verdict() Verdict {
	switch {
	case r.cutOff():
		return NoMAC
	case len(r.answers) > 0:
		return Reachable
	}
	return Silent
}

// lastRouters are the routers that are known to stand before the VIP: those that
// say that they cannot reach it, and the one that passed on what it answered.
func (r *outsider) lastRouters() []Router {
	var out []Router
	add := func(ip netip.Addr, reach Reach, why string, items ...int) {
		i := slices.IndexFunc(out, func(x Router) bool { return x.IP == ip })
		if i < 0 && ip != r.vip {
			out = append(out, Router{IP: ip, Reach: reach, Why: why, Items: items})
		}
	}
	if r.cutOff() {
		for _, s := range r.noMAC {
			add(s.told.From, DoesNotReach, "says host unreachable"+r.far(s.told.From), s.item)
		}
	}
	far, h, known := r.lastHop()
	switch {
	case !known:
	case r.reached > 0:
		add(h.told.From, Reaches, hopsAway(far)+", the last before the VIP", h.item)
	default:
		add(h.told.From, NotLearnt, hopsAway(far)+", the last that was heard on the way to the VIP", h.item)
	}
	slices.SortFunc(out, func(a, b Router) int { return a.IP.Compare(b.IP) })
	return out
}

// lastHop returns the router before the VIP, where it said who it is; or the last
// that was heard, where the VIP did not answer.
func (r *outsider) lastHop() (far uint8, h said, known bool) {
	if r.reached > 0 {
		h, known = r.hops[r.reached-1]
		return r.reached - 1, h, known
	}
	for n, s := range r.hops {
		if n > far {
			far, h, known = n, s, true
		}
	}
	return far, h, known
}

func hopsAway(n uint8) string {
	if n == 1 {
		return "1 hop away"
	}
	return fmt.Sprintf("%d hops away", n)
}

// far says how far away a router is, where that is known.
func (r *outsider) far(ip netip.Addr) string {
	for n := range uint8(maxHops) {
		if h, ok := r.hops[n+1]; ok && h.told.From == ip {
			return ", " + hopsAway(n+1)
		}
	}
	return ""
}

// maxHops is the most hops that are looked at.
const maxHops = 64

// what names a packet of ours.
func what(a evidence.Ask) string {
	limit := ""
	if a.TTL > 0 {
		limit = fmt.Sprintf(" with %s to go", finding.Many(int(a.TTL), "hop"))
	}
	switch a.By {
	case evidence.ByTCP:
		return fmt.Sprintf("SYN to port %d%s", a.Port, limit)
	case evidence.ByUDP:
		return fmt.Sprintf("UDP datagram to port %d%s", a.Port, limit)
	}
	return "echo request" + limit
}

// tells is the evidence line of something that came back.
func (r *outsider) tells(s said) string {
	t := s.told
	var text string
	switch t.Word {
	case evidence.Replied:
		text = fmt.Sprintf("%v answers our %s", t.Of.Target, what(t.Of))
	case evidence.Accepted:
		text = fmt.Sprintf("%v accepts the connection to port %d", t.Of.Target, t.Of.Port)
	case evidence.Refused:
		text = fmt.Sprintf("%v refuses the connection to port %d", t.Of.Target, t.Of.Port)
	case evidence.NoRoute:
		text = fmt.Sprintf("this host has no route for our %s to %v", what(t.Of), t.Of.Target)
	case evidence.Forbidden:
		text = fmt.Sprintf("this host does not allow our %s to %v", what(t.Of), t.Of.Target)
	case evidence.Unsent:
		text = fmt.Sprintf("this host could not send our %s to %v", what(t.Of), t.Of.Target)
	default:
		who := "somebody (this system does not tell who)"
		switch {
		case r.isOwn(t):
			who = fmt.Sprintf("this host itself (%v)", t.From)
		case t.From.IsValid():
			who = t.From.String()
		}
		text = fmt.Sprintf("%s says %s of our %s to %v", who, ICMPName(t.Type, t.Code), what(t.Of), t.Of.Target)
	}
	line := r.at(s.first) + " " + text
	if s.after >= 0 {
		line += ", " + finding.Span(s.after) + " after it"
	}
	if s.count > 1 {
		line += ", " + finding.Times(s.count)
	}
	return line
}

// ICMPName names an ICMP error (RFC 792, RFC 1812 5.2.7.1), with its type and code.
func ICMPName(kind, code uint8) string {
	name := "unreachable"
	switch {
	case kind == evidence.TimeExceeded:
		name = "time exceeded"
	case kind == evidence.Redirect:
		name = "redirect"
	case code == codeNet:
		name = "network unreachable"
	case code == codeHost:
		name = "host unreachable"
	case code == 2:
		name = "protocol unreachable"
	case code == codePort:
		name = "port unreachable"
	case code == 9:
		name = "network prohibited"
	case code == 10:
		name = "host prohibited"
	case code == 13:
		name = "administratively prohibited"
	}
	return fmt.Sprintf("%s (ICMP %d/%d)", name, kind, code)
}

// maxAlike bounds the lines about one thing that was said again and again.
const maxAlike = 2

// note raises a finding with a line for each thing said. Of what was said of
// several packets alike the first are shown.
func (r *outsider) note(id, summary string, all []said, more ...string) {
	var l finding.Lines
	type like struct {
		told evidence.Told
		of   stream
		many bool // of one packet
	}
	alike := make(map[like]int)
	left := 0
	items := make([]int, 0, len(all))
	for _, s := range all {
		k := like{told: s.told, of: streamOf(s.told.Of), many: s.count > 1}
		k.told.Of = evidence.Ask{Target: s.told.Of.Target}
		if alike[k]++; alike[k] <= maxAlike {
			l.Add("%s", r.tells(s))
		} else {
			left++
		}
		items = append(items, s.item)
		if ask, ok := r.asks[s.told.Of]; ok {
			items = append(items, ask)
		}
	}
	if left > 0 {
		l.Add("the same of %s", finding.Many(left, "more packet"))
	}
	for _, m := range more {
		l.Add("%s", m)
	}
	r.find(id, summary, l.List(), items)
}

// judgeReached says that the VIP answers, and what several answers to one packet
// mean.
func (r *outsider) judgeReached() {
	if len(r.answers) > 0 {
		text := fmt.Sprintf("%v answers from here.", r.vip)
		if far, h, known := r.lastHop(); known && r.reached > 0 {
			text = fmt.Sprintf("%v answers from here, by way of router %v, %s.", r.vip, h.told.From, hopsAway(far))
		}
		r.note(idRemoteReached, text, r.answers)
	}
	// Of one connection there is one end, and of a packet that dies on the way
	// several copies may come from one fault of a router: answers of the VIP alone.
	var twofold []said
	for _, s := range r.answers {
		if s.count > 1 && s.told.Of.By != evidence.ByTCP {
			twofold = append(twofold, s)
		}
	}
	if len(twofold) > 0 {
		most := 0
		for _, s := range twofold {
			most = max(most, s.count)
		}
		r.note(idRemoteDuplicates, fmt.Sprintf("One packet to %v brings up to %s: several hosts take it, or the network doubles it.", r.vip, finding.Many(most, "answer")), twofold)
	}
	if len(r.answers) > 0 && len(r.noMAC) > 0 {
		all := slices.Concat(r.answers, r.noMAC)
		slices.SortStableFunc(all, func(a, b said) int {
			return cmp.Or(a.first.Compare(b.first), evidence.Compare(r.items[a.item], r.items[b.item]))
		})
		r.note(idRemoteUnsteady, fmt.Sprintf("%v answers, and a router says of other packets that it is unreachable.", r.vip), all)
	}
}

// atOnce is less time than a router spends on asking for a MAC in vain.
const atOnce = 500 * time.Millisecond

// judgeErrors says what routers say.
func (r *outsider) judgeErrors() {
	if len(r.noMAC) > 0 && r.cutOff() {
		var ips []netip.Addr
		quick := false
		for _, s := range r.noMAC {
			if !slices.Contains(ips, s.told.From) {
				ips = append(ips, s.told.From)
			}
			quick = quick || s.after >= 0 && s.after < atOnce
		}
		slices.SortFunc(ips, netip.Addr.Compare)
		more, items := r.aboutControls(ips)
		for _, ip := range ips {
			if far, h, known := r.lastHop(); known && r.reached == 0 && h.told.From != ip && !slices.Contains(ips, h.told.From) {
				more = append(more, fmt.Sprintf("the last router that was heard on the way is %v, %s, and not %v", h.told.From, hopsAway(far), ip))
				items = append(items, h.item)
			}
		}
		if quick {
			more = append(more, "one of these came at once: an attempt before may have failed already, or a route discards the packet on purpose")
		}
		who := "Router " + addresses(ips)
		if len(ips) > 1 {
			who = "Routers " + addresses(ips)
		}
		r.note(idRemoteNoMAC, fmt.Sprintf("%s %s host unreachable for %v: nobody answers its ARP, or it refuses the answer.", who, verb(len(ips), "says", "say"), r.vip), r.noMAC, more...)
		f := r.findings[idRemoteNoMAC]
		f.Items = finding.Unique(append(f.Items, items...))
	}
	if len(r.noWay) > 0 {
		r.note(idRemoteNoRoute, fmt.Sprintf("A router has no way to %v: it says so before any MAC is asked for.", r.vip), r.noWay)
	}
	if len(r.filtered) > 0 {
		r.note(idRemoteFiltered, fmt.Sprintf("Packets to %v are not let through, which says nothing of its MAC.", r.vip), r.filtered)
	}
	if len(r.loops) > 0 {
		r.note(idRemoteLoop, fmt.Sprintf("Packets to %v use up all their hops: routers send them in a circle.", r.vip), r.loops)
	}
	if len(r.misled) > 0 && len(r.answers) == 0 {
		r.note(idRemoteRedirected, fmt.Sprintf("A router sends packets for %v back to this host's own subnet.", r.vip), r.misled)
	}
	if len(r.unnamed) > 0 {
		r.note(idRemoteUnnamed, fmt.Sprintf("%v is said to be unreachable, and this system does not tell by whom.", r.vip), r.unnamed)
	}
}

// aboutControls says what came of the control hosts, for whoever reads that
// routers have no MAC for the VIP. A control that the same routers call
// unreachable too is a finding of its own.
func (r *outsider) aboutControls(routers []netip.Addr) (text []string, items []int) {
	var fail []said
	for _, c := range r.controls {
		items = append(items, c.items...)
		switch {
		case len(c.answers) > 0 && slices.Contains(routers, c.ip):
			text = append(text, fmt.Sprintf("control: router %v itself answers", c.ip))
		case len(c.answers) > 0:
			text = append(text, fmt.Sprintf("control %v answers", c.ip))
		case len(c.noMAC) > 0:
			text = append(text, fmt.Sprintf("control %v: host unreachable too", c.ip))
			for _, s := range c.noMAC {
				if slices.Contains(routers, s.told.From) {
					fail = append(fail, s)
				}
			}
		case c.anything:
			text = append(text, fmt.Sprintf("control %v: not reached either", c.ip))
		default:
			text = append(text, fmt.Sprintf("control %v: silent, which proves nothing", c.ip))
		}
	}
	if len(fail) > 0 {
		r.note(idRemoteControlFails, fmt.Sprintf("The control %v is unreachable too: look at that subnet before the VIP.", fail[0].told.Of.Target), fail)
	}
	return text, items
}

// judgePorts says what came of each TCP port.
func (r *outsider) judgePorts() {
	open, closed := make(map[uint16][]said), make(map[uint16][]said)
	for _, s := range r.answers {
		switch s.told.Word {
		case evidence.Accepted:
			open[s.told.Of.Port] = append(open[s.told.Of.Port], s)
		case evidence.Refused:
			closed[s.told.Of.Port] = append(closed[s.told.Of.Port], s)
		}
	}
	var opened, refused, silent []uint16
	var quiet finding.Lines
	var items []int
	for _, i := range r.tries {
		f, ok := r.items[i].Fact.(evidence.Ask)
		if !ok || f.By != evidence.ByTCP {
			continue
		}
		switch {
		case len(open[f.Port]) > 0:
			opened = append(opened, f.Port)
		case len(closed[f.Port]) > 0:
			refused = append(refused, f.Port)
		case !r.anythingOf(f):
			quiet.Add("%s our SYN to port %d went out; nothing came back", r.at(r.items[i].First), f.Port)
			silent = append(silent, f.Port)
			items = append(items, i)
		}
	}
	each := func(id, text string, all []uint16, of map[uint16][]said) {
		slices.Sort(all)
		all = slices.Compact(all)
		var some []said
		for _, port := range all {
			some = append(some, of[port]...)
		}
		if len(all) > 0 {
			r.note(id, fmt.Sprintf(text, r.vip, ports(all)), some)
		}
	}
	each(idPortOpen, "%v accepts connections to %s.", opened, open)
	each(idPortClosed, "%v refuses connections to %s.", refused, closed)
	if len(silent) > 0 && len(r.answers) > 0 {
		slices.Sort(silent)
		r.find(idRemotePortSilent, fmt.Sprintf("%v answers, but not on %s.", r.vip, ports(slices.Compact(silent))), quiet.List(), items)
	}
}

// anythingOf reports whether something came back of a connection.
func (r *outsider) anythingOf(a evidence.Ask) bool {
	fits := func(s said) bool { return streamOf(s.told.Of) == streamOf(a) }
	for _, all := range [][]said{r.answers, r.noMAC, r.noWay, r.filtered, r.loops, r.unnamed, r.own, r.misled} {
		if slices.ContainsFunc(all, fits) {
			return true
		}
	}
	return false
}

// judgeOwn says what this host did not do.
func (r *outsider) judgeOwn() {
	if len(r.own) > 0 {
		text := "This host itself did not get packets for %v onto their way."
		switch r.own[0].told.Word {
		case evidence.SaidICMP:
			text = "This host's own gateway has no MAC: packets for %v do not leave it."
		case evidence.NoRoute:
			text = "This host has no route to %v."
		case evidence.Forbidden:
			text = "This host does not allow packets to %v."
		}
		r.note(idRemoteNotSent, fmt.Sprintf(text, r.vip), r.own)
	}
	if len(r.noEcho) > 0 {
		r.find(idRemoteNoEcho, "This host allows no echo to an ordinary user: asked by UDP, which fewer hosts answer.",
			[]string{"the system refused a socket for ICMP echo"}, r.noEcho)
	}
}

// givesUp is the least time in which a router may say that it has no MAC: three ARP
// requests, a second apart (RFC 1122 2.3.2.1 allows no more), and some delay.
const givesUp = 3500 * time.Millisecond

// judgeNothing says that nothing came back that proves anything.
func (r *outsider) judgeNothing() {
	for _, all := range [][]said{r.answers, r.noMAC, r.noWay, r.filtered, r.loops, r.unnamed, r.own, r.misled} {
		if len(all) > 0 {
			return
		}
	}
	var l finding.Lines
	items := slices.Clone(r.tries)
	if r.packets > 0 {
		l.Add("%s for %v, the first %s", finding.Many(r.packets, "packet"), r.vip, r.at(r.items[r.tries[0]].First))
	} else {
		l.Add("no packet for %v is in the evidence", r.vip)
	}
	if heard, known := r.listenedFor(); known {
		l.Add("waited for %s", finding.Span(heard))
		if heard < givesUp {
			l.Add("that is short: a router takes about 3 s to give up on ARP and say so")
		}
	}
	if far, h, known := r.lastHop(); known {
		l.Add("router %v, %s, is the last that was heard on the way", h.told.From, hopsAway(far))
		items = append(items, h.item)
	}
	for _, c := range r.controls {
		items = append(items, c.items...)
		switch {
		case len(c.answers) > 0:
			l.Add("control %v answers", c.ip)
		case !c.anything:
			l.Add("control %v is silent too", c.ip)
		}
	}
	r.find(idRemoteSilent, fmt.Sprintf("Nothing came back of %s to %v. That proves nothing.", finding.Many(r.packets, "packet"), r.vip), l.List(), items)
}
