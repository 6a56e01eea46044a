package main

import (
	"encoding/json"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// fieldCase is a capture as admins have them, and what is right about one VIP in
// it. Each stands for a kind; testdata/field/README.md says where each comes from.
type fieldCase struct {
	files   string // in testdata/field
	args    string
	vip     string   // whose object is looked at; "-" if there must be none
	status  int      // of the run
	verdict string   // "" for any
	mode    string   // "" for any; one of several, separated by spaces
	have    []string // findings, with :severity if it matters
	absent  []string // findings, with :severity if only that is wrong
	reaches string   // a router that is proven to reach the VIP
	answers int      // of the first host, if it matters
	lines   string   // yes: there are lines to paste; no: there are none
}

// fieldObject is what the test reads of an object.
type fieldObject struct {
	VIP     string
	Verdict string
	Cluster struct {
		Mode  string
		Hosts []struct {
			Priority *int
			Answers  int
		}
	}
	Routers []struct {
		IP         string
		ReachesVIP *bool `json:"reaches_vip"`
	}
	Findings []struct{ ID, Severity string }
	Configs  []struct{ Text string }
}

// readField runs analyze on files of testdata/field and returns its objects by VIP.
func readField(t *testing.T, c fieldCase) (int, map[string]fieldObject) {
	t.Helper()
	args := []string{"analyze", "-o", "json"}
	for f := range strings.FieldsSeq(c.files) {
		args = append(args, filepath.Join("testdata", "field", f))
	}
	status, out, errs := runArgs(t, append(args, strings.Fields(c.args)...)...)
	objects := make(map[string]fieldObject)
	for line := range strings.Lines(out) {
		var o fieldObject
		if err := json.Unmarshal([]byte(line), &o); err != nil {
			t.Fatalf("%v in %q; %s", err, line, errs)
		}
		if o.VIP != "" {
			objects[o.VIP] = o
		}
	}
	return status, objects
}

// TestFieldCases: what the field has shown to be wrong stays right.
func TestFieldCases(t *testing.T) {
	for _, c := range fieldCases {
		t.Run(strings.TrimSuffix(c.files, ".pcap")+" "+c.args, func(t *testing.T) {
			status, objects := readField(t, c)
			if status != c.status {
				t.Errorf("status %d, want %d", status, c.status)
			}
			if c.vip == "-" {
				if len(objects) > 0 {
					t.Errorf("VIPs were found: %v", objects)
				}
				return
			}
			o, ok := objects[c.vip]
			if !ok {
				t.Fatalf("no object for %s: %v", c.vip, objects)
			}
			if c.verdict != "" && o.Verdict != c.verdict || c.mode != "" && !slices.Contains(strings.Fields(c.mode), o.Cluster.Mode) {
				t.Errorf("verdict %s, mode %s; want %s, %s", o.Verdict, o.Cluster.Mode, c.verdict, c.mode)
			}
			var ids []string
			for _, f := range o.Findings {
				ids = append(ids, f.ID, f.ID+":"+f.Severity)
			}
			for _, id := range c.have {
				if !slices.Contains(ids, id) {
					t.Errorf("%s is not among %q", id, ids)
				}
			}
			for _, id := range c.absent {
				if slices.Contains(ids, id) {
					t.Errorf("%s must not be among %q", id, ids)
				}
			}
			reaches := slices.ContainsFunc(o.Routers, func(r struct {
				IP         string
				ReachesVIP *bool `json:"reaches_vip"`
			}) bool {
				return r.IP == c.reaches && r.ReachesVIP != nil && *r.ReachesVIP
			})
			if c.reaches != "" && !reaches {
				t.Errorf("%s is not said to reach the VIP: %+v", c.reaches, o.Routers)
			}
			if c.answers > 0 && (len(o.Cluster.Hosts) == 0 || o.Cluster.Hosts[0].Answers != c.answers) {
				t.Errorf("hosts %+v, want %d answers", o.Cluster.Hosts, c.answers)
			}
			if c.lines == "yes" && len(o.Configs) == 0 || c.lines == "no" && len(o.Configs) > 0 {
				t.Errorf("lines to paste, want %s: %+v", c.lines, o.Configs)
			}
		})
	}
}

var fieldCases = []fieldCase{
	// A port's own traffic, and whose capture it is.
	{files: "ordinary-host.pcap", args: "--vip 192.0.2.20", vip: "192.0.2.20", mode: "none", absent: []string{"switch-floods"}},
	{files: "at-a-node.pcap", vip: "192.0.2.90", mode: "multicast", absent: []string{"switch-floods:warning"}, reaches: "192.0.2.1"},
	{files: "at-a-client.pcap", vip: "192.0.2.90", status: 1, mode: "multicast", absent: []string{"switch-floods:warning"}},

	// Renewal of an ARP entry, and retries.
	{files: "arp-renewed-router.pcap", vip: "192.0.2.90", absent: []string{"router-keeps-asking"}, reaches: "192.0.2.1"},
	{files: "arp-renewed-cluster.pcap", vip: "192.0.2.90", mode: "unicast", absent: []string{"router-keeps-asking"}},
	{files: "arp-renewed-host.pcap", args: "--vip 192.0.2.90", vip: "192.0.2.90", mode: "none", absent: []string{"router-keeps-asking"}},
	{files: "arp-refused.pcap", vip: "192.0.2.90", status: 1, have: []string{"router-keeps-asking:warning"}},

	{files: "arp-silent-for-a-while.pcap", vip: "192.0.2.90", status: 1, absent: []string{"router-keeps-asking"}},
	{files: "arp-watched.pcap", vip: "192.0.2.90", status: 1, absent: []string{"router-keeps-asking"}},
	{files: "one-packet-of-router.pcap", vip: "192.0.2.90", status: 1, absent: []string{"router-reaches-vip", "switch-floods:warning"}},
	{files: "router-old-entry.pcap", vip: "192.0.2.90", status: 1, have: []string{"packets-to-another-mac:warning"}, absent: []string{"router-reaches-vip"}},

	{files: "arp-monitored-host.pcap", args: "--vip 192.0.2.90", vip: "192.0.2.90", mode: "none", absent: []string{"router-keeps-asking:warning"}},

	// What a flood is not to hide.
	{files: "flood-then-zero-mac.pcap.gz", vip: "192.0.2.90", status: 2, have: []string{"zero-mac-answer:critical"}},
	{files: "flood-then-group-request.pcap.gz", vip: "192.0.2.90", status: 2, have: []string{"arp-request-with-group-mac:critical"}},

	// An address that moved; routers of one number; one frame twice.
	{files: "address-moved-at-once.pcap", args: "--vip 192.0.2.40", vip: "192.0.2.40", status: 1, verdict: "seen", have: []string{"conflicting-answers:warning"}},
	{files: "address-moved-back.pcap", args: "--vip 192.0.2.40", vip: "192.0.2.40", status: 2, verdict: "conflict", have: []string{"conflicting-answers:critical"}},
	{files: "failover-and-back.pcap", args: "--vip 192.0.2.40", vip: "192.0.2.40", status: 1, verdict: "seen", have: []string{"conflicting-answers:warning"}},
	{files: "one-address-two-vlans.pcap", args: "--vip 192.0.2.40", vip: "192.0.2.40", have: []string{"answers-differ-by-vlan:info"}},
	{files: "vrrp-own-mac.pcap", args: "--vip 192.0.2.40", vip: "192.0.2.40", mode: "none", have: []string{"first-hop-pair"}, absent: []string{"proxy-arp"}},
	{files: "vrrp-several-addresses.pcap", args: "--vip 192.0.2.6", vip: "192.0.2.6", mode: "none", have: []string{"first-hop-virtual-mac"}, absent: []string{"proxy-arp"}},
	{files: "hsrp-neighbouring-subnets.pcap", args: "--vip 198.18.1.1", vip: "198.18.1.1", have: []string{"first-hop-virtual-mac"}, absent: []string{"proxy-arp"}, answers: 1},
	{files: "hsrp-neighbouring-subnets.pcap", args: "--vip 198.18.2.1", vip: "198.18.2.1", have: []string{"first-hop-virtual-mac"}, absent: []string{"proxy-arp"}, answers: 1},
	{files: "vrrp-neighbouring-subnets.pcap", args: "--vip 198.18.2.1", vip: "198.18.2.1", have: []string{"first-hop-virtual-mac"}, absent: []string{"proxy-arp"}, answers: 1},
	{files: "copy-with-tag.pcap", vip: "192.0.2.90", status: 1, answers: 1},

	// The switch learns the cluster MAC.
	{files: "rarp-before-answer.pcap", vip: "192.0.2.90", status: 1, have: []string{"cluster-mac-as-source:warning", "unicast-mode-masked"}},
	{files: "rarp-before-answer.pcap", args: "--vip 192.0.2.90", vip: "192.0.2.90", status: 1, have: []string{"cluster-mac-as-source:warning"}},
	{files: "node-arp-cluster-mac.pcap", vip: "192.0.2.90", status: 1, have: []string{"cluster-mac-as-source:warning"}},
	{files: "stp-cluster-mac.pcap", vip: "192.0.2.90", status: 1, have: []string{"cluster-mac-as-source:warning"}},

	// Time that nobody captured, and what a filter left out.
	{files: "igmp-filter-on-vip.pcap", vip: "192.0.2.90", status: 1, have: []string{"igmp-not-proven", "igmp-group-joined"}, absent: []string{"igmp-no-querier"}},
	{files: "igmp-filter-on-udp.pcap", vip: "192.0.2.90", status: 1, have: []string{"igmp-not-proven"}, absent: []string{"igmp-no-querier", "igmp-no-report"}},
	{files: "igmp-reports-hidden.pcap", vip: "192.0.2.90", status: 1, have: []string{"igmp-no-report:info"}, absent: []string{"igmp-no-querier"}},
	{files: "igmp-ssdp.pcap", vip: "-", status: 3},
	{files: "monday.pcap tuesday.pcap", vip: "192.0.2.90", status: 1, mode: "igmp-multicast", have: []string{"igmp-not-proven"}, absent: []string{"igmp-no-querier", "igmp-no-report"}},
	{files: "igmp-nobody-asks.pcap", vip: "192.0.2.90", status: 1, have: []string{"igmp-no-querier", "igmp-group-joined"}},
	{files: "igmp-reports-from-vip.pcap", vip: "192.0.2.90", status: 1, have: []string{"igmp-group-joined"}},
	{files: "host-stops.pcap", vip: "192.0.2.90", status: 1, have: []string{"host-stopped"}},
	{files: "heartbeats.pcap", vip: "192.0.2.90", mode: "multicast", absent: []string{"host-stopped"}},

	// A group MAC is not yet an NLB cluster.
	{files: "bfd-on-a-lag.pcap", vip: "-", status: 3},
	{files: "bfd-on-a-lag.pcap", args: "--vip 203.0.113.1", vip: "203.0.113.1", verdict: "seen", mode: "other-multicast", have: []string{"group-mac-not-nlb"}, lines: "no"},
	{files: "group-mac-made-up.pcap", vip: "203.0.113.7", verdict: "seen", mode: "unknown", have: []string{"cluster-kind-unproven"}, lines: "no"},
	{files: "group-mac-by-hand.pcap", vip: "192.0.2.90", status: 1, mode: "multicast", have: []string{"group-mac-answer", "hand-set-mac"}, lines: "yes"},
	{files: "traffic-derived-mac.pcap", vip: "192.0.2.90", verdict: "seen", mode: "multicast", have: []string{"vip-in-traffic"}, lines: "yes"},
	{files: "cluster-answers.pcap", args: "--platform cisco-ios --vlan 20 --port Gi1/0/11", vip: "192.0.2.90", status: 1, have: []string{"group-mac-answer"}, lines: "yes"},

	// Who shows without ARP.
	{files: "unicast-replies-only.pcap", vip: "192.0.2.90", verdict: "seen", mode: "unicast", have: []string{"vip-in-traffic"}, absent: []string{"vip-silent"}},
	{files: "group-source.pcap", vip: "-", status: 3},
	{files: "hsrp-two-subnets.pcap", args: "--vip 203.0.113.1", vip: "203.0.113.1", verdict: "seen", mode: "none", have: []string{"first-hop-virtual-mac"}, absent: []string{"vip-silent"}},

	// NLB's form by chance, and the cluster's own.
	{files: "random-02bf.pcap", vip: "-", status: 3},
	{files: "random-02bf.pcap", args: "--vip 192.0.2.23", vip: "192.0.2.23", mode: "none", absent: []string{"unicast-mode-unmasked", "mac-of-another-vip"}, lines: "no"},
	{files: "unicast-masked.pcap", vip: "192.0.2.90", mode: "unicast", have: []string{"unicast-mode-masked"}, lines: "no"},
	{files: "unicast-masked.pcap", args: "--platform cisco-ios", vip: "192.0.2.90", mode: "unicast", lines: "no"},
	{files: "unicast-masked.pcap", args: "--platform cisco-nxos --vlan 20 --port Ethernet1/5", vip: "192.0.2.90", mode: "unicast", lines: "yes"},
	{files: "unicast-masked.pcap", args: "--platform dell-os9 --vlan 20", vip: "192.0.2.90", mode: "unicast", lines: "yes"},
	{files: "unicast-masked.pcap", args: "--platform allied-awplus --vlan 20", vip: "192.0.2.90", mode: "unicast", lines: "yes"},
	{files: "unicast-masked.pcap", args: "--platform hpe-comware --vlan 20 --port GE1/0/1", vip: "192.0.2.90", mode: "unicast", lines: "yes"},
	{files: "unicast-unmasked.pcap", vip: "192.0.2.90", status: 1, mode: "unicast", have: []string{"unicast-mode-unmasked:warning"}},
	{files: "gratuitous-cluster-mac.pcap", vip: "192.0.2.90", status: 1, mode: "unicast", have: []string{"unicast-mode-unmasked:warning", "unicast-mode-masked"}},

	// 01-00-5e, and not NLB's.
	{files: "firewall-pair.pcap", args: "--platform cisco-ios", vip: "192.0.2.90", status: 1, mode: "unknown", have: []string{"cluster-kind-unproven"}, lines: "yes"},

	// A packet between two VIPs.
	{files: "between-two-vips.pcap", vip: "192.0.2.90", verdict: "seen", mode: "multicast"},
	{files: "between-two-vips.pcap", vip: "192.0.2.95", verdict: "seen", mode: "multicast"},
	// Virtual routers of one number in two subnets; one answer is one answer.
	{files: "hsrp-two-subnets.pcap", vip: "192.0.2.90", status: 1, have: []string{"first-hop-pair"}},
	{files: "hsrp-two-subnets-answers.pcap", args: "--vip 203.0.113.1", vip: "203.0.113.1", have: []string{"first-hop-virtual-mac"}, absent: []string{"proxy-arp"}},
	{files: "vrrp-answers-once.pcap", args: "--vip 192.0.2.1", vip: "192.0.2.1", answers: 1},
	{files: "between-two-vips.pcap", vip: "192.0.2.90"},
	{files: "between-two-vips.pcap", vip: "192.0.2.95"},
	{files: "address-moved.pcap", args: "--vip 192.0.2.40", vip: "192.0.2.40", status: 1, verdict: "seen", absent: []string{"conflicting-answers:critical"}},
	{files: "address-twice.pcap", args: "--vip 192.0.2.40", vip: "192.0.2.40", status: 2, verdict: "conflict", have: []string{"conflicting-answers:critical"}},

	// What a switch learns, and what shows a cluster without ARP.
	{files: "rarp-cluster-mac.pcap", vip: "192.0.2.90", status: 1, mode: "unicast", have: []string{"cluster-mac-as-source:warning", "unicast-mode-masked"}},
	{files: "gratuitous-cluster-mac.pcap", vip: "192.0.2.90", status: 1, have: []string{"unicast-mode-unmasked:warning", "unicast-mode-masked"}},
	{files: "unicast-masked.pcap", args: "--platform cisco-ios", vip: "192.0.2.90", mode: "unicast", have: []string{"unicast-mode-masked"}, absent: []string{"cluster-mac-as-source"}, lines: "no"},
	{files: "unicast-unmasked.pcap", vip: "192.0.2.90", status: 1, have: []string{"unicast-mode-unmasked:warning"}},
	{files: "igmp-reports-no-arp.pcap", vip: "192.0.2.90", verdict: "seen", mode: "igmp-multicast", lines: "no"},
}
