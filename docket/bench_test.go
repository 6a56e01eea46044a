package docket_test

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"runtime"
	"testing"
	"time"

	"github.com/nlbprobe/nlbprobe/docket"
	"github.com/nlbprobe/nlbprobe/evidence"
	"github.com/nlbprobe/nlbprobe/igmp"
	"github.com/nlbprobe/nlbprobe/mac"
	"github.com/nlbprobe/nlbprobe/nlb"
	"github.com/nlbprobe/nlbprobe/observe"
)

// BenchmarkSegment observes and files frames of a cluster's segment, one after
// the other: with -benchtime=60s it is a minute of them at full rate. Beside the
// time of a frame it gives the frames in a second, and the heap at the end and
// at the most, which must not grow with the number of frames. In "hostile" each
// frame comes from another source, and names another host, group or cluster.
func BenchmarkSegment(b *testing.B) {
	for _, hostile := range []bool{false, true} {
		name := "steady"
		if hostile {
			name = "hostile"
		}
		b.Run(name, func(b *testing.B) {
			frames := segmentFrames(b)
			var d docket.Docket
			var w observe.Watch
			d.Open(vip)
			w.AddIP(vip)
			w.AddMAC(cluster)
			d.File(reply(vip), frame(0))
			var facts []evidence.Fact
			var m runtime.MemStats
			var most uint64
			n := 0
			b.ReportAllocs()
			for b.Loop() {
				data := frames[n%len(frames)]
				if hostile {
					// The source, the priority of a heartbeat or the last octets of a
					// group, and where a name begins.
					binary.BigEndian.PutUint32(data[8:], uint32(n))
					if data[12] == 0x88 && len(data) > 14+28 {
						binary.BigEndian.PutUint32(data[14+12:], uint32(n)|0x0a000000)
						data[14+20+8] = byte(n)
					}
				}
				f := evidence.Frame{Time: t0.Add(time.Duration(n) * 5 * time.Microsecond), Data: data, Length: len(data)}
				facts = w.Facts(facts[:0], &f)
				for _, fact := range facts {
					d.File(fact, &f)
				}
				if n++; n%(1<<18) == 0 {
					runtime.ReadMemStats(&m)
					most = max(most, m.HeapInuse)
				}
			}
			b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "frames/s")
			runtime.GC()
			runtime.ReadMemStats(&m)
			b.ReportMetric(float64(m.HeapAlloc)/1e6, "MB-at-end")
			b.ReportMetric(float64(max(most, m.HeapInuse))/1e6, "MB-at-most")
			if n > 100 && len(d.Items(d.Case(vip))) < 5 {
				b.Fatal("nothing was kept")
			}
		})
	}
}

// segmentFrames are the frames of two nodes, a querier and a stranger.
func segmentFrames(b *testing.B) [][]byte {
	var out [][]byte
	add := func(m igmp.Message, from string) {
		f, err := m.AppendFrame(nil, igmp.Sender{MAC: node, IP: netip.MustParseAddr(from), RouterAlert: true})
		if err != nil {
			b.Fatal(err)
		}
		out = append(out, f)
	}
	for i := range byte(2) {
		src := mac.Addr{0, 0x15, 0x5d, 0, 0, i + 1}
		h := nlb.Heartbeat{Signature: nlb.SignatureMembership, Version: 0x0206, Priority: uint32(i + 1), Cluster: vip, Dedicated: host}
		s := nlb.Status{HostID: uint16(i), State: 1, RuleCount: 1}
		out = append(out, s.AppendTo(h.AppendHeader(nlb.AppendEthernet(nil, cluster, src, nlb.EtherTypeHeartbeat))))
		h.Signature = nlb.SignatureIdentity
		out = append(out, nlb.AppendName(h.AppendHeader(nlb.AppendEthernet(nil, cluster, src, nlb.EtherTypeHeartbeat)), fmt.Sprintf("web%d.example.com", i)))
		add(igmp.Message{Type: igmp.ReportV1, Group: netip.MustParseAddr("239.255.63.241")}, "172.16.63.11")
	}
	add(igmp.Message{Type: igmp.Query, Version: 2, MaxResponse: 10 * time.Second}, "172.16.63.1")
	var records []igmp.Record
	for i := range 60 {
		records = append(records, igmp.Record{Type: igmp.ToExclude, Group: netip.AddrFrom4([4]byte{239, 1, 0, byte(i)})})
	}
	list, err := igmp.RecordsOf(records...)
	if err != nil {
		b.Fatal(err)
	}
	add(igmp.Message{Type: igmp.ReportV3, Records: list}, "172.16.63.99")
	bad := append([]byte(nil), out[2]...)
	bad[len(bad)-10]++ // in the padding or the message
	bad[38]++
	return append(out, bad, append(nlb.AppendEthernet(nil, mac.Broadcast, node, nlb.EtherTypeHeartbeat), 0xf7, 0x8a, 0xde, 0xc0))
}
