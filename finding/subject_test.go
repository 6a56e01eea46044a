package finding_test

import (
	"net/netip"
	"reflect"
	"testing"
	"time"

	"github.com/nlbprobe/nlbprobe/evidence"
	"github.com/nlbprobe/nlbprobe/finding"
	"github.com/nlbprobe/nlbprobe/mac"
)

// TestTell: who a finding concerns, how often and since when, from its items alone.
func TestTell(t *testing.T) {
	var (
		start     = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
		ours      = mac.Addr{2, 0, 0, 0, 0, 9}
		host      = mac.Addr{2, 0, 0, 0, 0, 1}
		group     = mac.Addr{3, 0xbf, 172, 16, 63, 241}
		ip        = netip.MustParseAddr
		vip, us   = ip("172.16.63.241"), ip("172.16.63.9")
		router    = ip("172.16.63.1")
		routerMAC = mac.Addr{2, 0, 0, 0, 0, 2}
		hostIP    = ip("172.16.63.11")
		ips       = func(all ...netip.Addr) []netip.Addr { return all }
		macs      = func(all ...mac.Addr) []mac.Addr { return all }
		at        = func(s int) time.Time { return start.Add(time.Duration(s) * time.Second) }
		item      = func(f evidence.Fact, first, last, n int) evidence.Item {
			return evidence.Item{Fact: f, First: at(first), Last: at(last), Count: n}
		}
		answer     = evidence.ARP{Op: evidence.Reply, EthSrc: host, EthDst: ours, SenderMAC: group, SenderIP: vip, TargetMAC: ours, TargetIP: us}
		question   = evidence.ARP{Op: evidence.Request, EthSrc: ours, EthDst: mac.Broadcast, SenderMAC: ours, SenderIP: us, TargetIP: router}
		listened   = item(evidence.Listened{Interface: "eth0", Joined: group}, 0, 30, 1)
		place      = evidence.Item{Fact: evidence.Vantage{Interface: "eth0", MAC: ours, Gateway: router}}
		ourEcho    = evidence.Echo{EthSrc: ours, EthDst: routerMAC, Src: us, Dst: vip}
		crowd      []evidence.Item
		crowdNames []mac.Addr
	)
	for i := range finding.MaxNamed + 3 {
		m := mac.Addr{2, 1, 0, 0, 0, byte(i)}
		crowd = append(crowd, item(evidence.BadARP{EthSrc: m}, i, i, 2), item(evidence.BadARP{EthSrc: m, Reason: evidence.ReasonLengths}, i, i, 1))
		if i < finding.MaxNamed {
			crowdNames = append(crowdNames, m)
		}
	}
	for name, row := range map[string]struct {
		items []evidence.Item
		want  finding.Subject
	}{
		"an answer to us": {[]evidence.Item{item(answer, 1, 5, 4)}, finding.Subject{First: at(1), Last: at(5), Sightings: 4, MACs: macs(host, group)}},
		"listening does not widen what was heard": {[]evidence.Item{listened, item(answer, 1, 5, 4)},
			finding.Subject{First: at(1), Last: at(5), Sightings: 4, MACs: macs(group, host)}},
		"silence":                       {[]evidence.Item{listened}, finding.Subject{First: at(0), Last: at(30), MACs: macs(group)}},
		"our question by broadcast":     {[]evidence.Item{item(question, 2, 2, 1)}, finding.Subject{First: at(2), Last: at(2), Sightings: 1, Addrs: ips(router)}},
		"our packet, without direction": {[]evidence.Item{item(ourEcho, 2, 2, 1)}, finding.Subject{First: at(2), Last: at(2), Sightings: 1, MACs: macs(routerMAC)}},
		"a circumstance without time":   {[]evidence.Item{place}, finding.Subject{Addrs: ips(router)}},
		"a clock that went back":        {[]evidence.Item{item(answer, 5, 1, 2)}, finding.Subject{First: at(1), Last: at(5), Sightings: 2, MACs: macs(host, group)}},
		"a heartbeat": {[]evidence.Item{item(evidence.Heartbeat{EthSrc: host, EthDst: group, Cluster: vip, Dedicated: hostIP}, 3, 9, 7)},
			finding.Subject{First: at(3), Last: at(9), Sightings: 7, Addrs: ips(hostIP), MACs: macs(host)}},
		"a router's error": {[]evidence.Item{item(evidence.ICMPError{EthSrc: routerMAC, From: router, To: us, Src: us, Dst: vip}, 3, 3, 1)},
			finding.Subject{First: at(3), Last: at(3), Sightings: 1, Addrs: ips(router), MACs: macs(routerMAC)}},
		"others' packets": {[]evidence.Item{item(evidence.Traffic{EthSrc: routerMAC, EthDst: group, Src: ip("::ffff:10.9.8.7"), Dst: vip}, 3, 3, 1)},
			finding.Subject{First: at(3), Last: at(3), Sightings: 1, Addrs: ips(ip("10.9.8.7")), MACs: macs(routerMAC, group)}},
		"a crowd":         {crowd, finding.Subject{First: at(0), Last: at(finding.MaxNamed + 2), Sightings: 3 * (finding.MaxNamed + 3), MACs: crowdNames, More: 3}},
		"counts of a lie": {[]evidence.Item{item(answer, 1, 1, 1<<62), item(answer, 1, 1, 1<<62)}, finding.Subject{First: at(1), Last: at(1), Sightings: 1<<31 - 1, MACs: macs(host, group)}},
	} {
		t.Run(name, func(t *testing.T) {
			// What a finding does not rest on is of no account.
			all := append(row.items, item(evidence.BadARP{EthSrc: mac.Addr{2, 7, 7, 7, 7, 7}}, 0, 99, 9))
			rests := make([]int, len(row.items))
			for i := range rests {
				rests[i] = i
			}
			s := make(finding.Set)
			s.Add(finding.Entry{ID: "x"}, "", nil, rests)
			s.Tell(all, func(m mac.Addr) bool { return m == ours }, func(ip netip.Addr) bool { return ip == vip || ip == us })
			if got := s["x"].Subject; !reflect.DeepEqual(got, row.want) {
				t.Errorf("%+v\nwant %+v", got, row.want)
			}
		})
	}
}
