package analysis

import (
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/zstd"

	"github.com/nlbprobe/nlbprobe/capture"
	"github.com/nlbprobe/nlbprobe/evidence"
)

// Input is one capture to read.
type Input struct {
	Name  string    // as it is called in results and faults
	From  io.Reader // pcap or pcapng, compressed or not
	Waits bool      // a read of it may wait for somebody to write
}

// input is an Input being read.
type input struct {
	Input
	reader *capture.Reader // nil until the first frame is wanted
	known  int             // what the capture said besides frames, in facts
	noted  *int            // counts when that grows
}

// Next reads the next frame. It finds out what the input holds when it is called
// first, as that may wait.
func (in *input) Next(f *evidence.Frame) error {
	if in.reader == nil {
		var err error
		if in.reader, err = capture.NewReader(in.From, capture.Options{Name: in.Name, Zstd: newZstd}); err != nil {
			return err
		}
	}
	err := in.reader.Next(f)
	if known := in.reader.Known(); known != in.known {
		in.known = known
		*in.noted++
	}
	return err
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
		err = fmt.Errorf("zstd: it wants more than %.1f MiB of memory; expand it first: zstd -dc --long=31 FILE | nlbprobe analyze -", float64(maxWindow)/(1<<20))
	case err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, capture.ErrExpands):
		err = fmt.Errorf("zstd: %w", err)
	}
	return n, err
}
