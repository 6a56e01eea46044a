package analysis

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/nlbprobe/nlbprobe/capture"
	"github.com/nlbprobe/nlbprobe/evidence"
)

// Input is one capture to read.
type Input struct {
	Name  string    // as it is called in results and faults
	From  io.Reader // pcap or pcapng, compressed or not
	Waits bool      // a read of it may wait for somebody to write

	// At reads the same bytes from any place, nil if that cannot be. Of many captures
	// that follow each other only those are kept in memory then that are being read.
	At io.ReaderAt
}

// The memory of all inputs together, in bytes.
const (
	readMemory = 8 << 20 // of what is read at once
	maxWindows = 32 << 20
)

// input is an Input being read.
type input struct {
	Input
	all    *inputs
	reader *capture.Reader // nil until the first frame is wanted, and after the last one
	window int64           // of a zstd decoder: what it took of all windows
	known  int             // what the capture said besides frames, in facts
	done   error           // what ended it

	peeked bool
	first  time.Time // of the first frame; zero if it is not known

	// What the capture said, as long as there is no reader.
	facts   []evidence.Item
	skipped int
}

// inputs is what all inputs share.
type inputs struct {
	of       []*input
	noted    int // counts what the captures say besides frames
	readSize int
	windows  int64 // what is left for zstd decoders, bytes
}

// manyInputs is from how many on each is looked at for when it begins: a look costs
// as much as opening a capture.
const manyInputs = 8

func newInputs(captures []Input) *inputs {
	all := &inputs{readSize: readMemory / max(len(captures), 1), windows: maxWindows}
	for _, c := range captures {
		all.of = append(all.of, &input{Input: c, all: all, peeked: len(captures) <= manyInputs || c.At == nil})
	}
	return all
}

// Begins implements capture.Later: it looks for the first frame, and for what the
// capture says before it.
func (in *input) Begins() (time.Time, bool) {
	if !in.peeked {
		in.peeked = true
		in.peek()
	}
	return in.first, !in.first.IsZero()
}

func (in *input) peek() {
	defer in.giveBack()
	rd, err := in.open(io.NewSectionReader(in.At, 0, math.MaxInt64))
	if err != nil {
		return // it is read, and told of, like others
	}
	var f evidence.Frame
	if err := rd.Next(&f); err != nil || f.Time.IsZero() {
		return
	}
	in.first = f.Time
	in.keep(rd)
}

func (in *input) open(from io.Reader) (*capture.Reader, error) {
	return capture.NewReader(from, capture.Options{Name: in.Name, Zstd: in.newZstd, ReadSize: in.all.readSize})
}

// keep keeps what a reader says besides frames.
func (in *input) keep(rd *capture.Reader) {
	in.facts, in.skipped = rd.Facts(), rd.Skipped()
	if known := rd.Known(); known != in.known {
		in.known = known
		in.all.noted++
	}
}

// Next reads the next frame. It finds out what the input holds when it is called
// first, as that may wait.
func (in *input) Next(f *evidence.Frame) error {
	if in.done != nil {
		return in.done
	}
	if in.reader == nil {
		if in.reader, in.done = in.open(in.From); in.done != nil {
			in.giveBack()
			return in.done
		}
	}
	err := in.reader.Next(f)
	if known := in.reader.Known(); known != in.known {
		in.known = known
		in.all.noted++
	}
	if err != nil {
		in.keep(in.reader)
		in.done, in.reader = err, nil
		in.giveBack()
	}
	return err
}

// said is what the capture said so far besides frames, and how many packets were left
// out.
func (in *input) said() (facts []evidence.Item, skipped int) {
	if in.reader == nil {
		return in.facts, in.skipped
	}
	return in.reader.Facts(), in.reader.Skipped()
}

// giveBack gives back what a zstd decoder took.
func (in *input) giveBack() {
	in.all.windows += in.window
	in.window = 0
}

// newZstd makes a decoder of zstd-compressed captures. Its memory is the window that
// the data want; the command zstd makes windows of more than 8 MiB only with --long
// or --ultra.
func (in *input) newZstd(r io.Reader) (io.Reader, error) {
	b := bufio.NewReaderSize(r, 4<<10)
	head, _ := b.Peek(zstd.HeaderMaxSize) // the decoder tells what is wrong
	var h zstd.Header
	want := int64(maxWindows / len(in.all.of)) // frames after the first may want more than that does
	if h.Decode(head) == nil {
		if h.SingleSegment {
			h.WindowSize = h.FrameContentSize
		}
		want = max(want, int64(min(h.WindowSize, maxWindows+1)))
	}
	want = max(min(want, in.all.windows), zstd.MinWindowSize) // with less, the decoder says so
	d, err := zstd.NewReader(b, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(uint64(want)))
	if err != nil {
		return nil, err
	}
	in.all.windows -= want
	in.window = want
	return zstdReader{d, in}, nil
}

func (in *input) tooLarge() error {
	what := "it wants"
	if in.all.windows+in.window < maxWindows {
		what = "it and the other captures of the same time want"
	}
	return fmt.Errorf("%s more than %.1f MiB of memory; expand it first: zstd -dc --long=31 FILE | nlbprobe analyze -", what, float64(maxWindows)/(1<<20))
}

// zstdReader says whose errors they are.
type zstdReader struct {
	*zstd.Decoder
	in *input
}

func (z zstdReader) Read(p []byte) (int, error) {
	n, err := z.Decoder.Read(p)
	switch {
	case errors.Is(err, zstd.ErrWindowSizeExceeded):
		err = fmt.Errorf("zstd: %w", z.in.tooLarge())
	case err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, capture.ErrExpands):
		err = fmt.Errorf("zstd: %w", err)
	}
	return n, err
}
