package capture

import (
	"io"
)

// windowSize is how much is read at once, in bytes. Larger does not pay: the bytes are
// looked at while they are still in the processor's second-level cache.
const windowSize = 256 << 10

// maxEmptyReads is how often in a row a reader may give nothing without an error.
const maxEmptyReads = 100

// window is the part of the input that is in memory: buf[pos:end] is not used
// yet. Frames are slices of it, so nothing is copied but what straddles two
// reads.
type window struct {
	r    io.Reader
	size int // bytes to read at once
	buf  []byte
	pos  int
	end  int
	base int64 // offset of buf[0] in the input
	err  error // what ended the input; nil while there may be more
}

// offset is the place in the input of the next byte to use.
func (w *window) offset() int64 { return w.base + int64(w.pos) }

// left is the number of bytes in memory that are not used yet.
func (w *window) left() int { return w.end - w.pos }

// need reports whether n bytes can be had at buf[pos:], reading more where they
// are not there yet. It invalidates slices of the window. The caller bounds n.
func (w *window) need(n int) bool {
	return w.end-w.pos >= n || w.fill(n)
}

func (w *window) fill(n int) bool {
	if w.err != nil {
		return false
	}
	buf := w.buf
	if n > len(buf) {
		buf = make([]byte, max(n, w.size))
	}
	copy(buf, w.buf[w.pos:w.end])
	w.base += int64(w.pos)
	w.buf, w.pos, w.end = buf, 0, w.end-w.pos
	for empty := 0; w.end < n; {
		k, err := w.r.Read(w.buf[w.end:])
		w.end += k
		switch {
		case err != nil:
			w.err = err
			return w.end >= n
		case k > 0:
			empty = 0
		default:
			if empty++; empty >= maxEmptyReads {
				w.err = io.ErrNoProgress
				return false
			}
		}
	}
	return true
}

// skip leaves n bytes out and reports whether they were all there.
func (w *window) skip(n int64) bool {
	for n > int64(w.left()) {
		n -= int64(w.left())
		w.pos = w.end
		if !w.need(1) {
			return false
		}
	}
	w.pos += int(n)
	return true
}
