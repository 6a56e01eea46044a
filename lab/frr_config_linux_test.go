package lab

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/nlbprobe/nlbprobe/nlb"
)

func mustLoad(t *testing.T, name string) *Scenario {
	t.Helper()
	s, err := Load(name)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// What the routers of the scenarios run of FRR.
func TestFRRConfiguration(t *testing.T) {
	for _, tt := range []struct{ scenario, want string }{
		{"vrrp-pair", ""}, // the lab's own
		{"vrrp-frr", "router1 zebra:\n" +
			"router1 vrrpd: interface eth0; vrrp 5 version 3; vrrp 5 priority 200; vrrp 5 ip 172.16.63.1\n" +
			"router2 zebra:\n" +
			"router2 vrrpd: interface eth0; vrrp 5 version 3; vrrp 5 priority 100; vrrp 5 ip 172.16.63.1\n"},
		{"igmp-frr-v3", "router zebra:\n" + // response in tenths of a second, before the interval
			"router pimd: interface eth0; ip igmp; ip igmp version 3; ip igmp query-max-response-time 10; ip igmp query-interval 2\n"},
	} {
		var got strings.Builder
		s := mustLoad(t, tt.scenario)
		for i := range s.Routers {
			for _, d := range frrDaemons(&s.Routers[i]) {
				line := s.Routers[i].Name + " " + d.name + ": " + strings.ReplaceAll(strings.TrimSpace(d.config), "\n ", "; ")
				got.WriteString(strings.TrimSpace(line) + "\n")
			}
		}
		if got.String() != tt.want {
			t.Errorf("%s\n got %q\nwant %q", tt.scenario, got.String(), tt.want)
		}
	}
}

// Without FRR the scenarios that need it say what to install, and the others
// start.
func TestMissingProgram(t *testing.T) {
	folders := frrFolders
	t.Cleanup(func() { frrFolders = folders })
	frrFolders = []string{"/nowhere/frr"}
	const want = "a program is missing: zebra of FRR is not in /nowhere/frr; install the package frr"
	for _, name := range List() {
		err := missing(mustLoad(t, name))
		if needs := strings.Contains(name, "frr"); (err != nil) != needs {
			t.Errorf("%s: %v, want an error: %v", name, err, needs)
		}
		if err != nil && (!errors.Is(err, ErrMissing) || err.Error() != want) {
			t.Errorf("%s\n got %v\nwant %s", name, err, want)
		}
	}
}

// What a node says of itself reads back as what the scenario says of it. That
// the layout is right others judge: see TestHeartbeatsByTshark.
func TestBeacons(t *testing.T) {
	s := mustLoad(t, "igmp-querier")
	n := &s.Nodes[1]
	all, err := beacons(n)
	if err != nil {
		t.Fatal(err)
	}
	if len(all) != 3 {
		t.Fatalf("%d beacons, want report, heartbeat and identity", len(all))
	}
	report := "\x01\x00\x5e\x7f\x3f\xf1\x00\x00\x5e\x00\x53\x22\x08\x00" + // to the group, from the adapter
		"\x45\x00\x00\x1c\x00\x00\x40\x00\x01\x02\x5d\xee" + // 28 bytes, whole, TTL 1, IGMP
		"\xac\x10\x3f\xf1\xef\xff\x3f\xf1" + // 172.16.63.241, the primary VIP, to 239.255.63.241
		"\x12\x00\xbe\x0e\xef\xff\x3f\xf1" // IGMPv1 report
	if got := string(all[0].frame); !strings.HasPrefix(got, report) {
		t.Errorf("report\n got % x\nwant % x", got, report)
	}
	// The second of a cluster beats between the first one's beats.
	if after := 618 * time.Millisecond; all[0].after != 0 || all[1].after != after || all[2].after != after || all[1].every != time.Second {
		t.Errorf("first sent after %v, %v, %v", all[0].after, all[1].after, all[2].after)
	}
	h, err := nlb.ParseHeartbeat(all[1].frame[14:])
	if err != nil {
		t.Fatal(err)
	}
	status, ok := h.Status()
	if !ok || !status.Whole || h.Priority != 2 || h.Cluster != s.VIP || h.Dedicated != n.Address ||
		status.HostID != 1 || status.DefaultHost != 0 || status.RuleCount != 3 || status.Rules[1] != nlb.RuleCodeOf(443, 443) {
		t.Errorf("heartbeat %+v, %+v", h, status)
	}
	if h, err = nlb.ParseHeartbeat(all[2].frame[14:]); err != nil {
		t.Fatal(err)
	}
	for r := range h.Records() {
		if r.Type == nlb.RecordName && r.Name() != "node2.example.com" || r.Type == nlb.RecordAddress && r.Addr != n.Address {
			t.Errorf("record %+v", r)
		}
	}
}
