package capture

import (
	"bufio"
	"compress/gzip"
	"fmt"
	"io"
)

// Compressed input may expand to expandFree bytes in any case, and beyond that
// to expandRatio times what was read. A capture's times and checksums differ
// from packet to packet, which keeps it far below; who has one that is not can
// expand it first.
const (
	expandFree  = 64 << 20
	expandRatio = 200
)

// compressedBuffer is how much compressed input is read at once, at most.
const compressedBuffer = 64 << 10

// expander returns how input that begins with head is expanded, nil where it
// is not compressed. head has at least four bytes.
func expander(head []byte, opts Options) func(io.Reader) (io.Reader, error) {
	switch {
	case head[0] == 0x1f && head[1] == 0x8b: // RFC 1952
		return func(r io.Reader) (io.Reader, error) {
			return expand(r, opts.readSize(), expandFree, func(r io.Reader) (io.Reader, error) {
				z, err := gzip.NewReader(r)
				if err != nil {
					return nil, fmt.Errorf("gzip: %w", err)
				}
				return z, nil
			})
		}
	case head[0] == 0x28 && head[1] == 0xb5 && head[2] == 0x2f && head[3] == 0xfd: // RFC 8878
		if opts.Zstd == nil {
			return func(io.Reader) (io.Reader, error) { return nil, ErrZstd }
		}
		return func(r io.Reader) (io.Reader, error) {
			return expand(r, opts.readSize(), expandFree, func(r io.Reader) (io.Reader, error) {
				z, err := opts.Zstd(r)
				if err != nil {
					return nil, fmt.Errorf("zstd: %w", err)
				}
				return z, nil
			})
		}
	}
	return nil
}

// expand reads r through a decoder, within bounds.
func expand(r io.Reader, size int, free int64, decoder func(io.Reader) (io.Reader, error)) (io.Reader, error) {
	x := &expanding{free: free}
	x.in.r = r
	var err error
	x.out, err = decoder(bufio.NewReaderSize(&x.in, min(size, compressedBuffer)))
	if err != nil {
		return nil, err
	}
	return x, nil
}

// expanding reads expanded bytes until they are too many for what was read.
type expanding struct {
	in   counter
	out  io.Reader
	n    int64 // expanded bytes so far
	free int64
}

func (x *expanding) Read(p []byte) (int, error) {
	if x.n > x.free && x.n/expandRatio > x.in.n {
		return 0, fmt.Errorf("%w: %d bytes from %d; if it is a capture, expand it first and read the result", ErrExpands, x.n, x.in.n)
	}
	k, err := x.out.Read(p)
	x.n += int64(k)
	return k, err
}

// counter counts what is read.
type counter struct {
	r io.Reader
	n int64
}

func (c *counter) Read(p []byte) (int, error) {
	k, err := c.r.Read(p)
	c.n += int64(k)
	return k, err
}
