package check_test

import (
	"net/netip"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mdlayher/arp"

	"github.com/nlbprobe/nlbprobe/check"
	"github.com/nlbprobe/nlbprobe/diagnose"
	"github.com/nlbprobe/nlbprobe/evidence"
	"github.com/nlbprobe/nlbprobe/mac"
)

var (
	second    = netip.MustParseAddr("172.16.63.2")
	secondMAC = mac.Addr{2, 0, 0, 0, 0, 0x02}
	neighbour = netip.MustParseAddr("172.16.63.30")
)

// isEcho reports an echo request handed to a router's MAC.
func isEcho(b []byte, to mac.Addr) bool {
	return b[13] == 0 && b[23] == 1 && b[34] == 8 && mac.From(b) == to
}

// seal puts the checksum of b (RFC 1071), with what s adds to it, at b[at:].
func seal(b []byte, at int, s uint32) {
	for i := 0; i+1 < len(b); i += 2 {
		s += uint32(b[i])<<8 | uint32(b[i+1])
	}
	for s > 0xffff {
		s = s>>16 + s&0xffff
	}
	b[at], b[at+1] = byte(^s>>8), byte(^s)
}

// refusal is host unreachable from a router about a packet of ours.
func refusal(b []byte, from mac.Addr, ip netip.Addr) []byte {
	r := append(append(append([]byte{}, ourMAC[:]...), from[:]...), 0x08, 0x00)
	r = append(r, 0x45, 0, 0, 56, 0, 0, 0, 0, 64, 1, 0, 0)
	r = append(append(append(r, ip.AsSlice()...), us.Addr().AsSlice()...), 3, 1, 0, 0, 0, 0, 0, 0)
	r = append(r, b[14:42]...) // what it quotes
	seal(r[14:34], 10, 0)
	seal(r[34:], 2, 0)
	return r
}

// Somebody who claims the router's address, before it and after, does not keep
// it from being tested; nor does the router get more questions for that.
func TestRunRouterClaimedByOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		answer := clusterOf(t, 2)
		lies := 0
		lie := func() []byte {
			lies++
			x := mac.Addr{2, 0xff, 0, 0, byte(lies >> 8), byte(lies)}
			// As a hostile frame does, it names the VIP as the one who asked.
			return arpFrame(t, arp.OperationReply, x, ourMAC, x, router, ourMAC, vip)
		}
		questions := 0
		link, h := newSegment(t, func(b []byte) [][]byte {
			switch {
			case b[13] == 0 && mac.From(b) != rtrMAC:
				return nil
			case b[13] == 6 && target(t, b) == router:
				questions++
				return append([][]byte{lie(), lie()}, answer(b)...)
			}
			return answer(b)
		}), &told{}
		for range 3 {
			link.put(lie())
		}
		if err := check.Run(t.Context(), link, config(), []netip.Addr{vip}, h); err != nil {
			t.Fatal(err)
		}
		r := h.results[0]
		if r.Diagnosis.Verdict != diagnose.Reachable || r.Elapsed > time.Second {
			t.Errorf("%v after %v, routers %+v", r.Diagnosis.Verdict, r.Elapsed, r.Diagnosis.Routers)
		}
		if questions < 2 || questions > 6 {
			t.Errorf("%d questions for the router", questions)
		}
	})
}

// asksForVIP is a broadcast question for the VIP.
func asksForVIP(t *testing.T, m mac.Addr, ip netip.Addr) []byte {
	return arpFrame(t, arp.OperationRequest, m, mac.Broadcast, m, ip, mac.Addr{}, vip)
}

// Whoever asks for the VIP may be a router that nobody named: it is tested, and
// named where it refuses.
// It may be a host that this one has talked to before, and was thought of as a
// control.
func TestRunAskerIsRouter(t *testing.T) {
	for _, neighbours := range [][]netip.Addr{nil, {second}} {
		synctest.Test(t, func(t *testing.T) { askerIsRouter(t, neighbours) })
	}
}

func askerIsRouter(t *testing.T, neighbours []netip.Addr) {
	t.Helper()
	answer := clusterOf(t, 2)
	link, h := newSegment(t, nil), &told{}
	link.answer = func(b []byte) [][]byte {
		if b[13] == 6 && target(t, b) == second {
			return [][]byte{arpFrame(t, arp.OperationReply, secondMAC, ourMAC, secondMAC, second, ourMAC, us.Addr())}
		}
		if isEcho(b, secondMAC) {
			for n := range 3 {
				time.AfterFunc(time.Duration(1+1000*n)*time.Millisecond, func() { link.put(asksForVIP(t, secondMAC, second)) })
			}
			time.AfterFunc(3*time.Second, func() { link.put(refusal(b, secondMAC, second)) })
			return nil
		}
		return answer(b)
	}
	time.AfterFunc(50*time.Millisecond, func() { link.put(asksForVIP(t, secondMAC, second)) })
	cfg := config()
	cfg.Timing.Wait = 10 * time.Second
	cfg.Neighbours = func() []netip.Addr { return neighbours }
	if err := check.Run(t.Context(), link, cfg, []netip.Addr{vip}, h); err != nil {
		t.Fatal(err)
	}
	d := h.results[0].Diagnosis
	if d.Verdict != diagnose.LocalOnly || len(d.Routers) != 2 || d.Routers[1].IP != second || d.Routers[1].Reach != diagnose.DoesNotReach {
		t.Errorf("%v, routers %+v", d.Verdict, d.Routers)
	}
}

// Listen keeps a run going whose questions are all answered: a router that asks
// once a second is heard then.
func TestRunListens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		link, h := newSegment(t, clusterOf(t, 2)), &told{}
		cfg := config()
		cfg.Listen = 1500 * time.Millisecond
		if err := check.Run(t.Context(), link, cfg, []netip.Addr{vip}, h); err != nil {
			t.Fatal(err)
		}
		if r := h.results[0]; r.Elapsed != cfg.Listen || r.Sent != 4 {
			t.Errorf("%v, %d frames", r.Elapsed, r.Sent)
		}
	})
}

// A host that asks for the VIP is no router: it costs a packet or two, little
// time, and gets no finding that it does not reach the VIP.
func TestRunAskerIsHost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		link, h := newSegment(t, clusterOf(t, 2)), &told{}
		host := mac.Addr{2, 0, 0, 0, 0, 0x77}
		answer := link.answer
		link.answer = func(b []byte) [][]byte {
			if b[13] == 0 && mac.From(b) == host {
				return nil
			}
			return answer(b)
		}
		time.AfterFunc(50*time.Millisecond, func() { link.put(asksForVIP(t, host, netip.MustParseAddr("172.16.63.77"))) })
		if err := check.Run(t.Context(), link, config(), []netip.Addr{vip}, h); err != nil {
			t.Fatal(err)
		}
		r := h.results[0]
		if r.Diagnosis.Verdict != diagnose.Reachable || len(r.Diagnosis.Routers) != 1 || r.Diagnosis.Has("router-test-inconclusive") {
			t.Errorf("%v, routers %+v", r.Diagnosis.Verdict, r.Diagnosis.Routers)
		}
		if n := link.sentTo(host); n == 0 || n > 2 || r.Elapsed > 1500*time.Millisecond {
			t.Errorf("%d packets to the host, %v in all", n, r.Elapsed)
		}
	})
}

// A crowd that asks for the VIP is tested in part only, and a host of the
// cluster that asks is not taken for a router.
func TestRunManyAskers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		link, h := newSegment(t, clusterOf(t, 2)), &told{}
		time.AfterFunc(50*time.Millisecond, func() {
			link.put(asksForVIP(t, nodeMAC(2), netip.MustParseAddr("172.16.63.22")))
			for i := range 200 {
				link.put(asksForVIP(t, mac.Addr{2, 9, 9, 9, 9, byte(i)}, netip.AddrFrom4([4]byte{172, 16, 63, byte(30 + i)})))
			}
		})
		if err := check.Run(t.Context(), link, config(), []netip.Addr{vip}, h); err != nil {
			t.Fatal(err)
		}
		to := make(map[mac.Addr]bool)
		for _, b := range link.sent {
			if b[13] == 0 {
				to[mac.From(b)] = true
			}
		}
		if to[nodeMAC(2)] || len(to) > 1+4 {
			t.Errorf("packets for the VIP were handed to %d, the cluster's own host among them: %v", len(to), to[nodeMAC(2)])
		}
	})
}

// A router that asks on is tested though hosts that asked before it took every
// place: each place is free again after its time.
func TestRunAskerAfterOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		answer := clusterOf(t, 2)
		link, h := newSegment(t, nil), &told{}
		link.answer = func(b []byte) [][]byte {
			if isEcho(b, secondMAC) {
				time.AfterFunc(3*time.Second, func() { link.put(refusal(b, secondMAC, second)) })
				return nil
			}
			if b[13] == 0 && mac.From(b) != rtrMAC {
				return nil
			}
			return answer(b)
		}
		for i := range 40 {
			time.AfterFunc(50*time.Millisecond, func() {
				link.put(asksForVIP(t, mac.Addr{2, 9, 9, 9, 9, byte(i)}, netip.AddrFrom4([4]byte{172, 16, 63, byte(30 + i)})))
			})
		}
		for i := range 8 {
			time.AfterFunc(time.Duration(100+1000*i)*time.Millisecond, func() { link.put(asksForVIP(t, secondMAC, second)) })
		}
		cfg := config()
		cfg.Listen, cfg.Timing.Wait = 1500*time.Millisecond, 8*time.Second
		if err := check.Run(t.Context(), link, cfg, []netip.Addr{vip}, h); err != nil {
			t.Fatal(err)
		}
		r := h.results[0]
		if d := r.Diagnosis; d.Verdict != diagnose.LocalOnly || r.Elapsed > 6*time.Second {
			t.Errorf("%v after %v, routers %+v", d.Verdict, r.Elapsed, d.Routers)
		}
		to := make(map[mac.Addr]bool)
		for _, b := range link.sent {
			if b[13] == 0 {
				to[mac.From(b)] = true
			}
		}
		if len(to) > 1+4+4 {
			t.Errorf("packets for the VIP were handed to %d", len(to))
		}
	})
}

// Invented hellos get few packets, do not prolong the run, and crowd out neither
// the gateway nor a router that asks on.
func TestRunInventedHellos(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		answer := clusterOf(t, 2)
		link, h := newSegment(t, nil), &told{}
		link.answer = func(b []byte) [][]byte {
			if b[13] == 0 && mac.From(b) != rtrMAC {
				return nil
			}
			return answer(b)
		}
		for i := range 40 {
			link.put(vrrp(mac.Addr{0, 0, 0x5e, 0, 1, byte(i)}, netip.AddrFrom4([4]byte{172, 16, 63, byte(30 + i)}), netip.AddrFrom4([4]byte{172, 16, 63, byte(130 + i)})))
		}
		link.put(vrrp(mac.Addr{0, 0, 0x5e, 0, 1, 77}, us.Addr(), us.Addr()))
		cfg := config()
		cfg.Timing.Wait = 8 * time.Second
		if err := check.Run(t.Context(), link, cfg, []netip.Addr{vip}, h); err != nil {
			t.Fatal(err)
		}
		r := h.results[0]
		if r.Diagnosis.Verdict != diagnose.Reachable || r.Elapsed > 2*time.Second || len(link.sent) > 30 {
			t.Errorf("%v after %v, %d frames, routers %+v", r.Diagnosis.Verdict, r.Elapsed, len(link.sent), r.Diagnosis.Routers)
		}
		if slices.ContainsFunc(r.Diagnosis.Routers, func(x diagnose.Router) bool { return x.IP == us.Addr() }) {
			t.Error("this host is listed as a router")
		}
		i := slices.IndexFunc(r.Diagnosis.Findings, func(f diagnose.Finding) bool { return f.ID == "router-not-tested" })
		if i < 0 || r.Diagnosis.Findings[i].Severity != diagnose.Warning {
			t.Errorf("findings %+v", r.Diagnosis.Findings)
		}
	})
}

// Somebody answers in the place of a router that refuses, and hands packets on:
// the router itself is waited for, and the VIP is not reachable.
func TestRunRouterInTheMiddle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		answer := clusterOf(t, 2)
		link, h := newSegment(t, nil), &told{}
		evil := mac.Addr{2, 0x66, 0, 0, 0, 1}
		link.answer = func(b []byte) [][]byte {
			if isEcho(b, rtrMAC) {
				time.AfterFunc(3*time.Second, func() { link.put(refusal(b, rtrMAC, router)) })
				return nil
			}
			return answer(b)
		}
		for i := range 100 {
			time.AfterFunc(time.Duration(50*i)*time.Millisecond, func() {
				link.put(arpFrame(t, arp.OperationReply, evil, ourMAC, evil, router, ourMAC, us.Addr()))
			})
		}
		cfg := config()
		cfg.Timing.Wait = 8 * time.Second
		if err := check.Run(t.Context(), link, cfg, []netip.Addr{vip}, h); err != nil {
			t.Fatal(err)
		}
		r := h.results[0]
		if d := r.Diagnosis; d.Verdict != diagnose.LocalOnly || !d.Has("router-address-claimed-twice") || r.Elapsed > 4*time.Second {
			t.Errorf("%v after %v, routers %+v", d.Verdict, r.Elapsed, d.Routers)
		}
	})
}

// Of routers that share an address each is tested that says hello, by its own.
func TestRunHelloNamesRouters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		virtual := mac.Addr{0, 0, 0x5e, 0, 1, 5}
		answer := clusterOf(t, 2)
		link, h := newSegment(t, nil), &told{}
		link.answer = func(b []byte) [][]byte {
			if b[13] == 6 && target(t, b) == router {
				time.AfterFunc(500*time.Millisecond, func() { link.put(vrrp(virtual, second, router)) })
				return [][]byte{arpFrame(t, arp.OperationReply, virtual, ourMAC, virtual, router, ourMAC, us.Addr())}
			}
			if b[13] == 6 && target(t, b) == second {
				return [][]byte{arpFrame(t, arp.OperationReply, secondMAC, ourMAC, secondMAC, second, ourMAC, us.Addr())}
			}
			return answer(b)
		}
		if err := check.Run(t.Context(), link, config(), []netip.Addr{vip}, h); err != nil {
			t.Fatal(err)
		}
		d := h.results[0].Diagnosis
		if len(d.Routers) != 2 || d.Routers[0].Reach != diagnose.Reaches || d.Routers[1].Reach != diagnose.Reaches || d.Routers[1].MAC != secondMAC {
			t.Errorf("routers %+v", d.Routers)
		}
		if !slices.Contains(link.hears, second) {
			t.Errorf("the link was not told to hear %v", second)
		}
	})
}

// vrrp is a VRRPv3 advertisement of one address (RFC 5798 5).
func vrrp(from mac.Addr, ip, shared netip.Addr) []byte {
	f := append(append([]byte{0x01, 0, 0x5e, 0, 0, 0x12}, from[:]...), 0x08, 0x00)
	f = append(f, 0x45, 0xc0, 0, 32, 0, 0, 0, 0, 255, 112, 0, 0)
	f = append(append(f, ip.AsSlice()...), 224, 0, 0, 18)
	f = append(append(f, 0x31, 5, 200, 1, 0, 100, 0, 0), shared.AsSlice()...)
	pseudo := uint32(112 + 12)
	for i := 26; i < 34; i += 2 {
		pseudo += uint32(f[i])<<8 | uint32(f[i+1])
	}
	seal(f[14:34], 10, 0)
	seal(f[34:], 6, pseudo)
	return f
}

// A control whose answer is late serves all the same.
func TestRunControlIsLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		answer := clusterOf(t, 2)
		hostMAC := mac.Addr{2, 0, 0, 0, 0, 0x30}
		controls := 0
		link, h := newSegment(t, nil), &told{}
		link.answer = func(b []byte) [][]byte {
			switch {
			case b[13] == 6 && target(t, b) == neighbour:
				time.AfterFunc(800*time.Millisecond, func() {
					link.put(arpFrame(t, arp.OperationReply, hostMAC, ourMAC, hostMAC, neighbour, ourMAC, us.Addr()))
				})
			case b[13] == 6:
				return answer(b)
			case netip.AddrFrom4([4]byte(b[30:34])) == neighbour:
				controls++
			}
			return nil
		}
		cfg := config()
		cfg.Timing.Wait = 10 * time.Second
		cfg.Neighbours = func() []netip.Addr { return []netip.Addr{neighbour} }
		if err := check.Run(t.Context(), link, cfg, []netip.Addr{vip}, h); err != nil {
			t.Fatal(err)
		}
		if controls == 0 {
			t.Error("the control was not asked for")
		}
	})
}

// Where a router stays silent, a host that this one talks to serves as control,
// if it lives; where all is well none is asked for.
func TestRunFindsControl(t *testing.T) {
	for _, silent := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			answer := clusterOf(t, 2)
			hostMAC := mac.Addr{2, 0, 0, 0, 0, 0x30}
			controls, asked := 0, 0
			link, h := newSegment(t, nil), &told{}
			link.answer = func(b []byte) [][]byte {
				switch {
				case b[13] == 6 && target(t, b) == neighbour:
					asked++
					return [][]byte{arpFrame(t, arp.OperationReply, hostMAC, ourMAC, hostMAC, neighbour, ourMAC, us.Addr())}
				case b[13] == 6:
					return answer(b)
				case netip.AddrFrom4([4]byte(b[30:34])) == neighbour:
					controls++
					r := hairpin(b)
					copy(r[6:], hostMAC[:])
					return [][]byte{r}
				case silent:
					return nil
				}
				return answer(b)
			}
			cfg := config()
			cfg.Timing.Wait = 10 * time.Second
			cfg.Neighbours = func() []netip.Addr {
				if len(h.answers) == 0 {
					t.Error("the table of neighbours was read before the first answer was told")
				}
				return []netip.Addr{router, vip, us.Addr(), netip.MustParseAddr("10.0.0.1"), neighbour}
			}
			if err := check.Run(t.Context(), link, cfg, []netip.Addr{vip}, h); err != nil {
				t.Fatal(err)
			}
			d := h.results[0].Diagnosis
			if (controls > 0) != silent || asked != 1 {
				t.Errorf("silent %v: %d packets for the control, %d questions for it", silent, controls, asked)
			}
			if silent {
				i := slices.IndexFunc(d.Findings, func(f diagnose.Finding) bool { return f.ID == "router-test-inconclusive" })
				if i < 0 || !slices.ContainsFunc(d.Findings[i].Evidence, func(s string) bool {
					return s == "router 172.16.63.1: the router forwards to the control host and nothing came of the VIP: its hosts may drop the test, or the entry may be wrong"
				}) {
					t.Errorf("findings %+v", d.Findings)
				}
			}
			if n := len(h.results[0].Items); n > 6*evidence.PerKind {
				t.Errorf("%d items", n)
			}
		})
	}
}
