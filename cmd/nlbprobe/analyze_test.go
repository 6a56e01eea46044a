package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/klauspost/compress/zstd"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/nlbprobe/nlbprobe/capture"
	"github.com/nlbprobe/nlbprobe/evidence"
	saved "github.com/nlbprobe/nlbprobe/object"
)

// FuzzAnalyze gives the whole command whatever bytes: it ends with one of its
// statuses, prints objects in JSON Lines, and its errors are lines that a
// terminal shows as they are.
func FuzzAnalyze(f *testing.F) {
	files, err := filepath.Glob("testdata/hostile/*.hex")
	if err != nil || len(files) < 20 {
		f.Fatalf("%d seeds, %v", len(files), err)
	}
	for _, path := range files {
		f.Add(unhex(f, strings.TrimSuffix(filepath.Base(path), ".hex")))
	}
	stories := 0
	for _, name := range []string{"analyze", "mss"} {
		a, err := txtar.ParseFile("testdata/script/" + name + ".txtar")
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range a.Files {
			if !strings.HasSuffix(file.Name, ".hex") {
				continue
			}
			b, err := parseHex(string(file.Data))
			if err != nil {
				f.Fatal(err)
			}
			stories++
			f.Add(b)
		}
	}
	if stories < 4 {
		f.Fatalf("%d captures in stories", stories)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var out, errs bytes.Buffer
		status := run(t.Context(), []string{"analyze", "-", "-o", "json"}, stdio{in: bytes.NewReader(b), out: &out, err: &errs})
		if status < 0 || status > 3 {
			t.Errorf("exit status %d", status)
		}
		for line := range strings.Lines(out.String()) {
			if _, err := saved.NewDecoder(strings.NewReader(line)).Next(); err != nil {
				t.Errorf("%v in %q", err, line)
			}
		}
		if out.Len() == 0 && errs.Len() == 0 {
			t.Error("nothing is said at all")
		}
		for line := range strings.Lines(errs.String()) {
			if !strings.HasPrefix(line, "nlbprobe: ") || strings.ContainsFunc(strings.TrimSuffix(line, "\n"), unicode.IsControl) {
				t.Errorf("the line %q", line)
			}
		}
	})
}

// answerFrame is a node's answer in multicast mode, as the hostile captures have it.
func answerFrame(t *testing.T, node byte) []byte {
	t.Helper()
	b := unhex(t, "time-backwards")[24+16 : 24+16+60]
	b[11] = node
	return b
}

// TestFollow: the report comes while the capture goes on, again when there is
// more to say, and whole at the end.
func TestFollow(t *testing.T) {
	r, w := io.Pipe()
	outR, outW := io.Pipe()
	var errs bytes.Buffer
	status := make(chan int, 1)
	go func() {
		status <- run(t.Context(), []string{"analyze", "-", "--follow", "-o", "json"}, stdio{in: r, out: outW, err: &errs})
		outW.Close()
	}()
	objects := json.NewDecoder(outR)
	type object struct {
		Verdict string
		Cluster struct{ Hosts []struct{ MAC string } }
		Capture struct {
			Frames int
			Open   bool
		}
	}
	next := func() object {
		t.Helper()
		var o object
		if err := objects.Decode(&o); err != nil {
			t.Fatal(err)
		}
		return o
	}
	capt, err := capture.NewWriter(w, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	write := func(node byte) {
		t.Helper()
		b := answerFrame(t, node)
		if err := capt.Write(&evidence.Frame{Time: time.Unix(1_700_000_000, int64(node)), Data: b, Length: len(b), Place: "eth0"}); err != nil {
			t.Fatal(err)
		}
		if err := capt.Flush(); err != nil {
			t.Fatal(err)
		}
	}
	write(1)
	if o := next(); o.Verdict != "seen" || len(o.Cluster.Hosts) != 1 || !o.Capture.Open || o.Capture.Frames != 1 {
		t.Errorf("at first: %+v", o)
	}
	write(1) // nothing new
	write(2)
	if o := next(); len(o.Cluster.Hosts) != 2 || !o.Capture.Open {
		t.Errorf("then: %+v", o)
	}
	w.Close()
	if o := next(); len(o.Cluster.Hosts) != 2 || o.Capture.Open || o.Capture.Frames != 3 {
		t.Errorf("in the end: %+v", o)
	}
	if got := <-status; got != exitWarning || errs.Len() > 0 {
		t.Errorf("exit status %d, stderr %q", got, errs.String())
	}
}

// Ctrl-C ends a read that waits, and prints what is known.
func TestAnalyzeInterrupted(t *testing.T) {
	r, w := io.Pipe()
	defer w.Close()
	ctx, cancel := context.WithCancel(t.Context())
	outR, outW := io.Pipe()
	var errs bytes.Buffer
	status := make(chan int, 1)
	go func() {
		status <- run(ctx, []string{"analyze", "-"}, stdio{in: r, out: outW, err: &errs})
		outW.Close()
	}()
	if _, err := w.Write(unhex(t, "time-backwards")); err != nil {
		t.Fatal(err)
	}
	// The line with the answer shows that it was read.
	first := make([]byte, 1)
	if _, err := outR.Read(first); err != nil {
		t.Fatal(err)
	}
	cancel()
	rest, err := io.ReadAll(outR)
	if err != nil {
		t.Fatal(err)
	}
	if got := <-status; got != exitWarning || !strings.Contains(string(rest), "Interrupted: this is what was known by then.") || errs.Len() > 0 {
		t.Errorf("exit status %d, stderr %q\n%s", got, errs.String(), rest)
	}
}

func TestProgress(t *testing.T) {
	var p progress
	p.total = 4 << 30
	p.done.Store(1 << 30)
	tests := []struct {
		total, done int64
		after       time.Duration
		want        string
	}{
		{4 << 30, 1 << 30, 2 * time.Second, "[#####               ] 25% of 4.0 GiB, 512.0 MiB/s, 6s left"},
		{4 << 30, 4 << 30, 2 * time.Second, "[####################] 100% of 4.0 GiB, 2.0 GiB/s, 0s left"},
		{1000, 5000, time.Second, "[####################] 100% of 1000 B, 4.9 KiB/s, 0s left"}, // it grew
		{1 << 20, 0, 5 * time.Second, "[                    ] 0% of 1.0 MiB, 0 B/s, 291h16m16s left"},
		{0, 3 << 20, 2 * time.Second, "3.0 MiB read, 1.5 MiB/s"},
	}
	for _, tt := range tests {
		p.total = tt.total
		p.done.Store(tt.done)
		if got := p.line(tt.after); got != tt.want || len(got) > 79 {
			t.Errorf("%q, want %q", got, tt.want)
		}
	}
	// Nothing within the first second, nothing without a terminal.
	file, err := os.Create(filepath.Join(t.TempDir(), "terminal"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	p = progress{begin: time.Unix(0, 0)}
	p.show(p.begin.Add(time.Minute))
	p.out = file
	p.show(p.begin.Add(999 * time.Millisecond))
	p.clear()
	if b, _ := os.ReadFile(file.Name()); len(b) > 0 {
		t.Errorf("shown: %q", b)
	}
	p.show(p.begin.Add(time.Second))
	p.clear()
	p.clear()
	if b, _ := os.ReadFile(file.Name()); string(b) != "\r\x1b[K0 B read, 0 B/s\r\x1b[K" {
		t.Errorf("shown: %q", b)
	}
}

// TestJoined: several files, compressed or not, are one capture in the order of
// time, whatever their order on the command line.
func TestJoined(t *testing.T) {
	dir := t.TempDir()
	one := func(name string, node byte, at int64, pack func(io.Writer) io.WriteCloser) {
		t.Helper()
		var b bytes.Buffer
		var to io.WriteCloser
		var w io.Writer = &b
		if pack != nil {
			to = pack(&b)
			w = to
		}
		c, err := capture.NewWriter(w, "", nil)
		if err != nil {
			t.Fatal(err)
		}
		frame := answerFrame(t, node)
		if err := c.Write(&evidence.Frame{Time: time.Unix(at, 0), Data: frame, Length: len(frame), Place: "eth0"}); err != nil {
			t.Fatal(err)
		}
		if err := c.Flush(); err != nil {
			t.Fatal(err)
		}
		if to != nil {
			if err := to.Close(); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.WriteFile(filepath.Join(dir, name), b.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	one("c.pcapng", 3, 1_700_000_030, nil)
	one("b.pcapng.gz", 2, 1_700_000_020, func(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) })
	one("a.pcapng.zst", 1, 1_700_000_010, func(w io.Writer) io.WriteCloser {
		z, err := zstd.NewWriter(w)
		if err != nil {
			t.Fatal(err)
		}
		return z
	})
	status, stdout, stderr := analyze(t, dir, "c.pcapng", "b.pcapng.gz", "a.pcapng.zst")
	want := `00:15:5d:00:00:01 answers: 172.16.63.241 is at 03:bf:ac:10:3f:f1  0.00 ms
00:15:5d:00:00:02 answers: 172.16.63.241 is at 03:bf:ac:10:3f:f1  10.0 s
00:15:5d:00:00:03 answers: 172.16.63.241 is at 03:bf:ac:10:3f:f1  20.0 s
`
	if status != exitWarning || stderr != "" || !strings.HasPrefix(stdout, want) || !strings.Contains(stdout, "Read\n          3 frames over 20.0 s from 3 captures.") {
		t.Errorf("status %d, stderr %q\n%s", status, stderr, stdout)
	}
}
