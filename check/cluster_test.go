package check_test

import (
	"bytes"
	"net/netip"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mdlayher/arp"

	"github.com/nlbprobe/nlbprobe/check"
	"github.com/nlbprobe/nlbprobe/diagnose"
	"github.com/nlbprobe/nlbprobe/event"
	"github.com/nlbprobe/nlbprobe/evidence"
	"github.com/nlbprobe/nlbprobe/igmp"
	"github.com/nlbprobe/nlbprobe/mac"
	"github.com/nlbprobe/nlbprobe/nlb"
)

var (
	igmpMAC  = mac.Addr{0x01, 0, 0x5e, 0x7f, 63, 241}
	vipGroup = netip.MustParseAddr("239.255.63.241")
)

// heartbeat is the frame of a node's heartbeat.
func heartbeat(n byte, to mac.Addr, defaultHost uint16) []byte {
	s := nlb.Status{HostID: uint16(n - 1), DefaultHost: defaultHost, State: 1, RuleCount: 1}
	h := nlb.Heartbeat{
		Signature: nlb.SignatureMembership, Version: 0x0206, Priority: uint32(n),
		Cluster: vip, Dedicated: netip.AddrFrom4([4]byte{172, 16, 63, 20 + n}),
	}
	return s.AppendTo(h.AppendHeader(nlb.AppendEthernet(nil, to, nodeMAC(n), nlb.EtherTypeHeartbeat)))
}

// beats puts a frame on the segment each second from the start.
func (s *segment) beats(ctx <-chan struct{}, after time.Duration, frame []byte) {
	go func() {
		t := time.NewTimer(after)
		defer t.Stop()
		for {
			select {
			case <-t.C:
				s.put(frame)
				t.Reset(time.Second)
			case <-ctx:
				return
			}
		}
	}()
}

// clusterAnswers answers for vip as these hosts do, at one MAC. There is no
// router.
func clusterAnswers(t *testing.T, at mac.Addr, nodes ...byte) func([]byte) [][]byte {
	return func(b []byte) [][]byte {
		var out [][]byte
		if b[12] == 0x08 && b[13] == 0x06 && target(t, b) == vip {
			for _, n := range nodes {
				out = append(out, arpFrame(t, arp.OperationReply, nodeMAC(n), ourMAC, at, vip, ourMAC, us.Addr()))
			}
		}
		return out
	}
}

// runOne runs the check of the VIP.
func runOne(t *testing.T, link *segment, cfg check.Config) event.Result {
	t.Helper()
	cfg.Routers = nil
	h := &told{}
	if err := check.Run(t.Context(), link, cfg, []netip.Addr{vip}, h); err != nil {
		t.Fatal(err)
	}
	if len(h.results) != 1 {
		t.Fatalf("%d results", len(h.results))
	}
	return h.results[0]
}

// A run waits for one heartbeat of each host of a cluster, and for no longer.
func TestWaitsForHeartbeats(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSegment(t, clusterAnswers(t, cluster, 1, 2))
		done := make(chan struct{})
		defer close(done)
		s.beats(done, 300*time.Millisecond, heartbeat(1, cluster, 0))
		s.beats(done, 990*time.Millisecond, heartbeat(2, cluster, 0))
		cfg := config()
		cfg.Beats = 1200 * time.Millisecond
		r := runOne(t, s, cfg)
		if r.Elapsed < 1200*time.Millisecond || r.Elapsed > 1300*time.Millisecond {
			t.Errorf("it took %v", r.Elapsed)
		}
		hosts := r.Diagnosis.Cluster.Hosts
		if len(hosts) != 2 || hosts[0].Priority != 1 || hosts[1].Priority != 2 || hosts[0].Beats != 1 {
			t.Errorf("hosts %+v", hosts)
		}
		for _, m := range []mac.Addr{cluster, igmp.GroupMAC(igmp.AllSystems), igmp.GroupMAC(igmp.AllV3)} {
			if !slices.Contains(s.joined, m) {
				t.Errorf("%v was not joined: %v", m, s.joined)
			}
		}
	})
}

// Hosts in unicast mode that do not mask the cluster's MAC all send with it: one
// heartbeat does not tell that it was every host's.
func TestWaitsForHostsOfOneMAC(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		at := mac.Addr{0x02, 0xbf, 172, 16, 63, 241}
		s := newSegment(t, func(b []byte) [][]byte {
			if b[12] != 0x08 || b[13] != 0x06 || target(t, b) != vip {
				return nil
			}
			return [][]byte{arpFrame(t, arp.OperationReply, at, ourMAC, at, vip, ourMAC, us.Addr())}
		})
		done := make(chan struct{})
		defer close(done)
		for n, after := range []time.Duration{300 * time.Millisecond, 900 * time.Millisecond} {
			b := heartbeat(byte(n+1), mac.Addr{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, 0)
			copy(b[6:], at[:])
			s.beats(done, after, b)
		}
		cfg := config()
		cfg.Beats = 1200 * time.Millisecond
		r := runOne(t, s, cfg)
		if r.Elapsed != 1201*time.Millisecond || len(r.Diagnosis.Cluster.Hosts) != 2 {
			t.Errorf("it took %v, hosts %+v", r.Elapsed, r.Diagnosis.Cluster.Hosts)
		}
	})
}

// The MAC of a secondary VIP's cluster is made of another address: it is heard from
// the first masked answer on, so that RARP from it, by which a switch learns the MAC,
// is a finding.
func TestHearsFromClusterMAC(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		at := mac.Addr{0x02, 0xbf, 172, 16, 63, 200}
		s := newSegment(t, func(b []byte) [][]byte {
			if b[12] != 0x08 || b[13] != 0x06 || target(t, b) != vip {
				return nil
			}
			var out [][]byte
			for n := range byte(2) {
				out = append(out, arpFrame(t, arp.OperationReply, mac.Addr{0x02, n + 1, 172, 16, 63, 200}, ourMAC, at, vip, ourMAC, us.Addr()))
			}
			return out
		})
		done := make(chan struct{})
		defer close(done)
		rarp := make([]byte, 60)
		copy(rarp, mac.Broadcast[:])
		copy(rarp[6:], at[:])
		copy(rarp[12:], []byte{0x80, 0x35})
		s.beats(done, 300*time.Millisecond, rarp)
		cfg := config()
		cfg.Beats = 1200 * time.Millisecond
		r := runOne(t, s, cfg)
		if !slices.Contains(s.hearsMACs, at) {
			t.Errorf("%v is not heard: %v", at, s.hearsMACs)
		}
		if !slices.ContainsFunc(r.Diagnosis.Findings, func(f diagnose.Finding) bool { return f.ID == "cluster-mac-as-source" }) {
			t.Errorf("findings %+v", r.Diagnosis.Findings)
		}
	})
}

// Hosts that contradict each other are heard for as long as it takes to tell a
// cluster that converges from one that is split.
func TestListensToASplitCluster(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSegment(t, clusterAnswers(t, cluster, 1, 2))
		done := make(chan struct{})
		defer close(done)
		s.beats(done, 300*time.Millisecond, heartbeat(1, cluster, 0))
		s.beats(done, 700*time.Millisecond, heartbeat(2, cluster, 1))
		cfg := config()
		cfg.Beats, cfg.Timing.Wait = 1200*time.Millisecond, 10*time.Second
		r := runOne(t, s, cfg)
		if r.Elapsed < 4400*time.Millisecond || r.Elapsed > 5*time.Second {
			t.Errorf("it took %v", r.Elapsed)
		}
		i := slices.IndexFunc(r.Diagnosis.Findings, func(f diagnose.Finding) bool { return f.ID == "split-cluster" })
		if i < 0 || r.Diagnosis.Findings[i].Severity.String() != "critical" {
			t.Errorf("findings %+v", r.Diagnosis.Findings)
		}
	})
}

// A VIP need not be its cluster's primary one: another host's heartbeat, of which no
// answer was heard, belongs to it by the MAC that it goes to.
func TestListensToASplitClusterOfASecondaryVIP(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSegment(t, clusterAnswers(t, cluster, 1))
		done := make(chan struct{})
		defer close(done)
		for n, after := range []time.Duration{300 * time.Millisecond, 700 * time.Millisecond} {
			b := heartbeat(byte(n+1), cluster, uint16(n))
			b[14+15] = 200 // another primary VIP
			s.beats(done, after, b)
		}
		cfg := config()
		cfg.Beats, cfg.Timing.Wait = 1200*time.Millisecond, 10*time.Second
		if r := runOne(t, s, cfg); r.Elapsed < 4400*time.Millisecond || r.Elapsed > 5*time.Second || !r.Diagnosis.Has("split-cluster") {
			t.Errorf("it took %v, findings %+v", r.Elapsed, r.Diagnosis.Findings)
		}
	})
}

// An ordinary host is not waited for, nor one that says that it is everybody.
func TestNoHeartbeatsOfAHost(t *testing.T) {
	for _, at := range []mac.Addr{nodeMAC(1), mac.Broadcast} {
		synctest.Test(t, func(t *testing.T) {
			s := newSegment(t, clusterAnswers(t, at, 1))
			cfg := config()
			cfg.Beats = 1200 * time.Millisecond
			if r := runOne(t, s, cfg); r.Elapsed > 600*time.Millisecond || len(s.joined) > 0 {
				t.Errorf("%v: it took %v, joined %v", at, r.Elapsed, s.joined)
			}
		})
	}
}

// Where nobody answers, the heartbeats of the hosts are heard all the same.
func TestSilentVIPThatBeats(t *testing.T) {
	for _, passive := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			s := newSegment(t, nil)
			done := make(chan struct{})
			defer close(done)
			s.beats(done, 400*time.Millisecond, heartbeat(1, cluster, 0))
			cfg := config()
			cfg.Passive = passive
			r := runOne(t, s, cfg)
			if len(r.Diagnosis.Cluster.Hosts) != 1 || r.Diagnosis.Cluster.Hosts[0].Beats < 2 {
				t.Errorf("hosts %+v", r.Diagnosis.Cluster.Hosts)
			}
			if r.Diagnosis.Has("host-without-arp-answer") == passive {
				t.Errorf("passive %v: findings %+v", passive, r.Diagnosis.Findings)
			}
			if !slices.Contains(s.joined, cluster) || !slices.Contains(s.joined, igmpMAC) {
				t.Errorf("joined %v", s.joined)
			}
			if passive && len(s.sent) > 0 {
				t.Errorf("a passive run sent %d frames", len(s.sent))
			}
		})
	}
}

// queries returns the IGMP frames that were sent.
func (s *segment) queries() [][]byte {
	var out [][]byte
	for _, b := range s.sent {
		if len(b) > 24 && b[12] == 0x08 && b[13] == 0 && b[23] == 2 {
			out = append(out, b)
		}
	}
	return out
}

func TestIGMPQuery(t *testing.T) {
	report, err := igmp.Message{Type: igmp.ReportV1, Group: vipGroup}.AppendFrame(nil, igmp.Sender{MAC: nodeMAC(1), IP: netip.MustParseAddr("172.16.63.21")})
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name    string
		at      mac.Addr
		ask     bool
		passive bool
		unasked bool // a report comes before it is asked for
		queries int
		finding string
	}{
		{"not asked for", igmpMAC, false, false, false, 0, "igmp-not-proven"},
		{"asked for", igmpMAC, true, false, false, 2, "igmp-query-unanswered"},
		{"a host reports by itself", igmpMAC, true, false, true, 1, "igmp-group-joined"},
		{"multicast mode", cluster, true, false, false, 0, "group-mac-answer"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newSegment(t, clusterAnswers(t, tt.at, 1, 2))
				if tt.unasked {
					time.AfterFunc(20*time.Millisecond, func() { s.put(report) })
				}
				cfg := config()
				cfg.IGMPQuery = tt.ask
				r := runOne(t, s, cfg)
				got := s.queries()
				if len(got) != tt.queries || !r.Diagnosis.Has(tt.finding) {
					t.Fatalf("%d queries, findings %+v", len(got), r.Diagnosis.Findings)
				}
				for _, b := range got {
					// To a host's own MAC and never to a group's; from nobody; with the
					// flag that keeps routers' timers (the byte at 8 of the message).
					if to := mac.From(b); to.IsGroup() || to != nodeMAC(1) && to != nodeMAC(2) {
						t.Errorf("a query went to %v", to)
					}
					if !bytes.Equal(b[26:30], []byte{0, 0, 0, 0}) || b[14+24] != byte(igmp.Query) || b[14+24+8]&0x08 == 0 {
						t.Errorf("query % x", b)
					}
				}
				if tt.queries > 0 && r.Elapsed < igmp.MemberResponse {
					t.Errorf("it took %v: no time to answer", r.Elapsed)
				}
			})
		})
	}
}

// What the run asks does not depend on a flood of heartbeats and reports of
// others.
func TestClusterFlood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSegment(t, clusterAnswers(t, cluster, 1))
		for n := range 9000 {
			b := heartbeat(1, cluster, 0)
			b[6], b[9], b[10], b[11] = 4, byte(n>>16), byte(n>>8), byte(n) // another source
			b[14+12], b[14+15] = 10, 9                                     // another cluster's
			b[0], b[1] = 0xff, 0xff                                        // and another MAC
			s.put(b)
		}
		s.put(heartbeat(1, cluster, 0))
		cfg := config()
		cfg.Beats = 1200 * time.Millisecond
		r := runOne(t, s, cfg)
		if h := r.Diagnosis.Cluster.Hosts; len(h) != 1 || h[0].Beats != 1 {
			t.Errorf("%d hosts", len(h))
		}
		n := 0
		for _, it := range r.Items {
			if it.Fact.Kind() == evidence.KindHeartbeat {
				n++
			}
		}
		if n > evidence.PerKind+1 {
			t.Errorf("%d heartbeats kept", n)
		}
	})
}
