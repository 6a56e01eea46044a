package main

import (
	"context"
	"encoding/json"
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mdlayher/arp"
	"github.com/mdlayher/ethernet"
	"github.com/mdlayher/packet"

	"github.com/nlbprobe/nlbprobe/lab"
	"github.com/nlbprobe/nlbprobe/lab/labtest"
	"github.com/nlbprobe/nlbprobe/wire/wiretest"
)

// hostileFrames are broken and lying frames as a neighbour can send them, all
// to the prober. None answers for the VIP in a form that counts.
func hostileFrames(n int, prober net.HardwareAddr) [][]byte {
	r := rand.New(rand.NewPCG(1, 2))
	frames := make([][]byte, n)
	for i := range frames {
		b := make([]byte, 14, 1514)
		copy(b, prober)
		copy(b[6:], []byte{0x02, 0xff, byte(r.Uint32()), byte(r.Uint32()), byte(i >> 8), byte(i)})
		b[12], b[13] = 0x08, 0x06
		body := []byte{
			0, 1, 8, 0, 6, 4, 0, 2,
			0x02, 0xff, byte(r.Uint32()), byte(r.Uint32()), byte(r.Uint32()), byte(r.Uint32()),
			172, 16, 63, byte(r.Uint32N(240)), // anybody's address but the VIP
			0, 0, 0x5e, 0, 0x53, 0x10, 172, 16, 63, 241,
		}
		switch i % 8 {
		case 0: // cut short
			body = body[:r.IntN(len(body))]
		case 1: // another hardware type
			body[1] = byte(2 + r.Uint32N(250))
		case 2: // another protocol
			body[2], body[3] = 0x86, 0xdd
		case 3: // lengths that lie
			body[4], body[5] = byte(r.Uint32()|1), byte(r.Uint32()&^4)
		case 4: // far too long
			body = append(body, make([]byte, 1400)...)
		case 5: // an operation that there is none of
			body[6], body[7] = byte(r.Uint32()), 0x80
		case 6: // somebody else's answer, to the VIP
		case 7: // tags upon tags
			tags := make([]byte, 4*r.IntN(20))
			for t := 0; t+4 <= len(tags); t += 4 {
				tags[t], tags[t+1] = 0x81, 0
			}
			b = append(append(b[:12], tags...), 0x08, 0x06)
		}
		frames[i] = append(b, body...)
	}
	return frames
}

// hostileRate is how many frames a second send puts on the wire: three probes
// meet more than 100,000 of them, and a busy machine still keeps up under the
// race detector. BenchmarkFlood goes to the limit.
const hostileRate = 30_000

// send puts frames on the wire from a host, one after the other and over again,
// until stop.
func send(t *testing.T, l *lab.Lab, host string, frames [][]byte, stop *atomic.Bool) int {
	sent := 0
	err := l.Do(host, func() error {
		ifi, err := net.InterfaceByName(l.Interface(host))
		if err != nil {
			return err
		}
		conn, err := packet.Listen(ifi, packet.Raw, int(ethernet.EtherTypeARP), nil)
		if err != nil {
			return err
		}
		defer conn.Close()
		const burst = 10 * time.Millisecond
		tick := time.NewTicker(burst)
		defer tick.Stop()
		for n := 0; !stop.Load(); <-tick.C {
			for range hostileRate * int(burst) / int(time.Second) {
				f := frames[n%len(frames)]
				n++
				if _, err := conn.WriteTo(f, &packet.Addr{HardwareAddr: net.HardwareAddr(f[:6])}); err == nil {
					sent++
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	return sent
}

// TestHostileFrames: 100,000 broken and lying frames, over and over while the
// probe runs, change nothing in its verdict.
func TestHostileFrames(t *testing.T) {
	t.Parallel()
	l := labtest.Start(t, "multicast")
	prober, _ := l.Host("prober")
	frames := hostileFrames(100_000, prober.MAC.HardwareAddr())
	var stop atomic.Bool
	sent := make(chan int)
	go func() { sent <- send(t, l, "node2", frames, &stop) }()
	for range 3 {
		status, stdout, stderr := nlbprobe(t, l, "prober", "-o", "json", labVIP)
		all := objects(t, stdout)
		if status != exitCritical || len(all) != 1 || all[0].Verdict != "local-only" || all[0].Cluster.Mode != "multicast" {
			t.Errorf("status %d, stderr %q, %s", status, stderr, stdout)
		}
	}
	stop.Store(true)
	if n := <-sent; n < len(frames)/2 {
		t.Errorf("only %d hostile frames were sent", n)
	} else {
		t.Logf("%d hostile frames", n)
	}
}

// TestContradiction: somebody who answers for the VIP with a MAC of their own
// is a conflict, and named, whoever answers first.
func TestContradiction(t *testing.T) {
	t.Parallel()
	l := labtest.Start(t, "multicast")
	prober, _ := l.Host("prober")
	evil := net.HardwareAddr{0x02, 0x66, 0x66, 0x66, 0x66, 0x66}
	node, _ := l.Host("node1")
	p, err := arp.NewPacket(arp.OperationReply, evil, netip.MustParseAddr(labVIP), prober.MAC.HardwareAddr(), prober.Addr())
	if err != nil {
		t.Fatal(err)
	}
	body, err := p.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	f := ethernet.Frame{Destination: prober.MAC.HardwareAddr(), Source: node.MAC.HardwareAddr(), EtherType: ethernet.EtherTypeARP, Payload: body}
	b, err := f.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	var stop atomic.Bool
	sent := make(chan int)
	go func() { sent <- send(t, l, "node2", [][]byte{b}, &stop) }()
	status, stdout, _ := nlbprobe(t, l, "prober", "-o", "json", labVIP)
	stop.Store(true)
	<-sent
	all := objects(t, stdout)
	if status != exitCritical || len(all) != 1 || all[0].Verdict != "conflict" || len(all[0].Configs) != 0 {
		t.Errorf("status %d, %.300s", status, stdout)
	}
}

// flood fills the prober's port with foreign ARP replies until stop is closed.
func flood(tb testing.TB, l *lab.Lab, rate int, stop <-chan struct{}) wiretest.Flooded {
	tb.Helper()
	prober, _ := l.Host("prober")
	if err := l.Do("prober", func() error { return wiretest.AcceptFlood(prober.Interface) }); err != nil {
		tb.Fatal(err)
	}
	var flooded wiretest.Flooded
	err := l.Do("switch", func() error {
		port, err := net.InterfaceByName("prober")
		if err != nil {
			return err
		}
		flooded, err = wiretest.FloodARP(port, prober.MAC.HardwareAddr(), rate, stop)
		return err
	})
	if err != nil {
		tb.Fatal(err)
	}
	return flooded
}

// verdicts are the scenarios about routers, switches and services, each with
// what its admin would ask and the verdict that is right.
var verdicts = []struct {
	scenario string
	args     []string
	verdict  string
}{
	{"strict-router", nil, "local-only"},
	{"two-routers-one-fixed", []string{"--router", "172.16.63.1", "--router", "172.16.63.2"}, "local-only"},
	{"second-router", []string{"--listen", "1500ms", "--wait", "8s"}, "local-only"},
	{"vrrp-pair", nil, "reachable"},
	{"flooding", nil, "reachable"},
	{"member-ports-only", nil, "reachable"},
	{"affinity-none", []string{"--tcp", "80", "--affinity"}, "reachable"},
	{"affinity-single", []string{"--tcp", "80", "--affinity"}, "reachable"},
	{"router-filters-icmp", []string{"--tcp", "80", "--control", "172.16.63.21"}, "answers"},
	{"no-hairpin", []string{"--control", "172.16.63.21"}, "answers"},
	{"xt-cluster", nil, "local-only"},
	{"learnt-unicast", nil, "reachable"},
}

// judge runs the program that users get and returns its object, and whether the
// verdict is right and both nodes were heard.
func judge(ctx context.Context, l *lab.Lab, bin string, args []string, verdict string) (o object, right bool) {
	out, _ := l.Command(ctx, "prober", bin, append(slices.Clone(args), "-o", "json", labVIP)...).Output()
	right = json.Unmarshal(out, &o) == nil && o.Verdict == verdict && len(o.Cluster.Hosts) == 2
	return o, right
}

// BenchmarkFlood counts right verdicts while the prober's port carries foreign
// ARP replies: as many as one core can send in the first row, 100,000 a second
// in the others.
func BenchmarkFlood(b *testing.B) {
	bin := build(b)
	run := func(name string, rate int, args []string, verdict string) {
		b.Run(name, func(b *testing.B) {
			l := start(b, name)
			stop := make(chan struct{})
			flooded := make(chan wiretest.Flooded)
			go func() { flooded <- flood(b, l, rate, stop) }()
			right, runs := 0, 0
			for b.Loop() {
				o, ok := judge(b.Context(), l, bin, args, verdict)
				runs++
				if ok {
					right++
				} else {
					b.Logf("%s: %.2f s, routers %+v, findings %v", o.Verdict, o.Seconds, o.Routers, o.ids())
				}
			}
			close(stop)
			b.ReportMetric((<-flooded).PerSecond(), "replies/s")
			b.ReportMetric(float64(right), "right")
			b.ReportMetric(float64(runs), "runs")
			b.ReportMetric(0, "ns/op")
		})
	}
	run("multicast", 0, nil, "local-only") // 0 is without a limit
	for _, v := range verdicts {
		run(v.scenario, 100_000, v.args, v.verdict)
	}
}

// BenchmarkVerdicts counts right verdicts, a new practice cluster for each run
// and many side by side: most of a run is waiting. It reports the median time
// and number of frames sent, and how many different sets of findings there were;
// what hangs on chance, who else asks and redirects, is left out.
func BenchmarkVerdicts(b *testing.B) {
	bin := build(b)
	for _, v := range verdicts {
		b.Run(v.scenario, func(b *testing.B) {
			var mu sync.Mutex
			var took []time.Duration
			var sent []int
			right, sets := 0, make(map[string]int)
			b.SetParallelism(7) // labs for each processor
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					l := start(b, v.scenario)
					o, ok := judge(b.Context(), l, bin, v.args, v.verdict)
					if err := l.Close(); err != nil {
						b.Error(err)
					}
					mu.Lock()
					if ok {
						right++
					} else {
						b.Logf("%s: %.2f s, routers %+v, findings %v", o.Verdict, o.Seconds, o.Routers, o.ids())
					}
					took = append(took, time.Duration(o.Seconds*float64(time.Second)))
					sent = append(sent, o.Sent)
					sets[strings.Join(o.steadyIDs(), " ")]++
					mu.Unlock()
				}
			})
			for set, n := range sets {
				b.Logf("%d times: %s", n, set)
			}
			slices.Sort(sent)
			b.ReportMetric(float64(right), "right")
			b.ReportMetric(float64(len(took)), "runs")
			b.ReportMetric(median(took), "verdict-ms")
			b.ReportMetric(float64(sent[len(sent)/2]), "frames")
			b.ReportMetric(float64(len(sets)), "sets")
			b.ReportMetric(0, "ns/op")
		})
	}
}
