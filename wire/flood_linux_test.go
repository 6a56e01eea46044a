package wire_test

import (
	"bytes"
	"errors"
	"net/netip"
	"os"
	"testing"
	"time"

	"github.com/vishvananda/netlink"

	"github.com/nlbprobe/nlbprobe/wire"
	"github.com/nlbprobe/nlbprobe/wire/wiretest"
)

// Answers are heard while somebody floods the segment with ARP of others, and
// none of that reaches the process.
func TestFlood(t *testing.T) {
	s := wiretest.NewSegment(t)
	a, b := open(t, s, s.A, filter), open(t, s, s.B, filter)
	received := func() (n uint64) {
		s.Do(t, func() error {
			link, err := netlink.LinkByName("b")
			if err == nil {
				n = link.Attrs().Statistics.RxPackets
			}
			return err
		})
		return n
	}
	before := received()
	stop := startFlood(t, s, 1_000_000)
	got, asked := 0, 0
	for start := time.Now(); time.Since(start) < time.Second; {
		asked++
		send(t, a, answer)
		f, err := b.Receive(time.Now().Add(20 * time.Millisecond))
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded): // lost before it came to the filter
		case err != nil:
			t.Fatal(err)
		case !bytes.Equal(f.Data, answer):
			t.Fatalf("heard % x", f.Data)
		default:
			got++
		}
	}
	flood := stop()
	arrived := int(received()-before) - asked
	if got < 20 || got < asked/2 {
		t.Errorf("%d of %d answers heard", got, asked)
	}
	if n, err := b.Drops(); err != nil || n != 0 {
		t.Errorf("%d drops, %v", n, err)
	}
	if arrived < 100_000 {
		t.Errorf("only %d foreign frames arrived of %d: no flood", arrived, flood.Frames)
	}
	t.Logf("%d of %d answers heard during %.0f foreign ARP replies a second, of which %.2f%% arrived",
		got, asked, flood.PerSecond(), 100*float64(arrived)/float64(flood.Frames))

	// The positive control: a filter that wants the flood gets it.
	all := wire.Filter{Addrs: []netip.Addr{netip.MustParseAddr("198.19.255.254")}}
	if err := b.SetFilter(all); err != nil {
		t.Fatal(err)
	}
	stop = startFlood(t, s, 100_000)
	senders := map[netip.Addr]bool{}
	for range 20 {
		f := receive(t, b)
		for bytes.Equal(f.Data, answer) { // one that waited to be read when the filter was changed
			f = receive(t, b)
		}
		if !slow(all, f.Data) || f.Length != 60 || !bytes.Equal(f.Data[6:12], f.Data[22:28]) {
			t.Fatalf("the flood is not of ARP replies: % x", f.Data)
		}
		senders[netip.AddrFrom4([4]byte(f.Data[28:32]))] = true
	}
	stop()
	if len(senders) < 10 {
		t.Errorf("the flood is of %d hosts only", len(senders))
	}
}

// startFlood floods from a to b until the function that it returns is called.
func startFlood(t testing.TB, s *wiretest.Segment, rate int) (stop func() wiretest.Flooded) {
	t.Helper()
	s.Do(t, func() error { return wiretest.AcceptFlood("b") })
	end, done := make(chan struct{}), make(chan wiretest.Flooded, 1)
	go s.Do(t, func() error {
		f, err := wiretest.FloodARP(s.A, s.B.HardwareAddr, rate, end)
		done <- f
		return err
	})
	return func() wiretest.Flooded {
		close(end)
		return <-done
	}
}

func BenchmarkOpen(b *testing.B) {
	s := wiretest.NewSegment(b)
	s.Do(b, func() error {
		var total time.Duration
		for b.Loop() {
			start := time.Now()
			l, err := wire.Open(s.A, filter)
			total += time.Since(start)
			if err != nil {
				return err
			}
			if err := l.Close(); err != nil {
				return err
			}
		}
		b.ReportMetric(float64(total.Microseconds())/float64(b.N), "µs/open")
		return nil
	})
}

func BenchmarkSendReceive(b *testing.B) {
	s := wiretest.NewSegment(b)
	from, to := open(b, s, s.A, filter), open(b, s, s.B, filter)
	b.ReportAllocs()
	for b.Loop() {
		send(b, from, answer)
		receive(b, to)
	}
}

// BenchmarkReceive reads frames that wait.
func BenchmarkReceive(b *testing.B) {
	s := wiretest.NewSegment(b)
	from, to := open(b, s, s.A, filter), open(b, s, s.B, filter)
	b.ReportAllocs()
	deadline := time.Now().Add(time.Hour)
	n := 0
	for b.Loop() {
		if n%256 == 0 {
			b.StopTimer()
			for range 256 {
				send(b, from, answer)
			}
			b.StartTimer()
		}
		n++
		if _, err := to.Receive(deadline); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkFlood(b *testing.B) {
	s := wiretest.NewSegment(b)
	open(b, s, s.B, filter)
	stop := startFlood(b, s, 0)
	for b.Loop() {
		timer := time.NewTimer(time.Second)
		<-timer.C
	}
	b.ReportMetric(stop().PerSecond(), "frames/s")
}
