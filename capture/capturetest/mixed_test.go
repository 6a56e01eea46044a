package capturetest_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"io"
	"testing"

	"github.com/nlbprobe/nlbprobe/capture"
	"github.com/nlbprobe/nlbprobe/capture/capturetest"
	"github.com/nlbprobe/nlbprobe/evidence"
)

var formats = map[string]capturetest.Format{"pcap": capturetest.PCAP, "pcapng": capturetest.PCAPNG}

// What is said of a mixed file is what is in it, and the same each time.
func TestWriteMixed(t *testing.T) {
	for name, format := range formats {
		t.Run(name, func(t *testing.T) {
			var b, again bytes.Buffer
			m, err := capturetest.WriteMixed(&b, format, 24<<20, 1)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := capturetest.WriteMixed(&again, format, 24<<20, 1); err != nil {
				t.Fatal(err)
			}
			if sha256.Sum256(b.Bytes()) != sha256.Sum256(again.Bytes()) {
				t.Error("the same seed gave other bytes")
			}
			r, err := capture.NewReader(&b, capture.Options{Name: name})
			if err != nil {
				t.Fatal(err)
			}
			var got capturetest.Mixed
			var f evidence.Frame
			for {
				err := r.Next(&f)
				if errors.Is(err, io.EOF) {
					break
				}
				if err != nil {
					t.Fatal(err)
				}
				got.Frames++
				got.Bytes += int64(len(f.Data))
				if f.Length != len(f.Data) || len(f.Data) < 60 || len(f.Data) > 1518 {
					t.Fatalf("frame %d: %d of %d bytes", got.Frames, len(f.Data), f.Length)
				}
				if ofInterest(f.Data) {
					got.OfInterest++
				}
			}
			if got != m {
				t.Errorf("it holds %+v, said to be %+v", got, m)
			}
			if share := m.Frames / m.OfInterest; share < 990 || share > 1010 {
				t.Errorf("one frame in %d is of interest", share)
			}
		})
	}
}

func ofInterest(b []byte) bool {
	switch binary.BigEndian.Uint16(b[12:]) {
	case 0x0806, 0x886f:
		return true
	case 0x0800:
		return b[23] == 2 // IGMP
	}
	return false
}
