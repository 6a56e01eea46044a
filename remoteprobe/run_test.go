package remoteprobe_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nlbprobe/nlbprobe/diagnose"
	"github.com/nlbprobe/nlbprobe/event"
	"github.com/nlbprobe/nlbprobe/evidence"
	"github.com/nlbprobe/nlbprobe/remoteprobe"
)

const ms = time.Millisecond

var (
	vip     = netip.MustParseAddr("172.16.63.241")
	other   = netip.MustParseAddr("172.16.63.242")
	host    = netip.MustParseAddr("172.16.63.20")
	us      = netip.MustParsePrefix("192.0.2.10/24")
	gateway = netip.MustParseAddr("192.0.2.1")
	second  = netip.MustParseAddr("198.51.100.1")
	third   = netip.MustParseAddr("203.0.113.1")
)

// reply is something that comes back, after a packet.
type reply struct {
	after time.Duration
	told  evidence.Told
}

func says(after time.Duration, w evidence.Word) reply {
	return reply{after, evidence.Told{Word: w}}
}

func icmp(after time.Duration, from netip.Addr, kind, code uint8) reply {
	return reply{after, evidence.Told{Word: evidence.SaidICMP, From: from, Type: kind, Code: code}}
}

// network is a Link on paper: what comes back of each packet.
type network struct {
	answer  func(evidence.Ask) []reply
	begin   time.Time
	sent    []string // each packet, with its time
	asks    []evidence.Ask
	times   []time.Duration
	pending []reply // after is since the beginning
	stop    chan struct{}
	broken  error
}

func newNetwork(answer func(evidence.Ask) []reply) *network {
	return &network{answer: answer, begin: time.Now(), stop: make(chan struct{})}
}

func (n *network) Send(a evidence.Ask) {
	now := time.Since(n.begin)
	n.sent = append(n.sent, fmt.Sprintf("%v %v by %d ttl %d port %d", now, a.Target, a.By, a.TTL, a.Port))
	n.asks = append(n.asks, a)
	n.times = append(n.times, now)
	for _, e := range n.answer(a) {
		if e.told.Of == (evidence.Ask{}) {
			e.told.Of = a
		}
		n.pending = append(n.pending, reply{now + e.after, e.told})
	}
	slices.SortStableFunc(n.pending, func(a, b reply) int { return int(a.after - b.after) })
}

func (n *network) Receive(deadline time.Time) (evidence.Told, time.Time, error) {
	if n.broken != nil {
		return evidence.Told{}, time.Time{}, n.broken
	}
	wait := time.Until(deadline)
	if len(n.pending) > 0 {
		wait = min(wait, time.Until(n.begin.Add(n.pending[0].after)))
	}
	timer := time.NewTimer(max(0, wait))
	defer timer.Stop()
	select {
	case <-n.stop:
		return evidence.Told{}, time.Time{}, os.ErrDeadlineExceeded
	case <-timer.C:
	}
	if len(n.pending) > 0 && time.Since(n.begin) >= n.pending[0].after {
		e := n.pending[0]
		n.pending = n.pending[1:]
		return e.told, time.Now(), nil
	}
	return evidence.Told{}, time.Time{}, os.ErrDeadlineExceeded
}

func (n *network) Interrupt() { close(n.stop) }

// way is a path of routers, a round trip per hop, to a VIP that does as it likes.
func way(rtt time.Duration, routers []netip.Addr, end func(evidence.Ask) []reply) func(evidence.Ask) []reply {
	return func(a evidence.Ask) []reply {
		if n := int(a.TTL); n > 0 && n <= len(routers) {
			if !routers[n-1].IsValid() {
				return nil // a router that says nothing
			}
			return []reply{icmp(time.Duration(n)*rtt, routers[n-1], 11, 0)}
		}
		return end(a)
	}
}

// recorder is a Handler.
type recorder struct {
	heard   []string
	results []event.Result
}

func (r *recorder) Heard(h event.Heard) {
	r.heard = append(r.heard, fmt.Sprintf("%v %d %v %d/%d again %v own %v", h.Told.Of.Target, h.Told.Word, h.Told.From, h.Told.Type, h.Told.Code, h.Again, h.Own))
}
func (r *recorder) Result(x event.Result) { r.results = append(r.results, x) }

func config() remoteprobe.Config {
	return remoteprobe.Config{Interface: "eth0", Addresses: []netip.Prefix{us}, Trace: true, Timing: remoteprobe.DefaultTiming()}
}

func run(ctx context.Context, t *testing.T, cfg remoteprobe.Config, answer func(evidence.Ask) []reply, vips ...netip.Addr) (*network, *recorder) {
	t.Helper()
	n, r := newNetwork(answer), &recorder{}
	if len(vips) == 0 {
		vips = []netip.Addr{vip}
	}
	if err := remoteprobe.Run(ctx, n, cfg, vips, r); err != nil {
		t.Fatal(err)
	}
	if len(r.results) != len(vips) {
		t.Fatalf("%d results", len(r.results))
	}
	seen := make(map[evidence.Ask]bool)
	for _, a := range n.asks {
		if seen[a] {
			t.Errorf("the packet %+v was sent twice", a)
		}
		seen[a] = true
	}
	return n, r
}

func TestRun(t *testing.T) {
	answers := func(evidence.Ask) []reply { return []reply{says(2*ms, evidence.Replied)} }
	nothing := func(evidence.Ask) []reply { return nil }
	// A router that asks for the MAC from the first packet on gives up after 3 s.
	givesUp := func(from netip.Addr) func(evidence.Ask) []reply {
		first := time.Time{}
		return func(a evidence.Ask) []reply {
			if a.Target != vip {
				return answers(a)
			}
			if first.IsZero() {
				first = time.Now()
			}
			return []reply{icmp(time.Until(first.Add(3060*ms)), from, 3, 1)}
		}
	}
	for _, tt := range []struct {
		name    string
		change  func(*remoteprobe.Config)
		network func() func(evidence.Ask) []reply
		verdict diagnose.Verdict
		ids     string
		routers string
		sent    int
		elapsed time.Duration
		heard   string // in what the handler was told
	}{
		{
			name: "it answers", network: func() func(evidence.Ask) []reply { return way(ms, []netip.Addr{gateway}, answers) },
			verdict: diagnose.Reachable, ids: "remote-answers", routers: "192.0.2.1", sent: 5, elapsed: 900 * ms,
		},
		{
			name: "several hosts answer", network: func() func(evidence.Ask) []reply {
				return way(ms, []netip.Addr{gateway}, func(evidence.Ask) []reply {
					return []reply{says(2*ms, evidence.Replied), says(3*ms, evidence.Replied)}
				})
			},
			verdict: diagnose.Reachable, ids: "remote-answers remote-duplicates", routers: "192.0.2.1", sent: 5, elapsed: 900 * ms, heard: "again true",
		},
		{
			name: "a long way, and a router on it that says nothing",
			network: func() func(evidence.Ask) []reply {
				return way(40*ms, []netip.Addr{gateway, {}, second, third}, func(evidence.Ask) []reply { return []reply{says(200*ms, evidence.Replied)} })
			},
			verdict: diagnose.Reachable, ids: "remote-answers", routers: "203.0.113.1", sent: 8, elapsed: 1220 * ms,
		},
		{
			name: "a router has no MAC", network: func() func(evidence.Ask) []reply { return way(ms, []netip.Addr{gateway}, givesUp(gateway)) },
			verdict: diagnose.NoMAC, ids: "remote-host-unreachable", routers: "192.0.2.1", elapsed: 3560 * ms, sent: 9, heard: "192.0.2.1 0 invalid IP",
		},
		{
			name: "with a control host that says nothing for as long", change: func(c *remoteprobe.Config) { c.Controls = []netip.Addr{host} },
			network: func() func(evidence.Ask) []reply {
				gives := givesUp(gateway)
				return way(ms, []netip.Addr{gateway}, func(a evidence.Ask) []reply {
					if a.Target == host {
						return nil
					}
					return gives(a)
				})
			},
			verdict: diagnose.NoMAC, ids: "remote-host-unreachable", routers: "192.0.2.1", elapsed: 3660 * ms, sent: 11,
		},
		{
			// One that answers is not asked again, named twice or not.
			name: "with a control host that answers", change: func(c *remoteprobe.Config) { c.Controls = []netip.Addr{host, host} },
			network: func() func(evidence.Ask) []reply { return way(ms, []netip.Addr{gateway}, givesUp(gateway)) },
			verdict: diagnose.NoMAC, ids: "remote-host-unreachable", routers: "192.0.2.1", elapsed: 3660 * ms, sent: 9,
		},
		{
			name: "the VIP is no control of its own", change: func(c *remoteprobe.Config) { c.Controls = []netip.Addr{vip} },
			network: func() func(evidence.Ask) []reply { return way(ms, []netip.Addr{gateway}, answers) },
			verdict: diagnose.Reachable, ids: "remote-answers", routers: "192.0.2.1", sent: 5, elapsed: 900 * ms,
		},
		{
			name: "routers in a circle", network: func() func(evidence.Ask) []reply {
				return way(ms, []netip.Addr{gateway}, func(evidence.Ask) []reply { return []reply{icmp(90*ms, second, 11, 0)} })
			},
			verdict: diagnose.Silent, ids: "remote-loop", routers: "198.51.100.1", elapsed: 2630 * ms, sent: 33,
		},
		{
			// Of two routers that share the load one has no MAC.
			name: "an error, then an answer", network: func() func(evidence.Ask) []reply {
				return way(ms, []netip.Addr{gateway}, func(evidence.Ask) []reply {
					return []reply{icmp(20*ms, second, 3, 1), says(400*ms, evidence.Replied)}
				})
			},
			verdict: diagnose.Reachable, ids: "remote-unsteady remote-answers", routers: "192.0.2.1", elapsed: 1100 * ms, sent: 6,
		},
		{
			// The first error counts, and who sent it is asked itself.
			name: "errors of two routers", network: func() func(evidence.Ask) []reply {
				return way(ms, []netip.Addr{gateway}, func(a evidence.Ask) []reply {
					if a.Target != vip {
						return []reply{says(ms, evidence.Replied)}
					}
					return []reply{icmp(20*ms, gateway, 3, 1), icmp(300*ms, second, 3, 1)}
				})
			},
			verdict: diagnose.NoMAC, ids: "remote-host-unreachable", routers: "192.0.2.1 198.51.100.1", elapsed: 520 * ms, sent: 4,
		},
		{
			name: "silence ends with its time", network: func() func(evidence.Ask) []reply { return way(ms, []netip.Addr{gateway}, nothing) },
			verdict: diagnose.Silent, ids: "remote-silent", routers: "192.0.2.1", sent: 9, elapsed: 5000 * ms,
		},
		{
			name: "this host has no route", network: func() func(evidence.Ask) []reply {
				return func(evidence.Ask) []reply { return []reply{says(0, evidence.NoRoute)} }
			},
			verdict: diagnose.Silent, ids: "remote-not-sent", elapsed: 500 * ms, sent: 2,
		},
		{
			name: "a redirect ends nothing", network: func() func(evidence.Ask) []reply {
				return way(ms, nil, func(evidence.Ask) []reply { return []reply{icmp(ms, gateway, 5, 1), says(4500*ms, evidence.Replied)} })
			},
			verdict: diagnose.Reachable, ids: "remote-answers", elapsed: 4500 * ms, sent: 8,
		},
		{
			name: "by UDP", change: func(c *remoteprobe.Config) { c.Way, c.NoEcho = evidence.ByUDP, true },
			network: func() func(evidence.Ask) []reply {
				return way(ms, []netip.Addr{gateway}, func(a evidence.Ask) []reply { return []reply{icmp(2*ms, a.Target, 3, 3)} })
			},
			verdict: diagnose.Reachable, ids: "remote-answers remote-echo-not-allowed", routers: "192.0.2.1", sent: 5, elapsed: 900 * ms,
		},
		{
			name: "by connections alone", change: func(c *remoteprobe.Config) {
				c.Way, c.Trace, c.Ports, c.Controls = evidence.ByTCP, false, []uint16{443, 80}, []netip.Addr{host}
			},
			network: func() func(evidence.Ask) []reply {
				return func(a evidence.Ask) []reply {
					if a.Port == 80 {
						return []reply{says(20*ms, evidence.Refused)}
					}
					return []reply{says(10*ms, evidence.Accepted)}
				}
			},
			verdict: diagnose.Reachable, ids: "service-port-closed remote-answers service-port-open", sent: 2, elapsed: 20 * ms,
		},
		{
			name: "a service answers, and echo does not", change: func(c *remoteprobe.Config) { c.Ports = []uint16{443} },
			network: func() func(evidence.Ask) []reply {
				return way(ms, []netip.Addr{gateway}, func(a evidence.Ask) []reply {
					if a.By == evidence.ByTCP {
						return []reply{says(2*ms, evidence.Accepted)}
					}
					return nil
				})
			},
			verdict: diagnose.Reachable, ids: "remote-answers service-port-open", routers: "192.0.2.1", sent: 8, elapsed: 2120 * ms,
		},
		{
			name: "what comes back of others' packets changes nothing", network: func() func(evidence.Ask) []reply {
				return way(ms, []netip.Addr{gateway}, func(a evidence.Ask) []reply {
					b := a
					b.Seq += 1000
					return []reply{{ms, evidence.Told{Of: b, Word: evidence.Replied}}, {ms, evidence.Told{Of: b, Word: evidence.SaidICMP, From: gateway, Type: 3, Code: 1}}}
				})
			},
			verdict: diagnose.Silent, ids: "remote-silent", routers: "192.0.2.1", sent: 9, elapsed: 5000 * ms,
		},
		{
			name: "this host's own gateway is dead", network: func() func(evidence.Ask) []reply { return givesUp(us.Addr()) },
			verdict: diagnose.Silent, ids: "remote-not-sent", elapsed: 3560 * ms, sent: 8, heard: "own true",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				cfg := config()
				if tt.change != nil {
					tt.change(&cfg)
				}
				n, r := run(t.Context(), t, cfg, tt.network())
				x := r.results[0]
				var ids, routers []string
				for _, f := range x.Diagnosis.Findings {
					ids = append(ids, f.ID)
				}
				for _, f := range x.Diagnosis.Routers {
					routers = append(routers, f.IP.String())
				}
				if x.Diagnosis.Verdict != tt.verdict || strings.Join(ids, " ") != tt.ids || strings.Join(routers, " ") != tt.routers {
					t.Errorf("%s, %q, routers %q", x.Diagnosis.Verdict, ids, routers)
				}
				if x.Elapsed != tt.elapsed || x.Sent != tt.sent || len(n.sent) != tt.sent || x.Partial {
					t.Errorf("%v, %d packets, partial %v:\n%s", x.Elapsed, x.Sent, x.Partial, strings.Join(n.sent, "\n"))
				}
				if !strings.Contains(strings.Join(r.heard, "\n"), tt.heard) {
					t.Errorf("told %q", r.heard)
				}
			})
		})
	}
}

// However long it lasts, and whatever floods back, a run is gentle: it tells each
// thing once, keeps within bounds, and ends in time.
func TestFlood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := config()
		cfg.Timing.Wait = 20 * time.Second
		n, r := run(t.Context(), t, cfg, func(evidence.Ask) []reply {
			var all []reply
			for i := range 3000 {
				from := netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)})
				all = append(all, icmp(time.Duration(i)*ms, from, 5, uint8(i%4)))
			}
			return all
		})
		if x := r.results[0]; x.Elapsed != 20*time.Second || len(x.Items) > 2*evidence.PerKind+10 || len(r.heard) > evidence.PerKind {
			t.Errorf("%v, %d items, told %d", x.Elapsed, len(x.Items), len(r.heard))
		}
		for i := range n.times {
			if i >= 5 && n.times[i]-n.times[i-5] < time.Second {
				t.Errorf("6 packets within %v", n.times[i]-n.times[i-5])
			}
		}
	})
}

// Several VIPs are asked side by side, and each has its own answer.
func TestSeveral(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, r := run(t.Context(), t, config(), way(ms, []netip.Addr{gateway}, func(a evidence.Ask) []reply {
			if a.Target == vip {
				return []reply{says(2*ms, evidence.Replied)}
			}
			return nil
		}), vip, other)
		if a, b := r.results[0], r.results[1]; a.VIP != vip || a.Diagnosis.Verdict != diagnose.Reachable || b.VIP != other || b.Diagnosis.Verdict != diagnose.Silent || b.Elapsed != 5005*ms {
			t.Errorf("%+v\n%+v", a, b)
		}
	})
}

func TestInterrupted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 300*ms)
		defer cancel()
		_, r := run(ctx, t, config(), func(evidence.Ask) []reply { return nil })
		if x := r.results[0]; !x.Partial || x.Elapsed != 300*ms || x.Diagnosis.Verdict != diagnose.Silent {
			t.Errorf("%+v", x)
		}
	})
}

// What was learnt before the sockets failed is told.
func TestBroken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n, r := newNetwork(func(evidence.Ask) []reply { return nil }), &recorder{}
		n.broken = errors.New("the socket is gone")
		err := remoteprobe.Run(t.Context(), n, config(), []netip.Addr{vip}, r)
		if !errors.Is(err, n.broken) || len(r.results) != 1 || !r.results[0].Partial {
			t.Errorf("%v, %+v", err, r.results)
		}
	})
}

// A packet's answer is not older than the packet, whatever the clocks say, and what
// another one's numbers bring is nobody's.
func TestHeard(t *testing.T) {
	start := time.Date(2026, 12, 1, 12, 0, 0, 0, time.UTC)
	var n remoteprobe.Numbers
	p := remoteprobe.New(remoteprobe.Task{VIP: vip, Way: evidence.ByEcho}, &n, start, remoteprobe.DefaultTiming())
	a, ok := p.Step(start)
	if !ok {
		t.Fatal("nothing to ask")
	}
	if after, again, ok := p.Heard(evidence.Told{Of: a, Word: evidence.Replied}, start.Add(-ms)); after != 0 || again || !ok {
		t.Errorf("an answer before its packet: %v, again %v, ours %v", after, again, ok)
	}
	if after, again, ok := p.Heard(evidence.Told{Of: a, Word: evidence.Replied}, start.Add(ms)); after != ms || !again || !ok {
		t.Errorf("the answer again: %v, again %v, ours %v", after, again, ok)
	}
	a.Seq++
	if _, _, ok := p.Heard(evidence.Told{Of: a, Word: evidence.Replied}, start.Add(ms)); ok {
		t.Error("an answer to a packet that was not sent")
	}
}

// Numbers tell the packets of a run apart for as long as it lasts: none is 0, which
// stands for a packet without a number.
func TestNumbers(t *testing.T) {
	start := time.Date(2026, 12, 1, 12, 0, 0, 0, time.UTC)
	timing := remoteprobe.DefaultTiming()
	timing.Wait = 100 * time.Hour
	var n remoteprobe.Numbers
	p := remoteprobe.New(remoteprobe.Task{VIP: vip, Way: evidence.ByEcho}, &n, start, timing)
	now := start
	for range 70_000 {
		at, ok := p.Next(now)
		if !ok {
			t.Fatal("it is over")
		}
		now = at
		if a, ok := p.Step(now); !ok || a.Seq == 0 {
			t.Fatalf("%+v, %v", a, ok)
		}
	}
}
