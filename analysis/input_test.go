package analysis_test

import (
	"bytes"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/nlbprobe/nlbprobe/analysis"
	"github.com/nlbprobe/nlbprobe/capture"
	"github.com/nlbprobe/nlbprobe/event"
	"github.com/nlbprobe/nlbprobe/evidence"
)

// from is a capture of answers, one each second from a time on.
func from(t *testing.T, begin time.Duration, frames int) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := capture.NewWriter(&b, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := range frames {
		data := answer(byte(i))
		if err := w.Write(&evidence.Frame{Time: t0.Add(begin + time.Duration(i)*time.Second), Data: data, Length: len(data), Place: "eth0"}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// inTurn notes which capture is read after which.
type inTurn struct {
	io.Reader
	name string
	log  *[]string
}

func (r inTurn) Read(p []byte) (int, error) {
	if l := *r.log; len(l) == 0 || l[len(l)-1] != r.name {
		*r.log = append(l, r.name)
	}
	return r.Reader.Read(p)
}

// Of many captures that follow each other one is read after the other, whatever the
// order in which they are given, and what comes out is the same as if all were read
// side by side.
func TestManyCaptures(t *testing.T) {
	const captures = 20
	read := func(at bool) (order []string, result string) {
		var inputs []analysis.Input
		for n := range captures {
			n = (n * 7) % captures
			data := from(t, time.Duration(n)*time.Minute, 3)
			in := analysis.Input{Name: fmt.Sprint(n), From: inTurn{bytes.NewReader(data), fmt.Sprint(n), &order}}
			if at {
				in.At = bytes.NewReader(data)
			}
			inputs = append(inputs, in)
		}
		a := analysis.New(inputs)
		a.Read(t.Context(), nil, never)
		if len(a.Faults()) > 0 {
			t.Fatal(a.Faults())
		}
		for r := range a.Results(false) {
			result += fmt.Sprintf("%v %v %v %v", r.VIP, r.Elapsed, r.Capture.Frames, gistOf(r.Items))
		}
		return order, result
	}
	beside, want := read(false)
	byTurns, got := read(true)
	if got != want || !strings.Contains(want, " 60 ") {
		t.Errorf("in turn:\n%s\nside by side:\n%s", got, want)
	}
	if len(byTurns) != captures || byTurns[0] != "0" || byTurns[19] != "19" {
		t.Errorf("read in the order %v", byTurns)
	}
	if slices.Equal(beside, byTurns) {
		t.Error("captures that cannot be looked at were read in turn")
	}
}

// gistOf is what the items say, and when.
func gistOf(items []evidence.Item) (s string) {
	for _, it := range items {
		s += fmt.Sprintf("%+v %v %v %d;", it.Fact, it.First, it.Last, it.Count)
	}
	return s
}

// A capture that is cut, empty or none at all is told of like any, among many too.
func TestManyFaults(t *testing.T) {
	var inputs []analysis.Input
	add := func(name string, data []byte) {
		inputs = append(inputs, analysis.Input{Name: name, From: bytes.NewReader(data), At: bytes.NewReader(data)})
	}
	for n := range 10 {
		add(fmt.Sprint(n), from(t, time.Duration(n)*time.Minute, 3))
	}
	whole := from(t, time.Hour, 3)
	add("cut", whole[:len(whole)-7])
	add("cut early", whole[:60])
	add("text", []byte("no capture at all"))
	add("no frames", from(t, 0, 0))
	add("empty", nil)
	a := analysis.New(inputs)
	a.Read(t.Context(), nil, never)
	var names []string
	for _, err := range a.Faults() {
		names = append(names, strings.Split(err.Error(), `"`)[1])
	}
	slices.Sort(names)
	if want := []string{"cut", "cut early", "empty", "text"}; !slices.Equal(names, want) {
		t.Errorf("faults of %q, want %q", names, want)
	}
	if n := a.Seen().Frames; n != 32 {
		t.Errorf("%d frames", n)
	}
}

// The windows of all zstd decoders together are bounded: captures that follow each
// other find room one after the other, and of those of the same time the ones beyond
// it are told of.
func TestManyWindows(t *testing.T) {
	compress := func(data []byte) []byte {
		var b bytes.Buffer
		w, err := zstd.NewWriter(&b, zstd.WithWindowSize(8<<20), zstd.WithEncoderConcurrency(1))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(data); err != nil {
			t.Fatal(err)
		}
		if err := w.Flush(); err != nil { // else the size is known, and the window smaller
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	for _, tt := range []struct {
		apart  time.Duration
		faults int
	}{{time.Minute, 0}, {0, 6}} {
		var inputs []analysis.Input
		for n := range 10 {
			data := compress(from(t, time.Duration(n)*tt.apart, 3))
			inputs = append(inputs, analysis.Input{Name: fmt.Sprint(n), From: bytes.NewReader(data), At: bytes.NewReader(data)})
		}
		a := analysis.New(inputs)
		a.Read(t.Context(), nil, never)
		if len(a.Faults()) != tt.faults {
			t.Errorf("%v apart: faults %v", tt.apart, a.Faults())
		}
		for _, err := range a.Faults() {
			if !strings.Contains(err.Error(), "it and the other captures of the same time want more than 32.0 MiB of memory; expand it first") {
				t.Error(err)
			}
		}
		if n, want := a.Seen().Frames, 3*(10-tt.faults); n != want {
			t.Errorf("%v apart: %d frames, want %d", tt.apart, n, want)
		}
	}
}

// Reading many captures side by side takes no more memory than reading a few.
func TestMemoryOfManyCaptures(t *testing.T) {
	const captures = 400
	grew := func(apart time.Duration) int64 {
		var inputs []analysis.Input
		var before, m runtime.MemStats
		most := int64(0)
		for n := range captures {
			data := from(t, time.Duration(n)*apart, 2)
			inputs = append(inputs, analysis.Input{Name: fmt.Sprint(n), From: bytes.NewReader(data), At: bytes.NewReader(data)})
		}
		runtime.GC()
		runtime.ReadMemStats(&before)
		a := analysis.New(inputs)
		heard := 0
		a.Heard = func(event.Answer) {
			if heard++; heard == 1 {
				runtime.GC()
				runtime.ReadMemStats(&m)
				most = max(most, int64(m.HeapAlloc)-int64(before.HeapAlloc))
			}
		}
		a.Read(t.Context(), nil, never)
		if heard == 0 || len(a.Faults()) > 0 {
			t.Fatal(heard, a.Faults())
		}
		return most
	}
	if n := grew(0); n > 16<<20 {
		t.Errorf("of the same time: %d MiB", n>>20)
	}
	if n := grew(time.Minute); n > 2<<20 {
		t.Errorf("one after the other: %d KiB", n>>10)
	}
}
