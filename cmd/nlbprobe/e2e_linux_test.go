package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/vishvananda/netlink"

	"github.com/nlbprobe/nlbprobe/lab"
	"github.com/nlbprobe/nlbprobe/lab/labtest"
)

const labVIP = "172.16.63.241"

// object is what the tests read of the JSON contract.
type object struct {
	Schema   string
	VIP      string
	Verdict  string
	Severity string
	Cluster  struct {
		MAC         *string
		Mode        string
		DerivedFrom *string `json:"derived_from"`
		Group       *string
		Hosts       []struct {
			MAC      string
			Priority *int
		}
	}
	Routers  []router
	Findings []struct{ ID, Severity, Summary string }
	Configs  []struct{ Device, Platform, Section, Text, Confidence string }
	Vantage  string
	Partial  bool
	Seconds  float64 `json:"elapsed_seconds"`
	Sent     int     `json:"sent_frames"`
}

type router struct {
	IP         string
	MAC        *string
	ReachesVIP *bool `json:"reaches_vip"`
	MACs       []struct {
		MAC        string
		ReachesVIP *bool `json:"reaches_vip"`
	}
}

func (o object) ids() []string {
	var ids []string
	for _, f := range o.Findings {
		ids = append(ids, f.ID)
	}
	slices.Sort(ids)
	return ids
}

// steadyIDs is ids without those that hang on chance: who else asks while the
// probe runs, and redirects, whose rate a router limits.
func (o object) steadyIDs() []string {
	return slices.DeleteFunc(o.ids(), func(id string) bool { return id == "asked-by-others" || id == "router-redirects" })
}

// nlbprobe runs the program on a host of the lab. The test's own binary is the
// program (see TestMain), so the race detector watches it.
func nlbprobe(t *testing.T, l *lab.Lab, host string, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	cmd := l.Command(t.Context(), host, "nlbprobe", args...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return exit.ExitCode(), out.String(), errs.String()
	}
	if err != nil {
		t.Fatal(err)
	}
	return 0, out.String(), errs.String()
}

// objects reads JSON Lines strictly in form: one object a line.
func objects(t *testing.T, stdout string) []object {
	t.Helper()
	var all []object
	for line := range strings.Lines(stdout) {
		var o object
		if err := json.Unmarshal([]byte(line), &o); err != nil {
			t.Fatalf("%v in %q", err, line)
		}
		all = append(all, o)
	}
	return all
}

// scenarioRow is a practice cluster, and what a probe on its subnet says.
type scenarioRow struct {
	scenario string
	args     []string
	verdict  string
	status   int
	mac      string // "" where there is none that counts
	mode     string
	hosts    int
	routers  string // one character each: + reaches the VIP, - does not, ? is not known
	config   bool   // lines to paste are printed
	ids      []string
}

func scenarioRows() []scenarioRow {
	return []scenarioRow{
		{"affinity-none", []string{"--tcp", "80", "--affinity"}, "reachable", 1, "03:bf:ac:10:3f:f1", "multicast", 2, "+", false,
			[]string{"affinity-none", "group-mac-answer", "router-reaches-vip", "service-port-open", "several-hosts-one-mac", "switch-floods"}},
		{"affinity-single", []string{"--tcp", "80", "--affinity"}, "reachable", 0, "03:bf:ac:10:3f:f1", "multicast", 2, "+", false,
			[]string{"affinity-single", "group-mac-answer", "router-reaches-vip", "service-port-open", "several-hosts-one-mac", "switch-floods"}},
		{"broadcast-mac", nil, "local-only", 2, "ff:ff:ff:ff:ff:ff", "unknown", 1, "-", false,
			[]string{"broadcast-mac-answer", "router-does-not-reach"}},
		{"carp-balancing", nil, "local-only", 2, "01:00:5e:00:01:05", "other-multicast", 1, "-", true,
			[]string{"carp-balancing", "group-mac-answer", "router-ignores-multicast-arp"}},
		{"cisco-example", nil, "local-only", 2, "03:00:5e:11:11:11", "multicast", 2, "-", true,
			[]string{"group-mac-answer", "hand-set-mac", "router-ignores-multicast-arp", "several-hosts-one-mac", "switch-floods", "windows-checklist"}},
		{"conflict", nil, "conflict", 2, "", "none", 2, "+", false,
			[]string{"conflicting-answers", "ordinary-host", "router-reaches-vip"}},
		{"firewall-pair", nil, "local-only", 2, "01:00:5e:10:3f:f1", "unknown", 2, "-", true,
			[]string{"cluster-kind-unproven", "group-mac-answer", "hand-set-mac", "router-ignores-multicast-arp", "several-hosts-one-mac"}},
		{"fixed", nil, "reachable", 0, "03:bf:ac:10:3f:f1", "multicast", 2, "+", false,
			[]string{"group-mac-answer", "router-reaches-vip", "several-hosts-one-mac", "switch-floods"}},
		{"flooding", nil, "reachable", 1, "03:bf:ac:10:3f:f1", "multicast", 2, "+", false,
			[]string{"group-mac-answer", "router-reaches-vip", "several-hosts-one-mac", "switch-floods"}},
		{"igmp", nil, "local-only", 2, "01:00:5e:7f:3f:f1", "igmp-multicast", 2, "-", true,
			[]string{"group-mac-answer", "igmp-not-proven", "router-ignores-multicast-arp", "several-hosts-one-mac", "switch-floods", "windows-checklist"}},
		// Nothing for the cluster's MAC comes to this port, no heartbeat either.
		{"igmp-by-mac", nil, "reachable", 0, "01:00:5e:7f:3f:f1", "igmp-multicast", 2, "+", false,
			[]string{"group-mac-answer", "igmp-not-proven", "router-reaches-vip", "several-hosts-one-mac"}},
		// FRR's pimd asks every two seconds.
		{"igmp-frr-v2", []string{"--listen", "4s"}, "reachable", 0, "01:00:5e:7f:3f:f1", "igmp-multicast", 2, "+", false,
			[]string{"group-mac-answer", "igmp-not-proven", "igmp-router-is-querier", "router-reaches-vip", "several-hosts-one-mac", "switch-floods"}},
		{"igmp-frr-v3", []string{"--listen", "4s"}, "reachable", 0, "01:00:5e:7f:3f:f1", "igmp-multicast", 2, "+", false,
			[]string{"group-mac-answer", "igmp-not-proven", "igmp-router-is-querier", "router-reaches-vip", "several-hosts-one-mac", "switch-floods"}},
		{"igmp-no-querier", []string{"--listen", "3s"}, "reachable", 0, "01:00:5e:7f:3f:f1", "igmp-multicast", 2, "+", false,
			[]string{"group-mac-answer", "igmp-group-joined", "igmp-not-proven", "router-reaches-vip", "several-hosts-one-mac", "switch-floods"}},
		{"igmp-querier", nil, "reachable", 0, "01:00:5e:7f:3f:f1", "igmp-multicast", 2, "+", false,
			[]string{"group-mac-answer", "igmp-not-proven", "router-reaches-vip", "several-hosts-one-mac", "switch-floods"}},
		{"igmp-silent-node", []string{"--listen", "4s"}, "reachable", 1, "01:00:5e:7f:3f:f1", "igmp-multicast", 2, "+", false,
			[]string{"group-mac-answer", "igmp-group-joined", "igmp-host-not-joined", "igmp-not-proven", "router-reaches-vip", "several-hosts-one-mac", "switch-floods"}},
		{"igmp-v3-only", []string{"--listen", "3s"}, "reachable", 1, "01:00:5e:7f:3f:f1", "igmp-multicast", 2, "+", false,
			[]string{"group-mac-answer", "igmp-group-joined", "igmp-not-limited", "igmp-querier-version", "router-reaches-vip", "several-hosts-one-mac", "switch-floods"}},
		{"learnt-unicast", nil, "reachable", 1, "02:bf:ac:10:3f:f1", "unicast", 2, "+", false,
			[]string{"router-reaches-vip", "several-hosts-one-mac", "unicast-learnt-on-one-port", "unicast-mode-masked", "windows-checklist"}},
		{"lenient-router", nil, "reachable", 0, "03:bf:ac:10:3f:f1", "multicast", 2, "+", false,
			[]string{"group-mac-answer", "router-reaches-vip", "several-hosts-one-mac", "switch-floods"}},
		{"look-alike", nil, "reachable", 0, "00:00:5e:00:01:05", "none", 1, "+", false,
			[]string{"first-hop-virtual-mac", "router-reaches-vip"}},
		{"member-port-missing", nil, "reachable", 0, "03:bf:ac:10:3f:f1", "multicast", 2, "+", false,
			[]string{"group-mac-answer", "router-reaches-vip", "several-hosts-one-mac"}},
		{"member-ports-only", nil, "reachable", 0, "03:bf:ac:10:3f:f1", "multicast", 2, "+", false,
			[]string{"group-mac-answer", "router-reaches-vip", "several-hosts-one-mac"}},
		{"mixed-modes", nil, "conflict", 2, "", "unknown", 2, "+", false,
			[]string{"conflicting-answers", "group-mac-answer", "heartbeat-modes-differ", "mixed-modes", "router-reaches-vip", "split-cluster", "switch-floods", "unicast-mode-masked"}},
		{"multicast", nil, "local-only", 2, "03:bf:ac:10:3f:f1", "multicast", 2, "-", true,
			[]string{"group-mac-answer", "router-ignores-multicast-arp", "several-hosts-one-mac", "switch-floods", "windows-checklist"}},
		{"no-hairpin", []string{"--control", "172.16.63.21"}, "answers", 1, "03:bf:ac:10:3f:f1", "multicast", 2, "?", true,
			[]string{"group-mac-answer", "router-test-inconclusive", "several-hosts-one-mac", "switch-floods"}},
		{"node-dies", []string{"--listen", "16s"}, "reachable", 1, "03:bf:ac:10:3f:f1", "multicast", 2, "+", false,
			[]string{"group-mac-answer", "host-stopped", "router-reaches-vip", "several-hosts-one-mac", "switch-floods"}},
		{"ordinary-host", nil, "reachable", 0, "00:00:5e:00:53:31", "none", 1, "+", false,
			[]string{"ordinary-host", "router-reaches-vip"}},
		{"proxy-arp", nil, "answers", 1, "00:00:5e:00:53:01", "none", 1, "?", false,
			[]string{"proxy-arp", "router-not-tested"}},
		{"proxy-arp-competing", nil, "conflict", 2, "", "unknown", 3, "?", false,
			[]string{"conflicting-answers", "group-mac-answer", "proxy-arp", "router-not-tested", "several-hosts-one-mac"}},
		{"router-filters-icmp", []string{"--control", "172.16.63.21", "--tcp", "80"}, "answers", 1, "03:bf:ac:10:3f:f1", "multicast", 2, "?", true,
			[]string{"group-mac-answer", "router-keeps-asking", "router-test-inconclusive", "service-port-open", "several-hosts-one-mac", "switch-floods"}},
		// A router that no host here uses is found by its asking, once a second.
		{"second-router", []string{"--listen", "1500ms", "--wait", "8s"}, "local-only", 2, "03:bf:ac:10:3f:f1", "multicast", 2, "+-", true,
			[]string{"group-mac-answer", "router-ignores-multicast-arp", "router-reaches-vip", "several-hosts-one-mac", "switch-floods", "windows-checklist"}},
		{"rule-mismatch", []string{"--listen", "3s"}, "reachable", 2, "03:bf:ac:10:3f:f1", "multicast", 2, "+", false,
			[]string{"group-mac-answer", "port-rules-differ", "router-reaches-vip", "several-hosts-one-mac", "switch-floods"}},
		{"secondary-vip", nil, "local-only", 2, "03:bf:ac:10:3f:f0", "multicast", 2, "-", true,
			[]string{"group-mac-answer", "mac-of-another-vip", "router-ignores-multicast-arp", "several-hosts-one-mac", "switch-floods", "windows-checklist"}},
		{"silent", nil, "silent", 3, "", "unknown", 0, "?", false,
			[]string{"router-not-tested", "vip-silent"}},
		{"split-cluster", nil, "reachable", 2, "03:bf:ac:10:3f:f1", "multicast", 2, "+", false,
			[]string{"group-mac-answer", "router-reaches-vip", "several-hosts-one-mac", "split-cluster", "switch-floods"}},
		{"strict-router", nil, "local-only", 2, "03:bf:ac:10:3f:f1", "multicast", 2, "-", true,
			[]string{"group-mac-answer", "router-ignores-multicast-arp", "several-hosts-one-mac", "switch-floods", "windows-checklist"}},
		{"two-routers-one-fixed", []string{"--router", "172.16.63.1", "--router", "172.16.63.2"}, "local-only", 2, "03:bf:ac:10:3f:f1", "multicast", 2, "+-", true,
			[]string{"group-mac-answer", "router-ignores-multicast-arp", "router-reaches-vip", "several-hosts-one-mac", "switch-floods", "windows-checklist"}},
		{"unicast", nil, "reachable", 0, "02:bf:ac:10:3f:f1", "unicast", 2, "+", false,
			[]string{"router-reaches-vip", "several-hosts-one-mac", "switch-floods", "unicast-mode-masked"}},
		// The router's static ARP entry is the cure: it is printed though the MAC is
		// unicast.
		{"unicast-compared", nil, "local-only", 2, "02:bf:ac:10:3f:f1", "unicast", 2, "-", true,
			[]string{"router-does-not-reach", "several-hosts-one-mac", "unicast-mode-masked", "windows-checklist"}},
		{"unicast-unmasked", nil, "reachable", 1, "02:bf:ac:10:3f:f1", "unicast", 2, "+", false,
			[]string{"router-reaches-vip", "unicast-mode-unmasked"}},
		{"vrrp-frr", nil, "reachable", 1, "03:bf:ac:10:3f:f1", "multicast", 2, "++", false,
			[]string{"first-hop-pair", "group-mac-answer", "router-reaches-vip", "several-hosts-one-mac", "switch-floods"}},
		{"vrrp-pair", nil, "reachable", 1, "03:bf:ac:10:3f:f1", "multicast", 2, "++", false,
			[]string{"first-hop-pair", "group-mac-answer", "router-reaches-vip", "several-hosts-one-mac", "switch-floods"}},
		{"ws2008", nil, "reachable", 2, "03:bf:ac:10:3f:f1", "multicast", 2, "+", false,
			[]string{"arp-request-with-group-mac", "group-mac-answer", "router-reaches-vip", "several-hosts-one-mac", "switch-floods"}},
		{"xt-cluster", nil, "local-only", 2, "01:02:03:04:05:06", "multicast", 2, "-", true,
			[]string{"cluster-kind-unproven", "group-mac-answer", "hand-set-mac", "router-ignores-multicast-arp", "several-hosts-one-mac", "windows-checklist"}},
	}
}

// TestScenarios probes every practice cluster as its admin would and holds what
// comes out against what the scenario is.
func TestScenarios(t *testing.T) {
	tests := scenarioRows()
	for _, tt := range tests {
		t.Run(tt.scenario, func(t *testing.T) {
			t.Parallel()
			l := labtest.Start(t, tt.scenario)
			file := filepath.Join(t.TempDir(), "evidence.pcapng")
			status, stdout, stderr := nlbprobe(t, l, "prober", append(tt.args, "-o", "json", "--write", file, labVIP)...)
			if status != tt.status || stderr != "" {
				t.Errorf("exit status %d, want %d; stderr %q", status, tt.status, stderr)
			}
			all := objects(t, stdout)
			if len(all) != 1 {
				t.Fatalf("%d objects: %s", len(all), stdout)
			}
			sameFromFile(t, file, stdout, status)
			o := all[0]
			if o.Schema != "nlbprobe/1" || o.VIP != labVIP || o.Verdict != tt.verdict || o.Vantage != "local" || o.Partial {
				t.Errorf("%+v", o)
			}
			mac := ""
			if o.Cluster.MAC != nil {
				mac = *o.Cluster.MAC
			}
			if mac != tt.mac || o.Cluster.Mode != tt.mode || len(o.Cluster.Hosts) != tt.hosts {
				t.Errorf("cluster %q, mode %s, %d hosts; want %q, %s, %d", mac, o.Cluster.Mode, len(o.Cluster.Hosts), tt.mac, tt.mode, tt.hosts)
			}
			ids := o.steadyIDs()
			if !slices.Equal(ids, tt.ids) {
				t.Errorf("findings %v, want %v", ids, tt.ids)
			}
			if (len(o.Configs) > 0) != tt.config {
				t.Errorf("configuration: %+v", o.Configs)
			}
			routers := ""
			for _, r := range o.Routers {
				switch {
				case r.ReachesVIP == nil:
					routers += "?"
				case *r.ReachesVIP:
					routers += "+"
				default:
					routers += "-"
				}
			}
			if routers != tt.routers {
				t.Errorf("routers %+v, want %s", o.Routers, tt.routers)
			}
		})
	}
	t.Run("none is left out", func(t *testing.T) {
		for _, name := range lab.List() {
			if !slices.ContainsFunc(tests, func(tt scenarioRow) bool { return tt.scenario == name }) {
				t.Errorf("scenario %s is probed by no test", name)
			}
		}
	})
}

// TestSeveralVIPs: side by side, one object each; the worst severity counts.
func TestSeveralVIPs(t *testing.T) {
	t.Parallel()
	l := labtest.Start(t, "multicast")
	begin := time.Now()
	status, stdout, _ := nlbprobe(t, l, "prober", "-o", "json", labVIP, "172.16.63.21", "172.16.63.99")
	took := time.Since(begin)
	verdicts := make(map[string]string)
	for _, o := range objects(t, stdout) {
		verdicts[o.VIP] = o.Verdict + " " + o.Severity
	}
	want := map[string]string{labVIP: "local-only critical", "172.16.63.21": "reachable ok", "172.16.63.99": "silent unknown"}
	for vip, v := range want {
		if verdicts[vip] != v {
			t.Errorf("%s: %q, want %q", vip, verdicts[vip], v)
		}
	}
	if status != exitCritical || len(verdicts) != 3 {
		t.Errorf("exit status %d, %d objects", status, len(verdicts))
	}
	t.Logf("three VIPs in %v", took)
}

// TestControlFound: where no control is named, a host of the kernel's neighbour
// table serves, so that a router's silence can be told apart; without one the
// report says that there was none.
func TestControlFound(t *testing.T) {
	t.Parallel()
	const control = "control 172.16.63.21, by the same way: silent"
	l := labtest.Start(t, "no-hairpin")
	for _, known := range []bool{false, true} {
		if known {
			if out, err := l.Command(t.Context(), "prober", "ping", "-c", "1", "172.16.63.21").CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
		}
		status, stdout, stderr := nlbprobe(t, l, "prober", "-v", labVIP)
		// The report is wrapped; its words are compared.
		text := strings.Join(strings.Fields(stdout), " ")
		if status != exitWarning || stderr != "" || strings.Contains(text, control) != known || strings.Contains(text, "there was no control host") == known {
			t.Errorf("neighbour known: %v, status %d, stderr %q\n%s", known, status, stderr, stdout)
		}
	}
}

// TestInterrupt: Ctrl-C prints what is known by then.
func TestInterrupt(t *testing.T) {
	l := labtest.Start(t, "silent")
	cmd := l.Command(t.Context(), "prober", "nlbprobe", "--wait", "1h", "-o", "json", labVIP, "172.16.63.21")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	// The second VIP's object shows that the run is under way.
	buf := make([]byte, 1<<20)
	n, err := out.Read(buf)
	if err != nil || !strings.Contains(string(buf[:n]), `"vip":"172.16.63.21"`) {
		t.Fatalf("%v, %q", err, buf[:n])
	}
	begin := time.Now()
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	var rest bytes.Buffer
	if _, err := rest.ReadFrom(out); err != nil {
		t.Fatal(err)
	}
	err = cmd.Wait()
	if exit, ok := errors.AsType[*exec.ExitError](err); !ok || exit.ExitCode() != exitUnknown {
		t.Errorf("%v", err)
	}
	all := objects(t, rest.String())
	if len(all) != 1 || !all[0].Partial || all[0].Verdict != "silent" {
		t.Errorf("%s", rest.String())
	}
	t.Logf("ended %v after the signal", time.Since(begin))
}

// TestPermission: without the right, two lines and status 3; with it as a file
// capability, an ordinary user probes.
func TestPermission(t *testing.T) {
	t.Parallel()
	l := labtest.Start(t, "multicast")
	if os.Geteuid() != 0 {
		if os.Getenv("CI") == "true" {
			t.Fatal("CI must run this as root: it becomes an ordinary user with and without the capability")
		}
		t.Skip("needs root, to become an ordinary user with and without the capability")
	}
	dir, err := os.MkdirTemp("", "nlbprobe")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	bin := filepath.Join(dir, "nlbprobe")
	if out, err := exec.Command("cp", build(t), bin).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	asNobody := func() (int, string, string) {
		cmd := l.Command(t.Context(), "prober", bin, labVIP)
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
		var out, errs bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &errs
		err := cmd.Run()
		exit, ok := errors.AsType[*exec.ExitError](err)
		if !ok {
			t.Fatalf("%v", err)
		}
		return exit.ExitCode(), out.String(), errs.String()
	}

	status, stdout, stderr := asNobody()
	want := "nlbprobe: raw frames need a right: run it with sudo, or once: sudo setcap cap_net_raw+ep " + bin + "\n"
	if status != exitUnknown || stdout != "" || !strings.HasSuffix(stderr, want) || strings.Count(stderr, "\n") != 2 {
		t.Errorf("status %d, stdout %q, stderr %q", status, stdout, stderr)
	}

	if out, err := exec.Command("setcap", "cap_net_raw+ep", bin).CombinedOutput(); err != nil {
		t.Fatalf("setcap: %v: %s", err, out)
	}
	status, stdout, stderr = asNobody()
	if status != exitCritical || stderr != "" || !strings.Contains(stdout, "172.16.63.241 is at 03:bf:ac:10:3f:f1") {
		t.Errorf("with the capability: status %d, stdout %q, stderr %q", status, stdout, stderr)
	}
}

// TestInterfaces: what is wrong with -i is said in one line, and nothing is
// sent.
func TestInterfaces(t *testing.T) {
	l := labtest.Start(t, "multicast")
	tests := []struct {
		name string
		args []string
		want string
	}{
		{"a typo", []string{"-i", "eht0", labVIP}, `did you mean eth0?`},
		{"loopback", []string{"-i", "lo", labVIP}, "loopback"},
		{"no subnet of ours, and nothing to be sent", []string{"--passive", "10.99.0.1"}, "this host is not on the subnet of 10.99.0.1 (eth0 has 172.16.63.10/24), and ARP does not cross routers: --passive hears nothing of it here"},
		{"no subnet of ours, and frames to be kept", []string{"--write", "/nonexistent/x.pcapng", "10.99.0.1"}, "--write keeps frames"},
		{"our own address", []string{"172.16.63.10"}, "an address of this host"},
		{"the broadcast address", []string{"172.16.63.255"}, "broadcast address"},
		{"the network address", []string{"172.16.63.0"}, "network address"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			status, stdout, stderr := nlbprobe(t, l, "prober", tt.args...)
			if status != exitUnknown || stdout != "" || strings.Count(stderr, "\n") != 1 || !strings.Contains(stderr, tt.want) {
				t.Errorf("status %d, stdout %q, stderr %q", status, stdout, stderr)
			}
		})
	}
	t.Run("no subnet of ours, but -i", func(t *testing.T) {
		status, stdout, stderr := nlbprobe(t, l, "prober", "-i", "eth0", "--wait", "100ms", "-o", "json", "10.99.0.1")
		if all := objects(t, stdout); status != exitUnknown || stderr != "" || len(all) != 1 || all[0].Verdict != "silent" {
			t.Errorf("status %d, stdout %q, stderr %q", status, stdout, stderr)
		}
	})
}

// TestInterfaceDown: it is said, by name, and nothing is tried.
func TestInterfaceDown(t *testing.T) {
	l := labtest.Start(t, "multicast")
	err := l.Do("prober", func() error {
		link, err := netlink.LinkByName("eth0")
		if err != nil {
			return err
		}
		return netlink.LinkSetDown(link)
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{labVIP}, {"-i", "eth0", labVIP}} {
		status, stdout, stderr := nlbprobe(t, l, "prober", args...)
		if status != exitUnknown || stdout != "" || strings.Count(stderr, "\n") != 1 || !strings.Contains(stderr, "eth0") || !strings.Contains(stderr, "is down") {
			t.Errorf("%v: status %d, stdout %q, stderr %q", args, status, stdout, stderr)
		}
	}
}

// record captures a host's interface with tshark while f runs, and returns the
// file. Tshark is the second opinion on what we send.
func record(t *testing.T, l *lab.Lab, host string, f func()) string {
	t.Helper()
	if _, err := exec.LookPath("tshark"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	file := filepath.Join(t.TempDir(), host+".pcapng")
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := l.Command(ctx, host, "tshark", "-l", "-P", "-i", l.Interface(host), "-w", file)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	// It listens when it shows a frame: have some until then.
	seen := make(chan bool, 1)
	go func() {
		buf := make([]byte, 4096)
		n, _ := out.Read(buf)
		seen <- n > 0
		for n > 0 {
			n, _ = out.Read(buf)
		}
	}()
	for ready := false; !ready; {
		_ = l.Command(ctx, "router", "ping", "-c1", "-W1", "172.16.63.10").Run()
		select {
		case ready = <-seen:
		default:
			if ctx.Err() != nil {
				t.Fatal("tshark heard nothing")
			}
		}
	}
	f()
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	return file
}

// tshark reads fields of the frames in file that match filter.
func tshark(t *testing.T, file, filter string, fields ...string) []string {
	t.Helper()
	args := []string{"-r", file, "-Y", filter, "-T", "fields"}
	for _, f := range fields {
		args = append(args, "-e", f)
	}
	cmd := exec.Command("tshark", args...)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("tshark: %v", err)
	}
	return strings.FieldsFunc(string(out), func(r rune) bool { return r == '\n' })
}

const proberMAC = "00:00:5e:00:53:10"

// TestWire has tshark judge the frames that a probe sends.
func TestWire(t *testing.T) {
	t.Parallel()
	l := labtest.Start(t, "multicast")
	file := record(t, l, "prober", func() { nlbprobe(t, l, "prober", labVIP) })
	if bad := tshark(t, file, "_ws.malformed", "frame.number"); len(bad) > 0 {
		t.Errorf("malformed frames: %v", bad)
	}
	got := tshark(t, file, "eth.src == "+proberMAC+" && arp.opcode == 1 && arp.dst.proto_ipv4 == "+labVIP,
		"eth.dst", "arp.src.hw_mac", "arp.src.proto_ipv4", "arp.dst.hw_mac", "frame.len")
	want := "ff:ff:ff:ff:ff:ff\t" + proberMAC + "\t172.16.63.10\t00:00:00:00:00:00\t60"
	if len(got) != 3 {
		t.Errorf("%d questions, want 3", len(got))
	}
	for _, g := range got {
		if g != want {
			t.Errorf("tshark reads %q, want %q", g, want)
		}
	}
	// Nobody but the VIP and the router is asked, and nothing but ARP is sent.
	others := tshark(t, file, "eth.src == "+proberMAC+" && arp.opcode == 1 && !(arp.dst.proto_ipv4 == "+labVIP+" || arp.dst.proto_ipv4 == 172.16.63.1)", "frame.number")
	if len(others) > 0 {
		t.Errorf("others were asked: %v", others)
	}
}

// TestPassive: with --passive the host's interface carries nothing of ours. The
// control is the same capture of a run that asks.
func TestPassive(t *testing.T) {
	t.Parallel()
	l := labtest.Start(t, "ws2008")
	asked := "eth.src == " + proberMAC + " && arp.opcode == 1 && arp.dst.proto_ipv4 == " + labVIP
	file := record(t, l, "prober", func() { nlbprobe(t, l, "prober", labVIP) })
	if n := len(tshark(t, file, asked, "frame.number")); n == 0 {
		t.Fatal("the control sent nothing")
	}
	var status int
	var stdout string
	file = record(t, l, "prober", func() {
		status, stdout, _ = nlbprobe(t, l, "prober", "--passive", "--wait", "2s", "-o", "json", labVIP)
	})
	if sent := tshark(t, file, asked, "frame.number"); len(sent) > 0 {
		t.Errorf("frames were sent: %v", sent)
	}
	// What the nodes ask on their own is enough to know the cluster.
	all := objects(t, stdout)
	if len(all) != 1 || !slices.Contains(all[0].ids(), "arp-request-with-group-mac") || status != exitCritical {
		t.Errorf("status %d, %s", status, stdout)
	}
}
