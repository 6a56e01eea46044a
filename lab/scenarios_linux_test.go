package lab_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"maps"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/vishvananda/netlink"

	"github.com/nlbprobe/nlbprobe/lab"
	"github.com/nlbprobe/nlbprobe/lab/labtest"
	"github.com/nlbprobe/nlbprobe/mac"
)

// get fetches the page of address from a host and returns its body: the name
// of the node that served it. A refusal, a timeout or an unreachable is an
// error.
func get(l *lab.Lab, host string, to netip.Addr, limit time.Duration) (string, error) {
	var conn net.Conn
	err := l.Do(host, func() (err error) {
		conn, err = net.DialTimeout("tcp4", netip.AddrPortFrom(to, lab.ServicePort).String(), limit)
		return err
	})
	if err != nil {
		return "", err
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(3 * time.Second))
	fmt.Fprint(conn, "GET / HTTP/1.0\r\n\r\n")
	page, err := io.ReadAll(conn)
	if err != nil {
		return "", err
	}
	_, body, ok := bytes.Cut(page, []byte("\r\n\r\n"))
	if !ok {
		return "", fmt.Errorf("not a web page: %q", page)
	}
	return strings.TrimSpace(string(body)), nil
}

// learnt returns the MAC that the kernel of host holds for an address, zero
// when it holds none.
func learnt(t *testing.T, l *lab.Lab, host string, ip netip.Addr) mac.Addr {
	t.Helper()
	var found mac.Addr
	err := l.Do(host, func() error {
		list, err := netlink.NeighList(0, netlink.FAMILY_V4)
		if err != nil {
			return err
		}
		for _, n := range list {
			usable := n.State&(netlink.NUD_FAILED|netlink.NUD_INCOMPLETE) == 0
			if n.IP.Equal(ip.AsSlice()) && usable && len(n.HardwareAddr) == len(found) {
				found = mac.From(n.HardwareAddr)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

const (
	node1  = "00:00:5e:00:53:21" // the adapters' own addresses
	node2  = "00:00:5e:00:53:22"
	host1  = "00:00:5e:00:53:31"
	host2  = "00:00:5e:00:53:32"
	router = "00:00:5e:00:53:01"
)

// reach says who is served on the VIP. The zero value checks nothing.
type reach struct {
	fromLAN, fromRemote bool
	control             string // a node whose own address must be reached from the client
}

// Each scenario as the kernels of the prober and the client see it.
func TestScenarios(t *testing.T) {
	t.Parallel()
	labtest.Require(t)
	for _, tt := range []struct {
		scenario string
		// answers to one ARP request: Ethernet source > sender address.
		answers map[string]int
		reach   reach
	}{
		{"multicast", map[string]int{
			node1 + " > 03:bf:ac:10:3f:f1": 1, node2 + " > 03:bf:ac:10:3f:f1": 1,
		}, reach{true, false, "node1"}},
		{"xt-cluster", map[string]int{
			node1 + " > 01:02:03:04:05:06": 1, node2 + " > 01:02:03:04:05:06": 1,
		}, reach{true, false, "node1"}},
		{"cisco-example", map[string]int{
			node1 + " > 03:00:5e:11:11:11": 1, node2 + " > 03:00:5e:11:11:11": 1,
		}, reach{true, false, "node1"}},
		{"fixed", map[string]int{
			node1 + " > 03:bf:ac:10:3f:f1": 1, node2 + " > 03:bf:ac:10:3f:f1": 1,
		}, reach{true, true, "node1"}},
		{"lenient-router", map[string]int{
			node1 + " > 03:bf:ac:10:3f:f1": 1, node2 + " > 03:bf:ac:10:3f:f1": 1,
		}, reach{true, true, "node1"}},
		{"igmp", map[string]int{
			node1 + " > 01:00:5e:7f:3f:f1": 1, node2 + " > 01:00:5e:7f:3f:f1": 1,
		}, reach{true, false, "node1"}},
		{"secondary-vip", map[string]int{ // the primary is 172.16.63.240
			node1 + " > 03:bf:ac:10:3f:f0": 1, node2 + " > 03:bf:ac:10:3f:f0": 1,
		}, reach{true, false, "node1"}},
		{"unicast", map[string]int{ // the Ethernet source carries the host priority
			"02:01:ac:10:3f:f1 > 02:bf:ac:10:3f:f1": 1, "02:02:ac:10:3f:f1 > 02:bf:ac:10:3f:f1": 1,
		}, reach{true, true, ""}},
		{"unicast-compared", map[string]int{
			"02:01:ac:10:3f:f1 > 02:bf:ac:10:3f:f1": 1, "02:02:ac:10:3f:f1 > 02:bf:ac:10:3f:f1": 1,
		}, reach{true, false, ""}},
		{"firewall-pair", map[string]int{
			host1 + " > 01:00:5e:10:3f:f1": 1, host2 + " > 01:00:5e:10:3f:f1": 1,
		}, reach{true, false, ""}},
		{"unicast-unmasked", map[string]int{
			"02:bf:ac:10:3f:f1 > 02:bf:ac:10:3f:f1": 2,
		}, reach{}}, // reached or not by chance: see TestUnmaskedIsLearnt
		{"mixed-modes", map[string]int{
			node1 + " > 03:bf:ac:10:3f:f1": 1, "02:02:ac:10:3f:f1 > 02:bf:ac:10:3f:f1": 1,
		}, reach{true, true, "node1"}}, // the router takes the unicast answer
		{"conflict", map[string]int{
			host1 + " > " + host1: 1, host2 + " > " + host2: 1,
		}, reach{true, true, "host1"}},
		{"ordinary-host", map[string]int{host1 + " > " + host1: 1}, reach{true, true, "host1"}},
		{"look-alike", map[string]int{
			"00:00:5e:00:01:05 > 00:00:5e:00:01:05": 1,
		}, reach{true, true, "host1"}},
		{"carp-balancing", map[string]int{host1 + " > 01:00:5e:00:01:05": 1}, reach{true, false, "host1"}},
		{"broadcast-mac", map[string]int{host1 + " > ff:ff:ff:ff:ff:ff": 1}, reach{true, false, "host1"}},
		{"silent", map[string]int{}, reach{false, false, "node1"}},
		{"proxy-arp", map[string]int{router + " > " + router: 1}, reach{false, false, "node1"}},
		{"ws2008", map[string]int{
			node1 + " > 03:bf:ac:10:3f:f1": 1, node2 + " > 03:bf:ac:10:3f:f1": 1,
		}, reach{true, false, ""}}, // no node finds its gateway: see TestAsksAsVIP
		{"proxy-arp-competing", map[string]int{
			node1 + " > 03:bf:ac:10:3f:f1": 1, node2 + " > 03:bf:ac:10:3f:f1": 1, router + " > " + router: 1,
		}, reach{}},
	} {
		t.Run(tt.scenario, func(t *testing.T) {
			t.Parallel()
			l := labtest.Start(t, tt.scenario)
			s := l.Scenario()
			total := 0
			for _, n := range tt.answers {
				total += n
			}
			if got := answers(t, l, lab.Prober, s.VIP, total); !maps.Equal(got, tt.answers) {
				t.Errorf("answers\n got %v\nwant %v", got, tt.answers)
			}
			senders := map[mac.Addr]bool{}
			for a := range tt.answers {
				_, sender, _ := strings.Cut(a, " > ")
				m, err := mac.Parse(sender)
				if err != nil {
					t.Fatal(err)
				}
				senders[m] = true
			}
			// The prober's own kernel is the second opinion.
			if m := learnt(t, l, lab.Prober, s.VIP); len(senders) > 0 && !senders[m] {
				t.Errorf("the prober's kernel learnt %s for the VIP", m)
			}
			if tt.reach == (reach{}) {
				return
			}
			checkReach(t, l, lab.Prober, s.VIP, tt.reach.fromLAN)
			if tt.reach.control != "" {
				h, ok := l.Host(tt.reach.control)
				if !ok {
					t.Fatalf("no host %s", tt.reach.control)
				}
				if who, err := get(l, lab.Client, h.Addr(), 3*time.Second); err != nil || who != h.Name {
					t.Errorf("control: the client does not reach %s itself: %q, %v", h.Name, who, err)
				}
			}
			checkReach(t, l, lab.Client, s.VIP, tt.reach.fromRemote)
		})
	}
}

// checkReach connects to the VIP, and judges by who answered.
func checkReach(t *testing.T, l *lab.Lab, host string, vip netip.Addr, want bool) {
	t.Helper()
	limit := 3 * time.Second
	if !want {
		limit = 500 * time.Millisecond
	}
	who, err := get(l, host, vip, limit)
	switch h, ok := l.Host(who); {
	case want && err != nil:
		t.Errorf("%s does not reach the VIP: %v", host, err)
	case want && (!ok || h.Name == host):
		t.Errorf("%s was served by %q", host, who)
	case !want && err == nil:
		t.Errorf("%s reaches the VIP and was served by %s", host, who)
	}
}

// In unicast mode the nodes' own addresses have the cluster MAC too; in
// multicast mode they keep the adapter's.
func TestOwnAddresses(t *testing.T) {
	t.Parallel()
	labtest.Require(t)
	for scenario, want := range map[string]map[string]int{
		"unicast":   {"02:01:ac:10:3f:f1 > 02:bf:ac:10:3f:f1": 1},
		"multicast": {node1 + " > " + node1: 1},
	} {
		l := labtest.Start(t, scenario)
		h, _ := l.Host("node1")
		if got := answers(t, l, lab.Prober, h.Addr(), 1); !maps.Equal(got, want) {
			t.Errorf("%s: answers for %s\n got %v\nwant %v", scenario, h.Addr(), got, want)
		}
		if who, err := get(l, lab.Prober, h.Addr(), 3*time.Second); err != nil || who != "node1" {
			t.Errorf("%s: node1's own address: %q, %v", scenario, who, err)
		}
	}
}

// A lab in which nobody does anything is quiet but for the nodes' heartbeats:
// what else a capture shows is what was asked for. Switch, hosts and kernels would otherwise report groups,
// solicit routers and announce addresses within the first second or two.
func TestQuiet(t *testing.T) {
	t.Parallel()
	l := labtest.Start(t, "multicast")
	c := openTap(t, l, lab.Prober)
	beats := map[string]int{}
	c.frames(2500*time.Millisecond, func(f []byte) bool {
		if from := beat(f); from != "" {
			beats[from]++
		} else {
			t.Errorf("a frame that nobody asked for: % x", f)
		}
		return false
	})
	if beats[node1] < 2 || beats[node1] > 3 || beats[node2] < 2 || beats[node2] > 3 || len(beats) != 2 {
		t.Errorf("heartbeats %v; want those of both nodes, once a second", beats)
	}
	if got := answers(t, l, lab.Prober, l.Scenario().VIP, 2); len(got) != 2 {
		t.Errorf("control: answers %v", got)
	}
}

// A strict router goes on asking though it is answered; a lenient one stops.
func TestStrictRouterAsksAgain(t *testing.T) {
	t.Parallel()
	labtest.Require(t)
	for _, tt := range []struct {
		scenario string
		want     int // requests for the VIP within the time, at least
		most     int
	}{
		{"multicast", 2, 10},
		{"lenient-router", 0, 1}, // the first one only
		{"fixed", 0, 0},
	} {
		t.Run(tt.scenario, func(t *testing.T) {
			t.Parallel()
			l := labtest.Start(t, tt.scenario)
			vip := l.Scenario().VIP
			c := openTap(t, l, lab.Prober)
			poke(t, l, lab.Client, vip)
			count := 0
			c.frames(2500*time.Millisecond, func(f []byte) bool {
				if a, ok := parseARP(f); ok && a.operation == 1 && a.targetIP == vip && a.source.String() == router {
					count++
				}
				return false
			})
			if count < tt.want || count > tt.most {
				t.Errorf("the router asked %d times, want %d to %d", count, tt.want, tt.most)
			}
		})
	}
}

// KB960916: nodes ask for their gateway as the VIP, with a group MAC, again
// and again; without the fault none of their requests names the VIP.
func TestAsksAsVIP(t *testing.T) {
	t.Parallel()
	labtest.Require(t)
	t.Run("ws2008", func(t *testing.T) {
		t.Parallel()
		l := labtest.Start(t, "ws2008")
		s := l.Scenario()
		c := openTap(t, l, lab.Prober)
		// A question by the router teaches node1 its MAC, and so ends the
		// asking; not for long.
		h, _ := l.Host("node1")
		poke(t, l, lab.Client, h.Addr())
		seen := map[string]int{}
		c.frames(10*time.Second, func(f []byte) bool {
			a, ok := parseARP(f)
			if !ok || a.operation != 1 || a.targetIP != s.Gateway {
				return false
			}
			if a.senderIP != s.VIP || a.sender.String() != "03:bf:ac:10:3f:f1" {
				t.Errorf("request from %s as %s, %s", a.source, a.senderIP, a.sender)
			}
			seen[a.source.String()]++
			return seen[node1] >= 4 && seen[node2] >= 4
		})
		if seen[node1] < 4 || seen[node2] < 4 {
			t.Fatalf("requests by node: %v", seen)
		}
		// At most a second apart from now on.
		before := seen[node1]
		c.frames(time.Second, func(f []byte) bool {
			if a, ok := parseARP(f); ok && a.operation == 1 && a.source.String() == node1 {
				seen[node1]++
			}
			return seen[node1] > before
		})
		if seen[node1] == before {
			t.Error("node1 did not ask for a second")
		}
	})
	t.Run("lenient-router", func(t *testing.T) {
		t.Parallel()
		l := labtest.Start(t, "lenient-router")
		s := l.Scenario()
		c := openTap(t, l, lab.Prober)
		pokeFrom(t, l, "node1", s.VIP, s.Client)
		requests := 0
		c.frames(3*time.Second, func(f []byte) bool {
			if a, ok := parseARP(f); ok && a.operation == 1 && a.targetIP == s.Gateway {
				requests++
				if a.senderIP == s.VIP || a.sender.IsGroup() {
					t.Errorf("request as %s, %s", a.senderIP, a.sender)
				}
			}
			return requests > 0
		})
		if requests == 0 {
			t.Error("control: no node asked for its gateway")
		}
	})
}

// NLB's reports: IGMP version 1, to the group, without anybody asking.
func TestReports(t *testing.T) {
	t.Parallel()
	labtest.Require(t)
	text, err := lab.Source("igmp")
	if err != nil {
		t.Fatal(err)
	}
	fast := strings.ReplaceAll(string(text), "join-every: 5s", "join-every: 200ms")
	s, err := lab.Parse("igmp", []byte(fast))
	if err != nil {
		t.Fatal(err)
	}
	l := labtest.StartScenario(t, s)
	c := openTap(t, l, lab.Prober)
	reports := 0
	c.frames(5*time.Second, func(f []byte) bool {
		// Ethernet type IPv4, protocol 2; the header length says where IGMP
		// begins, since the router alert option stands before it.
		if len(f) < 14+20+8 || binary.BigEndian.Uint16(f[12:]) != 0x0800 || f[14+9] != 2 {
			return false
		}
		ip := f[14:]
		igmp := ip[int(ip[0]&0x0f)*4:]
		if mac.From(f).String() != "01:00:5e:7f:3f:f1" || ip[8] != 1 {
			t.Errorf("report to %s with TTL %d", mac.From(f), ip[8])
		}
		// type 12h, 0, checksum, 239.255.63.241
		if igmp[0] != 0x12 || igmp[1] != 0 || !bytes.Equal(igmp[4:8], []byte{239, 255, 63, 241}) {
			t.Errorf("IGMP message % x", igmp[:8])
		}
		reports++
		return reports == 4
	})
	if reports < 4 {
		t.Errorf("%d reports in 5 s", reports)
	}
}

// With one MAC on two ports the switch sends all to one of them. No heartbeat
// comes between.
func TestUnmaskedIsLearnt(t *testing.T) {
	t.Parallel()
	l := startChanged(t, "unicast-unmasked", func(s string) string { return strings.ReplaceAll(s, "heartbeat: {", "heartbeat: {every: 1h, ") })
	s := l.Scenario()
	// node1 speaks, and frames to the cluster MAC reach it alone.
	poke(t, l, "node1", s.Prober)
	other := openTap(t, l, "node2")
	answers(t, l, "router", s.Prober, 1) // settles the router's entry
	err := l.Do(lab.Prober, func() error {
		dev, err := netlink.LinkByName("eth0")
		if err != nil {
			return err
		}
		return netlink.NeighSet(&netlink.Neigh{
			LinkIndex: dev.Attrs().Index, State: netlink.NUD_PERMANENT, IP: s.VIP.AsSlice(),
			HardwareAddr: mac.Addr{0x02, 0xbf, 0xac, 0x10, 0x3f, 0xf1}.HardwareAddr(),
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	mine := openTap(t, l, "node1")
	poke(t, l, lab.Prober, s.VIP)
	isDatagram := func(f []byte) bool {
		return len(f) > 33 && f[12] == 8 && f[13] == 0 && netip.AddrFrom4([4]byte(f[30:34])) == s.VIP
	}
	heard := false
	mine.frames(2*time.Second, func(f []byte) bool { heard = isDatagram(f); return heard })
	if !heard {
		t.Error("node1, which spoke last, does not get the frame")
	}
	other.frames(100*time.Millisecond, func(f []byte) bool {
		if isDatagram(f) {
			t.Error("node2 gets a frame for a MAC that the switch learnt at node1")
		}
		return false
	})
}

// Nodes share connections: by source address alone, or by port as well.
func TestAffinity(t *testing.T) {
	t.Parallel()
	labtest.Require(t)
	for _, tt := range []struct {
		affinity string
		nodes    int
	}{{"single", 1}, {"none", 2}} {
		t.Run(tt.affinity, func(t *testing.T) {
			t.Parallel()
			text, err := lab.Source("multicast")
			if err != nil {
				t.Fatal(err)
			}
			s, err := lab.Parse("affinity", append(text, "affinity: "+tt.affinity+"\n"...))
			if err != nil {
				t.Fatal(err)
			}
			l := labtest.StartScenario(t, s)
			served := map[string]int{}
			for range 32 { // the chance that 32 ports fall to one node is 2 in 2^32
				who, err := get(l, lab.Prober, s.VIP, 3*time.Second)
				if err != nil {
					t.Fatal(err)
				}
				served[who]++
			}
			if len(served) != tt.nodes {
				t.Errorf("served by %v, want %d nodes", served, tt.nodes)
			}
		})
	}
}

// Both NLB nodes pass ICMP up, so one echo request has two replies; xt_cluster
// shares ICMP too.
func TestPing(t *testing.T) {
	t.Parallel()
	labtest.Require(t)
	for scenario, want := range map[string]int{"multicast": 2, "xt-cluster": 1} {
		l := labtest.Start(t, scenario)
		p, _ := l.Host(lab.Prober)
		c := openTap(t, l, lab.Prober)
		c.send(echo(l.Scenario().Nodes[0].Answers, p.MAC, p.Addr(), l.Scenario().VIP))
		from := map[string]int{}
		collect := func(f []byte) bool {
			if len(f) >= 42 && f[12] == 8 && f[13] == 0 && f[14+9] == 1 && f[34] == 0 {
				from[mac.From(f[6:]).String()]++
			}
			return len(from) == want
		}
		c.frames(3*time.Second, collect)
		want++
		c.frames(100*time.Millisecond, collect)
		if len(from) != want-1 {
			t.Errorf("%s: echo replies by Ethernet source: %v, want %d", scenario, from, want-1)
		}
	}
}

// A node takes frames to its cluster's MAC, and none to another group MAC, as a real
// adapter does: a router with a wrong entry reaches nobody.
func TestOtherGroupMACs(t *testing.T) {
	t.Parallel()
	l := labtest.Start(t, "multicast")
	us := netip.MustParseAddr("172.16.63.10")
	vip := netip.MustParseAddr("172.16.63.241")
	prober := openTap(t, l, lab.Prober)
	var ours mac.Addr
	for _, h := range l.Hosts() {
		if h.Name == lab.Prober {
			ours = h.MAC
		}
	}
	for _, tt := range []struct {
		to   mac.Addr
		want bool
	}{
		{mac.Addr{0x03, 0xbf, 172, 16, 63, 241}, true},
		{mac.Addr{0x03, 0xbf, 172, 16, 63, 242}, false},
		{mac.Addr{0x01, 0x00, 0x5e, 0x7f, 63, 241}, false},
	} {
		prober.send(echo(tt.to, ours, us, vip))
		replied := false
		limit := 300 * time.Millisecond
		if tt.want {
			limit = 5 * time.Second
		}
		prober.frames(limit, func(f []byte) bool {
			replied = len(f) > 34 && f[12] == 0x08 && f[13] == 0 && f[23] == 1 && f[34] == 0 && netip.AddrFrom4([4]byte(f[26:30])) == vip
			return replied
		})
		prober.frames(200*time.Millisecond, func([]byte) bool { return false }) // the other node's reply
		if replied != tt.want {
			t.Errorf("an echo to %v is answered: %v", tt.to, replied)
		}
	}
}
