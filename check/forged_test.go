package check_test

import (
	"context"
	"encoding/json"
	"net/netip"
	"os"
	"testing"
	"time"

	"github.com/mdlayher/arp"

	"github.com/nlbprobe/nlbprobe/check"
	"github.com/nlbprobe/nlbprobe/evidence"
	"github.com/nlbprobe/nlbprobe/mac"
	"github.com/nlbprobe/nlbprobe/nlb"
)

// script is a Link that plays frames as fast as they are taken, then ends.
type script struct {
	frames [][]byte
	ended  func()
}

func (s *script) Send([]byte) error { return nil }

func (s *script) Receive(time.Time) (evidence.Frame, error) {
	if len(s.frames) == 0 {
		s.ended()
		return evidence.Frame{}, os.ErrDeadlineExceeded
	}
	b := s.frames[0]
	s.frames = s.frames[1:]
	return evidence.Frame{Time: time.Now(), Data: b, Length: len(b), Place: "eth0"}, nil
}

func (s *script) Interrupt()             {}
func (s *script) Join(mac.Addr) error    { return nil }
func (s *script) JoinAll() error         { return nil }
func (s *script) Hear(netip.Addr) error  { return nil }
func (s *script) HearMAC(mac.Addr) error { return nil }
func (s *script) Drops() (int, error)    { return 0, nil }

// forged is the answers of a cluster for many VIPs at one MAC, and then
// heartbeats of as many invented hosts, with 40 default hosts.
func forged(t *testing.T, vips, beats int) (ips []netip.Addr, frames [][]byte) {
	t.Helper()
	for n := range vips {
		ip := netip.AddrFrom4([4]byte{172, 16, 63, byte(100 + n)})
		ips = append(ips, ip)
		frames = append(frames, arpFrame(t, arp.OperationReply, nodeMAC(1), ourMAC, cluster, ip, ourMAC, us.Addr()))
	}
	for n := range beats {
		s := nlb.Status{HostID: uint16(n), DefaultHost: uint16(n % 40), State: 1, RuleCount: 1}
		h := nlb.Heartbeat{
			Signature: nlb.SignatureMembership, Version: 0x0206, Priority: uint32(1 + n%32),
			Cluster: ips[0], Dedicated: netip.AddrFrom4([4]byte{10, 0, byte(n >> 8), byte(n)}),
		}
		source := mac.Addr{2, 9, 0, 0, byte(n >> 8), byte(n)}
		frames = append(frames, s.AppendTo(h.AppendHeader(nlb.AppendEthernet(nil, cluster, source, nlb.EtherTypeHeartbeat))))
	}
	return ips, frames
}

// play runs the check of forged heartbeats up to their end, interrupts it, and
// returns how long it took from then on.
func play(tb testing.TB, ips []netip.Addr, frames [][]byte, h check.Handler) time.Duration {
	tb.Helper()
	ctx, cancel := context.WithCancel(tb.Context())
	var end time.Time
	link := &script{frames: frames, ended: func() { end = time.Now(); cancel() }}
	cfg := config()
	cfg.Routers = nil
	cfg.Timing.Wait = time.Minute
	cfg.Beats = time.Minute
	if err := check.Run(ctx, link, cfg, ips, h); err != nil {
		tb.Fatal(err)
	}
	return time.Since(end)
}

// What is kept of forged heartbeats does not grow with their number, and costs
// each VIP at one MAC little.
func TestForgedHeartbeatsAreBounded(t *testing.T) {
	ips, frames := forged(t, 31, 1500)
	h := &told{}
	play(t, ips, frames, h)
	if len(h.results) != len(ips) {
		t.Fatalf("%d results", len(h.results))
	}
	for _, r := range h.results {
		if n := len(r.Diagnosis.Cluster.Hosts); n < 64 || n > 66 {
			t.Errorf("%v: %d hosts", r.VIP, n)
		}
		if !r.Diagnosis.Has("heartbeats-of-too-many-hosts") {
			t.Errorf("%v: nothing said of too many hosts", r.VIP)
		}
		b, err := json.Marshal(r.Diagnosis)
		if err != nil {
			t.Fatal(err)
		}
		kept := 0
		for _, it := range r.Items {
			kept += len(it.Frame.Data)
			for _, again := range it.Again {
				kept += len(again.Data)
			}
		}
		if len(b) > 300_000 || kept > 300_000 {
			t.Errorf("%v: a diagnosis of %d bytes, from %d bytes of frames", r.VIP, len(b), kept)
		}
	}
}

// BenchmarkForgedHeartbeats is 1,500 heartbeats of invented hosts for 31 VIPs at
// one MAC: how long the run takes to read and file them, and how long it takes to
// end once it is interrupted.
func BenchmarkForgedHeartbeats(b *testing.B) {
	ips, frames := forged(new(testing.T), 31, 1500)
	var ends time.Duration
	for b.Loop() {
		ends += play(b, ips, frames, &told{})
	}
	b.ReportMetric(float64(ends.Milliseconds())/float64(b.N), "ms-to-end")
}
