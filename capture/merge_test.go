package capture_test

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/nlbprobe/nlbprobe/capture"
	"github.com/nlbprobe/nlbprobe/evidence"
)

// script is a source of frames at given seconds; 0 is a frame without a time.
// Its frames share one buffer, as a Reader's do.
type script struct {
	name    string
	seconds []int
	err     error // after them; nil for io.EOF
	buf     [1]byte
}

func (s *script) Next(f *evidence.Frame) error {
	if len(s.seconds) == 0 {
		if s.err != nil {
			return s.err
		}
		return io.EOF
	}
	n := s.seconds[0]
	s.seconds = s.seconds[1:]
	s.buf[0] = byte('0' + n)
	*f = evidence.Frame{Data: s.buf[:], Place: s.name}
	if n > 0 {
		f.Time = time.Unix(int64(n), 0)
	}
	return nil
}

// known is a script whose first time is known before it is read.
type known struct {
	*script
	begins time.Time
	read   func() // called when it is
}

func (k *known) Begins() (time.Time, bool) { return k.begins, !k.begins.IsZero() }

func (k *known) Next(f *evidence.Frame) error {
	if k.read != nil {
		k.read()
	}
	return k.script.Next(f)
}

// A source is read at once, or, where it says when it begins, in its turn: the merge is
// the same.
func TestMerge(t *testing.T) {
	broken, worse := errors.New("broken"), errors.New("worse")
	tests := []struct {
		name    string
		sources []*script
		want    string // name and second of each, or an error
	}{
		{"none", nil, ""},
		{"an empty one", []*script{{name: "a"}}, ""},
		{"two in turn", []*script{{name: "a", seconds: []int{1, 3, 5}}, {name: "b", seconds: []int{2, 4}}}, "a1 b2 a3 b4 a5"},
		{"the same instants: in the order of the sources", []*script{{name: "a", seconds: []int{1, 2}}, {name: "b", seconds: []int{1, 2}}, {name: "c", seconds: []int{1}}}, "a1 b1 c1 a2 b2"},
		{"one after the other", []*script{{name: "a", seconds: []int{5, 6}}, {name: "b", seconds: []int{1, 2}}}, "b1 b2 a5 a6"},
		{"times that go backwards", []*script{{name: "a", seconds: []int{5, 2, 6}}, {name: "b", seconds: []int{3, 4, 7}}}, "b3 b4 a5 a2 a6 b7"},
		{"frames without a time follow the one before", []*script{{name: "a", seconds: []int{1, 0, 0, 4}}, {name: "b", seconds: []int{2}}}, "a1 a0 a0 b2 a4"},
		{"one breaks, the others go on", []*script{{name: "a", seconds: []int{1}, err: broken}, {name: "b", seconds: []int{2, 3}}}, "a1 broken b2 b3"},
		{"all are broken from the start", []*script{{err: broken}, {err: worse}}, "broken worse"},
		{"one is broken from the start", []*script{{name: "a", seconds: []int{1, 2}}, {err: broken}}, "broken a1 a2"},
		{"the last breaks", []*script{{name: "a", seconds: []int{1, 2}, err: broken}}, "a1 a2 broken"},
	}
	for _, tt := range tests {
		run := func(t *testing.T, later bool) {
			var sources []capture.Source
			for _, s := range tt.sources {
				s := *s
				if !later {
					sources = append(sources, &s)
					continue
				}
				k := &known{script: &s}
				if len(s.seconds) > 0 {
					k.begins = time.Unix(int64(s.seconds[0]), 0)
				}
				sources = append(sources, k)
			}
			m := capture.NewMerge(sources...)
			var got []string
			for {
				var f evidence.Frame
				err := m.Next(&f)
				if errors.Is(err, io.EOF) {
					break
				}
				if err != nil {
					got = append(got, err.Error())
					continue
				}
				got = append(got, f.Place+string(f.Data))
			}
			if got := strings.Join(got, " "); got != tt.want {
				t.Errorf("%s, want %s", got, tt.want)
			}
			if err := m.Next(new(evidence.Frame)); !errors.Is(err, io.EOF) {
				t.Errorf("after the end: %v", err)
			}
		}
		t.Run(tt.name, func(t *testing.T) { run(t, false) })
		t.Run(tt.name+", in turn", func(t *testing.T) { run(t, true) })
	}
}

// A source whose first frame is not due is not read.
func TestMergeReadsInTurn(t *testing.T) {
	late := &known{script: &script{name: "b", seconds: []int{5}}, begins: time.Unix(5, 0)}
	read := false
	late.read = func() { read = true }
	m := capture.NewMerge(late, &script{name: "a", seconds: []int{1, 2, 7}})
	var f evidence.Frame
	for _, want := range []string{"a1", "a2"} {
		if err := m.Next(&f); err != nil || f.Place+string(f.Data) != want || read {
			t.Fatalf("%s%s, %v; read: %v", f.Place, f.Data, err, read)
		}
	}
	if err := m.Next(&f); err != nil || f.Place != "b" || f.Source != 1 || !read {
		t.Errorf("%+v, %v", f, err)
	}
}

// Merging two halves of a file, packet by packet, gives the file.
func TestMergeFiles(t *testing.T) {
	whole := small("pcapng")
	want, _, err := read(whole, capture.Options{Name: "eth0"})
	if err != nil {
		t.Fatal(err)
	}
	var halves [2]bytes.Buffer
	var writers [2]*capture.Writer
	for i := range writers {
		if writers[i], err = capture.NewWriter(&halves[i], "test", nil); err != nil {
			t.Fatal(err)
		}
	}
	r, err := capture.NewReader(bytes.NewReader(whole), capture.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var f evidence.Frame
	for i := 0; r.Next(&f) == nil; i++ {
		if err := writers[i*i%3%2].Write(&f); err != nil {
			t.Fatal(err)
		}
	}
	var sources []capture.Source
	for i := range writers {
		if err := writers[i].Flush(); err != nil {
			t.Fatal(err)
		}
		half, err := capture.NewReader(&halves[i], capture.Options{})
		if err != nil {
			t.Fatal(err)
		}
		sources = append(sources, half)
	}
	m := capture.NewMerge(sources...)
	n := 0
	for ; m.Next(&f) == nil; n++ {
		if n >= len(want) || f.Time.Format(time.RFC3339Nano) != want[n].at || f.Length != want[n].length {
			t.Fatalf("frame %d is another", n)
		}
	}
	if n != len(want) || n < 1000 {
		t.Errorf("%d frames of %d", n, len(want))
	}
}

// Merging allocates nothing per frame.
func TestMergeAllocations(t *testing.T) {
	var sources []capture.Source
	for range 5 {
		r, err := capture.NewReader(bytes.NewReader(small("pcap")), capture.Options{})
		if err != nil {
			t.Fatal(err)
		}
		sources = append(sources, r)
	}
	m := capture.NewMerge(sources...)
	var f evidence.Frame
	if err := m.Next(&f); err != nil {
		t.Fatal(err)
	}
	if n := testing.AllocsPerRun(1000, func() {
		if err := m.Next(&f); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations per frame", n)
	}
}
