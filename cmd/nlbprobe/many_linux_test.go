package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/mdlayher/ethernet"
	"github.com/mdlayher/packet"
	"github.com/vishvananda/netlink"

	"github.com/nlbprobe/nlbprobe/wire/wiretest"
)

// manyHosts is a cable with a host at one end that answers ARP for as many addresses as
// anybody asks for.
type manyHosts struct {
	*wiretest.Segment
	bin string
}

// newManyHosts makes it. kind says who answers: "host" is ordinary hosts, "cluster" one
// cluster of two hosts in multicast mode.
func newManyHosts(tb testing.TB, kind string) *manyHosts {
	tb.Helper()
	c := &manyHosts{Segment: wiretest.NewSegment(tb), bin: build(tb)}
	c.Do(tb, func() error {
		link, err := netlink.LinkByName("a")
		if err != nil {
			return err
		}
		return netlink.AddrAdd(link, &netlink.Addr{IPNet: &net.IPNet{IP: net.IPv4(10, 1, 255, 254).To4(), Mask: net.CIDRMask(16, 32)}})
	})
	var conn *packet.Conn
	c.Do(tb, func() error {
		var err error
		conn, err = packet.Listen(c.B, packet.Raw, int(ethernet.EtherTypeARP), nil)
		return err
	})
	done := make(chan struct{})
	tb.Cleanup(func() {
		conn.Close()
		<-done
	})
	go func() {
		defer close(done)
		answerAll(conn, kind)
	}()
	return c
}

// answerAll answers each ARP request that it reads.
func answerAll(conn *packet.Conn, kind string) {
	b := make([]byte, 2048)
	reply := make([]byte, 60)
	for {
		n, _, err := conn.ReadFrom(b)
		if err != nil {
			return // closed
		}
		if n < 42 || b[21] != 1 || b[38] != 10 || b[39] != 1 || b[40] == 255 {
			continue
		}
		ip := b[38:42]
		copy(reply, b[6:12])
		copy(reply[12:], []byte{8, 6, 0, 1, 8, 0, 6, 4, 0, 2})
		copy(reply[28:], ip)
		copy(reply[32:], b[22:32]) // the asker's MAC and IP
		hosts := [][]byte{append([]byte{2, 0}, ip...)}
		sender := hosts[0]
		if kind == "cluster" {
			hosts = [][]byte{{0, 0x15, 0x5d, 0, 0, 1}, {0, 0x15, 0x5d, 0, 0, 2}}
			sender = []byte{3, 0xbf, 10, 1, 0, 1}
		}
		for _, host := range hosts {
			copy(reply[6:], host)
			copy(reply[22:], sender)
			_, _ = conn.WriteTo(reply, &packet.Addr{HardwareAddr: net.HardwareAddr(b[6:12])})
		}
	}
}

// cost is what a process took.
type cost struct {
	took, cpu time.Duration
	mib       float64 // at its peak
}

// probe probes the first n addresses and returns how many results have each verdict.
func (c *manyHosts) probe(tb testing.TB, n int, flags ...string) (map[string]int, cost) {
	tb.Helper()
	var vips []string
	for i := range n {
		vips = append(vips, netip.AddrFrom4([4]byte{10, 1, byte((i + 1) >> 8), byte(i + 1)}).String())
	}
	var out, errs bytes.Buffer
	var cmd *exec.Cmd
	start := time.Now()
	c.Do(tb, func() error {
		cmd = exec.Command(c.bin, append([]string{"-o", "json", "-i", "a", strings.Join(vips[1:], ",")}, flags...)...)
		cmd.Args = append(cmd.Args, vips[0])
		cmd.Stdout, cmd.Stderr = &out, &errs
		return cmd.Start()
	})
	err := cmd.Wait()
	took := cost{took: time.Since(start)}
	if status, ok := errors.AsType[*exec.ExitError](err); err != nil && (!ok || status.ExitCode() > 3) {
		tb.Fatalf("%v: %s", err, errs.String())
	}
	if out.Len() == 0 {
		tb.Fatalf("no result: %s", errs.String())
	}
	took.cpu = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	if use, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		took.mib = float64(use.Maxrss) / 1024
	}
	verdicts := make(map[string]int)
	for d := json.NewDecoder(&out); d.More(); {
		var o struct{ Verdict string }
		if err := d.Decode(&o); err != nil {
			tb.Fatal(err)
		}
		verdicts[o.Verdict]++
	}
	return verdicts, took
}

// TestManyHosts: of thousands of addresses that answer none is called silent, whatever
// else is on the wire. The benchmark has more of them, more often.
func TestManyHosts(t *testing.T) {
	for _, row := range []struct {
		kind  string
		flood int
	}{{"host", 0}, {"cluster", 0}, {"host", 30_000}} {
		t.Run(fmt.Sprintf("%s, %d foreign frames a second", row.kind, row.flood), func(t *testing.T) {
			c := newManyHosts(t, row.kind)
			if row.flood > 0 {
				defer c.flood(t, row.flood)()
			}
			const n = 2000
			got, took := c.probe(t, n)
			// What could not be told is no wrong word, but there must be few of those.
			if got["answers"]+got["unknown"] != n || got["unknown"] > n/100 {
				t.Errorf("verdicts %v", got)
			}
			t.Logf("%v, %.1f s of CPU, %.0f MiB", took.took, took.cpu.Seconds(), took.mib)
		})
	}
}

// flood puts foreign frames on the cable until the function that it returns is called.
func (c *manyHosts) flood(tb testing.TB, rate int) (stop func()) {
	tb.Helper()
	c.Do(tb, func() error { return wiretest.AcceptFlood("a") })
	end, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		c.Do(tb, func() error {
			_, err := wiretest.FloodARP(c.B, c.A.HardwareAddr, rate, end)
			return err
		})
	}()
	return func() {
		close(end)
		<-done
	}
}

// BenchmarkManyHosts counts right verdicts of thousands of addresses on a real cable,
// and what the process takes.
func BenchmarkManyHosts(b *testing.B) {
	for _, row := range []struct {
		kind     string
		n, flood int
	}{{"host", 1000, 0}, {"host", 8000, 0}, {"host", 8000, 100_000}, {"cluster", 8000, 0}, {"host", 10_000, 0}, {"cluster", 10_000, 0}} {
		b.Run(fmt.Sprintf("%s/%d/flood%d", row.kind, row.n, row.flood), func(b *testing.B) {
			c := newManyHosts(b, row.kind)
			if row.flood > 0 {
				defer c.flood(b, row.flood)()
			}
			var cpu time.Duration
			var mib float64
			wrong, unknown := 0, 0
			for b.Loop() {
				got, took := c.probe(b, row.n)
				cpu += took.cpu
				mib = max(mib, took.mib)
				unknown += got["unknown"]
				wrong += row.n - got["answers"] - got["unknown"]
			}
			if wrong > 0 {
				b.Errorf("%d wrong verdicts", wrong)
			}
			b.ReportMetric(cpu.Seconds()/float64(b.N), "cpu-s/op")
			b.ReportMetric(mib, "peak-MiB")
			b.ReportMetric(float64(wrong), "wrong")
			b.ReportMetric(float64(unknown), "unknown")
		})
	}
}
