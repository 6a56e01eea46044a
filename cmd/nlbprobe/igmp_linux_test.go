package main

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/nlbprobe/nlbprobe/lab"
	"github.com/nlbprobe/nlbprobe/lab/labtest"
)

// snooped is what the switch knows: by the kernel's own tables.
type snooped struct {
	members []string // ports of the cluster's group
	routers []string // router ports
}

func snoops(t *testing.T, l *lab.Lab) snooped {
	t.Helper()
	labtest.Tools(t, "bridge")
	out, err := l.Command(t.Context(), lab.Switch, "bridge", "-d", "-j", "mdb", "show", "dev", "br0").Output()
	if err != nil {
		t.Fatal(err)
	}
	var tables []struct {
		MDB    []struct{ Port, Grp string }
		Router map[string][]struct{ Port string }
	}
	if err := json.Unmarshal(out, &tables); err != nil {
		t.Fatalf("%v in %s", err, out)
	}
	var s snooped
	for _, table := range tables {
		for _, e := range table.MDB {
			if e.Grp == "239.255.63.241" {
				s.members = append(s.members, e.Port)
			}
		}
		for _, ports := range table.Router {
			for _, p := range ports {
				s.routers = append(s.routers, p.Port)
			}
		}
	}
	slices.Sort(s.members)
	slices.Sort(s.routers)
	return s
}

// TestIGMPQueryDoesNoHarm asks the hosts for the cluster's group beside a real
// querier: the querier stays what it is, the switch makes no router port of our
// port, and the members stay.
func TestIGMPQueryDoesNoHarm(t *testing.T) {
	for _, scenario := range []string{"igmp-frr-v2", "igmp-frr-v3", "igmp-querier"} {
		t.Run(scenario, func(t *testing.T) {
			t.Parallel()
			l := labtest.Start(t, scenario)
			before := snoops(t, l)
			status, stdout, stderr := nlbprobe(t, l, "prober", "--igmp-query", "-o", "json", labVIP)
			if status != 0 || stderr != "" {
				t.Errorf("status %d, stderr %q", status, stderr)
			}
			if ids := objects(t, stdout)[0].ids(); !slices.Contains(ids, "igmp-query-unanswered") {
				t.Errorf("findings %q: was anything asked?", ids)
			}
			after := snoops(t, l)
			if !slices.Equal(after.members, []string{"node1", "node2"}) || !slices.Equal(after.routers, before.routers) || slices.Contains(after.routers, "prober") {
				t.Errorf("before %+v\nafter %+v", before, after)
			}
			if !strings.HasPrefix(scenario, "igmp-frr") {
				return
			}
			labtest.Tools(t, "vtysh")
			out, err := l.Command(t.Context(), "router", "vtysh", "-c", "show ip igmp interface json").Output()
			var pimd struct {
				Eth0 struct {
					Querier bool
				}
			}
			if err == nil {
				err = json.Unmarshal(out, &pimd)
			}
			if err != nil || !pimd.Eth0.Querier {
				t.Errorf("the router is no querier any longer: %v, %s", err, out)
			}
		})
	}
}

// TestHeartbeatView shows what a cluster says of itself, as an admin reads it.
func TestHeartbeatView(t *testing.T) {
	l := labtest.Start(t, "rule-mismatch")
	status, stdout, stderr := nlbprobe(t, l, "prober", labVIP)
	if status != exitCritical || stderr != "" {
		t.Errorf("status %d, stderr %q", status, stderr)
	}
	for _, part := range []string{
		"priority 1, 172.16.63.21", "priority 2, 172.16.63.22", "default host: priority 1 (inferred)", "2 port rules plus the default (inferred), convergence state 1",
		"critical  port-rules-differ", "different numbers of port rules",
	} {
		if !strings.Contains(stdout, part) {
			t.Errorf("no %q in\n%s", part, stdout)
		}
	}
}
