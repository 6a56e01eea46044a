package lab

import (
	"fmt"
	"math"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/nlbprobe/nlbprobe/mac"
	"github.com/nlbprobe/nlbprobe/nlb"
)

func (c *converter) scenario(f *file) *Scenario {
	c.names = []string{Prober, Client, Switch}
	s := &Scenario{Description: f.Description, Admin: strings.TrimSpace(f.Admin)}
	if s.Description == "" || strings.ContainsAny(s.Description, "\n\r") {
		c.fault("description", "a scenario needs a description of one line")
	}
	if n := len(f.Nodes) + len(f.Routers); n > mostHosts {
		c.fault("nodes", "%d hosts; a scenario has at most %d", n, mostHosts)
		return s
	}
	if len(f.Routers) == 0 {
		c.fault("routers", "a scenario needs a router")
		return s
	}

	s.LAN = c.prefix("lan", f.LAN, "172.16.63.0/24")
	s.Remote = c.prefix("remote", f.Remote, "172.16.64.0/24")
	if s.LAN.Overlaps(s.Remote) {
		c.fault("remote", "%s overlaps the LAN %s", s.Remote, s.LAN)
	}
	if f.VIP == "" {
		c.fault("vip", "a scenario needs the address to ask for")
	} else {
		s.VIP = c.in("vip", f.VIP, s.LAN, netip.Addr{})
	}
	s.Prober = c.in("prober", f.Prober, s.LAN, nth(s.LAN, 10))
	s.Client = c.in("client", f.Client, s.Remote, nth(s.Remote, 10))
	s.Affinity = Affinity(c.choice("affinity", f.Affinity, "single", "none"))
	s.XTCluster = c.choice("cluster", f.Cluster, "nlb", "xt-cluster") == 1
	if s.XTCluster && s.Affinity != AffinitySingle {
		c.fault("affinity", "xt-cluster knows affinity single only")
	}
	if s.XTCluster && len(f.Nodes) > 32 {
		c.fault("nodes", "%d nodes; xt-cluster has at most 32", len(f.Nodes))
	}

	for i := range f.Nodes {
		s.Nodes = append(s.Nodes, c.node(fmt.Sprintf("nodes[%d]", i), &f.Nodes[i], s))
	}
	for i := range f.Routers {
		s.Routers = append(s.Routers, c.router(fmt.Sprintf("routers[%d]", i), &f.Routers[i], s, i))
	}
	defaultHosts(s)
	s.Gateway = c.in("gateway", f.Gateway, s.LAN, s.Routers[0].Address)
	s.Via = c.in("via", f.Via, s.Remote, s.Routers[0].Remote)
	c.lanSwitch(&f.Switch, s)
	c.addresses(s)
	if len(f.Flows) > mostEntries {
		c.fault("flows", "%d flows; a scenario has at most %d", len(f.Flows), mostEntries)
		return s
	}
	for i := range f.Flows {
		s.Flows = append(s.Flows, c.flow(fmt.Sprintf("flows[%d]", i), &f.Flows[i], s))
	}
	return s
}

func (c *converter) node(path string, f *fileNode, s *Scenario) Node {
	n := Node{
		Name: c.name(path+".name", f.Name), MasksAll: f.MasksAll, AsksAsVIP: f.AsksAsVIP,
		Address: c.in(path+".address", f.Address, s.LAN, netip.Addr{}),
	}
	if f.Address == "" {
		c.fault(path+".address", "a node needs an address")
	}
	n.MAC = c.adapter(path+".mac", f.MAC, n.Address, 0)
	n.Answers = c.mac(path+".answers", f.Answers, mac.Addr{})
	switch {
	case f.VIPs == nil:
		n.VIPs = []netip.Addr{s.VIP}
	case len(f.VIPs) > mostEntries:
		c.fault(path+".vips", "%d addresses; a node has at most %d", len(f.VIPs), mostEntries)
	default:
		for i, v := range f.VIPs {
			n.VIPs = append(n.VIPs, c.in(fmt.Sprintf("%s.vips[%d]", path, i), orDash(v), s.LAN, netip.Addr{}))
		}
	}
	if n.Answers.IsZero() && (n.MasksAll || n.AsksAsVIP) {
		c.fault(path, "masks-all and asks-as-vip need answers")
	}
	if n.AsksAsVIP && len(n.VIPs) == 0 {
		c.fault(path, "asks-as-vip needs a VIP")
	}
	n.JoinEvery = c.period(path+".join-every", f.JoinEvery, time.Minute)
	n.AnswersQueries = f.AnswersQueries
	if f.AnswersQueries && f.Join == "" {
		c.fault(path+".answers-queries", "answers-queries needs a group to join")
	}
	n.DiesAfter = c.period(path+".dies-after", f.DiesAfter, 0)
	if f.Heartbeat != nil {
		n.Heartbeat = c.heartbeat(path+".heartbeat", f.Heartbeat, s)
	}
	if f.Join != "" {
		if n.Join = c.ip(path+".join", f.Join); n.Join.IsValid() && !n.Join.IsMulticast() {
			c.fault(path+".join", "%s is not a group address", n.Join)
		}
	}
	return n
}

// heartbeat reads what a node says of itself. A priority that is not given is
// the node's place in the list.
func (c *converter) heartbeat(path string, f *fileHeartbeat, s *Scenario) *Heartbeat {
	h := &Heartbeat{
		Priority: f.Priority, Cluster: s.VIP, DefaultHost: f.DefaultHost, Name: f.Name,
		Every:         c.period(path+".every", f.Every, nlb.HeartbeatPeriod),
		IdentityEvery: c.period(path+".identity-every", f.IdentityEvery, nlb.IdentityPeriod),
	}
	h.After = phase(len(s.Nodes), h.Every)
	if h.Priority == 0 {
		h.Priority = len(s.Nodes) + 1
	}
	if f.Cluster != "" {
		h.Cluster = c.ip(path+".cluster", f.Cluster)
	}
	const mostPriority, mostRules, longest = 32, 32, 255
	switch {
	case h.Priority < 1 || h.Priority > mostPriority:
		c.fault(path+".priority", "%d is not a host priority of 1 to %d", h.Priority, mostPriority)
	case h.DefaultHost < 0 || h.DefaultHost > mostPriority:
		c.fault(path+".default-host", "%d is not a host priority of 1 to %d", h.DefaultHost, mostPriority)
	case len(f.Rules) > mostRules:
		c.fault(path+".rules", "%d port rules; a heartbeat has at most %d", len(f.Rules), mostRules)
		return h
	case len(h.Name) > longest:
		c.fault(path+".name", "%d bytes; a host's name has at most %d", len(h.Name), longest)
	case f.IdentityEvery != "" && h.Name == "":
		c.fault(path+".identity-every", "an identity heartbeat needs a name")
	}
	for i, text := range f.Rules {
		h.Rules = append(h.Rules, c.portRule(fmt.Sprintf("%s.rules[%d]", path, i), text))
	}
	return h
}

// phase is how long after the start of the lab the nth node beats first. Hosts
// beat when they were started, so not together: here the golden section of the
// period apart, by which any number of them are spread over it.
func phase(n int, every time.Duration) time.Duration {
	const section = 0.6180339887498949
	_, part := math.Modf(float64(n) * section)
	return time.Duration(part * float64(every)).Round(time.Millisecond)
}

// portRule reads one port, or the first and the last of several.
func (c *converter) portRule(path, text string) PortRule {
	first, last, ranged := strings.Cut(text, "-")
	if !ranged {
		last = first
	}
	from, err1 := strconv.ParseUint(first, 10, 16)
	to, err2 := strconv.ParseUint(last, 10, 16)
	if err1 != nil || err2 != nil || from > to {
		c.fault(path, "%q is not a port or a range of ports; write it like 80 or 1024-65535", clip(text))
	}
	return PortRule{First: uint16(from), Last: uint16(to)}
}

// defaultHosts names the default host where the file does not: the lowest
// priority among the nodes that say they are of the same cluster.
func defaultHosts(s *Scenario) {
	lowest := map[netip.Addr]int{}
	for i := range s.Nodes {
		if h := s.Nodes[i].Heartbeat; h != nil {
			if p, ok := lowest[h.Cluster]; !ok || h.Priority < p {
				lowest[h.Cluster] = h.Priority
			}
		}
	}
	for i := range s.Nodes {
		if h := s.Nodes[i].Heartbeat; h != nil && h.DefaultHost == 0 {
			h.DefaultHost = lowest[h.Cluster]
		}
	}
}

func (c *converter) router(path string, f *fileRouter, s *Scenario, i int) Router {
	r := Router{
		Name:            c.name(path+".name", f.Name),
		Address:         c.in(path+".address", f.Address, s.LAN, nth(s.LAN, i+1)),
		Remote:          c.in(path+".remote", f.Remote, s.Remote, nth(s.Remote, i+1)),
		AcceptsGroupARP: c.choice(path+".group-arp", f.GroupARP, "refuse", "accept") == 1,
		DropsMaskedARP:  c.choice(path+".masked-arp", f.MaskedARP, "take", "drop") == 1,
		NoHairpin:       f.Hairpin != nil && !*f.Hairpin,
		NoRedirects:     f.Redirects != nil && !*f.Redirects,
		DropsICMP:       c.choice(path+".icmp", f.ICMP, "pass", "drop") == 1,
	}
	r.MAC = c.adapter(path+".mac", f.MAC, r.Address, 0)
	if f.VRRP != nil {
		r.VRRP = c.vrrp(path+".vrrp", f.VRRP, s)
	}
	r.Timers = c.timers(path+".timers", f.Timers)
	if f.Querier != nil {
		r.Querier = c.querier(path+".querier", f.Querier, s)
		if f.Querier.Address != "" {
			c.fault(path+".querier.address", "a router asks from its own address")
		}
		r.Querier.Address = r.Address
		// What FRR's configuration can say.
		if r.Timers.Interval%time.Second != 0 || r.Timers.Response < time.Second {
			c.fault(path+".timers", "a router's query-interval is in whole seconds, its query-response 1s at least")
		}
	}
	if len(f.Static) > mostEntries || len(f.ProxyARP) > mostEntries {
		c.fault(path, "a router has at most %d static-arp and %d proxy-arp entries", mostEntries, mostEntries)
		return r
	}
	for j, e := range f.Static {
		at := fmt.Sprintf("%s.static-arp[%d]", path, j)
		if e.MAC == "" || e.IP == "" {
			c.fault(at, "a static ARP entry needs ip and mac")
		}
		r.Static = append(r.Static, Neighbour{
			IP: c.in(at+".ip", e.IP, s.LAN, netip.Addr{}), MAC: c.mac(at+".mac", e.MAC, mac.Addr{}),
		})
	}
	for j, p := range f.ProxyARP {
		r.ProxyARP = append(r.ProxyARP, c.in(fmt.Sprintf("%s.proxy-arp[%d]", path, j), orDash(p), s.LAN, netip.Addr{}))
	}
	return r
}

func (c *converter) vrrp(path string, f *fileVRRP, s *Scenario) *VRRP {
	v := &VRRP{Elected: c.choice(path+".by", f.By, "lab", "frr") == 1, ID: byte(f.ID), Address: c.in(path+".address", orDash(f.Address), s.LAN, netip.Addr{}), Priority: byte(f.Priority)}
	if f.ID < 1 || f.ID > 255 {
		c.fault(path+".id", "%d is not a virtual router identifier of 1 to 255", f.ID)
	}
	if f.Priority < 1 || f.Priority > 254 {
		c.fault(path+".priority", "%d is not a priority of 1 to 254", f.Priority)
	}
	// Two with the same rank would both have the address.
	for i := range s.Routers {
		switch o := s.Routers[i].VRRP; {
		case o == nil:
		case o.ID == v.ID && (o.Priority == v.Priority || o.Address != v.Address):
			c.fault(path, "virtual router %d needs one address, and another priority on each router", v.ID)
		case o.ID == v.ID && o.Elected != v.Elected:
			c.fault(path+".by", "virtual router %d is run by something else on another router", v.ID)
		case o.ID != v.ID && o.Address == v.Address:
			c.fault(path, "%s belongs to virtual router %d already", v.Address, o.ID)
		}
	}
	return v
}

func (c *converter) lanSwitch(f *fileSwitch, s *Scenario) {
	s.Switch.Snooping = f.Snooping == nil || *f.Snooping
	s.Switch.ByMAC = c.choice("switch.lookup", f.Lookup, "ip", "mac") == 1
	if s.Switch.ByMAC && !s.Switch.Snooping {
		c.fault("switch.lookup", "lookup by MAC needs snooping")
	}
	s.Switch.Timers = c.timers("switch.timers", f.Timers)
	if f.Querier != nil {
		s.Switch.Querier = c.querier("switch.querier", f.Querier, s)
		if !s.Switch.Snooping {
			c.fault("switch.querier", "the switch asks only where it snoops")
		}
	}
	if len(f.RouterPorts) > mostHosts {
		c.fault("switch.router-ports", "%d ports; a switch has at most %d hosts", len(f.RouterPorts), mostHosts)
		return
	}
	for i, h := range f.RouterPorts {
		s.Switch.RouterPorts = append(s.Switch.RouterPorts, c.lanHost(fmt.Sprintf("switch.router-ports[%d]", i), h))
	}
	if len(f.Members) > mostEntries || len(f.Learnt) > mostEntries {
		c.fault("switch", "a switch has at most %d members and %d learnt entries", mostEntries, mostEntries)
		return
	}
	for i, e := range f.Members {
		at := fmt.Sprintf("switch.members[%d]", i)
		m := Members{MAC: c.mac(at+".mac", orDash(e.MAC), mac.Addr{})}
		for j, h := range e.Hosts {
			m.Hosts = append(m.Hosts, c.lanHost(fmt.Sprintf("%s.hosts[%d]", at, j), h))
		}
		s.Switch.Members = append(s.Switch.Members, m)
	}
	for i, e := range f.Learnt {
		at := fmt.Sprintf("switch.learnt[%d]", i)
		p := Port{MAC: c.mac(at+".mac", orDash(e.MAC), mac.Addr{}), Host: c.lanHost(at+".host", e.Host)}
		if p.MAC.IsGroup() {
			c.fault(at+".mac", "a switch learns unicast addresses only, and %s is a group address", p.MAC)
		}
		s.Switch.Learnt = append(s.Switch.Learnt, p)
	}
}

// timers reads those of a querier; the defaults are RFC 2236's.
func (c *converter) timers(path string, f *fileTimers) QueryTimers {
	t := QueryTimers{Interval: 125 * time.Second, Response: 10 * time.Second}
	if f == nil {
		return t
	}
	t.Interval = c.period(path+".query-interval", f.Interval, t.Interval)
	t.Response = c.period(path+".query-response", f.Response, t.Response)
	switch {
	case t.Response > 25*time.Second:
		c.fault(path+".query-response", "%v is more than the 25s that a query can say", t.Response)
	case t.Response >= t.Interval:
		c.fault(path, "query-response %v must be less than query-interval %v", t.Response, t.Interval)
	}
	return t
}

func (c *converter) querier(path string, f *fileQuerier, s *Scenario) *Querier {
	if f.Version != 2 && f.Version != 3 {
		c.fault(path+".version", "%d is not a version of IGMP that the lab's queriers speak: 2 or 3", f.Version)
	}
	return &Querier{Version: f.Version, Address: c.in(path+".address", f.Address, s.LAN, netip.Addr{})}
}

func (c *converter) flow(path string, f *fileFlow, s *Scenario) Flow {
	w := Flow{
		From: c.host(path+".from", f.From), To: s.VIP,
		Port: uint16(f.Port), PerSecond: f.PerSecond, Bytes: f.Bytes,
	}
	if f.To != "" {
		w.To = c.ip(path+".to", f.To)
	}
	switch {
	case f.Port < 1 || f.Port > 65535:
		c.fault(path+".port", "%d is not a port", f.Port)
	case f.PerSecond < 1 || f.PerSecond > 10000:
		c.fault(path+".per-second", "%d is not a rate of 1 to 10000 packets", f.PerSecond)
	case f.Bytes < 0 || f.Bytes > 1400:
		c.fault(path+".bytes", "%d is not a payload of 0 to 1400 bytes", f.Bytes)
	}
	return w
}

// lanHost reads the name of a host that has a port of the LAN switch.
func (c *converter) lanHost(path, text string) string {
	if text == Client {
		c.fault(path, "the client is not on the LAN")
	}
	return c.host(path, text)
}

// adapter reads a network adapter's own MAC. Without one it is made from the
// address within 00:00:5e:00:53, set aside for documentation (RFC 9542 2.1.4),
// so that a capture is easy to read.
func (c *converter) adapter(path, text string, a netip.Addr, or byte) mac.Addr {
	m := c.mac(path, text, documentationMAC(a, or))
	if m.IsGroup() || m.IsZero() {
		c.fault(path, "%s cannot be an adapter's address", m)
	}
	return m
}

// documentationMAC shows the last byte of an address in decimal digits where
// it has two: .21 becomes 00:00:5e:00:53:21.
func documentationMAC(a netip.Addr, or byte) mac.Addr {
	var last byte
	if a.Is4() {
		last = a.As4()[3]
	}
	if last < 100 {
		last = last/10<<4 | last%10
	}
	return mac.Addr{0x00, 0x00, 0x5e, 0x00, 0x53, last | or}
}

// addresses reports an address that two hosts claim as their own. VIPs may be
// claimed by many.
func (c *converter) addresses(s *Scenario) {
	owner := map[netip.Addr]string{s.Prober: Prober, s.Client: Client}
	claim := func(path string, a netip.Addr, name string) {
		if o, ok := owner[a]; ok && a.IsValid() {
			c.fault(path, "%s belongs to %s already", a, o)
		}
		owner[a] = name
	}
	for i, n := range s.Nodes {
		claim(fmt.Sprintf("nodes[%d].address", i), n.Address, n.Name)
	}
	for i, r := range s.Routers {
		claim(fmt.Sprintf("routers[%d].address", i), r.Address, r.Name)
		claim(fmt.Sprintf("routers[%d].remote", i), r.Remote, r.Name)
	}
	if q := s.Switch.Querier; q != nil {
		claim("switch.querier.address", q.Address, Switch)
	}
	for i, r := range s.Routers {
		if s.Master(&s.Routers[i]) {
			claim(fmt.Sprintf("routers[%d].vrrp.address", i), r.VRRP.Address, "a virtual router")
		}
	}
}

// orDash makes an empty item of a list an error instead of a default.
func orDash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}

// nth returns the nth address of a subnet.
func nth(p netip.Prefix, n int) netip.Addr {
	a := p.Addr()
	for range n {
		a = a.Next()
	}
	return a
}
