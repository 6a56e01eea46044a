package replay_test

import (
	"bytes"
	"errors"
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
