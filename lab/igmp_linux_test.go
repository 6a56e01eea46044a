package lab_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"maps"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nlbprobe/nlbprobe/igmp"
	"github.com/nlbprobe/nlbprobe/lab"
	"github.com/nlbprobe/nlbprobe/lab/labtest"
	"github.com/nlbprobe/nlbprobe/mac"
)

// watch has tshark read fields of the frames that come to a host and match a
// filter, until enough says so or a time has passed. Tshark is the second
// opinion on what the lab's hosts send.
func watch(t *testing.T, l *lab.Lab, host, filter string, fields []string, limit time.Duration, enough func(seen [][]string) bool) [][]string {
	t.Helper()
	labtest.Tools(t, "tshark")
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	args := []string{"-l", "-n", "-i", l.Interface(host), "-Y", filter, "-T", "fields", "-E", "separator=|", "-E", "occurrence=f"}
	for _, f := range fields {
		args = append(args, "-e", f)
	}
	cmd := l.Command(ctx, host, "tshark", args...)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var seen [][]string
	for lines := bufio.NewScanner(out); lines.Scan(); {
		seen = append(seen, strings.Split(lines.Text(), "|"))
		if enough(seen) {
			break
		}
	}
	cancel()
	_ = cmd.Wait() // killed
	return seen
}

// distinct returns the lines without repetitions, and how many there are.
func distinct(seen [][]string) map[string]bool {
	set := map[string]bool{}
	for _, s := range seen {
		set[strings.Join(s, " ")] = true
	}
	return set
}

func has(want ...string) func([][]string) bool {
	return func(seen [][]string) bool {
		set := distinct(seen)
		for _, w := range want {
			if !set[w] {
				return false
			}
		}
		return true
	}
}

// What nodes say of themselves, as Wireshark's dissectors read it: none is
// malformed, and each field is the scenario's.
func TestHeartbeatsByTshark(t *testing.T) {
	t.Parallel()
	labtest.Require(t)
	fields := []string{
		"_ws.malformed", "eth.src", "eth.dst", "msnlb.signature", "msnlb.version", "msnlb.unique_host_id", "msnlb.cluster_ip", "msnlb.host_ip",
		"msnlb.my_host_ip", "msnlb.default_host_ip", "msnlb.convergence_state", "msnlb.number_of_port_rules", "msnlb.host_name", "msnlb.host_ipv4",
	}
	for _, tt := range []struct {
		scenario string
		change   func(string) string
		want     []string
	}{
		{"igmp-querier", func(s string) string { return strings.ReplaceAll(s, "{name:", "{identity-every: 500ms, name:") }, []string{
			" " + node1 + " 01:00:5e:7f:3f:f1 0xc0de01bf 518 1 172.16.63.241 172.16.63.21 0 0 1 3  ",
			" " + node2 + " 01:00:5e:7f:3f:f1 0xc0de01bf 518 2 172.16.63.241 172.16.63.22 1 0 1 3  ",
			" " + node1 + " 01:00:5e:7f:3f:f1 0xc0de01c0 518 1 172.16.63.241 172.16.63.21     node1.example.com 172.16.63.21",
			" " + node2 + " 01:00:5e:7f:3f:f1 0xc0de01c0 518 2 172.16.63.241 172.16.63.22     node2.example.com 172.16.63.22",
		}},
		{"split-cluster", nil, []string{
			" " + node1 + " 03:bf:ac:10:3f:f1 0xc0de01bf 518 1 172.16.63.241 172.16.63.21 0 0 1 3  ",
			" " + node2 + " 03:bf:ac:10:3f:f1 0xc0de01bf 518 2 172.16.63.241 172.16.63.22 1 1 1 3  ",
		}},
		{"rule-mismatch", nil, []string{
			" " + node1 + " 03:bf:ac:10:3f:f1 0xc0de01bf 518 1 172.16.63.241 172.16.63.21 0 0 1 4  ",
			" " + node2 + " 03:bf:ac:10:3f:f1 0xc0de01bf 518 2 172.16.63.241 172.16.63.22 1 0 1 3  ",
		}},
		// Unicast mode: to everybody, from the masked address.
		{"unicast", nil, []string{
			" 02:01:ac:10:3f:f1 ff:ff:ff:ff:ff:ff 0xc0de01bf 518 1 172.16.63.241 172.16.63.21 0 0 1 3  ",
			" 02:02:ac:10:3f:f1 ff:ff:ff:ff:ff:ff 0xc0de01bf 518 2 172.16.63.241 172.16.63.22 1 0 1 3  ",
		}},
	} {
		t.Run(tt.scenario, func(t *testing.T) {
			t.Parallel()
			l := startChanged(t, tt.scenario, tt.change)
			seen := watch(t, l, lab.Prober, "msnlb", fields, 2*time.Minute, has(tt.want...))
			if got, want := slices.Sorted(maps.Keys(distinct(seen))), slices.Sorted(slices.Values(tt.want)); !slices.Equal(got, want) {
				t.Errorf("tshark reads\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
		})
	}
}

// startChanged starts a scenario with its text changed.
func startChanged(t *testing.T, name string, change func(string) string) *lab.Lab {
	t.Helper()
	text, err := lab.Source(name)
	if err != nil {
		t.Fatal(err)
	}
	changed := string(text)
	if change != nil {
		if changed = change(changed); changed == string(text) {
			t.Fatalf("nothing was changed in %s", name)
		}
	}
	s, err := lab.Parse(name, []byte(changed))
	if err != nil {
		t.Fatal(err)
	}
	return labtest.StartScenario(t, s)
}

// Reports and queries, as Wireshark reads them where everything is to be heard:
// at a node, whose port is a router port.
func TestIGMPByTshark(t *testing.T) {
	t.Parallel()
	labtest.Require(t)
	fields := []string{"_ws.malformed", "ip.src", "ip.dst", "ip.ttl", "igmp.version", "igmp.type", "igmp.maddr", "igmp.checksum.status"}
	// Both nodes report from the primary VIP.
	const report = " 172.16.63.241 239.255.63.241 1 1 0x12 239.255.63.241 1"
	senders := []string{"00:00:5e:00:53:21 172.16.63.241", "00:00:5e:00:53:22 172.16.63.241"}
	for scenario, want := range map[string][]string{
		"igmp-querier": {" 172.16.63.2 224.0.0.1 1 2 0x11 0.0.0.0 1", report},
		"igmp-v3-only": {" 172.16.63.2 224.0.0.1 1 3 0x11 0.0.0.0 1", report},
		"igmp-frr-v2":  {" 172.16.63.1 224.0.0.1 1 2 0x11 0.0.0.0 1", report},
		"igmp-frr-v3":  {" 172.16.63.1 224.0.0.1 1 3 0x11 0.0.0.0 1", report},
	} {
		t.Run(scenario, func(t *testing.T) {
			t.Parallel()
			l := labtest.Start(t, scenario)
			// The router's kernel reports what pimd has joined, which is not looked at.
			filter := "igmp && !(ip.src == 172.16.63.1 && igmp.type != 0x11)"
			seen := watch(t, l, "node1", filter, fields, 2*time.Minute, has(want...))
			if got := slices.Sorted(maps.Keys(distinct(seen))); !slices.Equal(got, slices.Sorted(slices.Values(want))) {
				t.Errorf("tshark reads\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
			from := watch(t, l, "node1", "igmp.type == 0x12 && ip.dst == 239.255.63.241", []string{"eth.src", "ip.src"}, 2*time.Minute, has(senders...))
			if got := slices.Sorted(maps.Keys(distinct(from))); !slices.Equal(got, senders) {
				t.Errorf("reports of %q, want %q", got, senders)
			}
		})
	}
}

// members returns the ports by which the switch sends what is for a group, by
// its own table.
func members(t *testing.T, l *lab.Lab, group netip.Addr) []string {
	t.Helper()
	labtest.Tools(t, "bridge")
	out, err := l.Command(t.Context(), lab.Switch, "bridge", "-j", "mdb", "show", "dev", "br0").Output()
	if err != nil {
		t.Fatalf("bridge mdb: %v", err)
	}
	var tables []struct {
		MDB []struct{ Port, Grp string }
	}
	if err := json.Unmarshal(out, &tables); err != nil {
		t.Fatalf("%v in %s", err, out)
	}
	var ports []string
	for _, table := range tables {
		for _, e := range table.MDB {
			if e.Grp == group.String() {
				ports = append(ports, e.Port)
			}
		}
	}
	slices.Sort(ports)
	return ports
}

// until repeats f until it holds, and fails the test where that takes too long.
func until(t *testing.T, limit time.Duration, what string, f func() bool) {
	t.Helper()
	for deadline := time.Now().Add(limit); !f(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within %v: %s", limit, what)
		}
	}
}

// A lab that has started is connected: all ports forward, by the kernel's own
// account.
func TestConnected(t *testing.T) {
	l := labtest.Start(t, "multicast")
	labtest.Tools(t, "bridge")
	out, err := l.Command(t.Context(), lab.Switch, "bridge", "-j", "link", "show").Output()
	if err != nil {
		t.Fatal(err)
	}
	var ports []struct{ Ifname, State string }
	if err := json.Unmarshal(out, &ports); err != nil {
		t.Fatalf("%v in %s", err, out)
	}
	// prober, two nodes, the router twice, client
	if len(ports) != 6 {
		t.Errorf("%d ports: %s", len(ports), out)
	}
	for _, p := range ports {
		if p.State != "forwarding" {
			t.Errorf("port %s is %s", p.Ifname, p.State)
		}
	}
}

// beat returns the Ethernet source of a membership heartbeat, "" for other
// frames.
func beat(f []byte) string {
	if len(f) == 1510 && f[12] == 0x88 && f[13] == 0x6f {
		return mac.From(f[6:]).String()
	}
	return ""
}

// A node that dies is gone for all: its port has no carrier, by the kernel's
// account, and its heartbeats end while the other's go on.
func TestNodeDies(t *testing.T) {
	t.Parallel()
	l := startChanged(t, "node-dies", func(s string) string { return strings.Replace(s, "dies-after: 8s", "dies-after: 1500ms", 1) })
	labtest.Tools(t, "bridge")
	c := openTap(t, l, lab.Prober)
	both := map[string]bool{}
	c.frames(5*time.Second, func(f []byte) bool {
		if from := beat(f); from != "" {
			both[from] = true
		}
		return len(both) == 2
	})
	if !both[node1] || !both[node2] {
		t.Fatalf("heartbeats of %v before", both)
	}
	until(t, 10*time.Second, "node2's port is down", func() bool {
		out, err := l.Command(t.Context(), lab.Switch, "bridge", "link", "show", "dev", "node2").Output()
		return err == nil && strings.Contains(string(out), "state disabled")
	})
	after := openTap(t, l, lab.Prober)
	beats := map[string]int{}
	after.frames(10*time.Second, func(f []byte) bool {
		if from := beat(f); from != "" {
			beats[from]++
		}
		return beats[node1] == 3
	})
	if beats[node1] != 3 || beats[node2] != 0 {
		t.Errorf("heartbeats after it died: %v", beats)
	}
	h, _ := l.Host("node2")
	if who, err := get(l, lab.Prober, h.Addr(), 500*time.Millisecond); err == nil {
		t.Errorf("node2 is dead and served by %s", who)
	}
}

// What the switch has learnt of each scenario: from IGMPv1 reports that nobody
// asked for, whatever version the querier speaks.
func TestSnooped(t *testing.T) {
	t.Parallel()
	labtest.Require(t)
	group := netip.MustParseAddr("239.255.63.241")
	for scenario, want := range map[string][]string{
		"igmp-querier":     {"node1", "node2"},
		"igmp-v3-only":     {"node1", "node2"},
		"igmp-no-querier":  {"node1", "node2"},
		"igmp-silent-node": {"node1"},
		"igmp-frr-v2":      {"node1", "node2"},
		"igmp-frr-v3":      {"node1", "node2"},
		"split-cluster":    nil, // multicast mode has no group to report
	} {
		t.Run(scenario, func(t *testing.T) {
			t.Parallel()
			l := labtest.Start(t, scenario)
			until(t, 10*time.Second, "the switch knows the members", func() bool {
				return slices.Equal(members(t, l, group), want)
			})
			// The VIP is served through it all.
			checkReach(t, l, lab.Prober, l.Scenario().VIP, true)
			checkReach(t, l, lab.Client, l.Scenario().VIP, true)
		})
	}
}

// A switch that snoops keeps reports to itself and the routers: the prober hears
// them only where nobody asks.
func TestWhoHearsReports(t *testing.T) {
	t.Parallel()
	labtest.Require(t)
	for scenario, want := range map[string]bool{
		"igmp-querier": false, "igmp-frr-v2": false, "igmp-v3-only": true, "igmp-no-querier": true, "igmp-silent-node": true,
	} {
		t.Run(scenario, func(t *testing.T) {
			t.Parallel()
			l := labtest.Start(t, scenario)
			at := openTap(t, l, lab.Prober)
			control := openTap(t, l, "node2")
			from := map[mac.Addr]bool{}
			at.frames(2500*time.Millisecond, func(f []byte) bool {
				if m, ok := report(f); ok {
					from[m] = true
				}
				return false
			})
			if len(from) > 0 != want {
				t.Errorf("the prober heard reports from %v, want some: %v", from, want)
			}
			heard := false
			control.frames(2*time.Second, func(f []byte) bool { _, heard = report(f); return heard })
			if !heard {
				t.Error("control: node2 hears no report of node1")
			}
		})
	}
}

// report returns the sender of an IGMPv1 report.
func report(f []byte) (mac.Addr, bool) {
	if len(f) < 42 || f[12] != 8 || f[13] != 0 || f[14+9] != 2 {
		return mac.Addr{}, false
	}
	m, err := igmp.Parse(f[14+int(f[14]&0xf)*4 : 14+int(f[16])<<8+int(f[17])])
	return mac.From(f[6:]), err == nil && m.Type == igmp.ReportV1
}

// A node that answers queries reports when it is asked, by IGMPv1, as its kernel
// does; one that does not says nothing but what it repeats.
func TestAnswersQueries(t *testing.T) {
	t.Parallel()
	l := startChanged(t, "igmp-querier", func(s string) string {
		s = strings.ReplaceAll(s, "join-every: 1s", "join-every: 1h")
		return strings.Replace(s, "join-every: 1h", "join-every: 1h\n    answers-queries: true", 1)
	})
	at := openTap(t, l, "node2") // a router port, that hears reports
	reports, count := map[mac.Addr]int{}, 0
	at.frames(15*time.Second, func(f []byte) bool {
		if m, ok := report(f); ok {
			reports[m]++
			count++
		}
		return count == 3
	})
	// What node2 reports would come to node1's port.
	silent := openTap(t, l, "node1")
	silent.frames(2500*time.Millisecond, func(f []byte) bool {
		if m, ok := report(f); ok {
			t.Errorf("%v reports, though it answers no queries", m)
		}
		return false
	})
	if len(reports) != 1 || reports[mac.Addr{0x00, 0x00, 0x5e, 0x00, 0x53, 0x21}] != 3 {
		t.Errorf("reports of %v, want three of node1", reports)
	}
}

// A real router's view: pimd of FRR as the querier, of both versions.
func TestFRRQuerier(t *testing.T) {
	t.Parallel()
	labtest.Require(t)
	for scenario, version := range map[string]int{"igmp-frr-v2": 2, "igmp-frr-v3": 3} {
		t.Run(scenario, func(t *testing.T) {
			t.Parallel()
			l := labtest.Start(t, scenario)
			labtest.Tools(t, "vtysh")
			var interfaces struct {
				Eth0 struct {
					State   string
					Version int
					Querier bool
				}
			}
			vtysh(t, l, "router", "show ip igmp interface json", &interfaces)
			if e := interfaces.Eth0; e.State != "up" || e.Version != version || !e.Querier {
				t.Errorf("pimd says %+v, want version %d and itself as querier", e, version)
			}
			// It counts the nodes' reports as what they are, and lists the group.
			listed := regexp.MustCompile(`(?m)^eth0 +239\.255\.63\.241 `)
			until(t, 10*time.Second, "pimd knows the cluster's group", func() bool {
				out, err := l.Command(t.Context(), "router", "vtysh", "-c", "show ip igmp groups", "-c", "show ip igmp statistics").Output()
				return err == nil && listed.Match(out) && regexp.MustCompile(`V1 report +: [1-9]`).Match(out)
			})
		})
	}
}

// vtysh reads what a daemon of FRR says into v.
func vtysh(t *testing.T, l *lab.Lab, host, command string, v any) {
	t.Helper()
	out, err := l.Command(t.Context(), host, "vtysh", "-c", command).Output()
	if err == nil {
		err = json.Unmarshal(out, v)
	}
	if err != nil {
		t.Fatalf("vtysh -c %q on %s: %v: %s", command, host, err, out)
	}
}

// What becomes of the cluster's group when somebody asks for a while and the
// members do not repeat their reports: all ports have its traffic, then the
// members alone, then none, and when nobody is left who asks, all ports again.
// As long as somebody asks, a packet for the VIP in the group's MAC reaches
// nobody, since Linux looks it up by its unicast address.
func TestAgeOut(t *testing.T) {
	t.Parallel()
	l := startChanged(t, "igmp-no-querier", func(s string) string {
		s = strings.ReplaceAll(s, "    join-every: 1s", "    join-every: 1h")
		// A membership counts for 4.2 s, a querier for 4.1 s.
		return strings.Replace(s, "nodes:", "switch: {timers: {query-interval: 2s, query-response: 200ms}}\nnodes:", 1)
	})
	group := netip.MustParseAddr("239.255.63.241")
	r, _ := l.Host("router")
	query, err := igmp.Message{Type: igmp.Query, Version: 2, MaxResponse: 200 * time.Millisecond}.AppendFrame(nil,
		igmp.Sender{MAC: r.MAC, IP: r.Addr(), RouterAlert: true})
	if err != nil {
		t.Fatal(err)
	}
	const all, nobody, nodes = "prober node1 node2", "", "node1 node2"
	listen := newEars(t, l)
	if got := members(t, l, group); strings.Join(got, " ") != nodes {
		t.Fatalf("before the query the table has %v", got)
	}
	if g, v := listen.to(group), listen.to(l.Scenario().VIP); g != all || v != all {
		t.Fatalf("before the query: the group reaches %q, the VIP %q; want all", g, v)
	}
	type state struct{ group, vip, table string }
	before := state{all, all, nodes} // for the first 200 ms, which may be over when it is looked at
	want := []state{{nodes, nobody, nodes}, {nobody, nobody, ""}, {all, all, ""}}
	var story []state
	begin, asked := time.Now(), 0
	for len(story) < len(want) && time.Since(begin) < 20*time.Second {
		// Two queries, the second when the memberships are half used up.
		if asked < 2 && time.Since(begin) >= time.Duration(asked)*2*time.Second {
			listen.from.send(query)
			asked++
		}
		table := strings.Join(members(t, l, group), " ")
		s := state{listen.to(group), listen.to(l.Scenario().VIP), table}
		if strings.Join(members(t, l, group), " ") != table || listen.to(group) != s.group {
			continue // it changed in between
		}
		if table == "node1" || table == "node2" {
			continue // the two reported one after the other, and end so
		}
		if s == before && len(story) == 0 {
			continue
		}
		if len(story) == 0 || story[len(story)-1] != s {
			story = append(story, s)
			t.Logf("+%4d ms  the group reaches %q, the VIP %q; table %q", time.Since(begin).Milliseconds(), s.group, s.vip, s.table)
		}
	}
	if !slices.Equal(story, want) {
		t.Errorf("story %+v\nwant  %+v", story, want)
	}
}

// A switch that looks up by MAC gives the cluster's traffic, heartbeats too, to
// who reported the group, and to all when nobody has for as long as a membership
// counts.
func TestByMAC(t *testing.T) {
	t.Parallel()
	l := startChanged(t, "igmp-by-mac", func(s string) string {
		s = strings.Replace(s, "join-every: 1s", "join-every: 1h", 1)
		return strings.Replace(s, "query-interval: 1s", "query-interval: 2s", 1) // a membership counts for 4.2 s
	})
	labtest.Tools(t, "nft")
	vip := l.Scenario().VIP
	listen := newEars(t, l)
	if got := listen.to(vip); got != "node1" {
		t.Errorf("a packet for the VIP reaches %q, want node1", got)
	}
	out, err := l.Command(t.Context(), lab.Switch, "nft", "list", "set", "bridge", "snooping", "members").Output()
	if err != nil || !strings.Contains(string(out), `01:00:5e:7f:3f:f1 . "node1"`) || strings.Contains(string(out), "node2") {
		t.Errorf("nft shows %v %s", err, out)
	}
	// The control: another group's MAC, which nobody reported.
	if got := listen.toMAC(mac.Addr{0x01, 0x00, 0x5e, 0x7f, 0x3f, 0xf2}, vip); got != "prober node1 node2" {
		t.Errorf("a packet in another group's MAC reaches %q, want all", got)
	}
	// The client is of node2's share, as its address falls.
	checkReach(t, l, lab.Client, vip, false)
	until(t, 10*time.Second, "all ports have it again", func() bool { return listen.to(vip) == "prober node1 node2" })
	if who, err := get(l, lab.Client, vip, 3*time.Second); err != nil || who != "node2" {
		t.Errorf("the client is served by %q, %v; want node2", who, err)
	}
}

// ears tell which hosts a frame reaches.
type ears struct {
	from  *tap // at the router
	at    []string
	taps  []*tap
	count uint16
}

func newEars(t *testing.T, l *lab.Lab) *ears {
	t.Helper()
	e := &ears{from: openTap(t, l, "router"), at: []string{lab.Prober, "node1", "node2"}}
	for _, host := range e.at {
		e.taps = append(e.taps, openTap(t, l, host))
	}
	return e
}

// to sends an IPv4 packet to an address in the MAC of the cluster's group and
// returns whom it reached.
func (e *ears) to(a netip.Addr) string {
	return e.toMAC(mac.Addr{0x01, 0x00, 0x5e, 0x7f, 0x3f, 0xf1}, a)
}

// toMAC sends an IPv4 packet, and after it a broadcast by which all know that it
// has passed.
func (e *ears) toMAC(m mac.Addr, a netip.Addr) string {
	e.count++
	f := append(m[:], 0x00, 0x00, 0x5e, 0x00, 0x53, 0x01, 0x08, 0x00)
	// 20 bytes long, numbered, TTL 1, protocol 253 for experiments (RFC 3692 2.1)
	f = append(f, 0x45, 0, 0, 20, byte(e.count>>8), byte(e.count), 0, 0, 1, 253, 0, 0, 172, 16, 63, 1)
	f = append(f, a.AsSlice()...)
	sum := igmp.Checksum(f[14:34])
	f[24], f[25] = byte(sum>>8), byte(sum)
	e.from.send(f)
	// Ethertype 88b5 is for experiments (IEEE 802).
	mark := append([]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, f[6:12]...)
	mark = append(mark, 0x88, 0xb5, byte(e.count>>8), byte(e.count))
	e.from.send(mark)
	var heard []string
	for i, tap := range e.taps {
		got, marked := false, false
		tap.frames(5*time.Second, func(in []byte) bool {
			got = got || bytes.Equal(in, f)
			marked = bytes.Equal(in, mark)
			return marked
		})
		if !marked {
			e.from.t.Fatalf("%s did not get a broadcast", e.at[i])
		}
		if got {
			heard = append(heard, e.at[i])
		}
	}
	return strings.Join(heard, " ")
}
