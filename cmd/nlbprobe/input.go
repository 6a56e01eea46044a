package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sync/atomic"
	"time"

	"github.com/nlbprobe/nlbprobe/analysis"
)

// captureFile is one capture to read.
type captureFile struct {
	analysis.Input
	close func() error
	size  int64 // in bytes; 0 where it is not known
}

// standardInput is what - is called. Some of it may have been read before.
const standardInput = "standard input"

// openCapture opens a capture; - is standard input.
func openCapture(name string, stdin io.Reader) (*captureFile, error) {
	if name == "-" {
		if f, ok := stdin.(*os.File); ok && isTerminal(f) {
			return nil, errors.New("standard input is a terminal: pipe a capture into it, as tcpdump -w - does")
		}
		in := &captureFile{Input: analysis.Input{Name: standardInput, From: stdin}, close: func() error { return nil }}
		f, ok := stdin.(*os.File)
		in.Waits = !ok
		if ok {
			in.measure(f)
		}
		return in, nil
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("capture %q: %w", clip(name), errors.Unwrap(err))
	}
	in := &captureFile{Input: analysis.Input{Name: name, From: f}, close: f.Close}
	in.measure(f)
	return in, nil
}

// measure finds out how long a file is, and whether reading it may wait.
func (in *captureFile) measure(f *os.File) {
	info, err := f.Stat()
	in.Waits = err != nil || !info.Mode().IsRegular()
	if !in.Waits {
		in.size = info.Size()
	}
	if !in.Waits && in.Name != standardInput {
		in.At = f
	}
}

// counting counts the bytes that are read.
type counting struct {
	io.Reader
	n *atomic.Int64
}

func (c counting) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.n.Add(int64(n))
	return n, err
}

// progress says on a terminal how far the reading is. It shows nothing within the
// first second.
type progress struct {
	out   *os.File // nil where there is no terminal to show it on
	total int64    // bytes; 0 where it is not known
	done  atomic.Int64
	begin time.Time
	shown bool
}

// line is what is shown after some time.
func (p *progress) line(after time.Duration) string {
	done := p.done.Load()
	rate := float64(done) / max(after.Seconds(), 1e-3)
	text := fmt.Sprintf("%s read, %s/s", size(float64(done)), size(rate))
	if p.total <= 0 {
		return text
	}
	left := time.Duration(float64(max(p.total-done, 0)) / max(rate, 1) * float64(time.Second))
	const width = 20
	filled := int(min(done, p.total) * width / p.total)
	bar := make([]byte, width)
	for i := range bar {
		bar[i] = ' '
		if i < filled {
			bar[i] = '#'
		}
	}
	return fmt.Sprintf("[%s] %d%% of %s, %s/s, %s left", bar, min(done, p.total)*100/p.total, size(float64(p.total)), size(rate), left.Round(time.Second))
}

// show writes the line over the one before.
func (p *progress) show(now time.Time) {
	if after := now.Sub(p.begin); p.out != nil && after >= time.Second {
		fmt.Fprintf(p.out, "\r\x1b[K%s", p.line(after))
		p.shown = true
	}
}

// clear takes the line away, so that something else can be written.
func (p *progress) clear() {
	if p.shown {
		fmt.Fprint(p.out, "\r\x1b[K")
		p.shown = false
	}
}

// size writes bytes in units of 1024.
func size(bytes float64) string {
	units := [...]string{"B", "KiB", "MiB", "GiB", "TiB"}
	n := 0
	for ; bytes >= 1024 && n < len(units)-1; n++ {
		bytes /= 1024
	}
	if n == 0 {
		return fmt.Sprintf("%.0f B", bytes)
	}
	return fmt.Sprintf("%.1f %s", bytes, units[n])
}
