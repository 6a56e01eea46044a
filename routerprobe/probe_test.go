package routerprobe_test

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nlbprobe/nlbprobe/evidence"
	"github.com/nlbprobe/nlbprobe/mac"
	"github.com/nlbprobe/nlbprobe/routerprobe"
)

const ms = time.Millisecond

var (
	us      = routerprobe.Source{MAC: mac.Addr{2, 0, 0, 0, 0, 0x0a}, IP: netip.MustParseAddr("172.16.63.10")}
	router  = routerprobe.Router{IP: netip.MustParseAddr("172.16.63.1"), MAC: mac.Addr{2, 0, 0, 0, 0, 1}}
	node    = mac.Addr{0, 0x15, 0x5d, 0, 0, 1}
	cluster = mac.Addr{0x03, 0xbf, 172, 16, 63, 241}
	vip     = netip.MustParseAddr("172.16.63.241")
	vip2    = netip.MustParseAddr("172.16.63.242")
	host    = netip.MustParseAddr("172.16.63.20")
	dawn    = time.Unix(1000, 0)
)

// sent is a packet that a probe wanted sent, as the test reads it.
type sent struct {
	at       time.Duration // after the start
	kind     string        // "echo", "syn", "rst"
	to       netip.Addr
	id, port uint16 // identifier or source port; destination port
	seq      uint32
	token    uint64
}

func (s sent) String() string {
	if s.kind == "echo" {
		return fmt.Sprintf("%v echo %v", s.at, s.to)
	}
	return fmt.Sprintf("%v %s %v:%d", s.at, s.kind, s.to, s.port)
}

func read(t *testing.T, at time.Duration, b []byte) sent {
	t.Helper()
	if len(b) < 60 || mac.From(b) != router.MAC || mac.From(b[6:]) != us.MAC || netip.AddrFrom4([4]byte(b[26:])) != us.IP {
		t.Fatalf("frame % x is not from us to the router", b)
	}
	word := func(i int) uint16 { return uint16(b[i])<<8 | uint16(b[i+1]) }
	s := sent{at: at, to: netip.AddrFrom4([4]byte(b[30:]))}
	switch {
	case b[23] == 1:
		s.kind, s.id, s.seq, s.token = "echo", word(38), uint32(word(40)), binary.BigEndian.Uint64(b[42:])
	case b[47] == 0x02, b[47] == 0x04:
		s.kind, s.id, s.port, s.seq = map[byte]string{2: "syn", 4: "rst"}[b[47]], word(34), word(36), uint32(word(38))<<16|uint32(word(40))
	default:
		t.Fatalf("frame % x is none of ours", b)
	}
	return s
}

// The network's answers to a packet, for the tests' rows.

func replies(s sent) evidence.Fact {
	return evidence.Echo{Reply: true, EthSrc: node, EthDst: us.MAC, Src: s.to, Dst: us.IP, TTL: 128, ID: s.id, Seq: uint16(s.seq), Token: s.token}
}

func forwards(s sent) evidence.Fact {
	return evidence.Echo{EthSrc: router.MAC, EthDst: cluster, Src: us.IP, Dst: s.to, TTL: 63, ID: s.id, Seq: uint16(s.seq), Token: s.token}
}

func segment(s sent) evidence.TCP {
	return evidence.TCP{EthSrc: node, EthDst: us.MAC, Src: netip.AddrPortFrom(s.to, s.port), Dst: netip.AddrPortFrom(us.IP, s.id), TTL: 128, Number: s.seq + 1}
}

func accepts(s sent) evidence.Fact {
	f := segment(s)
	f.SYN, f.ACK = true, true
	return f
}

func refuses(s sent) evidence.Fact {
	f := segment(s)
	f.RST, f.ACK = true, true
	return f
}

func failure(s sent, from netip.Addr, kind, code uint8) evidence.ICMPError {
	f := evidence.ICMPError{
		Type: kind, Code: code, EthSrc: router.MAC, From: from, To: us.IP,
		Src: us.IP, Dst: s.to, Protocol: 1, ID: s.id, Seq: s.seq,
	}
	if s.kind != "echo" {
		f.Protocol, f.Port = 6, s.port
	}
	return f
}

func unreachable(s sent) evidence.Fact { return failure(s, router.IP, 3, 1) }

// asks is the router's own question for the VIP.
func asks() evidence.Fact {
	return evidence.ARP{Op: evidence.Request, EthSrc: router.MAC, EthDst: mac.Broadcast, SenderMAC: router.MAC, SenderIP: router.IP, TargetIP: vip}
}

// event is something to be heard at an instant.
type event struct {
	at   time.Duration
	fact evidence.Fact
}

// drive runs a probe on paper: it steps whenever the probe wants to, and answers
// each packet by what network returns for it. It returns all packets, and when
// the probe was over.
func drive(t *testing.T, p *routerprobe.Probe, events []event, network func(sent) []event) (all []sent, over time.Duration) {
	t.Helper()
	now := dawn
	for range 10_000 {
		at, ok := p.Next()
		if ok == p.Done() {
			t.Fatalf("next step %v, done %v", ok, p.Done())
		}
		if !ok {
			return all, now.Sub(dawn)
		}
		slices.SortStableFunc(events, func(a, b event) int { return int(a.at - b.at) })
		if len(events) > 0 && !dawn.Add(events[0].at).After(at) {
			now = dawn.Add(events[0].at)
			p.Heard(events[0].fact, now)
			events = events[1:]
			continue
		}
		if b := p.Step(at.Add(-time.Nanosecond)); b != nil {
			t.Fatal("it asked before its time")
		}
		if at.After(now) {
			now = at
		}
		if b := p.Step(now); b != nil {
			s := read(t, now.Sub(dawn), b)
			all = append(all, s)
			if network != nil {
				for _, e := range network(s) {
					events = append(events, event{s.at + e.at, e.fact})
				}
			}
		}
	}
	t.Fatal("the probe never ends")
	return nil, 0
}

func newProbe(t *testing.T, targets ...routerprobe.Target) *routerprobe.Probe {
	t.Helper()
	p, err := routerprobe.New(us, router, targets, routerprobe.NewIDs(routerprobe.Seed{1}), dawn, routerprobe.DefaultTiming())
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// A control that is found late is asked for like any other; a probe that has
// ended takes none.
func TestProbeAddControl(t *testing.T) {
	ids := routerprobe.NewIDs(routerprobe.Seed{1})
	target := routerprobe.Target{IP: vip, MAC: cluster, Answered: dawn}
	p, err := routerprobe.New(us, router, []routerprobe.Target{target}, ids, dawn, routerprobe.DefaultTiming())
	if err != nil {
		t.Fatal(err)
	}
	for _, ip := range []netip.Addr{host, host, vip, us.IP, router.IP} {
		if err := p.AddControl(ip, 300*ms, ids); err != nil {
			t.Fatal(err)
		}
	}
	all, _ := drive(t, p, nil, func(s sent) []event {
		if s.to != host {
			return nil
		}
		return []event{{ms, replies(s)}}
	})
	if len(all) < 2 || all[1].to != host || all[1].at != 300*ms || all[2].to != vip {
		t.Errorf("sent %v", all)
	}
	if err := p.AddControl(netip.MustParseAddr("172.16.63.99"), 0, ids); err != nil || !p.Done() || p.Has(netip.MustParseAddr("172.16.63.99")) {
		t.Errorf("%v, done %v", err, p.Done())
	}
}

// One that nobody calls a router is given little time, unless it shows that it
// is one.
func TestProbeSign(t *testing.T) {
	target := routerprobe.Target{IP: vip, MAC: cluster, Answered: dawn}
	for _, tt := range []struct {
		name    string
		network func(sent) []event
		events  []event
		over    time.Duration
		outcome routerprobe.Outcome
	}{
		{"silence", nil, nil, 1200 * ms, routerprobe.Silent},
		{"it answers at once", func(s sent) []event { return []event{{ms, replies(s)}} }, nil, ms, routerprobe.Delivered},
		{"it would forward", func(s sent) []event {
			return []event{{ms, failure(s, router.IP, 5, 1)}, {3060 * ms, unreachable(s)}}
		}, nil, 3060 * ms, routerprobe.Unreachable},
		{"it asks", func(s sent) []event { return []event{{3060 * ms, unreachable(s)}} }, []event{{ms, asks()}}, 3060 * ms, routerprobe.Unreachable},
		{"it asked before, and no more", nil, []event{{-ms, asks()}}, 1200 * ms, routerprobe.Silent},
	} {
		t.Run(tt.name, func(t *testing.T) {
			timing := routerprobe.DefaultTiming()
			timing.Sign = 1200 * ms
			p, err := routerprobe.New(us, router, []routerprobe.Target{target}, routerprobe.NewIDs(routerprobe.Seed{1}), dawn, timing)
			if err != nil {
				t.Fatal(err)
			}
			if _, over := drive(t, p, tt.events, tt.network); over != tt.over || p.Outcome(vip) != tt.outcome {
				t.Errorf("%v after %v, want %v after %v", p.Outcome(vip), over, tt.outcome, tt.over)
			}
		})
	}
}

func TestProbe(t *testing.T) {
	target := routerprobe.Target{IP: vip, MAC: cluster, Answered: dawn}
	web := target
	web.Ports = []uint16{443}
	control := routerprobe.Target{IP: host, Control: true}
	// on answers packets of that kind for that address.
	on := func(kind string, to netip.Addr, after time.Duration, f func(sent) evidence.Fact) func(sent) []event {
		return func(s sent) []event {
			if s.kind != kind || s.to != to {
				return nil
			}
			return []event{{after, f(s)}}
		}
	}
	both := func(fs ...func(sent) []event) func(sent) []event {
		return func(s sent) (all []event) {
			for _, f := range fs {
				all = append(all, f(s)...)
			}
			return all
		}
	}
	tests := []struct {
		name    string
		targets []routerprobe.Target
		network func(sent) []event
		events  []event
		packets string
		over    time.Duration
		outcome routerprobe.Outcome // the VIP's
	}{
		{
			name: "silence", targets: []routerprobe.Target{target},
			packets: "0s echo V, 1s echo V, 2s echo V, 3s echo V, 4s echo V", over: 5 * time.Second, outcome: routerprobe.Silent,
		}, {
			name: "the first echo is answered", targets: []routerprobe.Target{target},
			network: on("echo", vip, 2*ms, replies),
			packets: "0s echo V", over: 2 * ms, outcome: routerprobe.Delivered,
		}, {
			// Nobody needs the control then.
			name: "both are answered at once", targets: []routerprobe.Target{control, target},
			network: both(on("echo", vip, 2*ms, replies), on("echo", host, 3*ms, replies)),
			packets: "0s echo V, 0s echo C", over: 2 * ms, outcome: routerprobe.Delivered,
		}, {
			name: "only the control is answered", targets: []routerprobe.Target{target, control},
			network: on("echo", host, 1*ms, replies),
			packets: "0s echo V, 0s echo C, 1s echo V, 2s echo V, 3s echo V, 4s echo V", over: 5 * time.Second, outcome: routerprobe.Silent,
		}, {
			name: "both are silent: they take turns", targets: []routerprobe.Target{target, control},
			packets: "0s echo V, 0s echo C, 1s echo V, 2s echo C, 3s echo V, 4s echo C", over: 5 * time.Second, outcome: routerprobe.Silent,
		}, {
			name: "host unreachable after ARP's three seconds", targets: []routerprobe.Target{target, control},
			network: both(on("echo", vip, 3060*ms, unreachable), on("echo", host, 1*ms, replies)),
			packets: "0s echo V, 0s echo C, 1s echo V, 2s echo V, 3s echo V", over: 3060 * ms, outcome: routerprobe.Unreachable,
		}, {
			name: "the router would forward, and asks again and again", targets: []routerprobe.Target{target, control},
			network: on("echo", vip, 1*ms, func(s sent) evidence.Fact { return failure(s, router.IP, 5, 1) }),
			events:  []event{{1 * ms, asks()}, {1025 * ms, asks()}, {2049 * ms, asks()}},
			packets: "0s echo V, 0s echo C, 1s echo V, 2s echo C", over: 2049 * ms, outcome: routerprobe.Asking,
		}, {
			// It may ask for others' packets: what it says of ours is waited for.
			name: "the router asks again and again, and says nothing of our packets", targets: []routerprobe.Target{target},
			network: on("echo", vip, 3060*ms, unreachable),
			events:  []event{{1 * ms, asks()}, {1025 * ms, asks()}, {2049 * ms, asks()}},
			packets: "0s echo V, 1s echo V, 2s echo V, 3s echo V", over: 3060 * ms, outcome: routerprobe.Unreachable,
		}, {
			// Three requests within a moment may have crossed the first answer.
			name: "the router asks thrice at once, then takes the answer", targets: []routerprobe.Target{target},
			events:  []event{{1 * ms, asks()}, {2 * ms, asks()}, {3 * ms, asks()}},
			packets: "0s echo V, 1s echo V, 2s echo V, 3s echo V, 4s echo V", over: 5 * time.Second, outcome: routerprobe.Silent,
		}, {
			name: "who never answered does not answer the router either", targets: []routerprobe.Target{{IP: vip}},
			events:  []event{{1 * ms, asks()}, {1025 * ms, asks()}, {2049 * ms, asks()}},
			packets: "0s echo V, 1s echo V, 2s echo V, 3s echo V, 4s echo V", over: 5 * time.Second, outcome: routerprobe.Silent,
		}, {
			// A redirect proves that it would forward, not that it could.
			name: "redirect, then silence", targets: []routerprobe.Target{target},
			network: on("echo", vip, 1*ms, func(s sent) evidence.Fact { return failure(s, router.IP, 5, 1) }),
			packets: "0s echo V, 1s echo V, 2s echo V, 3s echo V, 4s echo V", over: 5 * time.Second, outcome: routerprobe.Silent,
		}, {
			name: "our request is seen on its way to the cluster", targets: []routerprobe.Target{target},
			network: on("echo", vip, 1*ms, forwards),
			packets: "0s echo V", over: 1 * ms, outcome: routerprobe.Delivered,
		}, {
			name: "time exceeded: a loop", targets: []routerprobe.Target{target},
			network: on("echo", vip, 1*ms, func(s sent) evidence.Fact { return failure(s, router.IP, 11, 0) }),
			packets: "0s echo V", over: 1 * ms, outcome: routerprobe.Unreachable,
		}, {
			name: "a firewall lets no echo through, but the port", targets: []routerprobe.Target{web},
			network: both(on("echo", vip, 1*ms, func(s sent) evidence.Fact { return failure(s, router.IP, 3, 13) }), on("syn", vip, 2*ms, accepts)),
			packets: "0s echo V, 1s syn V:443, 1.002s rst V:443", over: 1002 * ms, outcome: routerprobe.Delivered,
		}, {
			name: "a firewall lets nothing through", targets: []routerprobe.Target{web},
			network: both(on("echo", vip, 1*ms, func(s sent) evidence.Fact { return failure(s, router.IP, 3, 13) }),
				on("syn", vip, 1*ms, func(s sent) evidence.Fact { return failure(s, router.IP, 3, 10) })),
			packets: "0s echo V, 1s syn V:443", over: 1001 * ms, outcome: routerprobe.Prohibited,
		}, {
			name: "a node refuses in its own name", targets: []routerprobe.Target{target},
			network: on("echo", vip, 1*ms, func(s sent) evidence.Fact {
				f := failure(s, vip, 3, 10)
				f.EthSrc = node
				return f
			}),
			packets: "0s echo V", over: 1 * ms, outcome: routerprobe.Delivered,
		}, {
			name: "a firewall refuses in the VIP's name", targets: []routerprobe.Target{target},
			network: on("echo", vip, 1*ms, func(s sent) evidence.Fact { return failure(s, vip, 3, 10) }),
			packets: "0s echo V", over: 1 * ms, outcome: routerprobe.Prohibited,
		}, {
			name: "the router answers in the VIP's name", targets: []routerprobe.Target{target},
			network: on("echo", vip, 1*ms, func(s sent) evidence.Fact {
				f := replies(s).(evidence.Echo)
				f.EthSrc = router.MAC
				return f
			}),
			packets: "0s echo V", over: 1 * ms, outcome: routerprobe.Prohibited,
		}, {
			name: "the router resets the connection in the VIP's name", targets: []routerprobe.Target{web},
			network: on("syn", vip, 1*ms, func(s sent) evidence.Fact {
				f := refuses(s).(evidence.TCP)
				f.EthSrc = router.MAC
				return f
			}),
			packets: "0s echo V, 1s syn V:443, 2s echo V, 3s echo V, 4s echo V", over: 5 * time.Second, outcome: routerprobe.Silent,
		}, {
			name: "the router opens the connection in the VIP's name", targets: []routerprobe.Target{web},
			network: on("syn", vip, 1*ms, func(s sent) evidence.Fact {
				f := accepts(s).(evidence.TCP)
				f.EthSrc = router.MAC
				return f
			}),
			packets: "0s echo V, 1s syn V:443, 1.001s rst V:443, 2s echo V, 3s echo V, 4s echo V", over: 5 * time.Second, outcome: routerprobe.Silent,
		}, {
			// Its host refuses: the packet was there.
			name: "port unreachable from the VIP itself", targets: []routerprobe.Target{web},
			network: on("syn", vip, 1*ms, func(s sent) evidence.Fact {
				f := failure(s, vip, 3, 3)
				f.EthSrc = node
				return f
			}),
			packets: "0s echo V, 1s syn V:443", over: 1001 * ms, outcome: routerprobe.Delivered,
		}, {
			name: "port open: the connection is closed", targets: []routerprobe.Target{web},
			network: on("syn", vip, 1*ms, accepts),
			packets: "0s echo V, 1s syn V:443, 1.001s rst V:443", over: 1001 * ms, outcome: routerprobe.Delivered,
		}, {
			name: "port closed: nothing to close", targets: []routerprobe.Target{web},
			network: on("syn", vip, 1*ms, refuses),
			packets: "0s echo V, 1s syn V:443", over: 1001 * ms, outcome: routerprobe.Delivered,
		}, {
			// Its SYN and ACK may come when nobody listens any more.
			name: "an echo is answered while a SYN is out", targets: []routerprobe.Target{web},
			network: on("echo", vip, 1500*ms, replies),
			packets: "0s echo V, 1s syn V:443, 1.5s rst V:443", over: 1500 * ms, outcome: routerprobe.Delivered,
		}, {
			name: "echo, port and control take turns", targets: []routerprobe.Target{web, control},
			packets: "0s echo V, 0s echo C, 1s syn V:443, 2s echo V, 3s echo C, 4s syn V:443", over: 5 * time.Second, outcome: routerprobe.Silent,
		}, {
			// Whoever has not been asked for comes first; each has its whole time.
			name: "two VIPs and a control", targets: []routerprobe.Target{target, {IP: vip2}, control},
			network: on("echo", vip, 1200*ms, replies),
			packets: "0s echo V, 0s echo W, 1s echo C, 2s echo W, 3s echo C, 4s echo W", over: 5 * time.Second, outcome: routerprobe.Delivered,
		}, {
			// A control that may not be needed is asked for when the VIP was silent
			// for a while.
			name: "a control for later", targets: []routerprobe.Target{target, {IP: host, Control: true, After: 300 * ms}},
			network: on("echo", host, 1*ms, replies),
			packets: "0s echo V, 300ms echo C, 1.3s echo V, 2.3s echo V, 3.3s echo V, 4.3s echo V", over: 5 * time.Second, outcome: routerprobe.Silent,
		}, {
			name: "a control for later is not needed", targets: []routerprobe.Target{target, {IP: host, Control: true, After: 300 * ms}},
			network: on("echo", vip, 2*ms, replies),
			packets: "0s echo V", over: 2 * ms, outcome: routerprobe.Delivered,
		}, {
			name: "no target", over: 0, outcome: routerprobe.Open,
		}, {
			name: "a control alone proves nothing", targets: []routerprobe.Target{control}, over: 0, outcome: routerprobe.Open,
		},
	}
	letters := strings.NewReplacer(vip.String(), "V", vip2.String(), "W", host.String(), "C")
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := newProbe(t, tt.targets...)
			all, over := drive(t, p, tt.events, tt.network)
			var packets []string
			for _, s := range all {
				packets = append(packets, letters.Replace(s.String()))
			}
			if got := strings.Join(packets, ", "); got != tt.packets || over != tt.over {
				t.Errorf("sent %s, over at %v\nwant %s, %v", got, over, tt.packets, tt.over)
			}
			if got := p.Outcome(vip); got != tt.outcome {
				t.Errorf("outcome %v, want %v", got, tt.outcome)
			}
		})
	}
}

// The RST names the sequence number after the SYN's, or the host ignores it; a
// SYN sent again is the same one.
func TestProbeReset(t *testing.T) {
	p := newProbe(t, routerprobe.Target{IP: vip, Ports: []uint16{443}})
	syns := 0
	all, _ := drive(t, p, nil, func(s sent) []event {
		if s.kind == "syn" {
			if syns++; syns == 2 {
				return []event{{ms, accepts(s)}}
			}
		}
		return nil
	})
	var syn, rst []sent
	for _, s := range all {
		switch s.kind {
		case "syn":
			syn = append(syn, s)
		case "rst":
			rst = append(rst, s)
		}
	}
	if len(syn) != 2 || len(rst) != 1 || syn[0].seq != syn[1].seq || syn[0].id != syn[1].id || rst[0].seq != syn[0].seq+1 || rst[0].id != syn[0].id {
		t.Errorf("SYNs %+v, RSTs %+v", syn, rst)
	}
}

// What only looks like an answer ends nothing.
func TestProbeForeign(t *testing.T) {
	echo := func(change func(*evidence.Echo)) func(sent) evidence.Fact {
		return func(s sent) evidence.Fact {
			f := replies(s).(evidence.Echo)
			change(&f)
			return f
		}
	}
	copied := func(change func(*evidence.Echo)) func(sent) evidence.Fact {
		return func(s sent) evidence.Fact {
			f := forwards(s).(evidence.Echo)
			change(&f)
			return f
		}
	}
	failed := func(change func(*evidence.ICMPError)) func(sent) evidence.Fact {
		return func(s sent) evidence.Fact {
			f := unreachable(s).(evidence.ICMPError)
			change(&f)
			return f
		}
	}
	arp := func(change func(*evidence.ARP)) func(sent) evidence.Fact {
		return func(sent) evidence.Fact {
			f := asks().(evidence.ARP)
			change(&f)
			return f
		}
	}
	tests := []struct {
		name string
		fact func(sent) evidence.Fact // in answer to each echo request
	}{
		{"another run's reply", echo(func(f *evidence.Echo) { f.ID++ })},
		{"a reply from another address", echo(func(f *evidence.Echo) { f.Src = host })},
		{"a reply to another address", echo(func(f *evidence.Echo) { f.Dst = host })},
		{"a reply of our own", echo(func(f *evidence.Echo) { f.Out = true })},
		{"our own request", copied(func(f *evidence.Echo) { f.EthSrc, f.EthDst, f.TTL, f.Out = us.MAC, router.MAC, 64, true })},
		{"our own request, back from the switch", copied(func(f *evidence.Echo) { f.EthSrc, f.EthDst, f.TTL = us.MAC, router.MAC, 64 })},
		{"forwarded to another MAC", copied(func(f *evidence.Echo) { f.EthDst = node })},
		{"forwarded by more than one hop", copied(func(f *evidence.Echo) { f.TTL = 62 })},
		{"somebody else's request", copied(func(f *evidence.Echo) { f.Src = host })},
		{"an error about another run", failed(func(f *evidence.ICMPError) { f.ID++ })},
		{"an error about another address", failed(func(f *evidence.ICMPError) { f.Dst = host })},
		{"an error about another host's packet", failed(func(f *evidence.ICMPError) { f.Src = host })},
		{"an error about TCP", failed(func(f *evidence.ICMPError) { f.Protocol = 6 })},
		{"an error whose quote is cut", failed(func(f *evidence.ICMPError) { f.ID, f.Protocol, f.Src, f.Dst = 0, 0, netip.Addr{}, netip.Addr{} })},
		{"the VIP asks us", func(sent) evidence.Fact {
			return evidence.ARP{Op: evidence.Request, EthSrc: node, EthDst: us.MAC, SenderMAC: node, SenderIP: vip, TargetIP: us.IP}
		}},
		{"another host asks", arp(func(f *evidence.ARP) { f.SenderIP, f.SenderMAC = host, node })},
		{"we ask as the router would", arp(func(f *evidence.ARP) { f.Out = true })},
		{"the router asks for another", arp(func(f *evidence.ARP) { f.TargetIP = host })},
		{"the router answers", arp(func(f *evidence.ARP) { f.Op = evidence.Reply })},
		{"no packet at all", func(sent) evidence.Fact { return evidence.Lost{Interface: "eth0"} }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := newProbe(t, routerprobe.Target{IP: vip, MAC: cluster, Answered: dawn})
			all, over := drive(t, p, nil, func(s sent) []event { return []event{{ms, tt.fact(s)}} })
			if len(all) != 5 || over != 5*time.Second || p.Outcome(vip) != routerprobe.Silent {
				t.Errorf("%v after %v", p.Outcome(vip), over)
			}
		})
	}

	// A target whose MAC is not known is not reached by a frame to no MAC.
	p := newProbe(t, routerprobe.Target{IP: vip, Answered: dawn})
	if drive(t, p, nil, func(s sent) []event {
		return []event{{ms, evidence.Echo{EthSrc: router.MAC, Src: us.IP, Dst: s.to, TTL: 63, ID: s.id, Seq: uint16(s.seq), Token: s.token}}}
	}); p.Outcome(vip) != routerprobe.Silent {
		t.Errorf("forwarded to nobody: %v", p.Outcome(vip))
	}
	// Requests from before the answer do not count.
	p = newProbe(t, routerprobe.Target{IP: vip, Answered: dawn.Add(2 * time.Second)})
	drive(t, p, []event{{1 * ms, asks()}, {1000 * ms, asks()}, {2001 * ms, asks()}, {2500 * ms, asks()}}, nil)
	if p.Outcome(vip) != routerprobe.Silent {
		t.Errorf("%v", p.Outcome(vip))
	}
	// Nor does an answer to what was not asked.
	p = newProbe(t, routerprobe.Target{IP: vip})
	for id := range 1 << 16 {
		if p.Heard(replies(sent{kind: "echo", to: vip, id: uint16(id)}), dawn) {
			t.Fatal("an answer before the question")
		}
	}
}

// TestProbeRate holds, over random networks and callers, that the router gets no
// more than the opening packets at once, after that none within a second of
// another, one RST for each SYN at most, and that the probe ends.
func TestProbeRate(t *testing.T) {
	timing := routerprobe.DefaultTiming()
	for seed := range uint64(3000) {
		rng := rand.New(rand.NewPCG(seed, 1))
		var targets []routerprobe.Target
		for i := range 1 + rng.IntN(6) {
			tg := routerprobe.Target{IP: netip.AddrFrom4([4]byte{172, 16, 63, byte(100 + i)}), Control: rng.IntN(3) == 0}
			for range rng.IntN(4) {
				tg.Ports = append(tg.Ports, uint16(rng.IntN(1<<16)|1))
			}
			if rng.IntN(2) == 0 {
				tg.MAC, tg.Answered = cluster, dawn
			}
			targets = append(targets, tg)
		}
		p, err := routerprobe.New(us, router, targets, routerprobe.NewIDs(routerprobe.Seed{byte(seed), byte(seed >> 8)}), dawn, timing)
		if err != nil {
			t.Fatal(err)
		}
		now := dawn
		var questions []time.Time
		var newest []sent
		syns, rsts := 0, 0
		for steps := 0; !p.Done(); steps++ {
			if steps > 100_000 || now.Sub(dawn) > time.Hour {
				t.Fatalf("seed %d: no end", seed)
			}
			// The caller is punctual, early, or late.
			if at, ok := p.Next(); ok && rng.IntN(2) == 0 && at.After(now) {
				now = at
			}
			now = now.Add(time.Duration(rng.IntN(400)) * ms)
			for b := p.Step(now); b != nil; b = p.Step(now) {
				s := read(t, now.Sub(dawn), b)
				switch s.kind {
				case "rst":
					rsts++
					continue
				case "syn":
					syns++
				}
				questions = append(questions, now)
				newest = append(newest, s)
			}
			for range rng.IntN(3) {
				if len(newest) == 0 {
					break
				}
				s := newest[rng.IntN(len(newest))]
				f := []evidence.Fact{
					replies(s), forwards(s), accepts(s), refuses(s), unreachable(s), asks(),
					failure(s, router.IP, 3, 13), failure(s, router.IP, 5, 1), failure(s, s.to, 3, 3),
				}[rng.IntN(9)]
				if rng.IntN(3) > 0 {
					p.Heard(f, now)
				}
			}
		}
		for i := range questions {
			if i >= timing.Opening && questions[i].Sub(questions[i-1]) < timing.Every {
				t.Fatalf("seed %d: packets at %v and %v", seed, questions[i-1].Sub(dawn), questions[i].Sub(dawn))
			}
		}
		if rsts > syns {
			t.Fatalf("seed %d: %d RSTs for %d SYNs", seed, rsts, syns)
		}
	}
}

// A flood of facts costs no memory and does not keep the probe going.
func TestProbeHostile(t *testing.T) {
	p := newProbe(t, routerprobe.Target{IP: vip, MAC: cluster, Answered: dawn, Ports: []uint16{443}})
	if p.Step(dawn) == nil {
		t.Fatal("it did not ask")
	}
	flood := []evidence.Fact{
		evidence.Echo{Reply: true, Src: vip, Dst: us.IP}, evidence.TCP{SYN: true, Src: netip.AddrPortFrom(us.IP, 1), Dst: netip.AddrPortFrom(vip, 443)},
		evidence.ICMPError{Type: 3, Code: 1, Src: us.IP, Dst: vip, Protocol: 1}, evidence.ARP{Op: evidence.Request, TargetIP: vip}, evidence.Hello{},
	}
	allocs := testing.AllocsPerRun(1000, func() {
		for _, f := range flood {
			p.Heard(f, dawn)
		}
	})
	if allocs != 0 || p.Outcome(vip) != routerprobe.Open {
		t.Errorf("%v allocations, %v", allocs, p.Outcome(vip))
	}
	// The router's requests, a million of them in no time, prove nothing.
	for range 1_000_000 {
		p.Heard(asks(), dawn.Add(ms))
	}
	if p.Outcome(vip) != routerprobe.Open {
		t.Error(p.Outcome(vip))
	}
	if at, ok := p.Next(); !ok || !at.Equal(dawn.Add(time.Second)) {
		t.Errorf("next at %v, %v", at.Sub(dawn), ok)
	}
}

// A start that comes late still gives the whole time for answers, and nothing is
// made up for.
func TestProbeLate(t *testing.T) {
	p := newProbe(t, routerprobe.Target{IP: vip})
	late := dawn.Add(10 * time.Second)
	if p.Step(late) == nil || p.Step(late) != nil {
		t.Fatal("not one packet")
	}
	if at, ok := p.Next(); !ok || !at.Equal(late.Add(time.Second)) {
		t.Errorf("next at %v, %v", at.Sub(late), ok)
	}
	if p.Step(late.Add(4999*ms)) == nil || p.Step(late.Add(4999*ms)) != nil {
		t.Error("missed packets are made up for")
	}
	if p.Step(late.Add(5 * time.Second)); p.Outcome(vip) != routerprobe.Silent || !p.Done() {
		t.Error(p.Outcome(vip))
	}
}

func TestNewErrors(t *testing.T) {
	target := routerprobe.Target{IP: vip}
	tests := []struct {
		name    string
		src     routerprobe.Source
		targets []routerprobe.Target
		want    string
	}{
		{"twice", us, []routerprobe.Target{target, target}, "asked for twice"},
		{"the router", us, []routerprobe.Target{{IP: router.IP}}, "is the router"},
		{"this host", us, []routerprobe.Target{{IP: us.IP, Control: true}}, "this host"},
		{"IPv6", us, []routerprobe.Target{{IP: netip.MustParseAddr("2001:db8::1")}}, "not an IPv4 address"},
		{"no address of our own", routerprobe.Source{MAC: us.MAC}, []routerprobe.Target{target}, "not an IPv4 address of this host"},
		{"0.0.0.0", routerprobe.Source{MAC: us.MAC, IP: netip.IPv4Unspecified()}, []routerprobe.Target{target}, "not an IPv4 address of this host"},
		{"port 0", us, []routerprobe.Target{{IP: vip, Ports: []uint16{0}}}, "port 0"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, err := routerprobe.New(tt.src, router, tt.targets, routerprobe.NewIDs(routerprobe.Seed{1}), dawn, routerprobe.DefaultTiming())
			if err == nil || p != nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want one that says %q", err, tt.want)
			}
		})
	}
}

// Two routers, asked for the same targets in one run, have nothing in common;
// and a run does not look like another.
func TestIDs(t *testing.T) {
	collect := func(seed uint64) map[string]bool {
		ids, seen := routerprobe.NewIDs(routerprobe.Seed{byte(seed), byte(seed >> 8)}), make(map[string]bool)
		for range 40 {
			p, err := routerprobe.New(us, router, []routerprobe.Target{{IP: vip, Ports: []uint16{80, 443}}, {IP: vip2}}, ids, dawn, routerprobe.DefaultTiming())
			if err != nil {
				t.Fatal(err)
			}
			mine := make(map[string]bool)
			all, _ := drive(t, p, nil, nil)
			for _, s := range all {
				if s.kind == "syn" && s.id < 61000 {
					t.Errorf("source port %d is one of the kernel's", s.id)
				}
				mine[fmt.Sprint(s.kind, s.id)] = true
			}
			if len(mine) != 4 {
				t.Fatalf("%d identifiers for 4 kinds of packets", len(mine))
			}
			for id := range mine {
				if seen[id] {
					t.Fatalf("%s twice", id)
				}
				seen[id] = true
			}
		}
		return seen
	}
	a, b := collect(1), collect(2)
	same := 0
	for id := range a {
		if b[id] {
			same++
		}
	}
	if same > len(a)*3/4 {
		t.Errorf("%d of %d identifiers come again with another seed", same, len(a))
	}
}

// What repeats only some of our numbers is no answer to us: whoever has not seen
// the question knows none of them.
func TestProbeIgnoresOtherNumbers(t *testing.T) {
	for name, forge := range map[string]func(sent) evidence.Fact{
		"an echo reply with another sequence number": func(s sent) evidence.Fact { s.seq ^= 1; return replies(s) },
		"an echo reply with another payload":         func(s sent) evidence.Fact { s.token ^= 1; return replies(s) },
		"a copy with another payload":                func(s sent) evidence.Fact { s.token ^= 1; return forwards(s) },
		"unreachable with another sequence number":   func(s sent) evidence.Fact { s.seq ^= 1; return unreachable(s) },
		"unreachable that quotes another payload": func(s sent) evidence.Fact {
			e := failure(s, router.IP, 3, 1)
			if e.Payload = s.kind == "echo"; !e.Payload {
				e.Seq++
			}
			return e
		},
		"SYN, ACK of another number": func(s sent) evidence.Fact { s.seq++; return accepts(s) },
		"RST of another number":      func(s sent) evidence.Fact { s.seq++; return refuses(s) },
		"RST that acknowledges nothing": func(s sent) evidence.Fact {
			f := segment(s)
			f.RST, f.Number = true, s.seq
			return f
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := newProbe(t, routerprobe.Target{IP: vip, MAC: cluster, Answered: dawn, Ports: []uint16{443}})
			drive(t, p, nil, func(s sent) []event { return []event{{ms, forge(s)}} })
			if got := p.Outcome(vip); got != routerprobe.Silent {
				t.Errorf("it ended %v", got)
			}
		})
	}
}

func BenchmarkHeard(b *testing.B) {
	p, err := routerprobe.New(us, router, []routerprobe.Target{{IP: vip, Ports: []uint16{443}}, {IP: host, Control: true}}, routerprobe.NewIDs(routerprobe.Seed{1}), dawn, routerprobe.DefaultTiming())
	if err != nil {
		b.Fatal(err)
	}
	p.Step(dawn)
	p.Step(dawn)
	var f evidence.Fact = evidence.Echo{Reply: true, Src: vip2, Dst: us.IP}
	b.ReportAllocs()
	for b.Loop() {
		p.Heard(f, dawn)
	}
}

// many is n targets of one cluster, each with its own address.
func many(n int, cluster mac.Addr, from byte) []routerprobe.Target {
	all := make([]routerprobe.Target, n)
	for i := range all {
		all[i] = routerprobe.Target{IP: netip.AddrFrom4([4]byte{172, 16, from + byte(i>>8), byte(i)}), MAC: cluster}
	}
	return all
}

// opening returns whom a probe asks for with its first n questions, if nobody
// answers.
func opening(t *testing.T, p *routerprobe.Probe, n int) []netip.Addr {
	t.Helper()
	var all []netip.Addr
	for len(all) < n {
		at, ok := p.Next()
		if !ok {
			t.Fatalf("over after %d questions", len(all))
		}
		if b := p.Step(at); b != nil {
			all = append(all, read(t, at.Sub(dawn), b).to)
		}
	}
	return all
}

// One VIP of each cluster has its turn first, and a control comes behind the
// opening, however many VIPs wait.
func TestProbeTurns(t *testing.T) {
	one, two := mac.Addr{3, 0xbf, 172, 16, 1, 1}, mac.Addr{3, 0xbf, 172, 16, 2, 1}
	control := netip.MustParseAddr("172.16.63.99")
	targets := slices.Concat([]routerprobe.Target{{IP: control, Control: true}}, many(1000, one, 100), many(3, two, 200))
	var turns routerprobe.Turns
	r := router
	r.Turns = &turns
	fresh := func() *routerprobe.Probe {
		t.Helper()
		p, err := routerprobe.New(us, r, targets, routerprobe.NewIDs(routerprobe.Seed{1}), dawn, routerprobe.DefaultTiming())
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	ip := netip.MustParseAddr
	p := fresh()
	got := opening(t, p, 5)
	if want := []netip.Addr{ip("172.16.100.0"), ip("172.16.200.0"), control, ip("172.16.100.1"), ip("172.16.200.1")}; !slices.Equal(got, want) {
		t.Errorf("asked for %v, want %v", got, want)
	}
	// The next run goes on with those that had no turn.
	if got, want := opening(t, fresh(), 5), []netip.Addr{ip("172.16.100.2"), ip("172.16.200.2"), control, ip("172.16.100.3"), ip("172.16.100.4")}; !slices.Equal(got, want) {
		t.Errorf("the second run asked for %v, want %v", got, want)
	}
}

// A probe that has ended goes on for a target that comes later, and one whose turn
// has not come can be left out.
func TestProbeAdd(t *testing.T) {
	ids := routerprobe.NewIDs(routerprobe.Seed{1})
	p := newProbe(t, routerprobe.Target{IP: vip})
	drive(t, p, nil, nil)
	if got := p.Ended(); !p.Done() || !slices.Equal(got, []netip.Addr{vip}) || p.Ended() != nil {
		t.Fatalf("done %v, ended %v", p.Done(), got)
	}
	if err := p.Add(routerprobe.Target{IP: vip}, ids); err == nil {
		t.Error("added twice")
	}
	late := netip.MustParseAddr("172.16.63.77")
	if err := p.Add(routerprobe.Target{IP: late}, ids); err != nil || p.Done() || !p.Has(late) {
		t.Fatalf("%v, done %v", err, p.Done())
	}
	p.Drop(late)
	if !p.Done() || p.Has(late) {
		t.Error("not left out")
	}
	if err := p.Add(routerprobe.Target{IP: late}, ids); err != nil {
		t.Fatal(err)
	}
	all, _ := drive(t, p, nil, nil)
	if len(all) == 0 || all[0].to != late || p.Outcome(late) != routerprobe.Silent {
		t.Errorf("%v, %v", all, p.Outcome(late))
	}
}

// Numbers never run out, and what comes again is told apart all the same.
func TestIDsNeverRunOut(t *testing.T) {
	ids := routerprobe.NewIDs(routerprobe.Seed{1})
	echoes, ports := make(map[routerprobe.EchoNumbers]bool), make(map[uint16]bool)
	for n := range 200_000 {
		e := ids.Echo()
		if echoes[e] || e.Token == 0 {
			t.Fatalf("%+v, the %d-th, came before or has no token", e, n)
		}
		echoes[e] = true
		if p := ids.Port(); p < 61000 {
			t.Fatalf("port %d is one of the kernel's", p)
		} else {
			ports[p] = true
		}
	}
	if len(ports) != 1<<16-61000 {
		t.Errorf("%d source ports", len(ports))
	}
}

// What a step and a fact cost does not grow with the targets that wait.
func BenchmarkTargets(b *testing.B) {
	for _, n := range []int{10, 10_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			p, err := routerprobe.New(us, router, many(n, mac.Addr{3}, 100), routerprobe.NewIDs(routerprobe.Seed{1}), dawn, routerprobe.DefaultTiming())
			if err != nil {
				b.Fatal(err)
			}
			fact := evidence.ARP{Op: evidence.Request, SenderIP: router.IP, SenderMAC: router.MAC, TargetIP: netip.MustParseAddr("172.16.100.5")}
			for b.Loop() {
				p.Heard(fact, dawn)
				if _, ok := p.Next(); !ok {
					b.Fatal("over")
				}
			}
		})
	}
}
