package templates_test

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nlbprobe/nlbprobe/lab"
	"github.com/nlbprobe/nlbprobe/lab/labtest"
	"github.com/nlbprobe/nlbprobe/mac"
	"github.com/nlbprobe/nlbprobe/templates"
)

func TestMain(m *testing.M) { os.Exit(labtest.Main(m)) }

// shell runs a script by sh on a host of the lab.
func shell(t *testing.T, l *lab.Lab, host, script string) string {
	t.Helper()
	c := l.Command(t.Context(), host, "sh", "-euc", script)
	out, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s\n%s", host, err, script, out)
	}
	return string(out)
}

// linux returns the Linux platform.
func linux(t *testing.T) *templates.Platform {
	t.Helper()
	set := templates.Load()
	p, err := set.Lookup("linux")
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// linuxSections renders the Linux platform for the lab's cluster.
func linuxSections(t *testing.T, m mac.Addr, vip netip.Addr, role templates.Role, ports ...string) map[templates.Section]string {
	t.Helper()
	v := templates.Values{VIPs: []netip.Addr{vip}, MAC: m, Ports: ports, SVI: "eth0"}
	p := linux(t)
	configs, err := templates.Render(p, v, role, allSections(t), templates.Options{Strict: true})
	if err != nil {
		t.Fatal(err)
	}
	texts := map[templates.Section]string{}
	for _, c := range configs {
		texts[c.Section] = c.Text
	}
	return texts
}

// The state of the router and of the switch, before and after: neighbours,
// addresses and routes, rules, the bridge and its ports with every setting, and
// the entries that somebody made. What a kernel learns by itself, its counters
// and its timers are not among it: a late packet of the client is enough for
// those.
const (
	routerState = "ip neigh show nud permanent; ip addr; ip route; nft list ruleset"
	switchState = `nft list ruleset; bridge -d link; ip -d link show type bridge | grep -o 'mcast.*'
cd /sys/class/net; grep . */brport/multicast_*; bridge fdb show | grep 'permanent\|static'; bridge mdb show | grep permanent || true`
)

// practice is a lab whose hosts count what reaches them for the VIP.
type practice struct {
	t   *testing.T
	lab *lab.Lab
	vip netip.Addr
}

// reached reports whether the client can open a connection to the VIP.
func (p practice) reached(limit time.Duration) bool {
	err := p.lab.Do(lab.Client, func() error {
		c, err := net.DialTimeout("tcp4", netip.AddrPortFrom(p.vip, lab.ServicePort).String(), limit)
		if err == nil {
			c.Close()
		}
		return err
	})
	return err == nil
}

var packets = regexp.MustCompile(`packets (\d+)`)

// heard opens some connections and returns which hosts got frames for the VIP.
func (p practice) heard() string {
	p.t.Helper()
	hosts := []string{lab.Prober, "node1", "node2"}
	for _, h := range hosts {
		shell(p.t, p.lab, h, fmt.Sprintf(`nft add table netdev heard; nft flush table netdev heard
nft 'add chain netdev heard in { type filter hook ingress device eth0 priority -500; }'
nft 'add rule netdev heard in ip daddr %s counter'`, p.vip))
	}
	for range 3 {
		if !p.reached(2 * time.Second) {
			return "nobody: the client cannot connect"
		}
	}
	var got []string
	for _, h := range hosts {
		n := packets.FindStringSubmatch(shell(p.t, p.lab, h, "nft list table netdev heard"))
		if n == nil {
			p.t.Fatal("no counter")
		}
		if n[1] != "0" {
			got = append(got, h)
		}
	}
	return strings.Join(got, " ")
}

// TestLinuxInLab pastes the Linux sections into a router that obeys RFC 1812
// and into a Linux bridge, and sees on the wire what they do: the remote client
// reaches the VIP, the frames go to the member ports and to no other, also
// where a querier is alive, and the remove section leaves no trace.
func TestLinuxInLab(t *testing.T) {
	labtest.Require(t)
	labtest.Tools(t, "ip", "bridge", "nft")
	for _, tt := range []struct {
		scenario string
		mac      mac.Addr
	}{
		{"multicast", mac.Addr{0x03, 0xbf, 172, 16, 63, 241}},
		{"igmp", mac.Addr{0x01, 0x00, 0x5e, 0x7f, 63, 241}},
		{"unicast", mac.Addr{0x02, 0xbf, 172, 16, 63, 241}},
	} {
		t.Run(tt.scenario, func(t *testing.T) {
			t.Parallel()
			l := labtest.Start(t, tt.scenario)
			p := practice{t, l, l.Scenario().VIP}
			group := tt.mac.IsGroup()
			l3, l2 := linuxSections(t, tt.mac, p.vip, templates.L3), linuxSections(t, tt.mac, p.vip, templates.L2, "node1", "node2")
			router := shell(t, l, "router", routerState)

			if group {
				if p.reached(300 * time.Millisecond) {
					t.Error("the client reaches the VIP without the router's lines: the control does not hold")
				}
				shell(t, l, "router", l3[templates.Configure])
				if !p.reached(2 * time.Second) {
					t.Error("the client does not reach the VIP with the router's lines")
				}
				got := shell(t, l, "router", l3[templates.Verify])
				if want := fmt.Sprintf("%s lladdr %s PERMANENT", p.vip, tt.mac); strings.TrimSpace(got) != want {
					t.Errorf("verify on the router shows %q, want %q", got, want)
				}
			}
			if got, want := p.heard(), "prober node1 node2"; got != want {
				t.Errorf("before the bridge's lines the frames reach %q, want a flood to %q", got, want)
			}
			if group {
				// A live querier, at its fastest; filtering starts one response interval later.
				shell(t, l, lab.Switch, "ip link set br0 type bridge mcast_query_response_interval 10 mcast_query_interval 100 mcast_startup_query_interval 50\nip link set br0 type bridge mcast_querier 1")
				for end := time.Now().Add(10 * time.Second); p.reached(300*time.Millisecond) && time.Now().Before(end); {
					continue
				}
				if p.reached(300 * time.Millisecond) {
					t.Error("a bridge with a live querier passed the frames: the control does not hold")
				}
			}
			bridge := shell(t, l, lab.Switch, switchState)
			// First another member port, and from there by what the diff says.
			other := linuxSections(t, tt.mac, p.vip, templates.L2, "prober", "node1")
			shell(t, l, lab.Switch, other[templates.Configure])
			d, err := templates.Diff(linux(t), templates.Values{VIPs: []netip.Addr{p.vip}, MAC: tt.mac, Ports: []string{"node1", "node2"}, SVI: "eth0"},
				templates.L2, templates.Old{Text: []byte(other[templates.Configure])})
			if err != nil {
				t.Fatal(err)
			}
			shell(t, l, lab.Switch, d.Text)
			const made = "nft -s list ruleset; grep . /sys/class/net/*/brport/multicast_router"
			changed := shell(t, l, lab.Switch, made)
			for range 2 { // a second run changes nothing
				shell(t, l, lab.Switch, l2[templates.Configure])
			}
			if got := shell(t, l, lab.Switch, made); got != changed {
				t.Errorf("the diff left the bridge with\n%s\nthe lines make\n%s\nthe diff:\n%s", changed, got, d.Text)
			}
			if got, want := p.heard(), "node1 node2"; got != want {
				t.Errorf("with the bridge's lines the frames reach %q, want %q", got, want)
			}
			if got := shell(t, l, lab.Switch, switchState); got == bridge {
				t.Error("the bridge's lines change nothing of what is compared")
			}
			shown := shell(t, l, lab.Switch, l2[templates.Verify])
			for _, want := range []string{"mcast_router 2", tt.mac.String()} {
				if !strings.Contains(shown, want) && (group || want == tt.mac.String()) {
					t.Errorf("verify on the bridge shows no %q:\n%s", want, shown)
				}
			}
			if n := strings.Count(shown, "counter packets"); n != 1 {
				t.Errorf("%d rules after two runs:\n%s", n, shown)
			}

			shell(t, l, lab.Switch, l2[templates.Remove])
			if group {
				shell(t, l, "router", l3[templates.Remove])
			}
			if got := shell(t, l, "router", routerState); got != router {
				t.Errorf("the router after remove:\n%s\nbefore:\n%s", got, router)
			}
			if got := shell(t, l, lab.Switch, switchState); got != bridge {
				t.Errorf("the bridge after remove:\n%s\nbefore:\n%s", got, bridge)
			}
			if group && p.reached(300*time.Millisecond) {
				t.Error("the client reaches the VIP after remove")
			}
		})
	}
}

// TestLinuxForGroupMACsOnly: in unicast mode the router gets no line.
func TestLinuxForGroupMACsOnly(t *testing.T) {
	texts := linuxSections(t, mac.Addr{0x02, 0xbf, 172, 16, 63, 241}, netip.MustParseAddr("172.16.63.241"), templates.L3)
	for s, text := range texts {
		if slices.ContainsFunc(strings.Split(strings.TrimSpace(text), "\n"), func(line string) bool { return !strings.HasPrefix(line, "#") }) {
			t.Errorf("%s holds a line:\n%s", s, text)
		}
	}
}

// allSections are the sections in the order of use.
func allSections(t *testing.T) []templates.Section {
	t.Helper()
	all, err := templates.ParseSections("all")
	if err != nil {
		t.Fatal(err)
	}
	return all
}
