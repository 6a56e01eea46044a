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
		{"firewall-pair", "no-mac", 2, "172.16.64.1-", noMAC},
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
		{"unicast-compared", "no-mac", 2, "172.16.64.1-", noMAC},
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

// sh runs shell commands on a host of the lab.
func sh(t *testing.T, l *lab.Lab, host, script string) {
	t.Helper()
	if out, err := l.Command(t.Context(), host, "sh", "-ec", script).CombinedOutput(); err != nil {
		t.Fatalf("%s on %s: %v: %s", script, host, err, out)
	}
}

// rejects has the router refuse to forward to the VIP.
func rejects(with string) string {
	return "nft 'table ip t { chain f { type filter hook forward priority 0; ip daddr 172.16.63.241 " + with + "; }; }'"
}

// TestRemoteErrors: what a router says of a packet is told apart, and what this host
// says itself; and only host unreachable from a router means that it has no MAC.
func TestRemoteErrors(t *testing.T) {
	asNobody := ordinaryUser(t)
	for _, tt := range []struct {
		name, scenario string
		host, script   string // what is done before
		args           []string
		verdict        string
		status         int
		ids            string
		text           string // in the evidence or a summary
	}{
		{"prohibited by rule, 3/13", "fixed", "router", rejects("reject with icmp type admin-prohibited"), nil, "silent", 3, "remote-filtered", "172.16.64.1 says administratively prohibited (ICMP 3/13)"},
		{"host prohibited, 3/10", "fixed", "router", rejects("reject with icmp type host-prohibited"), nil, "silent", 3, "remote-filtered", "(ICMP 3/10)"},
		{"network prohibited, 3/9", "fixed", "router", rejects("reject with icmp type net-prohibited"), nil, "silent", 3, "remote-filtered", "(ICMP 3/9)"},
		{"port unreachable, from the router", "fixed", "router", rejects("reject with icmp type port-unreachable"), nil, "silent", 3, "remote-filtered", "(ICMP 3/3)"},
		{"network unreachable, 3/0", "fixed", "router", rejects("reject with icmp type net-unreachable"), nil, "silent", 3, "remote-no-route", "172.16.64.1 says network unreachable (ICMP 3/0)"},
		{"host unreachable by a rule is alike, and at once", "fixed", "router", rejects("reject with icmp type host-unreachable"), nil, "no-mac", 2, "remote-host-unreachable", "came at once"},
		{"a filter for echo alone: the service answers", "fixed", "router", rejects("ip protocol icmp drop"), []string{"--tcp", "80"}, "reachable", 0, "remote-answers service-port-open", "172.16.63.241 accepts the connection to port 80"},
		{"a closed port", "ordinary-host", "", "", []string{"--tcp", "81"}, "reachable", 2, "remote-answers service-port-closed", "172.16.63.241 refuses the connection to port 81"},
		{"a port that is silent", "fixed", "router", rejects("tcp dport 80 drop"), []string{"--tcp", "80"}, "reachable", 1, "remote-answers remote-duplicates remote-port-silent", "nothing came back"},
		{"the router is named by a connection alone", "multicast", "client", "nft 'table ip t { chain o { type filter hook output priority 0; ip protocol icmp ip daddr 172.16.63.241 drop; }; }'",
			[]string{"--tcp", "443"}, "no-mac", 2, "remote-host-unreachable remote-not-sent", "172.16.64.1 says host unreachable (ICMP 3/1) of our SYN to port 443"},
		{"a control that answers", "multicast", "", "", []string{"--control", "172.16.63.10"}, "no-mac", 2, "remote-host-unreachable", "control 172.16.63.10 answers"},
		{"a control that is not there", "multicast", "", "", []string{"--control", "172.16.63.99"}, "no-mac", 2, "remote-control-unreachable remote-host-unreachable", "control 172.16.63.99: host unreachable too"},
		{"our own gateway is dead", "multicast", "client", "ip route replace default via 172.16.64.99", nil, "silent", 3, "remote-not-sent", "this host itself (172.16.64.10) says host unreachable"},
		{"no route of our own", "multicast", "client", "ip route del default", nil, "silent", 3, "remote-not-sent", "this host has no route"},
		{"echo is not allowed, and it answers", "fixed", "client", "echo '" + nobody + "' >/proc/sys/net/ipv4/ping_group_range", nil, "reachable", 0, "remote-answers remote-echo-not-allowed", "172.16.63.241 says port unreachable (ICMP 3/3) of our UDP datagram"},
		{"echo is not allowed, and a router has no MAC", "multicast", "client", "echo '" + nobody + "' >/proc/sys/net/ipv4/ping_group_range", nil, "no-mac", 2, "remote-echo-not-allowed remote-host-unreachable", "172.16.64.1 says host unreachable (ICMP 3/1) of our UDP datagram"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			l := labtest.Start(t, tt.scenario)
			allowEcho(t, l, everybody)
			if tt.script != "" {
				sh(t, l, tt.host, tt.script)
			}
			status, stdout, stderr := asNobody(l, lab.Client, append(tt.args, "-o", "json", labVIP)...)
			all := objects(t, stdout)
			if len(all) != 1 {
				t.Fatalf("status %d, %s, stderr %q", status, stdout, stderr)
			}
			if o := all[0]; status != tt.status || o.Verdict != tt.verdict || o.Vantage != "remote" || strings.Join(o.ids(), " ") != tt.ids {
				t.Errorf("status %d, %s, findings %q; want %d, %s, %s", status, o.Verdict, o.ids(), tt.status, tt.verdict, tt.ids)
			}
			if !strings.Contains(stdout, tt.text) {
				t.Errorf("%q is not in %s", tt.text, stdout)
			}
		})
	}
}

// TestRemoteAsRoot: where echo is allowed to nobody, a raw socket asks instead.
func TestRemoteAsRoot(t *testing.T) {
	t.Parallel()
	l := labtest.Start(t, "fixed")
	allowEcho(t, l, nobody)
	status, stdout, _ := nlbprobe(t, l, lab.Client, "-o", "json", labVIP)
	if all := objects(t, stdout); status != 0 || len(all) != 1 || !slices.Equal(all[0].ids(), []string{"remote-answers", "remote-duplicates"}) {
		t.Errorf("status %d, %s", status, stdout)
	}
}

// TestRemoteInterface: -i on a host of another subnet keeps to the link, and says
// before all else that it is the wrong one.
func TestRemoteInterface(t *testing.T) {
	t.Parallel()
	l := labtest.Start(t, "multicast")
	status, stdout, stderr := nlbprobe(t, l, lab.Client, "-i", "eth0", "--wait", "1s", "-o", "json", labVIP)
	all := objects(t, stdout)
	if status != exitUnknown || stderr != "" || len(all) != 1 || all[0].Vantage != "local" || all[0].Findings[0].ID != "vip-off-link" ||
		slices.Contains(all[0].ids(), "router-not-tested") || strings.Contains(stdout, "from a remote subnet") {
		t.Errorf("status %d, %s, stderr %q", status, stdout, stderr)
	}
	status, stdout, _ = nlbprobe(t, l, lab.Client, "-i", "eth0", "--wait", "300ms", labVIP)
	verdict, _, _ := strings.Cut(stdout, "ROUTERS")
	if status != exitUnknown || !strings.Contains(verdict, "This host is not on its subnet") {
		t.Errorf("status %d, %s", status, stdout)
	}
}

// TestRemoteText: the answers come first, and the way on stands at the end.
func TestRemoteText(t *testing.T) {
	t.Parallel()
	l := labtest.Start(t, "multicast")
	allowEcho(t, l, everybody)
	status, stdout, _ := nlbprobe(t, l, lab.Client, "-v", "--platform", "cisco-ios", labVIP)
	rest := stdout
	for _, want := range []string{
		"\n172.16.64.1 says host unreachable (ICMP 3/1)", "VERDICT   172.16.63.241 no-mac, critical", "Vantage remote:",
		"ROUTERS   172.16.64.1: does not reach the VIP", "CONFIG    None printed", "NEXT      Run nlbprobe 172.16.63.241 on a host of its subnet that is no cluster",
	} {
		_, after, ok := strings.Cut(rest, want)
		if !ok {
			t.Fatalf("%q is missing or too early in %s", want, stdout)
		}
		rest = after
	}
	if strings.Contains(stdout, "PASTE") || status != exitCritical || strings.Index(stdout, "says host unreachable") > strings.Index(stdout, "VERDICT") {
		t.Errorf("status %d, %s", status, stdout)
	}
	for line := range strings.Lines(stdout) {
		if len(line) > 81 {
			t.Errorf("%d columns: %q", len(line)-1, line)
		}
	}
}

// TestRemoteAndLocal: of several VIPs each is judged its way, in one run.
func TestRemoteAndLocal(t *testing.T) {
	t.Parallel()
	l := labtest.Start(t, "multicast")
	client, _ := l.Host(lab.Client)
	status, stdout, stderr := nlbprobe(t, l, "prober", "-o", "json", "--igmp-query", labVIP, client.Addr().String())
	all := objects(t, stdout)
	if status != exitCritical || len(all) != 2 || !strings.Contains(stderr, "not used from another subnet: --igmp-query") {
		t.Fatalf("status %d, %s, stderr %q", status, stdout, stderr)
	}
	for _, o := range all {
		want := [2]string{"local", "local-only"}
		if o.VIP != labVIP {
			want = [2]string{"remote", "reachable"}
		}
		if o.Vantage != want[0] || o.Verdict != want[1] {
			t.Errorf("%s: %s, %s", o.VIP, o.Vantage, o.Verdict)
		}
	}
}

// TestRemoteExpect: a change window can be watched from another subnet.
func TestRemoteExpect(t *testing.T) {
	t.Parallel()
	l := labtest.Start(t, "multicast")
	status, stdout, stderr := nlbprobe(t, l, lab.Client, "-o", "json", "--expect", "no-mac", labVIP)
	if status != exitOK || len(objects(t, stdout)) != 1 || !strings.Contains(stderr, "no-mac as expected") {
		t.Errorf("status %d, %s, stderr %q", status, stdout, stderr)
	}
	// The entry is made once the first try has said what it found.
	cmd := l.Command(t.Context(), lab.Client, "nlbprobe", "-o", "json", "--expect", "reachable", "--retry-for", "1m", labVIP)
	var out bytes.Buffer
	cmd.Stdout = &out
	errs, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	said, mended := "", false
	for lines := bufio.NewScanner(errs); lines.Scan(); {
		said += lines.Text() + "\n"
		if !mended && strings.Contains(lines.Text(), "no-mac; expecting reachable") {
			mended = true
			sh(t, l, "router", "ip neigh replace "+labVIP+" lladdr 03:bf:ac:10:3f:f1 dev eth0 nud permanent")
		}
	}
	_ = cmd.Wait()
	if all := objects(t, out.String()); cmd.ProcessState.ExitCode() != exitOK || !mended || len(all) != 1 || all[0].Verdict != "reachable" || !strings.Contains(said, "reachable as expected") {
		t.Errorf("%v, %s, stderr %q", cmd.ProcessState, out.String(), said)
	}
}

// TestRemoteInterrupted: Ctrl-C prints what is known so far.
func TestRemoteInterrupted(t *testing.T) {
	t.Parallel()
	l := labtest.Start(t, "multicast")
	cmd := l.Command(t.Context(), lab.Client, "nlbprobe", "--wait", "1m", labVIP)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	lines.Scan() // the router on the way: then it is under way
	first := lines.Text()
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	var rest strings.Builder
	for lines.Scan() {
		rest.WriteString(lines.Text() + "\n")
	}
	_ = cmd.Wait()
	if status := cmd.ProcessState.ExitCode(); status != exitUnknown || !strings.Contains(first, "172.16.64.1 is a router on the way") || !strings.Contains(rest.String(), "silent, unknown") || !strings.Contains(rest.String(), "Interrupted: this is what was known by then.") {
		t.Errorf("status %d, %s\n%s", status, first, rest.String())
	}
}

// TestOnRouter: a router is told that its own table says more.
func TestOnRouter(t *testing.T) {
	t.Parallel()
	l := labtest.Start(t, "multicast")
	_, _, stderr := nlbprobe(t, l, "router", "--wait", "1s", "-o", "json", labVIP)
	if want := "nlbprobe: this host forwards packets and has no gateway on eth0: if it is a router of the VIP's subnet, its own ARP table says what it has: ip neigh show 172.16.63.241\n"; stderr != want {
		t.Errorf("stderr %q", stderr)
	}
	if _, _, stderr := nlbprobe(t, l, "prober", "--wait", "300ms", "-o", "json", labVIP); stderr != "" {
		t.Errorf("on a host: stderr %q", stderr)
	}
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
