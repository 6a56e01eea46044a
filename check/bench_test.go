package check_test

import (
	"container/heap"
	"context"
	"encoding/binary"
	"fmt"
	"net/netip"
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/nlbprobe/nlbprobe/arpprobe"
	"github.com/nlbprobe/nlbprobe/check"
	"github.com/nlbprobe/nlbprobe/diagnose"
	"github.com/nlbprobe/nlbprobe/event"
	"github.com/nlbprobe/nlbprobe/evidence"
	"github.com/nlbprobe/nlbprobe/mac"
	"github.com/nlbprobe/nlbprobe/routerprobe"
)

// paper is a Link to a network on paper with a clock of its own, which stands at the
// instant of the frame that was read last, or of the deadline.
type paper struct {
	clock  time.Time
	kind   string
	seq    int
	coming frames
}

type coming struct {
	at   time.Time
	seq  int
	data []byte
}

type frames []coming

func (f frames) Len() int { return len(f) }
func (f frames) Less(i, j int) bool {
	return f[i].at.Before(f[j].at) || f[i].at.Equal(f[j].at) && f[i].seq < f[j].seq
}
func (f frames) Swap(i, j int) { f[i], f[j] = f[j], f[i] }
func (f *frames) Push(x any)   { *f = append(*f, x.(coming)) }
func (f *frames) Pop() any {
	old := *f
	x := old[len(old)-1]
	*f = old[:len(old)-1]
	return x
}

func (p *paper) put(after time.Duration, b []byte) {
	p.seq++
	heap.Push(&p.coming, coming{p.clock.Add(after), p.seq, b})
}

// paperReply is an ARP reply to us.
func paperReply(src, sender mac.Addr, ip [4]byte) []byte {
	b := make([]byte, 0, 60)
	b = append(append(b, ourMAC[:]...), src[:]...)
	b = append(b, 0x08, 0x06, 0, 1, 8, 0, 6, 4, 0, 2)
	b = append(append(b, sender[:]...), ip[:]...)
	b = append(b, ourMAC[:]...)
	b = append(b, us.Addr().AsSlice()...)
	return b[:60]
}

func (p *paper) Send(b []byte) error {
	if b[12] != 0x08 || b[13] != 0x06 {
		return nil // the routers of this network carry nothing
	}
	ip := [4]byte(b[38:42])
	if ip == router.As4() {
		if p.kind == "routers" {
			p.put(time.Millisecond, paperReply(rtrMAC, rtrMAC, ip))
		}
		return nil
	}
	a, c := mac.Addr{0, 0x15, 0x5d, 0xff, 0, 1}, mac.Addr{0, 0x15, 0x5d, 0xff, 0, 2}
	own := mac.Addr{0, 0x15, ip[0], ip[1], ip[2], ip[3]}
	switch p.kind {
	case "silent":
	case "host":
		p.put(time.Millisecond, paperReply(own, own, ip))
	case "one", "routers":
		at := mac.Addr{3, 0xbf, 172, 16, 0, 1}
		p.put(time.Millisecond, paperReply(a, at, ip))
		p.put(time.Millisecond, paperReply(c, at, ip))
	case "many":
		at := mac.Addr{3, 0xbf, ip[0], ip[1], ip[2], ip[3]}
		own[1] = 0x16
		p.put(time.Millisecond, paperReply(own, at, ip))
		own[1] = 0x17
		p.put(time.Millisecond, paperReply(own, at, ip))
	}
	return nil
}

func (p *paper) Receive(deadline time.Time) (evidence.Frame, error) {
	if len(p.coming) == 0 || p.coming[0].at.After(deadline) {
		if deadline.After(p.clock) {
			p.clock = deadline
		}
		return evidence.Frame{}, os.ErrDeadlineExceeded
	}
	c := heap.Pop(&p.coming).(coming)
	if c.at.After(p.clock) {
		p.clock = c.at
	}
	return evidence.Frame{Time: c.at, Data: c.data, Length: len(c.data), Place: "eth0"}, nil
}

func (p *paper) Interrupt()             {}
func (p *paper) Join(mac.Addr) error    { return nil }
func (p *paper) JoinAll() error         { return nil }
func (p *paper) Hear(netip.Addr) error  { return nil }
func (p *paper) HearMAC(mac.Addr) error { return nil }
func (p *paper) Drops() (int, error)    { return 0, nil }

// verdicts counts results by verdict.
type verdicts map[diagnose.Verdict]int

func (verdicts) Answer(event.Answer)     {}
func (verdicts) SoFar(event.SoFar)       {}
func (v verdicts) Result(r event.Result) { v[r.Diagnosis.Verdict]++ }

func manyVIPs(n int) []netip.Addr {
	vips := make([]netip.Addr, n)
	for i := range vips {
		var b [4]byte
		binary.BigEndian.PutUint32(b[:], 172<<24|20<<16+uint32(i))
		vips[i] = netip.AddrFrom4(b)
	}
	return vips
}

// runPaper runs over a network on paper and returns the verdicts.
func runPaper(tb testing.TB, kind string, n int) verdicts {
	tb.Helper()
	link := &paper{clock: time.Unix(1_000_000, 0), kind: kind}
	cfg := check.Config{
		Interface: "eth0", MAC: ourMAC, Addresses: []netip.Prefix{us, netip.MustParsePrefix("172.20.255.10/14")},
		Timing:     arpprobe.Timing{First: 100 * time.Millisecond, Longest: time.Second, Rounds: 3, Settle: 200 * time.Millisecond, Wait: 5 * time.Second},
		RouterTest: routerprobe.DefaultTiming(), Beats: 1200 * time.Millisecond,
		Now: func() time.Time { return link.clock },
	}
	if kind == "routers" {
		cfg.Routers = []check.Router{{IP: router}}
	}
	v := make(verdicts)
	if err := check.Run(context.Background(), link, cfg, manyVIPs(n), v); err != nil {
		tb.Fatal(err)
	}
	return v
}

var paperKinds = map[string]diagnose.Verdict{
	"silent": diagnose.Silent, "host": diagnose.Answers, "one": diagnose.Answers, "many": diagnose.Answers, "routers": diagnose.Answers,
}

// Every kind of VIP, many at once, has the verdict that one alone has.
func TestRunManyVIPs(t *testing.T) {
	for kind, want := range paperKinds {
		t.Run(kind, func(t *testing.T) {
			for _, n := range []int{1, 1000} {
				if got := runPaper(t, kind, n); got[want] != n {
					t.Errorf("%d VIPs: %v", n, got)
				}
			}
		})
	}
}

// BenchmarkRun gives the time for each VIP, which must not grow with their number,
// and the memory in use at the end.
func BenchmarkRun(b *testing.B) {
	for _, kind := range []string{"silent", "host", "one", "many", "routers"} {
		for _, n := range []int{1, 100, 10_000} {
			b.Run(fmt.Sprintf("%s/%d", kind, n), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					runPaper(b, kind, n)
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/VIP")
				var m runtime.MemStats
				runtime.ReadMemStats(&m)
				b.ReportMetric(float64(m.Sys)/(1<<20), "MiB-sys")
			})
		}
	}
}
