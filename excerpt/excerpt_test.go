package excerpt_test

import (
	"bytes"
	"errors"
	"io"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nlbprobe/nlbprobe/capture"
	"github.com/nlbprobe/nlbprobe/evidence"
	"github.com/nlbprobe/nlbprobe/excerpt"
	"github.com/nlbprobe/nlbprobe/finding"
)

var t0 = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// item is evidence by a frame of 60 bytes, of which the first is id.
func item(id byte, after time.Duration) evidence.Item {
	data := make([]byte, 60)
	data[0] = id
	at := t0.Add(after)
	return evidence.Item{Fact: evidence.ARP{}, First: at, Last: at, Count: 1, Frame: evidence.Frame{Time: at, Data: data, Length: 60, Place: "eth0"}}
}

// written is what comes out: the frames' ids in their order, and the bytes.
func written(t *testing.T, x *excerpt.Excerpt) (ids []byte, facts []evidence.Item, raw []byte) {
	t.Helper()
	var b bytes.Buffer
	if err := x.Write(&b, "nlbprobe test"); err != nil {
		t.Fatal(err)
	}
	raw = slices.Clone(b.Bytes())
	r, err := capture.NewReader(&b, capture.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var f evidence.Frame
	for {
		err := r.Next(&f)
		if errors.Is(err, io.EOF) {
			return ids, r.Facts(), raw
		}
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, f.Data[0])
	}
}

// Each frame is kept once, in the order of time, also those in which the same was
// seen again; each says what rests on it.
func TestFrames(t *testing.T) {
	late, early, again := item(1, 2*time.Second), item(2, time.Second), item(3, 3*time.Second)
	late.Again = []evidence.Frame{again.Frame}
	var x excerpt.Excerpt
	x.Add([]evidence.Item{late, early}, []finding.Finding{{ID: "some-id", Severity: finding.Warning, Summary: "Something is wrong.", Items: []int{0}}})
	x.Add([]evidence.Item{early, late}, nil)
	x.Add([]evidence.Item{{Fact: evidence.ARP{}}}, nil) // without a frame
	ids, _, raw := written(t, &x)
	if !slices.Equal(ids, []byte{2, 1, 3}) || x.Len() != 3 {
		t.Errorf("frames %v", ids)
	}
	if n := strings.Count(string(raw), "nlbprobe some-id: warning: Something is wrong."); n != 2 {
		t.Errorf("%d comments, want one on each of the two frames", n)
	}
}

// A frame on which many findings rest, as one of a segment with many VIPs, has a
// bounded number of comments, which say that there are more.
func TestManyComments(t *testing.T) {
	items := []evidence.Item{item(1, 0)}
	var x excerpt.Excerpt
	for n := range 3 * excerpt.MaxComments {
		f := finding.Finding{ID: "same", Summary: strings.Repeat("x", n), Items: []int{0}}
		x.Add(items, []finding.Finding{f, f})
	}
	ids, _, raw := written(t, &x)
	if len(ids) != 1 {
		t.Errorf("%d frames", len(ids))
	}
	if n := strings.Count(string(raw), "nlbprobe same:"); n != excerpt.MaxComments || !strings.Contains(string(raw), "left out: 128") {
		t.Errorf("%d comments", n)
	}
}

// What is known of the place is noted once for all VIPs, as it was known last: the
// longest span of listening, whatever VIP it came with. It is bounded.
func TestPlace(t *testing.T) {
	heard := evidence.Item{Fact: evidence.Listened{Interface: "eth0"}, First: t0, Last: t0.Add(time.Second), Count: 2}
	longer := heard
	longer.Last, longer.Count = t0.Add(5*time.Second), 7
	for _, order := range [][]evidence.Item{{heard, longer}, {longer, heard}} {
		var x excerpt.Excerpt
		x.Add(order[:1], nil)
		x.Add(order[1:], nil)
		_, facts, _ := written(t, &x)
		if len(facts) != 1 || !facts[0].Last.Equal(longer.Last) {
			t.Errorf("noted %+v", facts)
		}
	}
	// Thousands of VIPs find room; what does not is counted.
	for _, n := range []int{capture.MaxFacts, capture.MaxFacts + 10, 3 * capture.MaxFacts} {
		var x excerpt.Excerpt
		for i := range n {
			vip := netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)})
			fact := evidence.Item{Fact: evidence.Vantage{Interface: "eth0", VIP: vip}, First: t0, Last: t0, Count: 1}
			x.Add([]evidence.Item{heard, fact, fact}, nil)
		}
		left, many := x.LeftOut()
		_, facts, _ := written(t, &x)
		if len(facts) != capture.MaxFacts+1 || left != min(n-capture.MaxFacts, capture.MaxFacts) || many != (n > 2*capture.MaxFacts) {
			t.Errorf("of %d VIPs: %d facts, left out %d, many %v", n, len(facts), left, many)
		}
	}
}
