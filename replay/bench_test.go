package replay_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"testing"

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
