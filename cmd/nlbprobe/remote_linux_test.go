package main

import (
	"bufio"
	"bytes"
	"errors"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/nlbprobe/nlbprobe/lab"
	"github.com/nlbprobe/nlbprobe/lab/labtest"
)

// ordinaryUser returns a way to run the program as a user without any capability.
func ordinaryUser(t *testing.T) func(l *lab.Lab, host string, args ...string) (status int, stdout, stderr string) {
	t.Helper()
	if os.Geteuid() != 0 {
		if os.Getenv("CI") == "true" {
			t.Fatal("CI must run this as root: it becomes an ordinary user")
		}
		t.Skip("needs root, to become an ordinary user")
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
	return func(l *lab.Lab, host string, args ...string) (int, string, string) {
		cmd := l.Command(t.Context(), host, bin, args...)
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
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
}

// allowEcho sets who may send echo requests on the client of a lab: all groups, or
// none.
func allowEcho(t *testing.T, l *lab.Lab, groups string) {
	t.Helper()
	err := l.Do(lab.Client, func() error {
		return os.WriteFile("/proc/sys/net/ipv4/ping_group_range", []byte(groups), 0)
	})
	if err != nil {
		t.Fatal(err)
	}
}

const (
	everybody = "0 2147483647"
	nobody    = "1 0"
)

// TestRemoteScenarios asks for the VIP of every practice cluster from the remote
// client, as an ordinary user without any capability, and holds what it says
// against what the prober on the VIP's subnet says.
func TestRemoteScenarios(t *testing.T) {
	asNobody := ordinaryUser(t)
	answers := []string{"remote-answers"}
	several := []string{"remote-answers", "remote-duplicates"}
	noMAC := []string{"remote-host-unreachable"}
	type row struct {
		scenario string
		verdict  string
		status   int
		router   string // the last one before the VIP, and whether it reaches it
		ids      []string
	}
	rows := []row{
		{"affinity-none", "reachable", 0, "172.16.64.1+", several},
		{"affinity-single", "reachable", 0, "172.16.64.1+", several},
		{"broadcast-mac", "no-mac", 2, "172.16.64.1-", noMAC},
		{"carp-balancing", "no-mac", 2, "172.16.64.1-", noMAC},
		{"cisco-example", "no-mac", 2, "172.16.64.1-", noMAC},
		{"conflict", "reachable", 0, "172.16.64.1+", answers}, // the router takes one of the two
		{"fixed", "reachable", 0, "172.16.64.1+", several},
		{"flooding", "reachable", 0, "172.16.64.1+", several},
		{"igmp", "no-mac", 2, "172.16.64.1-", noMAC},
		{"igmp-by-mac", "reachable", 0, "172.16.64.1+", answers},
		{"igmp-frr-v2", "reachable", 0, "172.16.64.1+", several},
		{"igmp-frr-v3", "reachable", 0, "172.16.64.1+", several},
		{"igmp-no-querier", "reachable", 0, "172.16.64.1+", several},
		{"igmp-querier", "reachable", 0, "172.16.64.1+", several},
		{"igmp-silent-node", "reachable", 0, "172.16.64.1+", several},
		{"igmp-v3-only", "reachable", 0, "172.16.64.1+", several},
		{"learnt-unicast", "reachable", 0, "172.16.64.1+", answers}, // one port gets it all
		{"lenient-router", "reachable", 0, "172.16.64.1+", several},
		{"look-alike", "reachable", 0, "172.16.64.1+", answers},
		{"member-port-missing", "reachable", 0, "172.16.64.1+", answers},
		{"member-ports-only", "reachable", 0, "172.16.64.1+", several},
		{"mixed-modes", "reachable", 0, "172.16.64.1+", answers},
		{"multicast", "no-mac", 2, "172.16.64.1-", noMAC},
		{"no-hairpin", "reachable", 0, "172.16.64.1+", several}, // what the prober cannot see
		{"node-dies", "reachable", 0, "172.16.64.1+", several},
		{"ordinary-host", "reachable", 0, "172.16.64.1+", answers},
		// The router routes the VIP to the client's own subnet.
		{"proxy-arp", "silent", 3, "", []string{"remote-redirected"}},
		{"proxy-arp-competing", "silent", 3, "", []string{"remote-redirected"}},
		{"router-filters-icmp", "silent", 3, "", []string{"remote-silent"}},
		{"rule-mismatch", "reachable", 0, "172.16.64.1+", several},
		{"second-router", "no-mac", 2, "172.16.64.2-", noMAC}, // the client's way is the one without an entry
		{"secondary-vip", "no-mac", 2, "172.16.64.1-", noMAC},
		{"silent", "no-mac", 2, "172.16.64.1-", noMAC}, // alike from here
		{"split-cluster", "reachable", 0, "172.16.64.1+", several},
		{"strict-router", "no-mac", 2, "172.16.64.1-", noMAC},
		{"two-routers-one-fixed", "reachable", 0, "172.16.64.1+", several},
		{"unicast", "reachable", 0, "172.16.64.1+", several},
		{"unicast-unmasked", "reachable", 0, "172.16.64.1+", answers},
		{"vrrp-frr", "reachable", 0, "172.16.64.1+", several},
		{"vrrp-pair", "reachable", 0, "172.16.64.1+", several},
		// The router reaches the nodes, and these do not get an answer to their
		// question for the router: nothing comes back.
		{"ws2008", "silent", 3, "172.16.64.1?", []string{"remote-silent"}},
		{"xt-cluster", "no-mac", 2, "172.16.64.1-", noMAC},
	}
	for _, tt := range rows {
		t.Run(tt.scenario, func(t *testing.T) {
			t.Parallel()
			l := labtest.Start(t, tt.scenario)
			allowEcho(t, l, everybody)
			status, stdout, stderr := asNobody(l, lab.Client, "-o", "json", labVIP)
			all := objects(t, stdout)
			if status != tt.status || len(all) != 1 || !strings.Contains(stderr, "this host is not on the subnet of 172.16.63.241 (eth0 has 172.16.64.10/24)") {
				t.Fatalf("status %d, %s, stderr %q", status, stdout, stderr)
			}
			o := all[0]
			if o.Verdict != tt.verdict || o.Vantage != "remote" || o.Cluster.MAC != nil || len(o.Configs) > 0 || o.Partial {
				t.Errorf("%+v", o)
			}
			if got := o.ids(); !slices.Equal(got, tt.ids) {
				t.Errorf("findings %q, want %q", got, tt.ids)
			}
			if got := routersOf(o); got != tt.router {
				t.Errorf("routers %q, want %q", got, tt.router)
			}
			near := scenarioRows()
			n := near[slices.IndexFunc(near, func(r scenarioRow) bool { return r.scenario == tt.scenario })]
			switch cutOff, reached := strings.Contains(n.routers, "-"), strings.Contains(n.routers, "+"); {
			case o.Verdict == "no-mac" && !cutOff && n.verdict != "silent":
				t.Errorf("no-mac, where the prober says %s with routers %q", n.verdict, n.routers)
			case o.Verdict == "reachable" && !reached && cutOff:
				t.Errorf("reachable, where the prober says %s with routers %q", n.verdict, n.routers)
			}
		})
	}
	t.Run("none is left out", func(t *testing.T) {
		for _, name := range lab.List() {
			if !slices.ContainsFunc(rows, func(tt row) bool { return tt.scenario == name }) {
				t.Errorf("scenario %s is asked by no test", name)
			}
		}
	})
}

// routersOf writes each router with a sign: + reaches the VIP, - does not, ? is not
// known.
func routersOf(o object) string {
	var words []string
	for _, r := range o.Routers {
		switch {
		case r.ReachesVIP == nil:
			words = append(words, r.IP+"?")
		case *r.ReachesVIP:
			words = append(words, r.IP+"+")
		default:
			words = append(words, r.IP+"-")
		}
	}
	return strings.Join(words, " ")
}

// TestHangingResolver: a resolver that never answers is named after a second, and
// the run ends within five.
func TestHangingResolver(t *testing.T) {
	t.Parallel()
	labtest.Tools(t, "unshare", "mount")
	l := labtest.Start(t, "ordinary-host")
	asked := make(chan bool, 16)
	err := l.Do("host1", func() error {
		node, _ := l.Host("host1")
		conn, err := net.ListenPacket("udp4", netip.AddrPortFrom(node.Addr(), 53).String())
		if err != nil {
			return err
		}
		t.Cleanup(func() { conn.Close() })
		go func() {
			buf := make([]byte, 512)
			for {
				if _, _, err := conn.ReadFrom(buf); err != nil {
					return
				}
				select {
				case asked <- true:
				default:
				}
			}
		}()
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	conf := filepath.Join(t.TempDir(), "resolv.conf")
	node, _ := l.Host("host1")
	if err := os.WriteFile(conf, []byte("nameserver "+node.Addr().String()+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	run := func(args ...string) (status int, stdout, stderr string, after, spent time.Duration) {
		cmd := l.Command(t.Context(), "prober", "unshare", append([]string{"-m", "sh", "-c", `mount --bind "$0" /etc/resolv.conf && exec nlbprobe "$@"`, conf}, args...)...)
		var out bytes.Buffer
		cmd.Stdout = &out
		errs, err := cmd.StderrPipe()
		if err != nil {
			t.Fatal(err)
		}
		begin := time.Now()
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(errs)
		for lines.Scan() {
			if after == 0 {
				after = time.Since(begin)
			}
			stderr += lines.Text() + "\n"
		}
		_ = cmd.Wait()
		return cmd.ProcessState.ExitCode(), out.String(), stderr, after, time.Since(begin)
	}
	status, stdout, stderr, after, spent := run("vip.example.net")
	if len(asked) == 0 {
		t.Fatalf("the resolver was not asked: status %d, stderr %q", status, stderr)
	}
	want := "nlbprobe: the resolver has not answered for \"vip.example.net\" yet; an address needs none\n" +
		"nlbprobe: \"vip.example.net\" is no IPv4 address and was not found as a name: the resolver did not answer in time\n"
	if status != exitUnknown || stdout != "" || stderr != want || after < 900*time.Millisecond || after > 3*time.Second || spent > 5*time.Second {
		t.Errorf("status %d, stdout %q, stderr %q, the first word after %v, all after %v", status, stdout, stderr, after, spent)
	}
	for len(asked) > 0 {
		<-asked
	}
	// What is no name does not get there.
	for _, args := range [][]string{{labVIP, "render"}, {"probe", labVIP}, {"eth0", labVIP}, {"172.16.63.240-245"}, {"03:bf:ac:10:3f:f1"}, {"gone.pcapng"}} {
		status, stdout, stderr, _, spent := run(args...)
		if status != exitUnknown || stdout != "" || strings.Count(stderr, "\n") != 1 || !strings.Contains(stderr, ": nlbprobe ") && !strings.Contains(stderr, " nlbprobe ") || spent > 2*time.Second {
			t.Errorf("%v: status %d, stdout %q, stderr %q, after %v", args, status, stdout, stderr, spent)
		}
	}
	if len(asked) > 0 {
		t.Error("the resolver was asked for what is no name")
	}
}
