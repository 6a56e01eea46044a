package capture

import (
	"container/heap"
	"errors"
	"io"
	"time"

	"github.com/nlbprobe/nlbprobe/evidence"
)

// Merge gives the frames of several sources in the order of their times, those
// of the same instant in the order of the sources. A frame without a time comes
// right after the one before it in its source. Where times go backwards within
// a source, they do in the merge.
type Merge struct {
	queue   queue
	last    *head // the source of the frame handed out last; its frame is used
	pending []error
}

// Later is a Source that may know when its first frame was taken before it is read.
// A Merge reads it once that frame is due: of captures that follow each other few are
// in memory at a time.
type Later interface {
	Source

	// Begins is the time of the first frame, and whether it is known.
	Begins() (time.Time, bool)
}

// NewMerge merges sources. It reads nothing until Next is called.
func NewMerge(sources ...Source) *Merge {
	m := &Merge{}
	for i, s := range sources {
		// The frames are read when Next first looks at them.
		m.queue = append(m.queue, &head{source: s, order: i, unread: true})
	}
	return m
}

// Next is as Reader.Next, but an error other than io.EOF is that of one source,
// told as soon as it is met: the merge goes on with the others, and so may the
// caller. After the last frame and the last error, it returns io.EOF.
func (m *Merge) Next(f *evidence.Frame) error {
	m.advance()
	for len(m.pending) == 0 && len(m.queue) > 0 && m.queue[0].unread {
		m.again(m.queue[0])
	}
	if len(m.pending) > 0 {
		err := m.pending[0]
		m.pending = m.pending[1:]
		*f = evidence.Frame{}
		return err
	}
	if len(m.queue) == 0 {
		*f = evidence.Frame{}
		return io.EOF
	}
	m.last = m.queue[0]
	*f = m.last.frame
	f.Source = m.last.order + 1
	return nil
}

// advance reads on in the source whose frame was handed out, or, the first
// time, in all of them.
func (m *Merge) advance() {
	if m.last == nil {
		kept := m.queue[:0]
		for _, h := range m.queue {
			if !h.later() && h.unread && !m.read(h) {
				continue
			}
			kept = append(kept, h)
		}
		m.queue = kept
		heap.Init(&m.queue)
		return
	}
	h := m.last
	m.last = nil
	m.again(h)
}

// again reads on in the source that is first in the queue.
func (m *Merge) again(h *head) {
	if m.read(h) {
		heap.Fix(&m.queue, 0)
		return
	}
	heap.Pop(&m.queue)
}

// read reads the next frame of a source and reports whether there was one.
func (m *Merge) read(h *head) bool {
	h.unread = false
	if err := h.source.Next(&h.frame); err != nil {
		if !errors.Is(err, io.EOF) {
			m.pending = append(m.pending, err)
		}
		return false
	}
	return true
}

// head is the next frame of a source.
type head struct {
	source Source
	order  int
	unread bool
	frame  evidence.Frame
}

// later gives the head of a source that need not be read yet the time of its first
// frame, and reports whether it is one.
func (h *head) later() bool {
	l, ok := h.source.(Later)
	if !ok || !h.unread {
		return false
	}
	at, known := l.Begins()
	h.frame.Time = at
	return known
}

// queue is a heap of heads, the earliest first.
type queue []*head

func (q queue) Len() int { return len(q) }
func (q queue) Less(i, j int) bool {
	if c := q[i].frame.Time.Compare(q[j].frame.Time); c != 0 {
		return c < 0
	}
	return q[i].order < q[j].order
}
func (q queue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *queue) Push(x any)   { *q = append(*q, x.(*head)) }
func (q *queue) Pop() any {
	old := *q
	x := old[len(old)-1]
	old[len(old)-1] = nil
	*q = old[:len(old)-1]
	return x
}
