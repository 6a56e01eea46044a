package capture_test

import (
	"bytes"
	"errors"
	"io"
	"sync"
	"testing"

	"github.com/nlbprobe/nlbprobe/capture"
	"github.com/nlbprobe/nlbprobe/capture/capturetest"
	"github.com/nlbprobe/nlbprobe/evidence"
)

// benchSize is more than the processor's caches hold.
const benchSize = 256 << 20

var mixed = map[string]func() []byte{
	"pcap":   sync.OnceValue(func() []byte { return makeMixed(capturetest.PCAP) }),
	"pcapng": sync.OnceValue(func() []byte { return makeMixed(capturetest.PCAPNG) }),
}

func makeMixed(format capturetest.Format) []byte {
	var b bytes.Buffer
	b.Grow(benchSize + benchSize/4)
	if _, err := capturetest.WriteMixed(&b, format, benchSize, 1); err != nil {
		panic(err)
	}
	return b.Bytes()
}

// plain hides all methods of a reader but Read, so that its bytes are copied as
// a file's are.
type plain struct{ io.Reader }

// BenchmarkRead reads every frame, and looks at its Ethernet type as any use of
// it does. BenchmarkPlain reads the same bytes and looks at nothing.
func BenchmarkRead(b *testing.B) {
	for _, name := range []string{"pcap", "pcapng"} {
		b.Run(name, func(b *testing.B) {
			data := mixed[name]()
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			frames, arp := 0, 0
			for b.Loop() {
				r, err := capture.NewReader(plain{bytes.NewReader(data)}, capture.Options{})
				if err != nil {
					b.Fatal(err)
				}
				var f evidence.Frame
				for {
					err := r.Next(&f)
					if errors.Is(err, io.EOF) {
						break
					}
					if err != nil {
						b.Fatal(err)
					}
					frames++
					if len(f.Data) >= 14 && f.Data[12] == 0x08 && f.Data[13] == 0x06 {
						arp++
					}
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(frames), "ns/frame")
			if arp == 0 {
				b.Error("no ARP was seen")
			}
		})
	}
}

func BenchmarkPlain(b *testing.B) {
	data := mixed["pcap"]()
	buf := make([]byte, 256<<10)
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		r := plain{bytes.NewReader(data)}
		for {
			if _, err := r.Read(buf); err != nil {
				break
			}
		}
	}
}

func BenchmarkWrite(b *testing.B) {
	f := evidence.Frame{Data: make([]byte, 60), Length: 60, Place: "eth0"}
	w, err := capture.NewWriter(io.Discard, "bench", nil)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if err := w.Write(&f); err != nil {
			b.Fatal(err)
		}
	}
}
