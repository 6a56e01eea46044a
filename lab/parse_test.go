package lab

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/nlbprobe/nlbprobe/mac"
	"github.com/nlbprobe/nlbprobe/testdata/scenarios"
)

// small is a scenario with one fault to be put in for each test.
const small = `description: one line
vip: 172.16.63.241
nodes:
  - name: node1
    address: 172.16.63.21
    answers: 03:bf:ac:10:3f:f1
routers:
  - name: router
    group-arp: refuse
`

func TestParseFaults(t *testing.T) {
	// Each row puts one fault into small; the error is one line that names the
	// file, the line and the fault.
	for _, tt := range []struct{ name, old, new, want string }{
		{"unknown key", "group-arp", "group-app", `x.yaml: line 9: unknown field "group-app"`},
		{"key twice", "    answers", "    address: 172.16.63.22\n    answers",
			`x.yaml: line 6: mapping key "address" already defined at [5:5]`},
		{"no YAML", "nodes:", "nodes: [", "x.yaml: line 7: ',' or ']' must be specified"}, // where the parser gave up
		{"scalar for a list", "nodes:\n  - name: node1", "nodes: 5\n#", "x.yaml: line 5: value is not allowed in this context. map key-value is pre-defined"},
		{"malformed MAC", "03:bf:ac:10:3f:f1", "03:bf:ac:10:3f:zz",
			`x.yaml: line 6: nodes[0].answers: "03:bf:ac:10:3f:zz" is not a MAC address: not a hex digit (at character 16); write it like 03:00:5e:11:11:11 or 0300.5e11.1111`},
		{"group MAC of an adapter", "answers: 03", "mac: 03",
			"x.yaml: line 6: nodes[0].mac: 03:bf:ac:10:3f:f1 cannot be an adapter's address"},
		{"malformed address", "172.16.63.21\n", "172.16.63\n", `x.yaml: line 5: nodes[0].address: "172.16.63" is not an IPv4 address`},
		{"IPv6", "172.16.63.241", "fd00::1", `x.yaml: line 2: vip: "fd00::1" is not an IPv4 address`},
		{"VIP elsewhere", "172.16.63.241", "10.0.0.1", "x.yaml: line 2: vip: 10.0.0.1 is not in 172.16.63.0/24"},
		{"no VIP", "vip: 172.16.63.241", "affinity: none", "x.yaml: vip: a scenario needs the address to ask for"},
		{"no description", "description: one line", "admin: a", "x.yaml: description: a scenario needs a description of one line"},
		{"no router", "routers:\n  - name: router\n    group-arp: refuse\n", "", "x.yaml: routers: a scenario needs a router"},
		{"no node address", "    address: 172.16.63.21\n", "", "x.yaml: line 4: nodes[0].address: a node needs an address"},
		{"host name twice", "name: router", "name: node1", `x.yaml: line 8: routers[0].name: there are two hosts called "node1"`},
		{"reserved host name", "name: node1", "name: switch", `x.yaml: line 4: nodes[0].name: there are two hosts called "switch"`},
		{"host name for a shell", "name: node1", "name: a;b",
			`x.yaml: line 4: nodes[0].name: "a;b" is not a host name: a lower-case letter, then up to 11 of a-z, 0-9 and -`},
		{"address twice", "172.16.63.21\n", "172.16.63.10\n", "x.yaml: line 5: nodes[0].address: 172.16.63.10 belongs to prober already"},
		{"choice", "refuse", "maybe", `x.yaml: line 9: routers[0].group-arp: "maybe" is not one of refuse, accept`},
		{"affinity", "nodes:", "affinity: double\nnodes:", `x.yaml: line 3: affinity: "double" is not one of single, none`},
		{"affinity of xt_cluster", "nodes:", "cluster: xt-cluster\naffinity: none\nnodes:", "x.yaml: line 4: affinity: xt-cluster knows affinity single only"},
		{"group", "    answers", "    join: 10.0.0.1\n    answers", "x.yaml: line 6: nodes[0].join: 10.0.0.1 is not a group address"},
		{"period", "    answers", "    join-every: 1ms\n    answers", `x.yaml: line 6: nodes[0].join-every: "1ms" is not a time between 100ms and 1h`},
		{"masks nothing", "    answers: 03:bf:ac:10:3f:f1", "    masks-all: true", "x.yaml: line 4: nodes[0]: masks-all and asks-as-vip need answers"},
		{"empty list item", "    answers", "    vips: ['']\n    answers", `x.yaml: line 6: nodes[0].vips[0]: "-" is not an IPv4 address`},
		{"half a static entry", "group-arp: refuse", "static-arp: [{ip: 172.16.63.241}]",
			"x.yaml: line 9: routers[0].static-arp[0]: a static ARP entry needs ip and mac"},
		{"member that is no host", "nodes:", "switch: {members: [{mac: 03:bf:ac:10:3f:f1, hosts: [node9]}]}\nnodes:",
			`x.yaml: line 3: switch.members[0].hosts[0]: no host is called "node9"; there are prober, client, switch, node1, router`},
		{"member elsewhere", "nodes:", "switch: {members: [{mac: 03:bf:ac:10:3f:f1, hosts: [client]}]}\nnodes:",
			"x.yaml: line 3: switch.members[0].hosts[0]: the client is not on the LAN"},
		{"group MAC learnt", "nodes:", "switch: {learnt: [{mac: 03:bf:ac:10:3f:f1, host: node1}]}\nnodes:",
			"x.yaml: line 3: switch.learnt[0].mac: a switch learns unicast addresses only, and 03:bf:ac:10:3f:f1 is a group address"},
		{"flow too fast", "nodes:", "flows: [{from: client, port: 9, per-second: 100000}]\nnodes:",
			"x.yaml: line 3: flows[0].per-second: 100000 is not a rate of 1 to 10000 packets"},
		{"flow without port", "nodes:", "flows: [{from: client, per-second: 1}]\nnodes:", "x.yaml: line 3: flows[0].port: 0 is not a port"},
		{"subnets overlap", "nodes:", "remote: 172.16.63.0/25\nnodes:", "x.yaml: line 3: remote: 172.16.63.0/25 overlaps the LAN 172.16.63.0/24"},
		{"host bits", "nodes:", "lan: 172.16.63.1/24\nnodes:",
			`x.yaml: line 3: lan: "172.16.63.1/24" is not an IPv4 subnet of 8 to 28 bits; write it like 172.16.63.0/24`},
		{"virtual router 0", "group-arp: refuse", "vrrp: {id: 0, address: 172.16.63.9, priority: 1}",
			"x.yaml: line 9: routers[0].vrrp.id: 0 is not a virtual router identifier of 1 to 255"},
		{"priority of the owner", "group-arp: refuse", "vrrp: {id: 1, address: 172.16.63.9, priority: 255}",
			"x.yaml: line 9: routers[0].vrrp.priority: 255 is not a priority of 1 to 254"},
		{"virtual address of a host", "group-arp: refuse", "vrrp: {id: 1, address: 172.16.63.10, priority: 1}",
			"x.yaml: line 9: routers[0].vrrp.address: 172.16.63.10 belongs to prober already"},
		{"two masters", "  - name: router\n", "  - {name: r2, address: 172.16.63.2, remote: 172.16.64.2, vrrp: {id: 1, address: 172.16.63.9, priority: 1}}\n" +
			"  - name: router\n    address: 172.16.63.1\n    remote: 172.16.64.1\n    vrrp: {id: 1, address: 172.16.63.9, priority: 1}\n",
			"x.yaml: line 12: routers[1].vrrp: virtual router 1 needs one address, and another priority on each router"},
		{"two who run one virtual router", "  - name: router\n", "  - {name: r2, address: 172.16.63.2, remote: 172.16.64.2, vrrp: {id: 1, address: 172.16.63.9, priority: 1}}\n" +
			"  - name: router\n    address: 172.16.63.1\n    remote: 172.16.64.1\n    vrrp: {by: frr, id: 1, address: 172.16.63.9, priority: 2}\n",
			"x.yaml: line 12: routers[1].vrrp.by: virtual router 1 is run by something else on another router"},
		{"a program unknown", "group-arp: refuse", "vrrp: {by: keepalived, id: 1, address: 172.16.63.9, priority: 1}",
			`x.yaml: line 9: routers[0].vrrp.by: "keepalived" is not one of lab, frr`},
		{"answers without a group", "    answers", "    answers-queries: true\n    answers", "x.yaml: line 6: nodes[0].answers-queries: answers-queries needs a group to join"},
		{"dies at once", "    answers", "    dies-after: 1ms\n    answers", `x.yaml: line 6: nodes[0].dies-after: "1ms" is not a time between 100ms and 1h`},
		{"priority of a host", "    answers", "    heartbeat: {priority: 33}\n    answers",
			"x.yaml: line 6: nodes[0].heartbeat.priority: 33 is not a host priority of 1 to 32"},
		{"priority of the default host", "    answers", "    heartbeat: {default-host: -1}\n    answers",
			"x.yaml: line 6: nodes[0].heartbeat.default-host: -1 is not a host priority of 1 to 32"},
		{"port rule", "    answers", "    heartbeat: {rules: ['443-80']}\n    answers",
			`x.yaml: line 6: nodes[0].heartbeat.rules[0]: "443-80" is not a port or a range of ports; write it like 80 or 1024-65535`},
		{"too many port rules", "    answers", "    heartbeat: {rules: [" + strings.Repeat("'80', ", 32) + "'80']}\n    answers",
			"x.yaml: line 6: nodes[0].heartbeat.rules: 33 port rules; a heartbeat has at most 32"},
		{"name too long", "    answers", "    heartbeat: {name: " + strings.Repeat("a", 256) + "}\n    answers",
			"x.yaml: line 6: nodes[0].heartbeat.name: 256 bytes; a host's name has at most 255"},
		{"identity without a name", "    answers", "    heartbeat: {identity-every: 10s}\n    answers",
			"x.yaml: line 6: nodes[0].heartbeat.identity-every: an identity heartbeat needs a name"},
		{"cluster of a heartbeat", "    answers", "    heartbeat: {cluster: x}\n    answers",
			`x.yaml: line 6: nodes[0].heartbeat.cluster: "x" is not an IPv4 address`},
		{"querier of version 1", "nodes:", "switch: {querier: {version: 1}}\nnodes:",
			"x.yaml: line 3: switch.querier.version: 1 is not a version of IGMP that the lab's queriers speak: 2 or 3"},
		{"querier with a host's address", "nodes:", "switch: {querier: {version: 2, address: 172.16.63.21}}\nnodes:",
			"x.yaml: line 3: switch.querier.address: 172.16.63.21 belongs to node1 already"},
		{"querier that does not snoop", "nodes:", "switch: {snooping: false, querier: {version: 2}}\nnodes:",
			"x.yaml: line 3: switch.querier: the switch asks only where it snoops"},
		{"lookup without snooping", "nodes:", "switch: {snooping: false, lookup: mac}\nnodes:", "x.yaml: line 3: switch.lookup: lookup by MAC needs snooping"},
		{"response longer than interval", "nodes:", "switch: {timers: {query-interval: 1s, query-response: 1s}}\nnodes:",
			"x.yaml: line 3: switch.timers: query-response 1s must be less than query-interval 1s"},
		{"response too long", "nodes:", "switch: {timers: {query-response: 26s}}\nnodes:",
			"x.yaml: line 3: switch.timers.query-response: 26s is more than the 25s that a query can say"},
		{"router port that is no host", "nodes:", "switch: {router-ports: [client]}\nnodes:",
			"x.yaml: line 3: switch.router-ports[0]: the client is not on the LAN"},
		{"a router that asks as another", "group-arp: refuse", "querier: {version: 2, address: 172.16.63.9}",
			"x.yaml: line 9: routers[0].querier.address: a router asks from its own address"},
		{"a router that asks too fast", "group-arp: refuse", "querier: {version: 2}\n    timers: {query-interval: 1500ms, query-response: 1s}",
			"x.yaml: line 10: routers[0].timers: a router's query-interval is in whole seconds, its query-response 1s at least"},
		{"too long", "one line", strings.Repeat("x", 70000), "x.yaml: 70161 bytes; a scenario has at most 65536"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if !strings.Contains(small, tt.old) {
				t.Fatalf("%q is not in the scenario", tt.old)
			}
			_, err := Parse("x.yaml", []byte(strings.Replace(small, tt.old, tt.new, 1)))
			if err == nil {
				t.Fatal("was accepted")
			}
			if err.Error() != tt.want {
				t.Errorf("error\n got %v\nwant %s", err, tt.want)
			}
		})
	}
}

func TestParseDefaults(t *testing.T) {
	s, err := Parse("small", []byte(small))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, h := range s.Hosts() {
		got = append(got, strings.Join([]string{h.Name, h.Interface, h.Prefix.String(), h.MAC.String(), h.Gateway.String()}, " "))
	}
	want := []string{
		"prober eth0 172.16.63.10/24 00:00:5e:00:53:10 172.16.63.1",
		"node1 eth0 172.16.63.21/24 00:00:5e:00:53:21 172.16.63.1", // address in decimal digits
		"router eth0 172.16.63.1/24 00:00:5e:00:53:01 invalid IP",
		"client eth0 172.16.64.10/24 00:00:5e:00:53:90 172.16.64.1", // the remote subnet has bit 7 set
		"switch br0 invalid Prefix 00:00:00:00:00:00 invalid IP",
	}
	if !slices.Equal(got, want) {
		t.Errorf("hosts\n got %q\nwant %q", got, want)
	}
	if n := s.Nodes[0]; len(n.VIPs) != 1 || n.VIPs[0] != s.VIP {
		t.Errorf("a node without vips has %v, want the scenario's VIP", n.VIPs)
	}
	if !s.Switch.Snooping {
		t.Error("snooping is off; switches come with it on")
	}
}

func TestLoad(t *testing.T) {
	path := filepath.Join(t.TempDir(), "mine.yaml")
	if err := os.WriteFile(path, []byte(small), 0o644); err != nil {
		t.Fatal(err)
	}
	if s, err := Load(path); err != nil || s.Name != path {
		t.Errorf("Load of a file: %v, %v", s, err)
	}
	if _, err := Load("./none.yaml"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("Load of a file that is not there: %v", err)
	}
	for name, want := range map[string]string{
		"multicats": `no scenario is called "multicats"; the nearest is "multicast"`,
		"":          `no scenario is called ""; a file is given by its path`,
		"qqqqqqqq":  `no scenario is called "qqqqqqqq"; a file is given by its path`,
		"..":        `no scenario is called ".."; a file is given by its path`,
	} {
		if _, err := Load(name); err == nil || err.Error() != want {
			t.Errorf("Load(%q): %v, want %s", name, err, want)
		}
	}
}

// Every scenario in the program can be built as far as text can tell, and says
// what an admin would see.
func TestScenariosAreWhole(t *testing.T) {
	names := List()
	if len(names) < 12 {
		t.Fatalf("%d scenarios: the embedded files are missing", len(names))
	}
	for _, name := range names {
		s, err := Load(name)
		if err != nil {
			t.Error(err)
			continue
		}
		if s.Admin == "" {
			t.Errorf("%s does not say what an admin would see", name)
		}
		if len(s.Description) > 90 {
			t.Errorf("%s: a description of %d bytes does not fit a line of a listing", name, len(s.Description))
		}
	}
}

func FuzzParse(f *testing.F) {
	seeds, err := fs.Glob(scenarios.Files, "*.yaml")
	if err != nil || len(seeds) == 0 {
		f.Fatalf("no seeds: %v", err)
	}
	for _, name := range seeds {
		text, err := scenarios.Files.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Add([]byte(small))
	f.Fuzz(func(t *testing.T, text []byte) {
		s, err := Parse("fuzz", text)
		if err != nil {
			if s != nil || strings.ContainsAny(err.Error(), "\n\r") {
				t.Fatalf("error of more than one line, or with a value: %q", err)
			}
			return
		}
		// What was accepted can be built: names fit interfaces, addresses
		// are there and in their subnets.
		seen := map[string]bool{}
		for _, h := range s.Hosts() {
			if h.Name == "" || len(h.Name) > longestName || seen[h.Name] {
				t.Fatalf("host name %q", h.Name)
			}
			seen[h.Name] = true
			if h.Name == Switch {
				continue
			}
			if !s.LAN.Contains(h.Addr()) && !s.Remote.Contains(h.Addr()) {
				t.Fatalf("%s has the address %s", h.Name, h.Addr())
			}
			if h.MAC.IsGroup() || h.MAC == (mac.Addr{}) {
				t.Fatalf("%s has the adapter address %s", h.Name, h.MAC)
			}
		}
		if !s.LAN.Contains(s.VIP) || s.Affinity > AffinityNone {
			t.Fatalf("VIP %s, affinity %v", s.VIP, s.Affinity)
		}
	})
}
