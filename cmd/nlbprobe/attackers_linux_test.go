package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mdlayher/ethernet"
	"github.com/mdlayher/packet"

	"github.com/nlbprobe/nlbprobe/lab"
	"github.com/nlbprobe/nlbprobe/lab/labtest"
	"github.com/nlbprobe/nlbprobe/mac"
	"github.com/nlbprobe/nlbprobe/nlb"
)

// evil is a host of the segment that belongs to nothing: the attacker's port at
// the switch.
var (
	evilMAC = mac.Addr{0x00, 0x00, 0x5e, 0x00, 0x53, 0x42}
	evilIP  = netip.MustParseAddr("172.16.63.66")

	attackedVIP     = netip.MustParseAddr(labVIP)
	attackedGateway = netip.MustParseAddr("172.16.63.1")
	attackedCluster = mac.Addr{0x03, 0xbf, 172, 16, 63, 241}
	remoteIP        = netip.MustParseAddr("172.16.64.10")
)

// port is the attacker's: it hears all that comes to it, and sends any frame.
type port struct {
	conn   *packet.Conn
	prober lab.Host
}

func (p *port) send(frame []byte) {
	_, _ = p.conn.WriteTo(frame, &packet.Addr{HardwareAddr: net.HardwareAddr(frame[:6])})
}

// each sends a frame so many times a second, another one each time, until the
// context ends.
func (p *port) each(ctx context.Context, rate int, frame func() []byte) {
	const burst = 10 * time.Millisecond
	tick := time.NewTicker(max(burst, time.Second/time.Duration(rate)))
	defer tick.Stop()
	for {
		for range max(1, rate*int(burst)/int(time.Second)) {
			p.send(frame())
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// hear hands over each frame until the context ends.
func (p *port) hear(ctx context.Context, f func([]byte)) {
	b := make([]byte, 2048)
	for ctx.Err() == nil {
		_ = p.conn.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
		n, _, err := p.conn.ReadFrom(b)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			continue
		}
		if err != nil {
			return
		}
		f(b[:n])
	}
}

// attack is what a neighbour does while probes run.
type attack func(ctx context.Context, p *port)

// underAttack starts a scenario with the attacker's port and lets it attack until
// the test ends.
func underAttack(t *testing.T, scenario string, a attack) *lab.Lab {
	t.Helper()
	s, err := lab.Load(scenario)
	if err != nil {
		t.Fatal(err)
	}
	s.Nodes = append(s.Nodes, lab.Node{Name: "evil", Address: evilIP, MAC: evilMAC})
	l := labtest.StartScenario(t, s)
	prober, _ := l.Host("prober")
	ctx, stop := context.WithCancel(t.Context())
	ready, ended := make(chan error, 1), make(chan struct{})
	go func() {
		defer close(ended)
		err := l.Do("evil", func() error {
			ifi, err := net.InterfaceByName(l.Interface("evil"))
			if err != nil {
				return err
			}
			const everything = 0x0003 // ETH_P_ALL
			conn, err := packet.Listen(ifi, packet.Raw, everything, nil)
			if err != nil {
				return err
			}
			defer conn.Close()
			if err := conn.SetPromiscuous(true); err != nil {
				return err
			}
			ready <- nil
			a(ctx, &port{conn, prober})
			return nil
		})
		if err != nil {
			ready <- err
		}
	}()
	if err := <-ready; err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stop()
		<-ended
	})
	return l
}

// The frames of attackers.

func frameOf(dst, src mac.Addr, etherType ethernet.EtherType, body []byte) []byte {
	b := slices.Concat(dst[:], src[:], binary.BigEndian.AppendUint16(nil, uint16(etherType)), body)
	return append(b, make([]byte, max(0, 60-len(b)))...)
}

func claimFrame(dst, src, sender mac.Addr, ip netip.Addr, op byte, target netip.Addr) []byte {
	body := []byte{0, 1, 8, 0, 6, 4, 0, op}
	body = slices.Concat(body, sender[:], ip.AsSlice(), make([]byte, 6), target.AsSlice())
	return frameOf(dst, src, ethernet.EtherTypeARP, body)
}

// ones is the Internet checksum of b (RFC 1071), with what s adds.
func ones(b []byte, s uint32) uint16 {
	for ; len(b) >= 2; b = b[2:] {
		s += uint32(binary.BigEndian.Uint16(b))
	}
	if len(b) == 1 {
		s += uint32(b[0]) << 8
	}
	for s > 0xffff {
		s = s>>16 + s&0xffff
	}
	return ^uint16(s)
}

func ipFrame(dst, src mac.Addr, from, to netip.Addr, ttl, protocol byte, body []byte) []byte {
	h := []byte{0x45, 0, 0, 0, 0, 0, 0, 0, ttl, protocol, 0, 0}
	binary.BigEndian.PutUint16(h[2:], uint16(20+len(body)))
	h = slices.Concat(h, from.AsSlice(), to.AsSlice())
	binary.BigEndian.PutUint16(h[10:], ones(h, 0))
	return frameOf(dst, src, ethernet.EtherTypeIPv4, append(h, body...))
}

// icmpBody is an ICMP message with its checksum.
func icmpBody(kind, code byte, rest []byte) []byte {
	b := append([]byte{kind, code, 0, 0}, rest...)
	binary.BigEndian.PutUint16(b[2:], ones(b, 0))
	return b
}

// inRoutersName is a packet of a remote client to the cluster, as the router would
// hand it on.
func inRoutersName(*port) []byte {
	router := mac.Addr{0x00, 0x00, 0x5e, 0x00, 0x53, 0x01}
	udp := []byte{0x30, 0x39, 0, 9, 0, 12, 0, 0, 1, 2, 3, 4}
	return ipFrame(attackedCluster, router, remoteIP, attackedVIP, 63, 17, udp)
}

// blindError is a host unreachable about a packet of the prober's with numbers
// that are guessed.
func blindError(p *port) []byte {
	echo := icmpBody(8, 0, binary.BigEndian.AppendUint32(nil, rand.Uint32()))
	quoted := ipFrame(mac.Addr{}, mac.Addr{}, p.prober.Addr(), attackedVIP, 63, 1, echo)[14 : 14+28]
	return ipFrame(p.prober.MAC, evilMAC, attackedGateway, p.prober.Addr(), 64, 1, icmpBody(3, 1, append(make([]byte, 4), quoted...)))
}

func blindReply(p *port) []byte {
	body := binary.BigEndian.AppendUint32(nil, rand.Uint32())
	return ipFrame(p.prober.MAC, evilMAC, attackedVIP, p.prober.Addr(), 64, 1, icmpBody(0, 0, append(body, "nlbprobe"...)))
}

func blindSYNACK(p *port) []byte {
	b := make([]byte, 20)
	binary.BigEndian.PutUint16(b, 80)
	binary.BigEndian.PutUint16(b[2:], uint16(61000+rand.IntN(1<<16-61000)))
	binary.BigEndian.PutUint32(b[4:], rand.Uint32())
	binary.BigEndian.PutUint32(b[8:], rand.Uint32())
	b[12], b[13] = 5<<4, 0x12
	pseudo := slices.Concat(attackedVIP.AsSlice(), p.prober.Addr().AsSlice(), []byte{0, 6, 0, 20}, b)
	binary.BigEndian.PutUint16(b[16:], ones(pseudo, 0))
	return ipFrame(p.prober.MAC, evilMAC, attackedVIP, p.prober.Addr(), 64, 6, b)
}

// inventedHello is a VRRP advertisement (RFC 5798 5) of the n-th invented router.
func inventedHello(n int) []byte {
	virtual := netip.AddrFrom4([4]byte{172, 16, 63, byte(150 + n%40)})
	b := slices.Concat([]byte{0x31, byte(100 + n), 100, 1, 0, 100, 0, 0}, virtual.AsSlice())
	from, group := netip.AddrFrom4([4]byte{172, 16, 63, byte(100 + n%40)}), netip.AddrFrom4([4]byte{224, 0, 0, 18})
	pseudo := slices.Concat(from.AsSlice(), group.AsSlice(), []byte{0, 112, 0, byte(len(b))}, b)
	binary.BigEndian.PutUint16(b[6:], ones(pseudo, 0))
	return ipFrame(mac.Addr{1, 0, 0x5e, 0, 0, 0x12}, mac.Addr{0, 0, 0x5e, 0, 1, byte(100 + n)}, from, group, 255, 112, b)
}

// inventedHSRP is a hello of HSRP (RFC 2281 5.1) of the n-th invented router, active.
func inventedHSRP(n int) []byte {
	hello := slices.Concat([]byte{0, 0, 16, 3, 10, 100, byte(n), 0}, []byte("cisco\x00\x00\x00"), []byte{172, 16, 63, byte(150 + n%40)})
	udp := append([]byte{0x07, 0xc1, 0x07, 0xc1, 0, byte(8 + len(hello)), 0, 0}, hello...)
	from, group := netip.AddrFrom4([4]byte{172, 16, 63, byte(100 + n%40)}), netip.AddrFrom4([4]byte{224, 0, 0, 2})
	return ipFrame(mac.Addr{1, 0, 0x5e, 0, 0, 2}, mac.Addr{0, 0, 0x0c, 0x07, 0xac, byte(n)}, from, group, 1, 17, udp)
}

// inventedBeat is a heartbeat of the n-th invented host.
func inventedBeat(n int) []byte {
	s := nlb.Status{HostID: uint16(n), DefaultHost: uint16(n % 40), State: 1, RuleCount: 1}
	h := nlb.Heartbeat{
		Signature: nlb.SignatureMembership, Version: 0x0206, Priority: uint32(1 + n%32),
		Cluster: attackedVIP, Dedicated: netip.AddrFrom4([4]byte{10, 0, byte(n >> 8), byte(n)}),
	}
	source := mac.Addr{2, 9, 0, 0, byte(n >> 8), byte(n)}
	return s.AppendTo(h.AppendHeader(nlb.AppendEthernet(nil, attackedCluster, source, nlb.EtherTypeHeartbeat)))
}

// isQuestion reports the prober's question for an address.
func isQuestion(b []byte, p *port, target netip.Addr) bool {
	return len(b) >= 42 && b[12] == 8 && b[13] == 6 && b[21] == 1 && mac.From(b[6:]) == p.prober.MAC && string(b[38:42]) == string(target.AsSlice())
}

// afterQuestion does something so long after the first of the prober's questions
// in each run.
func afterQuestion(ctx context.Context, p *port, after time.Duration, do func()) {
	var last time.Time
	p.hear(ctx, func(b []byte) {
		if !isQuestion(b, p, attackedVIP) {
			return
		}
		if time.Since(last) > time.Second {
			time.AfterFunc(after, do)
		}
		last = time.Now()
	})
}

// TestAttackers: what a neighbour can do changes no verdict for the better, and
// what cannot be told apart is said. Each is tried several times, and the capture
// that a run left gives the same verdict.
func TestAttackers(t *testing.T) {
	counter := func(frame func(int) []byte) func() []byte {
		n := 0
		return func() []byte { n++; return frame(n - 1) }
	}
	tests := []struct {
		name     string
		scenario string
		attack   attack
		args     []string
		verdict  string   // and others that are right too, as when the attack makes the switch send the router's frames elsewhere
		status   int      // of the first
		want     []string // findings
		most     float64  // seconds
		frames   int      // sent at most
		check    func(t *testing.T, o object)
	}{
		{
			// The switch learns the router's MAC at the attacker's port, so that some of
			// what we hand to the router does not get there.
			name: "one packet in the name of a strict router", scenario: "multicast", verdict: "local-only answers", status: exitCritical,
			want: []string{"router-evidence-contradicts"},
			attack: func(ctx context.Context, p *port) {
				afterQuestion(ctx, p, 300*time.Millisecond, func() { p.send(inRoutersName(p)) })
			},
		},
		{
			name: "packets in the name of another strict router", scenario: "strict-router", verdict: "local-only answers", status: exitCritical,
			want:   []string{"router-evidence-contradicts"},
			attack: func(ctx context.Context, p *port) { p.each(ctx, 2, func() []byte { return inRoutersName(p) }) },
		},
		{
			name: "packets in the name of a router that sends nothing back", scenario: "no-hairpin", verdict: "answers", status: exitWarning,
			want:   []string{"router-evidence-contradicts"},
			attack: func(ctx context.Context, p *port) { p.each(ctx, 2, func() []byte { return inRoutersName(p) }) },
		},
		{
			name: "only listened to", scenario: "multicast", args: []string{"--passive", "--wait", "1500ms"}, verdict: "seen", status: exitOK,
			want:   []string{"vip-in-traffic", "router-not-tested"},
			attack: func(ctx context.Context, p *port) { p.each(ctx, 2, func() []byte { return inRoutersName(p) }) },
		},
		{
			name: "in the router's place", scenario: "multicast", verdict: "local-only", status: exitCritical,
			want:   []string{"router-address-claimed-twice", "router-ignores-multicast-arp"},
			attack: inTheMiddle,
			check: func(t *testing.T, o object) {
				if m := o.Routers[0].MACs; len(m) != 2 || m[0].MAC != evilMAC.String() || m[0].ReachesVIP == nil || !*m[0].ReachesVIP || m[1].ReachesVIP == nil || *m[1].ReachesVIP {
					t.Errorf("routers %+v", o.Routers)
				}
			},
		},
		{
			name: "in the place of a router that reaches", scenario: "fixed", verdict: "reachable", status: exitWarning,
			want:   []string{"router-address-claimed-twice"},
			attack: inTheMiddle,
		},
		{
			name: "thousands of MACs for the router", scenario: "fixed", verdict: "reachable", status: exitWarning,
			want: []string{"router-address-claimed-twice"},
			attack: func(ctx context.Context, p *port) {
				p.each(ctx, 2000, counter(func(n int) []byte {
					m := mac.Addr{2, 0xee, byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)}
					return claimFrame(p.prober.MAC, m, m, attackedGateway, 2, p.prober.Addr())
				}))
			},
			check: func(t *testing.T, o object) {
				if r := o.Routers[0]; r.MAC == nil || *r.MAC != "00:00:5e:00:53:01" || len(r.MACs) > 4 {
					t.Errorf("routers %+v", o.Routers)
				}
			},
		},
		{
			name: "hosts that ask take every place", scenario: "second-router", args: []string{"--listen", "1500ms", "--wait", "8s"}, verdict: "local-only", status: exitCritical,
			attack: func(ctx context.Context, p *port) {
				afterQuestion(ctx, p, 0, func() {
					for n := range 4 {
						m := mac.Addr{2, 7, 7, 7, 7, byte(n)}
						p.send(claimFrame(mac.Broadcast, m, m, netip.AddrFrom4([4]byte{172, 16, 63, byte(80 + n)}), 1, attackedVIP))
					}
				})
			},
		},
		{
			name: "invented routers, before one that refuses", scenario: "second-router", args: []string{"--listen", "1500ms", "--wait", "8s"}, verdict: "local-only", status: exitCritical,
			attack: func(ctx context.Context, p *port) { p.each(ctx, 40, counter(inventedHello)) },
		},
		{
			name: "invented routers, beside a pair", scenario: "vrrp-pair", verdict: "reachable", status: exitWarning, most: 4, frames: 40,
			want:   []string{"router-not-tested"},
			attack: func(ctx context.Context, p *port) { p.each(ctx, 40, counter(inventedHello)) },
		},
		{
			name: "invented routers, beside one that reaches", scenario: "fixed", verdict: "reachable", status: exitWarning, most: 4, frames: 40,
			want:   []string{"router-not-tested"},
			attack: func(ctx context.Context, p *port) { p.each(ctx, 40, counter(inventedHello)) },
		},
		{
			name: "invented HSRP routers, beside one that reaches", scenario: "fixed", verdict: "reachable", status: exitWarning, most: 3, frames: 40,
			want:   []string{"router-not-tested"},
			attack: func(ctx context.Context, p *port) { p.each(ctx, 40, counter(inventedHSRP)) },
		},
		{
			// They ask on, as a router does that gets no answer it takes.
			name: "hosts that ask on and on", scenario: "second-router", args: []string{"--listen", "1500ms", "--wait", "8s"}, verdict: "local-only reachable", status: exitCritical,
			attack: func(ctx context.Context, p *port) {
				p.each(ctx, 8, counter(func(n int) []byte {
					m := mac.Addr{2, 7, 7, 7, 7, byte(n % 4)}
					return claimFrame(mac.Broadcast, m, m, netip.AddrFrom4([4]byte{172, 16, 63, byte(80 + n%4)}), 1, attackedVIP)
				}))
			},
		},
		{
			name: "claims in the router's place, and packets that go nowhere", scenario: "multicast", verdict: "local-only answers", status: exitCritical,
			want: []string{"router-address-claimed-twice"},
			attack: func(ctx context.Context, p *port) {
				p.each(ctx, 20, func() []byte {
					return claimFrame(mac.Broadcast, evilMAC, evilMAC, attackedGateway, 1, attackedGateway)
				})
			},
		},
		{
			name: "ICMP errors with guessed numbers", scenario: "multicast", verdict: "local-only", status: exitCritical,
			want:   []string{"answers-unasked", "router-ignores-multicast-arp"},
			attack: func(ctx context.Context, p *port) { p.each(ctx, 1000, func() []byte { return blindError(p) }) },
		},
		{
			name: "echo replies with guessed numbers", scenario: "multicast", verdict: "local-only", status: exitCritical,
			want:   []string{"answers-unasked", "router-ignores-multicast-arp"},
			attack: func(ctx context.Context, p *port) { p.each(ctx, 600, func() []byte { return blindReply(p) }) },
		},
		{
			name: "SYN, ACK with guessed numbers", scenario: "multicast", args: []string{"--tcp", "80"}, verdict: "local-only", status: exitCritical,
			want:   []string{"answers-unasked", "router-ignores-multicast-arp"},
			attack: func(ctx context.Context, p *port) { p.each(ctx, 5000, func() []byte { return blindSYNACK(p) }) },
		},
		{
			name: "an error about a packet that was delivered", scenario: "fixed", verdict: "answers", status: exitWarning,
			want:   []string{"router-test-inconclusive"},
			attack: errorAfterDelivery,
		},
		{
			name: "heartbeats of a host that is not there", scenario: "fixed", verdict: "reachable", status: exitWarning,
			want:   []string{"split-cluster"},
			attack: func(ctx context.Context, p *port) { p.each(ctx, 4, func() []byte { return inventedBeat(39) }) },
		},
		{
			name: "heartbeats of more hosts than a cluster has", scenario: "multicast", verdict: "local-only", status: exitCritical, most: 5.2,
			want: []string{"heartbeats-of-too-many-hosts"},
			attack: func(ctx context.Context, p *port) {
				p.each(ctx, 3000, counter(func(n int) []byte { return inventedBeat(n % 1500) }))
			},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			l := underAttack(t, tt.scenario, tt.attack)
			for run := range 3 {
				file := filepath.Join(t.TempDir(), fmt.Sprintf("run%d.pcapng", run))
				status, stdout, stderr := nlbprobe(t, l, "prober", slices.Concat(tt.args, []string{"-o", "json", "--write", file, labVIP})...)
				all := objects(t, stdout)
				if len(all) != 1 {
					t.Fatalf("status %d, %s", status, stderr)
				}
				o := all[0]
				right := strings.Fields(tt.verdict)
				if o.Verdict == right[0] && status != tt.status || status == exitOK && tt.status != exitOK || !slices.Contains(right, o.Verdict) {
					t.Errorf("status %d, %s after %.1f s, routers %+v, findings %v", status, o.Verdict, o.Seconds, o.Routers, o.ids())
				}
				for _, id := range tt.want {
					if !slices.Contains(o.ids(), id) {
						t.Errorf("no %s in %v", id, o.ids())
					}
				}
				if tt.most > 0 && o.Seconds > tt.most {
					t.Errorf("it took %.2f s", o.Seconds)
				}
				if tt.frames > 0 && o.Sent > tt.frames {
					t.Errorf("%d frames were sent", o.Sent)
				}
				if tt.check != nil {
					tt.check(t, o)
				}
				_, again, stderr := nlbprobe(t, l, "prober", "analyze", "-o", "json", "--vip", labVIP, file)
				if all := objects(t, again); len(all) != 1 || all[0].Verdict != o.Verdict || all[0].Severity != o.Severity {
					t.Errorf("the capture gives another verdict: %.300s%s; live %s, %v", again, stderr, o.Verdict, o.ids())
				}
			}
		})
	}
}

// inTheMiddle answers for the router and hands packets for the VIP on.
func inTheMiddle(ctx context.Context, p *port) {
	go p.each(ctx, 20, func() []byte {
		return claimFrame(p.prober.MAC, evilMAC, evilMAC, attackedGateway, 2, p.prober.Addr())
	})
	p.hear(ctx, func(b []byte) {
		if len(b) < 34 || b[12] != 8 || b[13] != 0 || mac.From(b) != evilMAC || string(b[30:34]) != string(attackedVIP.AsSlice()) {
			return
		}
		f := slices.Clone(b)
		copy(f, attackedCluster[:])
		copy(f[6:], evilMAC[:])
		f[22]-- // time to live
		f[24], f[25] = 0, 0
		binary.BigEndian.PutUint16(f[24:], ones(f[14:34], 0))
		p.send(f)
	})
}

// errorAfterDelivery says host unreachable of each packet of the prober's that the
// switch floods on its way from the router, in the router's name.
func errorAfterDelivery(ctx context.Context, p *port) {
	p.hear(ctx, func(b []byte) {
		if len(b) < 62 || b[12] != 8 || b[13] != 0 || mac.From(b) != attackedCluster || b[22] != 63 || string(b[26:30]) != string(p.prober.Addr().AsSlice()) {
			return
		}
		quoted := slices.Clone(b[14:62])
		time.AfterFunc(20*time.Millisecond, func() {
			p.send(ipFrame(p.prober.MAC, evilMAC, attackedGateway, p.prober.Addr(), 64, 1, icmpBody(3, 1, append(make([]byte, 4), quoted...))))
		})
	})
}

// manyVIPs has the attacker answer for 30 further VIPs with the cluster's MAC and
// then send heartbeats of as many invented hosts.
func manyVIPs(beats int) attack {
	return func(ctx context.Context, p *port) {
		var last time.Time
		p.hear(ctx, func(b []byte) {
			if len(b) < 42 || b[12] != 8 || b[13] != 6 || b[21] != 1 || mac.From(b[6:]) != p.prober.MAC || b[41] < 190 || b[41] > 219 {
				return
			}
			p.send(claimFrame(p.prober.MAC, evilMAC, attackedCluster, netip.AddrFrom4([4]byte(b[38:42])), 2, p.prober.Addr()))
			if time.Since(last) > 2*time.Second {
				last = time.Now()
				time.AfterFunc(100*time.Millisecond, func() {
					for n := range beats {
						p.send(inventedBeat(n))
						if n%6 == 5 {
							time.Sleep(time.Millisecond)
						}
					}
				})
			}
		})
	}
}

// TestAttackOnManyVIPs: 1,500 forged heartbeats and 31 VIPs at one MAC keep a run
// neither from its verdicts nor from its --wait nor from Ctrl-C, and its report
// stays small.
func TestAttackOnManyVIPs(t *testing.T) {
	t.Parallel()
	vips := []string{labVIP}
	for n := 190; n < 220; n++ {
		vips = append(vips, fmt.Sprintf("172.16.63.%d", n))
	}
	// late is what a machine gets that runs other tests beside this one.
	const late = 1.0
	probe := func(l *lab.Lab) (verdicts []string) {
		status, stdout, stderr := nlbprobe(t, l, "prober", slices.Concat([]string{"-o", "json", "--wait", "5s"}, vips)...)
		all := objects(t, stdout)
		if len(all) != len(vips) {
			t.Fatalf("status %d, %d objects, %s", status, len(all), stderr)
		}
		for _, o := range all {
			verdicts = append(verdicts, o.VIP+" "+o.Verdict)
			if o.Seconds > 5+late || slices.Contains(o.ids(), "frames-lost") {
				t.Errorf("%s: %s after %.2f s, %v", o.VIP, o.Verdict, o.Seconds, o.ids())
			}
		}
		if len(stdout) > 4<<20 {
			t.Errorf("%d bytes of JSON", len(stdout))
		}
		slices.Sort(verdicts)
		return verdicts
	}
	quiet := probe(underAttack(t, "multicast", manyVIPs(0)))
	l := underAttack(t, "multicast", manyVIPs(1500))
	attacked := probe(l)
	// A packet a second is all that a router gets, so few of so many are tested in
	// time, and how soon it gives up on each is its own matter.
	for name, verdicts := range map[string][]string{"quiet": quiet, "attacked": attacked} {
		n := 0
		for _, v := range verdicts {
			switch _, verdict, _ := strings.Cut(v, " "); verdict {
			case "local-only":
				n++
			case "answers":
			default:
				t.Errorf("%s: %s", name, v)
			}
		}
		if n == 0 {
			t.Errorf("%s: none of %d VIPs is local-only", name, len(verdicts))
		}
	}

	cmd := l.Command(t.Context(), "prober", "nlbprobe", slices.Concat([]string{"-o", "json", "--wait", "20s", "--listen", "20s"}, vips)...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	time.Sleep(1500 * time.Millisecond)
	start := time.Now()
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	took := time.Since(start)
	if took > time.Duration(late*float64(time.Second)) {
		t.Errorf("it ended %v after Ctrl-C", took)
	}
	t.Logf("it ended %v after Ctrl-C", took)
}
