package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sync/atomic"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/nlbprobe/nlbprobe/capture"
	"github.com/nlbprobe/nlbprobe/evidence"
)

// input is one capture to read.
type input struct {
	name   string
	from   io.Reader
	close  func() error
	size   int64           // in bytes; 0 where it is not known
	waits  bool            // a read of it may wait for somebody to write
	reader *capture.Reader // nil until the first frame is wanted
	known  int             // what the capture said besides frames, in facts
	told   *int            // counts when that grows
}

// openInput opens a capture; - is standard input.
func openInput(name string, stdin io.Reader) (*input, error) {
	if name == "-" {
		if f, ok := stdin.(*os.File); ok && isTerminal(f) {
			return nil, errors.New("standard input is a terminal: pipe a capture into it, as tcpdump -w - does")
		}
		in := &input{name: "standard input", from: stdin, close: func() error { return nil }}
		f, ok := stdin.(*os.File)
		in.waits = !ok
		if ok {
			in.measure(f)
		}
		return in, nil
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("capture %q: %w", clip(name), errors.Unwrap(err))
	}
	in := &input{name: name, from: f, close: f.Close}
	in.measure(f)
	return in, nil
}

// measure finds out how long a file is, and whether reading it may wait.
func (in *input) measure(f *os.File) {
	info, err := f.Stat()
	in.waits = err != nil || !info.Mode().IsRegular()
	if !in.waits {
		in.size = info.Size()
	}
}

// maxWindow bounds the memory of a zstd decoder, in bytes. The command zstd makes
// larger ones only with --long or --ultra.
const maxWindow = 32 << 20

// newZstd makes a decoder of zstd-compressed captures.
func newZstd(r io.Reader) (io.Reader, error) {
	d, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(maxWindow))
	if err != nil {
		return nil, err
	}
	return zstdReader{d}, nil
}

// zstdReader says whose errors they are.
type zstdReader struct{ *zstd.Decoder }

func (z zstdReader) Read(p []byte) (int, error) {
	n, err := z.Decoder.Read(p)
	switch {
	case errors.Is(err, zstd.ErrWindowSizeExceeded):
		err = fmt.Errorf("zstd: it wants more than %s of memory; expand it first: zstd -dc --long=31 FILE | nlbprobe analyze -", size(maxWindow))
	case err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, capture.ErrExpands):
		err = fmt.Errorf("zstd: %w", err)
	}
	return n, err
}

// Next reads the next frame. It finds out what the input holds when it is called
// first, as that may wait.
func (in *input) Next(f *evidence.Frame) error {
	if in.reader == nil {
		var err error
		if in.reader, err = capture.NewReader(in.from, capture.Options{Name: in.name, Zstd: newZstd}); err != nil {
			return err
		}
	}
	err := in.reader.Next(f)
	if known := in.reader.Known(); known != in.known {
		in.known = known
		*in.told++
	}
	return err
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
