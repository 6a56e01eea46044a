package capture_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/nlbprobe/nlbprobe/capture"
	"github.com/nlbprobe/nlbprobe/evidence"
)

// fuzzSeeds are files of every form, each with a frame at least.
func fuzzSeeds(f *testing.F) [][]byte {
	var seeds [][]byte
	for _, text := range pcapForms {
		seeds = append(seeds, unhex(text))
	}
	cooked := strings.Replace(pcapHead, "01000000", "71000000", 1) +
		`00f15365 40e20100 13000000 13000000 0001 0001 0006 020000000009 ffff 0806 aabbcc`
	cooked2 := strings.Replace(pcapHead, "01000000", "14010000", 1) +
		`00f15365 40e20100 17000000 17000000 0806 0000 00000003 0001 01 06 020000000009 0000 aabbcc`
	for _, text := range []string{cooked, cooked2, ngHead + ngEther + ngPacket + ngBig, ngBig + ngHead + ngEther + `03000000 14000000 04000000 deadbeef 14000000`} {
		seeds = append(seeds, unhex(text))
	}
	for _, k := range pcapKinds {
		seeds = append(seeds, pcapOfKind(k.head, k.first, k.second))
	}
	for _, link := range []string{"65000000", "09000000", "00000000", "33000000"} { // raw IP, PPP, loopback, PPPoE
		packet := map[string]string{"65000000": "45", "09000000": "ff03002145", "00000000": "0200000045", "33000000": "110000010006002145"}[link]
		seeds = append(seeds, unhex(strings.Replace(pcapHead, "01000000", link, 1)+`00f15365 40e20100 `+fmt.Sprintf("%02x000000 %02[1]x000000 ", len(packet)/2)+packet))
	}
	var b bytes.Buffer
	w, err := capture.NewWriter(&b, "seed", noteItems("eth0"))
	if err != nil {
		f.Fatal(err)
	}
	if err := w.Write(&evidence.Frame{Time: writeTime, Data: unhex(packet18), Length: 60, VLAN: 5, Place: "eth0"}, "a comment"); err != nil {
		f.Fatal(err)
	}
	if err := w.Flush(); err != nil {
		f.Fatal(err)
	}
	seeds = append(seeds, b.Bytes(), gz(f, b.Bytes()))
	for _, seed := range seeds {
		if frames, _, err := read(seed, capture.Options{}); err != nil || len(frames) == 0 {
			f.Fatalf("a seed that is no capture: %d frames, %v", len(frames), err)
		}
	}
	return seeds
}

// Whatever the bytes are: frames are within bounds; the error is one line, with
// an offset in the file, and stays; reading in pieces gives the same; and frames
// that are written are read again as they were.
func FuzzReader(f *testing.F) {
	for _, seed := range fuzzSeeds(f) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		frames, r, err := read(b, capture.Options{Name: "x"})
		pieces, _, errPieces := readFrom(iotest.OneByteReader(bytes.NewReader(b)), capture.Options{Name: "x"})
		if !reflect.DeepEqual(frames, pieces) || !reflect.DeepEqual(err, errPieces) {
			t.Fatalf("in pieces %d frames, %v; whole %d frames, %v", len(pieces), errPieces, len(frames), err)
		}
		if err != nil {
			var fault *capture.Error
			if !errors.As(err, &fault) || fault.Offset < 0 || !fault.Expanded && fault.Offset > int64(len(b)) {
				t.Fatalf("error %#v", err)
			}
			if strings.ContainsAny(err.Error(), "\n\x00\x1b") {
				t.Fatalf("the error %q could harm a terminal", err)
			}
		}
		if r == nil {
			if err == nil || frames != nil {
				t.Fatal("neither a reader nor an error")
			}
			return
		}
		if again := r.Next(new(evidence.Frame)); !errors.Is(again, err) && (err != nil || !errors.Is(again, io.EOF)) {
			t.Fatalf("after the end: %v, before %v", again, err)
		}
		rewritten(t, b, frames)
	})
}

// rewritten writes the frames of a file as pcapng and reads them again.
func rewritten(t *testing.T, file []byte, want []kept) {
	r, err := capture.NewReader(bytes.NewReader(file), capture.Options{Name: "x"})
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	w, err := capture.NewWriter(&b, "fuzz", nil)
	if err != nil {
		t.Fatal(err)
	}
	var f evidence.Frame
	for i := range want {
		if err := r.Next(&f); err != nil {
			t.Fatal(err)
		}
		if len(f.Data) > capture.MaxFrame || f.Length < len(f.Data) || f.VLAN != 0 {
			t.Fatalf("frame %d: %d of %d bytes, VLAN %d", i, len(f.Data), f.Length, f.VLAN)
		}
		if y := f.Time.Year(); !f.Time.IsZero() && (y < 1970 || y > 9999) {
			t.Fatalf("frame %d: %v", i, f.Time)
		}
		if err := w.Write(&f, r.Comments()...); err != nil {
			// A frame or comments that only just fitted into what was read.
			if len(f.Data) < capture.MaxFrame/2 && len(want[i].comments) < 64<<10 && f.Length < 1<<20 {
				t.Fatalf("frame %d of %d bytes: %v", i, len(f.Data), err)
			}
			return
		}
		if y := f.Time.Year(); y > 2261 {
			want[i].at = "" // not in nanoseconds of 64 bits
		}
		if f.Place == "" {
			want[i].place = "x"
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	got, _, err := read(b.Bytes(), capture.Options{Name: "x"})
	if err != nil {
		t.Fatal(err)
	}
	sameFrames(t, got, want)
}
