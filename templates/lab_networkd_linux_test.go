package templates_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nlbprobe/nlbprobe/lab"
	"github.com/nlbprobe/nlbprobe/lab/labtest"
	"github.com/nlbprobe/nlbprobe/mac"
	"github.com/nlbprobe/nlbprobe/templates"
)

// networkdSetup runs systemd-networkd as the network manager of a lab's host,
// on file systems of its own, until its standard input ends. It prints "ready"
// once eth0 is configured. networkd waits for udev, which is not here, unless
// /sys is read-only; networkctl speaks to it over a bus. networkd ends where the
// bus does not take it yet, so the bus says when it does.
const networkdSetup = `
mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs /etc/systemd/network
mount -o remount,bind,ro /sys
mkdir -p /run/systemd/network /run/systemd/netif /run/dbus
%s
chown -R systemd-network: /run/systemd/network /run/systemd/netif
cat > /run/bus.conf <<END
<busconfig><type>system</type><listen>unix:path=/run/dbus/system_bus_socket</listen><policy context="default">
<allow send_destination="*"/><allow receive_sender="*"/><allow own="*"/><allow user="*"/></policy></busconfig>
END
mkfifo /run/bus.ready
dbus-daemon --config-file=/run/bus.conf --nofork --print-address=3 3>/run/bus.ready & BUS=$!
read -r ADDRESS </run/bus.ready
/lib/systemd/systemd-networkd & NETWORKD=$!
trap 'kill $NETWORKD $BUS; wait' EXIT
timeout 30 sh -c 'until networkctl --no-legend --no-pager list eth0 | grep -q " configured *$"; do sleep 0.05; done'
echo ready
cat > /dev/null
`

// units are how eth0 of the lab's router is managed before the platform's lines
// come: by a unit, or by netplan, which writes one.
var units = map[string]string{
	"linux-networkd": `cat > /etc/systemd/network/20-eth0.network <<END
[Match]
Name=eth0
[Network]
Address=172.16.63.1/24
LinkLocalAddressing=no
END`,
	"linux-netplan": `mkdir -p -m 700 /run/root/etc/netplan
(umask 077; cat > /run/root/etc/netplan/01.yaml) <<END
network: {version: 2, renderer: networkd, ethernets: {eth0: {addresses: [172.16.63.1/24], link-local: []}}}
END
netplan generate --root-dir /run/root
cp /run/root/run/systemd/network/* /run/systemd/network/`,
}

// TestNetworkdInLab pastes the sections of the platforms that systemd-networkd
// carries out into a router whose eth0 it manages: the remote client reaches the
// VIP, and the remove section leaves no trace in its files nor in the kernel.
func TestNetworkdInLab(t *testing.T) {
	if os.Geteuid() != 0 {
		if os.Getenv("CI") == "true" {
			t.Fatal("CI must run this as root: networkd becomes a user of its own")
		}
		t.Skip("needs root: networkd becomes a user of its own")
	}
	labtest.Require(t)
	labtest.Tools(t, "ip", "nft", "networkctl", "dbus-daemon", "netplan")
	set := templates.Load()
	for name, unit := range units {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := labtest.Start(t, "multicast")
			p := practice{t, l, l.Scenario().VIP}
			pid := startNetworkd(t, l, unit)
			platform, err := set.Lookup(name)
			if err != nil {
				t.Fatal(err)
			}
			clusterMAC := mac.Addr{0x03, 0xbf, 172, 16, 63, 241}
			configs, err := templates.Render(platform, templates.Values{
				VIPs: []netip.Addr{p.vip}, MAC: clusterMAC, SVI: "eth0", Set: map[string]string{"unit": "20-eth0.network"},
			}, templates.L3, allSections(t), templates.Options{Strict: name == "linux-netplan"})
			if err != nil {
				t.Fatal(err)
			}
			text := map[templates.Section]string{}
			for _, c := range configs {
				text[c.Section] = c.Text
			}
			router := func(script string) string {
				t.Helper()
				c := l.Command(t.Context(), "router", "nsenter", "-t", strconv.Itoa(pid), "-m", "sh", "-euc", script)
				out, err := c.CombinedOutput()
				if err != nil {
					t.Fatalf("%v\n%s\n%s", err, script, out)
				}
				return string(out)
			}
			const state = "ip neigh show nud permanent; ip addr show dev eth0; ip route; nft list ruleset; cd /etc/systemd/network; find . | sort; find . -type f -exec cksum {} +"
			before := router(state)
			if p.reached(300 * time.Millisecond) {
				t.Fatal("the client reaches the VIP before the lines: the control does not hold")
			}
			want := fmt.Sprintf("%s dev eth0 lladdr %s PERMANENT", p.vip, clusterMAC)
			for range 2 { // a second run changes nothing
				router(text[templates.Configure])
				until(t, want, func() string { return strings.TrimSpace(router(text[templates.Verify])) })
			}
			// The router's routes come back a moment after the neighbour.
			until(t, "reached", func() string {
				if p.reached(2 * time.Second) {
					return "reached"
				}
				return "the client does not reach the VIP"
			})
			router(text[templates.Remove])
			until(t, before, func() string { return router(state) })
			if p.reached(300 * time.Millisecond) {
				t.Error("the client reaches the VIP after remove")
			}
		})
	}
}

// startNetworkd starts networkd on the lab's router until the test ends, and
// returns the process whose file systems it has.
func startNetworkd(t *testing.T, l *lab.Lab, unit string) int {
	t.Helper()
	// The test's context ends before its clean-up, and would kill the shell that
	// ends the daemons.
	c := l.Command(context.WithoutCancel(t.Context()), "router", "unshare", "-m", "sh", "-euc", fmt.Sprintf(networkdSetup, unit))
	var log bytes.Buffer
	c.Stderr, c.WaitDelay = &log, 5*time.Second
	in, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		_ = c.Wait() // it was told to end
		if t.Failed() {
			t.Logf("networkd:\n%s", log.String())
		}
	})
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "ready\n" {
		t.Fatalf("networkd did not get ready: %q, %v", line, err)
	}
	return c.Process.Pid
}

// until waits until what is asked for is shown: networkd acts after networkctl
// has returned.
func until(t *testing.T, want string, show func() string) {
	t.Helper()
	got := ""
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); {
		if got = show(); got == want {
			return
		}
	}
	t.Errorf("the router shows\n%s\nwant\n%s", got, want)
}
