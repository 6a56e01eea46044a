package lab_test

import (
	"maps"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/nlbprobe/nlbprobe/lab"
	"github.com/nlbprobe/nlbprobe/lab/labtest"
	"github.com/nlbprobe/nlbprobe/mac"
)

// heardVIP counts the IPv4 packets for the VIP that reach a host in a time,
// or until there are enough.
func heardVIP(t *testing.T, l *lab.Lab, host string, enough int, limit time.Duration) int {
	t.Helper()
	c := openTap(t, l, host)
	count := 0
	c.frames(limit, func(f []byte) bool {
		if len(f) >= 34 && f[12] == 8 && f[13] == 0 && netip.AddrFrom4([4]byte(f[30:34])) == l.Scenario().VIP {
			count++
		}
		return count >= enough
	})
	return count
}

// Where the cluster's traffic goes: to all ports, or to the ports of a static
// entry, or to the one port where the switch believes the MAC.
func TestWhoHearsTheTraffic(t *testing.T) {
	labtest.Require(t)
	learnt, err := lab.Source("learnt-unicast")
	if err != nil {
		t.Fatal(err)
	}
	missing, err := lab.Source("member-port-missing")
	if err != nil {
		t.Fatal(err)
	}
	busy := "flows: [{from: client, port: 9, per-second: 100}]\n"
	for _, tt := range []struct {
		name  string
		text  []byte
		heard map[string]bool
	}{
		{"flooding", nil, map[string]bool{lab.Prober: true, "node1": true, "node2": true}},
		{"member-ports-only", nil, map[string]bool{lab.Prober: false, "node1": true, "node2": true}},
		{"member-port-missing", append(missing, busy...), map[string]bool{lab.Prober: false, "node1": true, "node2": false}},
		{"learnt-unicast", append(learnt, busy...), map[string]bool{lab.Prober: false, "node1": true, "node2": false}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if tt.text == nil {
				text, err := lab.Source(tt.name)
				if err != nil {
					t.Fatal(err)
				}
				tt.text = text
			}
			s, err := lab.Parse(tt.name, tt.text)
			if err != nil {
				t.Fatal(err)
			}
			l := labtest.StartScenario(t, s)
			// The hosts that hear it first: they show that it flows.
			for _, want := range []bool{true, false} {
				for host, hears := range tt.heard {
					if hears != want {
						continue
					}
					limit := 5 * time.Second
					if !want {
						limit = 200 * time.Millisecond
					}
					if got := heardVIP(t, l, host, 5, limit); (got > 0) != want {
						t.Errorf("%s heard %d packets for the VIP, want some: %v", host, got, want)
					}
				}
			}
		})
	}
}

// Two routers: the same client, by way of one and of the other.
func TestTwoRoutersOneFixed(t *testing.T) {
	t.Parallel()
	labtest.Require(t)
	text, err := lab.Source("two-routers-one-fixed")
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		via  string
		want bool
	}{{"172.16.64.1", true}, {"172.16.64.2", false}} {
		s, err := lab.Parse("via "+tt.via, append(slices.Clip(text), "via: "+tt.via+"\n"...))
		if err != nil {
			t.Fatal(err)
		}
		l := labtest.StartScenario(t, s)
		h, _ := l.Host("node1")
		if _, err := get(l, lab.Client, h.Addr(), 3*time.Second); err != nil {
			t.Errorf("control: by way of %s the client does not reach node1: %v", tt.via, err)
		}
		checkReach(t, l, lab.Client, s.VIP, tt.want)
	}
}

// A pair of gateways: the shared address answers once, with the virtual MAC
// inside and outside, and forwards; the master advertises itself.
func TestVRRPPair(t *testing.T) {
	t.Parallel()
	l := labtest.Start(t, "vrrp-pair")
	s := l.Scenario()
	virtual := s.Routers[0].VRRP.MAC()
	want := map[string]int{virtual.String() + " > " + virtual.String(): 1}
	if got := answers(t, l, lab.Prober, s.Gateway, 1); !maps.Equal(got, want) {
		t.Errorf("answers for the gateway\n got %v\nwant %v", got, want)
	}
	for _, r := range s.Routers { // their own addresses, their own MACs
		want := map[string]int{r.MAC.String() + " > " + r.MAC.String(): 1}
		if got := answers(t, l, lab.Prober, r.Address, 1); !maps.Equal(got, want) {
			t.Errorf("answers for %s\n got %v\nwant %v", r.Name, got, want)
		}
	}
	checkReach(t, l, lab.Client, s.VIP, true)
	c := openTap(t, l, "node1")
	count := 0
	c.frames(5*time.Second, func(f []byte) bool {
		if len(f) >= 54 && f[14+9] == 112 && mac.From(f[6:]) == virtual {
			count++
		}
		return count == 2
	})
	if count < 2 {
		t.Errorf("%d advertisements in 5 s", count)
	}
}

// The affinity scenarios: one client's connections, by node.
func TestAffinityScenarios(t *testing.T) {
	t.Parallel()
	labtest.Require(t)
	for scenario, nodes := range map[string]int{"affinity-single": 1, "affinity-none": 2} {
		l := labtest.Start(t, scenario)
		served := map[string]int{}
		for range 32 { // all on one node by chance: 2 in 2^32
			who, err := get(l, lab.Client, l.Scenario().VIP, 3*time.Second)
			if err != nil {
				t.Fatalf("%s: %v", scenario, err)
			}
			served[who]++
		}
		if len(served) != nodes {
			t.Errorf("%s: served by %v, want %d nodes", scenario, served, nodes)
		}
	}
}

// A frame that the prober hands to the router, for a host of the prober's own
// subnet: what comes back by which scenario. It is an echo request with the
// prober's address as source.
func TestHairpin(t *testing.T) {
	labtest.Require(t)
	for _, tt := range []struct {
		scenario        string
		reply, redirect bool
	}{
		{"fixed", true, true},
		{"no-hairpin", false, false},
		{"router-filters-icmp", false, false},
	} {
		t.Run(tt.scenario, func(t *testing.T) {
			t.Parallel()
			l := labtest.Start(t, tt.scenario)
			p, _ := l.Host(lab.Prober)
			r, _ := l.Host("router")
			n, _ := l.Host("node1")
			c := openTap(t, l, lab.Prober)
			c.send(echo(r.MAC, p.MAC, p.Addr(), n.Addr()))
			limit := 3 * time.Second
			if !tt.reply {
				limit = 300 * time.Millisecond
			}
			reply, redirect := false, false
			c.frames(limit, func(f []byte) bool {
				if len(f) < 42 || f[12] != 8 || f[13] != 0 || f[14+9] != 1 {
					return false
				}
				switch {
				case f[34] == 0 && mac.From(f[6:]) == n.MAC:
					reply = true
				case f[34] == 5 && mac.From(f[6:]) == r.MAC:
					redirect = true
				}
				return reply && redirect
			})
			if reply != tt.reply || redirect != tt.redirect {
				t.Errorf("reply %v, redirect %v; want %v, %v", reply, redirect, tt.reply, tt.redirect)
			}
		})
	}
}

// ICMP is filtered, TCP is not.
func TestRouterFiltersICMPOnly(t *testing.T) {
	l := labtest.Start(t, "router-filters-icmp")
	h, _ := l.Host("node1")
	if who, err := get(l, lab.Client, h.Addr(), 3*time.Second); err != nil || who != "node1" {
		t.Errorf("the client does not reach node1 by TCP: %q, %v", who, err)
	}
	checkReach(t, l, lab.Client, l.Scenario().VIP, false)
}
