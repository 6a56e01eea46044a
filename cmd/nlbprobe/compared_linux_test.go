package main

import (
	"net"
	"strings"
	"testing"

	"github.com/vishvananda/netlink"

	"github.com/nlbprobe/nlbprobe/lab/labtest"
)

// TestCompared: a router that compares Ethernet source and ARP sender cuts a
// cluster in unicast mode off. The report names that cause among others, prints the
// static ARP entry and how to take it back, and does not say that routers need
// nothing; and the entry is the cure.
func TestCompared(t *testing.T) {
	t.Parallel()
	l := labtest.Start(t, "unicast-compared")
	status, stdout, stderr := nlbprobe(t, l, "prober", "--verbose", labVIP)
	text := strings.Join(strings.Fields(stdout), " ")
	if status != exitCritical || stderr != "" {
		t.Errorf("status %d, stderr %q", status, stderr)
	}
	for _, part := range []string{
		"compares the two drops them", "36808", "static ARP entry", "PASTE", "arp 172.16.63.241 02bf.ac10.3ff1 arpa", "--static-arp",
	} {
		if !strings.Contains(text, part) {
			t.Errorf("no %q in\n%s", part, stdout)
		}
	}
	if strings.Contains(text, "None needed on routers") {
		t.Errorf("it contradicts itself:\n%s", stdout)
	}
	// A platform's own lines for unicast mode come first.
	for platform, line := range map[string]string{
		"cisco-nxos": "ip arp 172.16.63.241 02bf.ac10.3ff1", "juniper-junos": "arp 172.16.63.241 mac 02:bf:ac:10:3f:f1", "linux": "ip neigh replace 172.16.63.241 lladdr 02:bf:ac:10:3f:f1",
	} {
		if _, stdout, _ = nlbprobe(t, l, "prober", "--platform", platform, labVIP); !strings.Contains(stdout, line) {
			t.Errorf("%s: no %q in\n%s", platform, line, stdout)
		}
	}
	status, stdout, stderr = nlbprobe(t, l, "prober", "render", "--platform", "cisco-ios", "--vip", labVIP, "--mac", "02:bf:ac:10:3f:f1", "--static-arp", "--section", "remove")
	if status != exitOK || !strings.Contains(stdout, "\nno arp 172.16.63.241 02bf.ac10.3ff1 arpa\n") {
		t.Errorf("taken back: status %d, stderr %q\n%s", status, stderr, stdout)
	}

	err := l.Do("router", func() error {
		link, err := netlink.LinkByName(l.Interface("router"))
		if err != nil {
			return err
		}
		return netlink.NeighSet(&netlink.Neigh{
			LinkIndex: link.Attrs().Index, State: netlink.NUD_PERMANENT, IP: net.ParseIP(labVIP),
			HardwareAddr: net.HardwareAddr{0x02, 0xbf, 172, 16, 63, 241},
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	if status, stdout, _ = nlbprobe(t, l, "prober", labVIP); status != exitOK || !strings.Contains(stdout, "reachable") || strings.Contains(stdout, "PASTE") {
		t.Errorf("after the entry: status %d\n%s", status, stdout)
	}
}
