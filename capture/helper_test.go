package capture_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/nlbprobe/nlbprobe/capture"
	"github.com/nlbprobe/nlbprobe/capture/capturetest"
	"github.com/nlbprobe/nlbprobe/evidence"
)

// unhex reads hexadecimal bytes, each line up to a #.
func unhex(text string) []byte {
	var digits strings.Builder
	for line := range strings.Lines(text) {
		line, _, _ = strings.Cut(line, "#")
		for word := range strings.FieldsSeq(line) {
			digits.WriteString(word)
		}
	}
	b, err := hex.DecodeString(digits.String())
	if err != nil {
		panic(err)
	}
	return b
}

// kept is a frame with a copy of its bytes, in hexadecimal, so that it can be
// compared.
type kept struct {
	at       string // RFC 3339, "" for none
	data     string
	length   int
	place    string
	out      bool
	comments string // joined with |
}

// read reads all frames of a capture and the error after them, nil for io.EOF.
func read(data []byte, opts capture.Options) ([]kept, *capture.Reader, error) {
	return readFrom(bytes.NewReader(data), opts)
}

func readFrom(in io.Reader, opts capture.Options) (frames []kept, r *capture.Reader, err error) {
	r, err = capture.NewReader(in, opts)
	if err != nil {
		return nil, nil, err
	}
	var f evidence.Frame
	for {
		if err := r.Next(&f); errors.Is(err, io.EOF) {
			return frames, r, nil
		} else if err != nil {
			return frames, r, err
		}
		k := kept{
			data: hex.EncodeToString(f.Data), length: f.Length, place: f.Place, out: f.Out,
			comments: strings.Join(r.Comments(), "|"),
		}
		if !f.Time.IsZero() {
			k.at = f.Time.Format(time.RFC3339Nano)
		}
		frames = append(frames, k)
	}
}

func sameFrames(t *testing.T, got, want []kept) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d frames, want %d: %+v", len(got), len(want), got)
	}
	for i := range got {
		if got[i] != want[i] {
			t.Errorf("frame %d:\n got %+v\nwant %+v", i, got[i], want[i])
		}
	}
}

// small is a mixed file for tests: some thousand frames.
func small(format string) []byte {
	var b bytes.Buffer
	kind := map[string]capturetest.Format{"pcap": capturetest.PCAP, "pcapng": capturetest.PCAPNG}[format]
	if _, err := capturetest.WriteMixed(&b, kind, 2<<20, 1); err != nil {
		panic(err)
	}
	return b.Bytes()
}

// count reads all frames of a source.
func count(s capture.Source) (int, error) {
	var f evidence.Frame
	for n := 0; ; n++ {
		if err := s.Next(&f); errors.Is(err, io.EOF) {
			return n, nil
		} else if err != nil {
			return n, err
		}
	}
}
