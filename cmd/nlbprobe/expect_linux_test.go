package main

import (
	"bufio"
	"bytes"
	"errors"
	"net"
	"os/exec"
	"strings"
	"testing"

	"github.com/vishvananda/netlink"

	"github.com/nlbprobe/nlbprobe/lab/labtest"
)

// TestExpect is a change window: the probe repeats while the router refuses the
// VIP, the admin enters the static ARP entry, and the exit status says that it
// worked. Without the entry it says that it did not.
func TestExpect(t *testing.T) {
	t.Parallel()
	l := labtest.Start(t, "multicast")
	status, _, stderr := nlbprobe(t, l, "prober", "--expect", "reachable", labVIP)
	if status != exitCritical || !strings.Contains(stderr, "nlbprobe: not reachable within ") {
		t.Errorf("before the fix: status %d, stderr %q", status, stderr)
	}

	cmd := l.Command(t.Context(), "prober", "nlbprobe", "--expect", "reachable", "--retry-for", "1m", "-o", "json", labVIP)
	var stdout bytes.Buffer
	cmd.Stdout = &stdout
	progress, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(progress)
	if !lines.Scan() || !strings.HasPrefix(lines.Text(), "nlbprobe: try 1: "+labVIP+" local-only; expecting reachable, ") {
		t.Fatalf("no progress: %q", lines.Text())
	}
	err = l.Do("router", func() error {
		link, err := netlink.LinkByName(l.Interface("router"))
		if err != nil {
			return err
		}
		return netlink.NeighSet(&netlink.Neigh{
			LinkIndex: link.Attrs().Index, State: netlink.NUD_PERMANENT, IP: net.ParseIP(labVIP),
			HardwareAddr: net.HardwareAddr{0x03, 0xbf, 172, 16, 63, 241},
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	last := ""
	for lines.Scan() {
		last = lines.Text()
	}
	if err := cmd.Wait(); err != nil {
		exit, _ := errors.AsType[*exec.ExitError](err)
		t.Errorf("after the fix: %v", exit)
	}
	if !strings.HasPrefix(last, "nlbprobe: reachable as expected, after ") {
		t.Errorf("it said %q", last)
	}
	if all := objects(t, stdout.String()); len(all) != 1 || all[0].Verdict != "reachable" {
		t.Errorf("%s", stdout.String())
	}
}
