package lab_test

import (
	"bufio"
	"fmt"
	"maps"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nlbprobe/nlbprobe/lab"
	"github.com/nlbprobe/nlbprobe/lab/labtest"
	"github.com/nlbprobe/nlbprobe/mac"
)

// vrrpState is a router's part in its virtual router, by its own account.
func vrrpState(t *testing.T, l *lab.Lab, router string) string {
	t.Helper()
	var groups []struct {
		Vrid int
		V4   struct{ Status string }
	}
	vtysh(t, l, router, "show vrrp json", &groups)
	if len(groups) != 1 || groups[0].Vrid != 5 {
		t.Fatalf("vrrpd on %s says %+v", router, groups)
	}
	return groups[0].V4.Status
}

// Two real routers: the one of the higher priority is elected, has the shared
// address, and when its cable is pulled the other one takes over, which has no
// entry for the VIP.
func TestVRRPElection(t *testing.T) {
	t.Parallel()
	l := labtest.Start(t, "vrrp-frr")
	labtest.Tools(t, "vtysh", "ip")
	s := l.Scenario()
	for router, want := range map[string]string{"router1": "Master", "router2": "Backup"} {
		if got := vrrpState(t, l, router); got != want {
			t.Errorf("%s is %s, want %s", router, got, want)
		}
	}
	virtual := s.Routers[0].VRRP.MAC()
	once := map[string]int{virtual.String() + " > " + virtual.String(): 1}
	if got := answers(t, l, lab.Prober, s.Gateway, 1); !maps.Equal(got, once) {
		t.Errorf("answers for the gateway\n got %v\nwant %v", got, once)
	}
	checkReach(t, l, lab.Client, s.VIP, true)

	c := openTap(t, l, lab.Prober)
	if out, err := l.Command(t.Context(), lab.Switch, "ip", "link", "set", "router1", "down").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	second := netip.MustParseAddr("172.16.63.3")
	heard := false
	c.frames(10*time.Second, func(f []byte) bool {
		heard = len(f) >= 34 && f[14+9] == 112 && netip.AddrFrom4([4]byte(f[26:30])) == second && mac.From(f[6:]) == virtual
		return heard
	})
	if !heard {
		t.Fatal("router2 did not advertise itself as master")
	}
	if got := vrrpState(t, l, "router2"); got != "Master" {
		t.Errorf("router2 is %s after router1 is gone", got)
	}
	if got := answers(t, l, "node1", s.Gateway, 1); !maps.Equal(got, once) {
		t.Errorf("answers for the gateway from router2\n got %v\nwant %v", got, once)
	}
}

// inNetworks counts the processes of the machine that are in certain network
// namespaces.
func inNetworks(names []string) int {
	count := 0
	links, _ := filepath.Glob("/proc/[0-9]*/ns/net")
	for _, link := range links {
		if name, err := os.Readlink(link); err == nil && slices.Contains(names, name) {
			count++
		}
	}
	return count
}

// networks returns the network namespaces of a lab's routers.
func networks(t *testing.T, l *lab.Lab) []string {
	t.Helper()
	var names []string
	for _, r := range l.Scenario().Routers {
		err := l.Do(r.Name, func() error {
			name, err := os.Readlink("/proc/thread-self/ns/net")
			names = append(names, name)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return names
}

// The daemons of others end with the lab.
func TestDaemonsEndWithTheLab(t *testing.T) {
	t.Parallel()
	labtest.Require(t)
	for scenario, want := range map[string]int{"vrrp-frr": 4, "igmp-frr-v2": 2} {
		t.Run(scenario, func(t *testing.T) {
			t.Parallel()
			l := labtest.Start(t, scenario)
			names := networks(t, l)
			if n := inNetworks(names); n != want {
				t.Fatalf("control: %d daemons, want %d", n, want)
			}
			if err := l.Close(); err != nil {
				t.Error(err)
			}
			if n := inNetworks(names); n != 0 {
				t.Errorf("%d daemons are left", n)
			}
		})
	}
}

// holdVariable makes TestDaemonsEndWithTheProcess the process to be killed.
const holdVariable = "NLBPROBE_TEST_HOLD"

// Nor do they outlive a process that is killed, though it has no namespace of
// processes of its own.
func TestDaemonsEndWithTheProcess(t *testing.T) {
	t.Parallel()
	l := labtest.Start(t, "vrrp-frr")
	if os.Getenv(holdVariable) != "" {
		fmt.Println("held", strings.Join(networks(t, l), " "))
		select {} // until killed
	}
	if err := l.Close(); err != nil { // it has shown that the scenario starts here
		t.Fatal(err)
	}
	held := exec.Command("/proc/self/exe", "-test.run=^TestDaemonsEndWithTheProcess$")
	held.Env = append(slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "NLBPROBE_LABTEST") }), holdVariable+"=1")
	out, err := held.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := held.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = held.Process.Kill() })
	lines := bufio.NewScanner(out)
	var names []string
	for lines.Scan() {
		if rest, ok := strings.CutPrefix(lines.Text(), "held "); ok {
			names = strings.Fields(rest)
			break
		}
	}
	if n := inNetworks(names); len(names) != 2 || n != 4 {
		t.Fatalf("control: %d daemons in %v", n, names)
	}
	if err := held.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = held.Wait()
	until(t, 5*time.Second, "the daemons end", func() bool { return inNetworks(names) == 0 })
}
