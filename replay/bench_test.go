package replay_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/nlbprobe/nlbprobe/capture"
	"github.com/nlbprobe/nlbprobe/capture/capturetest"
	"github.com/nlbprobe/nlbprobe/evidence"
	"github.com/nlbprobe/nlbprobe/replay"
)

// BenchmarkReplay takes the frames of 64 MiB of mixed traffic, of which one in
// 1000 is of interest.
func BenchmarkReplay(b *testing.B) {
	var file bytes.Buffer
	m, err := capturetest.WriteMixed(&file, capturetest.PCAP, 64<<20, 1)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(file.Len()))
	b.ReportAllocs()
	for b.Loop() {
		rd, err := capture.NewReader(bytes.NewReader(file.Bytes()), capture.Options{})
		if err != nil {
			b.Fatal(err)
		}
		r := replay.New()
		var f evidence.Frame
		for {
			if err := rd.Next(&f); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				b.Fatal(err)
			}
			r.Frame(&f)
		}
		if len(r.VIPs()) == 0 {
			b.Fatal("no VIP was found")
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*m.Frames), "ns/frame")
}

// BenchmarkReplayCluster takes the frames of a member's port, all of them for a
// VIP, from 200 clients.
func BenchmarkReplayCluster(b *testing.B) {
	r := replay.New()
	feed(r, arp(b, router, host, "0002", cluster, ipVIP, "ac103f01"))
	var frames [200]evidence.Frame
	for i := range frames {
		data := ip(b, cluster, router, "06", fmt.Sprintf("0a0908%02x", i), ipVIP, tcpACK)
		frames[i] = evidence.Frame{Time: t0, Data: data, Length: 1514, Place: "x"}
	}
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		r.Frame(&frames[n%len(frames)])
		n++
	}
}

// BenchmarkReplayVIPs takes frames that concern VIPs of one cluster, or nobody: what
// one costs does not depend on the number of VIPs.
func BenchmarkReplayVIPs(b *testing.B) {
	for _, vips := range []int{1, 100, 1000} {
		r := replay.New()
		addr := func(n int) string { return fmt.Sprintf("ac11%04x", n%vips+1) }
		for n := range vips {
			for _, node := range []string{host, host2} {
				feed(r, arp(b, router, node, "0002", cluster, addr(n), "ac103f01"))
			}
		}
		// Each kind as often as there are VIPs at most, so that what they are of differs.
		kinds := []struct {
			name  string
			frame func(n int) []byte
		}{
			{"packet", func(n int) []byte { return ip(b, cluster, router, "06", ipFar, addr(n), tcpACK) }},
			{"question", func(n int) []byte { return arp(b, all, router, "0001", router, "ac103f01", addr(n)) }},
			{"answer", func(n int) []byte { return arp(b, router, host, "0002", cluster, addr(n), "ac103f01") }},
			{"heartbeat", func(int) []byte { return heartbeat(b, addr(0)) }},
			{"foreign", func(int) []byte { return unhex(b, cluster+router+"88cc"+strings.Repeat("00", 46)) }},
			{"strangers", func(int) []byte { return ip(b, host, router, "06", ipFar, ipHost, tcpACK) }},
		}
		for _, k := range kinds {
			frames := make([]evidence.Frame, vips)
			for n := range frames {
				data := k.frame(n)
				frames[n] = evidence.Frame{Data: data, Length: len(data), Place: "x"}
			}
			b.Run(fmt.Sprintf("%s/%d", k.name, vips), func(b *testing.B) {
				b.ReportAllocs()
				n := 0
				for b.Loop() {
					f := &frames[n%vips]
					n++
					f.Time = t0.Add(time.Duration(n) * time.Millisecond) // no copy of the one before
					r.Frame(f)
				}
			})
		}
	}
}
