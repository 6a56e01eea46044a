package check_test

import (
	"context"
	"encoding/binary"
	"errors"
	"net/netip"
	"os"
	"reflect"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mdlayher/arp"
	"github.com/mdlayher/ethernet"

	"github.com/nlbprobe/nlbprobe/arpprobe"
	"github.com/nlbprobe/nlbprobe/check"
	"github.com/nlbprobe/nlbprobe/diagnose"
	"github.com/nlbprobe/nlbprobe/event"
	"github.com/nlbprobe/nlbprobe/evidence"
	"github.com/nlbprobe/nlbprobe/mac"
	"github.com/nlbprobe/nlbprobe/routerprobe"
)

var (
	vip     = netip.MustParseAddr("172.16.63.241")
	other   = netip.MustParseAddr("172.16.63.242")
	router  = netip.MustParseAddr("172.16.63.1")
	us      = netip.MustParsePrefix("172.16.63.10/24")
	ourMAC  = mac.Addr{2, 0, 0, 0, 0, 0x0a}
	rtrMAC  = mac.Addr{2, 0, 0, 0, 0, 0x01}
	cluster = mac.Addr{0x03, 0xbf, 172, 16, 63, 241}
)

func nodeMAC(n byte) mac.Addr { return mac.Addr{0, 0x15, 0x5d, 0, 0, n} }

// arpFrame builds an ARP frame as a host of the segment sends it.
func arpFrame(t *testing.T, op arp.Operation, src, dst, sha mac.Addr, spa netip.Addr, tha mac.Addr, tpa netip.Addr) []byte {
	t.Helper()
	p, err := arp.NewPacket(op, sha.HardwareAddr(), spa, tha.HardwareAddr(), tpa)
	if err != nil {
		t.Fatal(err)
	}
	body, err := p.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	f := ethernet.Frame{Destination: dst.HardwareAddr(), Source: src.HardwareAddr(), EtherType: ethernet.EtherTypeARP, Payload: body}
	b, err := f.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// segment is a Link to a network on paper: answer says what comes back for a
// frame, and how much later. Its clock is that of the test's bubble.
type segment struct {
	t      *testing.T
	answer func(sent []byte) [][]byte
	delay  time.Duration
	frames chan evidence.Frame
	stop   chan struct{}
	sent   [][]byte
	joined []mac.Addr
	all    bool // every group
	began  time.Time
	hears  []netip.Addr

	hearsMACs []mac.Addr
	drops     int
	failing   error // what Receive returns
	sendErr   error
}

func newSegment(t *testing.T, answer func([]byte) [][]byte) *segment {
	return &segment{t: t, answer: answer, delay: time.Millisecond, frames: make(chan evidence.Frame, 10_000), stop: make(chan struct{}, 1)}
}

func (s *segment) Send(b []byte) error {
	if s.sendErr != nil {
		return s.sendErr
	}
	s.sent = append(s.sent, append([]byte(nil), b...))
	if s.answer != nil {
		for _, a := range s.answer(b) {
			time.AfterFunc(s.delay, func() { s.put(a) })
		}
	}
	return nil
}

// sentTo counts the frames that were sent to a link-layer address.
func (s *segment) sentTo(m mac.Addr) int {
	n := 0
	for _, b := range s.sent {
		if mac.From(b) == m {
			n++
		}
	}
	return n
}

func (s *segment) put(b []byte) {
	s.frames <- evidence.Frame{Time: time.Now(), Data: b, Length: len(b), Place: "eth0"}
}

func (s *segment) Receive(deadline time.Time) (evidence.Frame, error) {
	if s.failing != nil {
		return evidence.Frame{}, s.failing
	}
	t := time.NewTimer(time.Until(deadline))
	defer t.Stop()
	select {
	case f := <-s.frames:
		return f, nil
	case <-s.stop:
		return evidence.Frame{}, os.ErrDeadlineExceeded
	case <-t.C:
		return evidence.Frame{}, os.ErrDeadlineExceeded
	}
}

func (s *segment) Interrupt() {
	select {
	case s.stop <- struct{}{}:
	default:
	}
}

func (s *segment) Join(m mac.Addr) error {
	s.joined = append(s.joined, m)
	return nil
}

func (s *segment) JoinAll() error {
	s.all = true
	return nil
}

func (s *segment) Hear(ip netip.Addr) error {
	s.hears = append(s.hears, ip)
	return nil
}

func (s *segment) HearMAC(m mac.Addr) error {
	s.hearsMACs = append(s.hearsMACs, m)
	return nil
}

func (s *segment) Drops() (int, error) { return s.drops, nil }

// target reads whom an ARP request asks for.
func target(t *testing.T, b []byte) netip.Addr {
	t.Helper()
	if len(b) < 42 {
		t.Fatalf("a frame of %d bytes", len(b))
	}
	return netip.AddrFrom4([4]byte(b[38:42]))
}

// clusterOf answers for vip as n hosts in multicast mode do.
func clusterOf(t *testing.T, n byte) func([]byte) [][]byte {
	return func(b []byte) [][]byte {
		var out [][]byte
		if b[13] == 0 {
			return [][]byte{hairpin(b)}
		}
		if target(t, b) == vip {
			for i := range n {
				out = append(out, arpFrame(t, arp.OperationReply, nodeMAC(i+1), ourMAC, cluster, vip, ourMAC, us.Addr()))
			}
		}
		if target(t, b) == router {
			out = append(out, arpFrame(t, arp.OperationReply, rtrMAC, ourMAC, rtrMAC, router, ourMAC, us.Addr()))
		}
		return out
	}
}

// hairpin is the first host's echo reply to our echo request: the router at
// rtrMAC has sent it back onto the subnet.
func hairpin(b []byte) []byte {
	r := append([]byte(nil), b...)
	copy(r, ourMAC[:])
	host := nodeMAC(1)
	copy(r[6:], host[:])
	copy(r[26:30], b[30:34]) // the addresses change places, so the IP checksum stays
	copy(r[30:34], b[26:30])
	r[34] = 0 // echo reply
	sum := binary.BigEndian.Uint16(r[36:])
	if sum >= 0xf800 {
		sum++ // end-around carry
	}
	binary.BigEndian.PutUint16(r[36:], sum+0x0800) // the type was 8 before
	return r
}

// told is what a handler was told.
type told struct {
	answers []event.Answer
	soFar   []event.SoFar
	soFarAt time.Time
	results []event.Result
	onHeard func()
}

func (h *told) Answer(a event.Answer) {
	h.answers = append(h.answers, a)
	if h.onHeard != nil {
		h.onHeard()
	}
}
func (h *told) SoFar(s event.SoFar)   { h.soFar, h.soFarAt = append(h.soFar, s), time.Now() }
func (h *told) Result(r event.Result) { h.results = append(h.results, r) }

func config() check.Config {
	return check.Config{
		Interface: "eth0", MAC: ourMAC, Addresses: []netip.Prefix{us},
		Routers: []check.Router{{IP: router}}, Timing: arpprobe.DefaultTiming(),
		RouterTest: routerprobe.DefaultTiming(), Seed: routerprobe.Seed{1},
	}
}

func TestRunCluster(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		link, h := newSegment(t, clusterOf(t, 2)), &told{}
		start := time.Now()
		if err := check.Run(t.Context(), link, config(), []netip.Addr{vip}, h); err != nil {
			t.Fatal(err)
		}
		if d := time.Since(start); d > 500*time.Millisecond {
			t.Errorf("it took %v", d)
		}
		if len(h.answers) != 2 || h.answers[0].After != time.Millisecond || h.answers[0].ARP.SenderMAC != cluster {
			t.Errorf("answers: %+v", h.answers)
		}
		if len(h.results) != 1 {
			t.Fatalf("%d results", len(h.results))
		}
		r := h.results[0]
		if d := r.Diagnosis; d.Verdict != diagnose.Reachable || d.Cluster.MAC != cluster || len(d.Cluster.Hosts) != 2 {
			t.Errorf("diagnosis: %+v", d)
		}
		if len(r.Diagnosis.Routers) != 1 || r.Diagnosis.Routers[0].MAC != rtrMAC || r.Diagnosis.Routers[0].Reach != diagnose.Reaches {
			t.Errorf("routers: %+v", r.Diagnosis.Routers)
		}
		if !slices.Contains(link.joined, cluster) {
			t.Errorf("joined %v, not the cluster's MAC", link.joined)
		}
		// Three questions, and one packet by way of the router.
		if r.Sent != 4 || r.Partial {
			t.Errorf("sent %d, partial %v", r.Sent, r.Partial)
		}
	})
}

// What is known once the hosts have answered is told then, where something else
// takes longer.
func TestRunTellsSoFar(t *testing.T) {
	noRouter := func(answer func([]byte) [][]byte) func([]byte) [][]byte {
		return func(b []byte) [][]byte {
			if b[13] == 0 {
				return nil
			}
			return answer(b)
		}
	}
	virtual := mac.Addr{0, 0, 0x5e, 0, 1, 1} // VRRP's (RFC 5798 7.3)
	for name, tt := range map[string]struct {
		answer  func([]byte) [][]byte
		change  func(*check.Config)
		verdict diagnose.Verdict // "": nothing is told
		want    event.Pending
	}{
		"heartbeats":      {clusterOf(t, 2), func(c *check.Config) { c.Beats = time.Second }, diagnose.Reachable, event.Pending{Heartbeats: true}},
		"a silent router": {noRouter(clusterOf(t, 2)), nil, diagnose.Answers, event.Pending{Routers: []netip.Addr{router}}},
		"both": {noRouter(clusterOf(t, 2)), func(c *check.Config) { c.Beats = time.Second }, diagnose.Answers,
			event.Pending{Routers: []netip.Addr{router}, Heartbeats: true}},
		"a router at two MACs": {noRouter(func(b []byte) [][]byte {
			frames := clusterOf(t, 2)(b)
			if target(t, b) == router {
				frames = append(frames, arpFrame(t, arp.OperationReply, secondMAC, ourMAC, secondMAC, router, ourMAC, us.Addr()))
			}
			return frames
		}), nil, diagnose.Answers, event.Pending{Routers: []netip.Addr{router}}},
		"a virtual router": {func(b []byte) [][]byte {
			if b[13] == 6 && target(t, b) == router {
				return [][]byte{arpFrame(t, arp.OperationReply, virtual, ourMAC, virtual, router, ourMAC, us.Addr())}
			}
			return clusterOf(t, 2)(b)
		}, nil, diagnose.Reachable, event.Pending{Hellos: true}},
		"members": {clusterAnswers(t, igmpMAC, 1, 2), func(c *check.Config) { c.Routers, c.IGMPQuery = nil, true }, diagnose.Answers,
			event.Pending{Members: true}},
		"connections": {clusterAnswers(t, cluster, 1, 2), func(c *check.Config) { c.Routers, c.Ports, c.Connections = nil, []uint16{443}, 32 }, diagnose.Answers,
			event.Pending{Ports: true}},
		"the user's wish": {clusterOf(t, 2), func(c *check.Config) { c.Listen = 2 * time.Second }, diagnose.Reachable, event.Pending{Listen: true}},
		"nothing":         {clusterOf(t, 2), nil, "", event.Pending{}},
		"nobody answers":  {nil, func(c *check.Config) { c.Beats = time.Second }, "", event.Pending{}},
		"passive":         {clusterOf(t, 2), func(c *check.Config) { c.Passive, c.Beats = true, time.Second }, "", event.Pending{}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h, cfg := &told{}, config()
				if tt.change != nil {
					tt.change(&cfg)
				}
				start := time.Now()
				if err := check.Run(t.Context(), newSegment(t, tt.answer), cfg, []netip.Addr{vip}, h); err != nil {
					t.Fatal(err)
				}
				if tt.verdict == "" {
					if len(h.soFar) > 0 {
						t.Errorf("told %+v", h.soFar)
					}
					return
				}
				if len(h.soFar) != 1 {
					t.Fatalf("told %d times", len(h.soFar))
				}
				s := h.soFar[0]
				if s.VIP != vip || s.Diagnosis.Verdict != tt.verdict || !reflect.DeepEqual(s.Pending, tt.want) {
					t.Errorf("%v, %v, %+v", s.VIP, s.Diagnosis.Verdict, s.Pending)
				}
				if after := h.soFarAt.Sub(start); after > 500*time.Millisecond {
					t.Errorf("told after %v", after)
				}
			})
		})
	}
}

// A router that carries nothing back costs the time that its test is given, and
// leaves its question open.
func TestRunSilentRouter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		answer := clusterOf(t, 2)
		link, h := newSegment(t, func(b []byte) [][]byte {
			if b[13] == 0 {
				return nil
			}
			return answer(b)
		}), &told{}
		cfg := config()
		cfg.Timing.Wait = 10 * time.Second
		if err := check.Run(t.Context(), link, cfg, []netip.Addr{vip}, h); err != nil {
			t.Fatal(err)
		}
		r := h.results[0]
		if r.Elapsed < cfg.RouterTest.Wait || r.Elapsed > cfg.RouterTest.Wait+time.Second {
			t.Errorf("it took %v", r.Elapsed)
		}
		if r.Diagnosis.Verdict != diagnose.Answers || r.Diagnosis.Routers[0].Reach != diagnose.NotLearnt || !r.Diagnosis.Has("router-test-inconclusive") {
			t.Errorf("%v, %+v", r.Diagnosis.Verdict, r.Diagnosis.Routers)
		}
		// Never more than a packet a second, whatever happens.
		if by := link.sentTo(rtrMAC); by > int(r.Elapsed/time.Second)+1 {
			t.Errorf("%d packets to the router in %v", by, r.Elapsed)
		}
	})
}

// With ports to try, connections go straight to the cluster, and each that is
// accepted is reset at once.
func TestRunConnections(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		answer := clusterOf(t, 2)
		var resets, opened int
		link, h := newSegment(t, nil), &told{}
		link.answer = func(b []byte) [][]byte {
			if b[13] != 0 || b[23] != 6 {
				return answer(b)
			}
			switch flags := b[47]; {
			case flags&0x04 != 0:
				resets++
			case flags == 0x02 && mac.From(b) == cluster:
				opened++
				return [][]byte{accepts(b, nodeMAC(byte(1+opened%2)))}
			}
			return nil
		}
		cfg := config()
		cfg.Ports, cfg.Connections = []uint16{443}, 16
		if err := check.Run(t.Context(), link, cfg, []netip.Addr{vip}, h); err != nil {
			t.Fatal(err)
		}
		if opened != 16 || resets != 16 {
			t.Errorf("%d connections, %d resets", opened, resets)
		}
		d := h.results[0].Diagnosis
		if !d.Has("service-port-open") || !d.Has("affinity-none") {
			t.Errorf("findings: %+v", d.Findings)
		}
	})
}

// accepts is a host's SYN, ACK to our SYN.
// What acknowledges another number than that of our SYN opens nothing: it is not
// reset, and the port stays silent.
func TestRunConnectionsForged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		answer := clusterOf(t, 2)
		resets := 0
		link, h := newSegment(t, nil), &told{}
		link.answer = func(b []byte) [][]byte {
			switch {
			case b[13] != 0 || b[23] != 6:
				return answer(b)
			case b[47]&0x04 != 0:
				resets++
			case mac.From(b) == cluster:
				r := accepts(b, nodeMAC(1))
				r[42] ^= 0x80
				return [][]byte{r}
			}
			return nil
		}
		cfg := config()
		cfg.Ports, cfg.Connections = []uint16{443}, 4
		if err := check.Run(t.Context(), link, cfg, []netip.Addr{vip}, h); err != nil {
			t.Fatal(err)
		}
		if d := h.results[0].Diagnosis; resets != 0 || !d.Has("service-port-silent") || d.Has("service-port-open") {
			t.Errorf("%d resets, findings %+v", resets, d.Findings)
		}
	})
}

func accepts(b []byte, from mac.Addr) []byte {
	r := append([]byte(nil), b...)
	copy(r, ourMAC[:])
	copy(r[6:], from[:])
	copy(r[26:30], b[30:34])
	copy(r[30:34], b[26:30])
	copy(r[34:36], b[36:38])
	copy(r[36:38], b[34:36])
	binary.BigEndian.PutUint32(r[42:], binary.BigEndian.Uint32(b[38:])+1)
	r[47] = 0x12
	return r
}

// Our own questions are evidence, but nobody's answer.
func TestRunSilent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		link, h := newSegment(t, nil), &told{}
		start := time.Now()
		if err := check.Run(t.Context(), link, config(), []netip.Addr{vip}, h); err != nil {
			t.Fatal(err)
		}
		if d := time.Since(start); d != 3*time.Second {
			t.Errorf("it took %v, not the whole wait", d)
		}
		r := h.results[0]
		if r.Diagnosis.Verdict != diagnose.Silent || r.Diagnosis.Severity != diagnose.Unknown || len(h.answers) != 0 {
			t.Errorf("diagnosis: %+v", r.Diagnosis)
		}
		if r.Diagnosis.Has("frames-lost") {
			t.Error("no frame was lost")
		}
	})
}

// lostOf sums up the frames that the evidence says were lost.
func lostOf(r event.Result) (n int) {
	for _, it := range r.Items {
		if f, ok := it.Fact.(evidence.Lost); ok && !f.VIP.IsValid() {
			n += it.Count
		}
	}
	return n
}

// After a loss the question is asked again. Who then answers has answered.
func TestRunLossThenAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var link *segment
		n := 0
		link = newSegment(t, func(b []byte) [][]byte {
			if b[13] != 6 || target(t, b) != vip {
				return nil
			}
			if n++; time.Since(link.began) < 3*time.Second {
				link.drops++ // its answer is lost
				return nil
			}
			return [][]byte{arpFrame(t, arp.OperationReply, nodeMAC(1), ourMAC, nodeMAC(1), vip, ourMAC, us.Addr())}
		})
		link.began = time.Now()
		h := &told{}
		if err := check.Run(t.Context(), link, config(), []netip.Addr{vip}, h); err != nil {
			t.Fatal(err)
		}
		r := h.results[0]
		if r.Diagnosis.Verdict != diagnose.Answers || lostOf(r) == 0 || r.Diagnosis.Has("answer-may-be-lost") {
			t.Errorf("%s after %v, %d lost, findings %v", r.Diagnosis.Verdict, r.Elapsed, lostOf(r), r.Diagnosis.Findings)
		}
	})
}

// If frames are lost after each question, nobody says that the VIP is silent.
func TestRunLossAlways(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var link *segment
		link = newSegment(t, func([]byte) [][]byte {
			link.drops += 2
			return nil
		})
		h := &told{}
		if err := check.Run(t.Context(), link, config(), []netip.Addr{vip, other}, h); err != nil {
			t.Fatal(err)
		}
		for _, r := range h.results {
			if d := r.Diagnosis; d.Verdict != diagnose.NotTold || d.Severity != diagnose.Unknown || !d.Has("answer-may-be-lost") || d.Has("vip-silent") {
				t.Errorf("%s, %v, %v", d.Verdict, d.Severity, d.Findings)
			}
			if r.Elapsed < 3*time.Second || r.Elapsed > 10*time.Second {
				t.Errorf("it took %v", r.Elapsed)
			}
		}
	})
}

// A loss before the last question takes nothing from the silence after it.
func TestRunLossBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		link, h := newSegment(t, nil), &told{}
		link.drops = 7
		passing := false
		link.answer = func([]byte) [][]byte {
			// Another VIP's answer has the losses looked at early.
			if passing {
				return nil
			}
			passing = true
			return [][]byte{arpFrame(t, arp.OperationReply, nodeMAC(1), ourMAC, nodeMAC(1), other, ourMAC, us.Addr())}
		}
		if err := check.Run(t.Context(), link, config(), []netip.Addr{vip, other}, h); err != nil {
			t.Fatal(err)
		}
		for _, r := range h.results {
			if r.VIP == vip && (r.Diagnosis.Verdict != diagnose.Silent || r.Elapsed != 3*time.Second || lostOf(r) != 7) {
				t.Errorf("%s after %v, %d lost", r.Diagnosis.Verdict, r.Elapsed, lostOf(r))
			}
		}
	})
}

// Two VIPs side by side: each gets its own answers only, and the one that
// answers is not kept waiting by the one that does not.
func TestRunSeveral(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		link, h := newSegment(t, clusterOf(t, 2)), &told{}
		if err := check.Run(t.Context(), link, config(), []netip.Addr{other, vip, other}, h); err != nil {
			t.Fatal(err)
		}
		if len(h.results) != 2 || h.results[0].VIP != vip || h.results[1].VIP != other {
			t.Fatalf("results: %+v", h.results)
		}
		if h.results[0].Elapsed > 500*time.Millisecond || h.results[1].Diagnosis.Verdict != diagnose.Silent {
			t.Errorf("%v after %v, %v", h.results[0].Diagnosis.Verdict, h.results[0].Elapsed, h.results[1].Diagnosis.Verdict)
		}
		if len(h.results[1].Diagnosis.Cluster.Hosts) != 0 {
			t.Error("the silent VIP has the other's hosts")
		}
	})
}

// A host without an address in the VIP's prefix must not claim one.
func TestRunWithoutAddress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		link, h := newSegment(t, clusterOf(t, 1)), &told{}
		cfg := config()
		cfg.Addresses, cfg.Routers = []netip.Prefix{netip.MustParsePrefix("10.0.0.5/8")}, nil
		if err := check.Run(t.Context(), link, cfg, []netip.Addr{vip}, h); err != nil {
			t.Fatal(err)
		}
		for _, b := range link.sent {
			if b[13] != 6 {
				t.Errorf("without an address of its own it sent % x", b)
				continue
			}
			if spa := netip.AddrFrom4([4]byte(b[28:32])); spa != netip.IPv4Unspecified() {
				t.Errorf("asked as %v", spa)
			}
		}
		if h.results[0].Diagnosis.Verdict != diagnose.Answers {
			t.Errorf("verdict %v", h.results[0].Diagnosis.Verdict)
		}
	})
}

func TestRunPassive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		link, h := newSegment(t, nil), &told{}
		cfg := config()
		cfg.Passive = true
		cfg.Timing.Wait = 10 * time.Second
		// Somebody else asks, and a host answers; we hear it.
		time.AfterFunc(time.Second, func() {
			link.put(arpFrame(t, arp.OperationReply, nodeMAC(1), mac.Broadcast, cluster, vip, nodeMAC(9), vip))
		})
		if err := check.Run(t.Context(), link, cfg, []netip.Addr{vip}, h); err != nil {
			t.Fatal(err)
		}
		if len(link.sent) != 0 {
			t.Errorf("%d frames were sent", len(link.sent))
		}
		if len(h.answers) != 1 || h.results[0].Elapsed != 10*time.Second {
			t.Errorf("%d answers in %v", len(h.answers), h.results[0].Elapsed)
		}
	})
}

// Ctrl-C ends the wait at once, and what is known is told.
func TestRunInterrupted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		link, h := newSegment(t, clusterOf(t, 2)), &told{}
		h.onHeard = cancel
		start := time.Now()
		if err := check.Run(ctx, link, config(), []netip.Addr{vip, other}, h); err != nil {
			t.Fatal(err)
		}
		if d := time.Since(start); d > 10*time.Millisecond {
			t.Errorf("it ended after %v", d)
		}
		if len(h.results) != 2 || !h.results[0].Partial || h.results[0].Diagnosis.Verdict != diagnose.Answers {
			t.Errorf("results: %+v", h.results)
		}
	})
}

// A link that fails ends the run with an error, and nothing learnt is lost.
func TestRunLinkFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		link, h := newSegment(t, nil), &told{}
		link.failing = errors.New("the interface went down")
		err := check.Run(t.Context(), link, config(), []netip.Addr{vip}, h)
		if !errors.Is(err, link.failing) || len(h.results) != 1 || !h.results[0].Partial {
			t.Errorf("error %v, results %+v", err, h.results)
		}

		link, h = newSegment(t, nil), &told{}
		link.sendErr = errors.New("no buffer space")
		if err := check.Run(t.Context(), link, config(), []netip.Addr{vip}, h); !errors.Is(err, link.sendErr) {
			t.Errorf("error %v", err)
		}
	})
}

// A segment full of invented answers for other addresses, questions from
// everybody, and broken ARP must not hide the cluster.
func TestRunHostile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		link, h := newSegment(t, clusterOf(t, 2)), &told{}
		for i := range 9000 {
			x := mac.Addr{0, 1, 2, 3, byte(i >> 8), byte(i)}
			ip := netip.AddrFrom4([4]byte{10, 9, byte(i >> 8), byte(i)})
			var b []byte
			switch i % 4 {
			case 0: // an answer for somebody else
				b = arpFrame(t, arp.OperationReply, x, ourMAC, x, ip, ourMAC, us.Addr())
			case 1: // a question for the VIP
				b = arpFrame(t, arp.OperationRequest, x, mac.Broadcast, x, ip, mac.Addr{}, vip)
			case 2: // an answer that claims to be for the router's question
				b = arpFrame(t, arp.OperationReply, x, ourMAC, x, ip, rtrMAC, vip)
			case 3:
				b = []byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 1, 2, 3, byte(i >> 8), byte(i), 8, 6, 0, 6}
			}
			link.put(b)
		}
		if err := check.Run(t.Context(), link, config(), []netip.Addr{vip}, h); err != nil {
			t.Fatal(err)
		}
		r := h.results[0]
		if r.Diagnosis.Verdict != diagnose.Reachable || !r.Diagnosis.Cluster.HasMAC || r.Diagnosis.Cluster.MAC != cluster || len(r.Diagnosis.Cluster.Hosts) != 2 {
			t.Errorf("diagnosis: %v, %+v", r.Diagnosis.Verdict, r.Diagnosis.Cluster)
		}
		if n := len(r.Items); n > 6*evidence.PerKind {
			t.Errorf("%d items were kept", n)
		}
	})
}
