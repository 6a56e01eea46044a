package replay_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/nlbprobe/nlbprobe/replay"
)

// Several frames together show a VIP, or show that there is none, in whatever order
// they come.
func TestSigns(t *testing.T) {
	const (
		phone   = "02bf9c112233" // begins as a cluster's MAC by chance
		adapter = "0205ac103ff1" // made of its own IP, 172.16.63.241
		masked2 = "0202ac103ff1"
		made    = "010203040506"
		bfd     = "01005e900001"
		second  = "ac103ff2"
	)
	tests := []struct {
		name   string
		frames [][]byte
		want   string
	}{
		// A MAC that begins with 02-bf.
		{"a phone answers", [][]byte{arp(t, host, phone, "0002", phone, ipHost, ipFar)}, ""},
		{"a phone's packets", [][]byte{ip(t, router, phone, "11", ipHost, ipFar, tcpACK), ip(t, phone, router, "11", ipFar, ipHost, tcpACK)}, ""},
		{"a phone announces itself", [][]byte{arp(t, all, phone, "0001", phone, ipHost, ipHost), arp(t, host, phone, "0002", phone, ipHost, ipFar)}, ""},
		{"an access point answers for a phone", [][]byte{arp(t, host, phone, "0002", phone, ipHost, ipFar), arp(t, host, router, "0002", phone, ipHost, ipFar)}, ""},
		{"two hosts name one", [][]byte{arp(t, host, host2, "0002", phone, ipHost, ipFar), arp(t, host2, host, "0002", phone, ipHost, ipFar)}, "172.16.63.21"},
		{"a masked source names it", [][]byte{arp(t, host, "02019c112233", "0002", phone, ipHost, ipFar)}, "172.16.63.21"},
		{"a secondary VIP, not masked, beside the primary", [][]byte{arp(t, host, unicast, "0002", unicast, ipVIP, ipHost), arp(t, host, unicast, "0002", unicast, second, ipHost)}, "172.16.63.241 172.16.63.242"},
		{"a secondary VIP, not masked, and heartbeats", [][]byte{heartbeat(t, ipVIP), arp(t, host, unicast, "0002", unicast, second, ipHost)}, "172.16.63.241 172.16.63.242"},
		{"the VIP's own bytes", [][]byte{arp(t, host, unicast, "0002", unicast, ipVIP, ipHost)}, "172.16.63.241"},

		// A MAC 02-pp with the address's bytes.
		{"replies of two hosts", [][]byte{ip(t, router, masked, "06", ipVIP, ipFar, tcpACK), ip(t, router, masked2, "06", ipVIP, ipFar, tcpACK)}, "172.16.63.241"},
		{"replies of one host", [][]byte{ip(t, router, masked, "11", ipVIP, ipFar, tcpACK)}, "172.16.63.241"},
		{"an adapter answers", [][]byte{arp(t, host, adapter, "0002", adapter, ipVIP, ipHost)}, ""},
		{"an adapter answers and sends", [][]byte{arp(t, host, adapter, "0002", adapter, ipVIP, ipHost), ip(t, router, adapter, "06", ipVIP, ipFar, tcpACK)}, ""},
		{"an adapter is sent to and sends", [][]byte{ip(t, adapter, router, "06", ipFar, ipVIP, tcpACK), ip(t, router, adapter, "06", ipVIP, ipFar, tcpACK)}, ""},
		{"an adapter is sent to and sends, and heartbeats", [][]byte{ip(t, adapter, router, "06", ipFar, ipVIP, tcpACK), ip(t, router, adapter, "06", ipVIP, ipFar, tcpACK), heartbeat(t, ipVIP)}, "172.16.63.241"},
		{"an adapter answers, and a secondary VIP of that cluster", [][]byte{arp(t, host, adapter, "0002", adapter, ipVIP, ipHost), arp(t, host, adapter, "0002", unicast, second, ipHost)}, "172.16.63.241 172.16.63.242"},
		{"replies of the last host that a cluster can have", [][]byte{ip(t, router, "0220ac103ff1", "06", ipVIP, ipFar, tcpACK)}, "172.16.63.241"},
		{"a host beyond that", [][]byte{ip(t, router, "0221ac103ff1", "06", ipVIP, ipFar, tcpACK)}, ""},
		{"a client without an address yet", [][]byte{ip(t, router, "02bf00000000", "11", "00000000", ipFar, tcpACK), ip(t, router, "020100000000", "11", "00000000", ipFar, tcpACK)}, ""},
		{"an adapter of a cloud", [][]byte{arp(t, host, "4201ac103ff1", "0002", "4201ac103ff1", ipVIP, ipHost), ip(t, router, "4201ac103ff1", "06", ipVIP, ipFar, tcpACK)}, ""},
		{"a container", [][]byte{arp(t, host, "0242ac103ff1", "0002", "0242ac103ff1", ipVIP, ipHost)}, ""},
		{"both directions of a cluster", [][]byte{ip(t, unicast, router, "06", ipFar, ipVIP, tcpACK), ip(t, router, masked, "06", ipVIP, ipFar, tcpACK)}, "172.16.63.241"},

		// Group MACs in packets.
		{"a generator's packet", [][]byte{ip(t, made, router, "11", ipFar, ipVIP, tcpACK)}, "172.16.63.241"},
		{"a generator's packet, and one from that MAC", [][]byte{ip(t, made, router, "11", ipFar, ipVIP, tcpACK), ip(t, router, made, "11", ipFar, ipHost, tcpACK)}, ""},
		{"an answer with that MAC counts for more", [][]byte{ip(t, made, router, "11", ipFar, ipVIP, tcpACK), ip(t, router, made, "11", ipFar, ipHost, tcpACK), arp(t, host, host2, "0002", made, ipVIP, ipFar)}, "172.16.63.241"},
		{"a frame from a group MAC", [][]byte{ip(t, host, made, "11", ipVIP, ipFar, tcpACK)}, ""},
		{"a frame from a group MAC to a cluster's", [][]byte{ip(t, cluster, made, "11", ipFar, ipVIP, tcpACK)}, ""},
		{"BFD on a link of an aggregate", [][]byte{ip(t, bfd, router, "11", ipFar, ipVIP, tcpACK)}, ""},
		{"a discovery protocol's MAC", [][]byte{ip(t, "01000ccccccc", router, "11", ipFar, ipVIP, tcpACK)}, ""},
		{"the MAC of all IPv6 nodes", [][]byte{ip(t, "333300000001", router, "11", ipFar, ipVIP, tcpACK)}, ""},
		{"the MAC of 224.0.0.1", [][]byte{ip(t, "01005e000001", router, "11", ipFar, ipVIP, tcpACK)}, ""},
		{"a pair of firewalls", [][]byte{ip(t, "01005e103ff1", router, "11", ipFar, ipVIP, tcpACK)}, "172.16.63.241"},
		{"a broadcast address", [][]byte{ip(t, made, router, "11", ipFar, "ac103fff", tcpACK), ip(t, made, router, "11", ipFar, "ffffffff", tcpACK)}, ""},
		{"a network's own address", [][]byte{ip(t, made, router, "11", ipFar, "ac103f00", tcpACK), ip(t, made, router, "11", ipFar, "00000000", tcpACK)}, ""},
		{"loopback and a group", [][]byte{ip(t, made, router, "11", ipFar, "7f000001", tcpACK), ip(t, made, router, "11", ipFar, "efff3ff1", tcpACK)}, ""},
		{"the cluster's own MAC at the end of a network", [][]byte{ip(t, "03bfac103fff", router, "11", ipFar, "ac103fff", tcpACK)}, "172.16.63.255"},

		{"a packet of one VIP for another", [][]byte{ip(t, "03bfac103ff2", router, "11", ipVIP, second, tcpACK), ip(t, cluster, router, "11", ipFar, ipVIP, tcpACK)}, "172.16.63.241 172.16.63.242"},
	}
	random := rand.New(rand.NewPCG(7, 7))
	for _, tt := range tests {
		for range 6 {
			r := replay.New()
			feed(r, tt.frames...)
			var got []string
			for _, v := range r.VIPs() {
				got = append(got, v.String())
			}
			if strings.Join(got, " ") != tt.want {
				t.Fatalf("%s: %q, want %q", tt.name, got, tt.want)
			}
			random.Shuffle(len(tt.frames), func(i, j int) { tt.frames[i], tt.frames[j] = tt.frames[j], tt.frames[i] })
		}
	}
}

// Whoever invents MACs of every form finds the bounds of what is kept of them.
func TestSignsBounds(t *testing.T) {
	r := replay.New()
	for n := range 20_000 {
		of := fmt.Sprintf("0a%02x%02x01", n>>8, n&0xff)
		m := "02bf9c" + fmt.Sprintf("%02x%02x07", n>>8, n&0xff)
		feed(r, arp(t, host, m, "0002", m, of, ipFar), ip(t, router, "0201"+of, "11", of, ipFar, tcpACK), ip(t, "0201"+of, router, "11", ipFar, of, tcpACK),
			ip(t, "0102"+of, router, "11", ipFar, of, tcpACK), ip(t, router, "0102"+of, "11", of, ipFar, tcpACK))
	}
	feed(r, arp(t, host, host2, "0002", cluster, ipVIP, ipHost))
	if n := len(r.VIPs()); n > replay.MaxVIPs {
		t.Errorf("%d VIPs", n)
	}
}

// Whoever names an address gets every frame from and to it as evidence, whatever it
// carries.
func TestNamed(t *testing.T) {
	for name, b := range map[string][]byte{
		"a packet from it":    ip(t, router, host, "06", ipVIP, ipFar, tcpACK),
		"a packet to it":      ip(t, router, host, "06", ipFar, ipVIP, tcpACK),
		"UDP from it":         ip(t, router, host, "11", ipVIP, ipFar, tcpACK),
		"another protocol":    ip(t, router, host, "2f", ipVIP, ipFar, tcpACK),
		"an echo from it":     ip(t, router, host, "01", ipVIP, ipFar, echo),
		"a question for it":   arp(t, all, host, "0001", host, ipHost, ipVIP),
		"an answer to it":     arp(t, host2, host, "0002", host, ipHost, ipVIP),
		"its own question":    arp(t, all, host, "0001", host, ipVIP, ipHost),
		"its own heartbeat":   heartbeat(t, ipVIP),
		"a packet to a group": ip(t, "01005e000005", host, "59", ipVIP, "e0000005", tcpACK),
	} {
		r := replay.New(vip)
		feed(r, b, b)
		if len(r.Items(vip, nil)) == 0 {
			t.Errorf("%s: nothing was kept", name)
		}
	}
	r := replay.New(vip)
	feed(r, ip(t, router, host, "06", ipHost, ipFar, tcpACK), arp(t, host2, host, "0002", host, ipHost, ipFar))
	if items := r.Items(vip, nil); len(items) > 0 {
		t.Errorf("others' frames: %+v", items)
	}
}
